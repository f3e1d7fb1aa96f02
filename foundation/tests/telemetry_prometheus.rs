//! The Prometheus text, read back strictly, says what the telemetry knows.
#![cfg(feature = "prometheus")]
#![expect(clippy::expect_used, reason = "a test fails by a panic, in its own functions too")]

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::Duration;

use foundation::clock::{Clock, Timestamp};
use foundation::telemetry::{Limits, Status, Telemetry};

/// The samples by metric and labels, and the type of each metric.
#[derive(Debug, Default)]
struct Page {
    samples: BTreeMap<(String, BTreeMap<String, String>), f64>,
    /// As written, for numbers beyond the exact integers of an `f64`.
    texts: BTreeMap<(String, BTreeMap<String, String>), String>,
    types: BTreeMap<String, String>,
}

impl Page {
    /// Reads a text by the rules of the exposition format 0.0.4; panics at the first violation.
    fn parse(text: &str) -> Self {
        let mut page = Self::default();
        let mut helped = BTreeSet::new();
        let mut group = String::new();
        assert!(text.ends_with('\n'), "the last line has no end");
        for line in text.lines().filter(|line| !line.is_empty()) {
            if let Some(help) = line.strip_prefix("# HELP ") {
                let (name, help) = help.split_once(' ').expect("a text of help");
                assert!(!help.is_empty() && helped.insert(name.to_owned()), "{line}");
            } else if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').expect("a type");
                assert!(helped.contains(name), "no help before {line}");
                assert!(["counter", "gauge"].contains(&kind), "{line}");
                assert_eq!(page.types.insert(name.into(), kind.into()), None, "{line}");
                name.clone_into(&mut group);
            } else {
                assert!(!line.starts_with('#'), "{line}");
                let (name, labels, value) = sample(line);
                assert_eq!(name, group, "a sample outside its group: {line}");
                let key = (name, labels);
                page.samples.insert(key.clone(), value.parse().expect("a number"));
                assert_eq!(page.texts.insert(key, value.to_owned()), None, "twice: {line}");
            }
        }
        page
    }

    fn key(name: &str, labels: &[(&str, &str)]) -> (String, BTreeMap<String, String>) {
        let labels = labels.iter().map(|(key, value)| ((*key).into(), (*value).into()));
        (name.into(), labels.collect())
    }

    fn number(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        self.samples[&Self::key(name, labels)]
    }

    fn whole(&self, name: &str, labels: &[(&str, &str)]) -> u64 {
        assert_eq!(self.types[name], "counter");
        self.texts[&Self::key(name, labels)].parse().expect("a whole number")
    }
}

fn word(rest: &str) -> (&str, &str) {
    let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
    let (word, rest) = rest.split_at(end.unwrap_or(rest.len()));
    assert!(word.starts_with(|c: char| !c.is_ascii_digit()), "no name: {word:?} before {rest:?}");
    (word, rest)
}

fn sample(line: &str) -> (String, BTreeMap<String, String>, &str) {
    let (name, mut rest) = word(line);
    let mut labels = BTreeMap::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = inner;
        loop {
            let (key, after) = word(rest);
            let (value, after) = quoted(after.strip_prefix("=\"").expect("a quoted value"));
            assert_eq!(labels.insert(key.to_owned(), value), None, "{line}");
            let Some(after) = after.strip_prefix(',') else {
                rest = after.strip_prefix('}').expect("the end of the labels");
                break;
            };
            rest = after;
        }
    }
    let value = rest.strip_prefix(' ').expect("one space before the value");
    assert!(!value.contains(' '), "{line}");
    (name.to_owned(), labels, value)
}

fn quoted(text: &str) -> (String, &str) {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, character)) = chars.next() {
        match character {
            '"' => return (value, &text[at + 1..]),
            '\\' => match chars.next() {
                Some((_, 'n')) => value.push('\n'),
                Some((_, escaped @ ('"' | '\\'))) => value.push(escaped),
                other => panic!("not an escape: {other:?}"),
            },
            other => value.push(other),
        }
    }
    panic!("an open quote")
}

#[test]
fn the_text_says_exactly_what_the_telemetry_knows() {
    // A quote, braces, commas, an equals sign, spaces and letters of other scripts.
    const ODD: &str = "say \"hi\", {x=\"1\"} \u{e4}\u{4e2d} # HELP";
    let hand = Clock::manual(Timestamp::from_nanos(0));
    let telemetry = Telemetry::with_clock(Limits::default(), hand.clock());
    let operation = telemetry.operation(ODD).unwrap();
    let idle = telemetry.operation("idle").unwrap();
    idle.set_sampling(NonZeroU32::new(4).unwrap());
    let long = Duration::from_secs(100 * 86_400) + Duration::from_nanos(1);
    for (times, status) in [(1, Status::Success), (2, Status::Error), (3, Status::Cancelled)] {
        (0..times).for_each(|_| operation.record(long, status));
    }
    hand.advance(Duration::from_secs(30));
    (0..4).for_each(|_| operation.record(Duration::from_millis(250), Status::Panicked));
    telemetry.counter(ODD).unwrap().add(u64::MAX - 1);
    telemetry.gauge("depth").unwrap().set(-0.5);

    let page = Page::parse(&telemetry.render());
    let own = [("operation", ODD)];
    for (status, count) in [("success", 1), ("error", 2), ("cancelled", 3), ("panicked", 4)] {
        let labels = [("operation", ODD), ("status", status)];
        assert_eq!(page.whole("foundation_operation_total", &labels), count);
    }
    assert_eq!(page.whole("foundation_operation_timed_total", &own), 10);
    assert_eq!(page.whole("foundation_operation_clamped_total", &own), 6);
    let sum = page.whole("foundation_operation_duration_nanoseconds_total", &own);
    let exact = 6 * long + 4 * Duration::from_millis(250);
    assert_eq!(u128::from(sum), exact.as_nanos());

    let quantile = |name: &str, window: &str, quantile: &str| {
        let labels = [("operation", name), ("window", window), ("quantile", quantile)];
        page.number("foundation_operation_duration_seconds", &labels)
    };
    for text in ["0.5", "0.9", "0.99", "0.999"] {
        let recent = quantile(ODD, "10s", text);
        assert!((0.25..=0.25 * (1.0 + 1.0 / 128.0)).contains(&recent), "{recent}");
        assert!(quantile(ODD, "60s", text) > 4_000.0);
        assert!(quantile("idle", "10s", text).is_nan());
    }
    assert_eq!(page.types["foundation_operation_duration_seconds"], "gauge");
    let idle_name = [("operation", idle.name())];
    let rate = page.number("foundation_operation_sample_rate", &idle_name);
    assert_eq!(rate.to_bits(), 0.25_f64.to_bits());

    assert_eq!(page.whole("foundation_counter_total", &[("counter", ODD)]), u64::MAX - 1);
    let gauge = page.number("foundation_gauge", &[("gauge", "depth")]);
    assert_eq!(gauge.to_bits(), (-0.5_f64).to_bits());
    assert_eq!(page.whole("foundation_telemetry_untracked_total", &[]), 0);
    // Two operations with 4 + 3 counters, a rate and 8 quantiles each, and three of the program.
    assert_eq!((page.types.len(), page.samples.len()), (9, 2 * (4 + 3 + 1 + 8) + 3));
}

#[test]
fn a_recorder_that_is_kept_follows() {
    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let telemetry = Telemetry::default();
    let counter = telemetry.counter("n").unwrap();
    for expected in 1..=3 {
        counter.increment();
        telemetry.publish(&recorder);
        let page = Page::parse(&recorder.handle().render());
        assert_eq!(page.whole("foundation_counter_total", &[("counter", "n")]), expected);
    }
}
