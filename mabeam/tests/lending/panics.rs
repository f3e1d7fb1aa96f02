//! A panic in a poll or in a drop ends the agent, never the caller; everybody who waits is told.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use foundation::owner::Reason;
use mabeam::{Agent, AgentRef, CallError, Handler, Message, SpawnError, System};
use tokio::sync::oneshot;

use crate::support::{
    BOUND, Bomb, Do, Doer, Drops, does, is_marked, learn, lender, lends, marked, on_both,
    poll_once, reason,
};

fn panicked(message: &str) -> Reason {
    Reason::Panic(message.into())
}

/// Why the agent that was called has ended.
fn why<M>(failed: CallError<M>) -> Reason {
    match failed {
        CallError::Exited { reason, .. } => reason,
        other => panic!("{other}"),
    }
}

#[test]
fn a_panic_in_a_lent_poll_ends_the_agent_and_not_its_caller() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let other = system.spawn(Doer).await.unwrap();
        learn::<()>(&agent).await;
        let (first, second) = (agent.monitor(), agent.monitor());
        let (told, where_it_ran) = oneshot::channel();
        let panics = async move {
            told.send(is_marked()).unwrap();
            panic!("in a lent poll");
        };
        let failed = marked(agent.call(does::<()>(panics))).await.expect_err("it panicked");
        assert!(where_it_ran.await.unwrap(), "it was lent");
        assert_eq!(why(failed), panicked("in a lent poll"));
        assert_eq!(reason(first).await, panicked("in a lent poll"));
        assert_eq!(reason(second).await, panicked("in a lent poll"));
        other.call(does(async {})).await.expect("others live");
    });
}

#[test]
fn a_panic_in_a_scheduled_poll_fails_all_callers_with_its_message() {
    on_both(|| async {
        let (system, agent) = lender().await;
        let monitor = agent.monitor();
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let panics = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
            let what = "after a wait";
            panic!("{what}");
        };
        let mut first = Box::pin(agent.call(does(panics)));
        assert!(poll_once(&mut first).await.is_pending());
        begun.await.unwrap();
        let mut queued: Vec<_> = (0..10).map(|_| Box::pin(agent.call(does(async {})))).collect();
        for call in &mut queued {
            assert!(poll_once(call).await.is_pending());
        }
        open.send(()).unwrap();
        assert_eq!(why(first.await.expect_err("it panicked")), panicked("after a wait"));
        for call in queued {
            assert_eq!(why(call.await.expect_err("it ended")), panicked("after a wait"));
        }
        assert_eq!(reason(monitor).await, panicked("after a wait"));
        assert_eq!(system.dead_letter_count(), 10);
        assert_eq!(system.agents(), 0);
    });
}

#[test]
fn a_down_comes_once() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let mut monitor = agent.monitor();
        drop(agent.call(does(async { panic!("once") })).await.map(|(): ()| ()));
        let down = loop {
            match monitor.try_down() {
                Some(down) => break down,
                None => tokio::task::yield_now().await,
            }
        };
        assert_eq!(down.reason, panicked("once"));
        agent.kill();
        agent.stop(Reason::Normal);
        drop(agent);
        tokio::task::yield_now().await;
        assert_eq!(monitor.try_down(), None);
    });
}

/// Ready at once, and panics when it is dropped.
struct Treacherous(bool);

impl Future for Treacherous {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if self.0 { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Treacherous {
    fn drop(&mut self) {
        panic!("in a future's drop");
    }
}

struct Careless(Drops);

/// Is handled by a future that panics when it is dropped, whether or not it was ready.
struct Betray(bool);

impl Agent for Careless {}

impl Drop for Careless {
    fn drop(&mut self) {
        self.0.lock().unwrap().push("state");
    }
}

impl Message for Betray {
    type Reply = ();
}

impl Handler<Betray> for Careless {
    fn handle(
        &mut self,
        Betray(is_ready): Betray,
        _: &mut mabeam::Context<Self>,
    ) -> impl Future<Output = ()> + Send {
        Treacherous(is_ready)
    }
}

#[test]
fn a_panic_in_the_drop_of_a_handlers_future_ends_the_agent_and_not_its_caller() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        // The first is scheduled, the second lent.
        for _ in 0..2 {
            let drops = Drops::default();
            let agent = system.spawn(Careless(Arc::clone(&drops))).await.unwrap();
            let monitor = agent.monitor();
            let failed = agent.call(Betray(true)).await.expect_err("its future panicked");
            assert_eq!(why(failed), panicked("in a future's drop"));
            assert_eq!(reason(monitor).await, panicked("in a future's drop"));
            assert_eq!(*drops.lock().unwrap(), ["state"]);
        }
    });
}

#[test]
fn a_panic_in_the_drop_of_a_killed_handlers_future_keeps_nothing_from_ending() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let drops = Drops::default();
        let agent = system.spawn(Careless(Arc::clone(&drops))).await.unwrap();
        let monitor = agent.monitor();
        let mut call = Box::pin(agent.call(Betray(false)));
        assert!(poll_once(&mut call).await.is_pending());
        let mut queued = Box::pin(agent.call(Betray(true)));
        assert!(poll_once(&mut queued).await.is_pending());
        agent.kill();
        call.await.expect_err("it was killed");
        queued.await.expect_err("it was killed");
        assert_eq!(reason(monitor).await, Reason::Killed);
        assert_eq!(*drops.lock().unwrap(), ["state"]);
        assert_eq!(system.agents(), 0);
    });
}

/// An agent whose hooks panic as it is told.
struct Fragile {
    panics_in_init: bool,
    panics_in_exit: bool,
    #[expect(dead_code, reason = "it is there to be dropped")]
    state: Option<Bomb>,
}

impl Fragile {
    fn new() -> Self {
        Self { panics_in_init: false, panics_in_exit: false, state: None }
    }
}

impl Agent for Fragile {
    async fn init(&mut self, _: &mut mabeam::Context<Self>) -> Result<(), Reason> {
        assert!(!self.panics_in_init, "in init");
        Ok(())
    }

    async fn on_exit(&mut self, _: &Reason, _: &mut mabeam::Context<Self>) {
        assert!(!self.panics_in_exit, "in on_exit");
    }
}

/// A message that goes off when it is dropped unhandled.
struct Parcel(Option<Bomb>);

impl Message for Parcel {
    type Reply = ();
}

impl Handler<Parcel> for Fragile {
    async fn handle(&mut self, Parcel(bomb): Parcel, _: &mut mabeam::Context<Self>) {
        std::mem::forget(bomb);
    }
}

impl<R: Send + 'static> Handler<Do<R>> for Fragile
where
    Doer: Handler<Do<R>>,
{
    async fn handle(&mut self, work: Do<R>, _: &mut mabeam::Context<Self>) -> R {
        work.into_work().await
    }
}

#[test]
fn a_panic_in_init_fails_the_spawn_with_its_message() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        for _ in 0..3 {
            let spawned = system.spawn(Fragile { panics_in_init: true, ..Fragile::new() }).await;
            let Err(SpawnError::Init { reason, .. }) = spawned else { panic!("it panicked") };
            assert_eq!(reason, panicked("in init"));
        }
        let agent = system.spawn(Fragile::new()).await.expect("others are spawned");
        agent.call(Parcel(None)).await.unwrap();
    });
}

#[test]
fn a_panic_in_on_exit_keeps_nothing_from_ending() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Fragile { panics_in_exit: true, ..Fragile::new() }).await.unwrap();
        let monitor = agent.monitor();
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let waits = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
        };
        agent.cast(does(waits)).unwrap();
        begun.await.unwrap();
        let mut queued = Box::pin(agent.call(Parcel(None)));
        assert!(poll_once(&mut queued).await.is_pending());
        agent.stop(Reason::Shutdown);
        open.send(()).unwrap();
        queued.await.expect_err("it ended");
        reason(monitor).await;
        assert_eq!(system.agents(), 0);
    });
}

#[test]
fn a_panic_in_the_drop_of_the_state_keeps_nothing_from_ending() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let bomb = Some(Bomb("in the state's drop"));
        let agent = system.spawn(Fragile { state: bomb, ..Fragile::new() }).await.unwrap();
        let monitor = agent.monitor();
        agent.stop(Reason::Shutdown);
        assert_eq!(reason(monitor).await, Reason::Shutdown);
        agent.call(Parcel(None)).await.expect_err("it ended");
        assert_eq!(system.agents(), 0);
    });
}

#[test]
fn a_panic_in_the_drop_of_mail_keeps_no_other_mail_from_failing() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Fragile::new()).await.unwrap();
        let monitor = agent.monitor();
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let waits = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
        };
        agent.cast(does(waits)).unwrap();
        begun.await.unwrap();
        let parcel = || Parcel(Some(Bomb("in a message's drop")));
        let mut before = Box::pin(agent.call(parcel()));
        assert!(poll_once(&mut before).await.is_pending());
        agent.cast(parcel()).unwrap();
        let mut after = Box::pin(agent.call(parcel()));
        assert!(poll_once(&mut after).await.is_pending());
        agent.stop(Reason::Shutdown);
        open.send(()).unwrap();
        assert_eq!(why(before.await.map_err(defuse).expect_err("it ended")), Reason::Shutdown);
        assert_eq!(why(after.await.map_err(defuse).expect_err("it ended")), Reason::Shutdown);
        assert_eq!(reason(monitor).await, Reason::Shutdown);
        assert_eq!((system.agents(), system.dead_letter_count()), (0, 3));
    });
}

/// The same error, without a message that would go off.
fn defuse(error: CallError<Parcel>) -> CallError<()> {
    error.map(std::mem::forget)
}

#[test]
fn a_panic_in_the_drop_of_a_message_that_came_too_late_ends_the_agent() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Fragile::new()).await.unwrap();
        let monitor = agent.monitor();
        let (began, begun) = oneshot::channel();
        let (open, gate) = oneshot::channel::<()>();
        let waits = async move {
            began.send(()).unwrap();
            gate.await.unwrap();
        };
        agent.cast(does(waits)).unwrap();
        begun.await.unwrap();
        let mut given_up = Box::pin(agent.call(Parcel(Some(Bomb("in a message's drop")))));
        assert!(poll_once(&mut given_up).await.is_pending());
        drop(given_up);
        let mut after = Box::pin(agent.call(Parcel(None)));
        assert!(poll_once(&mut after).await.is_pending());
        open.send(()).unwrap();
        let failed = after.await.map_err(defuse).expect_err("a panic in a drop ends the agent");
        assert_eq!(why(failed), panicked("in a message's drop"));
        assert_eq!(reason(monitor).await, panicked("in a message's drop"));
    });
}

#[test]
fn what_was_panicked_with_may_panic_when_it_is_dropped() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        let monitor = agent.monitor();
        let panics = async { std::panic::panic_any(Bomb("in the panic's drop")) };
        let failed = agent.call(does::<()>(panics)).await.expect_err("it panicked");
        assert!(matches!(why(failed), Reason::Panic(_)));
        assert!(matches!(reason(monitor).await, Reason::Panic(_)));
    });
}

#[test]
fn a_panic_ends_no_worker() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let mut monitors = Vec::new();
        for _ in 0..50 {
            let agent: AgentRef<Doer> = system.spawn(Doer).await.unwrap();
            monitors.push(agent.monitor());
            agent
                .cast(does(async { panic!("one of many") }))
                .map_err(drop::<mabeam::CastError<Do<()>>>)
                .unwrap();
        }
        for mut monitor in monitors {
            let down =
                tokio::task::spawn_blocking(move || monitor.down_blocking(Instant::now() + BOUND));
            assert_eq!(down.await.unwrap().unwrap().reason, panicked("one of many"));
        }
    });
}
