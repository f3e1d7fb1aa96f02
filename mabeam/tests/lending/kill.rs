//! Kills: what a killed agent drops in which order, and that none is lost.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use foundation::owner::Reason;
use mabeam::{Agent, AgentRef, Handler, Mailbox, Message, System};
use tokio::sync::oneshot;

use crate::support::{
    Doer, Drops, Mark, await_signal, does, join, learn, lender, lends, on_both, on_one_thread,
    on_two_workers, poll_once, reason,
};

/// An agent that says when its parts are dropped.
struct Marked {
    _state: Mark,
}

/// Waits for ever, or panics once it may.
struct Wait {
    turn: Mark,
    began: oneshot::Sender<()>,
    panics: oneshot::Receiver<()>,
}

/// Mail that stays in the queue.
struct Letter(#[expect(dead_code, reason = "it is there to be dropped")] Mark);

impl Agent for Marked {}

impl Message for Wait {
    type Reply = ();
}

impl Message for Letter {
    type Reply = ();
}

impl Handler<Wait> for Marked {
    async fn handle(&mut self, wait: Wait, _: &mut mabeam::Context<Self>) {
        let Wait { turn: _turn, began, panics } = wait;
        began.send(()).unwrap();
        assert!(panics.await.is_err(), "it may");
        std::future::pending::<()>().await;
    }
}

impl Handler<Letter> for Marked {
    async fn handle(&mut self, _: Letter, _: &mut mabeam::Context<Self>) {}
}

/// An agent that waits in a handler, with two messages in its mailbox; and its parts' drops.
async fn waiting(system: &System) -> (AgentRef<Marked>, oneshot::Sender<()>, Drops) {
    let drops = Drops::default();
    let mark = |part| Mark(part, Arc::clone(&drops));
    let agent = system.spawn(Marked { _state: mark("state") }).await.unwrap();
    let (began, begun) = oneshot::channel();
    let (go, panics) = oneshot::channel();
    agent.cast(Wait { turn: mark("turn"), began, panics }).unwrap();
    begun.await.unwrap();
    agent.cast(Letter(mark("first letter"))).unwrap();
    agent.cast(Letter(mark("second letter"))).unwrap();
    (agent, go, drops)
}

const ORDER: [&str; 4] = ["turn", "state", "first letter", "second letter"];

#[test]
fn an_agent_that_is_killed_in_an_await_drops_its_turn_then_its_state_then_its_mail() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, _go, drops) = waiting(&system).await;
        let monitor = agent.monitor();
        agent.kill();
        assert_eq!(reason(monitor).await, Reason::Killed);
        assert_eq!(*drops.lock().unwrap(), ORDER);
        assert_eq!(system.dead_letter_count(), 2);
    });
}

#[test]
fn an_agent_that_panics_drops_its_turn_then_its_state_then_its_mail() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, go, drops) = waiting(&system).await;
        let monitor = agent.monitor();
        go.send(()).unwrap();
        assert_eq!(reason(monitor).await, Reason::Panic("it may".into()));
        assert_eq!(*drops.lock().unwrap(), ORDER);
    });
}

#[test]
fn an_agent_whose_runtime_is_dropped_drops_its_turn_then_its_state_then_its_mail() {
    let runtime = crate::support::one_thread();
    let system = runtime.block_on(async { System::new(lends()).unwrap() });
    let (agent, _go, drops) = runtime.block_on(waiting(&system));
    let mut monitor = agent.monitor();
    drop(runtime);
    assert_eq!(monitor.try_down().unwrap().reason, Reason::Shutdown);
    assert_eq!(*drops.lock().unwrap(), ORDER);
}

#[test]
fn a_handler_that_computes_is_waited_for_by_a_kill_and_not_run_twice() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let mut monitor = agent.monitor();
        let runs = Arc::new(AtomicUsize::new(0));
        let (began, begun) = mpsc::channel();
        let (open, gate) = mpsc::channel();
        let ran = Arc::clone(&runs);
        let computes = async move {
            ran.fetch_add(1, Ordering::Relaxed);
            began.send(()).unwrap();
            await_signal(&gate);
        };
        // On one thread the handler has that thread: the rest happens on another.
        let killer = agent.clone();
        let thread = thread::spawn(move || {
            await_signal(&begun);
            killer.kill();
            let is_down = monitor.try_down().is_some();
            open.send(()).unwrap();
            (is_down, monitor)
        });
        agent.cast(does(computes)).unwrap();
        let (is_down, monitor) = tokio::task::spawn_blocking(|| join(thread)).await.unwrap();
        assert!(!is_down, "the handler still ran");
        assert_eq!(reason(monitor).await, Reason::Killed);
        assert_eq!(runs.load(Ordering::Relaxed), 1);
    });
}

#[test]
fn a_lent_handler_that_computes_is_waited_for_by_a_kill_and_answers() {
    on_two_workers(async {
        let (_system, agent) = lender().await;
        learn::<u32>(&agent).await;
        let mut monitor = agent.monitor();
        let (began, begun) = mpsc::channel();
        let (open, gate) = mpsc::channel();
        let computes = async move {
            began.send(()).unwrap();
            await_signal(&gate);
            7
        };
        let killer = agent.clone();
        let thread = thread::spawn(move || {
            await_signal(&begun);
            killer.kill();
            let is_down = monitor.try_down().is_some();
            open.send(()).unwrap();
            (is_down, monitor)
        });
        assert_eq!(agent.call(does(computes)).await.unwrap(), 7);
        let (is_down, monitor) = join(thread);
        assert!(!is_down);
        assert_eq!(reason(monitor).await, Reason::Killed);
    });
}

#[test]
fn a_shutdown_reports_a_handler_that_does_not_return() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).named("tests/stubborn").await.unwrap();
        let monitor = agent.monitor();
        let (began, begun) = mpsc::channel();
        let (open, gate) = mpsc::channel();
        let computes = async move {
            began.send(()).unwrap();
            await_signal(&gate);
        };
        agent.cast(does(computes)).unwrap();
        await_signal(&begun);
        let failed = system.shutdown(Duration::from_millis(5)).await.expect_err("it computes");
        assert_eq!((failed.left, failed.example.as_str()), (1, "tests/stubborn"));
        open.send(()).unwrap();
        assert_eq!(reason(monitor).await, Reason::Killed, "after its time it was killed");
    });
}

#[test]
fn a_handler_that_kills_its_own_agent_and_then_waits_ends() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let monitor = agent.monitor();
        let own = agent.clone();
        let kills = async move {
            own.kill();
            drop(own);
            std::future::pending::<()>().await;
        };
        agent.call(does(kills)).await.expect_err("it was killed");
        assert_eq!(reason(monitor).await, Reason::Killed);
    });
}

/// Kills an agent when it is woken.
struct Killer(AgentRef<Doer>);

impl Wake for Killer {
    fn wake(self: Arc<Self>) {
        self.0.kill();
    }
}

#[test]
fn a_kill_by_somebody_who_was_woken_for_a_free_place_is_not_lost() {
    on_one_thread(async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).mailbox(Mailbox::bounded(1)).await.unwrap();
        let monitor = agent.monitor();
        // Has the only place, and will wait for ever once it has begun.
        agent.cast(does(std::future::pending::<()>())).unwrap();
        // Waits for the place, and is woken just before that handler is polled.
        let mut call = Box::pin(agent.call(does(async {})));
        let waker = Waker::from(Arc::new(Killer(agent.clone())));
        assert!(matches!(call.as_mut().poll(&mut Context::from_waker(&waker)), Poll::Pending));
        assert_eq!(reason(monitor).await, Reason::Killed);
        drop(call);
    });
}

#[test]
fn a_kill_at_any_moment_of_a_lent_call_that_waits_for_ever_is_not_lost() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let teacher = system.spawn(Doer).await.unwrap();
        learn::<()>(&teacher).await;
        for _ in 0..500 {
            let agent = system.spawn(Doer).await.unwrap();
            let monitor = agent.monitor();
            let killer = agent.clone();
            let kill = tokio::spawn(async move { killer.kill() });
            let call = agent.call(does(std::future::pending::<()>()));
            call.await.expect_err("it was killed, before or in the call");
            assert_eq!(reason(monitor).await, Reason::Killed);
            kill.await.unwrap();
        }
    });
}

#[test]
fn a_kill_at_any_moment_of_a_scheduled_handler_that_waits_for_ever_is_not_lost() {
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        for _ in 0..500 {
            let agent = system.spawn(Doer).await.unwrap();
            let monitor = agent.monitor();
            agent.cast(does(std::future::pending::<()>())).unwrap();
            agent.kill();
            assert_eq!(reason(monitor).await, Reason::Killed);
        }
    });
}

#[test]
fn the_caller_of_a_killed_handler_is_told_why() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let mut call = Box::pin(agent.call(does(std::future::pending::<()>())));
        assert!(poll_once(&mut call).await.is_pending());
        agent.kill();
        let failed = call.await.expect_err("it was killed").to_string();
        assert!(failed.contains("killed"), "{failed}");
    });
}
