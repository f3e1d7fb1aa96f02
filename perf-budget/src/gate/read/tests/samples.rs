//! Samples in the format of `crate::result`.

use std::fs;
use std::path::Path;

use hdrhistogram::Histogram;

use super::only;
use crate::gate::read::Problem;
use crate::gate::read::samples::{MANIFEST, SampleResults, read_dir, read_file};
use crate::result::{
    Allocations, Conditions, EncodedHistogram, Growth, Load, Measurement, Paired, SCHEMA, Sample,
    Timed,
};

const RUN: &str = "run-1";

fn sample(measurement: Measurement) -> Sample {
    Sample {
        schema: SCHEMA,
        run_id: RUN.to_owned(),
        operation: "lookup".to_owned(),
        round: 0,
        measurement,
        machine: "here".to_owned(),
        conditions: Conditions { load_average: 0.5, steal: 0.0, elapsed_ns: 1e9 },
    }
}

fn timed() -> Timed {
    Timed { threads: 1, iterations: 1000, block_ns: vec![12.5, 12.75] }
}

fn paired() -> Paired {
    let quads_ns = vec![[12.0, 11.0], [12.5, 11.5]];
    Paired { peer: "papaya_get".to_owned(), threads: 2, iterations: 1000, quads_ns }
}

/// 10 operations in batches of 4, so three latencies.
fn load() -> Load {
    let mut latencies = Histogram::<u64>::new(3).unwrap();
    latencies.record_n(1500, 3).unwrap();
    Load {
        offered_per_s: 50_000.0,
        duration_ns: 2e5,
        achieved_per_s: 49_990.0,
        batch: 4,
        operation_ns: 900.0,
        clock_ns: 25.0,
        succeeded: 9,
        failed: 1,
        histogram: EncodedHistogram::encode(&latencies).unwrap(),
    }
}

fn read_one(sample: &Sample) -> (SampleResults, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "lookup.json", &serde_json::to_string_pretty(sample).unwrap());
    (read_dir(directory.path(), RUN).unwrap(), directory)
}

fn write(directory: &Path, name: &str, text: &str) {
    fs::write(directory.join(name), text).unwrap();
}

/// The error of a sample that must be refused.
fn refused(sample: &Sample) -> String {
    let (results, directory) = read_one(sample);
    assert!(results.samples.is_empty());
    only(&results.errors, directory.path())
}

#[test]
fn every_kind_of_measurement_is_read_back() {
    let heap = Allocations { operations: 10, allocations: 0, bytes: 0 };
    let growth =
        Growth { warm_up: 0, operations: 10, live_bytes_before: 64, live_bytes_after: -64 };
    for measurement in [
        Measurement::Timed(timed()),
        Measurement::Paired(paired()),
        Measurement::Load(load()),
        Measurement::Allocations(heap),
        Measurement::Growth(growth),
    ] {
        let written = sample(measurement);
        let (results, _directory) = read_one(&written);
        assert!(results.errors.is_empty(), "{:?}", results.errors);
        assert_eq!(format!("{:?}", results.samples[0].sample), format!("{written:?}"));
    }
}

#[test]
fn only_json_files_of_the_directory_itself_are_samples() {
    let text = serde_json::to_string(&sample(Measurement::Timed(timed()))).unwrap();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "b.json", &text.replace("\"round\":0", "\"round\":1"));
    write(directory.path(), "a.json", &text);
    write(directory.path(), "notes.txt", "no sample");
    fs::create_dir(directory.path().join("older.json")).unwrap();
    let results = read_dir(directory.path(), RUN).unwrap();
    assert!(results.errors.is_empty(), "{:?}", results.errors);
    let rounds: Vec<u32> = results.samples.iter().map(|file| file.sample.round).collect();
    assert_eq!(rounds, [0, 1]);

    let absent = read_dir(&directory.path().join("absent"), RUN).unwrap();
    assert!(absent.samples.is_empty() && absent.errors.is_empty());
}

#[test]
fn one_bad_file_hides_no_other() {
    let text = serde_json::to_string(&sample(Measurement::Timed(timed()))).unwrap();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a.json", &text[..text.len() / 2]);
    write(directory.path(), "b.json", &text);
    let results = read_dir(directory.path(), RUN).unwrap();
    assert_eq!(results.samples.len(), 1);
    let error = only(&results.errors, directory.path());
    assert!(error.starts_with("a.json:1:") && error.contains("EOF"), "{error}");
}

#[test]
fn a_sample_of_another_run_than_asked_for_is_foreign() {
    let (_, directory) = read_one(&sample(Measurement::Timed(timed())));
    let path = directory.path().join("lookup.json");
    assert_eq!(read_file(&path, RUN).unwrap().path, path);
    let error = read_file(&path, "run-2").unwrap_err();
    assert_eq!(error.operation.as_deref(), Some("lookup"));
    assert!(matches!(&error.problem, Problem::Foreign { found } if found == RUN));
    assert_eq!(only(&[error], directory.path()), "lookup.json: belongs to another run, `run-1`");
}

#[test]
fn of_several_runs_in_a_directory_only_the_one_that_is_asked_for_counts() {
    let directory = tempfile::tempdir().unwrap();
    for (name, run) in [("a.json", "run-new"), ("b.json", "run-old"), ("c.json", "run-new")] {
        let of_run = Sample { run_id: run.to_owned(), ..sample(Measurement::Timed(timed())) };
        write(directory.path(), name, &serde_json::to_string(&of_run).unwrap());
    }
    write(directory.path(), MANIFEST, "{}");
    let results = read_dir(directory.path(), "run-new").unwrap();
    assert_eq!(results.samples.len(), 2);
    assert!(results.samples.iter().all(|file| file.sample.run_id == "run-new"));
    assert_eq!(
        only(&results.errors, directory.path()),
        "b.json: belongs to another run, `run-old`"
    );
}

#[test]
fn another_version_of_the_format_is_refused_whatever_else_is_in_it() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a.json", r#"{"schema": 2, "run": 7}"#);
    let results = read_dir(directory.path(), RUN).unwrap();
    assert_eq!(
        only(&results.errors, directory.path()),
        "a.json: version 2 of the format is not read, only 1"
    );
}

#[test]
fn unknown_and_missing_fields_are_refused_with_their_place() {
    let text = serde_json::to_string_pretty(&sample(Measurement::Timed(timed()))).unwrap();
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), "a.json", &text.replace("\"round\"", "\"lap\""));
    let results = read_dir(directory.path(), RUN).unwrap();
    let error = only(&results.errors, directory.path());
    assert!(error.starts_with("a.json:5:7: unknown field `lap`"), "{error}");
}

#[test]
fn numbers_must_be_positive() {
    for (timed, message) in [
        (Timed { iterations: 0, ..timed() }, "`iterations` is 0, but must be greater than zero"),
        (Timed { threads: 0, ..timed() }, "`threads` is 0, but must be greater than zero"),
        (
            Timed { block_ns: vec![], ..timed() },
            "`block_ns` is empty, but must be one entry or more",
        ),
        (
            Timed { block_ns: vec![1.0, -2.0], ..timed() },
            "`block_ns[1]` is -2, but must be finite and greater than zero",
        ),
    ] {
        assert_eq!(refused(&sample(Measurement::Timed(timed))), format!("lookup.json: {message}"));
    }
    let pair = Paired { quads_ns: vec![[1.0, 0.0]], ..paired() };
    assert_eq!(
        refused(&sample(Measurement::Paired(pair))),
        "lookup.json: `quads_ns[0][1]` is 0, but must be finite and greater than zero"
    );
    let pair = Paired { peer: "lookup".to_owned(), ..paired() };
    assert_eq!(
        refused(&sample(Measurement::Paired(pair))),
        "lookup.json: `peer` is `lookup`, but must be another than the operation"
    );
    let heap = Allocations { operations: 0, allocations: 0, bytes: 0 };
    assert!(refused(&sample(Measurement::Allocations(heap))).contains("`operations` is 0"));
}

#[test]
fn what_json_has_no_number_for_is_refused() {
    // serde_json writes NaN and infinities as null.
    for value in [f64::NAN, f64::INFINITY] {
        let timed = Timed { block_ns: vec![value], ..timed() };
        let error = refused(&sample(Measurement::Timed(timed)));
        assert!(error.contains("invalid type: null, expected f64"), "{error}");
    }
}

#[test]
fn conditions_must_be_possible() {
    let conditions = Conditions { steal: 1.5, ..Conditions::default() };
    let measured = Sample { conditions, ..sample(Measurement::Timed(timed())) };
    assert_eq!(
        refused(&measured),
        "lookup.json: `conditions.steal` is 1.5, but must be between 0 and 1"
    );
}

#[test]
fn a_load_must_agree_with_its_histogram() {
    let one_batch_less = Load { succeeded: 7, ..load() };
    assert_eq!(
        refused(&sample(Measurement::Load(one_batch_less))),
        "lookup.json: `histogram` is of 3 latencies, but must be of one latency for each batch of \
         succeeded and failed operations"
    );
    let nothing = Load { succeeded: 0, failed: 0, ..load() };
    assert!(refused(&sample(Measurement::Load(nothing))).contains("`succeeded + failed` is 0"));
    let impossible = Load { succeeded: u64::MAX, failed: 1, ..load() };
    assert!(refused(&sample(Measurement::Load(impossible))).contains("is too large"));
    let idle = Load { achieved_per_s: 0.0, ..load() };
    assert!(refused(&sample(Measurement::Load(idle))).contains("`achieved_per_s` is 0"));
}

#[test]
fn a_histogram_that_does_not_decode_is_refused() {
    let text = serde_json::to_string(&sample(Measurement::Load(load()))).unwrap();
    for broken in ["", "no base64!", "AAAA"] {
        let mut written: serde_json::Value = serde_json::from_str(&text).unwrap();
        written["measurement"]["histogram"] = broken.into();
        let directory = tempfile::tempdir().unwrap();
        write(directory.path(), "lookup.json", &written.to_string());
        let results = read_dir(directory.path(), RUN).unwrap();
        let error = only(&results.errors, directory.path());
        assert!(error.contains("unreadable latency histogram"), "{error}");
    }
}
