//! `cargo perf-gate init`: a budgets file from what the benches measure now.

use std::fs;

use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::args::Args;
use super::callgrind::Callgrind;
use super::measure::Session;
use super::plan::{Effort, Plan};
use super::run::{identify, offers};
use super::workspace::{Tool, Workspace};
use crate::gate::budget_file;
use crate::gate::evidence::{Results, Values, gather};
use crate::gate::statistics::mean;
use crate::protocol::Method;
use crate::{Budget, Limit, Metric, Outcome, Percentile, Quantity, Tier, Unit};

/// Proposed limits leave this factor above what was measured: wide enough for another run on a busy
/// machine, narrow enough to notice an algorithm that became worse.
const SLACK: f64 = 2.0;
/// The same for instruction counts, which differ between compilers but not between runs.
const SLACK_OF_COUNTS: f64 = 1.1;

/// Measures everything once and writes a proposal.
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
    let callgrind = match workspace.benches_of(Tool::Callgrind).next() {
        Some(_) => Callgrind::prepare(&workspace),
        None => Callgrind::Absent(String::new()),
    };
    let offers = offers(&workspace, &callgrind)?;
    let wishes = wishes(&offers.menu);
    let out = workspace.out(args).join("init");
    let mut session = Session::start(identify().0, Effort::of(Tier::Quick), out, callgrind)?;
    let results = session.measure("measuring", &Plan::new(&wishes, &offers.menu));
    for failure in offers.failures.iter().chain(&results.failures) {
        eprintln!("left out: {}", failure.why);
    }

    let counted =
        results.instructions.iter().map(|count| wish(&count.names[1], Metric::Instructions, None));
    let mut proposal: Vec<Budget> =
        wishes.iter().cloned().chain(counted).filter_map(|wish| propose(wish, &results)).collect();
    if proposal.is_empty() {
        return Err(miette!(
            help = "the gate reads benches of criterion, iai-callgrind (gungraun) and \
                    perf_budget::harness",
            "found no result to propose a budget from"
        ));
    }
    proposal.dedup();
    fs::write(&path, budget_file::render(&proposal))
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to write {}", path.display()))?;
    println!("{} budgets proposed in {}", proposal.len(), workspace.relative(&path));
    println!("read them, give each an owner and a reason, and tighten what you promise");
    Ok(Outcome::Passed)
}

/// One budget without a meaningful limit for everything on the menu.
fn wishes(menu: &super::plan::Menu) -> Vec<Budget> {
    let cases = menu.harness.iter().flat_map(|(_, catalog)| &catalog.cases);
    let mut wishes: Vec<Budget> = cases
        .flat_map(|case| {
            let of = |metric, peer: Option<&String>| wish(&case.operation, metric, peer);
            match &case.method {
                Method::Timed => vec![of(Metric::LatencyMean, None)],
                Method::Paired { peer } => vec![of(Metric::LatencyMean, Some(peer))],
                Method::Load { .. } => {
                    vec![of(Metric::Latency(Percentile::P99), None), of(Metric::SuccessRate, None)]
                }
                Method::Allocations => {
                    vec![of(Metric::Allocations, None), of(Metric::Bytes, None)]
                }
                Method::Growth => vec![of(Metric::Growth, None)],
            }
        })
        .collect();
    let names = menu.criterion.iter().flat_map(|(_, names)| names);
    wishes.extend(names.map(|name| wish(name, Metric::LatencyMean, None)));
    // Asks for a run under callgrind; what it counts shows afterwards.
    if !menu.callgrind.is_empty() {
        wishes.push(wish("", Metric::Instructions, None));
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

/// `wish` with a limit from what was measured; `None` where nothing was.
fn propose(mut wish: Budget, results: &Results) -> Option<Budget> {
    let evidence = gather(&wish, results).ok()?;
    let value = match evidence.values {
        Values::Rounds(rounds) => mean(&rounds)?,
        Values::Exact(value) | Values::OneProcess { value, .. } => value,
        Values::Proportion { succeeded, total } => succeeded as f64 / total as f64,
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
    let measured = Quantity::new(value, unit)?;
    wish.reason = format!("proposed from a measured {measured}");
    Some(wish)
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
