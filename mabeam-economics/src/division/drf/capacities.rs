//! Validated capacities, and the arithmetic in which their division is exact.
//!
//! Owns every rounding of this module's numbers:
//!
//! * an agent's [`Speed`], the tasks that it gains per unit of level, is rounded down to steps of
//!   2^-f, where f is 96 less the bits of the largest capacity, so at least 48;
//! * what agents use per unit of level is the exact sum of speeds times demands, in 2^-f units; with
//!   capacities below 2^48 and weights that add up to less than 2^32 it stays below 2^128;
//! * to be compared with a capacity, a sum is rounded up to steps of 2^-k units, of which the capacity
//!   has at least 2^63 (or 2^-f, if that is coarser). Where agents can be taken out of a sum, because
//!   they have limits, one step is added for each: so what one leaves is never less than it used.

use crate::division::Fixed;
use crate::{Amount, Invalid, Subject};

/// The most resources.
pub const MAX_RESOURCES: usize = 16;
/// The largest capacity: 2^48 - 1 units.
pub const MAX_CAPACITY: Amount = Amount::new((1 << 48) - 1);
/// The largest weight.
pub const MAX_WEIGHT: u32 = 65_535;
/// The largest sum of weights, and number of agents.
pub const MAX_TOTAL_WEIGHT: u64 = (1 << 32) - 1;

/// How much there is of each resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::division) struct Capacities {
    units: Vec<u64>,
    bits: u32,
}

/// Tasks per unit of level, in steps of 2^-f.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::division) struct Speed(pub(in crate::division) u128);

impl Speed {
    /// What is used per unit of level of a resource of which a task needs `demand`, in 2^-f units.
    #[inline]
    pub(in crate::division) fn uses(self, demand: u64) -> u128 {
        self.0 * u128::from(demand)
    }
}

impl Capacities {
    /// Errors: no capacity, more than [`MAX_RESOURCES`], or one above [`MAX_CAPACITY`].
    pub(super) fn new(capacities: &[Amount]) -> Result<Self, Invalid> {
        check_resources(capacities.len())?;
        for (resource, &capacity) in (0..).zip(capacities) {
            if capacity > MAX_CAPACITY {
                let whose = Subject::Resource(resource);
                return Err(Invalid::new(whose, "capacity", capacity, "must be below 2^48"));
            }
        }
        let units: Vec<u64> = capacities.iter().map(|capacity| capacity.units()).collect();
        let bits = 32 + units.iter().fold(0, |all, units| all | units).leading_zeros();
        Ok(Self { units, bits })
    }

    /// The units of each resource.
    #[inline]
    pub(in crate::division) fn units(&self) -> &[u64] {
        &self.units
    }

    /// f: the bits after the point of a speed and of a sum of uses.
    #[inline]
    pub(in crate::division) fn bits(&self) -> u32 {
        self.bits
    }

    /// The demand that takes the largest share of its capacity, and that capacity; 0 of 1 for a demand
    /// of nothing. Shares are compared as fractions; of equal ones the first stands.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a fifth of a division's time among many agents")]
    pub(in crate::division) fn dominant(&self, demand: &[u64]) -> (u64, u64) {
        let (mut most, mut of) = (0, 1);
        for (&demand, &capacity) in demand.iter().zip(&self.units[..demand.len()]) {
            // Below 2^112 each: the sign tells which is larger. As a mask, because which resource
            // is dominant is the one branch that no processor can predict.
            let lead = (u128::from(most) * u128::from(capacity))
                .wrapping_sub(u128::from(demand) * u128::from(of));
            let larger = ((lead >> 127) as u64).wrapping_neg();
            most ^= (most ^ demand) & larger;
            of ^= (of ^ capacity) & larger;
        }
        (most, of)
    }

    /// The speed of whoever's largest share is the level times its weight; 0 for whoever needs nothing.
    #[inline(always)]
    #[expect(clippy::inline_always, reason = "a fifth of a division's time among many agents")]
    pub(in crate::division) fn speed(&self, demand: &[u64], weight: u32) -> Speed {
        let (most, of) = self.dominant(demand);
        let whole = u128::from(of * u64::from(weight)) << self.bits;
        Speed(whole.checked_div(most.into()).unwrap_or(0))
    }

    /// The tasks of `speed` at a level to which it rose, rounded down: the capacities bound them, so
    /// that nothing overflows.
    #[inline]
    pub(super) fn tasks(&self, speed: Speed, level: Fixed) -> Fixed {
        let (high, low) = (speed.0 >> 32, speed.0 & u128::from(u32::MAX));
        let tasks = level.bits() * high + ((level.bits() * low) >> 32);
        Fixed::from_bits(tasks >> (self.bits - 32))
    }

    /// A level at which `speed` has `tasks` tasks, to 62 bits the lowest; `None` if no capacity would do.
    pub(super) fn level_of(&self, speed: Speed, tasks: u64) -> Option<Fixed> {
        let tasks = u128::from(tasks).checked_mul(1 << self.bits)?;
        let (whole, rest) = (tasks.checked_div(speed.0)?, tasks % speed.0);
        // Cut to 64 bits, the rest rounded up and the speed down.
        let cut = 64_u32.saturating_sub(speed.0.leading_zeros());
        let (rest, speed) = (rest.div_ceil(1 << cut), speed.0 >> cut);
        let part = if rest < speed { (rest << 64).div_ceil(speed) } else { 1 << 64 };
        (whole < 1 << 6).then(|| Fixed::from_bits((whole << 64) + part))
    }

    /// `units` of a resource, which are no more than there are, in its steps times 2^-64.
    pub(super) fn fine(&self, resource: usize, units: u64) -> u128 {
        u128::from(units) << (64 + self.step_bits(resource))
    }

    /// What is used per unit of level, of which `sum` is the exact sum in 2^-f units, in the resource's
    /// steps, rounded up; `more` steps are added to what is used at all.
    pub(super) fn steps(&self, resource: usize, sum: u128, more: u64) -> u128 {
        let cut = self.bits - self.step_bits(resource);
        match sum {
            0 => 0,
            _ => sum.div_ceil(1 << cut) + u128::from(more),
        }
    }

    /// k: the bits after the point of a step.
    fn step_bits(&self, resource: usize) -> u32 {
        self.units.get(resource).map_or(0, |units| units.leading_zeros().min(63).min(self.bits))
    }
}

/// Errors: not 1 to [`MAX_RESOURCES`].
pub(super) fn check_resources(resources: usize) -> Result<(), Invalid> {
    if !(1..=MAX_RESOURCES).contains(&resources) {
        return Err(Invalid::new(Subject::Problem, "resources", resources, "must be 1 to 16"));
    }
    Ok(())
}

/// Errors: above [`MAX_WEIGHT`].
pub(super) fn check_weight(agent: u64, weight: u32) -> Result<(), Invalid> {
    if weight > MAX_WEIGHT {
        return Err(Invalid::new(Subject::Agent(agent), "weight", weight, "must be below 2^16"));
    }
    Ok(())
}

/// Errors: above [`MAX_TOTAL_WEIGHT`].
pub(super) fn check_total(weights: u64) -> Result<(), Invalid> {
    if weights > MAX_TOTAL_WEIGHT {
        let rule = "must add up to less than 2^32";
        return Err(Invalid::new(Subject::Problem, "weights", weights, rule));
    }
    Ok(())
}
