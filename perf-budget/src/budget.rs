//! Budgets and waivers: promises of speed as data.
//!
//! Owns the rules that a promise must obey whatever file it came from. Leaves reading files to
//! feature `gate`, and leaves judging to [`gate::judge`](crate::gate) there.

use std::fmt;

use crate::{Metric, Quantity, Unit};

/// The longest load of a round, in nanoseconds: one hour.
pub const MAX_LOAD_NS: f64 = 3.6e12;
/// The highest offered rate, in operations a second.
pub const MAX_LOAD_PER_S: f64 = 1e12;

/// How a measured value must lie to a limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Limit {
    /// The value must not be greater.
    Max(Quantity),
    /// The value must not be smaller.
    Min(Quantity),
}

impl Limit {
    /// The limiting value.
    pub const fn quantity(self) -> Quantity {
        match self {
            Self::Max(quantity) | Self::Min(quantity) => quantity,
        }
    }

    /// Whether `value`, in the limit's base unit, keeps the limit.
    pub fn allows(self, value: f64) -> bool {
        match self {
            Self::Max(limit) => value <= limit.value(),
            Self::Min(limit) => value >= limit.value(),
        }
    }

    /// The share of the limit that `value` leaves unused; negative beyond the limit, `None` where
    /// the limit is zero and a share has no meaning.
    pub fn headroom(self, value: f64) -> Option<f64> {
        let limit = self.quantity().value();
        let room = match self {
            Self::Max(_) => limit - value,
            Self::Min(_) => value - limit,
        };
        (limit != 0.0).then(|| room / limit)
    }
}

/// When a budget is judged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// In every run.
    #[default]
    Quick,
    /// Only in full runs.
    Full,
}

/// The offered rate and duration under which percentiles and success rates are measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OfferedLoad {
    /// Operations a second.
    pub rate_per_s: f64,
    /// Length of the load in each round, in nanoseconds.
    pub duration_ns: f64,
}

/// One promise of speed.
#[derive(Clone, Debug, PartialEq)]
pub struct Budget {
    /// The operation's name, as its benchmark spells it.
    pub operation: String,
    /// What is limited.
    pub metric: Metric,
    /// The limit, in the metric's unit, or a ratio where [`relative_to`](Self::relative_to) is set.
    pub limit: Limit,
    /// The peer that is measured in the same run, if the promise is a ratio.
    pub relative_to: Option<String>,
    /// Who answers for the promise.
    pub owner: String,
    /// Why the limit is what it is.
    pub reason: String,
    /// When it is judged.
    pub tier: Tier,
    /// The fingerprint of the only machine on which an absolute limit holds; `None` for a portable
    /// promise.
    pub machine: Option<String>,
    /// Offered rate and duration; `None` leaves both to the benchmark.
    pub load: Option<OfferedLoad>,
}

/// A broken promise that is tolerated up to a ceiling and until a date.
#[derive(Clone, Debug, PartialEq)]
pub struct Waiver {
    /// The operation whose budgets are waived.
    pub operation: String,
    /// The metric.
    pub metric: Metric,
    /// The peer, where the waived promise is a ratio.
    pub relative_to: Option<String>,
    /// The limit that holds instead, in the budget's unit.
    pub ceiling: Quantity,
    /// Where the work on it is tracked.
    pub issue: String,
    /// The last day on which the waiver holds.
    pub expires: Date,
}

/// A day of the proleptic Gregorian calendar; ordered, and no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

/// Why a budget or a waiver makes no sense in itself.
#[derive(Clone, Debug, PartialEq)]
pub enum BudgetError {
    /// The limit is written in a unit that the metric does not have.
    Unit {
        /// The metric.
        metric: Metric,
        /// The unit that fits.
        expected: Unit,
        /// What was written.
        found: Quantity,
    },
    /// `relative_to` on a metric that can't be measured side by side.
    NotRelative(Metric),
    /// An operation relative to itself.
    RelativeToItself(String),
    /// A rate or duration on a metric that is not measured under load.
    LoadWithout(Metric),
    /// A rate or a duration that is zero.
    EmptyLoad,
    /// A load that goes on for longer than [`MAX_LOAD_NS`] or is more than [`MAX_LOAD_PER_S`].
    LongLoad,
    /// A machine fingerprint on a ratio, which must hold everywhere.
    MachineOnRatio,
}

impl Budget {
    /// Checks the rules that hold for every budget.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), BudgetError> {
        check_unit(self.metric, self.relative_to.as_deref(), self.limit.quantity())?;
        if let Some(peer) = &self.relative_to {
            if !self.metric.can_be_relative() {
                return Err(BudgetError::NotRelative(self.metric));
            }
            if *peer == self.operation {
                return Err(BudgetError::RelativeToItself(peer.clone()));
            }
            if self.machine.is_some() {
                return Err(BudgetError::MachineOnRatio);
            }
        }
        match self.load {
            Some(_) if !self.metric.needs_load() => Err(BudgetError::LoadWithout(self.metric)),
            Some(load) if load.rate_per_s <= 0.0 || load.duration_ns <= 0.0 => {
                Err(BudgetError::EmptyLoad)
            }
            Some(load) if load.rate_per_s > MAX_LOAD_PER_S || load.duration_ns > MAX_LOAD_NS => {
                Err(BudgetError::LongLoad)
            }
            _ => Ok(()),
        }
    }

    /// Whether `waiver` speaks of this budget.
    pub fn is_waived_by(&self, waiver: &Waiver) -> bool {
        self.operation == waiver.operation
            && self.metric == waiver.metric
            && self.relative_to == waiver.relative_to
    }
}

impl Waiver {
    /// Checks the rules that hold for every waiver.
    ///
    /// # Errors
    /// If the ceiling's unit is not the budget's.
    pub fn validate(&self) -> Result<(), BudgetError> {
        check_unit(self.metric, self.relative_to.as_deref(), self.ceiling)
    }

    /// Whether the waiver still holds on `today`.
    pub fn holds_on(&self, today: Date) -> bool {
        today <= self.expires
    }
}

fn check_unit(metric: Metric, peer: Option<&str>, found: Quantity) -> Result<(), BudgetError> {
    let expected = if peer.is_some() { Unit::Ratio } else { metric.unit() };
    // A bare `0` is zero of anything.
    let bare_zero = found.value() == 0.0 && found.unit() == Unit::Count;
    if found.unit() == expected || bare_zero {
        Ok(())
    } else {
        Err(BudgetError::Unit { metric, expected, found })
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Max(limit) => write!(f, "≤ {limit}"),
            Self::Min(limit) => write!(f, "≥ {limit}"),
        }
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Quick => "quick",
            Self::Full => "full",
        })
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

impl fmt::Display for BudgetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unit { metric, expected, found } => {
                write!(f, "{metric} is limited by {}, not by `{found}`", expected.described())
            }
            Self::NotRelative(metric) => write!(
                f,
                "{metric} can't be relative: only latency_mean and throughput are measured side by \
                 side in one run"
            ),
            Self::RelativeToItself(name) => write!(f, "`{name}` is relative to itself"),
            Self::LoadWithout(metric) => {
                write!(f, "{metric} is not measured under load: `rate` and `duration` do not apply")
            }
            Self::EmptyLoad => f.write_str("`rate` and `duration` must be greater than zero"),
            Self::LongLoad => f.write_str(
                "a load goes on for one hour at most in each round, at 10^12 operations a second at \
                 most",
            ),
            Self::MachineOnRatio => {
                f.write_str("a ratio holds on every machine: `machine` is for absolute limits only")
            }
        }
    }
}

impl std::error::Error for BudgetError {}
