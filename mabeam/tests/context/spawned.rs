//! Agents that are spawned by agents.

use super::*;

fn idle() -> Probe {
    Probe { seen: unbounded_channel().0, born: Instant::now(), at_exit: None }
}

#[tokio::test]
async fn an_agent_spawns_others_until_its_system_shuts_down() {
    let bench = Bench::new().await;
    let child = bench.run(|_, context| context.spawn_agent(idle())).await.await.unwrap();
    assert_eq!(bench.system.agents(), 2);
    assert_eq!(child.call(Say(1)).await.unwrap(), 1);
    let (sender, receiver) = oneshot::channel();
    bench
        .run(|probe, _| {
            probe.at_exit = Some(Box::new(|_, context| {
                let _ = sender.send(context.spawn_agent(idle()));
            }));
        })
        .await;
    bench.system.shutdown(ms(30_000)).await.unwrap();
    let late = receiver.await.unwrap().await;
    assert!(matches!(late, Err(SpawnError::ShutDown { .. })));
}

#[tokio::test]
async fn an_agent_that_can_spawn_does_not_keep_its_system_alive() {
    let Bench { system, probe, .. } = Bench::new().await;
    let spawn = probe.call(run(|_, context| context.spawn_agent(idle()))).await.unwrap();
    drop(system);
    assert_eq!(end_of(probe).await, Reason::Shutdown);
    assert!(matches!(spawn.await, Err(SpawnError::ShutDown { .. })));
}
