//! From the results of a run to what one budget is judged on, or the reason why there is nothing
//! to judge.

mod distribution;
mod load;

use std::collections::BTreeSet;
use std::fmt;

use crate::gate::cases::{case_for, case_of};
use crate::gate::report::Distribution;
use crate::gate::similar::similar;
use crate::gate::statistics::{mean, median};
use crate::protocol::Case;
use crate::result::{Growth, Measurement, Sample};
use crate::{Budget, Metric, Quantity, Unit};

/// Everything that a run measured.
#[derive(Clone, Debug, Default)]
pub struct Results {
    /// Samples of the own harness, each from a fresh process.
    pub samples: Vec<Sample>,
    /// criterion's estimates, each from a fresh process.
    pub criterion: Vec<CriterionRound>,
    /// Instruction counts; several of one benchmark are several runs.
    pub instructions: Vec<Count>,
    /// Measurements that failed, in order.
    pub failures: Vec<Failure>,
    /// Every operation that is or can be measured.
    pub operations: BTreeSet<String>,
    /// Every case of the harness that is or can be measured.
    pub cases: Vec<Case>,
}

/// Instructions that callgrind counted.
#[derive(Clone, Debug)]
pub struct Count {
    /// What a budget may call the benchmark: its function, `function.id`, and the qualified name.
    pub names: [String; 3],
    /// Instructions.
    pub instructions: u64,
}

/// A measurement that failed, or a result that can't be read.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The operation, if it is known: an unreadable file may not tell.
    pub operation: Option<String>,
    /// Why, in a sentence.
    pub why: String,
}

/// What one process of criterion found for one benchmark.
#[derive(Clone, Debug)]
pub struct CriterionRound {
    /// The benchmark's full id.
    pub operation: String,
    /// Time of an iteration: criterion's typical value and its own interval, in nanoseconds.
    pub typical_ns: (f64, f64, f64),
    /// Mean time of an iteration in each of criterion's samples, in nanoseconds.
    pub samples_ns: Vec<f64>,
}

/// What a budget is judged on.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The numbers.
    pub values: Values,
    /// What they rest on, in words.
    pub basis: String,
    /// The distribution within the rounds.
    pub distribution: Option<Distribution>,
}

/// Numbers, with what is known about their independence.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// One value from each of several fresh processes.
    Rounds(Vec<f64>),
    /// A count, exact.
    Exact(f64),
    /// This many operations, none of which failed.
    NoFailure(u64),
    /// An interval from inside one process, which says nothing about the next process.
    OneProcess {
        /// The lower end.
        low: f64,
        /// The point estimate.
        value: f64,
        /// The upper end.
        high: f64,
    },
}

/// Why a budget has nothing that it can be judged on.
#[derive(Clone, Debug, PartialEq)]
pub enum Unfit {
    /// Nobody measures the operation.
    UnknownOperation {
        /// A known operation with a similar name.
        similar: Option<String>,
    },
    /// The operation is measured, but not in the way that the metric needs.
    NotMeasured {
        /// The method of the harness that yields the metric.
        needs: &'static str,
    },
    /// The operation and its peer are known, but were not measured side by side.
    NotPaired {
        /// The peer.
        peer: String,
    },
    /// The name may mean several benchmarks, which are listed.
    Ambiguous(String),
    /// criterion's samples are means of many iterations; no percentile of operations is in them.
    MeansOnly,
    /// The measurement failed.
    Failed(String),
    /// The load was not achieved.
    RateNotReached {
        /// Operations a second offered.
        offered_per_s: f64,
        /// Operations a second achieved, in the typical round.
        achieved_per_s: f64,
    },
    /// The percentile rests on too few samples.
    ThinTail {
        /// Samples beyond the percentile in the smallest round.
        beyond: f64,
        /// How many there must be.
        needed: u32,
    },
    /// What is timed at once is too cheap for the clock.
    TooCheap {
        /// Time of all operations of a batch.
        batch_ns: f64,
        /// Time of one reading of the clock.
        clock_ns: f64,
    },
    /// The result itself makes no sense.
    Malformed(String),
}

/// Gathers the evidence for `budget`.
///
/// # Errors
/// Why there is none.
pub fn gather(budget: &Budget, results: &Results) -> Result<Evidence, Unfit> {
    // Part of a result is no result: the rounds that are left were not chosen at random.
    if let Some(failure) = results.failure_of(&budget.operation) {
        return Err(Unfit::Failed(failure.why.clone()));
    }
    if let Some(peer) = &budget.relative_to {
        return paired(budget, peer, results);
    }
    match budget.metric {
        Metric::LatencyMean => timed(budget, results, |ns| ns),
        Metric::Throughput => timed(budget, results, |ns| 1e9 / ns),
        Metric::Latency(percentile) => load::percentile(budget, percentile, results),
        Metric::SuccessRate => load::success_rate(budget, results),
        Metric::Instructions => instructions(budget, results),
        Metric::Allocations => heap(budget, results, "allocations", |heap| heap.allocations),
        Metric::Bytes => heap(budget, results, "bytes", |heap| heap.bytes),
        Metric::Growth => growth(budget, results),
    }
}

impl Results {
    /// Adds what further processes measured.
    pub fn merge(&mut self, further: Self) {
        self.samples.extend(further.samples);
        self.criterion.extend(further.criterion);
        self.instructions.extend(further.instructions);
        self.failures.extend(further.failures);
        self.operations.extend(further.operations);
        self.cases.extend(further.cases);
    }

    /// Whether a measurement of `operation` failed.
    pub fn has_failed(&self, operation: &str) -> bool {
        self.failure_of(operation).is_some()
    }

    fn failure_of(&self, operation: &str) -> Option<&Failure> {
        self.failures.iter().find(|failure| failure.operation.as_deref() == Some(operation))
    }

    /// The measurements of the one case that `budget` is judged on.
    fn of(&self, budget: &Budget) -> Vec<&Measurement> {
        let Some(case) = case_for(budget, &self.cases) else { return Vec::new() };
        let ours = self.samples.iter().filter(|sample| case_of(sample).is_same(&case));
        ours.map(|sample| &sample.measurement).collect()
    }

    /// Why `operation` has no measurement of the kind that `needs` names.
    fn absent(&self, operation: &str, needs: &'static str) -> Unfit {
        let mut unknown = self.failures.iter().filter(|failure| failure.operation.is_none());
        if let Some(failure) = unknown.next() {
            return Unfit::Failed(failure.why.clone());
        }
        if self.operations.contains(operation) {
            return Unfit::NotMeasured { needs };
        }
        let similar = similar(operation, self.operations.iter().map(String::as_str));
        Unfit::UnknownOperation { similar: similar.map(str::to_owned) }
    }
}

/// Rounds of block means, of a case of its own or of a pair's own side.
fn timed(
    budget: &Budget,
    results: &Results,
    convert: impl Fn(f64) -> f64,
) -> Result<Evidence, Unfit> {
    let rounds = results.of(budget).into_iter().filter_map(|measured| match measured {
        Measurement::Timed(timed) => {
            Some((timed.threads, timed.iterations, timed.block_ns.clone()))
        }
        Measurement::Paired(pair) => {
            let ours = pair.quads_ns.iter().map(|quad| quad[0]).collect();
            Some((pair.threads, pair.iterations, ours))
        }
        _ => None,
    });
    let rounds: Vec<(u32, u64, Vec<f64>)> = rounds.collect();
    let Some((threads, iterations, _)) = rounds.first() else {
        return criterion(budget, results, convert);
    };
    let basis = format!("{} rounds in fresh processes{}", rounds.len(), on_threads(*threads));
    let sample = format!("block of about {iterations} operations");
    let values = rounds.iter().filter_map(|(.., blocks)| mean(blocks)).map(&convert).collect();
    let blocks = rounds.iter().flat_map(|(.., blocks)| blocks).map(|ns| convert(*ns)).collect();
    let distribution = distribution::of_values(blocks, sample);
    Ok(Evidence { values: Values::Rounds(values), basis, distribution })
}

fn criterion(
    budget: &Budget,
    results: &Results,
    convert: impl Fn(f64) -> f64,
) -> Result<Evidence, Unfit> {
    let rounds: Vec<&CriterionRound> =
        results.criterion.iter().filter(|round| round.operation == budget.operation).collect();
    let samples = rounds.iter().flat_map(|round| &round.samples_ns).map(|ns| convert(*ns));
    let distribution = distribution::of_values(samples.collect(), "criterion sample".to_owned());
    match rounds.as_slice() {
        [] => Err(results.absent(&budget.operation, "timed or paired")),
        [only] => {
            let (low, value, high) = only.typical_ns;
            let (end, other) = (convert(low), convert(high));
            Ok(Evidence {
                values: Values::OneProcess {
                    low: end.min(other),
                    value: convert(value),
                    high: end.max(other),
                },
                basis: "criterion's samples of one process".to_owned(),
                distribution,
            })
        }
        several => Ok(Evidence {
            values: Values::Rounds(
                several.iter().map(|round| convert(round.typical_ns.1)).collect(),
            ),
            basis: format!("{} runs of criterion in fresh processes", several.len()),
            distribution,
        }),
    }
}

fn paired(budget: &Budget, peer: &str, results: &Results) -> Result<Evidence, Unfit> {
    let pairs = results.of(budget).into_iter().filter_map(|measured| match measured {
        Measurement::Paired(pair) => Some(pair),
        _ => None,
    });
    let pairs: Vec<_> = pairs.collect();
    let Some(first) = pairs.first() else {
        return Err(match results.absent(&budget.operation, "paired") {
            Unfit::NotMeasured { .. } => Unfit::NotPaired { peer: peer.to_owned() },
            other => other,
        });
    };
    // A throughput is the inverse of a time, and so is their ratio.
    let ratio = |[ours, peers]: &[f64; 2]| match budget.metric {
        Metric::Throughput => peers / ours,
        _ => ours / peers,
    };
    let rounds = pairs.iter().filter_map(|pair| {
        let logs: Vec<f64> = pair.quads_ns.iter().map(|quad| ratio(quad).ln()).collect();
        median(&logs).map(f64::exp)
    });
    let ratios = pairs.iter().flat_map(|pair| &pair.quads_ns).map(ratio).collect();
    let iterations = first.iterations;
    Ok(Evidence {
        values: Values::Rounds(rounds.collect()),
        basis: format!(
            "{} rounds in fresh processes, about {} alternating quadruples each{}",
            pairs.len(),
            first.quads_ns.len(),
            on_threads(first.threads)
        ),
        distribution: distribution::of_values(
            ratios,
            format!("quadruple of blocks of {iterations} operations"),
        ),
    })
}

fn instructions(budget: &Budget, results: &Results) -> Result<Evidence, Unfit> {
    let speaks = |count: &&Count| count.names.contains(&budget.operation);
    let counts: Vec<&Count> = results.instructions.iter().filter(speaks).collect();
    let mut qualified: Vec<&str> = counts.iter().map(|count| count.names[2].as_str()).collect();
    qualified.sort_unstable();
    qualified.dedup();
    if qualified.len() > 1 {
        return Err(Unfit::Ambiguous(qualified.join(", ")));
    }
    // Several runs of the same program should agree; the largest is the honest one if they do not.
    let count = counts.iter().map(|count| count.instructions).max();
    let count = count.ok_or_else(|| results.absent(&budget.operation, "library_benchmark"))?;
    Ok(Evidence {
        values: Values::Exact(count as f64),
        basis: "callgrind".to_owned(),
        distribution: None,
    })
}

fn heap(
    budget: &Budget,
    results: &Results,
    what: &str,
    count: impl Fn(&crate::result::Allocations) -> u64,
) -> Result<Evidence, Unfit> {
    let passes = results.of(budget).into_iter().filter_map(|measured| match measured {
        Measurement::Allocations(heap) => Some((heap.operations, count(heap))),
        _ => None,
    });
    let worst = passes.max_by_key(|(_, count)| *count);
    let (operations, count) =
        worst.ok_or_else(|| results.absent(&budget.operation, "allocations"))?;
    Ok(Evidence {
        values: Values::Exact(count as f64 / operations as f64),
        basis: format!("{count} {what} in {operations} operations"),
        distribution: None,
    })
}

fn growth(budget: &Budget, results: &Results) -> Result<Evidence, Unfit> {
    let passes = results.of(budget).into_iter().filter_map(|measured| match measured {
        Measurement::Growth(growth) => Some(growth),
        _ => None,
    });
    let grown = |pass: &Growth| pass.live_bytes_after.saturating_sub(pass.live_bytes_before);
    let worst = passes.max_by_key(|pass| grown(pass));
    let pass = worst.ok_or_else(|| results.absent(&budget.operation, "growth"))?;
    #[expect(clippy::cast_precision_loss, reason = "live bytes are far below 2^52")]
    let grown = grown(pass) as f64;
    Ok(Evidence {
        values: Values::Exact(grown),
        basis: format!(
            "live bytes after {} operations against {} operations later",
            pass.warm_up, pass.operations
        ),
        distribution: None,
    })
}

fn on_threads(threads: u32) -> String {
    if threads == 1 { String::new() } else { format!(", {threads} threads at once") }
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let show =
            |value, unit| Quantity::new(value, unit).map_or_else(String::new, |q| q.to_string());
        match self {
            Self::UnknownOperation { similar: Some(known) } => {
                write!(f, "no benchmark measures this operation; did you mean `{known}`?")
            }
            Self::UnknownOperation { similar: None } => {
                f.write_str("no benchmark measures this operation")
            }
            Self::NotMeasured { needs } => {
                write!(f, "no benchmark measures this of the operation: it needs `{needs}`")
            }
            Self::NotPaired { peer } => write!(
                f,
                "not measured side by side with `{peer}`, and a quotient of two separate results \
                 is not judged: add a `paired` case"
            ),
            Self::Ambiguous(which) => {
                write!(f, "the name may mean any of {which}: write one of these")
            }
            Self::MeansOnly => f.write_str(
                "criterion's samples are means of many iterations and hold no percentile of single \
                 operations: add a `load` case",
            ),
            Self::Failed(why) => write!(f, "the measurement failed: {why}"),
            Self::RateNotReached { offered_per_s, achieved_per_s } => write!(
                f,
                "only {} of the offered {} were achieved (99 % are needed)",
                show(*achieved_per_s, Unit::PerSecond),
                show(*offered_per_s, Unit::PerSecond)
            ),
            Self::ThinTail { beyond, needed } => write!(
                f,
                "only {beyond:.1} samples lie beyond the percentile in a round ({needed} are \
                 needed): offer a higher rate, a longer duration or smaller batches"
            ),
            Self::TooCheap { batch_ns, clock_ns } => write!(
                f,
                "what is timed at once takes {}, less than ten readings of the clock ({}): offer \
                 the operation in larger batches",
                show(*batch_ns, Unit::Nanoseconds),
                show(10.0 * clock_ns, Unit::Nanoseconds)
            ),
            Self::Malformed(what) => write!(f, "malformed result: {what}"),
        }
    }
}

impl std::error::Error for Unfit {}
