//! The laws of the market maker, published figures, and charges that break the laws.

use proptest::prelude::*;

use super::*;

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

/// A maker with some shares sold: `b` and `q`.
fn makers() -> impl Strategy<Value = Lmsr> {
    let liquidity = prop_oneof![1_i64..50, 1_000_i64..1_000_000, Just(1_000_000_000_000)];
    let sold = prop_oneof![-40_i64..40, -3_000_000_i64..3_000_000, -MAX_SHARES / 2..MAX_SHARES / 2];
    (liquidity, prop::collection::vec(sold, 1..6))
        .prop_map(|(liquidity, sold)| Lmsr::resume(money(liquidity), sold).unwrap())
}

fn trades(outcomes: usize) -> impl Strategy<Value = Vec<Vec<i64>>> {
    let shares = prop_oneof![-5_i64..5, -3_000_i64..3_000, -1_000_000_i64..1_000_000];
    prop::collection::vec(prop::collection::vec(shares, outcomes), 0..12)
}

fn makers_and_trades() -> impl Strategy<Value = (Lmsr, Vec<Vec<i64>>)> {
    makers().prop_flat_map(|maker| {
        let outcomes = maker.sold().len();
        (Just(maker), trades(outcomes))
    })
}

/// The cost function, for tests with numbers that `exp` holds.
fn cost(liquidity: f64, sold: &[i64]) -> f64 {
    let sum: f64 = sold.iter().map(|&shares| (shares as f64 / liquidity).exp()).sum();
    liquidity * sum.ln()
}

/// How to charge for going from one level to the next, by the exact rise.
type Rounding = fn(f64) -> i64;

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn to_the_nearest(rise: f64) -> i64 {
    rise.round() as i64
}

#[expect(clippy::cast_possible_truncation, reason = "small numbers")]
fn down(rise: f64) -> i64 {
    rise.floor() as i64
}

/// The least that a round trip by single shares, there and back, costs under a rounding.
fn cheapest_round_trip(rounding: Rounding) -> i64 {
    let (liquidity, shares) = (20.0, [1, 2, 3, 7, 12]);
    let step = |before: i64, after: i64| {
        rounding(cost(liquidity, &[after, 0]) - cost(liquidity, &[before, 0]))
    };
    let there: fn(&dyn Fn(i64, i64) -> i64, i64) -> i64 =
        |step, shares| (0..shares).map(|at| step(at, at + 1)).sum();
    let trips = shares.into_iter().map(|shares| {
        // One by one there, at once back; and the other way round.
        let back = there(&step, shares) + step(shares, 0);
        let other = step(0, shares) + (0..shares).rev().map(|at| step(at + 1, at)).sum::<i64>();
        back.min(other)
    });
    trips.min().unwrap_or(0)
}

proptest! {
    #[test]
    fn no_round_trip_brings_money((maker, bundles) in makers_and_trades()) {
        let mut maker = maker;
        let start = maker.sold().to_vec();
        let mut paid = 0;
        for bundle in &bundles {
            paid += maker.trade_bundle(bundle).unwrap().units();
        }
        let back: Vec<i64> = start.iter().zip(maker.sold()).map(|(to, from)| to - from).collect();
        paid += maker.trade_bundle(&back).unwrap().units();
        prop_assert_eq!(maker.sold(), &start[..]);
        prop_assert!(paid >= 0, "{}", paid);
    }

    #[test]
    fn a_round_trip_costs_only_the_rounding((maker, bundles) in makers_and_trades()) {
        let mut maker = maker;
        let slack = 2.0 + 4.0 * tolerance(maker.liquidity, maker.sold.len());
        for bundle in &bundles {
            let opposite: Vec<i64> = bundle.iter().map(|shares| -shares).collect();
            let paid = maker.trade_bundle(bundle).unwrap().units();
            let back = maker.trade_bundle(&opposite).unwrap().units();
            prop_assert!(((paid + back) as f64) < slack, "{} and {}", paid, back);
        }
    }

    #[test]
    fn the_loss_is_at_most_the_subsidy(
        (maker, bundles) in (1_usize..6, prop_oneof![1_i64..50, 1_000_i64..1_000_000])
            .prop_flat_map(|(outcomes, liquidity)| {
                (Just(Lmsr::new(outcomes, money(liquidity)).unwrap()), trades(outcomes))
            }),
    ) {
        let mut maker = maker;
        let mut taken = 0;
        for bundle in &bundles {
            taken += maker.trade_bundle(bundle).unwrap().units();
            let worst = maker.sold().iter().max().unwrap();
            let exact = maker.liquidity * (maker.sold().len() as f64).ln();
            prop_assert!((worst - taken) as f64 <= exact + 1e-6, "{} - {} of {}", worst, taken, exact);
            prop_assert!(worst - taken <= maker.subsidy().units());
        }
    }

    #[test]
    fn another_path_costs_the_same_but_for_the_rounding((maker, bundles) in makers_and_trades()) {
        let (mut slow, mut paid) = (maker.clone(), 0);
        for bundle in &bundles {
            paid += slow.trade_bundle(bundle).unwrap().units();
        }
        let at_once: Vec<i64> =
            maker.sold().iter().zip(slow.sold()).map(|(from, to)| to - from).collect();
        let direct = maker.quote_bundle(&at_once).unwrap().units();
        let steps = bundles.len() as f64 + 1.0;
        let slack = steps * (1.0 + 4.0 * tolerance(maker.liquidity, maker.sold.len()));
        prop_assert!(((paid - direct).abs() as f64) < slack, "{} and {}", paid, direct);
        // What is quoted next depends on where the market is, not on how it came there.
        let fresh = Lmsr::resume(money(rounded_up(maker.liquidity)), slow.sold().to_vec()).unwrap();
        prop_assert_eq!(fresh.quote(0, 17).unwrap(), slow.quote(0, 17).unwrap());
    }

    #[test]
    fn shares_of_every_outcome_alike_are_money((maker, shares) in (makers(), -1_000_000_i64..1_000_000)) {
        let mut moved = maker.clone();
        let all = vec![shares; maker.sold().len()];
        prop_assert_eq!(moved.trade_bundle(&all).unwrap(), money(shares));
        for outcome in 0..maker.sold().len() {
            prop_assert_eq!(moved.quote(outcome, 1234).unwrap(), maker.quote(outcome, 1234).unwrap());
            prop_assert_eq!(moved.probability(outcome), maker.probability(outcome));
        }
    }

    #[test]
    fn probabilities_are_probabilities(maker in makers()) {
        let all: Vec<f64> = (0..maker.sold().len()).map(|o| maker.probability(o).unwrap()).collect();
        prop_assert!(all.iter().all(|p| (0.0..=1.0 + 1e-12).contains(p)), "{:?}", all);
        prop_assert!((all.iter().sum::<f64>() - 1.0).abs() < 1e-12, "{:?}", all);
    }

    #[test]
    fn a_purchase_costs_something_and_no_more_than_it_can_pay(
        maker in makers(),
        shares in 1_i64..1_000_000,
    ) {
        let paid = maker.quote(0, shares).unwrap().units();
        let brought = -maker.quote(0, -shares).unwrap().units();
        if maker.sold().len() == 1 {
            prop_assert_eq!((paid, brought), (shares, shares));
        } else {
            prop_assert!((1..=shares).contains(&paid), "{}", paid);
            prop_assert!((0..shares).contains(&brought), "{}", brought);
            prop_assert!(brought <= paid);
        }
    }

    #[test]
    fn more_shares_cost_more_and_make_their_outcome_likelier(
        maker in makers(),
        shares in 1_i64..1_000_000,
    ) {
        let mut after = maker.clone();
        after.trade(0, shares).unwrap();
        prop_assert!(after.probability(0) >= maker.probability(0));
        prop_assert!(maker.quote(0, shares).unwrap() <= maker.quote(0, shares + 1).unwrap());
    }

    #[test]
    fn one_outcome_s_shares_are_a_bundle(maker in makers(), shares in -1_000_000_i64..1_000_000) {
        for outcome in 0..maker.sold().len() {
            let mut bundle = vec![0; maker.sold().len()];
            bundle[outcome] = shares;
            prop_assert_eq!(maker.quote(outcome, shares), maker.quote_bundle(&bundle));
            let (mut one, mut other) = (maker.clone(), maker.clone());
            prop_assert_eq!(one.trade(outcome, shares), other.trade_bundle(&bundle));
            prop_assert_eq!(one.sold(), other.sold());
        }
    }

    #[test]
    fn a_charge_is_the_exact_cost_rounded_up(
        sold in prop::collection::vec(-3_000_i64..3_000, 2..5),
        bundle in prop::collection::vec(-3_000_i64..3_000, 5),
    ) {
        let maker = Lmsr::resume(money(1_000), sold.clone()).unwrap();
        let bundle = &bundle[..sold.len()];
        let after: Vec<i64> = sold.iter().zip(bundle).map(|(sold, more)| sold + more).collect();
        let exact = cost(1_000.0, &after) - cost(1_000.0, &sold);
        let charge = maker.quote_bundle(bundle).unwrap().units() as f64;
        prop_assert!(charge >= exact - 1e-9 && charge < exact + 1.0 + 1e-9, "{} {}", charge, exact);
    }
}

/// Gnosis, *LMSR primer*: `b` is 5, ten tokens of A bought back, four of B sold; five of A cost about
/// 4.765 - 4.295 = 0.470. In millionths.
#[test]
fn gnosis_s_primer_comes_out_as_printed() {
    const UNIT: i64 = 1_000_000;
    let level = |q: &[i64]| cost(5.0, q);
    assert!((level(&[-10, 4]) - 4.295).abs() < 5e-4);
    assert!((level(&[-5, 4]) - 4.765).abs() < 5e-4);
    let maker = Lmsr::resume(money(5 * UNIT), vec![-10 * UNIT, 4 * UNIT]).unwrap();
    let paid = maker.quote(0, 5 * UNIT).unwrap().units();
    assert!((469_500..470_500).contains(&paid), "{paid}");
}

/// Cultivate Labs, *How does the logarithmic market scoring rule work?*: `b` is 10, the shares 10, 20
/// and 23; the first stock's price is 0.1354 (0.13535 to five places).
#[test]
fn cultivate_labs_s_price_comes_out_as_printed() {
    let maker = Lmsr::resume(money(1_000), vec![1_000, 2_000, 2_300]).unwrap();
    let price = maker.probability(0).unwrap();
    assert!((price - 0.1354).abs() < 1e-4, "{price}");
}

/// Hanson 2003: the largest loss is `b ln n`, which for two outcomes at a `b` of 100 is 69.31; here in
/// hundredths. It is reached: whoever buys until one outcome is certain takes it all but the rounding.
#[test]
fn the_whole_subsidy_is_there_to_be_won() {
    let mut maker = Lmsr::new(2, money(10_000)).unwrap();
    assert_eq!(maker.subsidy(), money(6_932));
    let shares = 1_000_000;
    let paid = maker.trade(0, shares).unwrap().units();
    assert_eq!(shares - paid, 6_931);
}

#[test]
fn shares_far_apart_do_not_overflow() {
    let far = [MAX_SHARES, -MAX_SHARES];
    let mut maker = Lmsr::resume(money(1), far.to_vec()).unwrap();
    assert_eq!((maker.probability(0), maker.probability(1)), (Some(1.0), Some(0.0)));
    assert_eq!(maker.quote(1, 1).unwrap(), money(1), "rounded up");
    assert_eq!(maker.trade(0, -MAX_SHARES).unwrap().units(), -MAX_SHARES + 1, "rounded down");
    assert_eq!(maker.sold(), [0, -MAX_SHARES]);
}

/// Negative controls: other roundings mint money.
#[test]
fn rounding_to_the_nearest_or_down_mints_money() {
    assert!(cheapest_round_trip(to_the_nearest) < 0);
    assert!(cheapest_round_trip(down) < 0);
    assert!(cheapest_round_trip(rounded_up) >= 0);
}

#[test]
fn bad_input_is_refused_by_name_and_changes_nothing() {
    let field = |refused: Result<Lmsr, Invalid>| refused.unwrap_err().field;
    assert_eq!(field(Lmsr::new(0, money(5))), "number of outcomes");
    assert_eq!(field(Lmsr::new(usize::MAX, money(5))), "number of outcomes");
    assert_eq!(field(Lmsr::new(2, Money::ZERO)), "liquidity");
    assert_eq!(field(Lmsr::new(2, money(-5))), "liquidity");
    assert_eq!(field(Lmsr::new(3, Money::MAX)), "liquidity");
    assert_eq!(field(Lmsr::resume(money(5), vec![0, i64::MIN])), "shares");

    let mut maker = Lmsr::resume(money(5), vec![MAX_SHARES, 0]).unwrap();
    assert_eq!(maker.trade(2, 1).unwrap_err().field, "outcome");
    assert_eq!(maker.trade(0, 1).unwrap_err().field, "shares sold");
    assert_eq!(maker.trade(1, i64::MIN).unwrap_err().field, "shares");
    assert_eq!(maker.trade_bundle(&[1]).unwrap_err().field, "size of the bundle");
    assert_eq!(maker.trade_bundle(&[0, i64::MAX]).unwrap_err().field, "shares");
    assert_eq!(maker.sold(), [MAX_SHARES, 0]);
    assert_eq!(maker.probability(2), None);
}

#[test]
fn a_market_of_one_outcome_trades_money_for_money() {
    let mut maker = Lmsr::new(1, money(10)).unwrap();
    assert_eq!((maker.subsidy(), maker.probability(0)), (Money::ZERO, Some(1.0)));
    assert_eq!(maker.trade(0, 5).unwrap(), money(5));
    assert_eq!(maker.trade(0, -5).unwrap(), money(-5));
}
