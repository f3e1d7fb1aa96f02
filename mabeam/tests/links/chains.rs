//! Many that are linked: one reason goes through all of them, and takes no stack.

use tokio::runtime::Builder;

use super::*;

const AGENTS: usize = 10_000;

/// Of which each is linked to the next.
async fn chain(system: &System) -> Vec<AgentRef<Probe>> {
    let mut chain = Vec::new();
    for _ in 0..AGENTS {
        chain.push(probe(system).await.0);
    }
    for pair in chain.windows(2) {
        link(&pair[0], &pair[1]).await;
    }
    chain
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_chain_ends_with_the_reason_of_whoever_failed_first() {
    let system = system();
    for begins in [0, AGENTS / 2, AGENTS - 1] {
        let chain = chain(&system).await;
        let ends: Vec<_> = chain.iter().map(AgentRef::monitor).collect();
        chain[begins].stop(failed());
        for end in ends {
            assert_eq!(soon(end.down()).await.unwrap().reason, failed());
        }
    }
}

#[tokio::test]
async fn so_does_a_circle_on_one_thread() {
    let system = system();
    let chain = chain(&system).await;
    link(&chain[AGENTS - 1], &chain[0]).await;
    let ends: Vec<_> = chain.iter().map(AgentRef::monitor).collect();
    chain[7].stop(failed());
    for end in ends {
        assert_eq!(soon(end.down()).await.unwrap().reason, failed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_chain_stops_at_one_that_traps_and_at_one_that_ends_as_meant() {
    let system = system();
    let mut agents = Vec::new();
    for _ in 0..3 {
        agents.push(probe(&system).await);
    }
    link(&agents[0].0, &agents[1].0).await;
    link(&agents[1].0, &agents[2].0).await;
    trap(&agents[1].0).await;
    agents[0].0.stop(failed());
    let exit = Seen::Exit(agents[0].0.id(), failed());
    assert_eq!(next(&mut agents[1].1).await, exit);
    agents[1].0.stop(Reason::Normal);
    end_of(&agents[1].0).await;
    assert_eq!(soon(agents[2].0.call(Say(1))).await.unwrap(), 1);
}

#[test]
fn a_chain_whose_runtime_is_dropped_ends_without_much_stack() {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let (system, chain) = runtime.block_on(async {
        let system = system();
        let chain = chain(&system).await;
        (system, chain)
    });
    drop(runtime);
    assert!(chain.iter().all(AgentRef::has_ended));
    assert_eq!(system.agents(), 0);
}
