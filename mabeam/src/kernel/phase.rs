//! Whether a suspended turn was woken: the word between the wakers of an agent and the holder of its
//! token.
//!
//! Owns that word. Promises that of all wakers of a suspended agent exactly one gets the token, that a
//! wake during a poll is not lost, and that wakes of an agent that is at rest do nothing. Spurious
//! wakes are possible, as with any future: a waker may belong to a turn that is over.

use crate::sync::{AtomicU8, Ordering};

/// The turn is being polled, or there is none.
const RUNNING: u8 = 0;
/// Woken while it was being polled, or woken and queued.
const WOKEN: u8 = 1;
/// Waits for a wake; nobody polls it. The token is with whoever takes the word out of this state.
const SUSPENDED: u8 = 2;

/// See the module's page. Orderings: suspending releases what the poll left, the wake that ends it
/// acquires that; a wake releases what it announces, and the next poll acquires it.
pub(crate) struct Phase(AtomicU8);

impl Phase {
    pub(crate) fn new() -> Self {
        Self(AtomicU8::new(RUNNING))
    }

    /// Before the first poll of a turn. What earlier turns' wakers said means nothing to this one,
    /// and it has no wakers yet. The caller holds the token.
    #[inline]
    pub(crate) fn begin(&self) {
        // loom leaves the order open between a store and read-modify-writes that do not see it, which
        // the language does not: there, what wakes later finds this value or a later one.
        #[cfg(mabeam_loom)]
        self.0.swap(RUNNING, Ordering::Relaxed);
        #[cfg(not(mabeam_loom))]
        self.0.store(RUNNING, Ordering::Relaxed);
    }

    /// Before a later poll. The caller holds the token.
    pub(crate) fn resume(&self) {
        self.0.swap(RUNNING, Ordering::AcqRel);
    }

    /// After a poll that has to wait: leaves the token to the next wake. `false` if one came during
    /// the poll; then the caller still holds the token, and polls again later.
    pub(crate) fn suspend(&self) -> bool {
        self.0.compare_exchange(RUNNING, SUSPENDED, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Whether the turn waits for a wake, at this moment. Means nothing while there is none.
    pub(crate) fn is_suspended(&self) -> bool {
        self.0.load(Ordering::Relaxed) == SUSPENDED
    }

    /// Wakes. `true` if the caller now holds the token, and has to queue the agent.
    #[must_use]
    pub(crate) fn wake(&self) -> bool {
        self.0.swap(WOKEN, Ordering::AcqRel) == SUSPENDED
    }
}
