//! An agent that keeps what it was sent, and that can be held up in the middle of a handler.

#![allow(dead_code, reason = "each test uses what it needs")]
#![expect(clippy::unwrap_used, reason = "in tests")]

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Wake, Waker};
use std::time::Duration;

use mabeam::{Agent, AgentRef, Context, Handler, Message};
use tokio::sync::oneshot;

/// More than anything takes here.
pub(crate) const LONG: Duration = Duration::from_secs(30);

#[derive(Default)]
pub(crate) struct Keeper {
    seen: Vec<u64>,
}

impl Agent for Keeper {}

/// Is kept, and answered with how many were kept.
#[derive(Debug, PartialEq)]
pub(crate) struct Put(pub(crate) u64);

impl Message for Put {
    type Reply = usize;
}

impl Handler<Put> for Keeper {
    async fn handle(&mut self, Put(number): Put, _: &mut Context<Self>) -> usize {
        self.seen.push(number);
        self.seen.len()
    }
}

/// Answered with all that was kept.
pub(crate) struct Seen;

impl Message for Seen {
    type Reply = Vec<u64>;
}

impl Handler<Seen> for Keeper {
    async fn handle(&mut self, _: Seen, _: &mut Context<Self>) -> Vec<u64> {
        self.seen.clone()
    }
}

/// Says that it was begun, and waits until it is let go.
pub(crate) struct Hold {
    begun: oneshot::Sender<()>,
    let_go: oneshot::Receiver<()>,
}

/// The other end of a [`Hold`].
pub(crate) struct Held {
    begun: oneshot::Receiver<()>,
    let_go: oneshot::Sender<()>,
}

impl Message for Hold {
    type Reply = ();
}

impl Handler<Hold> for Keeper {
    async fn handle(&mut self, hold: Hold, _: &mut Context<Self>) {
        let _ = hold.begun.send(());
        let _ = hold.let_go.await;
    }
}

impl Hold {
    pub(crate) fn new() -> (Self, Held) {
        let (news, begun) = oneshot::channel();
        let (door, gate) = oneshot::channel();
        (Self { begun: news, let_go: gate }, Held { begun, let_go: door })
    }
}

impl Held {
    /// Waits until the handler was begun.
    pub(crate) async fn begun(&mut self) {
        (&mut self.begun).await.unwrap();
    }

    /// Lets the handler return.
    pub(crate) fn let_go(self) {
        let _ = self.let_go.send(());
    }
}

/// Holds an agent up. Its mailbox is as it was when this returns, if its limit is below 16.
pub(crate) async fn hold(agent: &AgentRef<Keeper>) -> Held {
    let (message, mut held) = Hold::new();
    agent.cast(message).unwrap();
    held.begun().await;
    held
}

/// Polls by hand, and counts how often it was woken.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    pub(crate) fn poll<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut std::task::Context::from_waker(&Waker::from(Arc::clone(self))))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
