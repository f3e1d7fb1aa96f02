//! Trees of supervisors, up to 5 deep, under random kills, panics, stops and commands.
//!
//! `oracle` applies a program step by step, and compares the tree with one that is made of engines alone.
//! `storm` lets threads do their worst at once, and then asks for what the specs promise.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mabeam::supervision::{AutoShutdown, Backoff, Child, Restart, Shutdown, Strategy, Supervisor};
use mabeam::{Agent, AgentRef, Context, Handler, Message, Reason, System};

#[path = "trees/model.rs"]
mod model;
#[path = "trees/oracle.rs"]
mod oracle;
#[path = "trees/storm.rs"]
mod storm;

/// A child, as its supervisor is told to have it. Its label is its path and its name.
#[derive(Clone, Debug)]
struct Node {
    label: String,
    restart: Restart,
    significant: bool,
    has_backoff: bool,
    /// `None` for one that is no supervisor.
    team: Option<Team>,
}

#[derive(Clone, Debug)]
struct Team {
    strategy: Strategy,
    auto_shutdown: AutoShutdown,
    max_restarts: u32,
    children: Vec<Node>,
}

/// Numbers from a seed (splitmix64).
struct Dice(u64);

/// What workers say of themselves.
#[derive(Default)]
struct Census(Mutex<BTreeMap<String, Entry>>);

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Entry {
    /// How many live now.
    alive: i32,
    /// How often it was started.
    starts: u64,
}

struct Worker {
    label: String,
    census: Arc<Census>,
    is_counted: bool,
}

struct Crash;
struct Ping;

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[usize::try_from(self.roll(from.len() as u64)).unwrap()]
    }
}

impl Node {
    /// A tree that goes at most so deep; its root is a supervisor.
    fn root(dice: &mut Dice, depth: u32, max_restarts: &[u32]) -> Self {
        let restart = Restart::Permanent;
        let team = Some(Team::random(dice, "r", depth, max_restarts));
        Self { label: "r".to_owned(), restart, significant: false, has_backoff: false, team }
    }

    fn random(
        dice: &mut Dice,
        label: String,
        depth: u32,
        auto_shutdown: AutoShutdown,
        max_restarts: &[u32],
    ) -> Self {
        let restart = dice.pick(&[
            Restart::Permanent,
            Restart::Permanent,
            Restart::Transient,
            Restart::Temporary,
        ]);
        let may_be_significant =
            restart != Restart::Permanent && auto_shutdown != AutoShutdown::Never;
        let significant = may_be_significant && dice.roll(2) == 0;
        let is_team = depth > 0 && dice.roll(5) < 3;
        let team = is_team.then(|| Team::random(dice, &label, depth, max_restarts));
        Self { label, restart, significant, has_backoff: dice.roll(4) == 0, team }
    }

    /// All nodes of the tree, itself first.
    fn all(&self) -> Vec<&Self> {
        let below = self.team.iter().flat_map(|team| &team.children).flat_map(Self::all);
        std::iter::once(self).chain(below).collect()
    }

    fn supervisor(&self, census: &Arc<Census>) -> Supervisor {
        let team = self.team.as_ref().unwrap();
        let supervisor = Supervisor::new(team.strategy)
            .intensity(team.max_restarts, AGES)
            .auto_shutdown(team.auto_shutdown);
        team.children.iter().fold(supervisor, |supervisor, node| {
            let (own, census) = (node.clone(), Arc::clone(census));
            if node.team.is_some() {
                let child = Child::new(move || own.supervisor(&census)).shutdown(Shutdown::Wait);
                supervisor.child(node.dress(child))
            } else {
                supervisor.child(node.dress(Child::new(move || Worker::new(&own, &census))))
            }
        })
    }

    fn dress<A: Agent>(&self, child: Child<A>) -> Child<A> {
        let child = child.label(&*self.label).named(&*self.label).restart(self.restart);
        let child = if self.significant { child.significant() } else { child };
        let (first, limit) = (Duration::from_millis(1), Duration::from_millis(8));
        let backoff = Backoff { first, limit, ..Backoff::default() };
        if self.has_backoff { child.backoff(backoff) } else { child }
    }
}

impl Team {
    fn random(dice: &mut Dice, label: &str, depth: u32, max_restarts: &[u32]) -> Self {
        let strategy = dice.pick(&[Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne]);
        let auto_shutdown = dice.pick(&[
            AutoShutdown::Never,
            AutoShutdown::AnySignificant,
            AutoShutdown::AllSignificant,
        ]);
        let count = 1 + dice.roll(3);
        let child = |place| {
            let label = format!("{label}.{place}");
            Node::random(dice, label, depth - 1, auto_shutdown, max_restarts)
        };
        let children = (0..count).map(child).collect();
        Self { strategy, auto_shutdown, max_restarts: dice.pick(max_restarts), children }
    }
}

impl Census {
    fn note(&self, label: &str, change: impl FnOnce(&mut Entry)) {
        change(self.0.lock().unwrap().entry(label.to_owned()).or_default());
    }

    fn read(&self) -> BTreeMap<String, Entry> {
        self.0.lock().unwrap().clone()
    }
}

impl Worker {
    fn new(node: &Node, census: &Arc<Census>) -> Self {
        let (label, census) = (node.label.clone(), Arc::clone(census));
        Self { label, census, is_counted: false }
    }
}

impl Agent for Worker {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
        self.is_counted = true;
        self.census.note(&self.label, |entry| {
            entry.alive += 1;
            entry.starts += 1;
        });
        Ok(())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        if self.is_counted {
            self.census.note(&self.label, |entry| entry.alive -= 1);
        }
    }
}

impl Message for Crash {
    type Reply = ();
}

impl Message for Ping {
    type Reply = ();
}

impl Handler<Crash> for Worker {
    async fn handle(&mut self, Crash: Crash, _: &mut Context<Self>) {
        // Without a report.
        resume_unwind(Box::new("as asked"));
    }
}

impl Handler<Ping> for Worker {
    async fn handle(&mut self, Ping: Ping, _: &mut Context<Self>) {}
}

/// Longer than any test, and than the virtual time that it lets pass.
const AGES: Duration = Duration::from_secs(1 << 40);

fn supervisor(system: &System, label: &str) -> Option<AgentRef<Supervisor>> {
    system.lookup(label).ok()
}

fn worker(system: &System, label: &str) -> Option<AgentRef<Worker>> {
    system.lookup(label).ok()
}
