//! A future that is an operation.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::operation::Operation;
use super::summary::Status;
use super::timer::Timer;

pin_project! {
    /// A future that is recorded as an operation. Made by
    /// [`Operation::track_future`](super::Operation::track_future).
    ///
    /// A panic in a poll ends the operation as [`Status::Panicked`] there and then, whoever catches
    /// it. As large as the future and a [`Timer`].
    #[must_use = "futures do nothing unless polled"]
    pub struct Tracked<'a, F: Future> {
        // Absent while a poll goes on, whose unwinding then ends it, and once the operation ended.
        timer: Option<Timer<&'a Operation>>,
        judge: fn(&F::Output) -> Status,
        #[pin]
        future: F,
    }
}

impl<'a, F: Future> Tracked<'a, F> {
    pub(super) fn new(
        timer: Timer<&'a Operation>,
        judge: fn(&F::Output) -> Status,
        future: F,
    ) -> Self {
        Self { timer: Some(timer.resting()), judge, future }
    }
}

impl<F: Future> Future for Tracked<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(timer) = this.timer.take() else { return this.future.poll(context) };
        let timer = timer.working();
        let polled = timer.in_span(|| this.future.poll(context));
        match &polled {
            Poll::Ready(output) => timer.finish((this.judge)(output)),
            Poll::Pending => *this.timer = Some(timer.resting()),
        }
        polled
    }
}
