//! Who rests: how a carrier that finds nothing to do goes to sleep without missing what comes.
//!
//! Owns the list of resting carriers. Promises that no wake-up is lost: a carrier says that it rests,
//! then looks once more; whoever queues something asks afterwards who rests. Between the two steps of
//! either side stands a sequentially consistent fence, so at least one of them sees the other (the
//! store-buffer pattern). A carrier that was called and has not looked yet keeps others asleep: when it
//! finds something it calls the next, so a burst wakes as many as it takes and no herd.

use std::task::Waker;

use crate::sync::{AtomicUsize, Mutex, Ordering, fence, lock};

/// See the module's page.
pub(crate) struct Rest {
    resting: Mutex<Vec<(usize, Waker)>>,
    /// The length of `resting`, for those who only ask whether anybody rests.
    count: AtomicUsize,
    /// Carriers that were called and have not looked yet.
    looking: AtomicUsize,
}

impl Rest {
    pub(crate) fn new() -> Self {
        Self { resting: Mutex::default(), count: AtomicUsize::new(0), looking: AtomicUsize::new(0) }
    }

    /// After something was queued: who is to be woken for it, if anybody. That one looks, until it
    /// says [`looked`](Self::looked).
    pub(crate) fn call(&self) -> Option<Waker> {
        fence(Ordering::SeqCst);
        if self.looking.load(Ordering::Relaxed) > 0 || self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.call_any()
    }

    /// One that rests, whoever looks.
    pub(crate) fn call_any(&self) -> Option<Waker> {
        let mut resting = lock(&self.resting);
        let (_, waker) = resting.pop()?;
        self.count.store(resting.len(), Ordering::Relaxed);
        self.looking.fetch_add(1, Ordering::Relaxed);
        Some(waker)
    }

    /// A carrier that was called has looked, and looks at the queue again after this.
    pub(crate) fn looked(&self) {
        self.looking.fetch_sub(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
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

    /// A carrier that lay down does not rest any more. `false` if it was called: then it looks.
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
