//! From floats to integers, without a cast that loses silently.
//!
//! Owns the one place where a solver's answer becomes an integer that can be checked exactly.

/// `value * 2^places`, cut towards zero; the nearest end of the range beyond it, 0 for NaN.
///
/// Exact: a float is an integer times a power of two.
pub(crate) fn toward_zero(value: f64, places: i32) -> i128 {
    let bits = value.abs().to_bits();
    let exponent = i32::try_from(bits >> 52).unwrap_or(0);
    let fraction = i128::from(bits & ((1 << 52) - 1));
    if value.is_nan() {
        return 0;
    }
    // A subnormal lacks the leading one and has the exponent of the smallest normal.
    let (mantissa, exponent) =
        if exponent == 0 { (fraction, 1) } else { (fraction | 1 << 52, exponent) };
    let shift = exponent.saturating_sub(1075).saturating_add(places);
    let magnitude = match u32::try_from(shift) {
        Ok(left) if left <= 73 => mantissa << left,
        Ok(_) if mantissa == 0 => 0,
        Ok(_) => i128::MAX,
        Err(_) => mantissa.checked_shr(shift.unsigned_abs()).unwrap_or(0),
    };
    if value.is_sign_negative() { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn floats_become_the_integers_that_they_are() {
        for (value, places, integer) in [
            (0.0, 0, 0),
            (1.0, 0, 1),
            (-1.75, 0, -1),
            (-1.75, 2, -7),
            (0.1, 4, 1),
            (1e15, 0, 1_000_000_000_000_000),
            (f64::MIN_POSITIVE / 2.0, 60, 0),
            (1e300, 0, i128::MAX),
            (f64::INFINITY, -10, i128::MAX),
            (f64::NEG_INFINITY, 0, -i128::MAX),
            (f64::NAN, 3, 0),
        ] {
            assert_eq!(toward_zero(value, places), integer, "{value} {places}");
        }
    }
}
