//! A suite as the gate sees it: one request in the environment, one JSON file back.

#![expect(clippy::expect_used, reason = "a test that can't go on must say why")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

use perf_budget::protocol::{Case, Catalog, Method, Order, REQUEST, Request, Task};
use perf_budget::result::{Measurement, Sample};

/// The example program, which cargo builds beside the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("target/debug/deps");
    profile.join("examples").join(format!("maps{}", std::env::consts::EXE_SUFFIX))
}

fn ask(task: Task) -> (Output, Option<String>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let out = dir.path().join("answer.json");
    let request = Request { task, out: out.clone() };
    let output = Command::new(program())
        .env(REQUEST, serde_json::to_string(&request).expect("plain data"))
        .output()
        .expect("the example is built: `cargo test` does it unless targets are selected");
    (output, fs::read_to_string(out).ok())
}

fn measure(operation: &str, method: Method) -> Measurement {
    let case = Case { operation: operation.to_owned(), method };
    let order = Order { run_id: "run".to_owned(), round: 3, case, duration_ns: 1e6 };
    let (output, answer) = ask(Task::Measure(order));
    let answer = answer.unwrap_or_else(|| panic!("{}", String::from_utf8_lossy(&output.stderr)));
    let sample: Sample = serde_json::from_str(&answer).expect("a sample");
    assert_eq!((sample.run_id.as_str(), sample.round), ("run", 3));
    assert_eq!(sample.operation, operation);
    sample.measurement
}

#[test]
fn a_suite_says_what_it_offers() {
    let (_, answer) = ask(Task::List);
    let catalog: Catalog = serde_json::from_str(&answer.expect("an answer")).expect("a catalog");
    let described: Vec<String> = catalog.cases.iter().map(Case::describe).collect();
    assert_eq!(described[0], "hash_get / tree_get");
    assert!(described.contains(&"hoarding, growth".to_owned()), "{described:?}");
}

#[test]
fn a_pair_is_measured_in_quadruples() {
    let Measurement::Paired(pair) = measure("hash_get", Method::Paired { peer: "tree_get".into() })
    else {
        panic!("another measurement than was asked for")
    };
    assert!(pair.quads_ns.len() >= 8 && pair.iterations > 0);
    assert!(pair.quads_ns.iter().flatten().all(|ns| *ns > 0.0));
}

#[test]
fn two_threads_share_a_schedule() {
    let Measurement::Timed(timed) = measure("hash_get", Method::Timed) else {
        panic!("another measurement than was asked for")
    };
    assert_eq!(timed.threads, 2);
    assert!(timed.block_ns.iter().all(|ns| *ns > 0.0));
}

#[test]
fn a_load_is_the_one_that_was_ordered() {
    let method = Method::Load { rate_per_s: 1e5, duration_ns: 2e7, batch: 10 };
    let Measurement::Load(load) = measure("hash_get", method) else {
        panic!("another measurement than was asked for")
    };
    assert_eq!((load.offered_per_s, load.duration_ns, load.batch), (1e5, 2e7, 10));
    // A machine that is busy with other things may not get to the end of the load.
    assert!((1..=2_000).contains(&load.succeeded) && load.failed == 0);
    assert_eq!(load.histogram.decode().expect("a histogram").len(), load.succeeded / 10);
}

#[test]
fn heap_traffic_is_exact() {
    let of = |operation| match measure(operation, Method::Allocations) {
        Measurement::Allocations(heap) => (heap.operations, heap.allocations, heap.bytes),
        other => panic!("{other:?}"),
    };
    assert_eq!(of("hash_get"), (1_000, 0, 0));
    assert_eq!(of("boxing"), (1_000, 1_000, 8_000));
}

#[test]
fn growth_is_what_is_left_behind() {
    let of = |operation| match measure(operation, Method::Growth) {
        Measurement::Growth(growth) => growth.live_bytes_after - growth.live_bytes_before,
        other => panic!("{other:?}"),
    };
    assert_eq!(of("hash_get"), 0);
    assert_eq!(of("hoarding"), 64 * 8);
}

#[test]
fn what_can_not_be_measured_is_said_and_nothing_is_written() {
    let case = Case { operation: "hash_set".to_owned(), method: Method::Timed };
    let order = Order { run_id: "run".to_owned(), round: 0, case, duration_ns: 1e6 };
    let (output, answer) = ask(Task::Measure(order));
    assert!(!output.status.success() && answer.is_none());
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(complaint.contains("`hash_set, back to back`"), "{complaint}");

    let impossible = Method::Load { rate_per_s: 0.0, duration_ns: 1e9, batch: 1 };
    let case = Case { operation: "hash_get".to_owned(), method: impossible };
    let order = Order { run_id: "run".to_owned(), round: 0, case, duration_ns: 1e6 };
    let (output, answer) = ask(Task::Measure(order));
    assert!(!output.status.success() && answer.is_none());

    let output = Command::new(program()).env(REQUEST, "{").output().expect("it is built");
    assert!(!output.status.success());
}
