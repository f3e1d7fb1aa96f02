//! Sliding windows over counts that only grow, without a thread of their own.
//!
//! Owns two rings of slices. The counts of an operation are never reset; what a ring keeps is how
//! they stood when a slice of time began, and what happened since is their difference to now. So the
//! windows cost a recording one comparison, and nothing can fall between two slices.
//!
//! The first recording in a slice turns the ring: it copies the counts, 37 KB a stripe, before it
//! adds to them, so once a second with the default windows one recording takes some microseconds
//! longer. If another thread is at it, or reads a window, a recording passes by: it may then count
//! in the slice before its own. A slice in which nothing was recorded is skipped: the counts stood at
//! its start as they do at the start of the next one that is there.
//!
//! A slot of a ring is allocated when it is used for the first time and used again from then on.

use std::ops::RangeInclusive;
use std::sync::TryLockError;
use std::time::Duration;

use histogram::Histogram;

use super::counts::{Counts, WORDS};
use super::durations::{self, BUCKETS};
use super::summary::Summary;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// How many slices a window is cut into.
const SLICES: usize = 10;

/// No slice is shorter than a millisecond.
const MIN_SLICE_NANOS: u64 = 1_000_000;

/// The windows of an operation.
pub(super) struct Windows {
    /// The first moment at which a ring is to be turned. Written under the lock of `rings`, read by
    /// every recording. Relaxed: who reads an old one finds under the lock that there is nothing to
    /// do, or leaves the turn to the next recording.
    next_turn: AtomicU64,
    rings: Mutex<Rings>,
}

struct Rings {
    /// That of the shorter window comes first.
    rings: [Ring; 2],
    /// Where the counts of a stripe are copied to on their way into a slot, from the first turn on.
    part: Option<Histogram>,
}

/// How the counts stood at the beginning of the slices of one window.
struct Ring {
    slice_nanos: u64,
    /// The last slice for which the counts were copied.
    latest: Option<u64>,
    /// The copy for slice `n` stands at `n` modulo their number. One more than there are slices:
    /// a window that begins within the first of them ends within the last.
    slots: [Option<Slot>; SLICES + 1],
}

/// How the counts stood when a slice began.
struct Slot {
    slice: u64,
    words: [u64; WORDS],
    /// Modulo 2^32: a difference is right while no bucket receives more than that within a window.
    buckets: Box<[u32]>,
}

impl Windows {
    pub(super) fn new(mut spans_nanos: [u64; 2]) -> Self {
        spans_nanos.sort_unstable();
        let rings = spans_nanos.map(Ring::new);
        let rings = Mutex::new(Rings { rings, part: None });
        Self { next_turn: AtomicU64::new(0), rings }
    }

    /// Turns the rings if a slice begins with what is about to be recorded `now`.
    #[inline]
    pub(super) fn turn(&self, now: u64, counts: &Counts) {
        if now >= self.next_turn.load(Ordering::Relaxed) {
            self.try_turn(now, counts);
        }
    }

    #[cold]
    fn try_turn(&self, now: u64, counts: &Counts) {
        match self.rings.try_lock() {
            Ok(mut rings) => self.turn_in(&mut rings, now, counts),
            Err(TryLockError::Poisoned(rings)) => {
                self.turn_in(&mut rings.into_inner(), now, counts);
            }
            Err(TryLockError::WouldBlock) => {}
        }
    }

    fn turn_in(&self, rings: &mut Rings, now: u64, counts: &Counts) {
        rings.turn(now, counts);
        self.next_turn.store(rings.next_turn(now), Ordering::Relaxed);
    }

    /// What happened within the last `span_nanos`, or within the longest window if that is shorter.
    pub(super) fn summary(
        &self,
        span_nanos: u64,
        now: u64,
        created: u64,
        counts: &Counts,
    ) -> Summary {
        let mut guard = lock(&self.rings);
        self.turn_in(&mut guard, now, counts);
        let Rings { rings: [short, long], part } = &mut *guard;
        let ring = if span_nanos <= short.span_nanos() { short } else { long };
        let first = now.saturating_sub(span_nanos.min(ring.span_nanos())) / ring.slice_nanos;
        let begin = created.max(first * ring.slice_nanos);
        let covers = Duration::from_nanos(now.saturating_sub(begin));
        match ring.earliest(first..=now / ring.slice_nanos) {
            Some(slot) => {
                let part = part.get_or_insert_with(durations::empty);
                counts.summary(covers, part, &slot.words, Some(&slot.buckets))
            }
            None => Summary::empty(covers),
        }
    }
}

impl Rings {
    fn turn(&mut self, now: u64, counts: &Counts) {
        let part = self.part.get_or_insert_with(durations::empty);
        for ring in &mut self.rings {
            ring.turn(now, counts, part);
        }
    }

    /// The moment from which on a ring is to be turned, at `now` or later.
    fn next_turn(&self, now: u64) -> u64 {
        let next = self.rings.each_ref().map(|ring| ring.next_turn(now));
        next[0].min(next[1])
    }
}

impl Ring {
    fn new(span_nanos: u64) -> Self {
        let slice_nanos = (span_nanos / SLICES as u64).max(MIN_SLICE_NANOS);
        Self { slice_nanos, latest: None, slots: Default::default() }
    }

    fn span_nanos(&self) -> u64 {
        self.slice_nanos.saturating_mul(SLICES as u64)
    }

    /// Copies the counts if a slice began since the last copy. A clock that is set back turns
    /// nothing until it is where it was.
    fn turn(&mut self, now: u64, counts: &Counts, part: &mut Histogram) {
        let slice = now / self.slice_nanos;
        if self.latest.is_some_and(|latest| slice <= latest) {
            return;
        }
        self.latest = Some(slice);
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a division by 11")]
        let at = (slice % self.slots.len() as u64) as usize;
        self.slots[at].get_or_insert_with(Slot::new).copy(slice, counts, part);
    }

    fn next_turn(&self, now: u64) -> u64 {
        let slice = self.latest.unwrap_or(0).max(now / self.slice_nanos);
        (slice + 1).saturating_mul(self.slice_nanos)
    }

    /// The copy for the first of `slices` that has one.
    fn earliest(&self, slices: RangeInclusive<u64>) -> Option<&Slot> {
        let within = self.slots.iter().flatten().filter(|slot| slices.contains(&slot.slice));
        within.min_by_key(|slot| slot.slice)
    }
}

impl Slot {
    fn new() -> Self {
        Self { slice: 0, words: [0; WORDS], buckets: vec![0; BUCKETS].into() }
    }

    #[expect(clippy::cast_possible_truncation, reason = "differences are taken modulo 2^32")]
    fn copy(&mut self, slice: u64, counts: &Counts, part: &mut Histogram) {
        self.slice = slice;
        self.words = counts.words();
        self.buckets.fill(0);
        counts.durations.each(part, |stripe| {
            for (bucket, count) in self.buckets.iter_mut().zip(stripe) {
                *bucket = bucket.wrapping_add(*count as u32);
            }
        });
    }
}
