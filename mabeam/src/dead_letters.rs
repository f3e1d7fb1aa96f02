//! What was sent and never handled.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

use foundation::log::{Log, Retention, Start, Subscription};
use foundation::owner::Reason;

use crate::AgentId;
use crate::sync::{Mutex, lock};

/// A message that was accepted and will not be handled.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// Who should have handled it.
    pub agent: AgentId,
    /// The name of that agent, or its id if it has none.
    pub name: Arc<str>,
    /// The type of the message.
    pub message: &'static str,
    /// Why it is not handled: why the agent ended, or [`Reason::Deadline`] if the caller's deadline
    /// had passed or the caller had gone before it was begun, or [`Reason::Failed`] if there was no place
    /// for it in the mailbox.
    pub reason: Reason,
}

/// Counts and shows dead letters.
pub(crate) struct DeadLetters {
    count: AtomicU64,
    log: Log<DeadLetter>,
    tallies: Mutex<Vec<Weak<Tally>>>,
}

/// Counts the dead letters of some agents, or of all, as long as it is held.
pub(crate) struct Tally {
    /// Empty for all.
    agents: BTreeSet<AgentId>,
    left: Mutex<BTreeMap<&'static str, u64>>,
}

impl DeadLetters {
    pub(crate) fn new(kept: usize) -> Self {
        let retention = Retention { max_entries: kept.max(1), ..Retention::default() };
        Self { count: AtomicU64::new(0), log: Log::new(retention), tallies: Mutex::default() }
    }

    pub(crate) fn add(&self, letter: DeadLetter) {
        self.count.fetch_add(1, Ordering::Relaxed);
        for tally in lock(&self.tallies).iter().filter_map(Weak::upgrade) {
            tally.note(&letter);
        }
        self.log.append(letter);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribe(&self) -> Subscription<DeadLetter> {
        self.log.subscribe(Start::Oldest)
    }

    /// Counts those of `agents` from now on; of all if there are none.
    pub(crate) fn tally(&self, agents: impl IntoIterator<Item = AgentId>) -> Arc<Tally> {
        let agents = agents.into_iter().collect();
        let tally = Arc::new(Tally { agents, left: Mutex::default() });
        let mut tallies = lock(&self.tallies);
        tallies.retain(|tally| tally.strong_count() > 0);
        tallies.push(Arc::downgrade(&tally));
        tally
    }
}

impl Tally {
    fn note(&self, letter: &DeadLetter) {
        // What nobody waits for any more was not left behind by the agent.
        let is_late = letter.reason == Reason::Deadline;
        if !is_late && (self.agents.is_empty() || self.agents.contains(&letter.agent)) {
            *lock(&self.left).entry(letter.message).or_default() += 1;
        }
    }

    /// How many there were of each type.
    pub(crate) fn left(&self) -> BTreeMap<&'static str, u64> {
        lock(&self.left).clone()
    }
}
