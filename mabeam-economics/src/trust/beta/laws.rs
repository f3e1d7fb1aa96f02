//! The prior, monotonicity and fading of the beta reputation, in exact arithmetic.

use num_rational::Ratio;
use proptest::prelude::*;

use super::*;

fn seen(satisfactory: u64, other: u64) -> BetaReputation {
    let mut seen = BetaReputation::default();
    seen.observe(satisfactory, other).unwrap();
    seen
}

fn ratio(reputation: &BetaReputation) -> Ratio<u128> {
    let (numerator, denominator) = reputation.expected_ratio();
    Ratio::new(numerator.into(), denominator.into())
}

proptest! {
    #[test]
    fn it_is_the_mean_of_the_beta_distribution(good in 0..1_u64 << 40, bad in 0..1_u64 << 40) {
        let expected = Ratio::new(u128::from(good) + 1, u128::from(good) + u128::from(bad) + 2);
        prop_assert_eq!(ratio(&seen(good, bad)), expected);
    }

    #[test]
    fn more_good_raises_it_and_more_bad_lowers_it(
        good in 0..1_u64 << 40, bad in 0..1_u64 << 40, more in 1..1_000_u64
    ) {
        let before = seen(good, bad);
        prop_assert_eq!(seen(good + more, bad).compare(&before), Ordering::Greater);
        prop_assert_eq!(seen(good, bad + more).compare(&before), Ordering::Less);
    }

    #[test]
    fn the_comparison_is_that_of_the_fractions(
        one in (0..50_u64, 0..50_u64), other in (0..50_u64, 0..50_u64)
    ) {
        let (one, other) = (seen(one.0, one.1), seen(other.0, other.1));
        prop_assert_eq!(one.compare(&other), ratio(&one).cmp(&ratio(&other)));
    }

    #[test]
    fn good_and_bad_trade_places(good in 0..1_u64 << 40, bad in 0..1_u64 << 40) {
        prop_assert_eq!(ratio(&seen(good, bad)) + ratio(&seen(bad, good)), Ratio::from_integer(1));
    }

    #[test]
    fn observations_of_one_period_add_up_in_any_order(
        parts in prop::collection::vec((0..1_000_u64, 0..1_000_u64), 0..8)
    ) {
        let (mut forwards, mut backwards) = (BetaReputation::default(), BetaReputation::default());
        for (&(good, bad), &last) in parts.iter().zip(parts.iter().rev()) {
            forwards.observe(good, bad).unwrap();
            backwards.observe(last.0, last.1).unwrap();
        }
        prop_assert_eq!(forwards, backwards);
    }

    #[test]
    fn fading_never_adds_and_leads_back_to_the_prior(
        good in 0..1_000_000_u64, bad in 0..1_000_000_u64, kept in 0..990_000_u32
    ) {
        let mut reputation = seen(good, bad);
        for _ in 0..4_000 {
            let before = reputation.evidence();
            reputation.fade(Retention::millionths(kept).unwrap());
            let after = reputation.evidence();
            prop_assert!(after.0 <= before.0 && after.1 <= before.1);
            if before == (0, 0) {
                break;
            }
        }
        prop_assert_eq!(reputation, BetaReputation::default());
    }
}

/// Jøsang and Ismail, 2002, section 2.1, figure 1: seven of one outcome and one of the other make the
/// next expected with 0.8.
#[test]
fn seven_good_and_one_bad_make_four_fifths() {
    assert_eq!(ratio(&seen(7, 1)), Ratio::new(4, 5));
}

/// The same paper, section 2.6: with a forgetting factor λ, one satisfactory dealing a period leads to
/// r = 1 / (1 - λ), and to (r + 1) / (r + 2). With λ = 0 only the last one counts, with λ = 1 all.
#[test]
fn evidence_approaches_what_the_forgetting_factor_allows() {
    for (kept, evidence) in [(0, 1_000_000), (500_000, 1_999_999), (900_000, 9_999_991)] {
        let mut reputation = BetaReputation::default();
        for _ in 0..500 {
            reputation.fade(Retention::millionths(kept).unwrap());
            reputation.observe(1, 0).unwrap();
        }
        assert_eq!(reputation.evidence(), (evidence, 0), "kept {kept}");
    }
    let mut reputation = seen(1_000, 5);
    reputation.fade(Retention::ALL);
    assert_eq!(reputation, seen(1_000, 5));
}

/// Negative control: the mean without a prior ranks one good dealing with a thousand.
#[test]
fn the_prior_tells_one_good_dealing_from_a_thousand() {
    let without_prior = |good: u64, bad: u64| Ratio::new(good, good + bad);
    assert_eq!(without_prior(1, 0), without_prior(1_000, 0));
    assert_eq!(seen(1, 0).compare(&seen(1_000, 0)), Ordering::Less);
}

#[test]
fn too_much_evidence_is_refused_and_changes_nothing() {
    let most = MOST / PER_OBSERVATION;
    let mut reputation = seen(most, most);
    assert!(reputation.expected() < 0.500_001);
    let refused = reputation.observe(0, 1).unwrap_err();
    assert_eq!((refused.field, refused.value.as_str()), ("other observations", "1"));
    assert!(reputation.observe(u64::MAX, 0).is_err());
    assert_eq!(reputation, seen(most, most));
    assert_eq!(Retention::millionths(1_000_001), None);
}
