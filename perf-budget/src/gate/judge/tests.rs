//! The decision engine against cases whose verdict is known.

use super::*;
use crate::Metric;

const TODAY: Date = Date { year: 2026, month: 11, day: 23 };

fn budget(limit: &str) -> Budget {
    Budget {
        operation: "lookup".into(),
        metric: Metric::LatencyMean,
        limit: Limit::Max(limit.parse().expect("a quantity")),
        relative_to: None,
        owner: "tests".into(),
        reason: "a test".into(),
        tier: crate::Tier::Quick,
        machine: None,
        load: None,
    }
}

fn waiver(expires: Date) -> Waiver {
    Waiver {
        operation: "lookup".into(),
        metric: Metric::LatencyMean,
        relative_to: None,
        ceiling: "150 ns".parse().expect("a quantity"),
        issue: "#17".into(),
        expires,
    }
}

fn rounds(values: &[f64]) -> Result<Evidence, Unfit> {
    evidence(Values::Rounds(values.to_vec()))
}

fn exact(value: f64) -> Result<Evidence, Unfit> {
    evidence(Values::Exact(value))
}

#[expect(clippy::unnecessary_wraps, reason = "what a trial hears")]
fn evidence(values: Values) -> Result<Evidence, Unfit> {
    Ok(Evidence { values, basis: "a test".into(), distribution: None })
}

/// Eight rounds around `centre` that differ by some percent.
fn around(centre: f64) -> Result<Evidence, Unfit> {
    let spread = [0.99, 1.01, 1.0, 0.995, 1.005, 1.0, 0.99, 1.01];
    rounds(&spread.map(|factor| factor * centre))
}

fn trial<'a>(budget: &'a Budget, waiver: Option<&'a Waiver>) -> Trial<'a> {
    Trial::new(budget, waiver, TODAY, Level::for_budgets(20))
}

#[test]
fn clearly_within_passes_at_once() {
    let budget = budget("100 ns");
    let judged = trial(&budget, None).hear(around(50.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Pass, "{}", judged.explanation);
}

#[test]
fn beyond_the_limit_fails_only_when_fresh_processes_agree() {
    let budget = budget("100 ns");
    let mut open = trial(&budget, None);
    assert_eq!(open.hear(around(130.0)).expect_err("not yet"), Need::Confirmation);
    let judged = open.hear(around(131.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Fail);
    for part in ["131 ns", "100 ns", "31."] {
        assert!(judged.explanation.contains(part), "`{part}` in {}", judged.explanation);
    }

    let mut open = trial(&budget, None);
    assert_eq!(open.hear(around(130.0)).expect_err("not yet"), Need::Confirmation);
    let judged = open.hear(around(90.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Inconclusive, "{}", judged.explanation);
}

#[test]
fn astride_the_limit_is_extended_once_and_then_left_open() {
    let budget = budget("100 ns");
    let mut open = trial(&budget, None);
    assert_eq!(open.hear(around(100.0)).expect_err("not yet"), Need::Extension);
    let judged = open.hear(around(100.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Inconclusive);

    let mut open = trial(&budget, None);
    assert_eq!(open.hear(around(99.0)).expect_err("not yet"), Need::Extension);
    assert_eq!(open.hear(around(80.0)).expect("decided").verdict, Verdict::Pass);

    let mut open = trial(&budget, None);
    assert_eq!(open.hear(around(100.0)).expect_err("not yet"), Need::Extension);
    assert_eq!(open.hear(around(120.0)).expect_err("not yet"), Need::Confirmation);
    assert_eq!(open.hear(around(120.0)).expect("decided").verdict, Verdict::Fail);
}

#[test]
fn a_count_is_judged_exactly() {
    let budget = budget("100 ns");
    assert_eq!(trial(&budget, None).hear(exact(100.0)).expect("decided").verdict, Verdict::Pass);
    let mut open = trial(&budget, None);
    assert_eq!(open.hear(exact(100.5)).expect_err("not yet"), Need::Confirmation);
    assert_eq!(open.hear(exact(100.5)).expect("decided").verdict, Verdict::Fail);
}

#[test]
fn a_limit_of_zero_is_kept_by_zero_and_broken_by_one() {
    let mut budget = budget("0");
    budget.metric = Metric::Allocations;
    assert_eq!(trial(&budget, None).hear(exact(0.0)).expect("decided").verdict, Verdict::Pass);
    let mut open = trial(&budget, None);
    open.hear(exact(1.0)).expect_err("to be confirmed");
    assert_eq!(open.hear(exact(1.0)).expect("decided").verdict, Verdict::Fail);
}

#[test]
fn a_minimum_is_judged_from_below() {
    let mut budget = budget("50_000 /s");
    budget.metric = Metric::Throughput;
    budget.limit = Limit::Min("50_000 /s".parse().expect("a rate"));
    let judged = trial(&budget, None).hear(around(80_000.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Pass);
    let mut open = trial(&budget, None);
    open.hear(around(20_000.0)).expect_err("to be confirmed");
    let judged = open.hear(around(20_000.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(judged.explanation.contains("falls short of"), "{}", judged.explanation);
}

#[test]
fn a_waiver_in_force_tolerates_up_to_its_ceiling() {
    let budget = budget("100 ns");
    let waiver = waiver(TODAY);
    let judged = trial(&budget, Some(&waiver)).hear(around(130.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Waived);
    assert!(judged.explanation.contains("#17"), "{}", judged.explanation);

    let mut open = trial(&budget, Some(&waiver));
    assert_eq!(open.hear(around(200.0)).expect_err("not yet"), Need::Confirmation);
    assert_eq!(open.hear(around(200.0)).expect("decided").verdict, Verdict::Fail);

    let judged = trial(&budget, Some(&waiver)).hear(around(50.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Pass);
    assert!(judged.explanation.contains("no longer needed"), "{}", judged.explanation);
}

#[test]
fn an_expired_waiver_puts_the_original_limit_back_in_force() {
    let budget = budget("100 ns");
    let waiver = waiver(Date { day: 22, ..TODAY });
    let mut open = trial(&budget, Some(&waiver));
    assert_eq!(open.hear(around(130.0)).expect_err("not yet"), Need::Confirmation);
    let judged = open.hear(around(130.0)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(judged.explanation.contains("expired on 2026-11-22"), "{}", judged.explanation);
}

#[test]
fn no_evidence_is_invalid_and_says_why() {
    let budget = budget("100 ns");
    let unfit = Unfit::UnknownOperation { similar: Some("look_up".into()) };
    let judged = trial(&budget, None).hear(Err(unfit)).expect("decided");
    assert_eq!(judged.verdict, Verdict::Invalid);
    assert!(judged.explanation.contains("`look_up`"), "{}", judged.explanation);
    for hopeless in [rounds(&[]), rounds(&[1.0]), rounds(&[1.0, f64::NAN]), rounds(&[0.0, 1.0])] {
        let judged = trial(&budget, None).hear(hopeless).expect("decided");
        assert_eq!(judged.verdict, Verdict::Invalid);
    }
}

#[test]
fn one_process_is_never_taken_for_independent_rounds() {
    let budget = budget("100 ns");
    let one = |value: f64| {
        let values = Values::OneProcess { low: value * 0.999, value, high: value * 1.001 };
        evidence(values)
    };
    // Its own interval is 0.1 % wide, but the next process may differ by more.
    assert_eq!(trial(&budget, None).hear(one(98.0)).expect_err("open"), Need::Extension);
    assert_eq!(trial(&budget, None).hear(one(90.0)).expect("decided").verdict, Verdict::Pass);
}

#[test]
fn without_fresh_processes_a_trial_ends_with_what_is_known() {
    let budget = budget("100 ns");
    let mut open = trial(&budget, None);
    open.hear(around(130.0)).expect_err("to be confirmed");
    let judged = open.close();
    assert_eq!(judged.verdict, Verdict::Fail);
    assert!(judged.explanation.contains("not confirmed"), "{}", judged.explanation);

    let mut open = trial(&budget, None);
    open.hear(around(100.0)).expect_err("to be extended");
    assert_eq!(open.close().verdict, Verdict::Inconclusive);
}

#[test]
fn more_budgets_ask_for_more_confidence_each() {
    let each = |budgets| Level::for_budgets(budgets).confidence().each;
    assert!(each(1) < each(10) && each(10) < each(100));
    assert!((each(10) - (1.0 - 0.05 / 30.0)).abs() < 1e-12);
}

/// The engine's own error rates, on simulated rounds with 3 % noise between processes.
#[test]
fn wrong_verdicts_are_as_rare_as_the_level_says() {
    let budget = budget("100 ns");
    let mut noise = Noise(0x9E37_79B9_7F4A_7C15);
    let mut decide = |truth: f64| {
        let mut draw = |count: usize| -> Vec<f64> {
            (0..count).map(|_| truth * (0.03 * noise.normal()).exp()).collect()
        };
        let mut open = trial(&budget, None);
        let first = draw(10);
        let mut next = open.hear(rounds(&first));
        while let Err(need) = next {
            let fresh = draw(10);
            next = open.hear(match need {
                Need::Extension => rounds(&[first.clone(), fresh].concat()),
                Need::Confirmation => rounds(&fresh),
            });
        }
        next.map_or(Verdict::Invalid, |judged| judged.verdict)
    };
    let mut count =
        |truth: f64, wanted: Verdict| (0..1000).filter(|_| decide(truth) == wanted).count();
    assert_eq!(count(99.9, Verdict::Fail), 0, "just within never fails");
    assert!(count(100.1, Verdict::Pass) <= 5, "just beyond hardly ever passes");
    assert!(count(85.0, Verdict::Pass) >= 990, "well within passes");
    assert!(count(120.0, Verdict::Fail) >= 990, "well beyond fails");
}

/// A small deterministic source of normal deviates (xorshift and the sum of twelve).
struct Noise(u64);

impl Noise {
    fn normal(&mut self) -> f64 {
        let mut uniform = || {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 11) as f64 / (1_u64 << 53) as f64
        };
        (0..12).map(|_| uniform()).sum::<f64>() - 6.0
    }
}
