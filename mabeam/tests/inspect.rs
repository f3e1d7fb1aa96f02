//! What a system shows of its agents, and what it warns of.

#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/keeper.rs"]
mod keeper;

#[path = "inspect/events.rs"]
mod events;
#[cfg(feature = "serde")]
#[path = "inspect/json.rs"]
mod json;
#[path = "inspect/tree.rs"]
mod tree;

use std::sync::mpsc;
use std::time::Duration;

use keeper::{Keeper, Put, Seen, hold};
use mabeam::supervision::{Child, Strategy, Supervisor};
use mabeam::{
    Agent, AgentId, AgentInfo, AgentState, Config, Context, Handler, Mailbox, Message, Reason,
    System,
};
use tokio::sync::oneshot;

fn info(system: &System, id: AgentId) -> AgentInfo {
    system.inspect().get(id).unwrap().clone()
}

/// Blocks its thread until it is let go.
struct Block {
    begun: oneshot::Sender<()>,
    let_go: mpsc::Receiver<()>,
}

impl Message for Block {
    type Reply = ();
}

impl Handler<Block> for Keeper {
    async fn handle(&mut self, block: Block, _: &mut Context<Self>) {
        let _ = block.begun.send(());
        let _ = block.let_go.recv();
    }
}

impl Block {
    fn new() -> (Self, oneshot::Receiver<()>, mpsc::Sender<()>) {
        let (begun, news) = oneshot::channel();
        let (door, let_go) = mpsc::channel();
        (Self { begun, let_go }, news, door)
    }
}

/// Panics.
struct Break;

impl Message for Break {
    type Reply = ();
}

impl Handler<Break> for Keeper {
    async fn handle(&mut self, _: Break, _: &mut Context<Self>) {
        panic!("it was asked to");
    }
}

/// Says that it was reached, and is passed when it is opened.
struct Gate {
    begun: oneshot::Receiver<()>,
    door: oneshot::Sender<()>,
    pass: Option<Pass>,
}

struct Pass(oneshot::Sender<()>, oneshot::Receiver<()>);

impl Gate {
    fn new() -> Self {
        let (news, begun) = oneshot::channel();
        let (door, opened) = oneshot::channel();
        Self { begun, door, pass: Some(Pass(news, opened)) }
    }
}

impl Pass {
    async fn go(self) {
        let _ = self.0.send(());
        let _ = self.1.await;
    }
}

/// Waits in `init` and in `on_exit`.
struct Slow {
    init: Option<Pass>,
    exit: Option<Pass>,
}

impl Agent for Slow {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
        if let Some(pass) = self.init.take() {
            pass.go().await;
        }
        Ok(())
    }

    async fn on_exit(&mut self, _: &Reason, _: &mut Context<Self>) {
        if let Some(pass) = self.exit.take() {
            pass.go().await;
        }
    }
}

#[tokio::test]
async fn each_agent_is_listed_once_in_the_order_of_ids_until_it_has_ended() {
    let system = System::new(Config::default()).unwrap();
    assert!(system.inspect().agents.is_empty());
    let mut agents = Vec::new();
    // More than are looked at under one lock, and places that were used before.
    for _ in 0..10_000 {
        agents.push(system.spawn(Keeper::default()).await.unwrap());
    }
    for agent in agents.drain(2_000..7_000) {
        let monitor = agent.monitor();
        agent.stop(Reason::Normal);
        monitor.down().await;
    }
    for _ in 0..2_500 {
        agents.push(system.spawn(Keeper::default()).await.unwrap());
    }
    let expected: Vec<_> = agents.iter().map(mabeam::AgentRef::id).collect();
    let seen: Vec<_> = system.inspect().agents.iter().map(|agent| agent.id).collect();
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn an_agent_shows_what_it_is_and_what_it_has_done() {
    let system = System::new(Config::default()).unwrap();
    let agent = system.spawn(Keeper::default()).named("test/keeper").await.unwrap();
    for number in 0..10 {
        agent.call(Put(number)).await.unwrap();
    }
    let seen = info(&system, agent.id());
    assert_eq!(seen.name.as_ref().unwrap().as_str(), "test/keeper");
    assert!(seen.type_name.ends_with("Keeper"), "{}", seen.type_name);
    assert_eq!(seen.handled, 11, "its `init`, and what was put");
    assert_eq!((seen.waiting, seen.restarts, seen.parent), (Some(0), 0, None));
    assert_eq!(seen.live_bytes, None, "it has no account");
}

#[tokio::test]
async fn what_waits_is_counted_where_there_is_a_limit() {
    let system = System::new(Config::default()).unwrap();
    let counted = [Mailbox::bounded(40), Mailbox::bounded(40).coalescing()];
    for (mailbox, waiting) in
        counted.map(|mailbox| (mailbox, Some(5))).into_iter().chain([(Mailbox::unbounded(), None)])
    {
        let agent = system.spawn(Keeper::default()).mailbox(mailbox).await.unwrap();
        let held = hold(&agent).await;
        for number in 0..5 {
            agent.cast(Put(number)).unwrap();
        }
        assert_eq!(info(&system, agent.id()).waiting, waiting, "{mailbox:?}");
        let above = |depth| system.inspect().waiting_above(depth).count();
        assert_eq!((above(4), above(5)), (usize::from(waiting.is_some()), 0));
        held.let_go();
        assert_eq!(agent.call(Seen).await.unwrap().len(), 5);
    }
}

/// On a runtime of one thread an agent runs only while the test waits.
#[tokio::test]
async fn each_state_of_an_agent_is_seen() {
    let system = System::new(Config::default()).unwrap();
    let state = |id| info(&system, id).state;

    let (mut init, mut exit) = (Gate::new(), Gate::new());
    let slow = Slow { init: init.pass.take(), exit: exit.pass.take() };
    let spawn = tokio::spawn(system.spawn(slow).named("slow").into_future());
    (&mut init.begun).await.unwrap();
    let id = system.lookup_any("slow").unwrap().id();
    assert_eq!(state(id), AgentState::Starting);
    init.door.send(()).unwrap();
    let slow = spawn.await.unwrap().unwrap();
    slow.stop(Reason::Normal);
    (&mut exit.begun).await.unwrap();
    assert_eq!(state(id), AgentState::Exiting);
    exit.door.send(()).unwrap();
    slow.monitor().down().await;
    assert!(system.inspect().get(id).is_none());

    let keeper = system.spawn(Keeper::default()).await.unwrap();
    assert_eq!(state(keeper.id()), AgentState::Idle);
    let held = hold(&keeper).await;
    assert_eq!(state(keeper.id()), AgentState::Waiting);
    held.let_go();
    assert_eq!(state(keeper.id()), AgentState::Active);
    keeper.call(Seen).await.unwrap();
    assert_eq!(state(keeper.id()), AgentState::Idle);
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_was_put_to_sleep_is_seen_to_sleep() {
    let system = System::new(Config::default()).unwrap();
    let Gate { begun, door, mut pass } = Gate::new();
    drop(door);
    let child = Child::new(move || Slow { init: None, exit: pass.take() })
        .named("child")
        .sleep_after(Duration::from_secs(1));
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child);
    let _supervisor = system.spawn(supervisor).await.unwrap();
    begun.await.unwrap();
    let child = info(&system, system.lookup_any("child").unwrap().id());
    assert_eq!((child.state, child.restarts), (AgentState::Asleep, 0));
}

#[tokio::test]
async fn a_restart_is_counted_and_the_parent_is_the_supervisor() {
    let system = System::new(Config::default()).unwrap();
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .intensity(3, Duration::from_secs(5))
        .child(Child::new(Keeper::default).named("child"));
    let supervisor = system.spawn(supervisor).await.unwrap();
    let child = system.lookup::<Keeper>("child").unwrap();
    let before = info(&system, child.id());
    assert_eq!((before.parent, before.restarts), (Some(supervisor.id()), 0));
    child.call(Break).await.unwrap_err();
    child.call(Seen).await.unwrap();
    let after = info(&system, child.id());
    assert_eq!((after.parent, after.restarts), (Some(supervisor.id()), 1));
    let snapshot = system.inspect();
    let children = snapshot.children_of(supervisor.id()).map(|agent| agent.id);
    assert_eq!(children.collect::<Vec<_>>(), [child.id()]);
}

#[tokio::test]
async fn what_a_dear_handler_took_is_in_its_busy_time() {
    let system = System::new(Config::default()).unwrap();
    let agent = system.spawn(Keeper::default()).await.unwrap();
    let (block, begun, door) = Block::new();
    let start = std::time::Instant::now();
    agent.cast(block).unwrap();
    // Computes for two milliseconds.
    let worker = std::thread::spawn(move || {
        begun.blocking_recv().unwrap();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(2) {
            std::hint::spin_loop();
        }
        door.send(()).unwrap();
    });
    agent.call(Seen).await.unwrap();
    worker.join().unwrap();
    let busy = info(&system, agent.id()).busy;
    assert!(busy >= Duration::from_millis(2), "{busy:?}");
    let most = start.elapsed();
    assert!(busy <= most, "{busy:?}, of {most:?}");
}
