//! From results to rows: each way in which there is nothing to judge gets its verdict and its
//! sentence.

use hdrhistogram::Histogram;

use super::*;
use crate::gate::evidence::{CriterionRound, Failure};
use crate::result::{
    Allocations, Conditions, EncodedHistogram, Growth, Load, Measurement, Paired, SCHEMA, Sample,
    Timed,
};
use crate::{Limit, OfferedLoad, Outcome, Percentile, Tier};

const TODAY: Date = Date { year: 2026, month: 11, day: 23 };
const P99: Metric = Metric::Latency(Percentile::P99);

fn here() -> Circumstances {
    Circumstances { today: TODAY, fingerprint: "here".into(), no_callgrind: None }
}

fn budget(metric: Metric, max: &str) -> Budget {
    Budget {
        operation: "lookup".into(),
        metric,
        limit: Limit::Max(max.parse().expect("a quantity")),
        relative_to: None,
        owner: "tests".into(),
        reason: "a test".into(),
        tier: Tier::Quick,
        machine: None,
        load: None,
    }
}

fn sample(round: u32, measurement: Measurement) -> Sample {
    Sample {
        schema: SCHEMA,
        run_id: "run".into(),
        operation: "lookup".into(),
        round,
        measurement,
        machine: "here".into(),
        conditions: Conditions::default(),
    }
}

/// Eight rounds of what `measure` makes of the round's number.
fn rounds(measure: impl Fn(u32) -> Measurement) -> Results {
    let samples: Vec<Sample> = (0..8).map(|round| sample(round, measure(round))).collect();
    let cases = samples.iter().map(crate::gate::cases::case_of).collect();
    Results { samples, cases, operations: ["lookup".to_owned()].into(), ..Results::default() }
}

fn timed(ns: f64) -> Results {
    let block = |round: u32| ns * (1.0 + 0.001 * f64::from(round));
    rounds(|round| {
        let block_ns = vec![block(round); 10];
        Measurement::Timed(Timed { threads: 1, iterations: 1000, block_ns })
    })
}

/// A load of `batches` batches a round that all take `latency_ns`.
fn load(batches: u64, latency_ns: u64, change: impl Fn(&mut Load)) -> Results {
    let mut histogram = Histogram::<u64>::new(3).expect("three digits");
    histogram.record_n(latency_ns, batches).expect("in range");
    let mut load = Load {
        offered_per_s: 64.0 * batches as f64,
        duration_ns: 1e9,
        achieved_per_s: 64.0 * batches as f64,
        batch: 64,
        operation_ns: 30.0,
        clock_ns: 25.0,
        succeeded: 64 * batches,
        failed: 0,
        histogram: EncodedHistogram::encode(&histogram).expect("small"),
    };
    change(&mut load);
    rounds(|_| Measurement::Load(load.clone()))
}

/// The first look at `budget`, and the trial closed.
fn judge(budget: &Budget, results: &Results) -> Row {
    let mut docket = Docket::open([budget], &[], &here());
    docket.hear(None, results);
    docket.close().remove(0)
}

#[track_caller]
fn assert_row(row: &Row, verdict: Verdict, words: &[&str]) {
    assert_eq!(row.verdict, verdict, "{}", row.explanation);
    for word in words {
        assert!(row.explanation.contains(word), "`{word}` in: {}", row.explanation);
    }
    assert!(!row.explanation.contains('\n'), "one sentence: {}", row.explanation);
}

#[test]
fn an_operation_that_nobody_measures_is_invalid_and_a_similar_name_is_offered() {
    let mut budget = budget(Metric::LatencyMean, "1 us");
    budget.operation = "look_up".into();
    let row = judge(&budget, &timed(50.0));
    assert_row(&row, Verdict::Invalid, &["no benchmark measures", "`lookup`"]);
    budget.operation = "something else entirely".into();
    let row = judge(&budget, &timed(50.0));
    assert_row(&row, Verdict::Invalid, &["no benchmark measures this operation"]);
    assert_eq!(Outcome::of([(row.verdict, false)], false).exit_code(), 2);
}

#[test]
fn a_metric_that_nobody_measures_names_what_it_needs() {
    let row = judge(&budget(Metric::Growth, "0 B"), &timed(50.0));
    assert_row(&row, Verdict::Invalid, &["`growth`"]);
}

#[test]
fn one_failed_round_makes_the_other_seven_no_result() {
    let mut results = timed(50.0);
    results.samples.pop();
    let why = "`bench` ended with exit status: 101: out of memory".to_owned();
    results.failures.push(Failure { operation: Some("lookup".into()), why });
    let row = judge(&budget(Metric::LatencyMean, "1 us"), &results);
    assert_row(&row, Verdict::Invalid, &["exit status: 101", "out of memory"]);
}

#[test]
fn a_result_of_unknown_origin_that_can_not_be_read_explains_a_missing_one() {
    let failure = Failure { operation: None, why: "x.json:1:2: expected value".into() };
    let results = Results { failures: vec![failure], ..Results::default() };
    let row = judge(&budget(Metric::LatencyMean, "1 us"), &results);
    assert_row(&row, Verdict::Invalid, &["x.json:1:2"]);
}

#[test]
fn a_rate_out_of_reach_is_invalid() {
    let slow = load(2000, 500, |load| load.achieved_per_s *= 0.98);
    let row = judge(&budget(P99, "1 ms"), &slow);
    assert_row(&row, Verdict::Invalid, &["125 k/s", "128 k/s", "99 %"]);
    let nearly = load(2000, 500, |load| load.achieved_per_s *= 0.991);
    assert_eq!(judge(&budget(P99, "1 ms"), &nearly).verdict, Verdict::Pass);
}

#[test]
fn a_percentile_of_a_few_accidents_is_invalid() {
    assert_row(&judge(&budget(P99, "1 ms"), &load(999, 500, |_| {})), Verdict::Pass, &[]);
    let thin = judge(&budget(P99, "1 ms"), &load(900, 500, |_| {}));
    assert_row(&thin, Verdict::Invalid, &["9.0 samples", "10 are needed"]);
}

#[test]
fn an_operation_cheaper_than_ten_clock_readings_needs_batches() {
    let single = load(2000, 500, |load| load.batch = 1);
    let row = judge(&budget(P99, "1 ms"), &single);
    assert_row(&row, Verdict::Invalid, &["30.0 ns", "250 ns", "batches"]);
}

#[test]
fn a_load_other_than_the_budget_states_is_no_evidence() {
    let mut budget = budget(P99, "1 ms");
    budget.load = Some(OfferedLoad { rate_per_s: 128_000.0, duration_ns: 1e9 });
    assert_eq!(judge(&budget, &load(2000, 500, |_| {})).verdict, Verdict::Pass);
    budget.load = Some(OfferedLoad { rate_per_s: 64_000.0, duration_ns: 1e9 });
    assert_row(&judge(&budget, &load(2000, 500, |_| {})), Verdict::Invalid, &["`load`"]);
}

#[test]
fn success_is_judged_by_an_exact_interval() {
    let mut budget = budget(Metric::SuccessRate, "99.9 %");
    budget.limit = Limit::Min("99.9 %".parse().expect("a share"));
    assert_eq!(judge(&budget, &load(2000, 500, |_| {})).verdict, Verdict::Pass);
    let failing = load(2000, 500, |load| {
        load.failed = load.succeeded / 100;
        load.succeeded -= load.failed;
    });
    let mut docket = Docket::open([&budget], &[], &here());
    docket.hear(None, &failing);
    assert_eq!(docket.waiting_for(Some(Need::Confirmation)).count(), 1);
    docket.hear(Some(Need::Confirmation), &failing);
    assert_row(&docket.close()[0], Verdict::Fail, &["99 %", "falls short of"]);
}

#[test]
fn a_quotient_of_two_separate_results_is_refused() {
    let mut ratio = budget(Metric::LatencyMean, "1.15 x");
    ratio.relative_to = Some("papaya_get".into());
    let mut results = timed(50.0);
    let mut peer = timed(49.0).samples;
    for sample in &mut peer {
        sample.operation = "papaya_get".into();
    }
    results.samples.append(&mut peer);
    let row = judge(&ratio, &results);
    assert_row(&row, Verdict::Invalid, &["side by side", "`papaya_get`", "`paired`"]);
}

#[test]
fn a_pair_is_judged_on_its_own_ratios() {
    // The machine becomes twice as slow in every second round: both sides do.
    let paired = rounds(|round| {
        let slow = if round % 2 == 0 { 1.0 } else { 2.0 };
        let quads_ns = vec![[33.0 * slow, 30.0 * slow]; 50];
        Measurement::Paired(Paired {
            peer: "papaya_get".into(),
            threads: 1,
            iterations: 99,
            quads_ns,
        })
    });
    let mut ratio = budget(Metric::LatencyMean, "1.15 x");
    ratio.relative_to = Some("papaya_get".into());
    let row = judge(&ratio, &paired);
    assert_row(&row, Verdict::Pass, &["1.100 x"]);
    ratio.metric = Metric::Throughput;
    ratio.limit = Limit::Min("0.9 x".parse().expect("a ratio"));
    assert_row(&judge(&ratio, &paired), Verdict::Pass, &["0.909 x"]);
    // The same rounds are no steady absolute time.
    assert_eq!(
        judge(&budget(Metric::LatencyMean, "50 ns"), &paired).verdict,
        Verdict::Inconclusive
    );
}

#[test]
fn criterion_alone_has_means_and_no_percentiles() {
    let round = CriterionRound {
        operation: "lookup".into(),
        typical_ns: (49.0, 50.0, 51.0),
        samples_ns: vec![50.0; 20],
    };
    let results = Results {
        criterion: vec![round],
        operations: ["lookup".to_owned()].into(),
        ..Results::default()
    };
    let row = judge(&budget(Metric::LatencyMean, "60 ns"), &results);
    assert_row(&row, Verdict::Pass, &["50.0 ns"]);
    assert!(row.basis.contains("one process"), "{}", row.basis);
    assert_row(&judge(&budget(P99, "1 ms"), &results), Verdict::Invalid, &["criterion", "`load`"]);
}

#[test]
fn counts_are_judged_exactly() {
    let heap = |allocations| {
        rounds(move |_| {
            Measurement::Allocations(Allocations { operations: 1000, allocations, bytes: 64 })
        })
    };
    let none = budget(Metric::Allocations, "0");
    assert_eq!(judge(&none, &heap(0)).verdict, Verdict::Pass);
    // One allocation in a thousand operations is not none; it is confirmed before it fails.
    let row = judge(&none, &heap(1));
    assert_row(&row, Verdict::Fail, &["not confirmed"]);

    let growth = rounds(|_| {
        Measurement::Growth(Growth {
            warm_up: 10,
            operations: 100,
            live_bytes_before: 1000,
            live_bytes_after: 900,
        })
    });
    assert_eq!(judge(&budget(Metric::Growth, "0 B"), &growth).verdict, Verdict::Pass);
}

#[test]
fn what_this_machine_can_not_judge_is_skipped() {
    let mut elsewhere = budget(Metric::LatencyMean, "1 ns");
    elsewhere.machine = Some("there".into());
    let row = judge(&elsewhere, &timed(50.0));
    assert_row(&row, Verdict::Skipped, &["`there`", "`here`"]);
    assert!(!row.missing_tool);

    let counted = budget(Metric::Instructions, "100");
    let no_callgrind = Some("install the package `valgrind`".to_owned());
    let docket = Docket::open([&counted], &[], &Circumstances { no_callgrind, ..here() });
    let row = docket.close().remove(0);
    assert_row(&row, Verdict::Skipped, &["`valgrind`"]);
    assert!(row.missing_tool);
    assert_eq!(Outcome::of([(Verdict::Pass, false), (row.verdict, true)], true).exit_code(), 2);
}

#[test]
fn the_confidence_is_shared_among_budgets_that_have_an_interval() {
    let budgets = [
        budget(Metric::LatencyMean, "1 us"),
        budget(P99, "1 ms"),
        budget(Metric::Allocations, "0"),
        budget(Metric::Instructions, "100"),
    ];
    let docket = Docket::open(&budgets, &[], &here());
    assert_eq!(docket.level().confidence().budgets, 2);
}
