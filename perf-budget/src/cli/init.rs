//! `cargo perf-gate init`: a budgets file from what the benches measure now, or with `--no-run` from
//! the results that are there.

use std::fs;

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::args::Args;
use super::callgrind::Callgrind;
use super::measure::Session;
use super::plan::{Effort, Plan};
use super::run::{Offers, existing, identify, offers};
use super::workspace::Workspace;
use crate::gate::budget_file;
use crate::gate::evidence::{Results, Unfit, Values, gather};
use crate::gate::statistics::mean;
use crate::protocol::{Case, Method};
use crate::{Budget, Limit, Metric, Outcome, Percentile, Quantity, Tier, Unit};

/// Fresh processes for each measurement.
const ROUNDS: u32 = 3;
/// Proposed limits leave this factor above what was measured: wide enough for another run on a busy
/// machine, narrow enough to notice an algorithm that became worse.
const SLACK: f64 = 2.0;
/// The same for instruction counts, which differ between compilers but not between runs.
const SLACK_OF_COUNTS: f64 = 1.1;

/// Writes a proposal.
pub(super) fn run(args: &Args, force: bool) -> Result<Outcome> {
    let workspace = Workspace::find(args)?;
    let path = workspace.new_budgets(args);
    if path.exists() && !force {
        return Err(miette!(
            help = "`--force` replaces it",
            "failed to write the proposal: {} exists",
            path.display()
        ));
    }
    let results = if args.no_run {
        existing(&workspace, &workspace.out(args))
    } else {
        measure(args, &workspace)?
    };
    for failure in &results.failures {
        eprintln!("left out: {}", failure.why);
    }
    let mut proposal: Vec<Budget> = Vec::new();
    for wish in wishes(&results) {
        let subject = format!("{} of {}", wish.metric, wish.operation);
        match propose(wish, &results) {
            Ok(budget) => proposal.push(budget),
            Err(unfit) => eprintln!("left out: {subject}: {unfit}"),
        }
    }
    if proposal.is_empty() {
        return Err(miette!(
            help = "the gate reads benches of criterion, iai-callgrind (gungraun) and \
                    perf_budget::harness",
            "found no result to propose a budget from"
        ));
    }
    fs::write(&path, budget_file::render(&proposal))
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to write {}", path.display()))?;
    println!("{} budgets proposed in {}", proposal.len(), workspace.relative(&path));
    println!("read them, give each an owner and a reason, and tighten what you promise");
    Ok(Outcome::Passed)
}

/// Measures everything that the benches offer, once.
fn measure(args: &Args, workspace: &Workspace) -> Result<Results> {
    let callgrind = Callgrind::prepare(workspace);
    if let Callgrind::Missing(why) = &callgrind {
        eprintln!("left out: instructions: {why}");
    }
    let Offers { menu, failures } = offers(workspace, &callgrind)?;
    let cases = menu.cases().cloned().collect();
    let mut results = Results { failures, cases, ..Results::default() };
    let mut plan = Plan::new(&wishes(&results), &menu);
    plan.callgrind.clone_from(&menu.callgrind);
    for name in menu.criterion.iter().flat_map(|(_, names)| names) {
        plan.add_criterion(name, &menu);
    }
    let out = workspace.out(args).join("samples");
    // A proposal is rounded and has slack: few rounds are enough.
    let effort = Effort { rounds: ROUNDS, ..Effort::of(Tier::Quick) };
    let mut session = Session::start(identify().0, effort, out, callgrind)?;
    results.merge(session.measure("measuring", &plan)?);
    Ok(results)
}

/// A budget without a meaningful limit for each thing that `results` can say something of, none of
/// them twice.
fn wishes(results: &Results) -> Vec<Budget> {
    let mut wishes: Vec<Budget> = Vec::new();
    let mut add = |operation: &str, metric, peer: Option<&String>| {
        let wish = wish(operation, metric, peer);
        if !wishes.contains(&wish) {
            wishes.push(wish);
        }
    };
    for Case { operation, method } in &results.cases {
        match method {
            Method::Timed => add(operation, Metric::LatencyMean, None),
            Method::Paired { peer } => add(operation, Metric::LatencyMean, Some(peer)),
            Method::Load { .. } => {
                add(operation, Metric::Latency(Percentile::P99), None);
                add(operation, Metric::SuccessRate, None);
            }
            Method::Allocations => {
                add(operation, Metric::Allocations, None);
                add(operation, Metric::Bytes, None);
            }
            Method::Growth => add(operation, Metric::Growth, None),
        }
    }
    for round in &results.criterion {
        add(&round.operation, Metric::LatencyMean, None);
    }
    for count in &results.instructions {
        add(&count.names[1], Metric::Instructions, None);
    }
    wishes
}

fn wish(operation: &str, metric: Metric, peer: Option<&String>) -> Budget {
    let unit = if peer.is_some() { Unit::Ratio } else { metric.unit() };
    Budget {
        operation: operation.to_owned(),
        metric,
        limit: limit(metric, 0.0, unit),
        relative_to: peer.cloned(),
        owner: "unassigned".to_owned(),
        reason: String::new(),
        tier: Tier::Quick,
        machine: None,
        load: None,
    }
}

/// `wish` with a limit from what was measured.
fn propose(mut wish: Budget, results: &Results) -> Result<Budget, Unfit> {
    let value = match gather(&wish, results)?.values {
        Values::Rounds(rounds) => mean(&rounds).unwrap_or_default(),
        Values::Exact(value) | Values::OneProcess { value, .. } => value,
        Values::NoFailure(_) => 1.0,
    };
    let unit = wish.limit.quantity().unit();
    let limit_value = match wish.metric {
        // What is exact today and counted exactly tomorrow needs no slack.
        Metric::Allocations | Metric::Bytes | Metric::Growth => value.max(0.0).ceil(),
        Metric::Instructions => (value * SLACK_OF_COUNTS).ceil(),
        Metric::SuccessRate => 0.999,
        _ if wish.relative_to.is_some() => two_digits(value * 1.1),
        _ => two_digits(value * SLACK),
    };
    wish.limit = limit(wish.metric, limit_value, unit);
    let measured = Quantity::new(value, unit).unwrap_or(Quantity::zero(unit));
    wish.reason = format!("proposed from a measured {measured}");
    Ok(wish)
}

fn limit(metric: Metric, value: f64, unit: Unit) -> Limit {
    let zero = Quantity::zero(unit);
    let quantity = Quantity::new(value, unit).unwrap_or(zero);
    match metric {
        Metric::Throughput | Metric::SuccessRate => Limit::Min(quantity),
        _ => Limit::Max(quantity),
    }
}

/// Rounded up to two significant digits, as a person would write a limit.
fn two_digits(value: f64) -> f64 {
    if value <= 0.0 {
        return 0.0;
    }
    let step = 10_f64.powf(value.log10().floor() - 1.0);
    (value / step).ceil() * step
}
