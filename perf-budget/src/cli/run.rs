//! The main job: measure, judge, report.

use std::fs;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use miette::{IntoDiagnostic, Result, WrapErr, miette};

use super::args::Args;
use super::callgrind::Callgrind;
use super::measure::{self, Session};
use super::plan::{Effort, Menu, Plan};
use super::workspace::{Tool, Workspace};
use super::{compile, found, process, source_age};
use crate::gate::budget_file::{self, BudgetFile};
use crate::gate::docket::{Circumstances, Docket};
use crate::gate::evidence::{Failure, Results};
use crate::gate::judge::Need;
use crate::gate::report::{self, Report, Row, Run};
use crate::machine::{Machine, load_average};
use crate::{Budget, Date, Metric, Outcome, Tier, Waiver};

/// Steal above this share of a round is worth a warning.
const NOTABLE_STEAL: f64 = 0.02;

/// Runs the gate once.
pub(super) fn run(args: &Args) -> Result<Outcome> {
    let workspace = Workspace::find(args)?;
    let path = workspace.budgets(args)?;
    let file = read_budgets(&workspace, &path)?;
    // Existing results know no tier: all budgets can be judged on them.
    let tier = args.tier();
    let (budgets, left_to_full) = select(&file, tier, &args.only)?;
    let waivers: Vec<Waiver> = file.waivers.iter().map(|waiver| waiver.value.clone()).collect();
    let out = workspace.out(args);
    fs::create_dir_all(&out)
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to make {}", out.display()))?;

    let machine = Machine::this();
    let callgrind = if args.no_run || !wants_instructions(&budgets) {
        Callgrind::Absent(String::new())
    } else {
        Callgrind::prepare(&workspace)
    };
    let circumstances = Circumstances {
        today: today(),
        fingerprint: machine.fingerprint.clone(),
        no_callgrind: match &callgrind {
            Callgrind::Absent(why) if !args.no_run => Some(why.clone()),
            _ => None,
        },
    };
    let mut docket = Docket::open(budgets.iter().copied(), &waivers, &circumstances);
    let confidence = docket.level().confidence();

    let (run_id, started) = identify();
    let mut warnings = Vec::new();
    let clock;
    if args.no_run {
        clock = Instant::now();
        docket.hear(None, &existing(&workspace, &out, &mut warnings));
    } else {
        let offers = offers(&workspace, &callgrind)?;
        let session =
            Session::start(run_id.clone(), Effort::of(tier), out.join("samples"), callgrind)?;
        clock = Instant::now();
        measure_and_judge(session, &offers, &mut docket, &mut warnings);
    }

    let rows = docket.close();
    let outcome = Outcome::of(rows.iter().map(|row| (row.verdict, row.missing_tool)), args.strict);
    let mut report = Report {
        schema: report::SCHEMA,
        run: Run {
            id: run_id,
            started,
            seconds: clock.elapsed().as_secs_f64(),
            tier,
            strict: args.strict,
            commit: commit(&workspace.root),
            budgets: workspace.relative(&path),
        },
        machine,
        confidence,
        rows,
        left_to_full,
        warnings,
        outcome,
    };
    report.sort_rows();
    publish(&report, &file, &out)?;
    Ok(outcome)
}

/// Prints what can be measured.
pub(super) fn list(args: &Args) -> Result<Outcome> {
    let workspace = Workspace::find(args)?;
    let menu = offers(&workspace, &Callgrind::Absent(String::new()))?.menu;
    for (_, catalog) in &menu.harness {
        for case in &catalog.cases {
            println!("{}", case.describe());
        }
    }
    for name in menu.criterion.iter().flat_map(|(_, names)| names) {
        println!("{name} (criterion)");
    }
    for bench in workspace.benches_of(Tool::Callgrind) {
        println!("instructions: bench {} of {}", bench.name, bench.package);
    }
    Ok(Outcome::Passed)
}

/// What the programs of a workspace offer, and what went wrong in asking them.
pub(super) struct Offers {
    pub(super) menu: Menu,
    pub(super) failures: Vec<Failure>,
}

/// Builds the benches and asks them what they can measure. Those for callgrind are left out where
/// callgrind is absent.
pub(super) fn offers(workspace: &Workspace, callgrind: &Callgrind) -> Result<Offers> {
    let wanted = workspace.benches.iter().filter(|bench| match bench.tool {
        Tool::Harness | Tool::Criterion => true,
        Tool::Callgrind => matches!(callgrind, Callgrind::Ready { .. }),
        Tool::Other => false,
    });
    eprintln!("building the benches");
    let programs = compile::build(workspace, wanted)?;
    let (menu, failures) = measure::menu(programs);
    Ok(Offers { menu, failures })
}

fn measure_and_judge(
    mut session: Session,
    Offers { menu, failures }: &Offers,
    docket: &mut Docket<'_>,
    warnings: &mut Vec<String>,
) {
    let known = Results {
        failures: failures.clone(),
        operations: menu
            .harness
            .iter()
            .flat_map(|(_, catalog)| catalog.cases.iter().map(|case| case.operation.clone()))
            .chain(menu.criterion.iter().flat_map(|(_, names)| names.iter().cloned()))
            .collect(),
        ..Results::default()
    };
    let plan = Plan::new(docket.waiting_for(None), menu);
    eprintln!(
        "measuring {} operations in {} rounds, about {} s; load average {:.2}",
        plan.cases.len(),
        session.effort.rounds,
        plan.estimate(session.effort).as_secs(),
        load_average(),
    );
    let mut results = known.clone();
    results.merge(session.measure("measuring", &plan));
    docket.hear(None, &results);

    let plan = Plan::new(docket.waiting_for(Some(Need::Extension)), menu);
    results.merge(session.measure("extending", &plan));
    docket.hear(Some(Need::Extension), &results);

    let plan = Plan::new(docket.waiting_for(Some(Need::Confirmation)), menu);
    let mut fresh = known;
    fresh.merge(session.measure("confirming", &plan));
    docket.hear(Some(Need::Confirmation), &fresh);

    results.merge(fresh);
    warn_of_conditions(&results, warnings);
}

/// The results that earlier runs left; those that are older than the code are stale.
fn existing(workspace: &Workspace, out: &Path, warnings: &mut Vec<String>) -> Results {
    warnings.push(
        "existing results were read and nothing was run: a budget that is exceeded is not confirmed"
            .to_owned(),
    );
    let newest = source_age::newest(&workspace.members, &workspace.target);
    let newest = newest.as_ref();
    let criterion = std::env::var_os("CRITERION_HOME")
        .map_or_else(|| workspace.target.join("criterion"), PathBuf::from);
    let mut results = found::criterion(&criterion, newest);
    results.merge(found::callgrind(&workspace.target, newest));
    results.merge(found::samples(&out.join("samples"), newest));
    results
}

fn read_budgets(workspace: &Workspace, path: &Path) -> Result<BudgetFile> {
    let text = fs::read_to_string(path)
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to read the budgets file {}", path.display()))?;
    Ok(budget_file::parse(&text, &workspace.relative(path))?)
}

/// The budgets of this run, and how many are left to the full tier.
fn select<'a>(
    file: &'a BudgetFile,
    tier: Tier,
    only: &[String],
) -> Result<(Vec<&'a Budget>, usize)> {
    let all = file.budgets.iter().map(|budget| &budget.value);
    let named: Vec<&Budget> =
        all.filter(|budget| only.is_empty() || only.contains(&budget.operation)).collect();
    if let Some(unknown) = only.iter().find(|&name| !named.iter().any(|it| it.operation == *name)) {
        let mut known: Vec<&str> =
            file.budgets.iter().map(|budget| budget.value.operation.as_str()).collect();
        known.sort_unstable();
        known.dedup();
        return Err(miette!(
            help = format!("operations with a budget: {}", known.join(", ")),
            "no budget speaks of the operation `{unknown}`"
        ));
    }
    let all = named.len();
    let selected: Vec<&Budget> = named.into_iter().filter(|it| it.tier <= tier).collect();
    let left_to_full = all - selected.len();
    Ok((selected, left_to_full))
}

fn wants_instructions(budgets: &[&Budget]) -> bool {
    budgets.iter().any(|budget| budget.metric == Metric::Instructions)
}

/// A run id that is unique on this machine, and when the run began.
pub(super) fn identify() -> (String, String) {
    let now = Timestamp::now();
    let id = format!("{}-{}", now.strftime("%Y%m%dT%H%M%S%.3fZ"), std::process::id());
    (id, format!("{now:.0}"))
}

fn today() -> Date {
    // In UTC, so that a waiver ends at the same moment for everybody.
    let day = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let part = |value: i8| u8::try_from(value).unwrap_or(0);
    Date {
        year: u16::try_from(day.year()).unwrap_or(0),
        month: part(day.month()),
        day: part(day.day()),
    }
}

/// The commit of the workspace; `None` outside git.
fn commit(root: &Path) -> Option<String> {
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command.arg("-C").arg(root).args(args);
        let said = process::run(&mut command, Duration::from_secs(30)).ok()?;
        Some(String::from_utf8_lossy(&said).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"])?;
    let dirty = git(&["status", "--porcelain", "--untracked-files=no"])?;
    Some(if dirty.is_empty() { commit } else { format!("{commit}-dirty") })
}

/// What else the machine did while it measured, where a reader should know.
fn warn_of_conditions(results: &Results, warnings: &mut Vec<String>) {
    let worst = results.samples.iter().map(|sample| sample.conditions.steal).fold(0.0, f64::max);
    if worst > NOTABLE_STEAL {
        warnings.push(format!(
            "a hypervisor took away up to {:.0} % of the processors' time during a round",
            100.0 * worst
        ));
    }
    let busiest =
        results.samples.iter().map(|sample| sample.conditions.load_average).fold(0.0, f64::max);
    let processors = Machine::this().processors as f64;
    if busiest > processors {
        warnings.push(format!(
            "the load average reached {busiest:.1} on {processors} processors: other work ran beside \
             the measurements"
        ));
    }
}

/// Writes every form of the report and shows the table.
fn publish(report: &Report, file: &BudgetFile, out: &Path) -> Result<()> {
    report::write::write_all(report, out)
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to write the reports to {}", out.display()))?;
    let stdout = std::io::stdout();
    let color = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let width = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    let table = report::table::render(report, width.map(|(width, _)| width.0.into()), color);
    // A reader that has gone away (`| head`) changes no verdict.
    let _ = writeln!(stdout.lock(), "{table}\nreports: {}", out.join("report.html").display());
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        let line =
            |row: &Row| file.budgets.iter().find(|it| is_row_of(row, &it.value)).map(|it| it.line);
        let _ = write!(stdout.lock(), "{}", report::annotations::github(report, &line));
        summarise(report);
    }
    Ok(())
}

fn is_row_of(row: &Row, budget: &Budget) -> bool {
    row.operation == budget.operation
        && row.metric == budget.metric
        && row.relative_to == budget.relative_to
        && row.limit == budget.limit
}

/// Appends the report to the summary of a GitHub step; the verdict does not depend on it.
fn summarise(report: &Report) {
    let Some(path) = std::env::var_os("GITHUB_STEP_SUMMARY") else { return };
    let written = fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .and_then(|mut summary| summary.write_all(report::markdown::render(report).as_bytes()));
    if let Err(error) = written {
        eprintln!("the step summary could not be written: {error}");
    }
}
