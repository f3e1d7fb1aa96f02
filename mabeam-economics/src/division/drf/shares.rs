//! What everybody gets of a division at one level: read agent by agent, or handed out in whole units.

use super::capacities::Speed;
use super::filling::{Filling, Groups, Levels, needs};
use super::problem::{Measure, Problem};
use crate::Amount;
use crate::division::Fixed;
use crate::division::rounding::hand_out;

impl Problem {
    /// Divides the capacities by weighted dominant resource fairness; tasks may be split.
    ///
    /// Guarantees, exactness and sources: see [the module](super). With limits, an agent that reached
    /// its own stops and leaves the rest to the others.
    ///
    /// Cost: O(n m) for n agents and m resources, then O(g m) for each of at most m levels, where g of
    /// the 2^m sets of needed resources occur; with limits O(n (m + log n)).
    pub fn divide(&self) -> Division<'_> {
        Division::new(self, Measure::Dominant)
    }
}

/// A division of a problem's capacities. Everybody's tasks are computed when they are asked for.
#[derive(Clone, Debug)]
pub struct Division<'a> {
    problem: &'a Problem,
    measure: Measure,
    groups: Groups,
    levels: Levels,
}

/// A division in whole units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WholeUnits {
    /// What each agent gets of each resource: agent by agent, as the demands.
    pub units: Vec<u64>,
    /// What nobody gets of each resource.
    pub left: Vec<Amount>,
}

impl<'a> Division<'a> {
    /// Raises everybody's `measure` of what it holds.
    pub(in crate::division) fn new(problem: &'a Problem, measure: Measure) -> Self {
        let demands = problem.demands();
        let groups = match demands.resources() {
            2 => gather(problem, measure, demands.arrays::<2>()),
            3 => gather(problem, measure, demands.arrays::<3>()),
            4 => gather(problem, measure, demands.arrays::<4>()),
            _ => gather(problem, measure, demands.rows()),
        };
        let limited = limited(problem, measure);
        let demands = limited.iter().map(|it| it.demand);
        let mut filling = Filling::new(problem.capacities(), groups.clone(), demands);
        for Limited { level, demand, speed, tasks, .. } in limited {
            filling.serve(demand, speed, tasks, level);
        }
        let levels = filling.finish();
        Self { problem, measure, groups, levels }
    }

    /// How many tasks `agent` can run, rounded down to steps of 2^-64; `None` for nobody. It gets this
    /// many times its demand of every resource.
    pub fn tasks(&self, agent: usize) -> Option<Fixed> {
        Some(self.tasks_of(agent, self.problem.demands().of(agent)?))
    }

    #[inline]
    fn tasks_of(&self, agent: usize, demand: &[u64]) -> Fixed {
        let (problem, capacities) = (self.problem, self.problem.capacities());
        let speed = problem.speed(self.measure, agent, demand);
        if speed.0 == 0 {
            return Fixed::ZERO;
        }
        let stopped = self.groups.group(needs(demand)).and_then(|group| self.levels.of(group));
        if let Some(limit) = problem.limit(agent) {
            let served = capacities.level_of(speed, limit);
            if served.is_some_and(|served| stopped.is_none_or(|stopped| served <= stopped)) {
                return Fixed::whole(limit);
            }
        }
        stopped.map_or(Fixed::ZERO, |level| capacities.tasks(speed, level))
    }

    /// The largest share that `agent` holds of any resource, rounded down; `None` for nobody.
    pub fn dominant_share(&self, agent: usize) -> Option<Fixed> {
        let (tasks, demand) = (self.tasks(agent)?, self.problem.demands().of(agent)?);
        let shares = demand.iter().zip(self.problem.capacities().units());
        let shares = shares.filter_map(|(&demand, &of)| uses(tasks, demand).checked_div(of.into()));
        shares.max().map(Fixed::from_bits)
    }

    /// Whether `resource` is used up and stopped somebody.
    pub fn is_saturated(&self, resource: usize) -> bool {
        self.levels.saturates(resource)
    }

    /// The division in whole units of each resource.
    ///
    /// Everybody gets its exact amount rounded down. The units that this leaves of a saturated
    /// resource, and of another as many as the fractions that were cut off add up to, to the nearest
    /// unit, go one each to the largest fractions (of 32 bits), ties to the lowest agent. So nobody
    /// is more than a unit of a resource away from its exact amount; the laws hold up to that unit.
    ///
    /// Cost: O(n m) for n agents and m resources, and n m words.
    pub fn whole_units(&self) -> WholeUnits {
        let (demands, capacities) = (self.problem.demands(), self.problem.capacities().units());
        let mut units = Vec::with_capacity(demands.agents() * capacities.len());
        let mut cut = vec![Vec::with_capacity(demands.agents()); capacities.len()];
        let mut left = capacities.to_vec();
        for (agent, demand) in demands.rows().enumerate() {
            let tasks = self.tasks_of(agent, demand);
            for ((&demand, cut), left) in demand.iter().zip(&mut cut).zip(&mut left) {
                let exact = Fixed::from_bits(uses(tasks, demand));
                units.push(exact.floor());
                cut.push(high(exact.fraction()));
                *left -= exact.floor();
            }
        }
        for (resource, (left, cut)) in left.iter_mut().zip(&cut).enumerate() {
            let whole = if self.is_saturated(resource) { *left } else { nearest(cut) };
            let column = units.iter_mut().skip(resource).step_by(capacities.len());
            *left -= whole - hand_out(whole, cut, column);
        }
        let left = left.into_iter().map(Amount::new).collect();
        WholeUnits { units, left }
    }
}

/// What `tasks` use of a resource, in steps of 2^-64 units. It fits, as they use no more than there is.
#[inline]
fn uses(tasks: Fixed, demand: u64) -> u128 {
    tasks.bits() * u128::from(demand)
}

/// The first 32 bits of a fraction: enough to compare remainders, in half the memory.
fn high(fraction: u64) -> u32 {
    (fraction >> 32) as u32
}

/// The sum of fractions, rounded to the nearest whole number.
fn nearest(fractions: &[u32]) -> u64 {
    let sum: u64 = fractions.iter().copied().map(u64::from).sum();
    (sum + (1 << 31)) >> 32
}

/// What all agents use per unit of level.
fn gather<R: AsRef<[u64]>>(
    problem: &Problem,
    measure: Measure,
    rows: impl Iterator<Item = R>,
) -> Groups {
    let mut groups = Groups::new(problem.demands().resources());
    for (agent, demand) in rows.enumerate() {
        let demand = demand.as_ref();
        groups.add(demand, problem.speed(measure, agent, demand));
    }
    groups
}

/// An agent that may reach its limit.
struct Limited<'a> {
    /// Where it would.
    level: Fixed,
    agent: usize,
    demand: &'a [u64],
    speed: Speed,
    tasks: u64,
}

/// Those who may reach their limits, in the order of the levels.
fn limited(problem: &Problem, measure: Measure) -> Vec<Limited<'_>> {
    let limited = |(agent, demand)| {
        let (tasks, speed) = (problem.limit(agent)?, problem.speed(measure, agent, demand));
        let level = problem.capacities().level_of(speed, tasks)?;
        Some(Limited { level, agent, demand, speed, tasks })
    };
    let mut limited: Vec<_> = problem.demands().rows().enumerate().filter_map(limited).collect();
    limited.sort_unstable_by_key(|it| (it.level, it.agent));
    limited
}
