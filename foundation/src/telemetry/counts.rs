//! Everything that is counted of one operation. Only ever grows.

use std::time::Duration;

use histogram::Histogram;

use super::cells::{Cell, Seat};
use super::durations::{self, Durations};
use super::summary::{Distribution, Status, Statuses, Summary};

/// How many words an operation has beside its histogram: a count for each status, the sum of the
/// durations in nanoseconds, and how many of them were clamped.
pub(super) const WORDS: usize = 6;

const BUSY: usize = 4;
const CLAMPED: usize = 5;

/// The counts of one operation.
pub(super) struct Counts {
    cells: [Cell; WORDS],
    pub(super) durations: Durations,
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
        self.cells[BUSY].add(seat, nanos);
        if !self.durations.record(seat.map_or(0, Seat::number), nanos) {
            self.cells[CLAMPED].add(seat, 1);
        }
    }

    pub(super) fn words(&self) -> [u64; WORDS] {
        Cell::read(self.cells.each_ref())
    }

    /// What was counted since the words stood at `words` and the buckets, modulo 2^32, at `buckets`
    /// or at zero. Uses `part` to copy stripes to.
    pub(super) fn summary(
        &self,
        covers: Duration,
        part: &mut Histogram,
        words: &[u64; WORDS],
        buckets: Option<&[u32]>,
    ) -> Summary {
        let mut counts = durations::empty();
        self.durations.each(part, |stripe| {
            for (count, of_stripe) in counts.as_mut_slice().iter_mut().zip(stripe) {
                *count = count.wrapping_add(*of_stripe);
            }
        });
        for (count, before) in counts.as_mut_slice().iter_mut().zip(buckets.into_iter().flatten()) {
            #[expect(clippy::cast_possible_truncation, reason = "a difference modulo 2^32")]
            let since = (*count as u32).wrapping_sub(*before);
            *count = since.into();
        }
        let mut since = self.words();
        for (word, before) in since.iter_mut().zip(words) {
            *word = word.wrapping_sub(*before);
        }
        let [success, error, cancelled, panicked, busy, clamped] = since;
        Summary {
            covers,
            statuses: Statuses { success, error, cancelled, panicked },
            durations: Distribution::new(&counts),
            busy: Duration::from_nanos(busy),
            clamped,
        }
    }
}
