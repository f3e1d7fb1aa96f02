//! From the table of one entry to a [`Budget`] or a [`Waiver`], or as much of it as could be read.

use std::ops::Range;

use super::fields::{Entry, Noted, Placed, nearest};
use super::problem::Problems;
use crate::{Budget, BudgetError, Date, Limit, Metric, OfferedLoad, Quantity, Tier, Unit, Waiver};

/// The keys of a `[[budget]]`.
pub(super) const BUDGET_KEYS: [&str; 11] = [
    "operation",
    "metric",
    "max",
    "min",
    "owner",
    "reason",
    "tier",
    "relative_to",
    "machine",
    "rate",
    "duration",
];

/// The keys of a `[[waiver]]`.
pub(super) const WAIVER_KEYS: [&str; 6] =
    ["operation", "metric", "ceiling", "issue", "expires", "relative_to"];

/// Stands where a waiver's date is missing, until the waiver is dropped for it.
const NO_DATE: Date = Date { year: 0, month: 1, day: 1 };

/// An entry that may be wrong in part: rules about several entries still apply to the rest.
pub(super) struct Draft<T> {
    /// The entry, if nothing is wrong with it.
    pub(super) whole: Option<T>,
    pub(super) subject: Subject,
    /// The bytes of its header.
    pub(super) header: Range<usize>,
    /// A waiver's ceiling, for blame.
    pub(super) ceiling: Option<Range<usize>>,
}

/// What an entry speaks of, as far as it could be read.
pub(super) struct Subject {
    pub(super) operation: Option<String>,
    pub(super) metric: Option<Metric>,
    pub(super) relative_to: Result<Option<String>, Noted>,
}

impl Subject {
    fn read(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Self {
        Self {
            operation: entry.required("operation", problems),
            metric: metric(entry, problems),
            relative_to: entry.optional("relative_to", problems),
        }
    }

    /// Whether both may speak of the same promise, as far as they could be read.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        fn agree<T: PartialEq>(left: Option<&T>, right: Option<&T>) -> bool {
            left.zip(right).is_none_or(|(left, right)| left == right)
        }
        agree(self.operation.as_ref(), other.operation.as_ref())
            && agree(self.metric.as_ref(), other.metric.as_ref())
            && agree(self.relative_to.as_ref().ok(), other.relative_to.as_ref().ok())
    }
}

/// Reads a budget.
pub(super) fn budget(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Draft<Budget> {
    let subject = Subject::read(entry, problems);
    let limit = limit(entry, problems);
    let owner = entry.required("owner", problems);
    let reason = entry.required("reason", problems);
    let machine = entry.optional("machine", problems);
    let tier = tier(entry, problems);
    let load = load(entry, problems);
    let complete = subject.operation.is_some()
        && subject.relative_to.is_ok()
        && owner.is_some()
        && reason.is_some()
        && machine.is_ok()
        && tier.is_some()
        && load.is_ok();

    // The rules of a budget are about what it limits: they apply before it is complete.
    let sound = subject.metric.zip(limit).and_then(|(metric, limit)| {
        let budget = Budget {
            operation: subject.operation.clone().unwrap_or_default(),
            metric,
            limit,
            relative_to: subject.relative_to.clone().unwrap_or_default(),
            owner: owner.unwrap_or_default(),
            reason: reason.unwrap_or_default(),
            tier: tier.unwrap_or_default(),
            machine: machine.unwrap_or_default(),
            load: load.unwrap_or_default(),
        };
        let broken = budget.validate().err();
        if let Some(error) = &broken {
            problems.add(blamed(entry, error), error);
        }
        broken.is_none().then_some(budget)
    });
    let header = entry.header.clone();
    Draft { whole: sound.filter(|_| complete), subject, header, ceiling: None }
}

/// Reads a waiver.
pub(super) fn waiver(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Draft<Waiver> {
    let subject = Subject::read(entry, problems);
    entry.require("ceiling", "\"1 ms\"", problems);
    let ceiling = entry.quantity("ceiling", "\"1 ms\"", problems);
    let issue = entry.required("issue", problems);
    entry.require("expires", "2027-01-31", problems);
    let expires = entry.date("expires", problems);
    let complete = subject.operation.is_some()
        && subject.relative_to.is_ok()
        && issue.is_some()
        && expires.is_some();

    let place = ceiling.as_ref().map(|ceiling| ceiling.span.clone());
    let sound = subject.metric.zip(ceiling).and_then(|(metric, ceiling)| {
        let waiver = Waiver {
            operation: subject.operation.clone().unwrap_or_default(),
            metric,
            relative_to: subject.relative_to.clone().unwrap_or_default(),
            ceiling: ceiling.value,
            issue: issue.unwrap_or_default(),
            expires: expires.unwrap_or(NO_DATE),
        };
        let broken = waiver.validate().err();
        if let Some(error) = &broken {
            problems.add(ceiling.span, error);
        }
        broken.is_none().then_some(waiver)
    });
    let header = entry.header.clone();
    Draft { whole: sound.filter(|_| complete), subject, header, ceiling: place }
}

/// The value that breaks the rule.
fn blamed(entry: &Entry<'_, '_>, error: &BudgetError) -> Range<usize> {
    entry.place(match error {
        BudgetError::Unit { .. } if entry.has("max") => "max",
        BudgetError::Unit { .. } => "min",
        BudgetError::NotRelative(_) | BudgetError::RelativeToItself(_) => "relative_to",
        BudgetError::LoadWithout(_) | BudgetError::EmptyLoad | BudgetError::LongLoad => "rate",
        BudgetError::MachineOnRatio => "machine",
    })
}

fn metric(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Option<Metric> {
    entry.require("metric", "\"latency_p99\"", problems);
    let Placed { value, span } = entry.text("metric", "\"latency_p99\"", problems)?;
    let metric = value.parse().ok();
    if metric.is_none() {
        let names = Metric::ALL.map(Metric::name);
        let message = match nearest(value, &names) {
            Some(meant) => format!("unknown metric `{value}`, did you mean `{meant}`?"),
            None => format!("unknown metric `{value}`"),
        };
        problems.add_with_help(span, message, format!("known metrics are {}", names.join(", ")));
    }
    metric
}

fn limit(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Option<Limit> {
    let max = entry.quantity("max", "\"1 ms\"", problems);
    let min = entry.quantity("min", "\"50_000 /s\"", problems);
    match (entry.has("max"), entry.has("min")) {
        (true, true) => {
            problems.add_with_help(
                entry.place("min"),
                "both `max` and `min`: a budget has one of them",
                "write a second [[budget]] for the other limit",
            );
            None
        }
        (false, false) => {
            problems.add_with_help(
                entry.header.clone(),
                "this budget has no `max` and no `min`",
                "add max = \"1 ms\" or min = \"50_000 /s\"",
            );
            None
        }
        _ => max.map(|max| Limit::Max(max.value)).or_else(|| min.map(|min| Limit::Min(min.value))),
    }
}

fn tier(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Option<Tier> {
    if !entry.has("tier") {
        return Some(Tier::default());
    }
    let Placed { value, span } = entry.text("tier", "\"quick\"", problems)?;
    let known = [Tier::Quick, Tier::Full].into_iter().find(|tier| tier.to_string() == value);
    if known.is_none() {
        problems.add(span, format_args!("unknown tier `{value}`; known are quick and full"));
    }
    known
}

fn load(entry: &Entry<'_, '_>, problems: &mut Problems<'_>) -> Result<Option<OfferedLoad>, Noted> {
    let rate = entry.quantity("rate", "\"50_000 /s\"", problems);
    let duration = entry.quantity("duration", "\"2 s\"", problems);
    match (entry.has("rate"), entry.has("duration")) {
        (false, false) => return Ok(None),
        (true, true) => {}
        (true, false) => problems.add(entry.place("rate"), "`rate` needs `duration` beside it"),
        (false, true) => problems.add(entry.place("duration"), "`duration` needs `rate` beside it"),
    }
    let rate = in_unit("rate", rate, Unit::PerSecond, problems);
    let duration = in_unit("duration", duration, Unit::Nanoseconds, problems);
    let (rate, duration) = rate.zip(duration).ok_or(Noted)?;
    Ok(Some(OfferedLoad { rate_per_s: rate.value(), duration_ns: duration.value() }))
}

fn in_unit(
    key: &str,
    quantity: Option<Placed<Quantity>>,
    unit: Unit,
    problems: &mut Problems<'_>,
) -> Option<Quantity> {
    let Placed { value, span } = quantity?;
    // A bare `0` is zero of anything; that a load is not zero is another rule.
    if value.unit() == unit || (value.value() == 0.0 && value.unit() == Unit::Count) {
        return Some(value);
    }
    problems.add(span, format_args!("`{key}` is {}, not `{value}`", unit.described()));
    None
}
