//! `cargo xtask prove-gate`: how often the gate itself is wrong, measured.
//!
//! Runs the quick gate many times on unchanged code, and as often with a slower `service_discovery`,
//! which a benchmark makes by doing more work when a variable of its environment says so. Owns the
//! counting and the limits; leaves everything else to the gate.

use std::fmt::Write;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::failure::Failure;
use crate::workspace::Workspace;

/// The operation that is slowed.
const PLANTED: &str = "service_discovery";
/// Tells the benchmark which operation to slow.
const PLANT: &str = "BENCHES_PLANT";
/// On unchanged code at least this share of the verdicts must be Pass.
const PASS_AT_LEAST: f64 = 0.9;

/// What `cargo xtask prove-gate` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Runs of each kind.
    #[arg(long, value_name = "N", default_value = "10")]
    runs: NonZeroU32,
}

/// What one run of the gate said.
#[derive(Debug, Default, PartialEq, Eq)]
struct Run {
    /// Operation and verdict of each budget.
    verdicts: Vec<(String, String)>,
}

/// What all runs said together.
#[derive(Debug, PartialEq)]
struct Proof {
    runs: usize,
    clean_runs_with_fail: usize,
    clean_passes: usize,
    clean_verdicts: usize,
    clean_skipped: usize,
    planted_runs_caught: usize,
}

/// Runs the gate, prints the rates, and fails if one is beyond its limit.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let runs = arguments.runs.get();
    let target = workspace.metadata()?.target_directory.join("prove-gate");
    let target = target.as_std_path();
    let (mut clean, mut planted) = (Vec::new(), Vec::new());
    for run in 1..=runs {
        clean.push(gate(workspace, &target.join(format!("clean-{run:02}")), false)?);
    }
    for run in 1..=runs {
        planted.push(gate(workspace, &target.join(format!("planted-{run:02}")), true)?);
    }
    let proof = Proof::of(&clean, &planted);
    println!("\n{}", proof.table());
    if proof.holds() {
        return Ok(());
    }
    let reports = target.join("*").join("report.md");
    Err(Failure::new(format!("the gate misjudged; see {}", reports.display())))
}

/// Runs the gate once, with its report in `out`, which is emptied first so that no old report is
/// taken for this run's.
fn gate(workspace: &Workspace, out: &Path, is_planted: bool) -> Result<Run, Failure> {
    if out.exists() {
        fs::remove_dir_all(out).map_err(|error| Failure::file("emptying", out, &error))?;
    }
    let mut gate = workspace.xtask().args(["perf-gate", "--quick"]);
    if is_planted {
        gate = gate.args(["--only", PLANTED]).env(PLANT, PLANTED);
    }
    let gate = gate.arg("--out").arg(out);
    println!("\n{gate}");
    let start = Instant::now();
    let status = gate.status()?;
    println!("{status} after {:.0} s", start.elapsed().as_secs_f64());
    let path = out.join("report.json");
    let report =
        fs::read_to_string(&path).map_err(|error| Failure::file("reading", &path, &error))?;
    Run::read(&report).map_err(|problem| Failure::file("reading", &path, &problem))
}

impl Run {
    /// Reads a `report.json`.
    fn read(report: &str) -> Result<Self, String> {
        let report: Value = serde_json::from_str(report).map_err(|error| error.to_string())?;
        let rows = report.get("rows").and_then(Value::as_array).ok_or("it has no `rows`")?;
        let text = |row: &Value, key: &str| {
            let value = row.get(key).and_then(Value::as_str).map(str::to_owned);
            value.ok_or_else(|| format!("a row has no `{key}`"))
        };
        let verdicts = rows.iter().map(|row| Ok((text(row, "operation")?, text(row, "verdict")?)));
        Ok(Self { verdicts: verdicts.collect::<Result<_, String>>()? })
    }

    fn count(&self, verdict: &str) -> usize {
        self.verdicts.iter().filter(|(_, given)| given == verdict).count()
    }
}

impl Proof {
    fn of(clean: &[Run], planted: &[Run]) -> Self {
        let sum = |verdict: &str| clean.iter().map(|run| run.count(verdict)).sum::<usize>();
        let all: usize = clean.iter().map(|run| run.verdicts.len()).sum();
        let caught = |run: &&Run| {
            run.verdicts.iter().any(|(name, verdict)| name == PLANTED && verdict == "Fail")
        };
        Self {
            runs: planted.len(),
            clean_runs_with_fail: clean.iter().filter(|run| run.count("Fail") > 0).count(),
            clean_passes: sum("Pass"),
            // A budget for another machine or a missing tool is not judged, so it can't be wrong.
            clean_verdicts: all - sum("Skipped"),
            clean_skipped: sum("Skipped"),
            planted_runs_caught: planted.iter().filter(caught).count(),
        }
    }

    fn pass_share(&self) -> f64 {
        self.clean_passes as f64 / self.clean_verdicts.max(1) as f64
    }

    fn holds(&self) -> bool {
        self.clean_runs_with_fail == 0
            && self.pass_share() >= PASS_AT_LEAST
            && self.planted_runs_caught == self.runs
            && self.runs > 0
    }

    fn table(&self) -> String {
        let runs = self.runs;
        let share = format!("{:.1} %", 100.0 * self.pass_share());
        let pass =
            format!("Pass among {} verdicts ({} skipped)", self.clean_verdicts, self.clean_skipped);
        let at_least = format!("at least {:.0} %", 100.0 * PASS_AT_LEAST);
        let mut table = String::new();
        for (code, what, measured, limit) in [
            (
                "unchanged",
                "runs with a Fail".to_owned(),
                format!("{} of {runs}", self.clean_runs_with_fail),
                "none".to_owned(),
            ),
            ("unchanged", pass, share, at_least),
            (
                "slowed",
                format!("runs with a Fail of {PLANTED}"),
                format!("{} of {runs}", self.planted_runs_caught),
                "all".to_owned(),
            ),
        ] {
            let _ = writeln!(table, "{code:<10} {what:<40} {measured:>10}  required: {limit}");
        }
        table
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_of(verdicts: &[(&str, &str)]) -> Run {
        let owned = verdicts.iter().map(|(name, verdict)| ((*name).into(), (*verdict).into()));
        Run { verdicts: owned.collect() }
    }

    #[test]
    fn a_report_is_read_and_a_malformed_one_is_refused() {
        let report = r#"{"rows": [{"operation": "a", "verdict": "Pass", "reason": ""}]}"#;
        assert_eq!(Run::read(report), Ok(run_of(&[("a", "Pass")])));
        assert_eq!(Run::read("{}"), Err("it has no `rows`".to_owned()));
        let report = r#"{"rows": [{"operation": "a"}]}"#;
        assert_eq!(Run::read(report), Err("a row has no `verdict`".to_owned()));
        assert!(Run::read("").is_err());
    }

    #[test]
    fn a_gate_that_is_right_is_proven() {
        let clean = [run_of(&[("a", "Pass"), ("b", "Skipped")])];
        let planted = [run_of(&[(PLANTED, "Fail"), (PLANTED, "Pass")])];
        let proof = Proof::of(&clean, &planted);
        assert!(proof.holds());
        assert!(proof.table().contains("1 of 1"), "{}", proof.table());
    }

    #[test]
    fn each_way_of_being_wrong_is_found() {
        let (good, caught) = (run_of(&[("a", "Pass")]), run_of(&[(PLANTED, "Fail")]));
        let false_alarm = run_of(&[("a", "Fail")]);
        assert!(!Proof::of(&[false_alarm], std::slice::from_ref(&caught)).holds());
        let undecided = run_of(&[("a", "Inconclusive"), ("b", "Pass")]);
        assert!(!Proof::of(&[undecided], &[caught]).holds());
        let wrong_operation = run_of(&[("a", "Fail")]);
        assert!(!Proof::of(std::slice::from_ref(&good), &[wrong_operation]).holds());
        assert!(!Proof::of(&[good], &[]).holds());
    }
}
