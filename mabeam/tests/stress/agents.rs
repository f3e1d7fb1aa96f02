//! Who takes part: workers that keep account of what they were sent, and a watcher who hears of ends.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::owner::MonitorId;
use mabeam::{Agent, AgentRef, CallError, CastError, Context, Down, Handler, Message, Reason};
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::yield_now;

use crate::{BOUND, SENDERS};

/// Everything that is sent has one: at the end of a round none is left.
pub(crate) type Token = Arc<()>;

pub(crate) struct Worker {
    pub(crate) last: [u64; SENDERS],
    /// The first message that did not follow the one before of its sender.
    pub(crate) gap: Option<String>,
    pub(crate) handled: Arc<AtomicU64>,
    /// Agents call only those after them, so no two wait for each other.
    pub(crate) next: Option<AgentRef<Self>>,
}

impl Agent for Worker {}

/// Numbered by its sender for this agent, without a gap.
pub(crate) struct Note {
    pub(crate) sender: usize,
    pub(crate) number: u64,
    pub(crate) token: Token,
}

impl Message for Note {
    type Reply = u64;
}

impl Handler<Note> for Worker {
    async fn handle(&mut self, note: Note, _: &mut Context<Self>) -> u64 {
        let last = &mut self.last[note.sender];
        if note.number != *last + 1 && self.gap.is_none() {
            self.gap = Some(format!("{} of sender {} after {last}", note.number, note.sender));
        }
        *last = note.number;
        self.handled.fetch_add(1, Ordering::Relaxed);
        drop(note.token);
        *last
    }
}

/// Waits in its handler, so often.
pub(crate) struct Nap(pub(crate) u32, pub(crate) Token);

impl Message for Nap {
    type Reply = u32;
}

impl Handler<Nap> for Worker {
    async fn handle(&mut self, Nap(times, _token): Nap, _: &mut Context<Self>) -> u32 {
        for _ in 0..times {
            yield_now().await;
        }
        times
    }
}

/// Handed on to the next agent, and its answer waited for.
pub(crate) struct Relay(pub(crate) u32, pub(crate) Token);

impl Message for Relay {
    type Reply = Result<u32, Reason>;
}

impl Handler<Relay> for Worker {
    async fn handle(
        &mut self,
        Relay(hops, token): Relay,
        _: &mut Context<Self>,
    ) -> Result<u32, Reason> {
        let Some(next) = self.next.as_ref().filter(|_| hops > 0) else { return Ok(0) };
        match next.call(Relay(hops - 1, token)).deadline(BOUND).await {
            Ok(further) => further.map(|hops| hops + 1),
            Err(
                CallError::Exited { reason, .. }
                | CallError::Undelivered(CastError::Ended { reason, .. }),
            ) => Err(reason),
            Err(other) => Err(Reason::Failed(format!("lost: {other}").into())),
        }
    }
}

pub(crate) struct Panic(#[expect(dead_code, reason = "for its drop")] pub(crate) Token);

impl Message for Panic {
    type Reply = ();
}

impl Handler<Panic> for Worker {
    async fn handle(&mut self, _: Panic, _: &mut Context<Self>) {
        // Without the noise of a panic hook.
        std::panic::resume_unwind(Box::new("stress"));
    }
}

/// What an agent has heard of each sender, and the first gap.
pub(crate) struct Account;

impl Message for Account {
    type Reply = ([u64; SENDERS], Option<String>);
}

impl Handler<Account> for Worker {
    async fn handle(
        &mut self,
        _: Account,
        _: &mut Context<Self>,
    ) -> ([u64; SENDERS], Option<String>) {
        (self.last, self.gap.clone())
    }
}

/// Passes on each `Down` that it hears.
pub(crate) struct Watcher(pub(crate) UnboundedSender<Down>);

impl Agent for Watcher {
    async fn on_down(&mut self, down: Down, _: &mut Context<Self>) {
        let _ = self.0.send(down);
    }
}

pub(crate) struct Watch(pub(crate) AgentRef<Worker>);

impl Message for Watch {
    type Reply = MonitorId;
}

impl Handler<Watch> for Watcher {
    async fn handle(&mut self, Watch(agent): Watch, context: &mut Context<Self>) -> MonitorId {
        context.monitor(&agent)
    }
}
