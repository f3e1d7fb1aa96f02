//! Who is next, drawn from a seed: in a test, the same choices for the same seed.

use crate::sync::{Mutex, lock};

/// Draws numbers: G. L. Steele, D. Lea and C. H. Flood, *Fast splittable pseudorandom number generators*,
/// OOPSLA 2014 (`SplitMix64`).
pub(crate) struct Chooser(Mutex<u64>);

impl Chooser {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// One of the numbers below `bound`; `None` if there is none.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a `usize`")]
    pub(crate) fn below(&self, bound: usize) -> Option<usize> {
        let mut state = lock(&self.0);
        *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = *state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        Some(mixed.checked_rem(bound as u64)? as usize)
    }
}
