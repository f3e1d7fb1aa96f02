//! The reading end of a log: a cursor, three ways to wait for the next entry, and honest accounts
//! of what was missed.

use std::future::poll_fn;
use std::task::{Context, Poll};
use std::time::Instant;

use thiserror::Error;

use super::{Core, Sequence};
use crate::park::until;
use crate::sync::{Arc, lock};

/// A reader of a log, with a position of its own.
///
/// Every subscription sees the same entries in the same order. One that falls so far behind that
/// entries were evicted before it read them is told how many, once for each gap, and goes on with
/// the oldest entry that is kept.
pub struct Subscription<T> {
    core: Arc<Core<T>>,
    /// This subscriber's place among the waiters.
    place: usize,
    /// The number of the next entry to read.
    cursor: u64,
}

/// Entries were evicted before this subscription read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{missed} entries were evicted before they were read; the next one is {resumes_at}")]
pub struct Lagged {
    /// How many entries were missed.
    pub missed: u64,
    /// The entry that the next read tries.
    pub resumes_at: Sequence,
}

/// Why there is no next entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum NextError {
    /// Entries were missed. Reading goes on with the next call.
    #[error(transparent)]
    Lagged(#[from] Lagged),
    /// Every writer is gone and everything was read. This is final.
    #[error("the log is closed and everything in it was read")]
    Closed,
}

impl<T> Subscription<T> {
    pub(super) fn new(core: Arc<Core<T>>, place: usize, cursor: u64) -> Self {
        Self { core, place, cursor }
    }

    /// The number of the entry that the next read tries.
    pub fn position(&self) -> Sequence {
        Sequence::new(self.cursor)
    }

    /// Waits no longer: an append wakes nobody for it.
    pub(crate) fn unpark(&self) {
        let parked = lock(&self.core.state).waiters.unpark(self.place);
        drop(parked);
    }

    /// How many entries exist that this subscription has not read, evicted ones included.
    pub fn lag(&self) -> u64 {
        lock(&self.core.state).next.saturating_sub(self.cursor)
    }
}

impl<T: Clone> Subscription<T> {
    /// The next entry if there is one; never waits.
    ///
    /// `Ok(None)` says that everything was read and that more may come.
    pub fn try_next(&mut self) -> Result<Option<T>, NextError> {
        lock(&self.core.state).read(&mut self.cursor).transpose()
    }

    /// Waits for the next entry.
    ///
    /// Cancel-safe: an entry is taken only in the poll that returns it. Needs no particular runtime.
    pub async fn next(&mut self) -> Result<T, NextError> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// The next entry, or registers the task to be woken once there is one.
    ///
    /// The latest waker given is the one woken; it is dropped with the subscription at the latest.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<T, NextError>> {
        if let Some(found) = self.try_next().transpose() {
            return Poll::Ready(found);
        }
        // The waker is the executor's code: it is cloned before the lock is taken and the one it
        // replaces is dropped after. The second look and the registration are one step.
        let waker = context.waker().clone();
        let mut state = lock(&self.core.state);
        if let Some(found) = state.read(&mut self.cursor) {
            return Poll::Ready(found);
        }
        let replaced = state.waiters.park(self.place, waker);
        drop(state);
        drop(replaced);
        Poll::Pending
    }

    /// Waits on this thread for the next entry, until `deadline` at the latest.
    ///
    /// `Ok(None)` says that the deadline passed. It is real time, whatever
    /// [`Clock`](crate::clock::Clock) the program uses. For plain threads; a task uses
    /// [`next`](Self::next), which does not hold up the others on its thread.
    pub fn next_blocking(&mut self, deadline: Instant) -> Result<Option<T>, NextError> {
        if let Some(found) = until(deadline, poll_fn(|context| self.poll_next(context))) {
            return found.map(Some);
        }
        self.unpark();
        Ok(None)
    }
}

impl<T> Drop for Subscription<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.core.state);
        let waker = state.waiters.leave(self.place);
        let unwanted = (self.core.retention.only_while_subscribed && state.waiters.is_empty())
            .then(|| state.clear());
        drop(state);
        drop(waker);
        drop(unwanted);
    }
}

impl<T> std::fmt::Debug for Subscription<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscription").field("position", &self.position()).finish_non_exhaustive()
    }
}
