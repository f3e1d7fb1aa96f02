//! criterion 0.3.6 and 0.8.2.

use std::fs;
use std::path::Path;

use super::{copy_of, edit, fixture, only, truncate};
use crate::gate::read::criterion::{CriterionResults, Throughput, read_dir};

const V0_8: &str = "criterion-crc32fast-1.5.5";
const V0_3: &str = "criterion-unicode-xid-0.2.6";
const HASH: &str = "hash/16/new";

fn read(name: &str) -> CriterionResults {
    let results = read_dir(&fixture(name)).unwrap();
    assert!(results.errors.is_empty(), "{:?}", results.errors);
    results
}

/// The error for `hash/16` in `root`; the other three benchmarks must still be read.
fn damaged(root: &Path) -> String {
    let results = read_dir(root).unwrap();
    assert_eq!(results.benchmarks.len(), 3);
    assert!(results.benchmarks.iter().all(|benchmark| benchmark.operation != "hash/16"));
    only(&results.errors, root)
}

#[test]
fn every_benchmark_of_0_8_is_read_under_its_full_id() {
    let results = read(V0_8);
    let names: Vec<&str> =
        results.benchmarks.iter().map(|benchmark| benchmark.operation.as_str()).collect();
    assert_eq!(names, ["baseline/1048576", "combine/64", "hash/1024", "hash/16"]);
    for benchmark in &results.benchmarks {
        let typical = benchmark.typical_ns;
        assert_eq!(benchmark.samples_ns.len(), 20);
        assert!(typical.low <= typical.value && typical.value <= typical.high);
        assert!((typical.confidence_level - 0.95).abs() < 1e-12);
        assert!(benchmark.samples_ns.iter().any(|ns| *ns <= typical.high));
        assert!(benchmark.samples_ns.iter().any(|ns| *ns >= typical.low));
    }
    assert_eq!(results.benchmarks[0].throughput, Some(Throughput::Bytes(1_048_576)));
    assert_eq!(results.benchmarks[1].throughput, None);
}

#[test]
fn flat_samples_are_estimated_by_their_mean_and_linear_ones_by_their_slope() {
    let results = read(V0_8);
    let estimates = |operation: &str| -> serde_json::Value {
        let path = fixture(V0_8).join(operation).join("new/estimates.json");
        serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
    };
    for benchmark in &results.benchmarks {
        let written = estimates(&benchmark.operation);
        let flat = benchmark.operation == "baseline/1048576";
        assert_eq!(written["slope"].is_null(), flat);
        let entry = if flat { &written["mean"] } else { &written["slope"] };
        assert_eq!(entry["point_estimate"].as_f64(), Some(benchmark.typical_ns.value));
    }
}

#[test]
fn samples_are_times_of_one_iteration() {
    let results = read(V0_8);
    let mean = |samples: &[f64]| samples.iter().sum::<f64>() / samples.len() as f64;
    for benchmark in &results.benchmarks {
        let quotient = mean(&benchmark.samples_ns) / benchmark.typical_ns.value;
        assert!((0.8..1.25).contains(&quotient), "{}: {quotient}", benchmark.operation);
    }
}

#[test]
fn the_files_of_0_3_6_are_read_alike() {
    let results = read(V0_3);
    let names: Vec<&str> =
        results.benchmarks.iter().map(|benchmark| benchmark.operation.as_str()).collect();
    assert_eq!(names, ["UnicodeXID/is_xid_continue/unicode", "UnicodeXID/is_xid_start/ascii"]);
    assert_eq!(results.benchmarks[1].throughput, Some(Throughput::Bytes(127)));
}

#[test]
fn the_name_comes_from_the_file_and_not_from_the_path() {
    let copy = copy_of(V0_8);
    fs::rename(copy.path().join("hash"), copy.path().join("h_a_s_h")).unwrap();
    let results = read_dir(copy.path()).unwrap();
    assert!(results.benchmarks.iter().any(|benchmark| benchmark.operation == "hash/16"));
}

#[test]
fn no_directory_is_no_result() {
    let results = read_dir(&fixture("no-such-directory")).unwrap();
    assert!(results.benchmarks.is_empty() && results.errors.is_empty());
}

#[test]
fn a_benchmark_may_be_called_new() {
    let copy = copy_of(V0_8);
    fs::rename(copy.path().join("hash"), copy.path().join("new")).unwrap();
    let results = read_dir(copy.path()).unwrap();
    assert_eq!((results.benchmarks.len(), results.errors.len()), (4, 0));
}

#[test]
fn a_measurement_without_one_of_its_files_did_not_finish() {
    for file in ["benchmark.json", "sample.json", "estimates.json"] {
        let copy = copy_of(V0_8);
        fs::remove_file(copy.path().join(HASH).join(file)).unwrap();
        assert_eq!(
            damaged(copy.path()),
            format!("hash/16/new: `{file}` is missing: the measurement did not finish")
        );
    }
}

#[test]
fn the_error_of_a_damaged_part_names_its_operation() {
    let copy = copy_of(V0_8);
    truncate(&copy.path().join(HASH).join("sample.json"));
    let results = read_dir(copy.path()).unwrap();
    assert_eq!(results.errors[0].operation.as_deref(), Some("hash/16"));
}

#[test]
fn truncated_files_are_refused_with_line_and_column() {
    for file in ["benchmark.json", "sample.json", "estimates.json"] {
        let copy = copy_of(V0_8);
        let path = copy.path().join(HASH).join(file);
        truncate(&path);
        let column = fs::metadata(&path).unwrap().len();
        let error = damaged(copy.path());
        assert!(error.starts_with(&format!("hash/16/new/{file}:1:{column}: EOF")), "{error}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    // serde_json writes NaN as null.
    let copy = copy_of(V0_8);
    edit(&copy.path().join(HASH).join("sample.json"), "\"times\":[", "\"times\":[null,");
    let error = damaged(copy.path());
    assert!(error.contains("invalid type: null, expected f64"), "{error}");

    for literal in ["NaN", "1e999", "-inf"] {
        let copy = copy_of(V0_8);
        let path = copy.path().join(HASH).join("sample.json");
        edit(&path, "\"times\":[", &format!("\"times\":[{literal},"));
        let error = damaged(copy.path());
        assert!(error.starts_with("hash/16/new/sample.json:1:"), "{error}");
    }
}

#[test]
fn counts_and_times_must_be_positive_and_as_many() {
    for (old, new, message) in [
        (
            "\"iters\":[",
            "\"iters\":[0.0,",
            "`times` is of length 20, but must be as long as `iters`",
        ),
        (
            "\"times\":[",
            "\"times\":[-5.0,",
            "`times` is of length 21, but must be as long as `iters`",
        ),
    ] {
        let copy = copy_of(V0_8);
        edit(&copy.path().join(HASH).join("sample.json"), old, new);
        assert_eq!(damaged(copy.path()), format!("hash/16/new/sample.json: {message}"));
    }
    for (text, message) in [
        (
            r#"{"sampling_mode":"Flat","iters":[1.0,0.0],"times":[5.0,6.0]}"#,
            "`iters[1]` is 0, but must be finite and greater than zero",
        ),
        (
            r#"{"sampling_mode":"Flat","iters":[1.0,2.0],"times":[5.0,-6.0]}"#,
            "`times[1]` is -6, but must be finite and greater than zero",
        ),
        (
            r#"{"sampling_mode":"Flat","iters":[1e-300],"times":[1e300]}"#,
            "`times[0] / iters[0]` is inf, but must be finite and greater than zero",
        ),
        (
            r#"{"sampling_mode":"Flat","iters":[],"times":[]}"#,
            "`iters` is empty, but must be one entry a sample",
        ),
    ] {
        let copy = copy_of(V0_8);
        fs::write(copy.path().join(HASH).join("sample.json"), text).unwrap();
        assert_eq!(damaged(copy.path()), format!("hash/16/new/sample.json: {message}"));
    }
}

#[test]
fn the_form_before_0_3_3_is_recognised() {
    let old = "hash/16/new/estimates.json: written by a criterion before 0.3.3, whose form is not \
               read: measure again with a newer one";
    let copy = copy_of(V0_8);
    edit(&copy.path().join(HASH).join("estimates.json"), "\"mean\"", "\"Mean\"");
    assert_eq!(damaged(copy.path()), old);

    let copy = copy_of(V0_8);
    fs::write(copy.path().join(HASH).join("sample.json"), "[[1.0,2.0],[5.0,9.0]]").unwrap();
    assert_eq!(damaged(copy.path()), old.replace("estimates", "sample"));
}

#[test]
fn an_interval_must_be_one() {
    let copy = copy_of(V0_8);
    let path = copy.path().join(HASH).join("estimates.json");
    let mut written: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
    written["slope"]["confidence_interval"]["lower_bound"] = 1e12.into();
    fs::write(&path, written.to_string()).unwrap();
    let error = damaged(copy.path());
    assert!(error.ends_with("but must be at most `upper_bound`"), "{error}");
}
