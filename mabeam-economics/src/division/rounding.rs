//! Rounding shares to whole units without losing or making any.
//!
//! Owns the largest-remainder rule and its tie rule, for every division in this crate. Leaves to its
//! callers what the weights mean.

use std::cmp::Reverse;

/// Divides `total` units in proportion to `weights`, by largest remainders; the result stands in the
/// weights' order.
///
/// Everybody gets its proportional part, rounded down; the units that remain go, one each, to the
/// largest fractions that were cut off, ties to the **lowest place**. Exact: nothing is lost, and
/// each share is its proportional part rounded down or up. A zero weight gets nothing; where no
/// weight is positive, nobody gets anything.
///
/// Not promised: that more units, or a larger weight, never cost anybody a unit. Largest remainders
/// have the Alabama paradox, as every rule has one that stays within the quota.
///
/// Cost: O(n) time for n weights, one allocation for the result and two to find the remainders.
///
/// Source: A. Hamilton's method; M. Balinski and H. P. Young, *Fair Representation*, 2nd edition,
/// 2001.
///
/// ```
/// use mabeam_economics::division::largest_remainder;
///
/// assert_eq!(largest_remainder(10, &[1, 1, 1]), [4, 3, 3]);
/// assert_eq!(largest_remainder(100, &[0, 2, 1]), [0, 67, 33]);
/// ```
pub fn largest_remainder(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().copied().map(u128::from).sum();
    if sum == 0 {
        return vec![0; weights.len()];
    }
    let parts = weights.iter().map(|&weight| u128::from(total) * u128::from(weight));
    let fractions: Vec<u128> = parts.clone().map(|part| part % sum).collect();
    // A part is at most `total`, as a weight is at most the sum.
    let mut shares: Vec<u64> =
        parts.map(|part| u64::try_from(part / sum).unwrap_or(total)).collect();
    let left = total - shares.iter().sum::<u64>();
    hand_out(left, &fractions, &mut shares);
    shares
}

/// Adds one unit to the share of each of the `units` largest positive `fractions`, ties to the lowest
/// place, and says how many units nobody could be given.
pub(super) fn hand_out<'a, F: Copy + Default + Ord>(
    units: u64,
    fractions: &[F],
    shares: impl IntoIterator<Item = &'a mut u64>,
) -> u64 {
    let Some(index) = usize::try_from(units).unwrap_or(usize::MAX).checked_sub(1) else {
        return 0;
    };
    let positive = fractions.iter().filter(|fraction| **fraction > F::default()).count();
    let (least, mut ties) = if index < positive {
        let mut falling = fractions.to_vec();
        let (above, &mut least, _) =
            falling.select_nth_unstable_by_key(index, |&fraction| Reverse(fraction));
        (least, index + 1 - above.iter().filter(|fraction| **fraction > least).count())
    } else {
        (F::default(), 0)
    };
    let mut left = units;
    for (fraction, share) in fractions.iter().zip(shares) {
        let tie = *fraction == least && ties > 0;
        let one = u64::from(*fraction > least || tie);
        *share += one;
        left -= one;
        ties -= usize::from(tie);
    }
    left
}

#[cfg(test)]
mod laws;
