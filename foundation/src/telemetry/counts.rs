//! Everything that is counted of one operation. Only ever grows.

use std::time::Duration;

use histogram::Histogram;

use super::cells::{Cell, Seat};
use super::durations::{self, BUCKETS, Durations};
use super::summary::{Distribution, LONGEST_BUSY_NANOS, Status, Statuses, Summary};

/// How many words an operation has beside its histogram: a count for each status, the sum of the
/// durations in nanoseconds, and how many of them were clamped.
const WORDS: usize = 6;

const BUSY: usize = 4;
const CLAMPED: usize = 5;

/// The counts of one operation.
pub(super) struct Counts {
    cells: [Cell; WORDS],
    durations: Durations,
}

/// How the counts stood at a moment.
pub(super) struct Past {
    words: [u64; WORDS],
    /// Modulo 2^32: a difference is right while no bucket receives more than that in between.
    buckets: Box<[u32]>,
}

impl Counts {
    /// Counts at zero, if there are cells left.
    pub(super) fn new() -> Option<Self> {
        let cells =
            [Cell::new()?, Cell::new()?, Cell::new()?, Cell::new()?, Cell::new()?, Cell::new()?];
        Some(Self { cells, durations: Durations::new() })
    }

    /// Counts an end and, if it was measured, its duration.
    #[inline]
    pub(super) fn record(&self, seat: Option<&Seat>, status: Status, nanos: Option<u64>) {
        self.cells[status as usize].add(seat, 1);
        let Some(nanos) = nanos else { return };
        self.cells[BUSY].add(seat, nanos.min(LONGEST_BUSY_NANOS));
        if !self.durations.record(seat.map_or(0, Seat::number), nanos) {
            self.cells[CLAMPED].add(seat, 1);
        }
    }

    /// What was counted since the counts stood as `since` says, or since the beginning. Uses `part`
    /// to copy stripes to.
    pub(super) fn summary(
        &self,
        covers: Duration,
        part: &mut Histogram,
        since: Option<&Past>,
    ) -> Summary {
        let mut counts = durations::empty();
        self.durations.each(part, |stripe| {
            for (count, of_stripe) in counts.as_mut_slice().iter_mut().zip(stripe) {
                *count = count.wrapping_add(*of_stripe);
            }
        });
        let mut words = self.words();
        if let Some(past) = since {
            for (count, before) in counts.as_mut_slice().iter_mut().zip(&past.buckets) {
                #[expect(clippy::cast_possible_truncation, reason = "a difference modulo 2^32")]
                let since = (*count as u32).wrapping_sub(*before);
                *count = since.into();
            }
            for (word, before) in words.iter_mut().zip(past.words) {
                *word = word.wrapping_sub(before);
            }
        }
        let [success, error, cancelled, panicked, busy, clamped] = words;
        Summary {
            covers,
            statuses: Statuses { success, error, cancelled, panicked },
            durations: Distribution::new(&counts),
            busy: Duration::from_nanos(busy),
            clamped,
        }
    }

    fn words(&self) -> [u64; WORDS] {
        Cell::read(self.cells.each_ref())
    }
}

impl Past {
    /// Room for a copy of counts.
    pub(super) fn new() -> Self {
        Self { words: [0; WORDS], buckets: vec![0; BUCKETS].into() }
    }

    /// Copies `counts` as they stand, by way of `part`.
    #[expect(clippy::cast_possible_truncation, reason = "differences are taken modulo 2^32")]
    pub(super) fn copy(&mut self, counts: &Counts, part: &mut Histogram) {
        self.words = counts.words();
        self.buckets.fill(0);
        counts.durations.each(part, |stripe| {
            for (bucket, count) in self.buckets.iter_mut().zip(stripe) {
                *bucket = bucket.wrapping_add(*count as u32);
            }
        });
    }

    /// Becomes the same as `other`, without an allocation.
    pub(super) fn copy_from(&mut self, other: &Self) {
        self.words = other.words;
        self.buckets.copy_from_slice(&other.buckets);
    }
}
