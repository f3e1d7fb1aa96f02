//! A caller that loops over lent calls still yields to the runtime.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use mabeam::AgentRef;
use tokio::time;

use crate::support::{
    BOUND, Doer, does, learn, lender, on_both, on_one_thread, on_two_workers, poll_once,
};

/// tokio gives a task so much to do in one poll.
const COOPERATIVE_BUDGET: usize = 128;

/// Calls until it is told to stop, or as often as nobody would who yields.
async fn call_until(agent: &AgentRef<Doer>, is_over: &AtomicBool) -> bool {
    let began = Instant::now();
    while !is_over.load(Ordering::Relaxed) && began.elapsed() < BOUND {
        agent.call(does(async {})).await.unwrap();
    }
    is_over.load(Ordering::Relaxed)
}

#[test]
fn another_task_has_its_turn_while_a_task_loops_over_lent_calls() {
    on_one_thread(async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let other = tokio::spawn(async move { ends.store(true, Ordering::Relaxed) });
        assert!(call_until(&agent, &is_over).await);
        other.await.unwrap();
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a timer beside a loop is what is tested")]
fn a_timer_fires_while_a_task_loops_over_lent_calls() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let ends = Arc::clone(&is_over);
        let timer = tokio::spawn(async move {
            time::sleep(Duration::from_millis(5)).await;
            ends.store(true, Ordering::Relaxed);
        });
        assert!(call_until(&agent, &is_over).await);
        timer.await.unwrap();
    });
}

#[test]
fn a_timeout_ends_a_loop_over_lent_calls() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let never = AtomicBool::new(false);
        let looped = time::timeout(Duration::from_millis(5), call_until(&agent, &never));
        looped.await.expect_err("the loop yields, so the timeout has its turn");
    });
}

#[test]
fn a_callers_poll_runs_no_more_lent_calls_than_its_cooperative_budget() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        tokio::task::yield_now().await;
        let ran = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&ran);
        let mut looped: crate::support::Work<()> = Box::pin(async move {
            loop {
                let counted = Arc::clone(&counted);
                let counts = async move {
                    counted.fetch_add(1, Ordering::Relaxed);
                };
                agent.call(does(counts)).await.unwrap();
            }
        });
        assert!(poll_once(&mut looped).await.is_pending());
        let ran = ran.load(Ordering::Relaxed);
        assert!((1..=COOPERATIVE_BUDGET).contains(&ran), "{ran} calls in one poll");
    });
}

#[test]
fn an_agent_that_loops_over_lent_calls_yields_too() {
    on_one_thread(async {
        let (system, agent) = lender().await;
        let looping = system.spawn(Doer).await.unwrap();
        learn::<()>(&agent).await;
        learn::<bool>(&looping).await;
        let is_over = Arc::new(AtomicBool::new(false));
        let (ends, target) = (Arc::clone(&is_over), agent.clone());
        let other = tokio::spawn(async move { ends.store(true, Ordering::Relaxed) });
        let loops = async move { call_until(&target, &is_over).await };
        assert!(looping.call(does(loops)).await.unwrap());
        other.await.unwrap();
    });
}

/// Each throws the ball to the other one.
fn play(to: AgentRef<Doer>, from: AgentRef<Doer>, is_over: Arc<AtomicBool>) {
    if !is_over.load(Ordering::Relaxed) {
        let ball = to.clone();
        ball.cast(does(async move { play(from, to, is_over) })).unwrap();
    }
}

#[test]
fn two_agents_that_cast_to_each_other_for_ever_leave_others_their_turn() {
    on_one_thread(async {
        let (system, agent) = lender().await;
        let other = system.spawn(Doer).await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        play(agent.clone(), other.clone(), Arc::clone(&is_over));
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        agent.call(does(async {})).await.unwrap();
        is_over.store(true, Ordering::Relaxed);
        other.call(does(async {})).await.unwrap();
    });
}

#[test]
fn what_waits_for_a_worker_that_computes_runs_though_the_other_is_never_idle() {
    on_two_workers(async {
        let (system, agent) = lender().await;
        let other = system.spawn(Doer).await.unwrap();
        let third = system.spawn(Doer).await.unwrap();
        let is_over = Arc::new(AtomicBool::new(false));
        // These two keep a worker's queue from ever being empty.
        play(agent.clone(), other.clone(), Arc::clone(&is_over));
        for _ in 0..10 {
            let (done, signal) = std::sync::mpsc::channel();
            third.cast(does(async move { done.send(()).unwrap() })).unwrap();
            crate::support::await_signal(&signal);
            tokio::task::yield_now().await;
        }
        is_over.store(true, Ordering::Relaxed);
        other.call(does(async {})).await.unwrap();
    });
}
