//! xtra 0.6: `spawn_tokio` with `Mailbox::unbounded()`, `send` for a call, `send(..).detach()` for a
//! cast, `join_all` over sends for many.
//!
//! An actor stops by a handler that calls `stop_self`; its end is seen by `Address::join`. There is
//! no kill and no monitor: the nearest is to stop each and to await its join handle.

use futures_util::future::join_all;
use xtra::{Actor, Address, Context, Handler, Mailbox};

use super::{Subject, Watched};
use crate::work::{State, Work};

/// xtra.
pub struct Xtra;

struct Stop;

impl Actor for State {
    type Stop = ();

    async fn stopped(self) {}
}

impl Handler<Work> for State {
    type Return = u64;

    async fn handle(&mut self, work: Work, _: &mut Context<Self>) -> u64 {
        State::handle(self, work)
    }
}

impl Handler<Stop> for State {
    type Return = ();

    async fn handle(&mut self, _: Stop, context: &mut Context<Self>) {
        context.stop_self();
    }
}

impl Subject for Xtra {
    const NAME: &'static str = "xtra";
    type Agent = Address<State>;

    async fn spawn() -> Self::Agent {
        xtra::spawn_tokio(State::default(), Mailbox::unbounded())
    }

    async fn call(agent: &Self::Agent, work: Work) -> u64 {
        agent.send(work).await.expect("the actor answers")
    }

    async fn cast(agent: &Self::Agent, work: Work) {
        drop(agent.send(work).detach().await.expect("the actor lives"));
    }

    async fn call_all(agents: &[Self::Agent], work: Work) -> usize {
        let replies = join_all(agents.iter().map(|agent| agent.send(work))).await;
        replies.iter().filter(|reply| reply.is_ok()).count()
    }

    async fn stop(agent: Self::Agent) -> impl Future<Output = ()> + Send + 'static {
        drop(agent.send(Stop).detach().await.expect("the actor lives"));
        agent.join()
    }

    async fn watched(count: usize) -> Option<Watched> {
        let mut agents = Vec::with_capacity(count);
        for _ in 0..count {
            let agent = Self::spawn().await;
            Self::call(&agent, Work::Add(1)).await;
            agents.push(agent);
        }
        let ends: Vec<_> = agents.iter().map(Address::join).collect();
        Some(Watched {
            kill: Box::pin(async move {
                for agent in agents {
                    drop(agent.send(Stop).detach().await);
                }
            }),
            notices: Box::pin(async move {
                let count = ends.len();
                for end in ends {
                    end.await;
                }
                count
            }),
        })
    }
}
