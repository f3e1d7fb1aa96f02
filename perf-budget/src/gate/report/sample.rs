//! A report with something of everything, for the tests of every form: each verdict, each unit,
//! each kind of plot, and text that tries to break out of its place.

use super::{Confidence, Distribution, Estimate, Report, Row, Run, SCHEMA};
use crate::machine::Machine;
use crate::{Limit, Metric, Outcome, Percentile, Quantity, Tier, Verdict};

/// Text that means something to HTML, Markdown, workflow commands, XML and terminals.
const HOSTILE: &str = "</td><script>alert('1')</script> | `x` \"q\" 100 %, a::b\n\u{1b}[31mred ]]>";

/// All of it, sorted.
pub(super) fn sample_report() -> Report {
    let mut rows = timed();
    rows.extend(counted());
    rows.extend(unjudged());
    let mut report = Report {
        left_to_full: 7,
        warnings: vec![
            "load average 3.20 on 2 processors when the run began: times may be too high".into(),
            HOSTILE.into(),
        ],
        outcome: Outcome::Exceeded,
        rows,
        ..empty_report()
    };
    report.sort_rows();
    report
}

/// A run that had nothing to judge.
pub(super) fn empty_report() -> Report {
    Report {
        schema: SCHEMA,
        run: Run {
            id: "20261122T101500Z-4f2a".into(),
            started: "2026-11-22T10:15:00Z".into(),
            seconds: 83.4,
            tier: Tier::Quick,
            strict: false,
            commit: Some("0123456789abcdef0123456789abcdef01234567-dirty".into()),
            budgets: "benches/budgets.toml".into(),
        },
        machine: Machine {
            fingerprint: "linux-x86_64 GenuineIntel/6/143/8 2cpu".into(),
            platform: "linux-x86_64".into(),
            processor: "Example Processor @ 2.60GHz".into(),
            processors: 2,
        },
        confidence: Confidence { family: 0.95, budgets: 14, looks: 2, each: 0.998_214 },
        rows: Vec::new(),
        left_to_full: 0,
        warnings: Vec::new(),
        outcome: Outcome::CouldNotJudge,
    }
}

/// The shortest row: skipped, nothing measured.
pub(super) fn row(operation: &str, metric: Metric, limit: &str) -> Row {
    let quantity: Quantity = limit.parse().unwrap();
    let at_least = matches!(metric, Metric::Throughput | Metric::SuccessRate);
    Row {
        operation: operation.into(),
        metric,
        relative_to: None,
        limit: if at_least { Limit::Min(quantity) } else { Limit::Max(quantity) },
        estimate: None,
        headroom: None,
        verdict: Verdict::Skipped,
        explanation: "valgrind is not installed here".into(),
        basis: "nothing".into(),
        owner: "runtime".into(),
        reason: "An agent that waits for this can do nothing else meanwhile.".into(),
        missing_tool: false,
        distribution: None,
    }
}

/// `row` with the value `(low, value, high)` and what follows from it.
pub(super) fn measured(row: Row, verdict: Verdict, (low, value, high): (f64, f64, f64)) -> Row {
    let unit = row.unit();
    let estimate = Estimate { low, value, high, unit };
    let shown = Quantity::new(value, unit).unwrap();
    let (metric, operation, limit) = (row.metric, row.subject(), row.limit);
    let explanation = match verdict {
        Verdict::Fail => format!(
            "{metric} of {operation}: {shown} exceeds the limit {limit}, and so says a confirmation"
        ),
        Verdict::Waived => format!("{shown} is beyond {limit}, waived until 2027-01-31 (#17)"),
        Verdict::Inconclusive => {
            format!("the interval of {shown} holds the limit {limit} after an extension")
        }
        _ => format!("{shown} is within {limit}"),
    };
    Row {
        estimate: Some(estimate),
        headroom: row.limit.headroom(value),
        verdict,
        explanation,
        basis: "12 rounds of 4,096 operations in fresh processes, interval by blocks".into(),
        ..row
    }
}

/// A latency curve: `median` at the 50th percentile, `growth` times as much at each nine.
pub(super) fn tail(median: f64, growth: f64, samples: u64) -> Distribution {
    let nines = (samples as f64).log10();
    let value =
        |nine: f64| median * growth.powf(nine - 0.301) * (0.8 + 0.2 * (nine / 0.3).min(1.0));
    let steps = 48;
    let mut quantiles: Vec<(f64, f64)> = (0..steps)
        .map(|step| f64::from(step) / f64::from(steps) * nines)
        .map(|nine| (1.0 - 10_f64.powf(-nine), value(nine)))
        .collect();
    let max = value(nines);
    quantiles.push((1.0, max));
    Distribution { sample: "batch of 64 operations".into(), samples, quantiles, max }
}

/// A bell around `center`, as 40 blocks would show it.
fn bell(center: f64, spread: f64) -> Distribution {
    let value = |q: f64| center * (1.0 + spread * ((q.max(0.01) / (1.0 - q).max(0.01)).ln() / 4.6));
    let quantiles: Vec<_> =
        (0..=40).map(|step| f64::from(step) / 40.0).map(|q| (q, value(q))).collect();
    let sample = "block of 4,096 operations".into();
    Distribution { sample, samples: 40, quantiles, max: value(1.0) }
}

fn timed() -> Vec<Row> {
    let p99 = Metric::Latency(Percentile::P99);
    let plot = |row: Row, distribution| Row { distribution: Some(distribution), ..row };
    let ratio = |metric, limit| Row {
        relative_to: Some("papaya_get".into()),
        ..row("registry_lookup", metric, limit)
    };
    vec![
        plot(
            measured(row("agent_call", p99, "1 ms"), Verdict::Pass, (5300.0, 5500.0, 5720.0)),
            tail(900.0, 2.9, 1_000_000),
        ),
        plot(
            measured(row("consensus_round", p99, "40 us"), Verdict::Fail, (46e3, 48.4e3, 51e3)),
            tail(18e3, 1.8, 250_000),
        ),
        plot(
            measured(
                row("snapshot", Metric::Latency(Percentile::P50), "1 us"),
                Verdict::Waived,
                (63e3, 64e3, 65.2e3),
            ),
            tail(64e3, 1.2, 40_000),
        ),
        plot(
            measured(
                row("spawn", Metric::LatencyMean, "2 us"),
                Verdict::Inconclusive,
                (1890.0, 1975.0, 2060.0),
            ),
            bell(1975.0, 0.09),
        ),
        plot(
            measured(ratio(Metric::LatencyMean, "1.15 x"), Verdict::Pass, (1.041, 1.052, 1.064)),
            bell(1.052, 0.03),
        ),
        plot(
            measured(
                row("cast", Metric::Throughput, "5 M/s"),
                Verdict::Pass,
                (7.9e6, 8.1e6, 8.3e6),
            ),
            bell(8.1e6, 0.05),
        ),
        measured(
            row("agent_call", Metric::SuccessRate, "99.9 %"),
            Verdict::Pass,
            (0.9994, 0.9998, 1.0),
        ),
    ]
}

fn counted() -> Vec<Row> {
    let exact = |row, verdict, value| measured(row, verdict, (value, value, value));
    vec![
        exact(row("cast", Metric::Instructions, "1_200"), Verdict::Pass, 1130.0),
        exact(row("lookup", Metric::Allocations, "0"), Verdict::Pass, 0.0),
        exact(row("call", Metric::Allocations, "0"), Verdict::Fail, 2.0),
        exact(row("spawn", Metric::Bytes, "4 KiB"), Verdict::Pass, 3328.0),
        measured(row("spawn", Metric::Growth, "0"), Verdict::Inconclusive, (0.0, 0.0, 96.0)),
    ]
}

fn unjudged() -> Vec<Row> {
    let hostile = Row {
        relative_to: Some(HOSTILE.into()),
        owner: HOSTILE.into(),
        reason: HOSTILE.into(),
        basis: HOSTILE.into(),
        explanation: HOSTILE.into(),
        verdict: Verdict::Invalid,
        ..row("hostile<b>", Metric::LatencyMean, "2 x")
    };
    let stale = Row {
        verdict: Verdict::Invalid,
        explanation: "its result is of another commit than this run's".into(),
        ..row("auction_clear", Metric::Latency(Percentile::P999), "10 ms")
    };
    let skipped = Row { missing_tool: true, ..row("encode", Metric::Instructions, "15_000") };
    vec![hostile, stale, skipped]
}

/// Checks that every tag of `xml` is closed where it must be and that no markup is left bare.
pub(super) fn assert_well_formed(xml: &str) {
    let mut open: Vec<&str> = Vec::new();
    let mut rest = xml;
    while let Some(at) = rest.find('<') {
        assert!(!rest[..at].contains('>') || !open.is_empty(), "text before the root: {rest:.60}");
        let end = at + rest[at..].find('>').expect("a tag that ends");
        let tag = &rest[at + 1..end];
        assert_eq!(tag.matches('"').count() % 2, 0, "a quote is open in <{tag}>");
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name.trim()), "<{tag}> closes something else");
        } else if !(tag.starts_with(['?', '!']) || tag.ends_with('/')) {
            open.push(tag.split_whitespace().next().expect("a name"));
        }
        rest = &rest[end + 1..];
    }
    assert_eq!(open, Vec::<&str>::new(), "left open");
    for entity in xml.split('&').skip(1) {
        let name = entity.split(';').next().unwrap_or_default();
        let known = matches!(name, "lt" | "gt" | "amp" | "quot" | "apos") || name.starts_with('#');
        assert!(known, "bare ampersand before `{entity:.20}`");
    }
}
