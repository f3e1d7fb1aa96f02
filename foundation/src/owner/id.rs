//! Numbers that tell lifetimes and their monitors apart.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Tells the owners of this process apart. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OwnerId(u64);

/// Tells the monitors of this process apart. Never used twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonitorId {
    pub(super) owner: OwnerId,
    /// The callback's place at its owner; one that came late has a place that nothing was put in.
    pub(super) key: u64,
}

impl OwnerId {
    pub(super) fn next() -> Self {
        /// The number that the next owner gets. Relaxed: only that each is handed out once matters,
        /// which one atomic word gives by itself.
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The id as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for OwnerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "owner {}", self.0)
    }
}
