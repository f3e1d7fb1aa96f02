//! Max-min fair division of one resource.
//!
//! Owns the division and its laws: feasible, never more than asked for, nothing left while somebody
//! lacks, no unit that a poorer claimant lacks, no gain from a false demand of one of a fixed set of
//! claimants. Leaves to its caller what is divided, how often, and that nobody claims under several
//! names.

use crate::Amount;

/// Divides `capacity` among `demands` by max-min fairness; the result stands in the demands' order.
///
/// Everybody's share rises together until the capacity is used up; who has what it asked for drops
/// out and leaves the rest to the others. So a small demand is met whole, and those who lack hold
/// equal shares. Units do not split: what remains of the last equal division goes, one unit each,
/// to the **first in the order of `demands`** among those who lack. A caller who wants to spread
/// that advantage rotates the order from one division to the next.
///
/// Asking for more than one needs never brings a unit that one needs, and asking for less never
/// brings more: stating the true demand is a dominant strategy for a fixed set of claimants. Who can
/// appear as several claimants gains by splitting its demand: who the claimants are is for the
/// caller to establish.
///
/// Cost: O(n log n) time for n demands, one allocation for the order and one for the result. Any
/// input is valid; the sum of the demands may exceed [`Amount::MAX`].
///
/// Source: progressive filling, D. Bertsekas and R. Gallager, *Data Networks*, 2nd edition,
/// section 6.5.2, for one link.
///
/// ```
/// use mabeam_economics::{Amount, max_min_fair};
///
/// let demands = [20, 26, 40, 50].map(Amount::new);
/// let shares = max_min_fair(Amount::new(100), &demands);
/// assert_eq!(shares, [20, 26, 27, 27].map(Amount::new));
/// ```
pub fn max_min_fair(capacity: Amount, demands: &[Amount]) -> Vec<Amount> {
    let mut rising: Vec<usize> = (0..demands.len()).collect();
    rising.sort_unstable_by_key(|&claimant| demands[claimant]);

    let mut shares = vec![Amount::ZERO; demands.len()];
    let mut left = capacity.units();
    let mut met = 0;
    while let Some(&claimant) = rising.get(met) {
        let lacking = (rising.len() - met) as u64;
        let demand = demands[claimant].units();
        if demand > left / lacking {
            break;
        }
        shares[claimant] = Amount::new(demand);
        left -= demand;
        met += 1;
    }
    share_equally(left, &mut rising[met..], &mut shares);
    shares
}

/// Gives all of `units` to `claimants`, each of whom asks for more than an equal part, rounded down.
fn share_equally(units: u64, claimants: &mut [usize], shares: &mut [Amount]) {
    if claimants.is_empty() {
        return;
    }
    let count = claimants.len() as u64;
    let (level, remainder) = (units / count, units % count);
    claimants.sort_unstable();
    for (rank, &claimant) in (0..count).zip(claimants.iter()) {
        shares[claimant] = Amount::new(level + u64::from(rank < remainder));
    }
}

#[cfg(test)]
mod tests;
