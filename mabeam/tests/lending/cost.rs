//! Lending does not serialise what would have run in parallel: unknown and dear work is scheduled, and
//! what is scheduled can be taken by any worker.

use std::sync::mpsc;
use std::time::{Duration, Instant};

use foundation::owner::Reason;
use mabeam::{Config, System};
use tokio::sync::oneshot;

use crate::support::{
    BOUND, Do, Doer, await_signal, does, is_marked, learn, lends, marked, on_both, on_two_workers,
    poll_once, schedules, settle,
};

/// An answer of a type that no other test's work has, so that its cost is not known.
#[derive(Default)]
struct Unknown(bool);

#[test]
fn work_of_unknown_cost_is_scheduled_and_lent_once_it_is_known() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        learn::<()>(&agent).await;
        let asks = || does(async { Unknown(is_marked()) });
        let Unknown(is_lent) = marked(agent.call(asks())).await.unwrap();
        assert!(!is_lent, "never timed");
        settle(&agent).await;
        let Unknown(is_lent) = marked(agent.call(asks())).await.unwrap();
        assert!(is_lent, "timed once");
    });
}

#[test]
fn dear_work_is_never_lent() {
    /// What takes longer than this is dear here.
    const LENDABLE: Duration = Duration::from_millis(2);
    on_both(|| async {
        let mut config = Config::default();
        config.lendable = LENDABLE;
        config.call_deadline = BOUND;
        let system = System::new(config).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        for _ in 0..20 {
            let dear = async {
                let began = Instant::now();
                while began.elapsed() <= LENDABLE {}
                is_marked()
            };
            assert!(!marked(agent.call(does(dear))).await.unwrap());
        }
    });
}

#[test]
fn nothing_is_lent_where_nothing_is_cheap_enough() {
    on_both(|| async {
        let system = System::new(schedules()).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        for _ in 0..100 {
            assert!(!marked(agent.call(does(async { is_marked() }))).await.unwrap());
        }
    });
}

/// Two pieces of work that block their threads until both have begun.
fn rendezvous<R: Default + Send + 'static>() -> (Do<R>, Do<R>) {
    let (here, there) = mpsc::channel();
    let (over_there, over_here) = mpsc::channel();
    let one = does(async move {
        here.send(()).unwrap();
        await_signal(&over_here);
        R::default()
    });
    let other = does(async move {
        over_there.send(()).unwrap();
        await_signal(&there);
        R::default()
    });
    (one, other)
}

#[test]
fn two_agents_of_unknown_cost_that_are_called_together_run_in_parallel() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let (one, other) = (system.spawn(Doer).await.unwrap(), system.spawn(Doer).await.unwrap());
        let (first, second) = rendezvous::<Unknown>();
        let (first, second) = tokio::join!(one.call(first), other.call(second));
        first.and(second).unwrap();
    });
}

#[test]
fn two_agents_of_dear_cost_that_are_called_together_run_in_parallel() {
    on_two_workers(async {
        let system = System::new(schedules()).unwrap();
        let (one, other) = (system.spawn(Doer).await.unwrap(), system.spawn(Doer).await.unwrap());
        for _ in 0..20 {
            let (first, second) = rendezvous::<()>();
            let (first, second) = tokio::join!(one.call(first), other.call(second));
            first.and(second).unwrap();
        }
    });
}

#[test]
fn an_agent_that_was_sent_a_cast_runs_while_its_sender_computes() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        for _ in 0..100 {
            let (done, signal) = mpsc::channel();
            agent.cast(does(async move { done.send(()).unwrap() })).unwrap();
            await_signal(&signal);
            tokio::task::yield_now().await;
        }
    });
}

#[test]
fn an_agent_that_was_sent_a_cast_runs_while_the_handler_that_sent_it_computes() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let (from, to) = (system.spawn(Doer).await.unwrap(), system.spawn(Doer).await.unwrap());
        // The first is scheduled, and so runs within a carrier; the others are lent.
        for _ in 0..50 {
            let to = to.clone();
            let computes = async move {
                let (done, signal) = mpsc::channel();
                to.cast(does(async move { done.send(()).unwrap() })).unwrap();
                await_signal(&signal);
            };
            from.call(does(computes)).await.unwrap();
        }
    });
}

#[test]
fn an_agent_that_was_woken_runs_while_the_task_that_woke_it_computes() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        learn::<()>(&agent).await;
        for _ in 0..50 {
            let (open, gate) = oneshot::channel::<()>();
            let (done, signal) = mpsc::channel();
            let work = async move {
                gate.await.unwrap();
                done.send(()).unwrap();
            };
            let mut call = Box::pin(agent.call(does(work)));
            assert!(poll_once(&mut call).await.is_pending());
            open.send(()).unwrap();
            await_signal(&signal);
            call.await.unwrap();
        }
    });
}

#[test]
fn an_agent_that_was_called_runs_while_its_caller_computes() {
    on_two_workers(async {
        let system = System::new(schedules()).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        for _ in 0..50 {
            let (done, signal) = mpsc::channel();
            let mut call = Box::pin(agent.call(does(async move { done.send(()).unwrap() })));
            let polled = poll_once(&mut call).await;
            await_signal(&signal);
            if polled.is_pending() {
                call.await.unwrap();
            }
        }
    });
}

#[test]
fn an_agent_that_was_killed_ends_while_its_killer_computes() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        for _ in 0..20 {
            let agent = system.spawn(Doer).await.unwrap();
            let mut monitor = agent.monitor();
            agent.kill();
            let down = monitor.down_blocking(Instant::now() + BOUND).unwrap();
            assert_eq!(down.reason, Reason::Killed);
        }
    });
}

#[test]
fn a_burst_of_casts_is_worked_off_while_the_sender_computes() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let mut agents = Vec::new();
        for _ in 0..16 {
            agents.push(system.spawn(Doer).await.unwrap());
        }
        for _ in 0..20 {
            let (done, signal) = mpsc::channel();
            for agent in &agents {
                let done = done.clone();
                agent.cast(does(async move { done.send(()).unwrap() })).unwrap();
            }
            for _ in &agents {
                await_signal(&signal);
            }
        }
    });
}
