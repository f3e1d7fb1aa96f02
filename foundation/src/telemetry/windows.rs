//! Sliding windows over counts that only grow, without a thread of their own.
//!
//! Owns two rings of slices. The counts of an operation are never reset; what a ring keeps is how
//! they stood when a slice of time began, and what happened since is their difference to now. So the
//! windows cost an end one comparison, and nothing can fall between two slices.
//!
//! The first end in a slice turns the ring: it copies the counts before it adds to them. That takes
//! the lock of the windows, for a moment the lock of all cells of the process (which a thread takes
//! that begins or ends, and who reads a counter), and 5 µs and 2 µs for each stripe in use, or 13 µs
//! and 4 µs if its 37 KB are in no cache: up to some 40 or 80 µs with 16 stripes, once a second with
//! the default windows. An end that comes while another thread is at it, or one that begins a slice
//! while somebody reads a window, waits for that: if it went ahead, the copy could take it for older
//! than its slice. A slice in which nothing ended is skipped: the counts stood at its start as they do at
//! the start of the next one that is there. Before the first slice there was nothing, so it needs no
//! copy.
//!
//! # What a copy may tear
//!
//! An end adds to several numbers, one after the other. One that read the clock before a slice began
//! and is in the middle of that when the copy is made counts in part before the copy and in part
//! after it. So in the windows that begin with this slice, and in no others, two numbers may differ
//! by one end a thread: each thread has at most one such end, the next one waits for the copy.
//!
//! A slot of a ring is allocated when it is used for the first time and used again from then on.

use std::time::Duration;

use histogram::Histogram;

use super::counts::{Counts, Past};
use super::durations;
use super::summary::Summary;
use crate::sync::{AtomicU64, Mutex, Ordering, lock};

/// How many slices a window is cut into.
pub(super) const SLICES: u32 = 10;

/// The windows of an operation.
pub(super) struct Windows {
    /// When the operation began.
    created: u64,
    /// The first moment at which a ring is to be turned. Written under the lock of `rings`, after
    /// the copies; read by every end. Release and acquire: an end that sees a turn as done adds
    /// after what the copies read. Who reads an old one finds under the lock that there is nothing
    /// to do.
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
    /// The last slice for which the counts were copied; at first the one in which the operation
    /// began, which needs no copy.
    latest: u64,
    /// The copy for slice `n` stands at `n` modulo their number. One more than there are slices:
    /// a window that begins within the first of them ends within the last.
    slots: [Option<Slot>; SLICES as usize + 1],
}

/// How the counts stood when a slice began.
struct Slot {
    slice: u64,
    past: Past,
}

impl Windows {
    /// The windows of an operation that begins at `created`.
    pub(super) fn new(mut spans_nanos: [u64; 2], created: u64) -> Self {
        spans_nanos.sort_unstable();
        let rings = Rings { rings: spans_nanos.map(|span| Ring::new(span, created)), part: None };
        let next_turn = AtomicU64::new(rings.next_turn());
        Self { created, next_turn, rings: Mutex::new(rings) }
    }

    /// Turns the rings if a slice begins with the end that is about to be counted `now`.
    #[inline]
    pub(super) fn turn(&self, now: u64, counts: &Counts) {
        if now >= self.next_turn.load(Ordering::Acquire) {
            self.turn_slowly(now, counts);
        }
    }

    #[cold]
    fn turn_slowly(&self, now: u64, counts: &Counts) {
        self.turn_in(&mut lock(&self.rings), now, counts);
    }

    fn turn_in(&self, rings: &mut Rings, now: u64, counts: &Counts) {
        rings.turn(now, counts);
        self.next_turn.store(rings.next_turn(), Ordering::Release);
    }

    /// What happened within the last `span_nanos`, or within the longest window if that is shorter.
    pub(super) fn summary(&self, span_nanos: u64, now: u64, counts: &Counts) -> Summary {
        let mut guard = lock(&self.rings);
        self.turn_in(&mut guard, now, counts);
        let Rings { rings: [short, long], part } = &mut *guard;
        let ring = if span_nanos <= short.span_nanos() { short } else { long };
        // For the windows a clock that is set back stands still until it is where it was.
        let now = now.max(ring.latest * ring.slice_nanos);
        let first = now.saturating_sub(span_nanos.min(ring.span_nanos())) / ring.slice_nanos;
        let begin = first * ring.slice_nanos;
        let covers = Duration::from_nanos(now.saturating_sub(begin.max(self.created)));
        // There is a copy for the slice of `now`, so there is a first one, unless the window reaches
        // back to the beginning.
        let since = if begin > self.created { ring.earliest(first) } else { None };
        counts.summary(covers, part.get_or_insert_with(durations::empty), since)
    }
}

impl Rings {
    /// Copies the counts, once for both rings, if a slice began since the last copy.
    fn turn(&mut self, now: u64, counts: &Counts) {
        let Self { rings: [short, long], part } = self;
        let part = part.get_or_insert_with(durations::empty);
        match (short.advance(now), long.advance(now)) {
            (None, None) => {}
            (Some(one), None) | (None, Some(one)) => one.copy(counts, part),
            (Some(one), Some(other)) => {
                one.copy(counts, part);
                other.copy_from(one);
            }
        }
    }

    /// The moment from which on a ring is to be turned.
    fn next_turn(&self) -> u64 {
        let next = self.rings.each_ref().map(Ring::next_turn);
        next[0].min(next[1])
    }
}

impl Ring {
    fn new(span_nanos: u64, created: u64) -> Self {
        let slice_nanos = (span_nanos / u64::from(SLICES)).max(1);
        Self { slice_nanos, latest: created / slice_nanos, slots: Default::default() }
    }

    fn span_nanos(&self) -> u64 {
        self.slice_nanos.saturating_mul(SLICES.into())
    }

    /// If a slice began since the last copy, goes on to it; gives the room for its copy, which the
    /// caller must fill.
    fn advance(&mut self, now: u64) -> Option<&mut Past> {
        let slice = now / self.slice_nanos;
        if slice <= self.latest {
            return None;
        }
        self.latest = slice;
        #[expect(clippy::cast_possible_truncation, reason = "a remainder of a division by 11")]
        let at = (slice % self.slots.len() as u64) as usize;
        let slot = self.slots[at].get_or_insert_with(|| Slot { slice, past: Past::new() });
        slot.slice = slice;
        Some(&mut slot.past)
    }

    fn next_turn(&self) -> u64 {
        (self.latest + 1).saturating_mul(self.slice_nanos)
    }

    /// The copy for slice `first`, or for the next one that has a copy.
    fn earliest(&self, first: u64) -> Option<&Past> {
        let within = self.slots.iter().flatten().filter(|slot| slot.slice >= first);
        within.min_by_key(|slot| slot.slice).map(|slot| &slot.past)
    }
}
