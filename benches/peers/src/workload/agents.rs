//! Many agents: what several workloads set up and take down.

use crate::subject::Subject;
use crate::work::Work;

/// Starts `count` agents and calls each once, so that each has run.
pub(super) async fn spawn<S: Subject>(count: usize) -> Vec<S::Agent> {
    let mut agents = Vec::with_capacity(count);
    for _ in 0..count {
        agents.push(called_once::<S>(S::spawn().await).await);
    }
    agents
}

/// The same, on every processor.
pub(super) async fn spawn_spread<S: Subject>(count: usize) -> Vec<S::Agent> {
    let mut agents = Vec::with_capacity(count);
    for n in 0..count {
        agents.push(called_once::<S>(S::spawn_spread(n).await).await);
    }
    agents
}

async fn called_once<S: Subject>(agent: S::Agent) -> S::Agent {
    S::call(&agent, Work::Add(1)).await;
    agent
}

/// Asks all to stop, then waits for each.
pub(super) async fn stop<S: Subject>(agents: Vec<S::Agent>) {
    let mut ends = Vec::with_capacity(agents.len());
    for agent in agents {
        ends.push(S::stop(agent).await);
    }
    for end in ends {
        end.await;
    }
}
