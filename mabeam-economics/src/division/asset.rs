//! Asset fairness: everybody's shares of all resources, added up, are raised together. For contrast.
//!
//! Owns the measure; the filling and the rounding are those of dominant resource fairness.

use super::drf::{Capacities, Division, Measure, Problem, Speed};

/// Divides the capacities by weighted asset fairness; tasks may be split.
///
/// Everybody's shares of the resources, added up, rise together, in proportion to the weights; who
/// needs a resource that is used up stops. Shares are rounded down to 2^-48 of the dominant share.
///
/// Guarantees Pareto efficiency, envy-freeness and strategy-proofness. Does **not** give the sharing
/// incentive: somebody may get less than the same part of every resource would bring it, so it would
/// rather not share; and with one dominant resource it is not max-min fair. That is why
/// [`Problem::divide`] is the rule to use.
///
/// Cost: as [`Problem::divide`], and one division for each agent and resource.
///
/// Source: A. Ghodsi and others, *Dominant resource fairness*, NSDI 2011, section 5.1.
///
/// ```
/// use mabeam_economics::Amount;
/// use mabeam_economics::division::asset_fair;
/// use mabeam_economics::division::drf::{Demands, Problem};
///
/// // NSDI 2011, theorem 1: the second agent gets 12 tasks, and half of everything is worth 15.
/// let demands = Demands::new(2, vec![1, 3, 1, 1])?;
/// let problem = Problem::new(&[30, 30].map(Amount::new), demands)?;
/// assert_eq!(asset_fair(&problem).tasks(1).map(|tasks| tasks.to_f64().round()), Some(12.0));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn asset_fair(problem: &Problem) -> Division<'_> {
    Division::new(problem, Measure::Asset)
}

/// The speed of whoever's shares add up to the level times its weight.
pub(super) fn speed(capacities: &Capacities, demand: &[u64], weight: u32) -> Speed {
    // Alone it would have all of its dominant resource, and these shares of the others.
    let (alone, weighted) = (capacities.speed(demand, 1), capacities.speed(demand, weight));
    let shares = demand
        .iter()
        .zip(capacities.units())
        .filter_map(|(&demand, &capacity)| alone.uses(demand).checked_div(capacity.into()));
    let sum = shares.sum::<u128>() >> (capacities.bits() - SHARE);
    let (whole, rest) = match sum {
        0 => return Speed::default(),
        _ => (weighted.0 / sum, weighted.0 % sum),
    };
    Speed((whole << SHARE) + (rest << SHARE) / sum)
}

/// Bits of a share.
const SHARE: u32 = 48;
