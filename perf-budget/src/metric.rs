//! What is measured of an operation.

use std::fmt;
use std::str::FromStr;

use crate::Unit;

/// A measured property of an operation; the words of a budgets file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Metric {
    /// A percentile of the latency of single operations (or of batches of a stated size) under an
    /// offered rate, timed from the intended start.
    Latency(Percentile),
    /// Mean time of one operation, back to back.
    LatencyMean,
    /// Operations a second of one worker, back to back: the inverse of the mean.
    Throughput,
    /// Instructions of one operation, counted by callgrind.
    Instructions,
    /// Heap allocations an operation.
    Allocations,
    /// Bytes asked of the heap an operation.
    Bytes,
    /// Live bytes that a stated number of operations left behind.
    Growth,
    /// Share of operations that succeeded under the offered rate.
    SuccessRate,
}

/// A percentile that a budget can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Percentile {
    /// The median.
    P50,
    /// One in ten is slower.
    P90,
    /// One in a hundred is slower.
    P99,
    /// One in a thousand is slower.
    P999,
}

impl Percentile {
    /// The percentile as a share of all operations: 0.99 for `P99`.
    pub const fn quantile(self) -> f64 {
        match self {
            Self::P50 => 0.5,
            Self::P90 => 0.9,
            Self::P99 => 0.99,
            Self::P999 => 0.999,
        }
    }
}

impl Metric {
    /// Every metric, in the order of the documentation.
    pub const ALL: [Self; 11] = [
        Self::Latency(Percentile::P50),
        Self::Latency(Percentile::P90),
        Self::Latency(Percentile::P99),
        Self::Latency(Percentile::P999),
        Self::LatencyMean,
        Self::Throughput,
        Self::Instructions,
        Self::Allocations,
        Self::Bytes,
        Self::Growth,
        Self::SuccessRate,
    ];

    /// The word that a budgets file uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Latency(Percentile::P50) => "latency_p50",
            Self::Latency(Percentile::P90) => "latency_p90",
            Self::Latency(Percentile::P99) => "latency_p99",
            Self::Latency(Percentile::P999) => "latency_p999",
            Self::LatencyMean => "latency_mean",
            Self::Throughput => "throughput",
            Self::Instructions => "instructions",
            Self::Allocations => "allocations",
            Self::Bytes => "bytes",
            Self::Growth => "growth",
            Self::SuccessRate => "success_rate",
        }
    }

    /// The unit of an absolute limit on this metric.
    pub const fn unit(self) -> Unit {
        match self {
            Self::Latency(_) | Self::LatencyMean => Unit::Nanoseconds,
            Self::Throughput => Unit::PerSecond,
            Self::Instructions | Self::Allocations => Unit::Count,
            Self::Bytes | Self::Growth => Unit::Bytes,
            Self::SuccessRate => Unit::Fraction,
        }
    }

    /// Whether two operations can be measured against each other in one run on this metric, so that
    /// a budget may say `relative_to`.
    pub const fn can_be_relative(self) -> bool {
        matches!(self, Self::LatencyMean | Self::Throughput)
    }

    /// Whether the value depends on an offered rate and a duration.
    pub const fn needs_load(self) -> bool {
        matches!(self, Self::Latency(_) | Self::SuccessRate)
    }
}

/// A word that names no metric.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownMetric(pub String);

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(text: &str) -> Result<Self, UnknownMetric> {
        let found = Self::ALL.into_iter().find(|metric| metric.name() == text);
        found.ok_or_else(|| UnknownMetric(text.to_owned()))
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for UnknownMetric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "unknown metric `{}`; known are", self.0)?;
        for (index, metric) in Metric::ALL.into_iter().enumerate() {
            write!(f, "{} {metric}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

impl std::error::Error for UnknownMetric {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_read_back_from_its_name() {
        for metric in Metric::ALL {
            assert_eq!(metric.name().parse(), Ok(metric));
        }
        let error = "latency_p98".parse::<Metric>().expect_err("no such metric");
        assert!(error.to_string().contains("`latency_p98`"), "{error}");
        assert!(error.to_string().contains("latency_p99"), "{error}");
    }
}
