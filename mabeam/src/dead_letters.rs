//! What was sent and never handled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use foundation::log::{Log, Retention, Start, Subscription};
use foundation::owner::Reason;

use crate::AgentId;

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
    /// had passed or the caller had gone before it was begun.
    pub reason: Reason,
}

/// Counts and shows dead letters.
pub(crate) struct DeadLetters {
    count: AtomicU64,
    log: Log<DeadLetter>,
}

impl DeadLetters {
    pub(crate) fn new(kept: usize) -> Self {
        let retention = Retention { max_entries: kept.max(1), ..Retention::default() };
        Self { count: AtomicU64::new(0), log: Log::new(retention) }
    }

    pub(crate) fn add(&self, letter: DeadLetter) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.log.append(letter);
    }

    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::Relaxed)
    }

    pub(crate) fn subscribe(&self) -> Subscription<DeadLetter> {
        self.log.subscribe(Start::Oldest)
    }
}
