//! A future whose polls are charged to an account.

use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Account;

pin_project! {
    /// A future that charges what it allocates to an account. From
    /// [`Account::track_future`](super::Account::track_future).
    ///
    /// The account is entered for each poll, and for the future's destructor, so polls of other
    /// futures on the same thread are not charged to it, whichever order they come in. Cancel-safe
    /// exactly as the future in it is.
    #[must_use = "futures do nothing unless polled"]
    #[derive(Debug)]
    pub struct Tracked<F> {
        account: Account,
        // `None` once the destructor has begun.
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Tracked<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            this.account.enter(|| this.future.set(None));
        }
    }
}

impl<F> Tracked<F> {
    pub(super) fn new(account: Account, future: F) -> Self {
        Self { account, future: Some(future) }
    }
}

impl<F: Future> Future for Tracked<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        match this.future.as_pin_mut() {
            Some(future) => this.account.enter(|| future.poll(context)),
            None => Poll::Pending,
        }
    }
}
