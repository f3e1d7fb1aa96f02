//! kameo 0.22: `Spawn::spawn` (a mailbox of 64, its default) or `spawn_with_mailbox` and
//! `mailbox::unbounded()`; `ask` for a call, `tell` for a cast (its sender waits while the mailbox is
//! full), `join_all` over asks for many.
//!
//! An actor stops by `stop_gracefully`, its end is `wait_for_shutdown`. Deaths are reported to a
//! linked actor, killed by `kill`; that actor has an unbounded mailbox in both variants.

use std::convert::Infallible;
use std::ops::ControlFlow;

use futures_util::future::join_all;
use kameo::actor::{Actor, ActorId, ActorRef, Spawn, WeakActorRef};
use kameo::error::ActorStopReason;
use kameo::mailbox;
use kameo::message::{Context, Message};
use tokio::sync::oneshot;

use super::{PEERS_HAVE_DEFAULT_FEATURES, Subject, Watched};
use crate::work::{State, Work};

/// kameo, with the mailbox it has by default or with an unbounded one.
pub struct Kameo<const UNBOUNDED: bool>;

impl Actor for State {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(state: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(state)
    }
}

impl Message<Work> for State {
    type Reply = u64;

    async fn handle(&mut self, work: Work, _: &mut Context<Self, u64>) -> u64 {
        State::handle(self, work)
    }
}

/// The actor that is told of deaths.
struct Witness {
    awaited: usize,
    seen: usize,
    all_seen: Option<oneshot::Sender<usize>>,
}

impl Actor for Witness {
    type Args = Self;
    type Error = Infallible;

    async fn on_start(witness: Self, _: ActorRef<Self>) -> Result<Self, Infallible> {
        Ok(witness)
    }

    async fn on_link_died(
        &mut self,
        _: WeakActorRef<Self>,
        _: ActorId,
        _: ActorStopReason,
    ) -> Result<ControlFlow<ActorStopReason>, Infallible> {
        self.seen += 1;
        if self.seen == self.awaited
            && let Some(all_seen) = self.all_seen.take()
        {
            let _ = all_seen.send(self.seen);
        }
        Ok(ControlFlow::Continue(()))
    }
}

impl<const UNBOUNDED: bool> Subject for Kameo<UNBOUNDED> {
    const NAME: &'static str = if !PEERS_HAVE_DEFAULT_FEATURES {
        "kameo, no default features"
    } else if UNBOUNDED {
        "kameo, unbounded mailbox"
    } else {
        "kameo"
    };
    type Agent = ActorRef<State>;

    async fn spawn() -> Self::Agent {
        if UNBOUNDED {
            State::spawn_with_mailbox(State::default(), mailbox::unbounded())
        } else {
            State::spawn(State::default())
        }
    }

    async fn call(agent: &Self::Agent, work: Work) -> u64 {
        agent.ask(work).send().await.expect("the actor answers")
    }

    async fn cast(agent: &Self::Agent, work: Work) {
        agent.tell(work).send().await.expect("the actor lives");
    }

    async fn call_all(agents: &[Self::Agent], work: Work) -> usize {
        let replies = join_all(agents.iter().map(|agent| agent.ask(work).send())).await;
        replies.iter().filter(|reply| reply.is_ok()).count()
    }

    async fn stop(agent: Self::Agent) -> impl Future<Output = ()> + Send + 'static {
        agent.stop_gracefully().await.expect("the actor lives");
        async move { agent.wait_for_shutdown().await }
    }

    async fn watched(count: usize) -> Option<Watched> {
        let (all_seen, notices) = oneshot::channel();
        let witness = Witness { awaited: count, seen: 0, all_seen: Some(all_seen) };
        let witness = Witness::spawn_with_mailbox(witness, mailbox::unbounded());
        let mut agents = Vec::with_capacity(count);
        for _ in 0..count {
            let agent = Self::spawn().await;
            witness.link(&agent).await;
            Self::call(&agent, Work::Add(1)).await;
            agents.push(agent);
        }
        Some(Watched {
            kill: Box::pin(async move { agents.iter().for_each(ActorRef::kill) }),
            notices: Box::pin(async move {
                let seen = notices.await.unwrap_or(0);
                drop(witness);
                seen
            }),
        })
    }
}
