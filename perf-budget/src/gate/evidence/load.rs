//! Evidence from open-loop load: percentiles and success rates, if the load was what was offered.

use hdrhistogram::Histogram;

use super::{Evidence, Results, Unfit, Values, distribution};
use crate::gate::statistics::trimmed;
use crate::result::{Load, Measurement};
use crate::{Budget, Percentile, Quantity, Unit};

/// Share of the offered rate that must be achieved in a round.
const ACHIEVED: f64 = 0.99;
/// Samples that must lie beyond a percentile in each round: with fewer, the percentile is decided
/// by a handful of accidents.
const TAIL_SAMPLES: u32 = 10;
/// Readings of the clock that a batch must cost to be timed.
const CLOCK_READINGS: f64 = 10.0;

pub(super) fn percentile(
    budget: &Budget,
    percentile: Percentile,
    results: &Results,
) -> Result<Evidence, Unfit> {
    let rounds = rounds(budget, results)?;
    let first = rounds[0];
    for &&Load { batch, operation_ns, clock_ns, .. } in &rounds {
        let batch_ns = batch as f64 * operation_ns;
        if batch_ns < CLOCK_READINGS * clock_ns {
            return Err(Unfit::TooCheap { batch_ns, clock_ns });
        }
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

/// Without a failure every operation is a success, and the exact binomial interval says how sure
/// that is. Failures come in bursts, so with them each process counts as one.
pub(super) fn success_rate(budget: &Budget, results: &Results) -> Result<Evidence, Unfit> {
    let rounds = rounds(budget, results)?;
    let succeeded: u64 = rounds.iter().map(|round| round.succeeded).sum();
    let failed: u64 = rounds.iter().map(|round| round.failed).sum();
    let total = succeeded + failed;
    let share = |round: &&Load| round.succeeded as f64 / (round.succeeded + round.failed) as f64;
    let values = match failed {
        0 => Values::NoFailure(total),
        _ => Values::Rounds(rounds.iter().map(share).collect()),
    };
    let basis = format!("{}, {failed} of {total} operations failed", describe(&rounds));
    Ok(Evidence { values, basis, distribution: None })
}

/// The rounds of the budget's case; at least one, and all but the odd one at the offered rate.
fn rounds<'a>(budget: &Budget, results: &'a Results) -> Result<Vec<&'a Load>, Unfit> {
    let rounds = results.of(budget).into_iter().filter_map(|measured| match measured {
        Measurement::Load(load) => Some(load),
        _ => None,
    });
    let rounds: Vec<&Load> = rounds.collect();
    if rounds.is_empty() {
        let only_criterion =
            results.criterion.iter().any(|round| round.operation == budget.operation);
        return Err(match results.absent(&budget.operation, "load") {
            Unfit::NotMeasured { .. } if only_criterion => Unfit::MeansOnly,
            other => other,
        });
    }
    // As many rounds may fall short as are trimmed from the interval, where they can't decide.
    let mut achieved: Vec<f64> = rounds.iter().map(|round| round.achieved_per_s).collect();
    achieved.sort_by(f64::total_cmp);
    let (offered_per_s, achieved_per_s) =
        (rounds[0].offered_per_s, achieved[trimmed(rounds.len())]);
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
