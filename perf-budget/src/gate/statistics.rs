//! The few statistics that verdicts rest on. Pure functions of numbers.

use statrs::distribution::{Beta, ContinuousCDF, StudentsT};

/// An interval and the point estimate within it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: f64,
    /// The point estimate.
    pub value: f64,
    /// The upper end.
    pub high: f64,
}

/// The geometric mean of positive `values`, one from each independent process, with a two-sided
/// t-interval on their logarithms: times and ratios are positive and their errors multiply.
///
/// `None` with fewer than two values, or with one that is not positive and finite.
pub fn log_t_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    if values.len() < 2 || !values.iter().all(|value| value.is_finite() && *value > 0.0) {
        return None;
    }
    let count = values.len() as f64;
    let logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    let mean = logs.iter().sum::<f64>() / count;
    let variance = logs.iter().map(|log| (log - mean).powi(2)).sum::<f64>() / (count - 1.0);
    let t = StudentsT::new(0.0, 1.0, count - 1.0).ok()?.inverse_cdf(f64::midpoint(1.0, confidence));
    let half = t * (variance / count).sqrt();
    Some(Interval { low: (mean - half).exp(), value: mean.exp(), high: (mean + half).exp() })
}

/// The share `succeeded / total` with its exact two-sided interval (Clopper and Pearson 1934).
///
/// `None` if `total` is zero or smaller than `succeeded`.
pub fn proportion_interval(succeeded: u64, total: u64, confidence: f64) -> Option<Interval> {
    let failed = total.checked_sub(succeeded).filter(|_| total > 0)?;
    let tail = (1.0 - confidence) / 2.0;
    let quantile =
        |a: u64, b: u64, at: f64| Some(Beta::new(a as f64, b as f64).ok()?.inverse_cdf(at));
    let low = if succeeded == 0 { 0.0 } else { quantile(succeeded, failed + 1, tail)? };
    let high = if failed == 0 { 1.0 } else { quantile(succeeded + 1, failed, 1.0 - tail)? };
    Some(Interval { low, value: succeeded as f64 / total as f64, high })
}

/// The arithmetic mean; `None` of nothing.
pub fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The median; `None` of nothing.
pub fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    Some(if sorted.len() % 2 == 1 { upper } else { f64::midpoint(sorted[middle - 1], upper) })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn close(left: f64, right: f64) -> bool {
        (left - right).abs() <= 1e-3 * right.abs().max(1e-9)
    }

    #[test]
    fn the_t_interval_agrees_with_a_table() {
        // ln values -1, 0, 1: mean 0, sd 1, t(2, 97.5 %) = 4.3027, half width 4.3027 / sqrt 3.
        let values = [(-1_f64).exp(), 1.0, 1_f64.exp()];
        let interval = log_t_interval(&values, 0.95).expect("three values");
        assert!(close(interval.value, 1.0), "{interval:?}");
        assert!(close(interval.high.ln(), 4.3027 / 3_f64.sqrt()), "{interval:?}");
        assert!(close(interval.low.ln(), -4.3027 / 3_f64.sqrt()), "{interval:?}");
    }

    #[test]
    fn the_exact_interval_agrees_with_a_table() {
        // 8 of 10 at 95 %: 0.4439 to 0.9748 (Clopper-Pearson).
        let interval = proportion_interval(8, 10, 0.95).expect("ten trials");
        assert!(close(interval.low, 0.4439) && close(interval.high, 0.9748), "{interval:?}");
        // No failure in n: the lower end is (alpha/2)^(1/n).
        let interval = proportion_interval(100, 100, 0.95).expect("a hundred trials");
        assert!(close(interval.low, 0.025_f64.powf(0.01)), "{interval:?}");
        assert!(close(interval.high, 1.0));
        assert_eq!(proportion_interval(1, 0, 0.95), None);
        assert_eq!(proportion_interval(0, 0, 0.95), None);
    }

    #[test]
    fn what_is_no_sample_has_no_interval() {
        assert_eq!(log_t_interval(&[1.0], 0.95), None);
        assert_eq!(log_t_interval(&[1.0, 0.0], 0.95), None);
        assert_eq!(log_t_interval(&[1.0, f64::NAN], 0.95), None);
        assert_eq!((median(&[]), mean(&[])), (None, None));
        assert_eq!(median(&[3.0, 1.0, 2.0, 10.0]), Some(2.5));
    }

    proptest! {
        #[test]
        fn more_confidence_is_a_wider_interval(
            values in proptest::collection::vec(0.1_f64..1e6, 2..20),
        ) {
            let [narrow, wide] = [0.9, 0.999].map(|level| log_t_interval(&values, level).expect("positive"));
            prop_assert!(wide.low <= narrow.low && narrow.high <= wide.high);
            prop_assert!(narrow.low <= narrow.value && narrow.value <= narrow.high);
        }

        #[test]
        fn scaling_the_unit_scales_the_interval(
            values in proptest::collection::vec(0.1_f64..1e6, 2..20),
            scale in 0.01_f64..100.0,
        ) {
            let scaled: Vec<f64> = values.iter().map(|value| value * scale).collect();
            let one = log_t_interval(&values, 0.99).expect("positive");
            let other = log_t_interval(&scaled, 0.99).expect("positive");
            prop_assert!(close(other.high, one.high * scale) && close(other.low, one.low * scale));
        }
    }
}
