//! What a type of message costs its handler: learnt, to know which calls to lend a thread.
//!
//! A lent call runs on the caller's thread, one after another; work that is worth a thread of its own
//! must not. So the worst recent poll of each type of message is remembered, and only what is known to
//! be cheap is lent. Every poll of an unknown or dear type is timed, of cheap ones one in [`LENT`] or
//! [`QUEUED`] of a thread's: two readings of the clock cost as much as a lent call. Both are primes, so
//! that of types that take turns each is timed in its turn.

use std::any::TypeId;
use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// One lent poll in so many is timed of a type that is known to be cheap.
pub(crate) const LENT: u32 = 31;
/// The same of those that were queued, which take nobody's thread.
pub(crate) const QUEUED: u32 = 127;
/// Types share this many places. Two types in one place are judged by the dearer one.
const PLACES: usize = 1024;
/// Never timed.
const UNKNOWN: u32 = 0;

/// The worst recent poll of each type, in nanoseconds.
pub(crate) struct Costs {
    /// Hints, so relaxed; written only when they change.
    places: Box<[AtomicU32; PLACES]>,
    /// What may be lent.
    lendable_ns: u32,
}

/// A poll that is being timed, or not.
pub(crate) struct Timing(Option<Instant>);

/// Counts polls, to time one in so many.
#[derive(Clone, Copy, Default)]
pub(crate) struct Sampling(u32);

thread_local! {
    static HERE: Cell<Sampling> = const { Cell::new(Sampling(0)) };
}

impl Sampling {
    /// Where this thread's count stands.
    #[inline]
    pub(crate) fn here() -> Self {
        HERE.get()
    }

    /// Remembers where it stands.
    #[inline]
    pub(crate) fn keep(self) {
        HERE.set(self);
    }
}

/// The place of the cost of a payload `T` at agents of type `A`.
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "the low bits are the place")]
pub(crate) fn place<A: 'static, T: 'static>() -> u16 {
    let mut last = LastWord(0);
    TypeId::of::<(A, T)>().hash(&mut last);
    (last.0 % PLACES as u64) as u16
}

impl Costs {
    pub(crate) fn new(lendable: Duration) -> Self {
        let lendable_ns = u32::try_from(lendable.as_nanos()).unwrap_or(u32::MAX);
        Self { places: Box::new([const { AtomicU32::new(UNKNOWN) }; PLACES]), lendable_ns }
    }

    /// What is known of a type, in nanoseconds.
    #[inline]
    pub(crate) fn known(&self, place: u16) -> u32 {
        self.places[usize::from(place) % PLACES].load(Ordering::Relaxed)
    }

    /// Whether a poll that is known to cost so much may be lent a thread.
    #[inline]
    pub(crate) const fn is_lendable(&self, known: u32) -> bool {
        // `UNKNOWN` becomes the largest number.
        known.wrapping_sub(1) < self.lendable_ns
    }

    /// Begins to time a poll, if it is to be timed.
    #[inline]
    pub(crate) fn time(&self, known: u32, clock: &mut Sampling, period: u32) -> Timing {
        clock.0 = clock.0.wrapping_add(1);
        let is_timed = clock.0.is_multiple_of(period) || !self.is_lendable(known);
        // A model runs the same way each time.
        let is_timed = is_timed && !cfg!(mabeam_loom);
        Timing(is_timed.then(Instant::now))
    }

    /// Learns from a poll that is over, and returns how long it took if it was timed.
    #[inline]
    pub(crate) fn learn(&self, place: u16, timing: &Timing) -> Option<Duration> {
        let taken = timing.0?.elapsed();
        remember(&self.places[usize::from(place) % PLACES], taken);
        Some(taken)
    }

    /// The time that a timed poll stands for, in nanoseconds: its own, and if it was one in `period` of
    /// cheap ones, that of the others. Each of these is taken to be as long, or as long as the worst that
    /// was known if that is less: a poll during which the thread was not run says nothing of others.
    #[cold]
    pub(crate) fn stands_for(&self, taken: Duration, known: u32, period: u32) -> u64 {
        let taken = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
        let others = if self.is_lendable(known) { u64::from(period - 1) } else { 0 };
        taken.saturating_add(others * taken.min(u64::from(known)))
    }
}

/// The worst poll counts, and fades by a sixteenth with each that was better.
#[cold]
fn remember(place: &AtomicU32, taken: Duration) {
    let taken = u32::try_from(taken.as_nanos()).unwrap_or(u32::MAX).max(1);
    let known = place.load(Ordering::Relaxed);
    let now = taken.max(known - known / 16);
    if now != known {
        place.store(now, Ordering::Relaxed);
    }
}

/// A hasher that keeps the last word: a `TypeId` is a hash already.
struct LastWord(u64);

impl Hasher for LastWord {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 = u64::from_le_bytes(word);
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = word;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn unknown_and_dear_types_are_not_lendable_and_the_worst_one_fades() {
        let costs = Costs::new(Duration::from_micros(10));
        let at = place::<u8, u16>();
        assert!(!costs.is_lendable(costs.known(at)), "unknown");
        let place = &costs.places[usize::from(at)];
        remember(place, Duration::from_micros(100));
        assert!(!costs.is_lendable(costs.known(at)), "dear");
        remember(place, Duration::from_micros(1));
        assert!(!costs.is_lendable(costs.known(at)), "one good poll does not make up for it");
        for _ in 0..64 {
            remember(place, Duration::from_micros(1));
        }
        assert!(costs.is_lendable(costs.known(at)), "it fades");
        assert_ne!(super::place::<u8, u16>(), super::place::<u16, u8>());
    }

    #[test]
    fn a_sample_of_cheap_polls_stands_for_the_others_and_a_dear_one_for_itself() {
        let costs = Costs::new(Duration::from_micros(10));
        let stands_for = |taken, known| costs.stands_for(Duration::from_nanos(taken), known, 31);
        assert_eq!(stands_for(500, UNKNOWN), 500, "each is timed");
        assert_eq!(stands_for(50_000, 20_000), 50_000, "each is timed");
        assert_eq!(stands_for(100, 400), 31 * 100);
        assert_eq!(stands_for(5_000_000, 400), 5_000_000 + 30 * 400, "an accident");
    }

    #[test]
    fn of_cheap_types_that_take_turns_each_is_timed() {
        let costs = Costs::new(Duration::from_micros(10));
        for (types, period) in (1..=16_u32).flat_map(|types| [(types, LENT), (types, QUEUED)]) {
            let mut sampling = Sampling::default();
            let polls = 0..types * period;
            let timed = polls.filter(|_| costs.time(1, &mut sampling, period).0.is_some());
            let of_types: std::collections::BTreeSet<u32> =
                timed.map(|poll| poll % types).collect();
            assert_eq!(of_types.len(), types as usize, "{types} types, one poll in {period}");
        }
    }
}
