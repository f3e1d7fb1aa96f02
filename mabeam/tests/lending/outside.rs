//! Callers and wakers from outside of the runtime work.

use std::sync::mpsc;
use std::thread;

use mabeam::{Config, StartError, System};
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::support::{
    Doer, await_signal, does, join, learn, lender, lends, on_both, one_thread, park, poll_once,
    two_workers,
};

#[test]
fn a_caller_on_a_foreign_thread_is_answered_by_a_handler_that_waits() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (ended, foreign) = oneshot::channel();
        let thread = thread::spawn(move || {
            let answer = park(agent.call(does(async {
                tokio::task::yield_now().await;
                tokio::time::timeout(std::time::Duration::ZERO, std::future::pending::<()>())
                    .await
                    .is_err()
            })));
            ended.send(()).unwrap();
            answer.unwrap()
        });
        foreign.await.unwrap();
        assert!(join(thread), "the handler has the runtime's timers");
    });
}

#[test]
fn a_wake_from_a_foreign_thread_resumes_a_handler() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        for _ in 0..20 {
            let (open, gate) = oneshot::channel::<()>();
            let mut call = Box::pin(agent.call(does(async move { gate.await.unwrap() })));
            assert!(poll_once(&mut call).await.is_pending());
            let thread = thread::spawn(move || open.send(()).unwrap());
            call.await.unwrap();
            join(thread);
        }
    });
}

#[test]
fn a_waker_that_is_dropped_on_a_foreign_thread_harms_nobody() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (hand_over, wakers) = mpsc::channel();
        let keeps = std::future::poll_fn(move |context| {
            hand_over.send(context.waker().clone()).unwrap();
            std::task::Poll::Ready(())
        });
        agent.call(does(keeps)).await.unwrap();
        let mut monitor = agent.monitor();
        drop(agent);
        let thread = thread::spawn(move || drop(wakers.recv().unwrap()));
        join(thread);
        while monitor.try_down().is_none() {
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn a_cast_from_a_foreign_thread_wakes_a_runtime_that_sleeps() {
    for runtime in [two_workers(), one_thread()] {
        let agent = runtime.block_on(async { lender().await });
        let (_system, agent) = agent;
        let (done, end) = oneshot::channel();
        let thread = thread::spawn(move || {
            agent.cast(does(async move { done.send(()).unwrap() })).unwrap();
            agent
        });
        let waited = async { tokio::time::timeout(crate::support::BOUND, end).await };
        runtime.block_on(waited).unwrap().unwrap();
        join(thread);
    }
}

#[test]
fn the_future_that_the_runtime_blocks_on_can_call() {
    for runtime in [two_workers(), one_thread()] {
        runtime.block_on(async {
            let (_system, agent) = lender().await;
            learn::<()>(&agent).await;
            for number in 0..100_u32 {
                assert_eq!(agent.call(does(async move { number })).await.unwrap(), number);
            }
        });
    }
}

#[test]
fn a_system_that_owns_its_runtime_is_used_from_plain_threads() {
    let mut config = lends();
    config.worker_threads = 2;
    let system = System::new(config).unwrap();
    let agent = system.block_on(async { system.spawn(Doer).await }).unwrap();
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let agent = agent.clone();
            thread::spawn(move || {
                (0..100_u32)
                    .map(|number| park(agent.call(does(async move { number }))))
                    .all(|answer| answer.is_ok_and(|number| number < 100))
            })
        })
        .collect();
    assert!(threads.into_iter().all(join));
}

#[test]
fn a_spawn_on_a_foreign_thread_works() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (ended, foreign) = oneshot::channel();
        let (give, wait) = mpsc::channel::<()>();
        let thread = thread::spawn(move || {
            let agent = park(system.spawn(Doer).into_future()).unwrap();
            let answer = park(agent.call(does(async { 7 }))).unwrap();
            ended.send(answer).unwrap();
            await_signal(&wait);
            drop((agent, system));
        });
        // If there is none, the thread says why.
        let answer = foreign.await.unwrap_or_default();
        give.send(()).unwrap_or_default();
        join(thread);
        assert_eq!(answer, 7);
    });
}

#[test]
fn a_shutdown_on_a_foreign_thread_waits_for_all() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let monitor = agent.monitor();
        let (ended, foreign) = oneshot::channel();
        let thread = thread::spawn(move || {
            let result = park(system.shutdown(crate::support::BOUND));
            ended.send(()).unwrap();
            result
        });
        let down = monitor.down().await.unwrap();
        assert_eq!(down.reason, foundation::owner::Reason::Shutdown);
        // If it failed, the thread says why.
        foreign.await.unwrap_or_default();
        join(thread).unwrap();
    });
}

#[test]
fn a_runtime_without_timers_is_refused() {
    for mut builder in [Builder::new_current_thread(), Builder::new_multi_thread()] {
        let runtime = builder.build().unwrap();
        let _within = runtime.enter();
        let refused = System::new(Config::default());
        assert!(matches!(refused, Err(StartError::NoTimers)), "{refused:?}");
    }
}
