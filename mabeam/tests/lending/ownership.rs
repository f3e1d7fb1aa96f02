//! The handler belongs to the agent: a caller that goes away cancels nothing half way.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use foundation::owner::Reason;
use mabeam::{AgentRef, CallError, System};
use tokio::sync::oneshot;
use tokio::time;

use crate::support::{
    Doer, does, in_paused_time, is_marked, learn, lender, lends, marked, on_both, poll_once,
    schedules,
};

/// Runs with a system whose calls are lent, then with one whose calls are not.
fn lent_or_not<F: Future<Output = ()> + Send + 'static>(test: fn(AgentRef<Doer>) -> F) {
    on_both(|| in_turn(test));
}

async fn in_turn<F: Future<Output = ()>>(test: fn(AgentRef<Doer>) -> F) {
    for config in [lends(), schedules()] {
        let is_lending = !config.lendable.is_zero();
        let system = System::new(config).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        if is_lending {
            learn::<()>(&agent).await;
        }
        test(agent).await;
    }
}

#[test]
fn dropping_the_caller_cancels_nothing_half_way() {
    lent_or_not(|agent| async move {
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let work = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            done.send(()).unwrap();
        };
        let mut call = Box::pin(agent.call(does(work)));
        assert!(poll_once(&mut call).await.is_pending());
        begun.await.unwrap();
        drop(call);
        open.send(()).unwrap();
        ended.await.expect("the handler goes on to its end");
        agent.call(does(async {})).await.expect("the agent lives");
    });
}

#[test]
fn a_timeout_around_a_call_leaves_the_handler_to_its_end() {
    lent_or_not(|agent| async move {
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let effect = Arc::new(AtomicBool::new(false));
        let leaves = Arc::clone(&effect);
        let work = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            leaves.store(true, Ordering::Release);
            done.send(()).unwrap();
        };
        let mut call = Box::pin(agent.call(does(work)));
        assert!(poll_once(&mut call).await.is_pending());
        begun.await.unwrap();
        time::timeout(Duration::from_millis(5), call).await.expect_err("the gate is shut");
        open.send(()).unwrap();
        ended.await.unwrap();
        assert!(effect.load(Ordering::Acquire));
        agent.call(does(async {})).await.expect("the agent lives");
    });
}

#[test]
fn the_calls_own_deadline_leaves_the_handler_to_its_end() {
    in_paused_time(in_turn(|agent| async move {
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let work = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            done.send(()).unwrap();
        };
        let mut call = Box::pin(agent.call(does(work)).deadline(Duration::from_secs(1)));
        assert!(poll_once(&mut call).await.is_pending());
        begun.await.unwrap();
        let failed = call.await.expect_err("the gate is shut");
        assert!(matches!(failed, CallError::Deadline { .. }), "{failed}");
        open.send(()).unwrap();
        ended.await.expect("the handler goes on to its end");
        agent.call(does(async {})).await.expect("the agent lives");
    }));
}

#[test]
fn a_caller_can_be_moved_to_another_task_between_two_polls() {
    lent_or_not(|agent| async move {
        let (open, gate) = oneshot::channel::<()>();
        let own = agent.clone();
        let mut call = Box::pin(async move {
            own.call(does(async move { gate.await.unwrap() }))
                .await
                .map_err(|error| error.to_string())
        });
        assert!(poll_once(&mut call).await.is_pending());
        let elsewhere = tokio::spawn(call);
        open.send(()).unwrap();
        elsewhere.await.unwrap().unwrap();
    });
}

/// An agent whose handler waits, with what counts how often another handler ran.
struct Busy {
    system: System,
    agent: AgentRef<Doer>,
    open: oneshot::Sender<()>,
    runs: Arc<AtomicUsize>,
}

impl Busy {
    async fn new() -> Self {
        let (system, agent) = lender().await;
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let waits = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
        };
        agent.cast(does(waits)).unwrap();
        begun.await.unwrap();
        Self { system, agent, open, runs: Arc::default() }
    }

    fn counts(&self) -> crate::support::Do<()> {
        let runs = Arc::clone(&self.runs);
        does(async move {
            runs.fetch_add(1, Ordering::Relaxed);
        })
    }

    /// Lets the agent go on, and says how often the other handler ran.
    async fn go_on(self) -> (usize, System) {
        self.open.send(()).unwrap();
        self.agent.call(does(async {})).await.unwrap();
        (self.runs.load(Ordering::Relaxed), self.system)
    }
}

#[test]
fn a_call_that_was_given_up_before_it_began_is_skipped() {
    on_both(|| async {
        let busy = Busy::new().await;
        let mut call = Box::pin(busy.agent.call(busy.counts()));
        assert!(poll_once(&mut call).await.is_pending());
        drop(call);
        let (runs, system) = busy.go_on().await;
        assert_eq!((runs, system.dead_letter_count()), (0, 1));
        let letter = system.dead_letters().try_next().unwrap().unwrap();
        assert_eq!(letter.reason, Reason::Deadline);
    });
}

#[test]
fn a_call_whose_deadline_passed_before_it_began_is_skipped_by_its_callee() {
    in_paused_time(async {
        let busy = Busy::new().await;
        let agent = busy.agent.clone();
        let mut call = Box::pin(agent.call(busy.counts()).deadline(Duration::from_millis(10)));
        assert!(poll_once(&mut call).await.is_pending());
        // The caller does not look: the callee alone knows that it is too late.
        time::advance(Duration::from_millis(20)).await;
        let (runs, system) = busy.go_on().await;
        let failed = call.await.expect_err("too late");
        assert!(matches!(failed, CallError::Deadline { .. }), "{failed}");
        assert_eq!((runs, system.dead_letter_count()), (0, 1));
        agent.call(does(async {})).await.expect("the agent lives");
    });
}

#[test]
fn a_call_that_ran_into_its_deadline_is_skipped_by_its_callee() {
    in_paused_time(async {
        let busy = Busy::new().await;
        let call = busy.agent.call(busy.counts()).deadline(Duration::from_millis(10));
        let failed = call.await.expect_err("the agent waits");
        assert!(matches!(failed, CallError::Deadline { .. }), "{failed}");
        let (runs, system) = busy.go_on().await;
        assert_eq!((runs, system.dead_letter_count()), (0, 1));
    });
}

#[test]
fn a_call_in_time_is_not_skipped() {
    in_paused_time(async {
        let busy = Busy::new().await;
        let agent = busy.agent.clone();
        let mut call = Box::pin(agent.call(busy.counts()).deadline(Duration::from_millis(10)));
        assert!(poll_once(&mut call).await.is_pending());
        time::advance(Duration::from_millis(5)).await;
        let (runs, system) = busy.go_on().await;
        call.await.unwrap();
        assert_eq!((runs, system.dead_letter_count()), (1, 0));
    });
}

#[test]
fn a_call_that_is_dropped_before_its_first_poll_sends_nothing() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let ran = Arc::new(AtomicBool::new(false));
        let runs = Arc::clone(&ran);
        drop(agent.call(does(async move { runs.store(true, Ordering::Relaxed) })));
        assert!(!marked(agent.call(does(async { is_marked() }))).await.unwrap(), "unknown still");
        assert!(!ran.load(Ordering::Relaxed));
        assert_eq!(system.dead_letter_count(), 0);
    });
}
