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
use crate::gate::report::{self, Confidence, Report, Row, Run};
use crate::machine::{Machine, load_average};
use crate::protocol::Case;
use crate::{Budget, Date, Metric, Outcome, Tier, Waiver};

/// What a reader of a report without a measurement must know.
const NOTHING_RUN: &str =
    "existing results were read and nothing was run: a budget that is exceeded is not confirmed";
/// Steal above this share of a round is worth a warning.
const NOTABLE_STEAL: f64 = 0.02;

/// Runs the gate once.
pub(super) fn run(args: &Args) -> Result<Outcome> {
    let workspace = Workspace::find(args)?;
    let path = workspace.budgets(args)?;
    let file = read_budgets(&workspace, &path)?;
    let (budgets, left_to_full) = select(&file, args.tier(), &args.only)?;
    let waivers: Vec<Waiver> = file.waivers.iter().map(|waiver| waiver.value.clone()).collect();
    let out = workspace.out(args);
    report::write::remove_all(&out)
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to remove old reports from {}", out.display()))?;

    let (run_id, started) = identify();
    let clock = Instant::now();
    let judged = judge(args, &workspace, &budgets, &waivers, &out, &run_id)?;
    let verdicts = judged.rows.iter().map(|row| (row.verdict, row.missing_tool));
    let mut outcome = Outcome::of(verdicts, args.strict);
    if judged.has_unreadable && outcome != Outcome::Exceeded {
        outcome = Outcome::CouldNotJudge;
    }
    let mut report = Report {
        schema: report::SCHEMA,
        run: Run {
            id: run_id,
            started,
            seconds: clock.elapsed().as_secs_f64(),
            tier: args.tier(),
            strict: args.strict,
            commit: commit(&workspace.root),
            budgets: workspace.relative(&path),
        },
        machine: Machine::this(),
        confidence: judged.confidence,
        rows: judged.rows,
        left_to_full,
        warnings: judged.warnings,
        outcome,
    };
    report.sort_rows();
    show(&report, &file);
    match write(&report, &out) {
        // A budget that is exceeded outranks a report that can't be written.
        Err(error) if outcome == Outcome::Exceeded => eprintln!("{error:?}"),
        written => written?,
    }
    Ok(outcome)
}

/// What a run found out, before it becomes a report.
struct Judged {
    rows: Vec<Row>,
    confidence: Confidence,
    warnings: Vec<String>,
    /// Whether there was a result that could not be read and might have concerned any budget.
    has_unreadable: bool,
}

fn judge(
    args: &Args,
    workspace: &Workspace,
    budgets: &[&Budget],
    waivers: &[Waiver],
    out: &Path,
    run_id: &str,
) -> Result<Judged> {
    let wants_instructions = budgets.iter().any(|budget| budget.metric == Metric::Instructions);
    let found = args.no_run.then(|| existing(workspace, out));
    let callgrind = match &found {
        _ if !wants_instructions => Callgrind::Unused,
        None => Callgrind::prepare(workspace),
        Some(found) if !found.instructions.is_empty() => Callgrind::Unused,
        Some(_) => Callgrind::missing_valgrind().unwrap_or(Callgrind::Unused),
    };
    let circumstances = Circumstances {
        today: today(),
        fingerprint: Machine::this().fingerprint,
        no_callgrind: match &callgrind {
            Callgrind::Missing(why) => Some(why.clone()),
            Callgrind::Ready { .. } | Callgrind::Unused => None,
        },
    };
    let mut docket = Docket::open(budgets.iter().copied(), waivers, &circumstances);
    let confidence = docket.level().confidence();
    let mut warnings = Vec::new();
    let results = if let Some(found) = found {
        docket.hear(None, &found);
        warnings.push(NOTHING_RUN.to_owned());
        found
    } else {
        let offers = offers(workspace, &callgrind)?;
        let effort = Effort::of(args.tier());
        let session = Session::start(run_id.to_owned(), effort, out.join("samples"), callgrind)?;
        measure_and_judge(session, &offers, &mut docket)?
    };
    warn_of_conditions(&results, &mut warnings);
    let unreadable: Vec<&Failure> =
        results.failures.iter().filter(|failure| failure.operation.is_none()).collect();
    warnings.extend(unreadable.iter().map(|failure| failure.why.clone()));
    Ok(Judged {
        rows: docket.close(),
        confidence,
        warnings,
        has_unreadable: !unreadable.is_empty(),
    })
}

/// Prints what can be measured.
pub(super) fn list(args: &Args) -> Result<Outcome> {
    let workspace = Workspace::find(args)?;
    let Offers { menu, failures } = offers(&workspace, &Callgrind::Unused)?;
    let cases = menu.cases().map(Case::describe);
    let names = menu.criterion.iter().flat_map(|(_, names)| names);
    let counted = workspace.benches_of(Tool::Callgrind);
    let lines = cases
        .chain(names.map(|name| format!("{name} (criterion)")))
        .chain(counted.map(|bench| format!("instructions of everything in bench {}", bench.name)));
    let mut stdout = std::io::stdout().lock();
    for line in lines {
        // A reader that has gone away (`| head`) has read enough.
        if writeln!(stdout, "{line}").is_err() {
            break;
        }
    }
    for failure in failures {
        eprintln!("{}", failure.why);
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
    let ignored: Vec<&str> =
        workspace.benches_of(Tool::Other).map(|bench| bench.name.as_str()).collect();
    if !ignored.is_empty() {
        eprintln!("left out, written for no tool that is known: {}", ignored.join(", "));
    }
    eprintln!("building the benches");
    let programs = compile::build(workspace, wanted)?;
    let (menu, failures) = measure::menu(programs);
    Ok(Offers { menu, failures })
}

fn measure_and_judge(
    mut session: Session,
    Offers { menu, failures }: &Offers,
    docket: &mut Docket<'_>,
) -> Result<Results> {
    let known = Results {
        failures: failures.clone(),
        cases: menu.cases().cloned().collect(),
        operations: menu
            .cases()
            .map(|case| case.operation.clone())
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
    results.merge(session.measure("measuring", &plan)?);
    docket.hear(None, &results);

    let plan = Plan::new(docket.waiting_for(Some(Need::Extension)), menu);
    results.merge(session.measure("extending", &plan)?);
    docket.hear(Some(Need::Extension), &results);

    let plan = Plan::new(docket.waiting_for(Some(Need::Confirmation)), menu);
    let mut fresh = known;
    fresh.merge(session.measure("confirming", &plan)?);
    docket.hear(Some(Need::Confirmation), &fresh);

    results.samples.extend(fresh.samples);
    results.failures.extend(fresh.failures);
    Ok(results)
}

/// The results that the last run of the gate or of the benches left; those that are older than the
/// code are stale.
pub(super) fn existing(workspace: &Workspace, out: &Path) -> Results {
    let newest = source_age::newest(&workspace.sources);
    let newest = newest.as_ref();
    let samples = out.join("samples");
    let mut results = found::samples(&samples, newest);
    for home in gates_own(&samples, "callgrind-") {
        results.merge(found::callgrind(&home, newest));
    }
    for home in gates_own(&samples, "criterion-") {
        results.merge(found::criterion(&home, newest));
    }
    // What the benches left when they were run without the gate counts where the gate left nothing:
    // results of two runs are not mixed.
    if results.instructions.is_empty() {
        results.merge(found::callgrind(&workspace.target, newest));
    }
    if results.criterion.is_empty() {
        let home = std::env::var_os("CRITERION_HOME")
            .map_or_else(|| workspace.target.join("criterion"), PathBuf::from);
        results.merge(found::criterion(&home, newest));
    }
    results
}

/// The folders of the first phase of the last run whose names begin with `prefix`.
fn gates_own(samples: &Path, prefix: &str) -> Vec<PathBuf> {
    let first_phase = format!("{prefix}0");
    let entries = fs::read_dir(samples).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> = entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&first_phase))
        .map(|entry| entry.path())
        .collect();
    folders.sort();
    folders
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

/// Shows the table, and on GitHub the annotations.
fn show(report: &Report, file: &BudgetFile) {
    let stdout = std::io::stdout();
    let color = stdout.is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let width = stdout.is_terminal().then(terminal_size::terminal_size).flatten();
    let table = report::table::render(report, width.map(|(width, _)| width.0.into()), color);
    // A reader that has gone away (`| head`) changes no verdict.
    let _ = writeln!(stdout.lock(), "{table}");
    if std::env::var("GITHUB_ACTIONS").is_ok_and(|value| value == "true") {
        let line =
            |row: &Row| file.budgets.iter().find(|it| is_row_of(row, &it.value)).map(|it| it.line);
        let _ = write!(stdout.lock(), "{}", report::annotations::github(report, &line));
        summarise(report);
    }
}

/// Writes every form of the report.
fn write(report: &Report, out: &Path) -> Result<()> {
    let written = report::write::write_all(report, out)
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to write the reports to {}", out.display()))?;
    let _ = writeln!(std::io::stdout().lock(), "reports: {}", written.html.display());
    Ok(())
}

fn is_row_of(row: &Row, budget: &Budget) -> bool {
    row.operation == budget.operation
        && row.metric == budget.metric
        && row.relative_to == budget.relative_to
        && row.limit == budget.limit
        && row.reason == budget.reason
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
