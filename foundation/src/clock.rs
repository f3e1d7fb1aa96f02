//! Time as a value that can be handed over: the system's, or one that a test moves.
//!
//! Owns [`Timestamp`] and the choice of the source. Promises for the system clock what the
//! operating system promises for wall time: nothing about order, because it can be set back. What
//! needs order uses a [`Sequence`](crate::log::Sequence).

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970-01-01 00:00 UTC; good until the year 2554.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// Tells the time. Clones tell the same time.
///
/// ```
/// use std::time::Duration;
/// use foundation::clock::{Clock, Timestamp};
///
/// let hand = Clock::manual(Timestamp::from_nanos(0));
/// let clock = hand.clock();
/// hand.advance(Duration::from_millis(1500));
/// assert_eq!(clock.now().to_string(), "1.500000000");
/// ```
#[derive(Clone, Debug, Default)]
pub struct Clock(Source);

/// The hand of a manual clock: whoever has it moves the time.
///
/// The time is one atomic number, changed and read with relaxed ordering: it orders nothing else.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

#[derive(Clone, Debug, Default)]
enum Source {
    #[default]
    System,
    Manual(Arc<AtomicU64>),
}

impl Timestamp {
    /// The moment `nanos` nanoseconds after the epoch.
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the epoch.
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// The moment `by` later; the last moment there is if that is out of range.
    #[must_use]
    pub fn saturating_add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(nanos(by)))
    }

    /// The time from `earlier` to this moment; zero if `earlier` is later.
    pub const fn saturating_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Clock {
    /// The operating system's wall time.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands at `start` until its hand is moved.
    pub fn manual(start: Timestamp) -> ManualClock {
        ManualClock(Arc::new(AtomicU64::new(start.0)))
    }

    /// The time now. A system time before the epoch reads as the epoch.
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => {
                Timestamp(SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, nanos))
            }
            Source::Manual(now) => Timestamp(now.load(Ordering::Relaxed)),
        }
    }
}

impl ManualClock {
    /// A clock that tells this hand's time.
    pub fn clock(&self) -> Clock {
        Clock(Source::Manual(Arc::clone(&self.0)))
    }

    /// Sets the time, which may go back, as wall time may.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.0, Ordering::Relaxed);
    }

    /// Moves the time forward and returns the new time.
    pub fn advance(&self, by: Duration) -> Timestamp {
        let later = |now| Some(Timestamp(now).saturating_add(by).0);
        let before = match self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, later) {
            Ok(before) | Err(before) => before,
        };
        Timestamp(before).saturating_add(by)
    }
}

impl fmt::Display for Timestamp {
    /// Seconds since the epoch with nine decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}

/// The length in nanoseconds, or as many as there can be.
pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_its_hand_and_stops_at_the_end() {
        let hand = Clock::manual(Timestamp::from_nanos(5));
        let clock = hand.clock();
        assert_eq!(clock.now(), clock.now());
        assert_eq!(hand.advance(Duration::from_nanos(7)), Timestamp::from_nanos(12));
        assert_eq!(clock.now(), Timestamp::from_nanos(12));
        assert_eq!(hand.advance(Duration::MAX), Timestamp::from_nanos(u64::MAX));
        assert_eq!(clock.now(), Timestamp::from_nanos(u64::MAX));
        hand.set(Timestamp::from_nanos(3));
        assert_eq!(clock.now(), Timestamp::from_nanos(3));
    }

    #[test]
    fn the_system_clock_is_past_the_day_this_was_written() {
        assert!(Clock::system().now() > Timestamp::from_nanos(1_700_000_000_000_000_000));
    }

    #[test]
    fn the_distance_of_two_moments_is_never_negative() {
        let (early, late) = (Timestamp::from_nanos(1), Timestamp::from_nanos(4));
        assert_eq!(late.saturating_since(early), Duration::from_nanos(3));
        assert_eq!(early.saturating_since(late), Duration::ZERO);
    }
}
