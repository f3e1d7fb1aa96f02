//! ractor 0.16: `Actor::spawn`, one message type an actor, `call`, `cast` and `multi_call` of
//! `ractor::rpc`. Its mailbox is always unbounded.
//!
//! An actor stops by `stop`, its end is `wait`. Deaths are reported to the supervisor that an actor
//! was spawned under (monitors are a feature that is off by default), killed by `kill`.

use ractor::rpc::{self, CallResult};
use ractor::{Actor, ActorProcessingErr, ActorRef, RpcReplyPort, SupervisionEvent};
use tokio::sync::oneshot;

use super::{PEERS_HAVE_DEFAULT_FEATURES, Subject, Watched};
use crate::work::{State, Work};

/// ractor.
pub struct Ractor;

struct Worker;

/// A message with where its reply goes, if anywhere.
pub enum Mail {
    Call(Work, RpcReplyPort<u64>),
    Cast(Work),
}

impl Actor for Worker {
    type Msg = Mail;
    type State = State;
    type Arguments = ();

    async fn pre_start(&self, _: ActorRef<Mail>, (): ()) -> Result<State, ActorProcessingErr> {
        Ok(State::default())
    }

    async fn handle(
        &self,
        _: ActorRef<Mail>,
        mail: Mail,
        state: &mut State,
    ) -> Result<(), ActorProcessingErr> {
        match mail {
            Mail::Call(work, port) => port.send(state.handle(work))?,
            Mail::Cast(work) => drop(state.handle(work)),
        }
        Ok(())
    }
}

/// The supervisor that is told of deaths.
struct Witness {
    awaited: usize,
}

/// What it has seen, and whom it tells when it has seen all.
struct Seen(usize, Option<oneshot::Sender<usize>>);

impl Actor for Witness {
    type Msg = ();
    type State = Seen;
    type Arguments = oneshot::Sender<usize>;

    async fn pre_start(
        &self,
        _: ActorRef<()>,
        all_seen: oneshot::Sender<usize>,
    ) -> Result<Seen, ActorProcessingErr> {
        Ok(Seen(0, Some(all_seen)))
    }

    async fn handle_supervisor_evt(
        &self,
        _: ActorRef<()>,
        event: SupervisionEvent,
        Seen(seen, all_seen): &mut Seen,
    ) -> Result<(), ActorProcessingErr> {
        if matches!(
            event,
            SupervisionEvent::ActorTerminated(..) | SupervisionEvent::ActorFailed(..)
        ) {
            *seen += 1;
            if *seen == self.awaited
                && let Some(all_seen) = all_seen.take()
            {
                let _ = all_seen.send(*seen);
            }
        }
        Ok(())
    }
}

impl Subject for Ractor {
    const NAME: &'static str =
        if PEERS_HAVE_DEFAULT_FEATURES { "ractor" } else { "ractor, no span propagation" };
    type Agent = ActorRef<Mail>;

    async fn spawn() -> Self::Agent {
        Actor::spawn(None, Worker, ()).await.expect("an actor starts").0
    }

    async fn call(agent: &Self::Agent, work: Work) -> u64 {
        let reply = agent.call(|port| Mail::Call(work, port), None).await;
        reply.expect("the actor lives").expect("the actor answers")
    }

    async fn cast(agent: &Self::Agent, work: Work) {
        agent.cast(Mail::Cast(work)).expect("the actor lives");
    }

    async fn call_all(agents: &[Self::Agent], work: Work) -> usize {
        let replies = rpc::multi_call(agents, |port| Mail::Call(work, port), None).await;
        let replies = replies.expect("the actors live");
        replies.iter().filter(|reply| matches!(reply, CallResult::Success(_))).count()
    }

    async fn stop(agent: Self::Agent) -> impl Future<Output = ()> + Send + 'static {
        agent.stop(None);
        async move { agent.wait(None).await.expect("there is no time limit") }
    }

    async fn watched(count: usize) -> Option<Watched> {
        let (all_seen, notices) = oneshot::channel();
        let witness = Witness { awaited: count };
        let (witness, _) = Actor::spawn(None, witness, all_seen).await.expect("an actor starts");
        let mut agents = Vec::with_capacity(count);
        for _ in 0..count {
            let agent = Actor::spawn_linked(None, Worker, (), witness.get_cell()).await;
            let (agent, _) = agent.expect("an actor starts");
            Self::call(&agent, Work::Add(1)).await;
            agents.push(agent);
        }
        Some(Watched {
            kill: Box::pin(async move {
                for agent in agents {
                    agent.kill();
                }
            }),
            notices: Box::pin(async move {
                let seen = notices.await.unwrap_or(0);
                witness.stop(None);
                seen
            }),
        })
    }
}
