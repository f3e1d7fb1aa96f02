//! Whether a workload that is run again and again leaves memory behind.
//!
//! Owns the figures and the verdict. [`Growth::of`] judges readings, wherever they come from;
//! [`measure_growth`] takes them.
//!
//! # How a leak is told from noise
//!
//! Memory in use moves for good reasons: buffers swell and are emptied, maps double, caches fill up
//! to their bound. All of these come back, or come to an end; a leak does neither. So the readings
//! are cut into [`SEGMENTS`] segments of equal length, and of each only the smallest is kept: what
//! was in use even when the least was. A workload leaks if that minimum rises from each segment to
//! the next, to the very end, and nowhere by less than a tenth of its slope. What stops growing
//! before the last two segments begin is not accused.
//!
//! - The slope is Theil's and Sen's: the median of the slopes between any two minima (P. K. Sen,
//!   "Estimates of the regression coefficient based on Kendall's tau", JASA 63, 1968).
//! - The interval runs from the smallest to the largest of the ten rises between neighbours. For
//!   independent rises it contains their median with a probability of 1 - 2^-9 (99.8 %), whatever
//!   their distribution (W. R. Thompson, "On confidence ranges for the median", Annals of
//!   Mathematical Statistics 7, 1936). The slope is always in it.
//! - If the eleven minima are only noise, one order of them as likely as another, they rise all the
//!   way with a probability of 1 in 11!, which is 39,916,800.
//!
//! What this can't see: a leak so rare that one segment in a run goes without; one that is smaller
//! than the noise of the minima; and one that hides in a container that doubles, whose steps look
//! like those of a map that will stop growing. More iterations help against all three, and
//! [`Growth::total`] bounds them.

use std::fmt;

use thiserror::Error;

use super::{Account, installed};

/// The number of segments that readings are cut into.
pub const SEGMENTS: usize = 11;

/// A slope below this many bytes an iteration is not called a leak.
pub const MIN_LEAK_BYTES_PER_ITERATION: f64 = 1.0;

/// What leaks rises nowhere by less than this share of its slope. Above zero, so that a cache that
/// has just filled up is not accused where noise goes on rising by chance.
const STEADY_SHARE: f64 = 0.1;

/// What a workload did to the memory of its account, from [`measure_growth`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Live bytes before the first measured iteration.
    pub baseline: u64,
    /// Live bytes after the last one.
    pub last: u64,
    /// How many iterations were measured.
    pub iterations: usize,
    /// The steady growth, in bytes an iteration.
    pub slope: f64,
    /// The lower end of the interval of the slope.
    pub slope_low: f64,
    /// The upper end of the interval of the slope.
    pub slope_high: f64,
}

/// Why growth can't be measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GrowthError {
    /// Nothing is counted.
    #[error("the program's allocator is not a foundation::memory::Accounting")]
    NotInstalled,
    /// There is less than one iteration for each segment.
    #[error(
        "{iterations} iterations are too few to measure growth, at least {SEGMENTS} are needed"
    )]
    TooFewIterations {
        /// How many there are.
        iterations: usize,
    },
}

/// Runs `workload` within `account` and reads the account's live bytes after each iteration.
///
/// Before the `iterations` that are measured, it is run a quarter as often to warm up, so that what
/// is set up the first time is no growth. What `workload` has threads do is counted if they enter
/// the account and have left it when `workload` returns. Takes some 20 ns an iteration and, however
/// many there are, no memory. Too few `iterations` are refused before the first run.
///
/// ```
/// use std::alloc::System;
/// use foundation::memory::{Account, Accounting, measure_growth};
///
/// #[global_allocator]
/// static ALLOCATOR: Accounting<System> = Accounting::new(System);
///
/// let mut kept = Vec::new();
/// let growth = measure_growth(&Account::new()?, || kept.push(Box::new([0_u8; 24])), 1000)?;
/// assert!(growth.leaks(), "{growth}");
/// assert!(growth.slope >= 24.0);
///
/// let growth = measure_growth(&Account::new()?, || drop(vec![0_u8; 24]), 1000)?;
/// assert!(!growth.leaks(), "{growth}");
/// assert!(growth.per_iteration() < 1024.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn measure_growth(
    account: &Account,
    mut workload: impl FnMut(),
    iterations: usize,
) -> Result<Growth, GrowthError> {
    if !installed() {
        return Err(GrowthError::NotInstalled);
    }
    let mut minima = Minima::of(iterations)?;
    let live = || account.live().unwrap_or_default();
    for _ in 0..iterations / 4 {
        account.enter(&mut workload);
    }
    let baseline = live();
    for _ in 0..iterations {
        account.enter(&mut workload);
        minima.add(live());
    }
    Ok(minima.growth(baseline))
}

/// The smallest reading of each segment, and what else a [`Growth`] is made of.
struct Minima {
    of_segments: [u64; SEGMENTS],
    last: u64,
    iterations: usize,
    /// How many readings are still to come.
    left: usize,
}

impl Growth {
    /// The growth that `readings` show: live bytes after each iteration, `baseline` before the
    /// first.
    pub fn of(baseline: u64, readings: &[u64]) -> Result<Self, GrowthError> {
        let mut minima = Minima::of(readings.len())?;
        for live in readings {
            minima.add(*live);
        }
        Ok(minima.growth(baseline))
    }

    /// Whether memory was left behind steadily: the slope is at least
    /// [`MIN_LEAK_BYTES_PER_ITERATION`], and the lower end of its interval at least a tenth of it.
    pub fn leaks(&self) -> bool {
        self.slope >= MIN_LEAK_BYTES_PER_ITERATION && self.slope_low >= self.slope * STEADY_SHARE
    }

    /// Live bytes at the end less live bytes at the beginning.
    pub fn total(&self) -> i64 {
        difference(self.baseline, self.last)
    }

    /// [`total`](Self::total) for each iteration, steady or not.
    pub fn per_iteration(&self) -> f64 {
        self.total() as f64 / self.iterations as f64
    }
}

impl Minima {
    /// Nothing yet of `iterations` readings.
    fn of(iterations: usize) -> Result<Self, GrowthError> {
        if iterations < SEGMENTS {
            return Err(GrowthError::TooFewIterations { iterations });
        }
        Ok(Self { of_segments: [u64::MAX; SEGMENTS], last: 0, iterations, left: iterations })
    }

    /// How many readings a segment has.
    fn length(&self) -> usize {
        self.iterations / SEGMENTS
    }

    /// Takes the next reading.
    fn add(&mut self, live: u64) {
        // Counted from the end: the first readings that do not fill a segment are left out.
        self.left -= 1;
        if let Some(at) = (SEGMENTS - 1).checked_sub(self.left / self.length()) {
            self.of_segments[at] = self.of_segments[at].min(live);
        }
        self.last = live;
    }

    fn growth(&self, baseline: u64) -> Growth {
        let slope_between = |from: usize, to: usize| {
            let rise = difference(self.of_segments[from], self.of_segments[to]);
            rise as f64 / ((to - from) * self.length()) as f64
        };
        let rises = || (1..SEGMENTS).map(|to| slope_between(to - 1, to));
        let pairs = (1..SEGMENTS).flat_map(|to| (0..to).map(move |from| (from, to)));
        let mut slopes: Vec<f64> = pairs.map(|(from, to)| slope_between(from, to)).collect();
        slopes.sort_unstable_by(f64::total_cmp);
        Growth {
            baseline,
            last: self.last,
            iterations: self.iterations,
            // There are 55, so one is in the middle.
            slope: slopes[slopes.len() / 2],
            slope_low: rises().fold(f64::INFINITY, f64::min),
            slope_high: rises().fold(f64::NEG_INFINITY, f64::max),
        }
    }
}

impl fmt::Display for Growth {
    /// One line for the message of an assertion.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { baseline, last, iterations, slope, slope_low, slope_high } = self;
        let total = self.total();
        write!(f, "{baseline} to {last} bytes ({total:+}) in {iterations} iterations, steadily ")?;
        write!(f, "{slope:+.2} bytes an iteration ({slope_low:+.2} to {slope_high:+.2})")
    }
}

/// `to - from`. Bytes in memory fit an `i64`.
fn difference(from: u64, to: u64) -> i64 {
    to.wrapping_sub(from).cast_signed()
}
