//! Supervised agents: a link holds for one incarnation.

use mabeam::supervision::{Child, Strategy, Supervisor};

use super::*;

struct Nursery {
    system: System,
    _supervisor: AgentRef<Supervisor>,
    child: AgentRef<Probe>,
    seen: UnboundedReceiver<Seen>,
}

async fn nursery() -> Nursery {
    let (system, (sender, mut seen)) = (system(), unbounded_channel());
    let child = Child::new(move || Probe { seen: sender.clone() }).named("child");
    let supervisor =
        Supervisor::new(Strategy::OneForOne).intensity(10, Duration::from_secs(5)).child(child);
    let supervisor = system.spawn(supervisor).await.unwrap();
    let child = system.lookup("child").unwrap();
    assert_eq!(next(&mut seen).await, Seen::Born);
    Nursery { system, _supervisor: supervisor, child, seen }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_an_incarnation_ends_what_it_was_linked_to_and_the_next_is_linked_to_nobody() {
    let mut nursery = nursery().await;
    let (old, _) = probe(&nursery.system).await;
    let (trapping, mut seen) = probe(&nursery.system).await;
    trap(&trapping).await;
    link(&old, &nursery.child).await;
    link(&nursery.child, &trapping).await;
    nursery.child.kill();
    assert_eq!(end_of(&old).await, Reason::Killed);
    assert_eq!(next(&mut seen).await, Seen::Exit(nursery.child.id(), Reason::Killed));
    assert_eq!(next(&mut nursery.seen).await, Seen::Born);
    trapping.stop(failed());
    end_of(&trapping).await;
    assert_eq!(soon(nursery.child.call(Say(1))).await.unwrap(), 1);
    assert_eq!(next(&mut nursery.seen).await, Seen::Said(1));
}

#[tokio::test(start_paused = true)]
async fn a_linked_failure_is_one_that_the_supervisor_answers_by_a_restart() {
    let mut nursery = nursery().await;
    let (other, _) = probe(&nursery.system).await;
    link(&nursery.child, &other).await;
    nursery.child.cast(Say(0)).unwrap();
    assert_eq!(next(&mut nursery.seen).await, Seen::Said(0));
    other.stop(failed());
    assert_eq!(next(&mut nursery.seen).await, Seen::Born);
    assert_eq!(soon(nursery.child.call(Say(1))).await.unwrap(), 1);
    assert!(!nursery.child.has_ended());
}

#[tokio::test(start_paused = true)]
async fn each_incarnation_begins_without_trapping() {
    let mut nursery = nursery().await;
    trap(&nursery.child).await;
    nursery.child.kill();
    assert_eq!(next(&mut nursery.seen).await, Seen::Born);
    let (other, _) = probe(&nursery.system).await;
    link(&nursery.child, &other).await;
    other.kill();
    assert_eq!(next(&mut nursery.seen).await, Seen::Born, "it ended with it");
}

#[tokio::test(start_paused = true)]
async fn an_exit_that_an_incarnation_did_not_come_to_hear_is_not_heard_by_the_next() {
    let mut nursery = nursery().await;
    let (other, _) = probe(&nursery.system).await;
    trap(&nursery.child).await;
    link(&nursery.child, &other).await;
    let hold = hold(&nursery.child).await;
    other.kill();
    end_of(&other).await;
    assert!(hold.send(Box::new(|_| panic!("as asked"))).is_ok());
    assert_eq!(next(&mut nursery.seen).await, Seen::Born);
    assert_eq!(soon(nursery.child.call(Say(1))).await.unwrap(), 1);
    assert_eq!(next(&mut nursery.seen).await, Seen::Said(1), "and nothing before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_exit_that_races_with_a_restart_does_not_reach_the_next_incarnation() {
    let (system, (sender, mut seen)) = (system(), unbounded_channel());
    let child = Child::new(move || Probe { seen: sender.clone() }).named("child");
    let supervisor =
        Supervisor::new(Strategy::OneForOne).intensity(u32::MAX, Duration::from_secs(1));
    let _supervisor = system.spawn(supervisor.child(child)).await.unwrap();
    let child: AgentRef<Probe> = system.lookup("child").unwrap();
    assert_eq!(next(&mut seen).await, Seen::Born);
    for _ in 0..500 {
        let (other, _) = probe(&system).await;
        link(&child, &other).await;
        // Dropped with the incarnation: whatever ends that, ends no other.
        let hold = hold(&child).await;
        let racer = tokio::spawn(async move { other.kill() });
        let _ = hold.send(Box::new(|_| panic!("as asked")));
        soon(racer).await.unwrap();
        assert_eq!(next(&mut seen).await, Seen::Born);
        // Whatever came late would end this one.
        assert_eq!(soon(child.call(Say(1))).await.unwrap(), 1);
        assert_eq!(next(&mut seen).await, Seen::Said(1));
    }
}
