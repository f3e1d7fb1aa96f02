//! Competitive equilibrium: divisible goods, agents who value them linearly, and incomes to spend.
//!
//! Owns the equilibrium of a linear Fisher market; with equal incomes it is the competitive
//! equilibrium from equal incomes, which is also the division with the largest product of utilities.
//!
//! **Holds** at the equilibrium: every good that anybody values is given out whole, everybody spends
//! its income, and only on goods that are the best buy for it; nobody can be given more without
//! somebody getting less; nobody prefers what another bought, scaled by the incomes; everybody gets at
//! least its part of the incomes of everything. **Does not hold**: the truth need not pay.
//!
//! **Tolerance**: floats, and a certificate. [`excess`](Equilibrium::excess) bounds from above how far
//! the division is from the equilibrium; a division with more than [`TOLERANCE`] is refused.
//!
//! Agents who need several resources in fixed proportions are in [`proportional`](super::proportional),
//! goods that do not split in [`nash`](super::nash).

mod interior;

use super::elimination::certified;
use crate::{Invalid, Subject};

/// What [`Equilibrium::excess`] stays below.
pub const TOLERANCE: f64 = 1e-9;

/// The largest value and income, so that a float holds every one of them exactly.
pub const MAX_VALUE: u64 = 1 << 53;

/// A division at which everybody buys the best that it can pay.
#[derive(Clone, Debug, PartialEq)]
pub struct Equilibrium {
    /// Which part of each good each agent gets: a row for each agent. The parts of a good that anybody
    /// with an income values sum to one, but for rounding in the last digits.
    pub shares: Vec<Vec<f64>>,
    /// What its shares are worth to each agent.
    pub utilities: Vec<f64>,
    /// The price of each whole good, in units of income: the lowest at which nobody finds it a better
    /// buy than what it has.
    pub prices: Vec<f64>,
    /// By what part all prices together exceed all incomes: nobody spends less than its income, so
    /// together they overspend by this, and the sum of `income * ln(utility)` is below the largest by
    /// at most this part of all incomes. Zero is the exact equilibrium.
    pub excess: f64,
}

/// Why there is no division.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum CeeiError {
    /// The input can't be taken.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The division that was found does not prove itself.
    #[error("the search for prices stopped {excess} from the equilibrium")]
    Unproved {
        /// The certificate of the last division.
        excess: f64,
    },
}

/// The competitive equilibrium from equal incomes: [`fisher_market`] with an income of one each.
///
/// Source: H. R. Varian, *Equity, envy, and efficiency*, Journal of Economic Theory 9 (1974).
pub fn equal_incomes(values: &[Vec<u64>]) -> Result<Equilibrium, CeeiError> {
    fisher_market(&vec![1; values.len()], values)
}

/// The equilibrium of agents with `incomes` who value each whole good as in their row of `values`.
///
/// Who has no income, or values nothing, gets nothing; a good that nobody with an income values goes
/// to nobody and costs nothing. Where several divisions are in equilibrium (the prices and utilities
/// are the same in all), the result is one of them, the same each time.
///
/// Cost: some dozens of steps of O(n m k + k^3) for n agents, m goods, and k the fewer of the two.
///
/// # Errors
///
/// [`Invalid`] for rows of different lengths, a row too many or too few, a value or income above
/// [`MAX_VALUE`]; [`Unproved`](CeeiError::Unproved) where values span too many orders of
/// magnitude, and for about one small market in a hundred thousand.
///
/// Source: E. Eisenberg and D. Gale, *Consensus of subjective probabilities: the pari-mutuel method*,
/// 1959. Solved by a primal-dual interior-point method.
///
/// ```
/// use mabeam_economics::division::ceei::{TOLERANCE, equal_incomes};
///
/// // The second agent is indifferent at prices 6/5 and 4/5, so it sells a sixth of the first good.
/// let market = equal_incomes(&[vec![70, 30], vec![60, 40]])?;
/// assert!((market.prices[0] - 1.2).abs() < 1e-9);
/// assert!((market.shares[0][0] - 5.0 / 6.0).abs() < 1e-9);
/// assert!(market.excess < TOLERANCE);
/// # Ok::<(), mabeam_economics::division::ceei::CeeiError>(())
/// ```
pub fn fisher_market(incomes: &[u64], values: &[Vec<u64>]) -> Result<Equilibrium, CeeiError> {
    let goods = validated(incomes, values)?;
    let buyers: Vec<interior::Buyer> = incomes
        .iter()
        .zip(values)
        .enumerate()
        .filter_map(|(who, (&income, row))| interior::Buyer::of(who, income, row))
        .collect();
    let parts = interior::solve(&buyers, goods);
    let market = equilibrium(values, &buyers, &parts, goods);
    if market.excess <= TOLERANCE {
        Ok(market)
    } else {
        Err(CeeiError::Unproved { excess: market.excess })
    }
}

/// The number of goods.
fn validated(incomes: &[u64], values: &[Vec<u64>]) -> Result<usize, Invalid> {
    let goods = values.first().map_or(0, Vec::len);
    if incomes.len() != values.len() {
        let rule = "must be one for each agent";
        return Err(Invalid::new(Subject::Problem, "number of incomes", incomes.len(), rule));
    }
    for ((who, row), &income) in (0..).zip(values).zip(incomes) {
        let refused =
            |field, value, rule| Err(Invalid::new(Subject::Agent(who), field, value, rule));
        if row.len() != goods {
            return refused("number of values", row.len() as u64, "must be one for each good");
        }
        if income > MAX_VALUE {
            return refused("income", income, "must be at most 2^53");
        }
        if let Some(&value) = row.iter().find(|&&value| value > MAX_VALUE) {
            return refused("value", value, "must be at most 2^53");
        }
    }
    Ok(goods)
}

/// The division of `parts`, made to clear exactly, with what proves it.
fn equilibrium(
    values: &[Vec<u64>],
    buyers: &[interior::Buyer],
    parts: &[Vec<f64>],
    goods: usize,
) -> Equilibrium {
    let mut shares = vec![vec![0.0; goods]; values.len()];
    for (buyer, parts) in buyers.iter().zip(parts) {
        if let Some(row) = shares.get_mut(buyer.who) {
            buyer.wants.iter().zip(parts).for_each(|(&(good, _), &part)| row[good] = part);
        }
    }
    clear(&mut shares, goods);
    // What the solver left of goods that are no good buy is an error of the solver.
    let (prices, _) = prices(values, buyers, &shares, goods);
    for buyer in buyers {
        let utility = utility(&values[buyer.who], &shares[buyer.who]);
        for &(good, _) in &buyer.wants {
            let worth = buyer.income * values[buyer.who][good] as f64 / utility;
            if worth < prices[good] * (1.0 - 1e-6) {
                shares[buyer.who][good] = 0.0;
            }
        }
    }
    clear(&mut shares, goods);
    let (prices, excess) = self::prices(values, buyers, &shares, goods);
    let utilities = values.iter().zip(&shares).map(|(row, shares)| utility(row, shares)).collect();
    Equilibrium { shares, utilities, prices, excess }
}

fn utility(values: &[u64], shares: &[f64]) -> f64 {
    values.iter().zip(shares).map(|(&value, share)| value as f64 * share).sum()
}

/// Scales the parts of each good that anybody has to one.
fn clear(shares: &mut [Vec<f64>], goods: usize) {
    for good in 0..goods {
        let given: f64 = shares.iter().map(|row| row[good]).sum();
        if given > 0.0 {
            for row in shares.iter_mut() {
                row[good] /= given;
            }
        }
    }
}

/// The lowest prices at which no good is a better buy than what the agents have, and by what part
/// they exceed the incomes.
///
/// Utility per income is then at least value per price, for all, so nobody spends less than its
/// income; and a division with utilities `y` has `sum of income * y / utility` at most the sum of
/// the prices.
fn prices(
    values: &[Vec<u64>],
    buyers: &[interior::Buyer],
    shares: &[Vec<f64>],
    goods: usize,
) -> (Vec<f64>, f64) {
    let mut prices = vec![0.0_f64; goods];
    for buyer in buyers {
        let utility = utility(&values[buyer.who], &shares[buyer.who]);
        for &(good, _) in &buyer.wants {
            let worth = buyer.income * values[buyer.who][good] as f64 / utility;
            // Where the utility is not a number, no price is known to be high enough.
            prices[good] = if worth.is_nan() { f64::INFINITY } else { prices[good].max(worth) };
        }
    }
    let incomes: f64 = buyers.iter().map(|buyer| buyer.income).sum();
    let revenue: f64 = prices.iter().sum();
    let excess = if buyers.is_empty() { 0.0 } else { certified(revenue / incomes - 1.0) };
    (prices, excess)
}

#[cfg(test)]
mod laws;
