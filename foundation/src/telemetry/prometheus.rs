//! Telemetry for Prometheus, by way of the `metrics` facade.
//!
//! Owns the names of the metrics and their publication. Samples never pass through the facade, whose
//! histograms keep each one until somebody asks: what was aggregated here is published when it is
//! asked for, counters and sums as counters at their exact values, quantiles as gauges with a
//! `quantile` label, because they are computed already and belong to windows of their own. So a
//! recording costs the same with and without this feature. Leaves escaping and layout to
//! `metrics-exporter-prometheus`.
//!
//! Names of operations, counters and gauges are label values and stay as they are: as names of
//! metrics, `cache.hits` and `cache_hits` would become the same.
//!
//! Sums of durations are in nanoseconds, not in seconds as is usual: a counter of the facade is a
//! whole number, and so the sum is exact.

use std::time::Duration;

use metrics::{Key, KeyName, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusBuilder;

use super::{Reading, Status, Summary, Telemetry};
use crate::clock::nanos;

/// The quantiles of each window.
const QUANTILES: [(&str, f64); 4] = [("0.5", 0.5), ("0.9", 0.9), ("0.99", 0.99), ("0.999", 0.999)];

const METADATA: Metadata<'static> =
    Metadata::new("foundation::telemetry", Level::INFO, Some(module_path!()));

/// A metric with its text of help.
type Metric = (&'static str, &'static str);

const ENDS: Metric =
    ("foundation_operation_total", "How often the operation ended, by the way it ended.");
const TIMED: Metric = (
    "foundation_operation_timed_total",
    "How many ends were timed: the count that belongs to the sum of the durations.",
);
const BUSY: Metric = (
    "foundation_operation_duration_nanoseconds_total",
    "The sum of the timed durations in nanoseconds.",
);
const CLAMPED: Metric = (
    "foundation_operation_clamped_total",
    "How many durations were longer than the histogram's range of 73 minutes.",
);
const SAMPLE_RATE: Metric =
    ("foundation_operation_sample_rate", "The share of the calls that is timed.");
const QUANTILE: Metric = (
    "foundation_operation_duration_seconds",
    "Quantiles of the timed durations of a window, at most 1/128 too high; NaN if there are none.",
);
const COUNTER: Metric = ("foundation_counter_total", "The counters of the program.");
const GAUGE: Metric = ("foundation_gauge", "The gauges of the program.");
const UNTRACKED: Metric = (
    "foundation_telemetry_untracked_total",
    "How often work was done untracked because the name of its operation was refused.",
);

/// A recorder and what is said to it.
struct Publisher<'a>(&'a dyn Recorder);

impl Telemetry {
    /// Tells `recorder` how everything stands now, beside whatever else it records.
    ///
    /// Publish one telemetry to a recorder: two would overwrite each other where names are the same.
    /// A counter of the facade never goes back.
    pub fn publish(&self, recorder: &dyn Recorder) {
        let publisher = Publisher(recorder);
        publisher.describe();
        for reading in self.snapshot() {
            publisher.operation(&reading);
            for (span, window) in self.limits().windows.iter().zip(&reading.windows) {
                publisher.window(&reading.name, *span, window);
            }
        }
        for (name, value) in self.counters() {
            publisher.counter(COUNTER, vec![label("counter", &name)], value);
        }
        for (name, value) in self.gauges() {
            publisher.gauge(GAUGE, vec![label("gauge", &name)], value);
        }
        publisher.counter(UNTRACKED, Vec::new(), self.untracked());
    }

    /// How everything stands now, in the Prometheus text format. For the handler of a scrape.
    ///
    /// Costs a [snapshot](Telemetry::snapshot) and a recorder, which is made for each text and keeps
    /// nothing; the first one of the process may calibrate a clock for some milliseconds.
    pub fn render(&self) -> String {
        let recorder = PrometheusBuilder::new().build_recorder();
        self.publish(&recorder);
        recorder.handle().render()
    }
}

impl Publisher<'_> {
    fn describe(&self) {
        for (name, help) in [ENDS, TIMED, BUSY, CLAMPED, COUNTER, UNTRACKED] {
            self.0.describe_counter(KeyName::from_const_str(name), None, help.into());
        }
        for (name, help) in [SAMPLE_RATE, QUANTILE, GAUGE] {
            self.0.describe_gauge(KeyName::from_const_str(name), None, help.into());
        }
    }

    fn operation(&self, reading: &Reading) {
        let own = || vec![label("operation", &reading.name)];
        let total = &reading.total;
        for status in Status::ALL {
            let mut labels = own();
            labels.push(label("status", status.as_str()));
            self.counter(ENDS, labels, total.statuses.of(status));
        }
        let busy_nanos = nanos(total.busy);
        self.counter(TIMED, own(), total.durations.count());
        self.counter(BUSY, own(), busy_nanos);
        self.counter(CLAMPED, own(), total.clamped);
        self.gauge(SAMPLE_RATE, own(), 1.0 / reading.sample_every as f64);
    }

    fn window(&self, operation: &str, span: Duration, window: &Summary) {
        let span = format!("{}s", span.as_secs_f64());
        for (text, quantile) in QUANTILES {
            let found = window.durations.quantile(quantile);
            let seconds = found.map_or(f64::NAN, |duration| duration.as_secs_f64());
            let labels = [("operation", operation), ("window", &span), ("quantile", text)];
            self.gauge(QUANTILE, labels.map(|(key, value)| label(key, value)).to_vec(), seconds);
        }
    }

    fn counter(&self, (name, _): Metric, labels: Vec<Label>, value: u64) {
        self.0.register_counter(&Key::from_parts(name, labels), &METADATA).absolute(value);
    }

    fn gauge(&self, (name, _): Metric, labels: Vec<Label>, value: f64) {
        self.0.register_gauge(&Key::from_parts(name, labels), &METADATA).set(value);
    }
}

fn label(key: &'static str, value: &str) -> Label {
    Label::new(key, value.to_owned())
}
