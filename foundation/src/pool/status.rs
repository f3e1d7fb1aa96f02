//! What a pool counts, and a picture of it.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// How a pool stands.
///
/// The figures are read one after the other: while others use the pool they need not be of one
/// moment. `in_use` and `idle` never add up to more than `size` and `max_overflow` do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Status {
    /// Connections that are handed out, or are being made or checked for a caller, or being closed
    /// after one gave them back.
    pub in_use: usize,
    /// Connections that wait for use. One that is too old, or that was given back a moment ago, is
    /// among them until it is closed or handed on. Idle ones that are being closed, because they are
    /// expired or too many or the pool is closed, are neither `in_use` nor `idle`, but not `closed`
    /// either until their destructors have run.
    pub idle: usize,
    /// By how many `in_use` and `idle` exceed [`PoolSettings::size`](super::PoolSettings::size).
    pub overflow: usize,
    /// Callers that wait because every connection is in use.
    pub waiting: usize,
    /// Connections made so far.
    pub created: u64,
    /// Connections gone so far: closed by the pool, discarded or detached.
    pub closed: u64,
    /// Connections closed so far because they were too old or idle for too long.
    pub expired: u64,
    /// Checks that found a connection dead, or took too long, so far.
    pub failed_checks: u64,
    /// Attempts to connect that failed so far.
    pub failed_connects: u64,
    /// Callers so far whose time ran out.
    pub timeouts: u64,
    /// Callers turned away so far because too many waited.
    pub rejected: u64,
}

/// The counts that deadpool does not keep.
///
/// Relaxed ordering throughout: no count guards memory. Where a decision needs two of them, or one
/// and the number of slots, the lock around deadpool's slots, taken in between, gives the order; the
/// decisions say so.
#[derive(Default)]
pub(super) struct Books {
    /// Slots that a caller holds. Grows after the slot was taken and shrinks before it is given
    /// back, so that it is never more than there are slots.
    pub(super) in_use: AtomicUsize,
    /// Callers in the queue for a slot.
    pub(super) waiting: AtomicUsize,
    pub(super) created: AtomicU64,
    /// Grows after the destructor of the connection ran.
    pub(super) closed: AtomicU64,
    pub(super) expired: AtomicU64,
    pub(super) failed_checks: AtomicU64,
    pub(super) failed_connects: AtomicU64,
    pub(super) timeouts: AtomicU64,
    pub(super) rejected: AtomicU64,
}

impl Books {
    /// Whether every connection that was made is gone.
    pub(super) fn is_balanced(&self) -> bool {
        self.created.load(Ordering::Relaxed) == self.closed.load(Ordering::Relaxed)
    }

    /// The picture, with `open` slots where `size` are to be kept.
    pub(super) fn status(&self, open: usize, size: usize) -> Status {
        let in_use = count(&self.in_use).min(open);
        Status {
            in_use,
            idle: open - in_use,
            overflow: open.saturating_sub(size),
            waiting: count(&self.waiting),
            created: self.created.load(Ordering::Relaxed),
            closed: self.closed.load(Ordering::Relaxed),
            expired: self.expired.load(Ordering::Relaxed),
            failed_checks: self.failed_checks.load(Ordering::Relaxed),
            failed_connects: self.failed_connects.load(Ordering::Relaxed),
            timeouts: self.timeouts.load(Ordering::Relaxed),
            rejected: self.rejected.load(Ordering::Relaxed),
        }
    }
}

/// Counts one more.
pub(super) fn tally(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

/// Reads a number of current things.
pub(super) fn count(number: &AtomicUsize) -> usize {
    number.load(Ordering::Relaxed)
}
