//! What is left to do when an entry has been appended: waking who waits and dropping what was
//! evicted. Both run code of a user, so the appender does it when it holds nothing any more.

use super::state::Evicted;
use super::waiters::Waiter;
use crate::panics::FirstPanic;

/// The rest of an append, done when this is dropped. Wakes first, then drops the evicted entries.
#[must_use = "whoever waits is woken when this is dropped"]
pub(crate) struct Aftermath<T> {
    waiting: Vec<Waiter>,
    /// Only dropped, after the `Drop` below and also if that panics.
    _evicted: Evicted<T>,
}

impl<T> Aftermath<T> {
    pub(super) fn new(waiting: Vec<Waiter>, evicted: Evicted<T>) -> Self {
        Self { waiting, _evicted: evicted }
    }
}

impl<T> Drop for Aftermath<T> {
    fn drop(&mut self) {
        // Nearly every append finds nobody waiting.
        if !self.waiting.is_empty() {
            wake_all(std::mem::take(&mut self.waiting));
        }
    }
}

/// Wakes everyone, also after a waker that panics. The first panic goes on once all are woken,
/// unless the thread is unwinding already.
pub(super) fn wake_all(waiting: Vec<Waiter>) {
    let mut panics = FirstPanic::default();
    for waiter in waiting {
        panics.catch(|| waiter.waker.wake());
    }
}
