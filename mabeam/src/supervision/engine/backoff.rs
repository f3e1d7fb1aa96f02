//! How long to wait before a restart.
//!
//! Owns the arithmetic. Promises the same delay for the same seed, child and incarnation, whatever
//! other children do.

use std::time::Duration;

use super::action::Incarnation;
use crate::mix::mix;

/// A wait before each restart of a child, longer from one to the next:
/// `first`, `first * factor`, `first * factor²`, … up to `limit`, each shortened by its jitter.
///
/// The restart is counted when the child fails, not when the wait is over: a wait can make a child that
/// always fails stay within the supervisor's [`Intensity`](super::Intensity) for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Backoff {
    /// Before the first restart. Default: 100 ms. Zero: no wait at all.
    pub first: Duration,
    /// By how much the next wait is longer. Default: 2.
    pub factor: u32,
    /// The longest wait. Default: 30 s.
    pub limit: Duration,
    /// How much of a wait is left to chance, so that not all children of a cause come back at once: of
    /// 100 ms and 20 % become 80 to 100 ms. Default: 20; above 100 counts as 100.
    pub jitter_percent: u8,
    /// After having run this long, a child that fails waits as for the first time. Default: 60 s.
    pub reset_after: Duration,
}

impl Backoff {
    /// The wait before `incarnation` is started, which is restart number `streak` (from 0) in a row.
    pub(super) fn delay(&self, seed: u64, incarnation: Incarnation, streak: u32) -> Duration {
        let whole = self.first.saturating_mul(self.factor.saturating_pow(streak)).min(self.limit);
        let chance = mix(seed ^ mix(incarnation.child.0 ^ mix(incarnation.number))) >> 32;
        let percent = u128::from(self.jitter_percent.min(100));
        let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX);
        let off = u128::from(nanos) * percent * u128::from(chance) / (100 << 32);
        Duration::from_nanos(nanos - u64::try_from(off).unwrap_or(nanos))
    }
}

impl Default for Backoff {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(100),
            factor: 2,
            limit: Duration::from_secs(30),
            jitter_percent: 20,
            reset_after: Duration::from_secs(60),
        }
    }
}
