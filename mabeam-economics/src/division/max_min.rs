//! Max-min fair division of one resource, among equals and by weights.
//!
//! Owns both divisions and their laws: feasible, never more than asked for, nothing left while somebody
//! lacks, no unit that a poorer claimant lacks, no gain from a false demand of one of a fixed set of
//! claimants. Leaves to its caller what is divided, how often, and that nobody claims under several
//! names.

use std::cmp::Ordering;

use super::rounding::largest_remainder;
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
/// Cost: O(n) time for n demands, one allocation for the search and one for the result. Any input is
/// valid; the sum of the demands may exceed [`Amount::MAX`].
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
    let Level { left, weight: lacking } = Level::find(capacity, &mut demands.to_vec());
    let (level, mut remainder) = match lacking {
        0 => (u64::MAX, 0),
        _ => (left / lacking, left % lacking),
    };
    let share = |demand: &Amount| {
        if demand.units() <= level {
            return *demand;
        }
        let one = u64::from(remainder > 0);
        remainder -= one;
        Amount::new(level + one)
    };
    demands.iter().map(share).collect()
}

/// What somebody asks for, and how much it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// How much it can use.
    pub demand: Amount,
    /// How much it receives, compared with the others, while nobody has enough; nothing for 0.
    pub weight: u32,
}

/// Divides `capacity` among `claims` by weighted max-min fairness; the result stands in the claims'
/// order.
///
/// As [`max_min_fair`], but the shares of those who lack rise in proportion to their weights. What
/// they hold together is rounded by [`largest_remainder`], ties to the first: each holds its exact
/// share rounded down or up, and with equal weights the result is that of [`max_min_fair`]. Who has
/// no weight gets nothing, even where something remains.
///
/// Stating the true demand is a dominant strategy up to the one unit that rounding may move. The
/// weights must be given by somebody other than the claimants, and so must the list of claimants.
///
/// Cost: O(n) time for n claims.
///
/// Source: as [`max_min_fair`]; the weights as in S. Keshav, *An Engineering Approach to Computer
/// Networking*, 1997, section 9.3.1.
///
/// ```
/// use mabeam_economics::Amount;
/// use mabeam_economics::division::{Claim, weighted_max_min_fair};
///
/// let claims = [(2, 1), (50, 1), (50, 3)];
/// let claims = claims.map(|(demand, weight)| Claim { demand: Amount::new(demand), weight });
/// let shares = weighted_max_min_fair(Amount::new(42), &claims);
/// assert_eq!(shares, [2, 10, 30].map(Amount::new));
/// ```
pub fn weighted_max_min_fair(capacity: Amount, claims: &[Claim]) -> Vec<Amount> {
    let mut counting: Vec<Claim> = claims.iter().copied().filter(|it| it.weight > 0).collect();
    let level = Level::find(capacity, &mut counting);
    let lacking = |claim: &&Claim| claim.weight > 0 && !level.meets(**claim);
    let weights: Vec<u64> = claims.iter().filter(lacking).map(Rising::weight).collect();
    let mut rounded = largest_remainder(level.left, &weights).into_iter();
    let share = |claim: &Claim| match claim.weight {
        0 => Amount::ZERO,
        _ if level.meets(*claim) => claim.demand,
        _ => rounded.next().map_or(Amount::ZERO, Amount::new),
    };
    claims.iter().map(share).collect()
}

/// Somebody whose share rises until its demand is met. A weight is positive.
trait Rising: Copy {
    fn demand(&self) -> u64;
    fn weight(&self) -> u64;

    /// Whose demand is met first.
    fn by_level(&self, other: &Self) -> Ordering {
        product(self.demand(), other.weight()).cmp(&product(other.demand(), self.weight()))
    }
}

impl Rising for Amount {
    fn demand(&self) -> u64 {
        self.units()
    }

    fn weight(&self) -> u64 {
        1
    }

    fn by_level(&self, other: &Self) -> Ordering {
        self.cmp(other)
    }
}

impl Rising for Claim {
    fn demand(&self) -> u64 {
        self.demand.units()
    }

    fn weight(&self) -> u64 {
        self.weight.into()
    }
}

/// Where the water stands: those whose demand is not met hold `left` together, which is less than
/// they ask for, in proportion to their weights, which add up to `weight`.
struct Level {
    left: u64,
    weight: u64,
}

impl Level {
    /// Finds the level by halving: the median claim is met, and with it every smaller one, or it is
    /// not, and with it no larger one.
    fn find<C: Rising>(capacity: Amount, claims: &mut [C]) -> Self {
        let mut level = Self { left: capacity.units(), weight: 0 };
        let mut open = claims;
        while !open.is_empty() {
            let (below, median, above) = open.select_nth_unstable_by(open.len() / 2, C::by_level);
            let needed: u128 = below.iter().map(|claim| u128::from(claim.demand())).sum();
            let needed = needed + u128::from(median.demand());
            let heavier = level.weight + above.iter().map(C::weight).sum::<u64>();
            let left = u64::try_from(needed).ok().and_then(|needed| level.left.checked_sub(needed));
            match left {
                Some(left)
                    if product(left, median.weight()) >= product(median.demand(), heavier) =>
                {
                    level.left = left;
                    open = above;
                }
                _ => {
                    level.weight = heavier + median.weight();
                    open = below;
                }
            }
        }
        level
    }

    /// Whether `claim` has all that it asks for.
    fn meets(&self, claim: impl Rising) -> bool {
        product(claim.demand(), self.weight) <= product(self.left, claim.weight())
    }
}

fn product(one: u64, other: u64) -> u128 {
    u128::from(one) * u128::from(other)
}

#[cfg(test)]
mod tests;
