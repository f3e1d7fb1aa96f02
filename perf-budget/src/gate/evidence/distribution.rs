//! Distributions for the reader's eye; no verdict rests on them.

use hdrhistogram::Histogram;

use crate::gate::report::Distribution;

/// Points of a quantile curve that is drawn over a linear axis.
const LINEAR_POINTS: usize = 100;

/// The quantile function of `values`; `None` of nothing.
pub(super) fn of_values(mut values: Vec<f64>, sample: String) -> Option<Distribution> {
    values.sort_by(f64::total_cmp);
    let last = values.len().checked_sub(1)?;
    let quantiles = (0..=LINEAR_POINTS)
        .map(|point| (point as f64 / LINEAR_POINTS as f64, values[point * last / LINEAR_POINTS]))
        .collect();
    Some(Distribution { sample, samples: values.len() as u64, quantiles, max: values[last] })
}

/// The quantile function of `latencies`, denser towards the tail: as many points for each nine.
pub(super) fn of_histogram(latencies: &Histogram<u64>, sample: String) -> Distribution {
    let points =
        latencies.iter_quantiles(8).map(|step| (step.quantile(), step.value_iterated_to() as f64));
    let mut quantiles = vec![(0.0, latencies.min() as f64)];
    quantiles.extend(points);
    Distribution { sample, samples: latencies.len(), quantiles, max: latencies.max() as f64 }
}
