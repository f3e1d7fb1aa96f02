//! Why an agent ends: each reason, and whether its exit hook hears of it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::owner::{MonitorRef, Reason};
use mabeam::{Agent, AgentRef, Handler, Message, SpawnError, System};
use tokio::sync::oneshot;

use crate::support::{
    BOUND, does, in_paused_time, learn, lender, lends, on_both, poll_once, reason,
};

/// An agent whose hooks say and do what the test wants.
struct Witness {
    /// Hears `on_exit`'s reason.
    exits: Arc<Mutex<Vec<Reason>>>,
    init: Option<oneshot::Sender<MonitorRef>>,
    outcome: Outcome,
}

enum Outcome {
    Ready,
    Fails(Reason),
    Never,
}

impl Witness {
    fn new() -> (Self, Arc<Mutex<Vec<Reason>>>) {
        let exits = Arc::default();
        (Self { exits: Arc::clone(&exits), init: None, outcome: Outcome::Ready }, exits)
    }

    /// One that hands a monitor of itself out of its `init`, which then comes to this.
    fn in_init(outcome: Outcome) -> (Self, oneshot::Receiver<MonitorRef>) {
        let (tell, monitor) = oneshot::channel();
        (Self { exits: Arc::default(), init: Some(tell), outcome }, monitor)
    }
}

impl Agent for Witness {
    async fn init(&mut self, context: &mut mabeam::Context<Self>) -> Result<(), Reason> {
        if let Some(tell) = self.init.take() {
            tell.send(context.handle().monitor()).unwrap();
        }
        match &self.outcome {
            Outcome::Ready => Ok(()),
            Outcome::Fails(reason) => Err(reason.clone()),
            Outcome::Never => std::future::pending().await,
        }
    }

    async fn on_exit(&mut self, reason: &Reason, _: &mut mabeam::Context<Self>) {
        self.exits.lock().unwrap().push(reason.clone());
    }
}

/// Ends the agent by its own context.
struct Stop(Reason);

impl Message for Stop {
    type Reply = u32;
}

impl Handler<Stop> for Witness {
    async fn handle(&mut self, Stop(reason): Stop, context: &mut mabeam::Context<Self>) -> u32 {
        context.stop(reason);
        context.stop(Reason::Shutdown);
        7
    }
}

struct Panic;

impl Message for Panic {
    type Reply = ();
}

impl Handler<Panic> for Witness {
    async fn handle(&mut self, _: Panic, _: &mut mabeam::Context<Self>) {
        panic!("as asked");
    }
}

async fn witness(system: &System) -> (AgentRef<Witness>, MonitorRef, Arc<Mutex<Vec<Reason>>>) {
    let (agent, exits) = Witness::new();
    let agent = system.spawn(agent).await.unwrap();
    let monitor = agent.monitor();
    (agent, monitor, exits)
}

#[test]
fn an_agent_that_is_stopped_ends_with_the_reason_it_was_given() {
    let reasons = [Reason::Normal, Reason::Shutdown, Reason::Failed("out of paper".into())];
    on_both(|| {
        let reasons = reasons.clone();
        async move {
            let system = System::new(lends()).unwrap();
            for why in reasons {
                let (agent, monitor, exits) = witness(&system).await;
                agent.stop(why.clone());
                assert_eq!(reason(monitor).await, why);
                assert_eq!(*exits.lock().unwrap(), [why]);
            }
        }
    });
}

#[test]
fn an_agent_that_stops_itself_answers_and_ends_with_its_first_reason() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        // Scheduled, then lent.
        for _ in 0..3 {
            let (agent, monitor, exits) = witness(&system).await;
            let why = Reason::Failed("enough".into());
            assert_eq!(agent.call(Stop(why.clone())).await.unwrap(), 7);
            assert_eq!(reason(monitor).await, why);
            assert_eq!(*exits.lock().unwrap(), [why]);
        }
    });
}

#[test]
fn an_agent_that_lost_its_last_handle_ends_normally_with_its_exit_hook() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, monitor, exits) = witness(&system).await;
        drop(agent);
        assert_eq!(reason(monitor).await, Reason::Normal);
        assert_eq!(*exits.lock().unwrap(), [Reason::Normal]);
    });
}

#[test]
fn agents_of_a_system_that_shuts_down_end_with_shutdown() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (_agent, monitor, exits) = witness(&system).await;
        system.shutdown(BOUND).await.unwrap();
        assert_eq!(reason(monitor).await, Reason::Shutdown);
        assert_eq!(*exits.lock().unwrap(), [Reason::Shutdown]);
    });
}

#[test]
fn a_killed_agent_ends_with_killed_without_its_exit_hook() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, monitor, exits) = witness(&system).await;
        agent.kill();
        assert_eq!(reason(monitor).await, Reason::Killed);
        assert_eq!(*exits.lock().unwrap(), []);
    });
}

#[test]
fn an_agent_that_panicked_ends_with_its_message_without_its_exit_hook() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, monitor, exits) = witness(&system).await;
        agent.call(Panic).await.expect_err("it panicked");
        assert_eq!(reason(monitor).await, Reason::Panic("as asked".into()));
        assert_eq!(*exits.lock().unwrap(), []);
    });
}

#[test]
fn an_agent_whose_init_fails_ends_with_that_reason_without_its_exit_hook() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let why = Reason::Failed("no disk".into());
        let (agent, monitor) = Witness::in_init(Outcome::Fails(why.clone()));
        let exits = Arc::clone(&agent.exits);
        let spawned = system.spawn(agent).await;
        let Err(SpawnError::Init { reason: told, .. }) = spawned else { panic!("it failed") };
        assert_eq!(told, why);
        assert_eq!(reason(monitor.await.unwrap()).await, why);
        assert_eq!(*exits.lock().unwrap(), []);
        assert_eq!(system.agents(), 0);
    });
}

#[test]
fn an_agent_whose_init_takes_too_long_ends_with_deadline() {
    in_paused_time(async {
        let system = System::new(lends()).unwrap();
        let (agent, monitor) = Witness::in_init(Outcome::Never);
        let spawned = system.spawn(agent).init_deadline(Duration::from_secs(1)).await;
        let Err(SpawnError::Init { reason: told, .. }) = spawned else { panic!("it waits") };
        assert_eq!(told, Reason::Deadline, "who spawned it is told");
        assert_eq!(reason(monitor.await.unwrap()).await, Reason::Deadline, "monitors are told");
        assert_eq!(system.agents(), 0);
    });
}

#[test]
fn a_kill_overrules_a_stop_that_has_not_begun() {
    on_both(|| async {
        let (_system, agent) = lender().await;
        learn::<()>(&agent).await;
        let monitor = agent.monitor();
        let mut call = Box::pin(agent.call(does(std::future::pending::<()>())));
        assert!(poll_once(&mut call).await.is_pending());
        agent.stop(Reason::Normal);
        agent.kill();
        assert_eq!(reason(monitor).await, Reason::Killed);
        call.await.expect_err("it was killed");
    });
}

#[test]
fn an_exit_hook_that_takes_too_long_is_dropped() {
    struct Lingers;
    impl Agent for Lingers {
        async fn on_exit(&mut self, _: &Reason, _: &mut mabeam::Context<Self>) {
            std::future::pending::<()>().await;
        }
    }
    in_paused_time(async {
        let mut config = lends();
        config.exit_deadline = Duration::from_secs(1);
        let system = System::new(config).unwrap();
        let agent = system.spawn(Lingers).await.unwrap();
        let monitor = agent.monitor();
        agent.stop(Reason::Shutdown);
        assert_eq!(reason(monitor).await, Reason::Shutdown);
    });
}

#[test]
fn a_kill_ends_an_exit_hook_that_waits() {
    struct Lingers(Option<oneshot::Sender<()>>);
    impl Agent for Lingers {
        async fn on_exit(&mut self, _: &Reason, _: &mut mabeam::Context<Self>) {
            if let Some(began) = self.0.take() {
                began.send(()).unwrap();
            }
            std::future::pending::<()>().await;
        }
    }
    on_both(|| async {
        let mut config = lends();
        config.exit_deadline = Duration::from_secs(3600);
        let system = System::new(config).unwrap();
        let (began, begun) = oneshot::channel();
        let agent = system.spawn(Lingers(Some(began))).await.unwrap();
        let monitor = agent.monitor();
        agent.stop(Reason::Shutdown);
        begun.await.unwrap();
        agent.kill();
        assert_eq!(reason(monitor).await, Reason::Shutdown, "the end had begun");
        assert_eq!(system.agents(), 0);
    });
}
