//! What is known of an operation over a span of time.

use std::time::Duration;

use histogram::{CumulativeROHistogram, Histogram};

use super::durations::{self, MAX_NANOS};
use crate::clock::nanos;

/// How an operation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// It did what it should.
    Success,
    /// It gave an error.
    Error,
    /// It was dropped before it was done.
    Cancelled,
    /// It panicked.
    Panicked,
}

/// How often an operation ended in each way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statuses {
    /// It did what it should.
    pub success: u64,
    /// It gave an error.
    pub error: u64,
    /// It was dropped before it was done.
    pub cancelled: u64,
    /// It panicked.
    pub panicked: u64,
}

/// What is known of an operation over a span of time.
///
/// Each number is exact. While other threads record, two numbers may differ by what was recorded
/// between the reading of one and of the other; in a [window](super::Operation::window) also by what
/// was being recorded when its first slice began.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    /// The time that the summary is about.
    pub covers: Duration,
    /// How the operation ended, and how often.
    pub statuses: Statuses,
    /// The durations that were measured. All of them, unless the operation is
    /// [sampled](super::Operation::set_sampling).
    pub durations: Distribution,
    /// The sum of those durations, each up to [`Summary::LONGEST_BUSY`]. Wraps around at 2^64 ns,
    /// 584 years: a thousand calls that are always under way add up to that in seven months.
    pub busy: Duration,
    /// How many of them were longer than [`Distribution::LONGEST`]. They count as that long in
    /// `durations`, and as long as they were in `busy`, up to [`Summary::LONGEST_BUSY`].
    pub clamped: u64,
}

/// Durations, without their order, to an error of [`Distribution::RELATIVE_ERROR`].
#[derive(Clone, Debug, PartialEq)]
pub struct Distribution(CumulativeROHistogram);

impl Status {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Success, Self::Error, Self::Cancelled, Self::Panicked];

    /// `success`, `error`, `cancelled` or `panicked`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }

    pub(super) fn of_result<T, E>(result: &Result<T, E>) -> Self {
        if result.is_ok() { Self::Success } else { Self::Error }
    }
}

impl Statuses {
    /// How often the operation ended in this way.
    pub const fn of(&self, status: Status) -> u64 {
        match status {
            Status::Success => self.success,
            Status::Error => self.error,
            Status::Cancelled => self.cancelled,
            Status::Panicked => self.panicked,
        }
    }

    /// How often the operation ended.
    pub const fn count(&self) -> u64 {
        self.success
            .wrapping_add(self.error)
            .wrapping_add(self.cancelled)
            .wrapping_add(self.panicked)
    }
}

/// [`Summary::LONGEST_BUSY`] in nanoseconds.
pub(super) const LONGEST_BUSY_NANOS: u64 = 365 * 24 * 60 * 60 * 1_000_000_000;

impl Summary {
    /// One duration adds no more than this to the sum of all: 365 days. So a single absurd duration
    /// does not wrap it around; it takes 585 of them.
    pub const LONGEST_BUSY: Duration = Duration::from_nanos(LONGEST_BUSY_NANOS);

    /// How often the operation ended.
    pub const fn count(&self) -> u64 {
        self.statuses.count()
    }

    /// How often a second the operation ended. Zero if the summary covers no time.
    pub fn rate(&self) -> f64 {
        ratio(self.count() as f64, self.covers.as_secs_f64())
    }

    /// The share of errors and panics in all ends. A cancellation is not an error: the caller chose
    /// it. Zero if the operation never ended.
    pub fn error_ratio(&self) -> f64 {
        let failed = self.statuses.error.wrapping_add(self.statuses.panicked);
        ratio(failed as f64, self.count() as f64)
    }

    /// The mean of the durations that were measured, exact to a nanosecond.
    pub fn mean(&self) -> Option<Duration> {
        let count = self.durations.count();
        (count > 0).then(|| Duration::from_nanos(nanos(self.busy) / count))
    }
}

impl Distribution {
    /// A quantile is at most this part of it longer than the duration it stands for, up to
    /// [`Self::LONGEST`].
    pub const RELATIVE_ERROR: f64 = 1.0 / 128.0;

    /// Longer durations count as this long: 73 minutes and 18 seconds.
    pub const LONGEST: Duration = Duration::from_nanos(MAX_NANOS);

    pub(super) fn new(counts: &Histogram) -> Self {
        Self(durations::condensed(counts))
    }

    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.0.total_count()
    }

    /// The duration at rank `quantile * count`, rounded up: the least that so great a part of all
    /// durations does not exceed. 0.99 asks for the 99th percentile, 1 for the longest, 0 for the
    /// shortest.
    ///
    /// Of durations up to [`Self::LONGEST`], as which all longer ones count: never shorter than the
    /// exact one, and longer by less than [`Self::RELATIVE_ERROR`] of it.
    /// `None` if there are no durations or `quantile` is not in `0..=1`. Takes the logarithm of the
    /// number of different durations.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let bucket = self.0.quantile_bucket(quantile).ok()??;
        Some(Duration::from_nanos(bucket.end()))
    }

    /// How many durations were no longer than `limit`.
    ///
    /// Durations in the bucket of `limit` count as longer, unless it ends there: those that are
    /// within [`Self::RELATIVE_ERROR`] below the limit may be missing, none above it is counted. That
    /// is of durations up to [`Self::LONGEST`], as which all longer ones count: a limit from there on
    /// finds them all, and [`Summary::clamped`] tells how many of them were longer.
    pub fn at_most(&self, limit: Duration) -> u64 {
        let limit = nanos(limit);
        self.0.iter().take_while(|bucket| bucket.end() <= limit).map(|bucket| bucket.count()).sum()
    }
}

fn ratio(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}
