//! Numbers without a duration: counters, which only grow, and gauges, which are set.

use std::fmt;
use std::sync::Arc;

use super::cells::{Cell, seated};
use crate::sync::{AtomicU64, Ordering};

/// A number that only grows, from any thread. Clones count together.
///
/// Adding costs a plain load and store to memory of the thread's own. Reading sums over the threads
/// that ever counted anything and still live.
#[derive(Clone)]
pub struct Counter(pub(super) Arc<Cell>);

/// The latest value of something. Clones share it. Zero until it is set.
///
/// One atomic number: each setting replaces it whole, no addition is lost, and neither orders anything
/// else.
#[derive(Clone)]
pub struct Gauge(Arc<AtomicU64>);

impl Counter {
    /// Adds 1.
    #[inline]
    pub fn increment(&self) {
        self.add(1);
    }

    /// Adds `by`. The sum wraps around at 2^64.
    #[inline]
    pub fn add(&self, by: u64) {
        seated(|seat| self.0.add(seat, by));
    }

    /// The sum of what was added by all threads. Never goes back for one reader.
    pub fn get(&self) -> u64 {
        self.0.get()
    }
}

impl Gauge {
    pub(super) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(0_f64.to_bits())))
    }

    /// Replaces the value.
    #[inline]
    pub fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    /// Adds `by`, which may be negative: for what comes and goes, such as requests under way. Whole
    /// numbers stay exact up to 2^53. Tries again while other threads change the value.
    #[inline]
    pub fn add(&self, by: f64) {
        let sum = |bits| Some((f64::from_bits(bits) + by).to_bits());
        // Never fails: there is a sum for every value.
        let _before = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, sum);
    }

    /// The latest value.
    pub fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}

impl fmt::Debug for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Counter").field(&self.get()).finish()
    }
}

impl fmt::Debug for Gauge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Gauge").field(&self.get()).finish()
    }
}
