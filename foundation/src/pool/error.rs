//! Why there is no connection, and why a pool is not closed yet.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GetError<E: std::error::Error + 'static> {
    /// The pool is closed, or was closed meanwhile. This is final.
    #[error("the pool is closed")]
    Closed,
    /// Every connection is in use and no more callers may wait.
    #[error(
        "all connections are in use ({in_use}) and the queue is full ({waiting}, the limit is {limit})"
    )]
    Exhausted {
        /// How many connections are in use.
        in_use: usize,
        /// How many callers wait.
        waiting: usize,
        /// [`PoolSettings::max_waiting`](super::PoolSettings::max_waiting).
        limit: usize,
    },
    /// The time ran out.
    #[error(
        "the {within:?} for getting a connection ran out while {phase} \
         (in use: {in_use}, waiting: {waiting})"
    )]
    Timeout {
        /// What went on when the time ran out.
        phase: Phase,
        /// How much time there was.
        within: Duration,
        /// How many connections were in use or being made ready, the caller's own included.
        in_use: usize,
        /// How many callers waited, this one included if it did.
        waiting: usize,
    },
    /// No connection could be made.
    #[error("connecting failed (attempts: {attempts})")]
    Connect {
        /// How often it was tried.
        attempts: usize,
        /// What the last attempt failed with.
        source: E,
    },
}

/// The steps of getting a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// All connections were in use.
    Waiting,
    /// An idle connection was being checked.
    Checking,
    /// A new connection was being made.
    Connecting,
}

/// The pool is closed, but some connections are not gone in time: they were not given back, or their
/// destructors still run. They are closed when they are given back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("connections still open {within:?} after the pool was closed: {open} ({in_use} in use)")]
pub struct DrainError {
    /// How many connections are not gone, whoever has them: a user, the pool, or a destructor.
    pub open: u64,
    /// How many slots are in use: by a connection, one that is being closed after it was given back,
    /// or a call that was connecting and was not polled since.
    pub in_use: usize,
    /// How much time there was.
    pub within: Duration,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Waiting => "waiting",
            Self::Checking => "checking",
            Self::Connecting => "connecting",
        })
    }
}
