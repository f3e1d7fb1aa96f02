//! Who rests: how a carrier that finds nothing to do goes to sleep without missing what comes.
//!
//! Owns the list of resting carriers. Promises that no wake-up is lost: a carrier says that it rests,
//! then looks once more; whoever queues something asks afterwards who rests. Between the two steps of
//! either side stands a sequentially consistent fence, so at least one of them sees the other (the
//! store-buffer pattern).

use std::task::Waker;

use crate::sync::{AtomicUsize, Mutex, Ordering, fence, lock};

/// See the module's page.
pub(crate) struct Rest {
    resting: Mutex<Vec<(usize, Waker)>>,
    /// The length of `resting`, for those who only ask whether anybody rests.
    count: AtomicUsize,
}

impl Rest {
    pub(crate) fn new() -> Self {
        Self { resting: Mutex::new(Vec::new()), count: AtomicUsize::new(0) }
    }

    /// After something was queued: who is to be woken for it, if anybody rests.
    pub(crate) fn call(&self) -> Option<Waker> {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut resting = lock(&self.resting);
        let (_, waker) = resting.pop()?;
        self.count.store(resting.len(), Ordering::Relaxed);
        Some(waker)
    }

    /// A carrier rests, unless it finds something when it looks at the queue once more.
    pub(crate) fn lie_down(&self, index: usize, waker: &Waker) {
        let waker = waker.clone();
        {
            let mut resting = lock(&self.resting);
            resting.push((index, waker));
            self.count.store(resting.len(), Ordering::Relaxed);
        }
        fence(Ordering::SeqCst);
    }

    /// A carrier that lay down does not rest any more. `false` if it was called.
    pub(crate) fn get_up(&self, index: usize) -> bool {
        let mut resting = lock(&self.resting);
        let Some(place) = resting.iter().position(|(resting, _)| *resting == index) else {
            return false;
        };
        let (_, waker) = resting.swap_remove(place);
        self.count.store(resting.len(), Ordering::Relaxed);
        drop(resting);
        drop(waker);
        true
    }
}
