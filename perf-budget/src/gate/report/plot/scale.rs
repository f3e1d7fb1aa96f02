//! From values to coordinates, and where an axis has its marks.

use crate::Unit;
use crate::gate::report::text;

/// Above this quotient of largest and smallest value an axis is logarithmic.
const WIDE: f64 = 25.0;
/// The most marks on a vertical axis.
const MARKS: usize = 6;
/// The most nines that a percentile axis shows.
const NINES: u8 = 7;

/// A vertical axis.
#[derive(Clone, Copy, Debug)]
pub(super) struct Values {
    low: f64,
    high: f64,
    log: bool,
    unit: Unit,
}

impl Values {
    /// An axis on which all of `values` have room. Values that are not finite are ignored.
    pub(super) fn around(values: impl Iterator<Item = f64> + Clone, unit: Unit) -> Self {
        // Beyond this, differences overflow; nothing real is.
        let values = values.filter(|value| value.is_finite() && value.abs() < 1e300);
        let high = values.clone().fold(f64::NEG_INFINITY, f64::max);
        let low = values.clone().fold(f64::INFINITY, f64::min);
        let positive = values.filter(|&value| value > 0.0).fold(f64::INFINITY, f64::min);
        if low > high {
            return Self { low: 0.0, high: 1.0, log: false, unit };
        }
        if low >= 0.0 && high / positive > WIDE {
            let margin = (high / positive).powf(0.13);
            return Self { low: positive / margin, high: high * margin, log: true, unit };
        }
        let least = high.abs().max(low.abs()) * 1e-3;
        let span = (high - low).max(if least > 0.0 { least } else { 1.0 });
        let from_zero = low >= 0.0 && low < 0.5 * high;
        let floor = if from_zero || low == 0.0 { 0.0 } else { low - 0.15 * span };
        Self { low: floor, high: high + 0.15 * span, log: false, unit }
    }

    /// Where `value` stands, from 0 at the bottom to 1 at the top; clamped to these.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = if self.log {
            (value.max(self.low) / self.low).ln() / (self.high / self.low).ln()
        } else {
            (value - self.low) / (self.high - self.low)
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// Round values along the axis, with their labels.
    pub(super) fn marks(&self) -> Vec<(f64, String)> {
        let marks = if self.log { self.log_marks() } else { self.linear_marks() };
        marks.into_iter().map(|mark| (mark, text::value(mark, self.unit))).collect()
    }

    fn linear_marks(&self) -> Vec<f64> {
        // Bytes are round in powers of 1024.
        let base = match self.unit {
            Unit::Bytes => 1024_f64.powf((self.high.max(1.0).log2() / 10.0).floor()),
            _ => 1.0,
        };
        let rough = (self.high - self.low) / base / (MARKS - 1) as f64;
        let decade = 10_f64.powf(rough.log10().floor());
        let step = [1.0, 2.0, 5.0, 10.0].map(|times| times * decade * base);
        let step = step.into_iter().find(|step| *step >= rough * base).unwrap_or(rough * base);
        let first = (self.low / step).ceil();
        (0..=MARKS)
            .map(|index| (first + index as f64) * step)
            .filter(|mark| *mark <= self.high)
            .collect()
    }

    fn log_marks(&self) -> Vec<f64> {
        let base: f64 = if self.unit == Unit::Bytes { 4.0 } else { 10.0 };
        let (first, last) = (self.low.log(base).floor(), self.high.log(base).ceil());
        // Finite numbers span fewer than 650 decades.
        let steps = (0..1100).map(f64::from).take_while(|step| first + step <= last);
        let powers = steps.map(|step| base.powf(first + step));
        let between: &[f64] = if last - first > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let marks: Vec<f64> = powers
            .flat_map(|power| between.iter().map(move |times| power * times))
            .filter(|mark| (self.low..=self.high).contains(mark))
            .collect();
        let stride = marks.len().div_ceil(MARKS).max(1);
        marks.into_iter().step_by(stride).collect()
    }
}

/// A horizontal axis of quantiles.
#[derive(Clone, Copy, Debug)]
pub(super) enum Quantiles {
    /// From 0 to 100 %.
    Linear,
    /// Each further nine as wide as the last, up to so many.
    Nines(f64),
}

impl Quantiles {
    /// As many nines as `samples` can tell apart, and at least up to `judged`.
    pub(super) fn nines(samples: u64, judged: f64) -> Self {
        let supported = (samples.max(1) as f64).log10();
        Self::Nines(supported.max(nines(judged)).clamp(1.0, f64::from(NINES)))
    }

    /// Where `quantile` stands, from 0 at the left to 1 at the right.
    pub(super) fn share(self, quantile: f64) -> f64 {
        let share = match self {
            Self::Linear => quantile,
            Self::Nines(most) => nines(quantile) / most,
        };
        if share.is_nan() { 0.0 } else { share.clamp(0.0, 1.0) }
    }

    /// The marked quantiles, with their labels.
    pub(super) fn marks(self) -> Vec<(f64, String)> {
        match self {
            Self::Linear => [0, 25, 50, 75, 100]
                .map(|mark| (f64::from(mark) / 100.0, format!("{mark} %")))
                .into(),
            Self::Nines(most) => {
                let mut marks = vec![(0.0, "0 %".to_owned()), (0.5, "50 %".to_owned())];
                let shown = (1..=NINES).take_while(|nines| f64::from(*nines) <= most + 1e-6);
                marks.extend(shown.map(|nines| {
                    let label = match nines {
                        1 => "90 %".to_owned(),
                        2 => "99 %".to_owned(),
                        more => format!("99.{:9<1$} %", "", usize::from(more - 2)),
                    };
                    (1.0 - 0.1_f64.powi(i32::from(nines)), label)
                }));
                marks
            }
        }
    }
}

/// How many nines `quantile` has: 2 for 0.99; infinitely many for 1.
fn nines(quantile: f64) -> f64 {
    -(1.0 - quantile).max(0.0).log10()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64], unit: Unit) -> String {
        let marks = Values::around(values.iter().copied(), unit).marks();
        marks.into_iter().map(|(_, label)| label).collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn marks_are_round_in_the_unit_that_is_shown() {
        assert_eq!(
            labels(&[1800.0, 2100.0], Unit::Nanoseconds),
            "1.80 µs | 1.90 µs | 2.00 µs | 2.10 µs"
        );
        assert_eq!(
            labels(&[300.0, 1e6], Unit::Nanoseconds),
            "1.00 µs | 10.0 µs | 100 µs | 1.00 ms"
        );
        assert_eq!(
            labels(&[0.0, 4096.0], Unit::Bytes),
            "0 B | 1.00 KiB | 2.00 KiB | 3.00 KiB | 4.00 KiB"
        );
        assert_eq!(labels(&[1.04, 1.15], Unit::Ratio), "1.050 x | 1.100 x | 1.150 x");
        assert_eq!(labels(&[0.999, 1.0], Unit::Fraction), "99.9 % | 99.95 % | 100 %");
    }

    #[test]
    fn each_nine_is_as_wide_as_the_last() {
        let axis = Quantiles::nines(10_000, 0.99);
        assert!((axis.share(0.9) - 0.25).abs() < 1e-9);
        assert!((axis.share(0.99) - 0.5).abs() < 1e-9);
        assert!((axis.share(0.999) - 0.75).abs() < 1e-9);
        assert!((axis.share(1.0) - 1.0).abs() < 1e-9);
        assert_eq!(axis.marks().len(), 6);
    }
}
