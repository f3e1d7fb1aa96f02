//! The answer to a job, before it is there.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use super::error::DatabaseError;
use crate::answer;
use crate::park::until;

/// A claim to the answer of one job: a future for any executor, or a wait on a plain thread.
///
/// Dropping it gives up the answer and cancels nothing. The answer is handed out once; whoever asks
/// again gets [`DatabaseError::Stopped`].
#[derive(Debug)]
#[must_use = "the job is done when the ticket says so"]
pub struct Ticket<T>(answer::Receiver<Result<T, DatabaseError>>);

/// Where the answer is put. Dropped without one, it answers [`DatabaseError::Stopped`].
pub(super) type Answer<T> = answer::Sender<Result<T, DatabaseError>>;

impl<T> Ticket<T> {
    /// A ticket and the place for its answer.
    pub(super) fn new() -> (Answer<T>, Self) {
        let (answer, receiver) = answer::answer();
        (answer, Self(receiver))
    }

    /// Waits on this thread for the answer, until `deadline` at the latest. After
    /// [`DatabaseError::Deadline`] one may wait again.
    ///
    /// For plain threads; a task awaits the ticket, which does not hold up the others on its thread.
    pub fn wait(&mut self, deadline: Instant) -> Result<T, DatabaseError> {
        until(deadline, self).unwrap_or(Err(DatabaseError::Deadline))
    }
}

impl<T> Future for Ticket<T> {
    type Output = Result<T, DatabaseError>;

    /// Cancel-safe: the answer is taken only in the poll that returns it.
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let answer = ready!(Pin::new(&mut self.0).poll(context));
        Poll::Ready(answer.unwrap_or(Err(DatabaseError::Stopped)))
    }
}
