//! Who is lent a thread: an idle agent with an empty inbox, by a task of the system's own runtime.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use crate::support::{
    BOUND, counted, does, is_marked, join, learn, lender, marked, on_both, on_one_thread,
    on_two_workers, one_thread, park, poll_once, settle,
};

#[test]
fn an_idle_agent_is_lent_the_thread_of_a_task_that_calls_it() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        for _ in 0..100 {
            let call = marked(agent.call(does(async { is_marked() })));
            assert!(call.await.unwrap(), "idle, known and alone");
        }
    });
}

#[test]
fn an_agent_with_mail_is_not_lent_a_thread() {
    on_one_thread(async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let noting = |what: &'static str| {
            let order = Arc::clone(&order);
            does(async move { order.lock().unwrap().push((what, is_marked())) })
        };
        agent.cast(noting("cast")).unwrap();
        let mut call = Box::pin(marked(agent.call(noting("call"))));
        assert!(poll_once(&mut call).await.is_pending());
        assert_eq!(*order.lock().unwrap(), [], "nothing ran on the caller's stack");
        call.await.unwrap();
        assert_eq!(*order.lock().unwrap(), [("cast", false), ("call", false)]);
    });
}

#[test]
fn a_suspended_agent_is_not_lent_a_thread_and_its_handler_is_polled_by_its_own_wake_only() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (open, gate) = oneshot::channel::<()>();
        let polls = Arc::new(AtomicUsize::new(0));
        let waits = counted(Arc::clone(&polls), async move { gate.await.unwrap() });
        let mut first = Box::pin(agent.call(does(waits)));
        assert!(poll_once(&mut first).await.is_pending());
        assert_eq!(polls.load(Ordering::Relaxed), 1, "lent, then suspended");

        let mut others: Vec<_> =
            (0..100).map(|_| Box::pin(marked(agent.call(does(async { is_marked() }))))).collect();
        for other in &mut others {
            assert!(poll_once(other).await.is_pending());
        }
        for _ in 0..100 {
            tokio::task::yield_now().await;
            assert!(poll_once(&mut first).await.is_pending());
        }
        assert_eq!(polls.load(Ordering::Relaxed), 1, "nobody woke it");

        open.send(()).unwrap();
        first.await.unwrap();
        assert_eq!(polls.load(Ordering::Relaxed), 2);
        for other in others {
            assert!(!other.await.unwrap(), "queued, so not on its caller's stack");
        }
    });
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a handler that waits for a timer is what is tested")]
fn a_timer_in_a_handler_fires_while_others_call_and_the_handler_is_polled_twice() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let polls = Arc::new(AtomicUsize::new(0));
        let sleep = async { tokio::time::sleep(Duration::from_millis(20)).await };
        let mut sleeper = Box::pin(agent.call(does(counted(Arc::clone(&polls), sleep))));
        assert!(poll_once(&mut sleeper).await.is_pending());
        let others = (0..64).map(|_| {
            let agent = agent.clone();
            tokio::spawn(async move { agent.call(does(async {})).await })
        });
        for other in others.collect::<Vec<_>>() {
            other.await.unwrap().unwrap();
        }
        sleeper.await.unwrap();
        assert_eq!(
            polls.load(Ordering::Relaxed),
            2,
            "once when it began, once when the timer fired"
        );
    });
}

#[test]
fn a_handler_that_wakes_itself_is_polled_once_for_each_wake() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let polls = Arc::new(AtomicUsize::new(0));
        let yields = async {
            let mut left = 10;
            std::future::poll_fn(|context| {
                context.waker().wake_by_ref();
                left -= 1;
                if left == 0 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
            })
            .await;
        };
        agent.call(does(counted(Arc::clone(&polls), yields))).await.unwrap();
        assert_eq!(polls.load(Ordering::Relaxed), 10);
    });
}

#[test]
fn a_waker_of_a_turn_that_is_over_runs_nothing() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let kept = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&kept);
        let keeps = std::future::poll_fn(move |context| {
            *keep.lock().unwrap() = Some(context.waker().clone());
            std::task::Poll::Ready(())
        });
        agent.call(does(keeps)).await.unwrap();
        let stale = kept.lock().unwrap().take().unwrap();
        stale.wake_by_ref();
        settle(&agent).await;
        let (open, gate) = oneshot::channel::<()>();
        let polls = Arc::new(AtomicUsize::new(0));
        let waits = counted(Arc::clone(&polls), async move { gate.await.unwrap() });
        let mut call = Box::pin(agent.call(does(waits)));
        assert!(poll_once(&mut call).await.is_pending());
        assert_eq!(polls.load(Ordering::Relaxed), 1, "a wake before the turn means nothing to it");
        open.send(()).unwrap();
        call.await.unwrap();
        stale.wake();
        agent.call(does(async {})).await.unwrap();
    });
}

#[test]
fn the_lender_stops_at_its_own_reply() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let on_its_stack = Arc::new(Mutex::new(Vec::new()));
        let (own, noted) = (agent.clone(), Arc::clone(&on_its_stack));
        let leaves_mail = async move {
            for _ in 0..10 {
                let noted = Arc::clone(&noted);
                let notes = async move { noted.lock().unwrap().push(is_marked()) };
                own.cast(does(notes)).unwrap();
            }
        };
        let mut call = Box::pin(marked(agent.call(does(leaves_mail))));
        assert!(poll_once(&mut call).await.is_ready(), "it was lent the thread");
        agent.call(does(async {})).await.unwrap();
        assert_eq!(*on_its_stack.lock().unwrap(), [false; 10], "somebody else works off the mail");
    });
}

#[test]
fn a_foreign_thread_works_and_does_not_lend() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (ended, foreign) = oneshot::channel();
        let thread = thread::spawn(move || {
            let call = || park(marked(agent.call(does(async { is_marked() })))).unwrap();
            let lent: Vec<_> = (0..50).map(|_| call()).collect();
            ended.send(()).unwrap();
            lent
        });
        foreign.await.unwrap();
        assert_eq!(join(thread), [false; 50]);
    });
}

#[test]
fn a_foreign_thread_that_entered_the_runtime_is_no_task_of_it_and_does_not_lend() {
    on_two_workers(async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let runtime = tokio::runtime::Handle::current();
        let (ended, foreign) = oneshot::channel();
        let thread = thread::spawn(move || {
            let _entered = runtime.enter();
            let lent = park(marked(agent.call(does(async { is_marked() })))).unwrap();
            ended.send(()).unwrap();
            lent
        });
        foreign.await.unwrap();
        assert!(!join(thread), "only a task of the system's own runtime lends");
    });
}

#[test]
fn a_task_of_another_runtime_works_and_does_not_lend() {
    on_two_workers(async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let (ended, foreign) = oneshot::channel();
        let thread = thread::spawn(move || {
            let call = async move {
                let mut lent = Vec::new();
                for _ in 0..50 {
                    lent.push(marked(agent.call(does(async { is_marked() }))).await.unwrap());
                }
                lent
            };
            let lent = one_thread().block_on(async {
                tokio::time::timeout(BOUND, tokio::spawn(call)).await.unwrap().unwrap()
            });
            ended.send(()).unwrap();
            lent
        });
        foreign.await.unwrap();
        assert_eq!(join(thread), [false; 50]);
    });
}
