//! The time by which operations are measured: one that only goes forward, or a given clock's.

use std::time::Instant;

use crate::clock::{Clock, Timestamp, nanos};

/// A source of nanoseconds since some moment in the past.
#[derive(Clone, Debug)]
pub(super) enum Time {
    /// The operating system's monotonic clock.
    Monotonic { origin: Instant },
    /// A clock that was handed in, a test's as a rule.
    Given { clock: Clock, origin: Timestamp },
}

impl Time {
    pub(super) fn monotonic() -> Self {
        Self::Monotonic { origin: Instant::now() }
    }

    pub(super) fn given(clock: Clock) -> Self {
        let origin = clock.now();
        Self::Given { clock, origin }
    }

    /// Nanoseconds since the origin. Zero if a given clock was set back before it.
    #[inline]
    pub(super) fn now(&self) -> u64 {
        match self {
            Self::Monotonic { origin } => nanos(origin.elapsed()),
            Self::Given { clock, origin } => nanos(clock.now().saturating_since(*origin)),
        }
    }
}
