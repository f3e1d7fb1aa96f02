//! What the continuous divisions share: small dense systems of linear equations, and certificates.

/// The inner product.
pub(super) fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// An excess, which is not negative but for rounding; what is not a number certifies nothing.
pub(super) fn certified(excess: f64) -> f64 {
    if excess.is_nan() { f64::INFINITY } else { excess.max(0.0) }
}

/// The solution of a symmetric positive definite system, by elimination; `None` if it is neither.
pub(super) fn solve(mut matrix: Vec<Vec<f64>>, mut right: Vec<f64>) -> Option<Vec<f64>> {
    let size = right.len();
    for pivot in 0..size {
        let (above, below) = matrix.split_at_mut(pivot + 1);
        let line = above.last()?;
        if line[pivot].is_nan() || line[pivot] <= 0.0 {
            return None;
        }
        for (offset, row) in below.iter_mut().enumerate() {
            let factor = row[pivot] / line[pivot];
            row.iter_mut().zip(line).for_each(|(entry, above)| *entry -= factor * above);
            right[pivot + 1 + offset] -= factor * right[pivot];
        }
    }
    for pivot in (0..size).rev() {
        let known = dot(&matrix[pivot][pivot + 1..], &right[pivot + 1..]);
        right[pivot] = (right[pivot] - known) / matrix[pivot][pivot];
    }
    right.iter().all(|entry| entry.is_finite()).then_some(right)
}
