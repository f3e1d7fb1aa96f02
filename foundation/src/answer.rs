//! One answer, from whoever has it to whoever waits for it: a future, for any executor.
//!
//! Plain: a lock around a place. The lock is held for a few words; no waker and no destructor of a user
//! runs under it. (The crate `oneshot` 0.2.1, which stood here, frees its channel under the sender if a
//! receiver that was polled is dropped while the answer is being sent.)

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// Answers, or does not: dropping it is the receiver's [`Unanswered`].
pub(crate) struct Sender<T>(Arc<Slot<T>>);

/// Receives the answer, once.
pub(crate) struct Receiver<T>(Arc<Slot<T>>);

/// The sender has gone without an answer, or the answer was taken before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unanswered;

struct Slot<T>(Mutex<State<T>>);

struct State<T> {
    answer: Option<T>,
    has_sender: bool,
    has_receiver: bool,
    waker: Option<Waker>,
}

/// The two ends of one answer. Allocates once.
pub(crate) fn answer<T>() -> (Sender<T>, Receiver<T>) {
    let state = State { answer: None, has_sender: true, has_receiver: true, waker: None };
    let slot = Arc::new(Slot(Mutex::new(state)));
    (Sender(Arc::clone(&slot)), Receiver(slot))
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}

impl<T> Slot<T> {
    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sender<T> {
    /// Answers. The answer comes back if nobody waits for it.
    pub(crate) fn send(self, answer: T) -> Result<(), T> {
        let mut state = self.0.lock();
        if !state.has_receiver {
            drop(state);
            return Err(answer);
        }
        state.answer = Some(answer);
        // The waker is woken as this end is dropped, behind the lock.
        drop(state);
        Ok(())
    }

    /// Whether nobody waits any more.
    #[cfg(feature = "sqlite")]
    pub(crate) fn is_closed(&self) -> bool {
        !self.0.lock().has_receiver
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        let waker = {
            let mut state = self.0.lock();
            state.has_sender = false;
            state.waker.take()
        };
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Receiver<T> {
    /// The answer, if it is there.
    pub(crate) fn try_recv(&self) -> Option<T> {
        self.0.lock().answer.take()
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, Unanswered>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Cloned and dropped outside of the lock: both are code of an executor.
        let waker = context.waker().clone();
        let mut state = self.0.lock();
        if let Some(answer) = state.answer.take() {
            return Poll::Ready(Ok(answer));
        }
        if !state.has_sender {
            return Poll::Ready(Err(Unanswered));
        }
        let before = state.waker.replace(waker);
        drop(state);
        drop(before);
        Poll::Pending
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let left = {
            let mut state = self.0.lock();
            state.has_receiver = false;
            (state.answer.take(), state.waker.take())
        };
        drop(left);
    }
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use std::pin::pin;
    use std::sync::Barrier;
    use std::thread;
    use std::time::{Duration, Instant};

    use super::*;
    use crate::park;

    #[test]
    fn an_answer_arrives_or_comes_back_or_is_told_to_be_missing() {
        let soon = || Instant::now() + Duration::from_secs(30);
        let (sender, receiver) = answer();
        assert_eq!(sender.send(1), Ok(()));
        assert_eq!(park::until(soon(), receiver), Some(Ok(1)));
        let (sender, receiver) = answer::<u8>();
        drop(sender);
        assert_eq!(park::until(soon(), receiver), Some(Err(Unanswered)));
        let (sender, receiver) = answer();
        drop(receiver);
        assert_eq!(sender.send(2), Err(2));
    }

    #[test]
    fn a_receiver_that_gives_up_while_it_is_answered_harms_nobody() {
        for round in 0..2_000 {
            let (sender, mut receiver) = answer::<Box<u32>>();
            let together = Barrier::new(2);
            thread::scope(|scope| {
                scope.spawn(|| {
                    together.wait();
                    drop(sender.send(Box::new(round)));
                });
                let mut context = Context::from_waker(Waker::noop());
                let _ = pin!(&mut receiver).poll(&mut context);
                together.wait();
                drop(receiver);
            });
        }
    }
}
