//! A snapshot of many agents at work.

use std::time::Instant;

use mabeam::AgentRef;

use super::*;

/// A figure for people: run it in release, with `--run-ignored only --no-capture`.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a measurement"]
async fn how_long_a_snapshot_of_100_000_agents_takes() {
    let system = System::new(Config::default()).unwrap();
    let mut agents = Vec::new();
    for number in 0..100_000 {
        let agent = system.spawn(Keeper::default());
        // One in ten has a name.
        let agent = if number % 10 == 0 { agent.named(&format!("test/{number}")) } else { agent };
        agents.push(agent.await.unwrap());
    }
    snapshots(&system, &agents);
    let text = system.inspect().tree().to_string();
    println!("{} bytes of text", text.len());
    // Half of the places change hands, out of order.
    for agent in agents.drain(30_000..80_000).rev() {
        let monitor = agent.monitor();
        agent.stop(Reason::Normal);
        monitor.down().await;
    }
    for _ in 0..50_000 {
        agents.push(system.spawn(Keeper::default()).await.unwrap());
    }
    snapshots(&system, &agents);
}

fn snapshots(system: &System, agents: &[AgentRef<Keeper>]) {
    for _ in 0..10 {
        for agent in agents.iter().step_by(100) {
            agent.cast(Put(1)).unwrap();
        }
        let began = Instant::now();
        let snapshot = system.inspect();
        println!("{} agents: {:?}", snapshot.agents.len(), began.elapsed());
    }
}
