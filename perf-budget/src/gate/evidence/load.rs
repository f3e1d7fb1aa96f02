//! Evidence from open-loop load: percentiles and success rates, if the load was what was offered.

use hdrhistogram::Histogram;

use super::{Evidence, Results, Unfit, Values, distribution};
use crate::result::{Load, Measurement};
use crate::{Budget, Percentile, Quantity, Unit};

/// Share of the offered rate that must be achieved over all rounds together.
const ACHIEVED: f64 = 0.99;
/// Samples that must lie beyond a percentile in each round: with fewer, the percentile is decided
/// by a handful of accidents.
const TAIL_SAMPLES: u32 = 10;
/// Readings of the clock that an operation must cost to be timed on its own.
const CLOCK_READINGS: f64 = 10.0;

pub(super) fn percentile(
    budget: &Budget,
    percentile: Percentile,
    results: &Results,
) -> Result<Evidence, Unfit> {
    let rounds = rounds(budget, results)?;
    let first = rounds[0];
    if first.batch == 1 && first.operation_ns < CLOCK_READINGS * first.clock_ns {
        let Load { operation_ns, clock_ns, .. } = *first;
        return Err(Unfit::TooCheap { operation_ns, clock_ns });
    }
    let quantile = percentile.quantile();
    let mut values = Vec::with_capacity(rounds.len());
    let mut all: Option<Histogram<u64>> = None;
    for round in &rounds {
        let mut latencies =
            round.histogram.decode().map_err(|error| Unfit::Malformed(error.to_string()))?;
        let beyond = latencies.len() as f64 * (1.0 - quantile);
        // 0.1 forgives the binary form of 0.99.
        if beyond + 0.1 < f64::from(TAIL_SAMPLES) {
            return Err(Unfit::ThinTail { beyond, needed: TAIL_SAMPLES });
        }
        values.push(latencies.value_at_quantile(quantile) as f64);
        match &mut all {
            None => {
                // A histogram that was read back does not grow unless it is told to.
                latencies.auto(true);
                all = Some(latencies);
            }
            Some(all) => {
                all.add(latencies).map_err(|error| Unfit::Malformed(error.to_string()))?;
            }
        }
    }
    let sample = match first.batch {
        1 => "operation".to_owned(),
        batch => format!("batch of {batch} operations"),
    };
    let distribution = all.map(|all| distribution::of_histogram(&all, sample.clone()));
    let basis = format!("{}, each {sample} from its intended start", describe(&rounds));
    Ok(Evidence { values: Values::Rounds(values), basis, distribution })
}

pub(super) fn success_rate(budget: &Budget, results: &Results) -> Result<Evidence, Unfit> {
    let rounds = rounds(budget, results)?;
    let succeeded: u64 = rounds.iter().map(|round| round.succeeded).sum();
    let failed: u64 = rounds.iter().map(|round| round.failed).sum();
    let total = succeeded + failed;
    Ok(Evidence {
        values: Values::Proportion { succeeded, total },
        basis: format!("{}, {failed} of {total} operations failed", describe(&rounds)),
        distribution: None,
    })
}

/// The rounds under the load that the budget states; at least one.
fn rounds<'a>(budget: &'a Budget, results: &'a Results) -> Result<Vec<&'a Load>, Unfit> {
    let asked_for = |load: &&Load| {
        budget.load.is_none_or(|stated| {
            // The duration went through a `Duration`, which rounds to nanoseconds.
            (stated.rate_per_s - load.offered_per_s).abs() <= 1e-9 * stated.rate_per_s
                && (stated.duration_ns - load.duration_ns).abs() <= 1.0
        })
    };
    let rounds: Vec<&Load> = results
        .of(&budget.operation)
        .filter_map(|measured| match measured {
            Measurement::Load(load) => Some(load),
            _ => None,
        })
        .filter(asked_for)
        .collect();
    if rounds.is_empty() {
        let only_criterion =
            results.criterion.iter().any(|round| round.operation == budget.operation);
        return Err(match results.absent(&budget.operation, "load") {
            Unfit::NotMeasured { .. } if only_criterion => Unfit::MeansOnly,
            other => other,
        });
    }
    let operations: u64 = rounds.iter().map(|round| round.succeeded + round.failed).sum();
    let seconds: f64 = rounds
        .iter()
        .map(|round| (round.succeeded + round.failed) as f64 / round.achieved_per_s)
        .sum();
    let (offered_per_s, achieved_per_s) = (rounds[0].offered_per_s, operations as f64 / seconds);
    if achieved_per_s < ACHIEVED * offered_per_s {
        return Err(Unfit::RateNotReached { offered_per_s, achieved_per_s });
    }
    Ok(rounds)
}

fn describe(rounds: &[&Load]) -> String {
    let first = rounds[0];
    let [rate, duration] =
        [(first.offered_per_s, Unit::PerSecond), (first.duration_ns, Unit::Nanoseconds)].map(
            |(value, unit)| Quantity::new(value, unit).map_or_else(String::new, |q| q.to_string()),
        );
    format!("{} rounds of {rate} for {duration} in fresh processes", rounds.len())
}
