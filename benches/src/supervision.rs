//! Supervised agents and pools: restarts, children that come and go, jobs for a pool, and a look at all
//! of them.

use std::sync::Arc;
use std::time::Duration;

use mabeam::supervision::{Child, Restart, Strategy, Supervisor};
use mabeam::{AgentPool, AgentRef, Message};

use crate::agents::{Add, CALLS, Counter, World};

/// Restarts in one operation of [`restarts`].
pub const RESTARTS: usize = 1_000;
/// Children started and stopped in one operation of [`children`].
pub const CHILDREN: usize = 100;
/// Workers of the pool.
pub const WORKERS: usize = 4;
/// Agents in a snapshot of [`snapshots`].
pub const INSPECTED: usize = 100_000;
/// Agents that messages go through in [`messages`], one each in one operation.
pub const PASSED: usize = 1_000;

/// `supervision_restart`: a child is killed and called, [`RESTARTS`] times: the call is answered by the
/// next incarnation.
pub fn restarts() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::new();
    let supervisor = begin(&world);
    let child = world.run({
        let supervisor = supervisor.clone();
        async move { supervisor.start_child(counter()).await.expect("it starts") }
    });
    move |_| {
        let (_supervisor, child) = (supervisor.clone(), child.clone());
        world.run(async move {
            let mut sum = 0;
            for _ in 0..RESTARTS {
                child.kill();
                sum += child.call(Add(1)).await.unwrap_or(0);
            }
            sum
        })
    }
}

/// `supervision_children`: [`CHILDREN`] children are started and removed, one after another, beside
/// `others` of the same supervisor.
pub fn children(others: usize) -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    let supervisor = begin(&world);
    world.run({
        let supervisor = supervisor.clone();
        async move {
            for _ in 0..others {
                supervisor.start_child(counter()).await.expect("it starts");
            }
        }
    });
    move |_| {
        let supervisor = supervisor.clone();
        world.run(async move {
            for _ in 0..CHILDREN {
                let child = supervisor.start_child(counter()).await.expect("it starts");
                supervisor.remove_child(&child).await.expect("it is there");
            }
            CHILDREN
        })
    }
}

/// `pool_call`: [`CALLS`] jobs for a pool of [`WORKERS`] idle workers, one after another.
pub fn pool_calls() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::new();
    let system = world.system().clone();
    let pool = world.run(async move {
        let builder = AgentPool::builder(Counter::default).workers(WORKERS);
        builder.start(&system).await.expect("it starts")
    });
    move |_| {
        let pool = pool.clone();
        world.run(async move {
            let mut last = 0;
            for _ in 0..CALLS {
                last = pool.call(Add(1)).await.expect("it lives");
            }
            last
        })
    }
}

/// `agent_memory_growth`: one message for each of [`PASSED`] supervised agents, of whom the first is
/// killed each time, until all are handled.
pub fn messages() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::with_workers(1);
    let supervisor = begin(&world);
    let agents: Arc<[AgentRef<Counter>]> = world.run({
        let supervisor = supervisor.clone();
        async move {
            let mut agents = Vec::with_capacity(PASSED);
            for _ in 0..PASSED {
                agents.push(supervisor.start_child(counter()).await.expect("it starts"));
            }
            agents.into()
        }
    });
    move |_| {
        let (_supervisor, agents) = (supervisor.clone(), Arc::clone(&agents));
        world.run(async move {
            agents[0].kill();
            for agent in &*agents {
                agent.cast(Add(1)).expect("there is room");
            }
            let mut sum = 0;
            for agent in &*agents {
                sum += ask(agent, Add(0)).await;
            }
            sum
        })
    }
}

/// `agent_inspect_100k`: a snapshot of a hundred thousand agents, which are not stopped for it.
pub fn snapshots() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    let agents = world.spawn(INSPECTED);
    move |_| {
        let seen = world.system().inspect().agents.len();
        assert_eq!(seen, agents.len(), "each is seen");
        seen
    }
}

/// A supervisor without children that allows any number of restarts.
fn begin(world: &World) -> AgentRef<Supervisor> {
    let system = world.system().clone();
    world.run(async move {
        let supervisor =
            Supervisor::new(Strategy::OneForOne).intensity(u32::MAX, Duration::from_secs(1));
        system.spawn(supervisor).await.expect("it starts")
    })
}

fn counter() -> Child<Counter> {
    Child::new(Counter::default).restart(Restart::Permanent)
}

async fn ask<M: Message<Reply = u64>>(agent: &AgentRef<Counter>, message: M) -> u64
where
    Counter: mabeam::Handler<M>,
{
    agent.call(message).await.unwrap_or(0)
}
