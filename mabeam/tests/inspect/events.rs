//! What a system warns of.

use std::time::Duration;

use foundation::log::Subscription;
use mabeam::{LocalAgent, LocalHandler, Pinned, SystemEvent, WhenFull};
use tokio::time::timeout;

use super::keeper::LONG;
use super::*;

/// The first event of which `of` makes something.
async fn first<T>(
    events: &mut Subscription<SystemEvent>,
    of: impl Fn(SystemEvent) -> Option<T>,
) -> T {
    let found = async {
        loop {
            if let Some(found) = of(events.next().await.unwrap()) {
                return found;
            }
        }
    };
    timeout(LONG, found).await.unwrap()
}

fn high(event: &SystemEvent) -> Option<(AgentId, u32)> {
    match event {
        SystemEvent::MailboxHigh { agent, waiting, .. } => Some((*agent, *waiting)),
        _ => None,
    }
}

/// How many mailboxes are said to be high up to now.
fn highs(events: &mut Subscription<SystemEvent>) -> usize {
    std::iter::from_fn(|| events.try_next().unwrap()).filter_map(|event| high(&event)).count()
}

#[tokio::test]
async fn a_mailbox_is_high_once_until_it_was_half_as_full() {
    let system = System::new(Config::default()).unwrap();
    let drops = Mailbox::bounded(20).when_full(WhenFull::DropOldest);
    for mailbox in [Mailbox::bounded(20), drops, Mailbox::bounded(20).coalescing()] {
        let mut events = system.events();
        highs(&mut events);
        let agent = system.spawn(Keeper::default()).mailbox(mailbox).await.unwrap();
        for round in 0..3 {
            let held = hold(&agent).await;
            for number in 0..15 {
                agent.cast(Put(number)).unwrap();
            }
            assert_eq!(highs(&mut events), 0, "15 of 20, {mailbox:?}");
            agent.cast(Put(15)).unwrap();
            assert_eq!(
                first(&mut events, |event| high(&event)).await,
                (agent.id(), 16),
                "{round}, {mailbox:?}"
            );
            for number in 16..20 {
                agent.cast(Put(number)).unwrap();
            }
            assert_eq!(highs(&mut events), 0, "it was said, {mailbox:?}");
            held.let_go();
            // Begun after all the others.
            agent.call(Seen).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_mailbox_that_hovers_about_its_mark_is_said_to_be_high_once() {
    let system = System::new(Config::default()).unwrap();
    let mut events = system.events();
    let agent = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(80)).await.unwrap();
    let held = hold(&agent).await;
    let mut holds: std::collections::VecDeque<_> = [held].into();
    for round in 0..4 {
        // 64 is the mark. Of these, 20 are handled between two holds; 40 would have to be.
        let places = if round == 0 { 3 } else { 1 };
        for _ in 0..places {
            for number in 0..20 {
                agent.cast(Put(number)).unwrap();
            }
            let (next, held) = keeper::Hold::new();
            agent.cast(next).unwrap();
            holds.push_back(held);
        }
        for number in 0..3 {
            let _ = agent.cast(Put(number));
        }
        holds.pop_front().unwrap().let_go();
        holds.front_mut().unwrap().begun().await;
    }
    assert_eq!(highs(&mut events), 1);
    drop(holds);
}

#[tokio::test]
async fn small_and_unmarked_mailboxes_are_never_high() {
    let mut config = Config::default();
    let small = System::new(config.clone()).unwrap();
    config.mailbox_mark = 0;
    let unmarked = System::new(config).unwrap();
    for (system, limit) in [(small, 15), (unmarked, 100)] {
        let agent = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(limit));
        let agent = agent.await.unwrap();
        let _held = hold(&agent).await;
        for number in 0..u64::from(limit) {
            agent.cast(Put(number)).unwrap();
        }
        assert_eq!(highs(&mut system.events()), 0);
    }
}

#[tokio::test]
async fn a_long_turn_is_said_with_its_message() {
    let mut config = Config::default();
    config.long_turn = Duration::from_millis(1);
    let system = System::new(config).unwrap();
    let mut events = system.events();
    let agent = system.spawn(Keeper::default()).named("long").await.unwrap();
    let (block, begun, door) = Block::new();
    agent.cast(block).unwrap();
    let worker = std::thread::spawn(move || {
        begun.blocking_recv().unwrap();
        let begun = std::time::Instant::now();
        while begun.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        door.send(()).unwrap();
    });
    let long = first(&mut events, |event| match event {
        SystemEvent::TurnLong { agent, name, message, taken } if message.ends_with("Block") => {
            Some((agent, name.unwrap().to_string(), taken))
        }
        _ => None,
    });
    let (who, name, taken) = long.await;
    assert_eq!((who, name.as_str()), (agent.id(), "long"));
    assert!(taken >= Duration::from_millis(1), "{taken:?}");
    worker.join().unwrap();
}

/// The test's own task runs on a thread that is no worker. The last of what is said of the second agent
/// is said when nothing was queued for so long that the warden has nothing else to do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_is_held_is_said_while_it_is_and_again_when_that_has_doubled() {
    let mut config = Config::default();
    config.long_turn = Duration::from_millis(2);
    let system = System::new(config).unwrap();
    let mut events = system.events();
    for long in [4, 400].map(Duration::from_millis) {
        let agent = system.spawn(Keeper::default()).named("holder").await.unwrap();
        let (block, begun, door) = Block::new();
        agent.cast(block).unwrap();
        begun.await.unwrap();
        let mut before = Duration::from_millis(1);
        while before < long {
            let held = first(&mut events, |event| match event {
                SystemEvent::WorkerHeld { agent: who, name, held } if who == agent.id() => {
                    assert_eq!(name.unwrap().as_str(), "holder");
                    Some(held)
                }
                _ => None,
            });
            let held = held.await;
            assert!(held >= 2 * before, "{held:?} after {before:?}");
            before = held;
        }
        // It is let go only now.
        door.send(()).unwrap();
        let monitor = agent.monitor();
        agent.stop(Reason::Normal);
        monitor.down().await;
    }
}

#[tokio::test]
async fn a_restart_is_said_with_its_reason() {
    let system = System::new(Config::default()).unwrap();
    let mut events = system.events();
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .intensity(3, Duration::from_secs(5))
        .child(Child::new(Keeper::default).named("child"));
    let _supervisor = system.spawn(supervisor).await.unwrap();
    let child = system.lookup::<Keeper>("child").unwrap();
    for restart in 1..3 {
        child.call(Break).await.unwrap_err();
        let said = first(&mut events, |event| match event {
            SystemEvent::Restarted { agent, name, incarnation, reason } => {
                assert!(matches!(reason, Reason::Panic(_)), "{reason:?}");
                Some((agent, name.unwrap().to_string(), incarnation))
            }
            _ => None,
        });
        assert_eq!(said.await, (child.id(), "child".to_owned(), restart + 1));
    }
}

#[tokio::test]
async fn no_more_events_are_kept_than_is_said() {
    let mut config = Config::default();
    // Everything is timed, and everything is long.
    (config.events, config.lendable, config.long_turn) = (3, Duration::ZERO, Duration::ZERO);
    let system = System::new(config).unwrap();
    for _ in 0..10 {
        system.spawn(Keeper::default()).await.unwrap().call(Seen).await.unwrap();
    }
    let mut events = system.events();
    let mut kept = 0;
    while let Ok(Some(_)) = events.try_next() {
        kept += 1;
    }
    assert_eq!(kept, 3);
}

struct Loner;
impl LocalAgent for Loner {}

impl LocalHandler<Seen> for Loner {
    async fn handle(&mut self, _: Seen, _: &mut Context<Pinned<Self>>) -> Vec<u64> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_pinned_agent_may_take_as_long_as_it_likes() {
    let mut config = Config::default();
    // Everything is timed, and everything is long.
    (config.lendable, config.long_turn) = (Duration::ZERO, Duration::ZERO);
    let system = System::new(config).unwrap();
    let pinned = system.spawn_pinned(|| Loner).await.unwrap();
    pinned.call(Seen).await.unwrap();
    let other = system.spawn(Keeper::default()).await.unwrap();
    other.call(Seen).await.unwrap();
    let mut events = system.events();
    let long = std::iter::from_fn(|| events.try_next().unwrap()).filter_map(|event| match event {
        SystemEvent::TurnLong { agent, .. } => Some(agent),
        _ => None,
    });
    let long: std::collections::BTreeSet<_> = long.collect();
    assert_eq!(long.into_iter().collect::<Vec<_>>(), [other.id()]);
    assert!(info(&system, pinned.id()).busy > Duration::ZERO, "it is timed as any other");
}
