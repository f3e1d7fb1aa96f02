//! The falling clock's steps, and what it refuses. Its laws stand with those of the other auctions.

use super::super::laws::money;
use super::*;

#[test]
fn the_last_step_ends_at_the_reserve_and_the_lowest_id_is_asked_first() {
    let clock = DescendingClock::dutch(money(20), money(8), money(5), [2, 1].map(AgentId));
    let mut clock = clock.unwrap();
    let mut asked = Vec::new();
    while let Some(question) = clock.question() {
        asked.push((question.price.units(), question.bidder.0));
        clock.answer(Amount::ZERO);
    }
    assert_eq!(asked, [(20, 1), (20, 2), (12, 1), (12, 2), (5, 1), (5, 2)]);
    assert_eq!(clock.sale().unwrap().awards(), []);
    assert_eq!(clock.price(), money(5));
}

#[test]
fn units_are_bought_at_the_prices_at_which_they_were_taken_until_none_is_left() {
    let (supply, bidders) = (Amount::new(3), [1, 2].map(AgentId));
    let clock = DescendingClock::new(supply, money(20), money(8), money(5), bidders);
    let mut clock = clock.unwrap();
    for units in [1, 0, 1] {
        clock.answer(Amount::new(units));
    }
    assert_eq!(clock.sale(), None);
    assert_eq!(clock.bought().revenue(), Some(money(20 + 12)));
    clock.answer(Amount::MAX);
    let sale = clock.sale().unwrap();
    let awards = sale.awards().iter().map(|award| (award.lot.units(), award.price.units()));
    assert_eq!(awards.collect::<Vec<_>>(), [(2, 20 + 12), (1, 12)]);
    clock.answer(Amount::MAX);
    assert_eq!(clock.sale(), Some(sale), "the clock has closed");
}

#[test]
fn a_clock_without_supply_or_bidders_has_closed() {
    let clock = |supply, bidders: &[u64]| {
        let bidders = bidders.iter().copied().map(AgentId);
        DescendingClock::new(Amount::new(supply), money(9), money(1), money(2), bidders).unwrap()
    };
    assert_eq!(clock(0, &[1]).question(), None);
    assert_eq!(clock(1, &[]).question(), None);
    assert_eq!(clock(1, &[]).sale().unwrap().awards(), []);
}

#[test]
fn bad_terms_are_refused() {
    let refusal = |start, decrement, reserve, bidders: &[u64]| {
        let bidders = bidders.iter().copied().map(AgentId);
        let (start, decrement, reserve) = (money(start), money(decrement), money(reserve));
        DescendingClock::dutch(start, decrement, reserve, bidders).unwrap_err().to_string()
    };
    assert_eq!(refusal(9, 1, -1, &[]), "the problem: reserve is -1: must not be negative");
    assert_eq!(refusal(9, 0, 0, &[]), "the problem: decrement is 0: must be positive");
    assert_eq!(refusal(3, 1, 4, &[]), "the problem: start is 3: must not be below the reserve");
    assert_eq!(refusal(9, 1, 0, &[3, 3]), "agent 3: id is 3: must appear once");
    let beyond = DescendingClock::new(Amount::MAX, money(1), money(1), Money::ZERO, []);
    assert_eq!(
        beyond.unwrap_err().to_string(),
        "the problem: start is 1: must not exceed Money::MAX for the whole supply"
    );
}
