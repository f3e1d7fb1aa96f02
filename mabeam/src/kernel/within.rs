//! A future with a deadline that costs nothing until it has to wait.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;

use crate::system::Shared;
use crate::wait::Deadline;

pin_project! {
    /// See [`within`].
    pub(crate) struct Within<F> {
        #[pin]
        future: F,
        #[pin]
        deadline: Deadline,
        system: Arc<Shared>,
    }
}

/// `future`, but `None` if it is not ready `after` it was first polled. The timer is set only if the
/// first poll has to wait; it is the system's, so the future can be polled anywhere.
pub(crate) const fn within<F: Future>(
    after: Duration,
    future: F,
    system: Arc<Shared>,
) -> Within<F> {
    Within { future, deadline: Deadline::new(after), system }
}

impl<F: Future> Future for Within<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        match this.future.poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => this.deadline.poll(this.system, context).map(|()| None),
        }
    }
}
