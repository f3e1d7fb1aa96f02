//! The laws of the sale at a posted price and of the price that follows demand.

use proptest::prelude::*;

use crate::laws::{Mechanism, find_manipulation};

use super::*;

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

/// How a sale is made: for a price that stands, a supply, and reports.
type Sale = fn(&[Request]) -> (Money, Vec<Amount>);

/// Buyers of whom each reports a limit and a quantity, and pays the price for each unit.
struct Buyers(Sale);

impl Mechanism for Buyers {
    type Report = Request;
    type Outcome = (Money, Vec<Amount>);
    type Utility = i64;

    fn outcome(&self, reports: &[Request]) -> Self::Outcome {
        (self.0)(reports)
    }

    fn utility(&self, who: usize, truth: &Request, (price, sold): &Self::Outcome) -> i64 {
        let units = |amount: Amount| i64::try_from(amount.units()).unwrap();
        let useful = sold[who].min(truth.quantity);
        truth.limit.units() * units(useful) - price.units() * units(sold[who])
    }

    fn lies(&self, _who: usize, _truths: &[Request]) -> Vec<Request> {
        let quantities = |limit| {
            (0..9).map(move |units| Request { limit: money(limit), quantity: Amount::new(units) })
        };
        (0..10).flat_map(quantities).collect()
    }
}

fn at_five(requests: &[Request]) -> (Money, Vec<Amount>) {
    (money(5), sell(money(5), Amount::new(10), requests))
}

/// The price is the highest limit.
fn at_the_highest_limit(requests: &[Request]) -> (Money, Vec<Amount>) {
    let price = requests.iter().map(|request| request.limit).max().unwrap_or_default();
    (price, sell(price, Amount::new(10), requests))
}

/// Whoever bids most is served first.
fn most_eager_first(requests: &[Request]) -> (Money, Vec<Amount>) {
    let mut places: Vec<usize> = (0..requests.len()).collect();
    places.sort_by_key(|&place| std::cmp::Reverse(requests[place].limit));
    let sorted: Vec<Request> = places.iter().map(|&place| requests[place]).collect();
    let mut sold = vec![Amount::ZERO; requests.len()];
    for (&place, units) in places.iter().zip(sell(money(5), Amount::new(10), &sorted)) {
        sold[place] = units;
    }
    (money(5), sold)
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = (0_i64..10, 0_u64..8).prop_map(|(limit, quantity)| Request {
        limit: money(limit),
        quantity: Amount::new(quantity),
    });
    prop::collection::vec(request, 0..6)
}

proptest! {
    #[test]
    fn truth_is_a_dominant_strategy_at_a_posted_price(truths in requests()) {
        prop_assert_eq!(find_manipulation(&Buyers(at_five), &truths), None);
    }

    #[test]
    fn a_sale_is_as_large_as_supply_and_willing_demand_allow(
        requests in requests(),
        price in 0_i64..10,
        supply in 0_u64..30,
    ) {
        let sold = sell(money(price), Amount::new(supply), &requests);
        let willing: u64 = requests
            .iter()
            .filter(|request| request.limit >= money(price))
            .map(|request| request.quantity.units())
            .sum();
        prop_assert_eq!(Amount::total(sold.iter().copied()), Some(Amount::new(willing.min(supply))));
        for (request, &units) in requests.iter().zip(&sold) {
            prop_assert!(units <= request.quantity);
            prop_assert!(units == Amount::ZERO || request.limit >= money(price));
        }
    }

    #[test]
    fn a_step_is_bounded_and_follows_demand(
        price in 1_i64..=1_000_000_000_000_000,
        target in 1..=u64::MAX,
        demand in any::<u64>(),
        more in any::<u64>(),
        parts in 1_u32..1000,
    ) {
        let rule = PriceRule::new(Amount::new(target), parts, money(1), Money::MAX).unwrap();
        let price = money(price);
        let next = rule.next(price, Amount::new(demand));
        let change = (next.units() - price.units()).abs();
        prop_assert!(change <= (price.units() / i64::from(parts)).max(1));
        prop_assert_eq!(rule.next(price, Amount::new(target)), price);
        if demand > target {
            prop_assert!(next > price || price == Money::MAX);
        } else {
            prop_assert!(next <= price);
        }
        let higher = rule.next(price, Amount::new(demand.saturating_add(more)));
        prop_assert!(higher >= next);
    }

    #[test]
    fn the_price_stays_within_its_bounds(
        demands in prop::collection::vec(any::<u64>(), 0..60),
        start in -10_i64..100_000,
    ) {
        let rule = PriceRule::new(Amount::new(1000), 8, money(50), money(500)).unwrap();
        demands.into_iter().fold(money(start), |price, demand| {
            let next = rule.next(price, Amount::new(demand));
            assert!((money(50)..=money(500)).contains(&next));
            next
        });
    }
}

/// Negative controls: a price that the reports make, and an order that they make.
#[test]
fn a_price_or_an_order_that_buyers_make_is_manipulable() {
    let request =
        |limit, quantity| Request { limit: money(limit), quantity: Amount::new(quantity) };
    let truths = [request(6, 8), request(9, 8)];
    assert_eq!(find_manipulation(&Buyers(at_five), &truths), None);
    assert!(find_manipulation(&Buyers(at_the_highest_limit), &truths).is_some());
    let found = find_manipulation(&Buyers(most_eager_first), &truths).unwrap();
    assert_eq!(found.who, 0, "it exaggerates to be served first");
}

/// go-ethereum, `TestCalcBaseFee`, and the crate `eip-utils`, documentation of `compute_base_fee`. The
/// last is the first block after EIP-1559 came into force, 12965001, by the specification's formula.
#[test]
fn the_published_base_fees_come_out() {
    let next = |target, used| {
        let rule = PriceRule::new(Amount::new(target), 8, money(1), Money::MAX).unwrap();
        rule.next(money(1_000_000_000), Amount::new(used)).units()
    };
    assert_eq!(next(10_000_000, 10_000_000), 1_000_000_000);
    assert_eq!(next(10_000_000, 9_000_000), 987_500_000);
    assert_eq!(next(10_000_000, 11_000_000), 1_012_500_000);
    assert_eq!(next(5_000_000, 10_000_000), 1_125_000_000);
    assert_eq!(next(15_014_561, 30_025_257), 1_124_967_822);
}

/// Demand of `3000 - price` meets the target of 1000 at 2000.
#[test]
fn with_demand_that_answers_gently_the_price_ends_near_the_one_that_clears() {
    let rule = PriceRule::new(Amount::new(1000), 8, money(1), Money::MAX).unwrap();
    for start in [10, 1_000, 100_000] {
        let end = (0..200).fold(money(start), |price, _| {
            let demand = u64::try_from(3000 - price.units()).unwrap_or(0);
            rule.next(price, Amount::new(demand))
        });
        assert!((1990..=2010).contains(&end.units()), "from {start} to {end}");
    }
}

/// What is not promised: with demand that answers strongly the price goes round and round.
#[test]
fn with_demand_that_answers_strongly_the_price_does_not_settle() {
    let rule = PriceRule::new(Amount::new(1000), 2, money(1), Money::MAX).unwrap();
    let mut price = money(3000);
    let ends: Vec<i64> = (0..300)
        .map(|_| {
            let demand = if price.units() < 2000 { 3000 } else { 0 };
            price = rule.next(price, Amount::new(demand));
            price.units()
        })
        .skip(200)
        .collect();
    assert!(ends.iter().max().unwrap() - ends.iter().min().unwrap() > 500, "{ends:?}");
}

#[test]
fn a_rule_that_could_not_move_a_price_is_refused() {
    let refused = |target, parts, low, high| {
        PriceRule::new(Amount::new(target), parts, money(low), money(high)).unwrap_err().field
    };
    assert_eq!(refused(0, 8, 1, 9), "target");
    assert_eq!(refused(1, 0, 1, 9), "parts");
    assert_eq!(refused(1, 8, 0, 9), "lowest price");
    assert_eq!(refused(1, 8, 9, 1), "highest price");
}
