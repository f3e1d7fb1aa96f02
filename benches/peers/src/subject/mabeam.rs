//! mabeam: one `System` with its default settings on the runtime of the workers; `spawn`, `call`,
//! `cast` and `call_all`. Its mailboxes have 65,536 places by default, more than any workload
//! fills; a second subject has unbounded ones.
//!
//! An agent ends by `stop`, and its end is told by a monitor. Deaths are reported by one monitor an
//! agent, killed by `kill`.

use std::sync::LazyLock;

use mabeam::{
    Agent, AgentRef, Config, Context, Handler, Mailbox, Message, Reason, System, call_all,
};

use super::{Subject, Watched};
use crate::host;
use crate::work::{State, Work};

/// mabeam, with the mailbox it has by default or with an unbounded one.
pub struct Mabeam<const UNBOUNDED: bool>;

impl Agent for State {}

impl Message for Work {
    type Reply = u64;
}

impl Handler<Work> for State {
    async fn handle(&mut self, work: Work, _: &mut Context<Self>) -> u64 {
        State::handle(self, work)
    }
}

/// The system of this process.
fn system() -> &'static System {
    static SYSTEM: LazyLock<System> = LazyLock::new(|| {
        let _entered = host::workers().enter();
        System::new(Config::default()).expect("there is a runtime")
    });
    &SYSTEM
}

impl<const UNBOUNDED: bool> Subject for Mabeam<UNBOUNDED> {
    const NAME: &'static str = if UNBOUNDED { "mabeam, unbounded mailbox" } else { "mabeam" };
    type Agent = AgentRef<State>;

    async fn spawn() -> Self::Agent {
        let spawn = system().spawn(State::default());
        let spawn = if UNBOUNDED { spawn.mailbox(Mailbox::unbounded()) } else { spawn };
        spawn.await.expect("an agent starts")
    }

    async fn call(agent: &Self::Agent, work: Work) -> u64 {
        agent.call(work).await.expect("the agent answers")
    }

    async fn cast(agent: &Self::Agent, work: Work) {
        agent.cast(work).expect("the mailbox has room");
    }

    async fn call_all(agents: &[Self::Agent], work: Work) -> usize {
        call_all(agents, |_| work).await.ok().count()
    }

    async fn stop(agent: Self::Agent) -> impl Future<Output = ()> + Send + 'static {
        let end = agent.monitor();
        agent.stop(Reason::Normal);
        async move { drop(end.down().await) }
    }

    async fn watched(count: usize) -> Option<Watched> {
        let mut agents = Vec::with_capacity(count);
        let mut monitors = Vec::with_capacity(count);
        for _ in 0..count {
            let agent = Self::spawn().await;
            Self::call(&agent, Work::Add(1)).await;
            monitors.push(agent.monitor());
            agents.push(agent);
        }
        Some(Watched {
            kill: Box::pin(async move { agents.iter().for_each(AgentRef::kill) }),
            notices: Box::pin(async move {
                let mut notices = 0;
                for monitor in monitors {
                    notices += usize::from(monitor.down().await.is_some());
                }
                notices
            }),
        })
    }
}
