//! Truthfulness, rationality, the budget and the promised worth, and rules that break each.

use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};

/// A way to buy: the payments in the offers' order.
type Rule = fn(i64, &[Offer]) -> Vec<Option<i64>>;

fn truthful(budget: i64, offers: &[Offer]) -> Vec<Option<i64>> {
    let bought = buy_within_budget(money(budget), offers).unwrap();
    bought.payments.into_iter().map(|paid| paid.map(Money::units)).collect()
}

/// Mutant: everybody bought is paid what it asked for.
fn pay_as_bid(budget: i64, offers: &[Offer]) -> Vec<Option<i64>> {
    let paid = truthful(budget, offers);
    paid.iter().zip(offers).map(|(paid, offer)| paid.map(|_| offer.cost.units())).collect()
}

/// Mutant: everybody bought is paid its whole part of the budget, whoever comes next.
fn pay_the_part(budget: i64, offers: &[Offer]) -> Vec<Option<i64>> {
    let paid = truthful(budget, offers);
    let all = worth_of(&paid, offers);
    let part = |worth: u64| budget * i64::try_from(worth).unwrap() / i64::try_from(all).unwrap();
    paid.iter().zip(offers).map(|(paid, offer)| paid.map(|_| part(offer.worth))).collect()
}

/// Mutant: buys what is cheapest for its worth while the *costs* fit, and pays critical costs.
fn costs_within_budget(budget: i64, offers: &[Offer]) -> Vec<Option<i64>> {
    let choose = |offers: &[Offer]| {
        let mut order: Vec<usize> = (0..offers.len()).collect();
        order.sort_by_key(|&place| offers[place].cost);
        let mut left = budget;
        order.retain(|&place| {
            left -= offers[place].cost.units();
            left >= 0
        });
        order
    };
    let critical = |place: usize| {
        let bought = |&cost: &i64| {
            let mut offers = offers.to_vec();
            offers[place].cost = money(cost);
            choose(&offers).contains(&place)
        };
        (0..=budget).rev().find(bought)
    };
    let chosen = choose(offers);
    (0..offers.len()).map(|place| critical(place).filter(|_| chosen.contains(&place))).collect()
}

/// Mutant: never buys the lone offer of most worth.
fn without_the_lone_offer(budget: i64, offers: &[Offer]) -> Vec<Option<i64>> {
    let market = Market::new(money(budget), offers).unwrap();
    let chosen = market.proportional_share(&market.order);
    let paid = |place| chosen.contains(&place).then(|| offers[place].cost.units());
    (0..offers.len()).map(paid).collect()
}

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn worth_of(paid: &[Option<i64>], offers: &[Offer]) -> u64 {
    paid.iter().zip(offers).filter(|(paid, _)| paid.is_some()).map(|(_, offer)| offer.worth).sum()
}

/// The most that `budget` could buy from sellers who are paid their cost.
fn optimum(budget: i64, offers: &[Offer]) -> u64 {
    let sets = (0_u32..1 << offers.len()).map(|set| {
        let bought = offers.iter().enumerate().filter(move |(place, _)| set >> place & 1 == 1);
        let sum = |(cost, worth): (i64, u64), (_, offer): (usize, &Offer)| {
            (cost + offer.cost.units(), worth + offer.worth)
        };
        bought.fold((0, 0), sum)
    });
    sets.filter(|&(cost, _)| cost <= budget).map(|(_, worth)| worth).max().unwrap()
}

/// 985/408 is 1 + √2 to six figures; 1393/408 is 2 + √2.
fn is_worth_its_part(rule: Rule, budget: i64, offers: &[Offer]) -> bool {
    1_393 * worth_of(&rule(budget, offers), offers) >= 408 * optimum(budget, offers)
}

fn is_within_budget(rule: Rule, budget: i64, offers: &[Offer]) -> bool {
    rule(budget, offers).into_iter().flatten().sum::<i64>() <= budget
}

/// The sellers report their cost, the worths are known.
struct Sellers<'a> {
    rule: Rule,
    budget: i64,
    offers: &'a [Offer],
}

impl Mechanism for Sellers<'_> {
    type Report = i64;
    type Outcome = Vec<Option<i64>>;
    type Utility = i64;

    fn outcome(&self, costs: &[i64]) -> Self::Outcome {
        let stated = self.offers.iter().zip(costs);
        let offers: Vec<_> =
            stated.map(|(offer, &cost)| Offer { cost: money(cost), ..*offer }).collect();
        (self.rule)(self.budget, &offers)
    }

    fn utility(&self, who: usize, cost: &i64, outcome: &Self::Outcome) -> i64 {
        outcome[who].map_or(0, |paid| paid - cost)
    }

    /// Every cost that can matter.
    fn lies(&self, _: usize, _: &[i64]) -> Vec<i64> {
        (0..=self.budget + 1).collect()
    }
}

fn costs(offers: &[Offer]) -> Vec<i64> {
    offers.iter().map(|offer| offer.cost.units()).collect()
}

/// Few values make ties common.
fn offers(most: i64) -> impl Strategy<Value = Vec<Offer>> {
    let offer = (0..=most, 0..6_u64).prop_map(|(cost, worth)| Offer { cost: money(cost), worth });
    prop::collection::vec(offer, 0..8)
}

proptest! {
    #[test]
    fn no_false_cost_gains(budget in 0..24_i64, offers in offers(26)) {
        let mechanism = Sellers { rule: truthful, budget, offers: &offers };
        prop_assert_eq!(find_manipulation(&mechanism, &costs(&offers)), None);
    }

    #[test]
    fn nobody_is_paid_less_than_its_cost(budget in 0..200_i64, offers in offers(120)) {
        for (paid, offer) in truthful(budget, &offers).into_iter().zip(&offers) {
            prop_assert!(paid.is_none_or(|paid| paid >= offer.cost.units()));
        }
    }

    #[test]
    fn the_payments_stay_within_the_budget(budget in 0..200_i64, offers in offers(120)) {
        prop_assert!(is_within_budget(truthful, budget, &offers));
    }

    #[test]
    fn the_promised_part_of_the_possible_worth_is_bought(
        budget in 0..200_i64, offers in offers(120)
    ) {
        prop_assert!(is_worth_its_part(truthful, budget, &offers));
    }

    #[test]
    fn a_payment_is_the_highest_cost_that_would_have_been_bought(
        budget in 1..60_i64, offers in offers(60)
    ) {
        let is_bought = |place: usize, cost: i64| {
            let mut offers = offers.clone();
            offers[place].cost = money(cost);
            truthful(budget, &offers)[place].is_some()
        };
        for (place, paid) in truthful(budget, &offers).into_iter().enumerate() {
            let offered = (0..=budget + 1).rev().find(|&cost| is_bought(place, cost));
            let own = offers[place].cost.units();
            prop_assert_eq!(paid, offered.filter(|&critical| own <= critical));
        }
    }

    #[test]
    fn the_unit_of_worth_does_not_matter(
        budget in 0..200_i64, mut offers in offers(120), unit in 1..1_000_u64
    ) {
        let paid = truthful(budget, &offers);
        for offer in &mut offers {
            offer.worth *= unit;
        }
        prop_assert_eq!(truthful(budget, &offers), paid);
    }

    #[test]
    fn a_larger_unit_of_money_is_paid_to_within_its_fraction(
        budget in 0..200_i64, mut offers in offers(120), unit in 1..1_000_i64
    ) {
        let paid = truthful(budget, &offers);
        for offer in &mut offers {
            offer.cost = money(offer.cost.units() * unit);
        }
        for (coarse, fine) in paid.into_iter().zip(truthful(budget * unit, &offers)) {
            prop_assert_eq!(coarse, fine.map(|fine| fine.div_euclid(unit)));
        }
    }
}

fn equals(costs: &[i64]) -> Vec<Offer> {
    costs.iter().map(|&cost| Offer { cost: money(cost), worth: 1 }).collect()
}

/// Y. Singer, FOCS 2010, for offers of equal worth: the largest k whose k-th cost is at
/// most B/k, each paid the less of B/k and the next cost.
#[test]
fn equal_offers_are_paid_by_singer_s_rule() {
    let costs: Vec<i64> = (1..=20).map(|place| 3 * place).collect();
    for (budget, bought, price) in [(120, 6, 20), (147, 7, 21), (160, 7, 22), (180, 7, 24)] {
        let paid = truthful(budget, &equals(&costs));
        let expected = [vec![Some(price); bought], vec![None; 20 - bought]].concat();
        assert_eq!(paid, expected, "budget {budget}");
    }
}

/// Each law is broken by a rule that looks as good, and says so.
#[test]
fn other_rules_break_one_law_each() {
    let offers = equals(&[10, 20, 45, 46, 50, 60]);
    let manipulation = |rule, budget| {
        find_manipulation(&Sellers { rule, budget, offers: &offers }, &costs(&offers))
    };
    assert_eq!(manipulation(truthful, 150), None);
    // Who costs 10 gains by asking for more.
    assert_eq!(manipulation(pay_as_bid, 150).unwrap().who, 0);
    // Who costs 46 gains by asking for less: there is 50 to be had.
    assert_eq!(manipulation(pay_the_part, 150).unwrap().who, 3);

    assert!(is_within_budget(truthful, 60, &offers));
    assert!(!is_within_budget(costs_within_budget, 60, &offers));

    let offers = [Offer { cost: money(1), worth: 1 }, Offer { cost: money(100), worth: 90 }];
    assert!(is_worth_its_part(truthful, 100, &offers));
    assert!(!is_worth_its_part(without_the_lone_offer, 100, &offers));
}

/// Negative control: who sells as two is paid more, so who the sellers are is for the buyer to know.
#[test]
fn a_seller_that_splits_its_offer_in_two_gains() {
    let offer = |cost, worth| Offer { cost: money(cost), worth };
    let others = [offer(8, 4), offer(94, 3), offer(9, 4)];
    let whole = truthful(100, &[&[offer(4, 3)], others.as_slice()].concat());
    let split = truthful(100, &[&[offer(2, 1), offer(2, 2)], others.as_slice()].concat());
    assert_eq!((whole[0], &split[..2]), (Some(7), &[Some(5), Some(5)][..]));
}

#[test]
fn equal_offers_go_to_the_lowest_place() {
    let paid = truthful(100, &equals(&[33; 5]));
    assert_eq!(paid, [Some(33), Some(33), Some(33), None, None]);
}

#[test]
fn what_is_worthless_or_too_dear_is_not_bought() {
    let offer = |cost, worth| Offer { cost: money(cost), worth };
    assert_eq!(truthful(10, &[offer(0, 0), offer(11, 5), offer(10, 1)]), [None, None, Some(10)]);
    assert_eq!(truthful(0, &[offer(0, 1), offer(1, 9)]), [Some(0), None]);
    assert_eq!(truthful(5, &[]), []);
}

#[test]
fn the_largest_numbers_are_exact() {
    let offers = [Offer { cost: Money::MAX, worth: u64::MAX / 4 }; 4];
    let bought = buy_within_budget(Money::MAX, &offers).unwrap();
    assert_eq!(bought.payments, [Some(Money::MAX), None, None, None]);
}

#[test]
fn bad_offers_are_refused_by_name() {
    let offer = |cost, worth| Offer { cost: money(cost), worth };
    let refused = |budget, offers: &[Offer]| {
        buy_within_budget(money(budget), offers).unwrap_err().to_string()
    };
    assert_eq!(refused(-1, &[]), "the problem: budget is -1: must be at least 0");
    let negative = refused(1, &[offer(0, 1), offer(-3, 1)]);
    assert_eq!(negative, "agent 1: cost is -3: must be at least 0");
    let large = refused(1, &[offer(0, u64::MAX), offer(0, 1)]);
    assert_eq!(large, "agent 1: worth is 1: must not take the sum of all beyond 2^64 - 1");
}
