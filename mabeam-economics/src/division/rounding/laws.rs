//! The laws of rounding by largest remainders, and a rule that breaks them.

use proptest::prelude::*;

use super::*;

fn problems() -> impl Strategy<Value = (u64, Vec<u64>)> {
    let number = || prop_oneof![4 => 0..40_u64, 1 => any::<u64>()];
    (number(), prop::collection::vec(number(), 0..12))
}

fn sum(numbers: &[u64]) -> u128 {
    numbers.iter().copied().map(u128::from).sum()
}

/// The definition, by sorting: the oracle.
fn by_sorting(total: u64, weights: &[u64]) -> Vec<u64> {
    let all = sum(weights).max(1);
    let part = |who: usize| u128::from(total) * u128::from(weights[who]);
    let mut shares: Vec<u64> =
        (0..weights.len()).map(|who| u64::try_from(part(who) / all).unwrap()).collect();
    let mut order: Vec<usize> = (0..weights.len()).filter(|&who| part(who) % all > 0).collect();
    order.sort_by_key(|&who| Reverse(part(who) % all));
    let left = u128::from(total) - sum(&shares);
    for &who in order.iter().take(usize::try_from(left).unwrap_or(usize::MAX)) {
        shares[who] += 1;
    }
    shares
}

proptest! {
    #[test]
    fn nothing_is_lost_or_made((total, weights) in problems()) {
        let shares = largest_remainder(total, &weights);
        let expected = if sum(&weights) == 0 { 0 } else { u128::from(total) };
        prop_assert_eq!(sum(&shares), expected);
    }

    #[test]
    fn every_share_is_its_part_rounded_down_or_up((total, weights) in problems()) {
        let all = sum(&weights);
        for (share, weight) in largest_remainder(total, &weights).iter().zip(&weights) {
            let part = u128::from(total) * u128::from(*weight);
            prop_assert!(part / all.max(1) <= u128::from(*share));
            prop_assert!(u128::from(*share) <= part.div_ceil(all.max(1)));
        }
    }

    #[test]
    fn it_is_the_definition((total, weights) in problems()) {
        prop_assert_eq!(largest_remainder(total, &weights), by_sorting(total, &weights));
    }
}

#[test]
fn a_zero_weight_gets_nothing_and_no_weights_divide_nothing() {
    assert_eq!(largest_remainder(7, &[0, 3, 0]), [0, 7, 0]);
    assert_eq!(largest_remainder(7, &[0, 0]), [0, 0]);
    assert_eq!(largest_remainder(7, &[]), Vec::<u64>::new());
}

#[test]
fn ties_go_to_the_lowest_place() {
    assert_eq!(largest_remainder(5, &[1, 1, 1, 1]), [2, 1, 1, 1]);
    assert_eq!(largest_remainder(2, &[1, 1, 1]), [1, 1, 0]);
}

/// The Alabama paradox, M. Balinski and H. P. Young, *Fair Representation*: one unit more costs the
/// smallest its own. The negative control of a law that is not claimed.
#[test]
fn one_unit_more_may_cost_somebody_one() {
    assert_eq!(largest_remainder(10, &[6, 6, 2]), [4, 4, 2]);
    assert_eq!(largest_remainder(11, &[6, 6, 2]), [5, 5, 1]);
}

/// Negative control: rounding every part to the nearest makes two units out of nothing.
#[test]
fn rounding_each_to_the_nearest_breaks_conservation() {
    let nearest = |total: u64, weights: &[u64]| -> Vec<u64> {
        let all: u64 = weights.iter().sum();
        weights.iter().map(|weight| (2 * total * weight + all) / (2 * all)).collect()
    };
    assert_eq!(sum(&nearest(4, &[1, 1, 1, 5])), 6);
}
