//! Standing reports that change one by one, and the division that they come to at any moment.

use std::collections::HashMap;

use super::capacities::{Capacities, Speed, check_total, check_weight};
use super::filling::{Filling, Groups, Levels, needs};
use crate::division::Fixed;
use crate::{AgentId, Amount, Invalid, Subject};

/// Dominant resource fairness among agents that come, go and change their demands.
///
/// Holds for every set of needed resources an integer sum of what its agents use per unit of level. A
/// report takes the agent's old part out and puts the new one in, so what the sums are depends on the
/// standing reports and not on the order in which they came; the division is, bit for bit, that of
/// [`Problem::divide`](super::Problem::divide) of the same reports. Guarantees: see
/// [the module](super).
///
/// Cost: O(m) for a report, O(2^m m) at most for the levels, O(m) to read an agent's tasks, for m
/// resources; none of them depends on the number of agents.
///
/// ```
/// use mabeam_economics::division::drf::Incremental;
/// use mabeam_economics::{AgentId, Amount};
///
/// let mut pool = Incremental::new(&[9, 18].map(Amount::new))?;
/// pool.report(AgentId(1), 1, &[1, 4])?;
/// pool.report(AgentId(2), 1, &[3, 1])?;
/// assert_eq!(pool.divide().tasks(AgentId(1)).map(|tasks| tasks.to_f64().round()), Some(3.0));
/// pool.retract(AgentId(2));
/// assert_eq!(pool.divide().tasks(AgentId(1)).map(|tasks| tasks.to_f64()), Some(4.5));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct Incremental {
    capacities: Capacities,
    groups: Groups,
    /// Where each agent's report stands.
    place: HashMap<AgentId, usize>,
    weights: Vec<u32>,
    /// The reported demands, one row for each place.
    rows: Vec<u64>,
    /// Places whose agents have left.
    free: Vec<usize>,
    /// The weights of those who are there, added up.
    weight: u64,
}

/// The division of the reports that stood when it was taken, and still stand.
#[derive(Clone, Debug)]
pub struct Snapshot<'a> {
    pool: &'a Incremental,
    levels: Levels,
}

impl Incremental {
    /// Nobody yet, for these capacities.
    ///
    /// Errors: no capacity or too many, or one that is too large.
    pub fn new(capacities: &[Amount]) -> Result<Self, Invalid> {
        let capacities = Capacities::new(capacities)?;
        Ok(Self {
            groups: Groups::new(capacities.units().len()),
            capacities,
            place: HashMap::new(),
            weights: Vec::new(),
            rows: Vec::new(),
            free: Vec::new(),
            weight: 0,
        })
    }

    /// Puts `agent`'s demand for one task in the place of what it reported before.
    ///
    /// Errors: a weight that is too large, alone or with the others', or another number of demands than
    /// of resources; then its earlier report stands.
    pub fn report(&mut self, agent: AgentId, weight: u32, demand: &[u64]) -> Result<(), Invalid> {
        check_weight(agent.0, weight)?;
        if demand.len() != self.capacities.units().len() {
            let whose = Subject::Agent(agent.0);
            let rule = "must be one for each resource";
            return Err(Invalid::new(whose, "demands", demand.len(), rule));
        }
        let before = self.place.get(&agent).map_or(0, |&place| self.weights[place]);
        let total = self.weight - u64::from(before) + u64::from(weight);
        check_total(total.max(self.place.len() as u64 + 1))?;
        self.retract(agent);
        let width = demand.len();
        let place = self.free.pop().unwrap_or_else(|| {
            self.weights.push(0);
            self.rows.resize(self.rows.len() + width, 0);
            self.weights.len() - 1
        });
        self.rows[place * width..][..width].copy_from_slice(demand);
        self.weights[place] = weight;
        self.weight = total;
        self.place.insert(agent, place);
        self.groups.add(demand, self.speed(place));
        Ok(())
    }

    /// Takes `agent`'s report back; says whether there was one.
    pub fn retract(&mut self, agent: AgentId) -> bool {
        let Some(place) = self.place.remove(&agent) else { return false };
        let speed = self.speed(place);
        let width = self.capacities.units().len();
        self.groups.remove(&self.rows[place * width..][..width], speed);
        self.weight -= u64::from(self.weights[place]);
        self.free.push(place);
        true
    }

    /// How many reports stand.
    pub fn agents(&self) -> usize {
        self.place.len()
    }

    /// Divides the capacities among the standing reports.
    pub fn divide(&self) -> Snapshot<'_> {
        Snapshot {
            pool: self,
            levels: Filling::new(&self.capacities, self.groups.clone(), []).finish(),
        }
    }

    fn demand(&self, place: usize) -> &[u64] {
        &self.rows[place * self.capacities.units().len()..][..self.capacities.units().len()]
    }

    fn speed(&self, place: usize) -> Speed {
        self.capacities.speed(self.demand(place), self.weights[place])
    }
}

impl Snapshot<'_> {
    /// How many tasks `agent` can run, rounded down to steps of 2^-64; `None` if it reported nothing.
    pub fn tasks(&self, agent: AgentId) -> Option<Fixed> {
        let place = *self.pool.place.get(&agent)?;
        let group = self.pool.groups.group(needs(self.pool.demand(place)));
        let level = group.and_then(|group| self.levels.of(group)).unwrap_or(Fixed::ZERO);
        Some(self.pool.capacities.tasks(self.pool.speed(place), level))
    }

    /// Whether `resource` is used up and stopped somebody.
    pub fn is_saturated(&self, resource: usize) -> bool {
        self.levels.saturates(resource)
    }
}
