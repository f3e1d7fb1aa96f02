//! Numbers: what a round measured, and what many rounds say together.

use std::borrow::Cow;

/// What one round of a workload measured: each measure's name, which ends with its unit, and value.
pub type Figures = Vec<(Cow<'static, str>, f64)>;

/// One figure by its name.
pub fn figure(measure: &'static str, value: f64) -> (Cow<'static, str>, f64) {
    (Cow::Borrowed(measure), value)
}

/// The mean of what is left when the lowest and the highest fifth are taken away.
pub fn trimmed_mean(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let kept = &values[values.len() / 5..values.len() - values.len() / 5];
    kept.iter().sum::<f64>() / kept.len() as f64
}

/// The value that the share `at` of `values` lies below, between two of them if need be.
pub fn quantile(values: &[f64], at: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = at * (sorted.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a place in a vector is what it was computed from"
    )]
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    below + (above - below) * place.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_slow_slice_in_five_changes_no_mean() {
        assert!((trimmed_mean(vec![9000.0, 1.0, 2.0, 3.0, -7.0]) - 2.0).abs() < 1e-9);
        assert!((trimmed_mean(vec![4.0]) - 4.0).abs() < 1e-9);
    }

    #[test]
    fn a_quantile_lies_among_the_values() {
        let values = [5.0, 1.0, 3.0, 2.0, 4.0];
        for (at, expected) in [(0.0, 1.0), (0.25, 2.0), (0.5, 3.0), (0.625, 3.5), (1.0, 5.0)] {
            assert!((quantile(&values, at) - expected).abs() < 1e-9, "{at}");
        }
    }
}
