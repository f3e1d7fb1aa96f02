//! Filling: everybody's level rises until a resource is used up, and those who need it stop.
//!
//! Owns the levels. Agents that need the same resources stop together, so it sees groups, one for each
//! set of needed resources, and never an agent; what a group uses is an integer sum, from which an
//! agent can be taken out again.

use super::capacities::{Capacities, Speed};
use crate::division::Fixed;

/// A set of resources, one bit each.
pub(super) type Needs = usize;

/// The resources of which `demand` is not 0.
#[inline]
pub(super) fn needs(demand: &[u64]) -> Needs {
    demand.iter().rev().fold(0, |needs, &demand| needs << 1 | Needs::from(demand > 0))
}

/// What the agents use per unit of level, by the set of resources that they need. Who has no speed
/// uses nothing and is not counted.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    resources: usize,
    /// For every set of needs the place of its group, from 1, or 0 before anybody had it.
    place: Vec<u32>,
    /// The groups' needs.
    needs: Vec<Needs>,
    /// The groups' sums, one for each resource, in 2^-f units.
    sums: Vec<u128>,
}

impl Groups {
    /// Nobody yet, who would need some of so many resources.
    pub(super) fn new(resources: usize) -> Self {
        Self { resources, place: vec![0; 1 << resources], needs: Vec::new(), sums: Vec::new() }
    }

    /// Counts an agent in.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a fifth of a division's time among many agents")]
    pub(super) fn add(&mut self, demand: &[u64], speed: Speed) {
        if speed.0 == 0 {
            return;
        }
        let group = self.group_or_new(needs(demand));
        for (sum, &demand) in
            self.sums[group * demand.len()..][..demand.len()].iter_mut().zip(demand)
        {
            *sum += speed.uses(demand);
        }
    }

    /// Takes an agent out that was counted with this demand and speed.
    pub(super) fn remove(&mut self, demand: &[u64], speed: Speed) {
        let Some(group) = self.group(needs(demand)).filter(|_| speed.0 > 0) else { return };
        for (sum, &demand) in self.sums[group * self.resources..].iter_mut().zip(demand) {
            *sum -= speed.uses(demand);
        }
    }

    /// The group of the agents with these needs.
    #[inline]
    pub(super) fn group(&self, needs: Needs) -> Option<usize> {
        self.place.get(needs)?.checked_sub(1).map(|group| group as usize)
    }

    #[inline]
    fn group_or_new(&mut self, needs: Needs) -> usize {
        if let Some(group) = self.group(needs) {
            return group;
        }
        self.needs.push(needs);
        self.sums.resize(self.needs.len() * self.resources, 0);
        self.place[needs] += u32::try_from(self.needs.len()).unwrap_or(0);
        self.needs.len() - 1
    }
}

/// A division that is under way.
pub(super) struct Filling<'a> {
    capacities: &'a Capacities,
    /// The agents that have not reached their limits.
    groups: Groups,
    /// What those who stopped leave of each resource, in its steps times 2^-64.
    left: Vec<u128>,
    /// What those who rise use of each resource per unit of level, in its steps.
    rising: Vec<u128>,
    /// How many agents of each group may still be taken out of it.
    limited: Vec<u64>,
    levels: Levels,
}

/// At which level each group stopped, and why.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    stopped: Vec<Option<Fixed>>,
    saturated: Needs,
}

impl Levels {
    /// The level at which `group` stopped.
    pub(super) fn of(&self, group: usize) -> Option<Fixed> {
        self.stopped.get(group).copied().flatten()
    }

    /// Whether `resource` stopped anybody.
    pub(super) fn saturates(&self, resource: usize) -> bool {
        let bits = u32::try_from(resource).ok().and_then(|it| self.saturated.checked_shr(it));
        bits.is_some_and(|bits| bits & 1 == 1)
    }
}

impl<'a> Filling<'a> {
    /// Everybody rises from 0; only those with the demands in `served` will be [served](Self::serve).
    pub(super) fn new<'b>(
        capacities: &'a Capacities,
        groups: Groups,
        served: impl IntoIterator<Item = &'b [u64]>,
    ) -> Self {
        let left = capacities.units().iter().enumerate();
        let left = left.map(|(resource, &units)| capacities.fine(resource, units)).collect();
        let stopped = vec![None; groups.needs.len()];
        let levels = Levels { stopped, saturated: 0 };
        let rising = vec![0; groups.resources];
        let mut limited = vec![0; groups.needs.len()];
        for group in served.into_iter().filter_map(|demand| groups.group(needs(demand))) {
            limited[group] += 1;
        }
        let mut filling = Self { capacities, groups, left, rising, limited, levels };
        for group in 0..filling.groups.needs.len() {
            for resource in 0..filling.groups.resources {
                filling.rising[resource] += filling.uses(group, resource);
            }
        }
        filling
    }

    /// Lets everybody rise until all have stopped who can.
    pub(super) fn finish(mut self) -> Levels {
        while let Some((level, resource)) = self.next() {
            self.stop(level, resource);
        }
        self.levels
    }

    /// Lets one agent rise, and all others with it, until it has what it asks for or is stopped. To
    /// be called in the order of the levels at which agents have what they ask for.
    pub(super) fn serve(&mut self, demand: &[u64], speed: Speed, tasks: u64, level: Fixed) {
        let Some(group) = self.groups.group(needs(demand)) else { return };
        while self.levels.of(group).is_none() && !self.reaches(level) {
            let Some((lower, resource)) = self.next() else { return };
            self.stop(lower, resource);
        }
        if self.levels.of(group).is_some() {
            return;
        }
        for resource in 0..demand.len() {
            self.rising[resource] -= self.uses(group, resource);
        }
        self.groups.remove(demand, speed);
        self.limited[group] -= 1;
        for (resource, &demand) in demand.iter().enumerate() {
            self.rising[resource] += self.uses(group, resource);
            // No more than what it used at `level`, for which there was room.
            self.left[resource] -= self.capacities.fine(resource, tasks * demand);
        }
    }

    /// What `group` uses of `resource` per unit of level, in its steps.
    fn uses(&self, group: usize, resource: usize) -> u128 {
        let sum = self.groups.sums[group * self.groups.resources + resource];
        self.capacities.steps(resource, sum, self.limited[group])
    }

    /// The next level at which a resource is used up, and the resource; the first of several.
    fn next(&self) -> Option<(Fixed, usize)> {
        let resources = self.left.iter().zip(&self.rising).enumerate();
        let levels = resources.filter_map(|(resource, (left, rising))| {
            Some((Fixed::from_bits(left.checked_div(*rising)?), resource))
        });
        levels.min()
    }

    /// Whether no resource is used up below `level`.
    fn reaches(&self, level: Fixed) -> bool {
        self.left.iter().zip(&self.rising).all(|(left, rising)| {
            rising.checked_mul(level.bits()).is_some_and(|needed| needed <= *left)
        })
    }

    /// Stops everybody who needs `resource`: it is saturated because it says so, whatever the rounding
    /// of the level leaves.
    fn stop(&mut self, level: Fixed, resource: usize) {
        let bit = 1 << resource;
        self.levels.saturated |= bit;
        for group in 0..self.groups.needs.len() {
            if self.groups.needs[group] & bit == 0 || self.levels.stopped[group].is_some() {
                continue;
            }
            self.levels.stopped[group] = Some(level);
            for resource in 0..self.groups.resources {
                let uses = self.uses(group, resource);
                self.left[resource] -= level.bits() * uses;
                self.rising[resource] -= uses;
            }
        }
    }
}
