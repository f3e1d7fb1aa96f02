//! Proportional fairness, and alpha-fairness, where everybody needs several resources at once.
//!
//! Owns the division of divisible tasks that maximises the sum of `weight * ln(tasks)`, or for another
//! alpha of `weight * tasks^(1 - alpha) / (1 - alpha)`: near 0 close to the largest total, 1
//! proportional fairness, with alpha close to max-min fairness of the tasks.
//!
//! With alpha 1 this is also the competitive equilibrium where the weights are incomes (with equal
//! weights: from equal incomes), of agents who need the resources in fixed proportions: at the
//! [`prices`](Division::prices) everybody spends exactly its income, and what is not used up costs
//! nothing.
//!
//! **Holds** with alpha 1: nobody can be given more without somebody getting less; nobody prefers
//! another's bundle, scaled by the weights; everybody gets at least what its part of the weights
//! would get of every resource; no feasible division changes the tasks by a sum of weighted
//! proportions above zero (Kelly). **Does not hold**: the truth need not pay, and when an agent leaves
//! another may lose. For other alphas only efficiency is promised.
//!
//! **Tolerance**: floats, and a certificate. [`excess`](Division::excess) bounds from above how far the
//! division is from the best; it is below [`TOLERANCE`] on ordinary data.
//!
//! Leaves whole units and exactness to [`drf`](super::drf), and linear preferences to
//! [`ceei`](super::ceei).

mod newton;

use super::elimination::{certified, dot};
use crate::{Amount, Invalid, Subject};

/// What [`Division::excess`] stays below where capacities, demands and weights span up to twelve
/// orders of magnitude.
pub const TOLERANCE: f64 = 1e-9;

/// What one agent needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its part of the whole, beside the others' weights. Who has no weight gets nothing.
    pub weight: u64,
    /// What a task takes of each resource. Who needs nothing gets nothing, and so does who needs a
    /// resource of which there is none.
    pub per_task: Vec<Amount>,
}

/// A division of divisible tasks, and the proof of how good it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// How many tasks each agent can run. They fit, but for rounding in the last digits.
    pub tasks: Vec<f64>,
    /// What a unit of each resource costs: what a task of the agent costs is its marginal welfare,
    /// `weight / tasks^alpha`. So with alpha 1 everybody spends its weight.
    pub prices: Vec<f64>,
    /// No feasible division raises the sum of `weight * tasks^(1 - alpha) * change`, where `change` is
    /// the relative change of the agent's tasks, by more than this part of
    /// `sum of weight * tasks^(1 - alpha)`. So, with alpha 1, none has a sum of `weight * ln(tasks)`
    /// that is larger by more than this part of the total weight. Zero is the exact optimum.
    pub excess: f64,
}

/// Proportional fairness: [`alpha_fair`] with alpha 1.
///
/// # Errors
///
/// An agent whose demands are not one for each resource.
///
/// Source: F. P. Kelly, A. K. Maulloo and D. K. H. Tan, *Rate control for communication networks*,
/// Journal of the Operational Research Society 49 (1998); the equilibrium: E. Eisenberg and D. Gale,
/// *Consensus of subjective probabilities*, 1959.
///
/// ```
/// use mabeam_economics::Amount;
/// use mabeam_economics::division::proportional::{Claim, TOLERANCE, proportional_fair};
///
/// // 9 CPUs and 18 GB; tasks of <1 CPU, 4 GB> and of <3 CPUs, 1 GB>.
/// let claim = |per_task: [u64; 2]| Claim {
///     weight: 1,
///     per_task: per_task.map(Amount::new).to_vec(),
/// };
/// let division = proportional_fair(&[9, 18].map(Amount::new), &[claim([1, 4]), claim([3, 1])])?;
/// assert!((division.tasks[0] - 45.0 / 11.0).abs() < 1e-9);
/// assert!((division.tasks[1] - 18.0 / 11.0).abs() < 1e-9);
/// assert!(division.excess < TOLERANCE);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn proportional_fair(capacities: &[Amount], claims: &[Claim]) -> Result<Division, Invalid> {
    alpha_fair(capacities, claims, 1.0)
}

/// The division that is fair by `alpha`, from 1/8 to 8.
///
/// Cost: O(n m^2 + m^3) a step for n agents and m resources, some dozens of steps.
///
/// # Errors
///
/// An agent whose demands are not one for each resource, or an alpha out of range.
///
/// Source: J. Mo and J. Walrand, *Fair end-to-end window-based congestion control*, IEEE/ACM
/// Transactions on Networking 8 (2000). Solved by Newton's method on the prices, with a barrier.
pub fn alpha_fair(
    capacities: &[Amount],
    claims: &[Claim],
    alpha: f64,
) -> Result<Division, Invalid> {
    if !(0.125..=8.0).contains(&alpha) {
        return Err(Invalid::new(Subject::Problem, "alpha", alpha, "must be from 1/8 to 8"));
    }
    for (who, claim) in (0..).zip(claims) {
        if claim.per_task.len() != capacities.len() {
            let (count, rule) = (claim.per_task.len(), "must be one for each resource");
            return Err(Invalid::new(Subject::Agent(who), "number of demands", count, rule));
        }
    }
    let scaled = Scaled::of(capacities, claims, alpha);
    let prices = newton::prices(&scaled.rows, &scaled.weights, alpha);
    Ok(scaled.division(capacities, claims.len(), &prices, alpha))
}

/// The problem with capacities and dominant demands of one, of those who can have anything.
struct Scaled {
    who: Vec<usize>,
    /// What the agents need of each resource, as parts of it, where a task needs all of one.
    rows: newton::Rows,
    /// What part of a resource an unscaled task needs.
    dominant: Vec<f64>,
    weights: Vec<f64>,
    /// By what all weights are multiplied.
    unit: f64,
}

impl Scaled {
    fn of(capacities: &[Amount], claims: &[Claim], alpha: f64) -> Self {
        let mut scaled = Self {
            who: vec![],
            rows: newton::Rows::new(capacities.len()),
            dominant: vec![],
            weights: vec![],
            unit: 1.0,
        };
        for (who, claim) in claims.iter().enumerate() {
            let part = |(need, all): (&Amount, &Amount)| match need.units() {
                0 => 0.0,
                need => need as f64 / all.units() as f64,
            };
            let mut row: Vec<f64> = claim.per_task.iter().zip(capacities).map(part).collect();
            let dominant = row.iter().copied().fold(0.0, f64::max);
            if claim.weight > 0 && dominant > 0.0 && dominant.is_finite() {
                for part in &mut row {
                    *part /= dominant;
                }
                scaled.who.push(who);
                scaled.rows.push(&row);
                scaled.dominant.push(dominant);
                scaled.weights.push(claim.weight as f64 * dominant.powf(alpha - 1.0));
            }
        }
        scaled.unit_weights(capacities.len(), alpha);
        scaled
    }

    /// Makes the use of the scarcest resource at prices of one exactly one.
    fn unit_weights(&mut self, resources: usize, alpha: f64) {
        let largest = self.weights.iter().copied().fold(0.0, f64::max).max(f64::MIN_POSITIVE);
        self.weights.iter_mut().for_each(|weight| *weight /= largest);
        let ones = vec![1.0; resources];
        let tasks = newton::tasks(&self.rows, &self.weights, alpha, &ones);
        let scarcest = newton::used(&self.rows, &tasks).into_iter().fold(0.0, f64::max);
        let by = if scarcest > 0.0 { scarcest.powf(-alpha) } else { 1.0 };
        self.weights.iter_mut().for_each(|weight| *weight *= by);
        self.unit = by / largest;
    }

    fn division(
        &self,
        capacities: &[Amount],
        agents: usize,
        prices: &[f64],
        alpha: f64,
    ) -> Division {
        let mut tasks = newton::tasks(&self.rows, &self.weights, alpha, prices);
        let used = newton::used(&self.rows, &tasks);
        let fit = used.into_iter().fold(1.0, f64::max);
        for tasks in &mut tasks {
            *tasks /= fit;
        }

        // Of a change z: sum w x^-a z <= max(w x^-a / cost) * sum of cost z, which is at most the
        // prices' sum.
        let (mut steepest, mut welfare) = (0.0_f64, 0.0);
        for ((row, &weight), &tasks) in self.rows.each().zip(&self.weights).zip(&tasks) {
            let margin = weight * tasks.powf(-alpha);
            let ratio = margin / dot(row, prices);
            steepest = if ratio.is_nan() { f64::INFINITY } else { steepest.max(ratio) };
            welfare += margin * tasks;
        }
        let revenue: f64 = prices.iter().sum();
        let excess =
            if self.who.is_empty() { 0.0 } else { certified(steepest * revenue / welfare - 1.0) };

        let mut all = vec![0.0; agents];
        for ((&who, scaled), dominant) in self.who.iter().zip(tasks).zip(&self.dominant) {
            if let Some(place) = all.get_mut(who) {
                *place = scaled / dominant;
            }
        }
        let unscale = |(price, capacity): (&f64, &Amount)| match capacity.units() {
            0 => 0.0,
            units => price / (self.unit * units as f64),
        };
        let prices = prices.iter().zip(capacities).map(unscale).collect();
        Division { tasks: all, prices, excess }
    }
}

#[cfg(test)]
mod laws;
