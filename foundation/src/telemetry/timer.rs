//! An operation that goes on: it ends once, whatever happens.

use std::borrow::Borrow;
use std::thread;

use tracing::Span;

use super::operation::Operation;
use super::summary::Status;

/// An operation that was started. Ends by [`finish`](Self::finish), or when it is dropped: as
/// [`Status::Panicked`] if the thread began to panic since the start, as [`Status::Cancelled`]
/// otherwise. One that is leaked never ends and is never counted.
///
/// `O` is `&Operation` if it was made by [`Operation::start`], and `Operation` if it was made by
/// [`Operation::start_owned`].
#[derive(Debug)]
#[must_use = "an operation ends when its timer is dropped"]
pub struct Timer<O: Borrow<Operation>> {
    /// The operation, until it has ended.
    operation: Option<O>,
    /// When it was started, if it is timed.
    started: Option<u64>,
    /// Whether a drop while the thread unwinds means that the operation panicked. Not if the thread
    /// unwound at the start, which is then part of a destructor, nor between two polls.
    can_panic: bool,
    /// The span of a tracked operation that a subscriber asked for. Boxed, so that the usual timer is
    /// small.
    span: Option<Box<Span>>,
}

impl<O: Borrow<Operation>> Timer<O> {
    #[inline]
    pub(super) fn new(operation: O, span: Option<Box<Span>>) -> Self {
        let started = operation.borrow().begin();
        Self { operation: Some(operation), started, can_panic: !thread::panicking(), span }
    }

    /// Does `work` in the span of the operation, if it has one.
    #[inline]
    pub(super) fn in_span<T>(&self, work: impl FnOnce() -> T) -> T {
        match &self.span {
            Some(span) => span.in_scope(work),
            None => work(),
        }
    }

    /// From now on the operation's code runs.
    pub(super) fn working(self) -> Self {
        self.able_to_panic(!thread::panicking())
    }

    /// From now on the operation waits: whoever drops it cancels it.
    pub(super) fn resting(self) -> Self {
        self.able_to_panic(false)
    }

    fn able_to_panic(mut self, can_panic: bool) -> Self {
        self.can_panic = can_panic;
        self
    }

    /// Ends the operation.
    #[inline]
    pub fn finish(mut self, status: Status) {
        self.end(status);
    }

    /// Ends the operation, unless it has ended.
    #[inline]
    pub(super) fn end(&mut self, status: Status) {
        if let Some(operation) = self.operation.take() {
            operation.borrow().end(self.started, status);
            if let Some(span) = &self.span {
                span.record("status", status.as_str());
            }
        }
    }
}

impl<O: Borrow<Operation>> Drop for Timer<O> {
    #[inline]
    fn drop(&mut self) {
        if self.operation.is_some() {
            let panicked = self.can_panic && thread::panicking();
            self.end(if panicked { Status::Panicked } else { Status::Cancelled });
        }
    }
}
