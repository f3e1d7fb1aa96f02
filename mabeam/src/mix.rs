//! One step of a pseudorandom sequence, for what is to be drawn the same way every time.

/// What follows `state`: one step of `SplitMix64`, G. L. Steele, D. Lea and C. H. Flood, *Fast splittable
/// pseudorandom number generators*, OOPSLA 2014, figure 17. The next state is `state` plus [`STEP`].
pub(crate) const fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(STEP);
    let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

/// What is added to a state for the next one.
pub(crate) const STEP: u64 = 0x9e37_79b9_7f4a_7c15;
