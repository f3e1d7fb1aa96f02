//! Who is next, drawn from a seed: in a test, the same choices for the same seed.

use crate::mix::{STEP, mix};
use crate::sync::{Mutex, lock};

/// Draws numbers.
pub(crate) struct Chooser(Mutex<u64>);

impl Chooser {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Mutex::new(seed))
    }

    /// One of the numbers below `bound`; `None` if there is none.
    #[expect(clippy::cast_possible_truncation, reason = "the remainder is below a `usize`")]
    pub(crate) fn below(&self, bound: usize) -> Option<usize> {
        let mut state = lock(&self.0);
        let drawn = mix(*state);
        *state = state.wrapping_add(STEP);
        Some(drawn.checked_rem(bound as u64)? as usize)
    }
}
