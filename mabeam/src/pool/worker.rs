//! A worker of a pool, and how one is chosen.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::{Agent, AgentRef};

/// See the module's page.
pub(super) struct Worker<A: Agent> {
    pub(super) agent: AgentRef<A>,
    /// Somebody has it to himself. Acquired by who takes it, released by who gives it back.
    is_taken: AtomicBool,
}

impl<A: Agent> Worker<A> {
    pub(super) const fn new(agent: AgentRef<A>) -> Self {
        Self { agent, is_taken: AtomicBool::new(false) }
    }

    /// `false` if somebody else has it.
    pub(super) fn take(&self) -> bool {
        !self.is_taken.swap(true, Ordering::Acquire)
    }

    pub(super) fn give_back(&self) {
        self.is_taken.store(false, Ordering::Release);
    }

    pub(super) fn is_taken(&self) -> bool {
        self.is_taken.load(Ordering::Relaxed)
    }

    /// How much there is to do for it; `None` if there is no place for more.
    pub(super) fn load(&self) -> Option<u32> {
        self.agent.load()
    }
}

/// The first of `len` workers that nobody has to himself; the first of all if there is none.
pub(super) fn first_free<'a, A: Agent>(
    len: usize,
    worker: impl Fn(usize) -> &'a Worker<A>,
) -> &'a Worker<A> {
    (0..len).map(&worker).find(|worker| !worker.is_taken()).unwrap_or_else(|| worker(0))
}

/// The less loaded of two. Two that are drawn keep the longest queue about as short as if all had been
/// compared: M. Mitzenmacher, *The power of two choices in randomized load balancing*, IEEE TPDS 2001.
pub(super) fn lighter<'a, A: Agent>(
    len: usize,
    turn: usize,
    worker: impl Fn(usize) -> &'a Worker<A>,
) -> &'a Worker<A> {
    let one = first_free(len, &worker);
    if len < 2 {
        return one;
    }
    // An idle one is as good as any.
    let load = one.load().unwrap_or(u32::MAX);
    if load == 0 {
        return one;
    }
    let step = 1 + (turn.wrapping_mul(0x9E37_79B9) >> 16) % (len - 1);
    let other = first_free(len, |offset| worker(offset.wrapping_add(step)));
    if other.load().unwrap_or(u32::MAX) < load { other } else { one }
}

/// Which of `buckets` a hash belongs to. If there is one bucket more, one key in so many moves to it and
/// the others stay: J. Lamping and E. Veach, *A fast, minimal memory, consistent hash algorithm*,
/// arXiv:1406.2294.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the candidate is compared with the number of buckets before it is used"
)]
pub(super) fn jump(mut hash: u64, buckets: usize) -> usize {
    let (mut bucket, mut candidate) = (0, 0_u64);
    while candidate < buckets as u64 {
        bucket = candidate;
        hash = hash.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(1);
        let share = (1_u64 << 31) as f64 / ((hash >> 33) + 1) as f64;
        candidate = ((bucket + 1) as f64 * share) as u64;
    }
    bucket as usize
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use super::jump;

    #[test]
    fn a_key_moves_only_to_the_bucket_that_is_new() {
        let hashes = (0..10_000_u64).map(|key| key.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        let mut moved = 0;
        for hash in hashes {
            let (before, after) = (jump(hash, 9), jump(hash, 10));
            assert!(after == before || after == 9);
            moved += u32::from(after != before);
        }
        assert!((800..1_200).contains(&moved), "{moved} of 10,000 moved, a tenth is expected");
    }
}
