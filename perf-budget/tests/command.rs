//! The command as a user and as a CI job sees it: exit codes, and one clear sentence for each way in
//! which there is nothing to judge. The results are those that a published crate's benches really
//! left; nothing is measured here.

#![expect(clippy::expect_used, reason = "a test that can't go on must say why")]

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, SystemTime};

use perf_budget::result::{Conditions, EncodedHistogram, Load, Measurement, SCHEMA, Sample};
use tempfile::TempDir;

const FIXTURE: &str = "tests/fixtures/criterion-crc32fast-1.5.5";
/// A benchmark of the fixture, and what it took there.
const OPERATION: &str = "hash/1024";

/// A workspace without benches, whose target directory holds the results of crc32fast's.
struct Workspace(TempDir);

impl Workspace {
    fn new(budgets: &str) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let manifest = "[package]\nname = \"measured\"\nversion = \"0.1.0\"\nedition = \"2024\"\n";
        let workspace = Self(dir);
        workspace.write("Cargo.toml", manifest);
        workspace.write("src/lib.rs", "//! Measured.\n");
        workspace.write("perf-budgets.toml", budgets);
        copy(Path::new(FIXTURE), &workspace.path("target/criterion"));
        workspace
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("can be made");
        fs::write(path, text).expect("can be written");
    }

    fn gate(&self, args: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_cargo-perf-gate"))
            .arg("perf-gate")
            .args(args)
            .current_dir(self.0.path())
            .env_remove("CI")
            .env_remove("CARGO_TARGET_DIR")
            .env_remove("CRITERION_HOME")
            .env_remove("GITHUB_ACTIONS")
            .output()
            .expect("the program starts")
    }

    /// Reads the results that are there.
    #[track_caller]
    fn assert(&self, exit_code: i32, sentences: &[&str]) -> String {
        let output = self.gate(&["--no-run"]);
        let said = said(&output);
        assert_eq!(output.status.code(), Some(exit_code), "{said}");
        for sentence in sentences {
            // The table and the terminal may break a sentence.
            let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(words(&said).contains(&words(sentence)), "`{sentence}` in:\n{said}");
        }
        said
    }
}

fn said(output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    stdout + &stderr
}

/// Copies with fresh times, as if it had just been measured.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("can be made");
    for entry in fs::read_dir(from).expect("the fixture is there") {
        let entry = entry.expect("readable");
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            fs::write(target, fs::read(source).expect("readable")).expect("can be written");
        }
    }
}

fn budget(operation: &str, metric: &str, limit: &str) -> String {
    format!(
        "[[budget]]\noperation = \"{operation}\"\nmetric = \"{metric}\"\n{limit}\n\
         owner = \"checksums\"\nreason = \"a test\"\n"
    )
}

fn waiver(expires: &str) -> String {
    format!(
        "[[waiver]]\noperation = \"{OPERATION}\"\nmetric = \"latency_mean\"\nceiling = \"1 s\"\n\
         issue = \"#17\"\nexpires = {expires}\n"
    )
}

#[test]
fn a_kept_budget_passes_and_every_report_is_written() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 s\""));
    workspace.assert(0, &["1 passed", "not confirmed"]);
    for report in ["report.json", "report.md", "report.html", "junit.xml"] {
        let text = fs::read_to_string(workspace.path("target/perf-gate").join(report));
        assert!(text.expect(report).contains(OPERATION), "{report}");
    }
}

#[test]
fn a_broken_budget_fails_and_names_operation_metric_value_and_limit() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 ns\""));
    let said = workspace.assert(1, &["exceeds the limit ≤ 1.00 ns"]);
    let sentence = said.lines().find(|line| line.starts_with("Fail:")).expect("a sentence");
    assert!(sentence.starts_with("Fail: latency_mean of hash/1024: "), "{sentence}");
}

#[test]
fn an_unmeasured_operation_could_not_be_judged() {
    let workspace = Workspace::new(&budget("hash/1025", "latency_mean", "max = \"1 s\""));
    workspace.assert(2, &["no benchmark measures this operation; did you mean `hash/1024`?"]);
}

#[test]
fn a_broken_budget_outranks_an_unmeasured_operation() {
    let both = budget(OPERATION, "latency_mean", "max = \"1 ns\"")
        + &budget("nothing like it", "latency_mean", "max = \"1 s\"");
    Workspace::new(&both).assert(1, &["no benchmark measures this operation"]);
}

#[test]
fn a_malformed_budgets_file_is_named_by_line_and_column() {
    let text = budget(OPERATION, "latency_mean", "limit = \"1 s\"");
    Workspace::new(&text).assert(2, &["perf-budgets.toml:4:1", "unknown key `limit`"]);
    let text = budget(OPERATION, "latency_p98", "max = \"1 s\"");
    Workspace::new(&text).assert(2, &["perf-budgets.toml:3:10", "unknown metric `latency_p98`"]);
    let text = budget(OPERATION, "latency_mean", "max = \"1 parsec\"");
    Workspace::new(&text).assert(2, &["perf-budgets.toml:4:7", "unknown unit `parsec`"]);
    Workspace::new("[[budget]\n").assert(2, &["perf-budgets.toml:1:"]);
}

#[test]
fn a_missing_budgets_file_says_how_to_get_one() {
    let workspace = Workspace::new("");
    fs::remove_file(workspace.path("perf-budgets.toml")).expect("it was there");
    workspace.assert(2, &["failed to find a budgets file", "`cargo perf-gate init`"]);
}

#[test]
fn a_missing_result_could_not_be_judged() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 s\""));
    fs::remove_dir_all(workspace.path("target/criterion")).expect("it was there");
    workspace.assert(2, &["no benchmark measures this operation"]);
}

#[test]
fn a_result_older_than_the_code_is_stale() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 s\""));
    let source = File::options().write(true).open(workspace.path("src/lib.rs")).expect("there");
    let later = SystemTime::now() + Duration::from_secs(3600);
    source.set_modified(later).expect("times can be set");
    workspace.assert(2, &["stale result:", "is older than"]);
}

#[test]
fn a_malformed_result_is_named_by_line_and_column() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 s\""));
    workspace.write("target/criterion/hash/1024/new/sample.json", "{\"iters\": [1.0],\n oops");
    workspace.assert(2, &["sample.json:2:2"]);
}

#[test]
fn a_percentile_is_not_read_off_means() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_p99", "max = \"1 s\""));
    workspace.assert(2, &["criterion's samples are means of many iterations"]);
}

#[test]
fn a_waiver_holds_until_it_expires() {
    let broken = budget(OPERATION, "latency_mean", "max = \"1 ns\"");
    let waived = Workspace::new(&(broken.clone() + &waiver("2999-12-31")));
    waived.assert(0, &["waived up to 1.00 s until 2999-12-31 (#17)"]);
    let expired = Workspace::new(&(broken + &waiver("2020-01-31")));
    expired.assert(1, &["exceeds the limit ≤ 1.00 ns", "its waiver #17 expired on 2020-01-31"]);
}

#[test]
fn a_rate_out_of_reach_could_not_be_judged() {
    let load = "max = \"1 s\"\nrate = \"1_000_000 /s\"\nduration = \"1 s\"";
    let workspace = Workspace::new(&budget("send", "latency_p99", load));
    let mut latencies = hdrhistogram::Histogram::<u64>::new(3).expect("three digits");
    latencies.record_n(1_000, 500_000).expect("in range");
    for round in 0..3 {
        let measurement = Measurement::Load(Load {
            offered_per_s: 1e6,
            duration_ns: 1e9,
            achieved_per_s: 5e5,
            batch: 1,
            operation_ns: 500.0,
            clock_ns: 25.0,
            succeeded: 500_000,
            failed: 0,
            histogram: EncodedHistogram::encode(&latencies).expect("small"),
        });
        let sample = Sample {
            schema: SCHEMA,
            run_id: "run".to_owned(),
            operation: "send".to_owned(),
            round,
            measurement,
            conditions: Conditions::default(),
        };
        let json = serde_json::to_string(&sample).expect("plain data");
        workspace.write(&format!("target/perf-gate/samples/send-{round}.json"), &json);
    }
    workspace.assert(2, &["only 500 k/s of the offered 1.00 M/s were achieved"]);
}

#[test]
fn an_operation_without_a_budget_can_not_be_selected() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 s\""));
    let output = workspace.gate(&["--no-run", "--only", "hash/16"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    assert!(said(&output).contains("`hash/16`"), "{}", said(&output));
}

#[test]
fn usage_is_no_verdict() {
    let workspace = Workspace::new("");
    assert_eq!(workspace.gate(&["--fast"]).status.code(), Some(2));
    let help = workspace.gate(&["--help"]);
    assert_eq!(help.status.code(), Some(0));
    assert!(said(&help).contains("--quick"), "{}", said(&help));
}

#[test]
fn a_github_job_gets_annotations_with_their_line_and_a_summary() {
    let workspace = Workspace::new(&budget(OPERATION, "latency_mean", "max = \"1 ns\""));
    let summary = workspace.path("summary.md");
    let output = Command::new(env!("CARGO_BIN_EXE_cargo-perf-gate"))
        .args(["perf-gate", "--no-run"])
        .current_dir(workspace.0.path())
        .env_remove("CARGO_TARGET_DIR")
        .env_remove("CRITERION_HOME")
        .env("GITHUB_ACTIONS", "true")
        .env("GITHUB_STEP_SUMMARY", &summary)
        .output()
        .expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    let annotation = said.lines().find(|line| line.starts_with("::error"));
    let annotation = annotation.unwrap_or_else(|| panic!("no annotation in:\n{said}"));
    assert!(annotation.contains("file=perf-budgets.toml,line=1"), "{annotation}");
    assert!(fs::read_to_string(summary).expect("written").contains(OPERATION));
}
