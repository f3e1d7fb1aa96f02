//! What a system looks like from outside: its agents, and what is worth a warning.
//!
//! Owns [`Snapshot`] and [`SystemEvent`]. A snapshot is made of what agents write anyway, so they are
//! neither stopped nor slowed down by it, and what is kept for it costs calls and casts nothing:
//! counts that the runtime needs itself, and times of those polls that are timed to learn what to lend.
//!
//! ```
//! use mabeam::{Agent, AgentState, Config, System};
//!
//! struct Printer;
//! impl Agent for Printer {}
//!
//! # let system = System::new(Config::default())?;
//! # system.block_on(async {
//! let printer = system.spawn(Printer).named("printer").await?;
//! let snapshot = system.inspect();
//! let info = snapshot.get(printer.id()).unwrap();
//! assert_eq!(info.name.as_ref().unwrap().as_str(), "printer");
//! assert_ne!(info.state, AgentState::Exiting);
//! println!("{}", snapshot.tree());
//! # Ok::<(), mabeam::Error>(())
//! # })?;
//! # Ok::<(), mabeam::Error>(())
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use foundation::registry::Name;

use crate::{AgentId, System};

mod event;
#[cfg(feature = "serde")]
mod json;
mod tree;

pub(crate) use event::Events;
pub use event::SystemEvent;
pub use tree::Tree;

/// The agents of a system, each as it was at one moment between the call of [`System::inspect`] and its
/// return. Who lived all that time is listed once; who came or went meanwhile may be.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// In the order of their ids: older ones first.
    pub agents: Vec<AgentInfo>,
}

/// What can be seen of one agent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AgentInfo {
    /// Who it is.
    pub id: AgentId,
    /// The name that it was spawned with.
    pub name: Option<Name>,
    /// What it is.
    pub type_name: &'static str,
    /// What it does.
    pub state: AgentState,
    /// How many messages wait in its mailbox. `None` if nobody counts them: the mailbox has no limit.
    ///
    /// Places of messages that were begun are given back in steps of an eighth of the limit, 32 at most,
    /// and when the agent has no more to do at once.
    pub waiting: Option<u32>,
    /// How many turns it has ended: messages, its `init`, its `on_exit`.
    pub handled: u64,
    /// About how long its handlers ran, not counting what they waited.
    ///
    /// Known from samples. What takes longer than [`Config::lendable`](crate::Config::lendable) is timed
    /// each time, once that is known of its type, and counts as it is. Of cheaper messages one in 31 of
    /// those that were lent a thread is timed, and one in 127 of others, and counts for all of them: the
    /// figure is good after some thousands of these, and may be 0 after a few.
    pub busy: Duration,
    /// What it has allocated and not freed, if it has an [account](crate::Spawn::memory) and the program
    /// counts.
    pub live_bytes: Option<u64>,
    /// How often it came to life after the first time: started again by its supervisor, or woken from a
    /// sleep.
    pub restarts: u32,
    /// Its supervisor, or the pool that it belongs to.
    pub parent: Option<AgentId>,
}

/// What an agent does at a moment, as far as it can be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AgentState {
    /// Its `init` is queued, runs or waits.
    Starting,
    /// It has nothing to do.
    Idle,
    /// It is queued, or runs.
    Active,
    /// Its handler waits for something.
    Waiting,
    /// It ends: its `on_exit` is queued, runs or waits.
    Exiting,
    /// Between two incarnations: its supervisor decides.
    Down,
    /// Without a state until its next message.
    Asleep,
}

impl System {
    /// What all agents do now. For people and for tools: costs about 0.1 µs for each agent, holds none of
    /// them up, and keeps none alive.
    pub fn inspect(&self) -> Snapshot {
        let living = &self.shared().living;
        let mut agents = Vec::with_capacity(living.count());
        living.visit(|resident| agents.push(resident.look()));
        // They are in order already if no place was used twice.
        agents.sort_by_cached_key(|agent: &AgentInfo| agent.id);
        Snapshot { agents }
    }
}

impl Snapshot {
    /// One agent, if it lived.
    pub fn get(&self, id: AgentId) -> Option<&AgentInfo> {
        let place = self.agents.binary_search_by_key(&id, |agent| agent.id).ok()?;
        self.agents.get(place)
    }

    /// The agents whose parent this is.
    pub fn children_of(&self, parent: AgentId) -> impl Iterator<Item = &AgentInfo> {
        self.agents.iter().filter(move |agent| agent.parent == Some(parent))
    }

    /// The agents for which more than so many messages wait.
    pub fn waiting_above(&self, depth: u32) -> impl Iterator<Item = &AgentInfo> {
        self.agents.iter().filter(move |agent| agent.waiting.is_some_and(|waiting| waiting > depth))
    }

    /// Who supervises whom.
    pub fn tree(&self) -> Tree<'_> {
        let mut below: BTreeMap<Option<AgentId>, Vec<&AgentInfo>> = BTreeMap::new();
        for agent in &self.agents {
            // Whose parent has gone stands by itself.
            let parent = agent.parent.filter(|parent| self.get(*parent).is_some());
            below.entry(parent).or_default().push(agent);
        }
        Tree::new(below)
    }
}

impl AgentState {
    /// A word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Idle => "idle",
            Self::Active => "active",
            Self::Waiting => "waiting",
            Self::Exiting => "exiting",
            Self::Down => "down",
            Self::Asleep => "asleep",
        }
    }
}

impl fmt::Display for AgentState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One line: `name (id) type: state, 12 handled`, and what there is besides.
impl fmt::Display for AgentInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{name} ({})", self.id)?,
            None => write!(f, "{}", self.id)?,
        }
        write!(f, " {}: {}, {} handled", self.type_name, self.state, self.handled)?;
        if let Some(waiting @ 1..) = self.waiting {
            write!(f, ", {waiting} waiting")?;
        }
        if let Some(bytes) = self.live_bytes {
            write!(f, ", {bytes} bytes")?;
        }
        match self.restarts {
            0 => Ok(()),
            1 => f.write_str(", 1 restart"),
            restarts => write!(f, ", {restarts} restarts"),
        }
    }
}
