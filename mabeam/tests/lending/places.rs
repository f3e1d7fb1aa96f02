//! Where a system runs: on the ambient runtime or its own, on one thread, in a `LocalSet`, beside
//! `block_in_place`.

use std::time::{Duration, Instant};

use foundation::owner::Reason;
use mabeam::System;
use tokio::runtime::Handle;
use tokio::task::{LocalSet, block_in_place};

use crate::support::{
    BOUND, Doer, does, is_marked, learn, lender, lends, marked, on_both, on_two_workers,
    one_thread, two_workers,
};

#[test]
fn a_system_uses_the_ambient_runtime() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let its = agent.call(does(async { Handle::current().id() })).await.unwrap();
        assert_eq!(its, Handle::current().id());
    });
}

#[test]
fn a_system_without_a_runtime_makes_one() {
    let system = System::new(lends()).unwrap();
    let answer = system.block_on(async {
        let agent = system.spawn(Doer).await.unwrap();
        agent.call(does(async { Handle::current().id() })).await.unwrap()
    });
    assert_eq!(answer, system.block_on(async { Handle::current().id() }));
}

/// A system with a runtime of its own, and a monitor of an agent of it that waits in a handler.
fn owning() -> (System, foundation::owner::MonitorRef) {
    let system = System::new(lends()).unwrap();
    let monitor = system.block_on(async {
        let agent = system.spawn(Doer).detached().await.unwrap();
        agent.cast(does(std::future::pending::<()>())).unwrap();
        agent.monitor()
    });
    (system, monitor)
}

#[test]
fn an_owning_system_can_be_dropped_in_async_code_of_another_runtime() {
    for runtime in [two_workers(), one_thread()] {
        let (system, mut monitor) = owning();
        runtime.block_on(async move { drop(system) });
        monitor.down_blocking(Instant::now() + BOUND).expect("its agents end with it");
    }
}

#[test]
fn an_owning_system_can_be_dropped_in_its_own_async_code() {
    let (system, mut monitor) = owning();
    let clone = system.clone();
    system.block_on(async move { drop(clone) });
    assert_eq!(monitor.try_down(), None, "it was not the last one");
    let (give, take) = std::sync::mpsc::channel::<System>();
    let agent = system.block_on(async { system.spawn(Doer).await.unwrap() });
    // The last one is dropped by a handler, on a worker of the runtime that ends with it.
    agent.cast(does(async move { drop(take.recv_timeout(BOUND).unwrap()) })).unwrap();
    give.send(system).unwrap();
    monitor.down_blocking(Instant::now() + BOUND).expect("its agents end with it");
}

#[test]
fn agents_end_with_the_last_clone_of_their_system() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let monitor = agent.monitor();
        drop(system.clone());
        agent.call(does(async {})).await.expect("one is left");
        drop(system);
        let down = tokio::time::timeout(BOUND, monitor.down()).await.unwrap().unwrap();
        assert_eq!(down.reason, Reason::Shutdown);
    });
}

#[test]
fn a_shutdown_waits_for_all_and_nothing_can_be_spawned_after_it() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let monitor = agent.monitor();
        system.shutdown(BOUND).await.unwrap();
        assert_eq!(system.agents(), 0);
        assert_eq!(monitor.down().await.unwrap().reason, Reason::Shutdown);
        system.spawn(Doer).await.expect_err("it is over").into_agent().expect("it comes back");
    });
}

/// Calls from a task that cannot be sent to another thread.
async fn calls_of_a_local_task() {
    let (_system, agent) = lender().await;
    learn::<()>(&agent).await;
    let local = std::rc::Rc::new(agent);
    let calls = async move {
        let lent = marked(local.call(does(async { is_marked() }))).await.unwrap();
        let resumed = local.call(does(async {
            tokio::task::yield_now().await;
            7
        }));
        (lent, resumed.await.unwrap())
    };
    let (lent, answer) = tokio::task::spawn_local(calls).await.unwrap();
    assert!(lent, "it is a task of the system's runtime");
    assert_eq!(answer, 7);
}

#[test]
fn tasks_of_a_local_set_call_and_lend() {
    for runtime in [two_workers(), one_thread()] {
        let set = LocalSet::new();
        let bounded = tokio::time::timeout;
        set.block_on(&runtime, async { bounded(BOUND, calls_of_a_local_task()).await.unwrap() });
    }
}

#[test]
fn a_caller_in_block_in_place_is_answered() {
    on_two_workers(async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        for number in 0..20 {
            let answer = block_in_place(|| {
                Handle::current().block_on(agent.call(does(async move {
                    tokio::task::yield_now().await;
                    number
                })))
            });
            assert_eq!(answer.unwrap(), number);
        }
    });
}

#[test]
fn a_handler_may_block_in_place_while_others_go_on() {
    on_two_workers(async {
        let (system, agent) = lender().await;
        let other = system.spawn(Doer).await.unwrap();
        let blocks = async move {
            block_in_place(|| Handle::current().block_on(other.call(does(async { 7 })))).unwrap()
        };
        // Scheduled, then lent.
        assert_eq!(agent.call(does(blocks)).await.unwrap(), 7);
        let (done, signal) = std::sync::mpsc::channel();
        let third = system.spawn(Doer).await.unwrap();
        let blocks = async move {
            block_in_place(|| {
                third.cast(does(async move { done.send(()).unwrap() })).unwrap();
                crate::support::await_signal(&signal);
                7
            })
        };
        assert_eq!(agent.call(does(blocks)).await.unwrap(), 7);
    });
}

#[test]
fn two_systems_on_one_runtime_do_not_disturb_each_other() {
    on_both(|| async {
        let ((one, first), (other, second)) = (lender().await, lender().await);
        let answer = async move { second.call(does(async { 7 })).await.unwrap() };
        assert_eq!(first.call(does(answer)).await.unwrap(), 7);
        one.shutdown(Duration::from_secs(30)).await.unwrap();
        let agent = other.spawn(Doer).await.unwrap();
        agent.call(does(async {})).await.unwrap();
    });
}
