//! The few statistics that verdicts rest on. Pure functions of numbers.

use statrs::distribution::{ContinuousCDF, Normal, StudentsT};

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

/// How many of `rounds` values are left out at each end before they are averaged: one in eight.
pub(crate) const fn trimmed(rounds: usize) -> usize {
    rounds / 8
}

/// The typical value of positive `values`, one from each independent process, with a two-sided
/// interval: a trimmed mean of their logarithms with the t-interval of Tukey and `McLaughlin` (1963;
/// Wilcox, *Introduction to Robust Estimation*, 4.3). Logarithms, because times and ratios are
/// positive and their errors multiply. Trimmed, because about one process in a hundred has the bad
/// luck of a memory layout that makes one side of a comparison half as fast again; it shows in the
/// distribution, and must not decide.
///
/// With fewer than eight values nothing is trimmed, and this is the ordinary t-interval. `None` with
/// fewer than two values, or with one that is not positive and finite.
pub fn log_t_interval(values: &[f64], confidence: f64) -> Option<Interval> {
    if values.len() < 2 || !values.iter().all(|value| value.is_finite() && *value > 0.0) {
        return None;
    }
    let mut logs: Vec<f64> = values.iter().map(|value| value.ln()).collect();
    logs.sort_by(f64::total_cmp);
    let (count, trimmed) = (logs.len(), trimmed(logs.len()));
    let kept = logs.get(trimmed..count - trimmed)?;
    let (least, most) = (*kept.first()?, *kept.last()?);
    let centre = mean(kept)?;
    // Winsorized: what is left out of the mean counts for the variance as the last that is kept.
    let winsorized: Vec<f64> = logs.iter().map(|log| log.clamp(least, most)).collect();
    let middle = mean(&winsorized)?;
    let squares: f64 = winsorized.iter().map(|log| (log - middle).powi(2)).sum();
    let deviation = (squares / (count - 1) as f64).sqrt();

    let freedom = kept.len() as f64 - 1.0;
    let t = StudentsT::new(0.0, 1.0, freedom).ok()?.inverse_cdf(f64::midpoint(1.0, confidence));
    let share_kept = kept.len() as f64 / count as f64;
    let half = t * deviation / (share_kept * (count as f64).sqrt());
    let (low, value, high) = ((centre - half).exp(), centre.exp(), (centre + half).exp());
    Some(Interval { low, value, high })
}

/// The share of successes after `operations` without a failure, with the exact two-sided interval of
/// Clopper and Pearson (1934), which has a closed form where nothing failed.
///
/// `None` after no operation.
pub fn no_failure_interval(operations: u64, confidence: f64) -> Option<Interval> {
    let tail = (1.0 - confidence) / 2.0;
    let low = (tail.ln() / operations as f64).exp();
    (operations > 0).then_some(Interval { low, value: 1.0, high: 1.0 })
}

/// How many standard deviations on each side of the mean hold `confidence` of a normal distribution.
pub fn normal_quantile(confidence: f64) -> Option<f64> {
    Some(Normal::new(0.0, 1.0).ok()?.inverse_cdf(f64::midpoint(1.0, confidence)))
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
    fn the_trimmed_interval_agrees_with_a_calculation_by_hand() {
        // ln values 0, 1, …, 7: 0 and 7 are trimmed. Mean of 1…6: 3.5. Winsorized 1 1 2 3 4 5 6 6:
        // squares 30, variance 30 / 7. t(5, 97.5 %) = 2.5706.
        let values: Vec<f64> = (0..8).map(|log| f64::from(log).exp()).collect();
        let interval = log_t_interval(&values, 0.95).expect("eight values");
        let half = 2.5706 * (30_f64 / 7.0).sqrt() / (0.75 * 8_f64.sqrt());
        assert!(close(interval.value.ln(), 3.5), "{interval:?}");
        assert!(close(interval.high.ln(), 3.5 + half), "{interval:?}");
        assert!(close(interval.low.ln(), 3.5 - half), "{interval:?}");
    }

    #[test]
    fn one_unlucky_process_in_eight_does_not_decide() {
        let mut rounds = vec![1.39, 1.37, 1.38, 1.40, 1.40, 1.34, 1.40, 0.88];
        let interval = log_t_interval(&rounds, 0.995).expect("eight values");
        assert!(interval.low > 1.3 && interval.high < 1.5, "{interval:?}");
        // Two of eight are no accident.
        rounds[0] = 0.88;
        let interval = log_t_interval(&rounds, 0.995).expect("eight values");
        assert!(interval.low < 1.0, "{interval:?}");
    }

    #[test]
    fn the_exact_interval_agrees_with_a_table() {
        // 10 of 10 at 95 %: 0.6915 to 1 (Clopper-Pearson).
        let interval = no_failure_interval(10, 0.95).expect("ten trials");
        assert!(close(interval.low, 0.6915) && close(interval.high, 1.0), "{interval:?}");
        let interval = no_failure_interval(10_000_000, 0.9995).expect("many trials");
        assert!(interval.low > 0.999_999 && interval.low < 1.0, "{interval:?}");
        assert_eq!(no_failure_interval(0, 0.95), None);
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
