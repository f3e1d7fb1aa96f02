//! Dynamic dominant resource fairness: agents arrive one by one, and nobody gives anything back.

use std::ops::{Add, Sub};

use super::capacities::{Capacities, Speed};
use crate::division::Fixed;
use crate::{Amount, Invalid, Subject};

/// A division among agents that arrive one by one, of a number that is known from the start.
///
/// When the k-th of n agents has arrived, k/n of every capacity may be given out. It goes to those with
/// the lowest dominant share, whose shares rise together; what was given is never taken back.
///
/// Guarantees at every arrival: nobody can be given more of the k/n without somebody getting less
/// (dynamic Pareto efficiency), everybody holds at least the tasks that 1/n of every capacity would
/// bring (sharing incentive), no false demand ever brings more tasks (strategy-proofness), and whom
/// somebody envies arrived before it and has got nothing since.
///
/// Does **not** guarantee envy-freeness: that excludes dynamic Pareto efficiency. It is proved for
/// agents of equal weight that need every resource, and takes no others. An agent that leaves does not
/// give its part to the others.
///
/// Exactness: as [the module](super) says; each of the n parts of a capacity is rounded down.
///
/// Cost: O(m) amortised for an arrival and O(log n) to read an agent's tasks.
///
/// Source: I. Kash, A. Procaccia and N. Shah, *No agent left behind: dynamic fair division of multiple
/// resources*, Journal of Artificial Intelligence Research 51, 2014.
///
/// ```
/// use mabeam_economics::Amount;
/// use mabeam_economics::division::drf::Arrivals;
///
/// let mut arrivals = Arrivals::new(&[12, 12].map(Amount::new), 3)?;
/// let tasks = |arrivals: &Arrivals| (0..3).map_while(|who| arrivals.tasks(who)?.to_f64().into()).collect();
/// arrivals.arrive(&[2, 1])?;
/// let first: Vec<f64> = tasks(&arrivals);
/// assert_eq!(first, [2.0]);
/// arrivals.arrive(&[1, 2])?;
/// let second: Vec<f64> = tasks(&arrivals);
/// assert!(second.iter().all(|tasks| (tasks - 8.0 / 3.0).abs() < 1e-15));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct Arrivals {
    capacities: Capacities,
    expected: u32,
    /// Everybody's speed, in the order of arrival.
    agents: Vec<Speed>,
    /// Those who stand on one level arrived one after the other, and later ones stand lower.
    terraces: Vec<Terrace>,
    /// What those above the lowest terrace use of each resource, in its steps times 2^-64.
    used: Vec<u128>,
}

/// Agents that stand on the same level.
#[derive(Clone, Debug)]
struct Terrace {
    /// The first of them.
    first: usize,
    level: Fixed,
    /// What they use of each resource per unit of level, in its steps.
    uses: Vec<u128>,
}

impl Arrivals {
    /// Nobody yet, of `expected` agents, for these capacities.
    ///
    /// Errors: no capacity or too many, or one that is too large.
    pub fn new(capacities: &[Amount], expected: u32) -> Result<Self, Invalid> {
        let capacities = Capacities::new(capacities)?;
        let used = vec![0; capacities.units().len()];
        Ok(Self { capacities, expected, agents: Vec::new(), terraces: Vec::new(), used })
    }

    /// The next agent arrives and demands this for a task; says its place in the order of arrival.
    ///
    /// Errors: a resource that it does not need, another number of demands than of resources, or one
    /// agent more than expected; then nobody has arrived.
    pub fn arrive(&mut self, demand: &[u64]) -> Result<usize, Invalid> {
        let agent = self.agents.len();
        let refuse = |field, value: usize, rule| {
            Err(Invalid::new(Subject::Agent(agent as u64), field, value, rule))
        };
        if agent as u64 >= u64::from(self.expected) {
            return refuse("place", agent, "must be below the number of agents expected");
        }
        if demand.len() != self.capacities.units().len() {
            return refuse("demands", demand.len(), "must be one for each resource");
        }
        if demand.contains(&0) {
            return refuse("demand", 0, "must be positive for every resource");
        }
        let speed = self.capacities.speed(demand, 1);
        let uses = demand.iter().enumerate();
        let uses = uses.map(|(at, &demand)| self.capacities.steps(at, speed.uses(demand), 0));
        let mut lowest = Terrace { first: agent, level: Fixed::ZERO, uses: uses.collect() };
        if let Some(above) = self.terraces.last() {
            change(&mut self.used, above, u128::add);
        }
        self.agents.push(speed);
        loop {
            lowest.level = self.level(&lowest.uses);
            let Some(above) = self.terraces.pop_if(|above| above.level <= lowest.level) else {
                self.terraces.push(lowest);
                return Ok(agent);
            };
            change(&mut self.used, &above, u128::sub);
            lowest.first = above.first;
            for (uses, above) in lowest.uses.iter_mut().zip(above.uses) {
                *uses += above;
            }
        }
    }

    /// How many tasks the agent in this place can run, rounded down to steps of 2^-64; `None` before it
    /// arrives.
    pub fn tasks(&self, agent: usize) -> Option<Fixed> {
        let speed = self.agents.get(agent)?;
        let after = self.terraces.partition_point(|terrace| terrace.first <= agent);
        let terrace = self.terraces.get(after.checked_sub(1)?)?;
        Some(self.capacities.tasks(*speed, terrace.level))
    }

    /// The level to which those who use this rise with what may be given out and is not used.
    fn level(&self, uses: &[u128]) -> Fixed {
        let arrived = self.agents.len() as u128;
        let resources = self.capacities.units().iter().zip(&self.used).zip(uses).enumerate();
        let levels = resources.filter_map(|(resource, ((&units, used), uses))| {
            let part = self.capacities.fine(resource, units) / u128::from(self.expected);
            (part * arrived - used).checked_div(*uses)
        });
        levels.min().map_or(Fixed::ZERO, Fixed::from_bits)
    }
}

/// Counts a terrace into what is used, or out of it.
fn change(used: &mut [u128], terrace: &Terrace, by: fn(u128, u128) -> u128) {
    for (used, uses) in used.iter_mut().zip(&terrace.uses) {
        *used = by(*used, terrace.level.bits() * uses);
    }
}
