//! iai-callgrind 0.16.1 and gungraun 0.20.0.

use std::fs;
use std::path::{Path, PathBuf};

use super::{copy_of, edit, fixture, only, truncate};
use crate::gate::read::callgrind::{CallgrindResults, read_dir};

const V6: &str = "callgrind/iai-callgrind-0.16.1";
const V7: &str = "callgrind/gungraun-0.20.0";

fn counts(results: &CallgrindResults) -> Vec<(&str, &str, u64)> {
    let runs = results.runs.iter();
    runs.map(|run| (run.operation.as_str(), run.qualified.as_str(), run.instructions)).collect()
}

fn sum_in(root: &Path) -> PathBuf {
    root.join("gungraun/counted/counted/plain/sum/summary.json")
}

/// The error for `sum` in `root`; the other two benchmarks must still be read.
fn damaged(root: &Path) -> String {
    let results = read_dir(root).unwrap();
    assert_eq!(results.runs.len(), 2);
    assert!(results.runs.iter().all(|run| run.operation != "sum"));
    let error = only(&results.errors, root);
    error.replace("gungraun/counted/counted/plain/", "")
}

#[test]
fn both_versions_yield_names_and_instructions() {
    for version in [V6, V7] {
        let results = read_dir(&fixture(version)).unwrap();
        assert!(results.errors.is_empty(), "{:?}", results.errors);
        assert_eq!(
            counts(&results),
            [
                ("fibonacci.long", "counted::plain::fibonacci.long", 221_508),
                ("fibonacci.short", "counted::plain::fibonacci.short", 166),
                ("sum", "counted::plain::sum", 16),
            ],
            "{version}"
        );
    }
}

#[test]
fn a_compared_run_yields_its_new_count_and_a_regressed_one_is_an_error() {
    for version in [V6, V7] {
        let root = fixture(&format!("{version}-limits"));
        let results = read_dir(&root).unwrap();
        let names: Vec<&str> = results.runs.iter().map(|run| run.operation.as_str()).collect();
        assert_eq!(names, ["fibonacci.short", "sum"], "{version}");
        assert_eq!(results.errors[0].operation.as_deref(), Some("fibonacci.long"));
        let error = only(&results.errors, &root);
        assert!(error.ends_with("summary.json: its runner found limits of its own broken: 1"));
    }
}

#[test]
fn the_new_count_is_taken_and_not_the_old_one() {
    let copy = copy_of(V7);
    let path = sum_in(copy.path());
    let text = fs::read_to_string(&path).unwrap();
    let compared = text
        .replace("\"Ir\":{\"values\":{\"new\":16}", "\"Ir\":{\"values\":{\"new\":16,\"old\":15}");
    fs::write(&path, compared).unwrap();
    assert_eq!(read_dir(copy.path()).unwrap().runs[2].instructions, 16);
    let gone = text.replace("\"Ir\":{\"values\":{\"new\":16}", "\"Ir\":{\"values\":{\"old\":15}");
    fs::write(&path, gone).unwrap();
    assert_eq!(
        damaged(copy.path()),
        "sum/summary.json: counted no instructions: only Callgrind ran"
    );
}

#[test]
fn a_run_of_another_tool_counts_nothing() {
    let results = read_dir(&fixture("callgrind/gungraun-0.20.0-memcheck")).unwrap();
    assert!(results.runs.is_empty());
    assert_eq!(results.errors.len(), 3);
    for error in &results.errors {
        assert!(error.to_string().ends_with(": counted no instructions: only Memcheck ran"));
    }
}

#[test]
fn a_run_without_tools_counts_nothing() {
    let copy = copy_of(V7);
    let path = sum_in(copy.path());
    let mut written: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    written["profiles"] = serde_json::json!([]);
    fs::write(&path, written.to_string()).unwrap();
    assert_eq!(damaged(copy.path()), "sum/summary.json: counted no instructions: no tool ran");
}

#[test]
fn old_and_new_home_are_read_together_and_a_short_name_may_be_ambiguous() {
    let copy = copy_of(V7);
    let old_home = copy.path().join("iai");
    fs::create_dir(&old_home).unwrap();
    fs::copy(sum_in(copy.path()), old_home.join("summary.json")).unwrap();
    edit(&old_home.join("summary.json"), "counted::plain::sum", "counted::other::sum");
    let results = read_dir(copy.path()).unwrap();
    let sums: Vec<_> = results.runs.iter().filter(|run| run.operation == "sum").collect();
    let qualified: Vec<&str> = sums.iter().map(|run| run.qualified.as_str()).collect();
    assert_eq!(qualified, ["counted::other::sum", "counted::plain::sum"]);
    let functions = results.runs.iter().filter(|run| run.function == "fibonacci");
    assert_eq!(functions.count(), 2);
}

#[test]
fn damaged_summaries_are_refused_by_name_and_place() {
    let copy = copy_of(V7);
    truncate(&sum_in(copy.path()));
    let error = damaged(copy.path());
    assert!(error.starts_with("sum/summary.json:1:") && error.contains("EOF"), "{error}");

    let copy = copy_of(V7);
    edit(&sum_in(copy.path()), "\"version\":\"7\"", "\"version\":\"5\"");
    assert_eq!(
        damaged(copy.path()),
        "sum/summary.json: version 5 of the format is not read, only 6 and 7"
    );

    let copy = copy_of(V7);
    edit(&sum_in(copy.path()), "\"version\":\"7\"", "\"edition\":\"7\"");
    assert_eq!(
        damaged(copy.path()),
        "sum/summary.json: `version` is missing, but must be the version of the format"
    );

    let copy = copy_of(V7);
    edit(&sum_in(copy.path()), "\"function_name\"", "\"function\"");
    let error = damaged(copy.path());
    assert!(error.contains("missing field `function_name`"), "{error}");
}

#[test]
fn no_directory_is_no_result() {
    let results = read_dir(&fixture("no-such-directory")).unwrap();
    assert!(results.runs.is_empty() && results.errors.is_empty());
}
