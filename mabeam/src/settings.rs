//! What a system and its agents are allowed.

use std::time::Duration;

/// Limits and times of a [`System`](crate::System). `Config::default()` suits most.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// The mailbox of agents that are not spawned with one of their own.
    pub mailbox: Mailbox,
    /// How long a call waits if it has no deadline of its own. 5 s, as in OTP.
    pub call_deadline: Duration,
    /// How long `init` may take. 5 s.
    pub init_deadline: Duration,
    /// How long `on_exit` may take. 5 s, as OTP's shutdown.
    pub exit_deadline: Duration,
    /// Handlers whose worst recent poll took longer are not run on their caller's thread. 10 µs:
    /// about what it costs to wake another one.
    pub lendable: Duration,
    /// How deep lent calls may nest on one stack before the next is queued. 16.
    pub max_lend_depth: u32,
    /// At most so many agents at a time. 16,777,216.
    pub max_agents: usize,
    /// How many dead letters are kept for those who read them. 1,024.
    pub dead_letters: usize,
    /// Threads of the runtime that the system makes if there is none; 0 for one for each core.
    pub worker_threads: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            mailbox: Mailbox::default(),
            call_deadline: Duration::from_secs(5),
            init_deadline: Duration::from_secs(5),
            exit_deadline: Duration::from_secs(5),
            lendable: Duration::from_micros(10),
            max_lend_depth: 16,
            max_agents: 1 << 24,
            dead_letters: 1024,
            worker_threads: 0,
        }
    }
}

/// How many messages may wait for an agent, and what becomes of one that finds no place.
///
/// Calls that are answered on the caller's thread take no place. Signals (stop, kill, the end of
/// another agent) need none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// 0 for no limit.
    pub(crate) limit: u32,
    pub(crate) when_full: WhenFull,
}

/// What becomes of a message that finds no place.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum WhenFull {
    /// [`call`](crate::AgentRef::call) and [`send`](crate::AgentRef::send) wait for a place, until
    /// their deadline. [`cast`](crate::AgentRef::cast), which never waits, fails.
    #[default]
    Wait,
    /// Whoever sends is told at once, and has the message back.
    Reject,
}

impl Mailbox {
    /// The default limit: 65,536 messages.
    pub const DEFAULT_LIMIT: u32 = 1 << 16;

    /// At most `limit` messages wait, at least 1. Who sends waits for a place; see
    /// [`when_full`](Self::when_full).
    pub const fn bounded(limit: u32) -> Self {
        Self { limit: if limit == 0 { 1 } else { limit }, when_full: WhenFull::Wait }
    }

    /// As many messages wait as there is memory for.
    pub const fn unbounded() -> Self {
        Self { limit: 0, when_full: WhenFull::Wait }
    }

    /// What becomes of a message that finds no place.
    #[must_use]
    pub const fn when_full(self, when_full: WhenFull) -> Self {
        Self { when_full, ..self }
    }
}

impl Default for Mailbox {
    /// [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) messages; who sends waits for a place.
    fn default() -> Self {
        Self::bounded(Self::DEFAULT_LIMIT)
    }
}
