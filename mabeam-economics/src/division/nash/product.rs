//! Products of utilities, compared exactly.

use std::cmp::Ordering;

/// Compares the products of two lists.
pub(super) fn compare(a: &[u64], b: &[u64]) -> Ordering {
    let (a, b) = (product(a), product(b));
    a.len().cmp(&b.len()).then_with(|| a.iter().rev().cmp(b.iter().rev()))
}

/// The digits of the product in base 2^64, lowest first, without leading zeros.
fn product(factors: &[u64]) -> Vec<u64> {
    let mut digits = vec![1_u64];
    for &factor in factors {
        let mut carry = 0_u128;
        for digit in &mut digits {
            let sum = u128::from(*digit) * u128::from(factor) + carry;
            *digit = low(sum);
            carry = sum >> 64;
        }
        digits.push(low(carry));
        while digits.last() == Some(&0) {
            digits.pop();
        }
    }
    digits
}

#[expect(clippy::cast_possible_truncation, reason = "the low half is what is asked for")]
fn low(sum: u128) -> u64 {
    sum as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_beyond_any_integer_type_are_told_apart() {
        let most = u64::MAX;
        assert_eq!(compare(&[most; 9], &[most; 9]), Ordering::Equal);
        assert_eq!(compare(&[most, most, 3], &[most, 3, most]), Ordering::Equal);
        assert_eq!(compare(&[most - 1, most, 7], &[most - 1, most - 1, 7]), Ordering::Greater);
        assert_eq!(compare(&[most, most - 2], &[most - 1, most - 1]), Ordering::Less);
        assert_eq!(compare(&[0, most], &[1, 1]), Ordering::Less);
        assert_eq!(compare(&[], &[1]), Ordering::Equal);
    }
}
