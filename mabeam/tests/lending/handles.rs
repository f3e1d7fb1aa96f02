//! The last handle, and what becomes of mail when an agent stops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foundation::owner::Reason;
use mabeam::{CallError, CastError, System};
use tokio::sync::oneshot;

use crate::support::{Do, Doer, does, learn, lender, lends, on_both, poll_once, reason};

fn counts(count: &Arc<AtomicUsize>) -> Do<()> {
    let count = Arc::clone(count);
    does(async move {
        count.fetch_add(1, Ordering::Relaxed);
    })
}

#[test]
fn an_agent_handles_its_mail_and_ends_normally_when_its_last_handle_is_dropped() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let (monitor, count) = (agent.monitor(), Arc::default());
        for _ in 0..100 {
            agent.cast(counts(&count)).unwrap();
        }
        drop(agent);
        assert_eq!(reason(monitor).await, Reason::Normal);
        assert_eq!(count.load(Ordering::Relaxed), 100);
        assert_eq!(system.dead_letter_count(), 0);
    });
}

#[test]
fn an_idle_agent_ends_when_its_last_handle_is_dropped() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (monitor, clone, any) = (agent.monitor(), agent.clone(), agent.any());
        drop(agent);
        clone.call(does(async {})).await.expect("two are left");
        drop(clone);
        assert!(!any.has_ended(), "one is left");
        drop(any);
        assert_eq!(reason(monitor).await, Reason::Normal);
    });
}

#[test]
fn a_handler_that_waits_ends_before_the_agent_does_that_lost_its_last_handle() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let mut monitor = agent.monitor();
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let (done, ended) = oneshot::channel();
        let waits = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            done.send(()).unwrap();
        };
        agent.cast(does(waits)).unwrap();
        begun.await.unwrap();
        drop(agent);
        tokio::task::yield_now().await;
        assert_eq!(monitor.try_down(), None);
        open.send(()).unwrap();
        ended.await.unwrap();
        assert_eq!(reason(monitor).await, Reason::Normal);
    });
}

#[test]
fn a_weak_handle_keeps_nothing_alive_and_a_name_does() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let (weak, monitor) = (agent.downgrade(), agent.monitor());
        drop(weak.upgrade().expect("it lives"));
        drop(agent);
        assert_eq!(reason(monitor).await, Reason::Normal);
        assert!(weak.upgrade().is_none());

        let named = system.spawn(Doer).named("tests/kept").await.unwrap();
        let (weak, mut monitor) = (named.downgrade(), named.monitor());
        drop(named);
        tokio::task::yield_now().await;
        assert_eq!(monitor.try_down(), None);
        let again = weak.upgrade().expect("its name holds it");
        again.call(does(async {})).await.unwrap();
        again.stop(Reason::Normal);
        assert_eq!(reason(monitor).await, Reason::Normal);
    });
}

#[test]
fn a_detached_agent_lives_until_it_is_stopped() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).detached().await.unwrap();
        let (weak, monitor) = (agent.downgrade(), agent.monitor());
        drop(agent);
        tokio::task::yield_now().await;
        let again = weak.upgrade().expect("it holds itself");
        again.stop(Reason::Normal);
        assert_eq!(reason(monitor).await, Reason::Normal);
    });
}

#[test]
fn mail_that_a_stopped_agent_has_not_begun_fails_with_its_reason_and_is_a_dead_letter() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).named("tests/stops").await.unwrap();
        let mut letters = system.dead_letters();
        let (monitor, count) = (agent.monitor(), Arc::default());
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let waits = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            7
        };
        let mut current = Box::pin(agent.call(does(waits)));
        assert!(poll_once(&mut current).await.is_pending());
        begun.await.unwrap();
        let mut queued = Box::pin(agent.call(counts(&count)));
        assert!(poll_once(&mut queued).await.is_pending());
        agent.cast(counts(&count)).unwrap();
        let why = Reason::Failed("out of paper".into());
        agent.stop(why.clone());
        open.send(()).unwrap();

        assert_eq!(current.await.unwrap(), 7, "what was begun is ended");
        let Err(CallError::Exited { reason: told, agent: who }) = queued.await else {
            panic!("it was not begun")
        };
        assert_eq!((told, who), (why.clone(), agent.id()));
        assert_eq!(reason(monitor).await, why);
        assert_eq!(count.load(Ordering::Relaxed), 0);
        assert_eq!(system.dead_letter_count(), 2);
        for _ in 0..2 {
            let letter = letters.next().await.unwrap();
            assert_eq!((letter.agent, &*letter.name), (agent.id(), "tests/stops"));
            assert_eq!(letter.reason, why);
            assert!(letter.message.contains("Do<()>"), "{}", letter.message);
        }
        let Err(CastError::Ended { reason: told, .. }) = agent.cast(counts(&count)) else {
            panic!("it ended")
        };
        assert_eq!(told, why);
        assert_eq!(system.dead_letter_count(), 2, "what comes back is no dead letter");
    });
}
