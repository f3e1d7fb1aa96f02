//! The Shapley value of games with too many players to look at every coalition.
//!
//! Owns the estimate, its interval and the stated confidence. Promises that the estimates add up to
//! exactly what all players together are worth, and the same estimates for the same seed.

use crate::seeded::Seeded;
use crate::{Invalid, Money, Subject};

use super::worthless_alone;

/// How the orders are drawn, and how sure the interval is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// How many orders of the players are drawn, with replacement.
    pub orders: u32,
    /// Determines them.
    pub seed: u64,
    /// The least that a player ever adds by joining: a fact about the game.
    pub least: Money,
    /// The most that a player ever adds by joining: a fact about the game.
    pub most: Money,
    /// The probability that the interval misses the value of at least one player; above 0, below 1.
    pub risk: f64,
}

/// What each player earned, approximately.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimate {
    totals: Vec<i128>,
    orders: u32,
    half_width: f64,
}

impl Estimate {
    /// What each player added, summed over all drawn orders, in minor units. Divided by
    /// [`orders`](Self::orders) it is the estimate of the player's share.
    pub fn totals(&self) -> &[i128] {
        &self.totals
    }

    /// How many orders were drawn.
    pub const fn orders(&self) -> u32 {
        self.orders
    }

    /// The estimates in minor units. Floats: the last step.
    pub fn shares(&self) -> impl Iterator<Item = f64> {
        self.totals.iter().map(|&total| total as f64 / f64::from(self.orders))
    }

    /// How far, in minor units, an estimate may be from the Shapley value: with the stated risk no
    /// player's is farther.
    pub const fn half_width(&self) -> f64 {
        self.half_width
    }
}

/// Estimates the Shapley value of a game of `players` players in which the set of `members` is worth
/// `worth(members)`. The members stand in the order in which they joined, on which the worth must
/// not depend.
///
/// A player's estimate is what it adds to those before it, averaged over drawn orders. Hoeffding's
/// inequality for n players at once: with probability at least `1 - risk` over the seeds, every
/// estimate is within `(most - least) * sqrt(ln(2n / risk) / (2 * orders))` of the value. The bound
/// says nothing of a seed that was picked because its outcome was liked: fix it beforehand.
///
/// Errors: no orders; a risk that is not between 0 and 1; an empty coalition that is worth
/// something; a player who adds less than `least` or more than `most`, for which the interval would
/// not hold.
///
/// Cost: `players + 1` calls of `worth` for each order, O(n) memory.
///
/// Source: J. Castro, D. Gómez and J. Tejada, *Polynomial calculation of the Shapley value based on
/// sampling*, Computers & Operations Research 36, 2009; W. Hoeffding, *Probability inequalities for
/// sums of bounded random variables*, 1963, theorem 2.
///
/// ```
/// use mabeam_economics::Money;
/// use mabeam_economics::cooperation::{Sampling, shapley_sampled};
///
/// // A hundred players, of whom any fifty-one earn 1,000.
/// let most = Money::new(1_000).unwrap();
/// let sampling = Sampling { orders: 20_000, seed: 1, least: Money::ZERO, most, risk: 0.01 };
/// let majority = |members: &[usize]| if members.len() > 50 { most } else { Money::ZERO };
/// let estimate = shapley_sampled(100, majority, &sampling)?;
/// assert!(estimate.half_width() < 16.0);
/// assert!(estimate.shares().all(|share| (share - 10.0).abs() <= estimate.half_width()));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn shapley_sampled(
    players: usize,
    mut worth: impl FnMut(&[usize]) -> Money,
    sampling: &Sampling,
) -> Result<Estimate, Invalid> {
    let refuse = |field, value: String, rule| Invalid::new(Subject::Problem, field, value, rule);
    let &Sampling { orders, seed, least, most, risk } = sampling;
    if orders == 0 {
        return Err(refuse("orders", orders.to_string(), "must be at least 1"));
    }
    if !(risk > 0.0 && risk < 1.0) {
        return Err(refuse("risk", risk.to_string(), "must be above 0 and below 1"));
    }
    worthless_alone(worth(&[]))?;

    let mut numbers = Seeded::new(seed);
    let mut order: Vec<usize> = (0..players).collect();
    let mut totals = vec![0_i128; players];
    for _ in 0..orders {
        numbers.shuffle(&mut order);
        let mut before = 0;
        for joined in 1..=players {
            let player = order[joined - 1];
            let now = worth(&order[..joined]).units();
            let added = now - before;
            if added < least.units() || added > most.units() {
                let rule = "must be between the stated least and most";
                let who = Subject::Agent(player as u64);
                return Err(Invalid::new(who, "addition to a coalition", added, rule));
            }
            totals[player] += i128::from(added);
            before = now;
        }
    }
    let range = (most.units() - least.units()) as f64;
    let log = (2.0 * players.max(1) as f64 / risk).ln();
    let half_width = range * (log / (2.0 * f64::from(orders))).sqrt();
    Ok(Estimate { totals, orders, half_width })
}
