//! Who needs what of which resources: the validated input of every division by dominant resources.

use super::capacities::{Capacities, Speed, check_resources, check_total, check_weight};
use crate::division::asset;
use crate::{Amount, Invalid, Subject};

/// What each agent needs of each resource for one task; any amounts, 0 for what it does not need.
///
/// ```
/// use mabeam_economics::division::drf::Demands;
///
/// let demands = Demands::new(2, vec![1, 4, 3, 1])?;
/// assert_eq!((demands.agents(), demands.of(1)), (2, Some(&[3, 1][..])));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demands {
    resources: usize,
    rows: Vec<u64>,
}

impl Demands {
    /// The demands in `rows`, agent by agent, `resources` units each.
    ///
    /// Errors: no resource, more than [`MAX_RESOURCES`](super::MAX_RESOURCES), a last row that is not
    /// complete, or more agents than [`MAX_TOTAL_WEIGHT`](super::MAX_TOTAL_WEIGHT).
    pub fn new(resources: usize, rows: Vec<u64>) -> Result<Self, Invalid> {
        check_resources(resources)?;
        let (agents, rest) = (rows.len() / resources, rows.len() % resources);
        check_total(agents as u64)?;
        if rest > 0 {
            let whose = Subject::Agent(agents as u64);
            return Err(Invalid::new(whose, "demands", rest, "must be one for each resource"));
        }
        Ok(Self { resources, rows })
    }

    /// How many resources there are.
    pub fn resources(&self) -> usize {
        self.resources
    }

    /// How many agents there are.
    pub fn agents(&self) -> usize {
        self.rows.len() / self.resources
    }

    /// What `agent` needs for a task.
    pub fn of(&self, agent: usize) -> Option<&[u64]> {
        self.rows().nth(agent)
    }

    /// The rows, to be used again.
    pub fn into_rows(self) -> Vec<u64> {
        self.rows
    }

    /// The rows as arrays, where there are `M` resources: loops over them need no count.
    pub(super) fn arrays<const M: usize>(&self) -> std::slice::Iter<'_, [u64; M]> {
        self.rows.as_chunks().0.iter()
    }

    /// Everybody's needs in order.
    pub(super) fn rows(&self) -> std::slice::ChunksExact<'_, u64> {
        self.rows.chunks_exact(self.resources)
    }
}

/// Capacities, the agents' demands, their weights and their limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    capacities: Capacities,
    demands: Demands,
    /// Empty while everybody has a weight of 1.
    weights: Vec<u32>,
    /// Empty while nobody has a limit.
    limits: Vec<u64>,
}

/// What of an agent's bundle the level raises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::division) enum Measure {
    /// Its largest share.
    Dominant,
    /// Its shares, added up.
    Asset,
}

impl Problem {
    /// Agents of equal weight, none of them with a limit.
    ///
    /// Errors: another number of capacities than of resources, or one above
    /// [`MAX_CAPACITY`](super::MAX_CAPACITY).
    pub fn new(capacities: &[Amount], demands: Demands) -> Result<Self, Invalid> {
        check_count("capacities", capacities.len(), demands.resources)?;
        let capacities = Capacities::new(capacities)?;
        Ok(Self { capacities, demands, weights: Vec::new(), limits: Vec::new() })
    }

    /// With these weights, agent by agent.
    ///
    /// Errors: another number of weights than of agents, one above [`MAX_WEIGHT`](super::MAX_WEIGHT),
    /// or more than [`MAX_TOTAL_WEIGHT`](super::MAX_TOTAL_WEIGHT) together.
    pub fn with_weights(mut self, weights: Vec<u32>) -> Result<Self, Invalid> {
        check_count("weights", weights.len(), self.demands.agents())?;
        for (agent, &weight) in (0..).zip(&weights) {
            check_weight(agent, weight)?;
        }
        check_total(weights.iter().copied().map(u64::from).sum())?;
        self.weights = weights;
        Ok(self)
    }

    /// With a limit on the number of tasks that each agent can use.
    ///
    /// Errors: another number of limits than of agents.
    pub fn with_limits(mut self, limits: Vec<u64>) -> Result<Self, Invalid> {
        check_count("limits", limits.len(), self.demands.agents())?;
        self.limits = limits;
        Ok(self)
    }

    /// Who needs what.
    pub fn demands(&self) -> &Demands {
        &self.demands
    }

    /// The demands, to be used again.
    pub fn into_demands(self) -> Demands {
        self.demands
    }

    pub(super) fn capacities(&self) -> &Capacities {
        &self.capacities
    }

    /// How fast an agent with this demand rises.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a fifth of a division's time among many agents")]
    pub(super) fn speed(&self, measure: Measure, agent: usize, demand: &[u64]) -> Speed {
        match measure {
            Measure::Dominant => self.capacities.speed(demand, self.weight(agent)),
            Measure::Asset => asset::speed(&self.capacities, demand, self.weight(agent)),
        }
    }

    /// How much an agent counts.
    #[inline]
    pub(super) fn weight(&self, agent: usize) -> u32 {
        self.weights.get(agent).copied().unwrap_or(1)
    }

    /// How many tasks an agent can use.
    #[inline]
    pub(super) fn limit(&self, agent: usize) -> Option<u64> {
        self.limits.get(agent).copied()
    }
}

fn check_count(field: &'static str, given: usize, expected: usize) -> Result<(), Invalid> {
    if given != expected {
        let rule = "must be as many as the demands have";
        return Err(Invalid::new(Subject::Problem, field, given, rule));
    }
    Ok(())
}
