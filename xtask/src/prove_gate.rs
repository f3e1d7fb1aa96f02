//! `cargo xtask prove-gate`: how often the gate itself is wrong, measured.
//!
//! Runs the same quick gate many times on unchanged code, and as often with a slower
//! `service_discovery`, which a benchmark makes by doing more work when a variable of its environment
//! says so. Owns the counting and the limits; leaves everything else to the gate.

use std::fmt::Write;
use std::fs;
use std::num::NonZeroU32;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use crate::failure::Failure;
use crate::workspace::{self, Workspace};

/// The operation that is slowed.
const PLANTED: &str = "service_discovery";
/// The row that has to say so: what the operation takes beside what its peer takes.
const CATCHES: (&str, Option<&str>) = ("latency_mean", Some("papaya_get"));
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
    rows: Vec<Row>,
}

/// What it said of one budget.
#[derive(Debug, PartialEq, Eq)]
struct Row {
    operation: String,
    metric: String,
    relative_to: Option<String>,
    verdict: String,
}

/// What all runs said together.
#[derive(Debug, PartialEq)]
struct Proof {
    clean_runs: usize,
    clean_runs_with_fail: usize,
    clean_passes: usize,
    clean_verdicts: usize,
    clean_skipped: usize,
    planted_runs: usize,
    planted_runs_caught: usize,
    /// Fails of other rows in planted runs: an operation that gets slower breaks other budgets too.
    planted_other_fails: usize,
}

/// Runs the gate, prints the rates, and fails if one is beyond its limit.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let target = workspace.metadata()?.target_directory.join("prove-gate");
    let target = target.as_std_path();
    // Emptied, so that no old report is taken for a new one.
    if target.exists() {
        fs::remove_dir_all(target).map_err(|error| Failure::file("emptying", target, &error))?;
    }
    let all = |kind: &str, planted: &str| {
        (1..=arguments.runs.get())
            .map(|run| gate(workspace, &target.join(format!("{kind}-{run:02}")), planted))
            .collect::<Result<Vec<Run>, Failure>>()
    };
    let proof = Proof::of(&all("clean", "")?, &all("planted", PLANTED)?);
    let table = proof.table();
    println!("\n{table}");
    workspace::write(
        &target.join("proof.md"),
        &format!("# How often the gate is wrong\n\n{table}"),
    )?;
    if proof.holds() {
        return Ok(());
    }
    let reports = target.join("*").join("report.md");
    Err(Failure::new(format!("the gate misjudged; see {}", reports.display())))
}

/// Runs the gate once, with its report in `out`; `planted` is the operation to slow, or empty.
fn gate(workspace: &Workspace, out: &Path, planted: &str) -> Result<Run, Failure> {
    let gate = workspace.xtask().args(["perf-gate", "--quick", "--out"]).arg(out);
    let gate = gate.env(PLANT, planted);
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
        Ok(Self { rows: rows.iter().map(Row::read).collect::<Result<_, String>>()? })
    }

    fn count(&self, verdict: &str) -> usize {
        self.rows.iter().filter(|row| row.verdict == verdict).count()
    }

    /// Whether the row that has to notice the plant did.
    fn caught(&self) -> bool {
        self.rows.iter().any(|row| row.must_catch() && row.is_fail())
    }

    fn other_fails(&self) -> usize {
        self.rows.iter().filter(|row| !row.must_catch() && row.is_fail()).count()
    }
}

impl Row {
    fn read(row: &Value) -> Result<Self, String> {
        let text = |key: &str| row.get(key).and_then(Value::as_str).map(str::to_owned);
        let required = |key: &str| text(key).ok_or_else(|| format!("a row has no `{key}`"));
        Ok(Self {
            operation: required("operation")?,
            metric: required("metric")?,
            relative_to: text("relative_to"),
            verdict: required("verdict")?,
        })
    }

    fn must_catch(&self) -> bool {
        self.operation == PLANTED && (self.metric.as_str(), self.relative_to.as_deref()) == CATCHES
    }

    fn is_fail(&self) -> bool {
        self.verdict == "Fail"
    }
}

impl Proof {
    fn of(clean: &[Run], planted: &[Run]) -> Self {
        let sum = |verdict: &str| clean.iter().map(|run| run.count(verdict)).sum::<usize>();
        let all: usize = clean.iter().map(|run| run.rows.len()).sum();
        Self {
            clean_runs: clean.len(),
            clean_runs_with_fail: clean.iter().filter(|run| run.count("Fail") > 0).count(),
            clean_passes: sum("Pass"),
            // A budget for another machine or a missing tool is not judged, so it can't be wrong.
            clean_verdicts: all - sum("Skipped"),
            clean_skipped: sum("Skipped"),
            planted_runs: planted.len(),
            planted_runs_caught: planted.iter().filter(|run| run.caught()).count(),
            planted_other_fails: planted.iter().map(Run::other_fails).sum(),
        }
    }

    fn pass_share(&self) -> f64 {
        self.clean_passes as f64 / self.clean_verdicts.max(1) as f64
    }

    fn holds(&self) -> bool {
        self.clean_runs_with_fail == 0
            && self.pass_share() >= PASS_AT_LEAST
            && self.planted_runs_caught == self.planted_runs
            && self.planted_runs > 0
    }

    /// The rates as a Markdown table.
    fn table(&self) -> String {
        let (clean, planted) = (self.clean_runs, self.planted_runs);
        let (metric, peer) = (CATCHES.0, CATCHES.1.unwrap_or_default());
        let rows = [
            ["code".into(), "what".into(), "measured".into(), "required".into()],
            ["---"; 4].map(String::from),
            [
                "unchanged".into(),
                "runs with a Fail".into(),
                format!("{} of {clean}", self.clean_runs_with_fail),
                "none".into(),
            ],
            [
                "unchanged".into(),
                format!(
                    "Pass among {} verdicts ({} skipped)",
                    self.clean_verdicts, self.clean_skipped
                ),
                format!("{:.1} %", 100.0 * self.pass_share()),
                format!("at least {:.0} %", 100.0 * PASS_AT_LEAST),
            ],
            [
                "slowed".into(),
                format!("runs with a Fail of {PLANTED}, {metric} relative to {peer}"),
                format!("{} of {planted}", self.planted_runs_caught),
                "all".into(),
            ],
            [
                "slowed".into(),
                format!("Fails of other budgets, in {planted} runs"),
                self.planted_other_fails.to_string(),
                "for information".into(),
            ],
        ];
        rows.iter().fold(String::new(), |mut table, [code, what, measured, required]| {
            let _ = writeln!(table, "| {code:<9} | {what:<70} | {measured:>10} | {required:<15} |");
            table
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(operation: &str, relative_to: Option<&str>, verdict: &str) -> Row {
        Row {
            operation: operation.into(),
            metric: "latency_mean".into(),
            relative_to: relative_to.map(Into::into),
            verdict: verdict.into(),
        }
    }

    fn run_of(verdicts: &[&str]) -> Run {
        Run { rows: verdicts.iter().map(|verdict| row("a", None, verdict)).collect() }
    }

    fn caught() -> Run {
        Run { rows: vec![row(PLANTED, CATCHES.1, "Fail"), row(PLANTED, None, "Fail")] }
    }

    #[test]
    fn a_report_is_read_and_a_malformed_one_is_refused() {
        let report = r#"{"rows": [
            {"operation": "a", "metric": "latency_mean", "relative_to": null, "verdict": "Pass"}
        ]}"#;
        assert_eq!(Run::read(report), Ok(run_of(&["Pass"])));
        assert_eq!(Run::read("{}"), Err("it has no `rows`".to_owned()));
        let report = r#"{"rows": [{"operation": "a", "metric": "bytes"}]}"#;
        assert_eq!(Run::read(report), Err("a row has no `verdict`".to_owned()));
        assert!(Run::read("").is_err());
    }

    #[test]
    fn a_gate_that_is_right_is_proven() {
        let proof = Proof::of(&[run_of(&["Pass", "Skipped"])], &[caught()]);
        assert!(proof.holds());
        assert_eq!((proof.planted_runs_caught, proof.planted_other_fails), (1, 1));
        assert!(proof.table().contains("1 of 1"), "{}", proof.table());
    }

    #[test]
    fn only_the_ratio_of_the_slowed_operation_catches_it() {
        let mut wrong_metric = row(PLANTED, CATCHES.1, "Fail");
        wrong_metric.metric = "latency_p99".into();
        for row in [wrong_metric, row(PLANTED, None, "Fail"), row("a", CATCHES.1, "Fail")] {
            assert!(!Run { rows: vec![row] }.caught());
        }
        assert!(!Run { rows: vec![row(PLANTED, CATCHES.1, "Inconclusive")] }.caught());
        assert!(caught().caught());
    }

    #[test]
    fn each_way_of_being_wrong_is_found() {
        assert!(!Proof::of(&[run_of(&["Fail"])], &[caught()]).holds());
        assert!(!Proof::of(&[run_of(&["Inconclusive", "Pass"])], &[caught()]).holds());
        assert!(!Proof::of(&[run_of(&["Pass"])], &[run_of(&["Fail"])]).holds());
        assert!(!Proof::of(&[run_of(&["Pass"])], &[]).holds());
    }
}
