//! What a partial allocation can still reach, at most.
//!
//! For any weights `l > 0`: the product of the utilities is at most `(sum l u / n)^n / product of l`
//! (the mean inequality), and `sum l u` is largest when each good goes to whom it is worth most by
//! weight. The best weights are the reciprocals of the utilities at which the goods would be divided
//! if they split; a few steps along the slope come near them.

use super::Problem;

/// The bound's own rounding errors, for each of its terms, are far below this.
const ROUNDING: f64 = 1e-12;

/// Steps along the slope: the lengths that reached most on random problems.
const STEPS: [f64; 6] = [0.0, 0.6, 0.4, 0.25, 0.15, 0.1];

impl Problem {
    /// A bound of the logarithm of the product, of allocations in which the agents have at least
    /// `utilities` and share the goods of `open`. Stops trying once it is below `enough`. `weights`
    /// (logarithms) are improved on the way.
    pub(super) fn bound(
        &self,
        utilities: &[u64],
        open: &[usize],
        weights: &mut [f64],
        enough: f64,
    ) -> f64 {
        let count = weights.len() as f64;
        let mut best = f64::INFINITY;
        let mut trial = weights.to_vec();
        let mut slope = vec![0.0; trial.len()];
        for step in STEPS {
            trial.iter_mut().zip(&slope).for_each(|(weight, slope)| *weight -= step * slope);
            let factors: Vec<f64> = trial.iter().map(|weight| weight.exp()).collect();
            let mut worths: Vec<f64> =
                utilities.iter().zip(&factors).map(|(&u, factor)| u as f64 * factor).collect();
            for &good in open {
                let worth = |who: usize| self.values[who][good] as f64 * factors[who];
                let most = (0..factors.len()).map(|who| (worth(who), who));
                if let Some((worth, who)) = most.reduce(|a, b| if b.0 > a.0 { b } else { a }) {
                    worths[who] += worth;
                }
            }
            let total: f64 = worths.iter().sum();
            let size = 1.0 + count + trial.iter().map(|weight| weight.abs()).sum::<f64>();
            let terms = (size + count * total.ln().abs()) * (1.0 + (open.len() as f64).sqrt());
            let bound = count * (total / count).ln() - trial.iter().sum::<f64>() + ROUNDING * terms;
            if bound < best {
                best = bound;
                weights.copy_from_slice(&trial);
            }
            if best < enough || total <= 0.0 {
                break;
            }
            slope = worths.iter().map(|worth| count * worth / total - 1.0).collect();
        }
        best
    }
}
