//! Maximum Nash welfare: indivisible goods, given out so that the product of utilities is largest.
//!
//! Owns the allocation and its proof. Values are additive integers; nobody pays.
//!
//! **Holds** for an allocation that is [`Optimal`](Proof::Optimal): nobody can be made better off
//! without somebody worse off, and whoever prefers another's goods to its own no longer does after
//! some one good is taken out of them (envy-freeness up to one good). Where there are only two
//! distinct values, after any one. An agent's unit of value does not matter. **Does not hold**: the
//! truth need not pay, and one may lose when another leaves. For an allocation that is only
//! [`Feasible`](Proof::Feasible) none of this is promised but the bound.
//!
//! Leaves divisible goods to [`ceei`](super::ceei).

mod bound;
mod product;
mod search;
mod served;

use crate::{Invalid, Subject};

/// The most that all goods together may be worth to one agent, so that floats hold every sum.
pub const MAX_TOTAL: u64 = 1 << 53;

/// Who gets what, and whether that is proved to be best.
#[derive(Clone, Debug, PartialEq)]
pub struct Allocation {
    /// Who gets each good; nobody, if it is worth nothing to anybody.
    pub owners: Vec<Option<usize>>,
    /// What its goods are worth to each agent.
    pub utilities: Vec<u64>,
    /// How good the product of the utilities above zero is.
    pub proof: Proof,
}

/// What is known of a product of utilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Proof {
    /// No allocation to these agents has a larger one.
    Optimal,
    /// The search stopped at its limit.
    Feasible {
        /// No allocation to these agents has a product whose natural logarithm is above this.
        ln_bound: f64,
    },
}

impl Allocation {
    /// The natural logarithm of the product of the utilities above zero.
    pub fn ln_welfare(&self) -> f64 {
        self.utilities.iter().filter(|&&utility| utility > 0).map(|&u| (u as f64).ln()).sum()
    }
}

/// The allocation with the largest product of utilities, agents' `values` for each good in rows.
///
/// If not everybody can have something, first as many as possible do: the first agents for whom
/// there is still something, in the order of their ids; then the product is over these. Products are
/// compared exactly. Among equal products the result is one, the same each time.
///
/// The search stops after `node_limit` partial allocations and then says what it knows. Random
/// values are proved optimal within 100,000 for 10 agents and 30 goods, or 4 and 40; the problem is
/// NP-hard.
///
/// Cost: O(n m) a node for n agents and m goods; before, a local search of at most a hundred rounds
/// of O(m^2 + n m).
///
/// # Errors
///
/// Rows of different lengths; a row with a sum above [`MAX_TOTAL`].
///
/// Source: I. Caragiannis, D. Kurokawa, H. Moulin, A. D. Procaccia, N. Shah and J. Wang, *The
/// unreasonable fairness of maximum Nash welfare*, EC 2016, section 3. Branch and bound with the
/// dual of the division of the goods as if they split.
///
/// ```
/// use mabeam_economics::division::nash::{Proof, maximum_nash_welfare};
///
/// let values = [vec![6, 5, 4], vec![7, 3, 1]];
/// let allocation = maximum_nash_welfare(&values, 1_000)?;
/// assert_eq!(allocation.owners, [Some(1), Some(0), Some(0)]);
/// assert_eq!((allocation.utilities, allocation.proof), (vec![9, 7], Proof::Optimal));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn maximum_nash_welfare(values: &[Vec<u64>], node_limit: u64) -> Result<Allocation, Invalid> {
    let goods = validated(values)?;
    let served = served::first_in_order(values, goods);
    let problem = Problem::of(values, goods, &served);
    let (owners, proof) = search::search(&problem, node_limit);
    let mut allocation =
        Allocation { owners: vec![None; goods], utilities: vec![0; values.len()], proof };
    for (place, &good) in problem.goods.iter().enumerate() {
        let owner = problem.agents[owners[place]];
        allocation.owners[good] = Some(owner);
        allocation.utilities[owner] += values[owner][good];
    }
    if let Proof::Feasible { ln_bound } = &mut allocation.proof {
        *ln_bound += problem.ln_units;
    }
    Ok(allocation)
}

/// The number of goods.
fn validated(values: &[Vec<u64>]) -> Result<usize, Invalid> {
    let goods = values.first().map_or(0, Vec::len);
    for (who, row) in (0..).zip(values) {
        let refused = |field, value, rule| Invalid::new(Subject::Agent(who), field, value, rule);
        if row.len() != goods {
            let count = row.len().to_string();
            return Err(refused("number of values", count, "must be one for each good"));
        }
        let total: u128 = row.iter().map(|&value| u128::from(value)).sum();
        if total > u128::from(MAX_TOTAL) {
            let total = total.to_string();
            return Err(refused("total value", total, "must be at most 2^53"));
        }
    }
    Ok(goods)
}

/// The agents who are served and the goods that they value; each agent's values in units of their
/// common divisor.
struct Problem {
    agents: Vec<usize>,
    goods: Vec<usize>,
    /// A row for each of the agents.
    values: Vec<Vec<u64>>,
    /// A good that each of the agents can have at the same time.
    own: Vec<usize>,
    /// The sum of the logarithms of the common divisors.
    ln_units: f64,
}

impl Problem {
    fn of(values: &[Vec<u64>], goods: usize, served: &[Option<usize>]) -> Self {
        let agents: Vec<usize> = (0..values.len()).filter(|&who| served[who].is_some()).collect();
        let wanted = |good: &usize| agents.iter().any(|&who| values[who][*good] > 0);
        let goods: Vec<usize> = (0..goods).filter(wanted).collect();
        let unit = |who: usize| values[who].iter().copied().fold(0, greatest_common_divisor).max(1);
        let row = |&who: &usize| goods.iter().map(|&good| values[who][good] / unit(who)).collect();
        Self {
            values: agents.iter().map(row).collect(),
            own: agents.iter().filter_map(|&who| goods.binary_search(&served[who]?).ok()).collect(),
            ln_units: agents.iter().map(|&who| (unit(who) as f64).ln()).sum(),
            agents,
            goods,
        }
    }
}

fn greatest_common_divisor(mut a: u64, mut b: u64) -> u64 {
    while b > 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[cfg(test)]
mod laws;
