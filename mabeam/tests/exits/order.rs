//! The order of an end: marked dead, names gone, `Down`.

use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use foundation::owner::{MonitorRef, Reason};
use mabeam::{Agent, AgentRef, CastError, Handler, Message, SpawnError, System};

use crate::support::{Do, Doer, does, lends, on_both, on_two_workers, reason};

/// Whether the name is free, and free again afterwards.
fn is_free(system: &System, name: &str) -> bool {
    let mut spawning = Box::pin(system.spawn(Doer).named(name).into_future());
    match spawning.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Err(SpawnError::Refused { .. })) => false,
        Poll::Ready(Err(other)) => panic!("{other}"),
        Poll::Ready(Ok(_)) | Poll::Pending => true,
    }
}

/// Says what can be seen of it while it ends.
struct Observed {
    system: Option<System>,
    own: Option<AgentRef<Observed>>,
    monitor: Option<MonitorRef>,
    seen: Arc<Mutex<Vec<(&'static str, Seen)>>>,
}

#[derive(Debug, PartialEq, Eq)]
struct Seen {
    is_dead: bool,
    has_name: bool,
    is_down: bool,
}

struct Meet(System, AgentRef<Observed>);

impl Message for Meet {
    type Reply = ();
}

impl Handler<Meet> for Observed {
    async fn handle(&mut self, Meet(system, own): Meet, _: &mut mabeam::Context<Self>) {
        self.monitor = Some(own.monitor());
        (self.system, self.own) = (Some(system), Some(own));
    }
}

impl Observed {
    fn look(&mut self, when: &'static str) {
        let (Some(system), Some(own)) = (&self.system, &self.own) else { return };
        let refused =
            matches!(own.cast(Meet(system.clone(), own.clone())), Err(CastError::Ended { .. }));
        assert_eq!(refused, own.has_ended());
        let is_down = self.monitor.as_mut().is_some_and(|monitor| monitor.try_down().is_some());
        let seen = Seen { is_dead: refused, has_name: !is_free(system, "tests/observed"), is_down };
        self.seen.lock().unwrap().push((when, seen));
    }
}

impl Agent for Observed {
    async fn on_exit(&mut self, _: &Reason, _: &mut mabeam::Context<Self>) {
        self.look("on_exit");
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        self.look("drop");
    }
}

#[test]
fn an_agent_is_marked_dead_then_its_names_go_then_its_down_comes() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let seen = Arc::default();
        let observed = Observed { system: None, own: None, monitor: None, seen: Arc::clone(&seen) };
        let agent = system.spawn(observed).named("tests/observed").await.unwrap();
        let mut monitor = agent.monitor();
        agent.call(Meet(system.clone(), agent.clone())).await.unwrap();
        assert!(!agent.has_ended() && !is_free(&system, "tests/observed"));
        assert_eq!(monitor.try_down(), None);
        agent.stop(Reason::Shutdown);
        assert_eq!(reason(monitor).await, Reason::Shutdown);
        assert!(agent.has_ended());
        assert!(is_free(&system, "tests/observed"), "whoever has the `Down` finds no trace");
        let seen = seen.lock().unwrap();
        let dead = || Seen { is_dead: true, has_name: true, is_down: false };
        assert_eq!(*seen, [("on_exit", dead()), ("drop", dead())]);
    });
}

#[test]
fn a_name_is_free_for_the_next_at_the_down_of_the_last() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        for round in 0..100 {
            let agent = system.spawn(Doer).named("held/by one").await.unwrap();
            let taken = system.spawn(Doer).named("held/by one").await;
            taken.expect_err("it is held").into_agent().expect("the agent comes back");
            let monitor = agent.monitor();
            match round % 3 {
                0 => agent.kill(),
                1 => agent.stop(Reason::Normal),
                _ => {
                    let panics: Do<()> = does(async { panic!("with a name") });
                    agent.call(panics).await.expect_err("it panicked");
                }
            }
            reason(monitor).await;
        }
    });
}

#[test]
fn every_agent_is_accounted_for_when_many_are_killed_at_once() {
    const COUNT: usize = 10_000;
    on_two_workers(async {
        let system = System::new(lends()).unwrap();
        let mut agents = Vec::with_capacity(COUNT);
        for _ in 0..COUNT {
            agents.push(system.spawn(Doer).await.unwrap());
        }
        let monitors: Vec<_> = agents.iter().map(AgentRef::monitor).collect();
        assert_eq!(system.agents(), COUNT);
        agents.iter().for_each(AgentRef::kill);
        for monitor in monitors {
            assert_eq!(reason(monitor).await, Reason::Killed);
        }
        while system.agents() > 0 {
            tokio::task::yield_now().await;
        }
    });
}
