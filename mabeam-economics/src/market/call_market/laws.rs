//! The laws of the call market, and clearings that break them.

use proptest::prelude::*;

use crate::market::double_auction::k_double_auction;

use super::*;

type Call = fn(&[LimitOrder], &[LimitOrder], PriceWeight) -> Clearing;

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn side() -> impl Strategy<Value = Vec<LimitOrder>> {
    let quantity = prop_oneof![8 => 0_u64..6, 1 => any::<u64>()];
    let order = (0_u64..5, 0_i64..15, quantity).prop_map(|(agent, limit, quantity)| LimitOrder {
        agent: AgentId(agent),
        limit: money(limit),
        quantity: Amount::new(quantity),
    });
    prop::collection::vec(order, 0..8)
}

fn weights() -> impl Strategy<Value = PriceWeight> {
    (0_u32..=12).prop_map(|k| PriceWeight::new(k, 12).unwrap())
}

fn sum(amounts: &[Amount]) -> u128 {
    amounts.iter().map(|amount| u128::from(amount.units())).sum()
}

/// The units that would be bought and sold at `price`.
fn demand_and_supply(bids: &[LimitOrder], asks: &[LimitOrder], price: Money) -> (u128, u128) {
    let units = |orders: &[LimitOrder], willing: &dyn Fn(Money) -> bool| -> u128 {
        let willing = orders.iter().filter(|order| willing(order.limit));
        willing.map(|order| u128::from(order.quantity.units())).sum()
    };
    (units(bids, &|limit| limit >= price), units(asks, &|limit| limit <= price))
}

/// The most that any one price trades. Between two limits nothing changes but at the limits.
fn largest_volume(bids: &[LimitOrder], asks: &[LimitOrder]) -> u128 {
    let at = |order: &LimitOrder| {
        let (demand, supply) = demand_and_supply(bids, asks, order.limit);
        demand.min(supply)
    };
    bids.iter().chain(asks).map(at).max().unwrap_or(0)
}

/// Which law a way to clear breaks, if any.
fn broken_law(
    call: Call,
    bids: &[LimitOrder],
    asks: &[LimitOrder],
    weight: PriceWeight,
) -> Option<&'static str> {
    let clearing = call(bids, asks, weight);
    let (bought, sold) = (sum(&clearing.bought), sum(&clearing.sold));
    if bought != sold {
        // At one price this is strong budget balance too.
        return Some("as many sold as bought");
    }
    if bought != largest_volume(bids, asks) {
        return Some("largest volume");
    }
    let Some(price) = clearing.price else { return (bought > 0).then_some("a price") };
    let beyond = |orders: &[LimitOrder], filled: &[Amount], acceptable: &dyn Fn(Money) -> bool| {
        let mut fills = orders.iter().zip(filled);
        fills.any(|(order, &fill)| {
            fill > order.quantity || (fill > Amount::ZERO && !acceptable(order.limit))
        })
    };
    if beyond(bids, &clearing.bought, &|limit| limit >= price)
        || beyond(asks, &clearing.sold, &|limit| limit <= price)
    {
        return Some("individual rationality");
    }
    let passed_over = |orders: &[LimitOrder], filled: &[Amount], eager: &dyn Fn(Money) -> bool| {
        let mut fills = orders.iter().zip(filled);
        fills.any(|(order, &fill)| fill < order.quantity && eager(order.limit))
    };
    if passed_over(bids, &clearing.bought, &|limit| limit > price)
        || passed_over(asks, &clearing.sold, &|limit| limit < price)
    {
        return Some("the price clears");
    }
    let priority = |orders: &[LimitOrder], filled: &[Amount]| {
        let places = 0..orders.len();
        places.clone().any(|first| {
            places.clone().any(|second| {
                let key = |place: usize| (orders[place].agent, place);
                orders[first].limit == orders[second].limit
                    && key(first) < key(second)
                    && filled[first] < orders[first].quantity
                    && filled[second] > Amount::ZERO
            })
        })
    };
    (priority(bids, &clearing.bought) || priority(asks, &clearing.sold)).then_some("priority")
}

proptest! {
    #[test]
    fn every_law_holds(bids in side(), asks in side(), weight in weights()) {
        prop_assert_eq!(broken_law(call_market, &bids, &asks, weight), None);
    }

    #[test]
    fn the_order_of_the_input_does_not_matter(
        (bids, shuffled) in side().prop_flat_map(|bids| (Just(bids.clone()), Just(bids).prop_shuffle())),
        asks in side(),
        weight in weights(),
    ) {
        let by_agent = |orders: &[LimitOrder], filled: &[Amount]| {
            let mut filled: Vec<_> = (orders.iter().zip(filled))
                .map(|(order, fill)| (order.agent, order.limit, order.quantity, *fill))
                .collect();
            filled.sort_unstable();
            let mut units = std::collections::BTreeMap::new();
            for (agent, limit, _, fill) in filled {
                *units.entry((agent, limit)).or_insert(0) += u128::from(fill.units());
            }
            units
        };
        let (one, other) = (call_market(&bids, &asks, weight), call_market(&shuffled, &asks, weight));
        prop_assert_eq!((one.price, &one.sold), (other.price, &other.sold));
        prop_assert_eq!(by_agent(&bids, &one.bought), by_agent(&shuffled, &other.bought));
    }

    #[test]
    fn with_one_unit_each_it_is_the_k_double_auction(
        bids in prop::collection::vec(0_i64..20, 0..9),
        asks in prop::collection::vec(0_i64..20, 0..9),
        weight in weights(),
    ) {
        let values = |side: &[i64]| side.iter().copied().map(money).collect::<Vec<_>>();
        let orders = |side: &[i64]| {
            let order = |(agent, &limit)| LimitOrder {
                agent: AgentId(agent),
                limit: money(limit),
                quantity: Amount::new(1),
            };
            (0..).zip(side).map(order).collect::<Vec<_>>()
        };
        let clearing = call_market(&orders(&bids), &orders(&asks), weight);
        let exchange = k_double_auction(&values(&bids), &values(&asks), weight);
        prop_assert_eq!(clearing.price, exchange.prices.map(|prices| prices.paid));
        let units = |trades: &[bool]| {
            trades.iter().map(|&trades| Amount::new(u64::from(trades))).collect::<Vec<_>>()
        };
        prop_assert_eq!(clearing.bought, units(&exchange.buys));
        prop_assert_eq!(clearing.sold, units(&exchange.sells));
    }
}

fn order(agent: u64, limit: i64, quantity: u64) -> LimitOrder {
    LimitOrder { agent: AgentId(agent), limit: money(limit), quantity: Amount::new(quantity) }
}

/// The price is rounded down to a minor unit, at any weight.
#[test]
fn the_price_lies_at_its_weight_and_is_rounded_down() {
    let price = |numerator, denominator| {
        let weight = PriceWeight::new(numerator, denominator).unwrap();
        call_market(&[order(1, 10, 1)], &[order(2, 3, 1)], weight).price.unwrap().units()
    };
    assert_eq!([price(0, 1), price(1, 3), price(1, 2), price(2, 3), price(1, 1)], [3, 5, 6, 7, 10]);
    assert_eq!(PriceWeight::MIDDLE.between(money(-4), money(-1)), money(-3));
}

#[test]
fn a_weight_that_is_no_fraction_is_refused() {
    assert!(PriceWeight::new(1, 0).unwrap_err().to_string().contains("k's denominator is 0"));
    assert!(PriceWeight::new(3, 2).unwrap_err().to_string().contains("k is 3/2"));
}

/// What sorts the lowest id first no longer does.
fn last_agent_first(bids: &[LimitOrder], asks: &[LimitOrder], weight: PriceWeight) -> Clearing {
    let renamed = |orders: &[LimitOrder]| -> Vec<LimitOrder> {
        let other_way = |order: &LimitOrder| AgentId(u64::MAX - order.agent.0);
        orders.iter().map(|order| LimitOrder { agent: other_way(order), ..*order }).collect()
    };
    call_market(&renamed(bids), &renamed(asks), weight)
}

fn without_the_last_unit(
    bids: &[LimitOrder],
    asks: &[LimitOrder],
    weight: PriceWeight,
) -> Clearing {
    let mut clearing = call_market(bids, asks, weight);
    for side in [&mut clearing.bought, &mut clearing.sold] {
        if let Some(fill) = side.iter_mut().rev().find(|fill| **fill > Amount::ZERO) {
            *fill = fill.checked_sub(Amount::new(1)).unwrap();
        }
    }
    clearing
}

/// `[s_k, b_k]` instead of `[max(s_k, b_(k+1)), min(b_k, s_(k+1))]`.
fn price_of_the_last_pair(
    bids: &[LimitOrder],
    asks: &[LimitOrder],
    weight: PriceWeight,
) -> Clearing {
    let clearing = call_market(bids, asks, weight);
    let filled = |orders: &[LimitOrder], filled: &[Amount]| -> Vec<Money> {
        let trading = orders.iter().zip(filled).filter(|&(_, &fill)| fill > Amount::ZERO);
        trading.map(|(order, _)| order.limit).collect()
    };
    let (bought, sold) = (filled(bids, &clearing.bought), filled(asks, &clearing.sold));
    let last = sold.into_iter().max().zip(bought.into_iter().min());
    Clearing { price: last.map(|(low, high)| weight.between(low, high)), ..clearing }
}

#[test]
fn mutated_clearings_are_caught() {
    let equals = [order(1, 9, 1), order(2, 9, 1)];
    let caught = |call, bids: &[LimitOrder], asks: &[LimitOrder]| {
        broken_law(call, bids, asks, PriceWeight::LOWEST)
    };
    assert_eq!(caught(last_agent_first, &equals, &[order(3, 4, 1)]), Some("priority"));
    let ask = [order(3, 4, 2)];
    assert_eq!(caught(without_the_last_unit, &equals, &ask), Some("largest volume"));
    let (bids, asks) = ([order(1, 9, 1), order(2, 7, 1)], [order(3, 4, 1)]);
    assert_eq!(caught(price_of_the_last_pair, &bids, &asks), Some("the price clears"));
}

#[test]
fn one_price_trades_less_than_a_price_for_each_pair_could() {
    let (bids, asks) = ([order(1, 10, 1), order(2, 5, 1)], [order(3, 1, 1), order(4, 6, 1)]);
    let clearing = call_market(&bids, &asks, PriceWeight::MIDDLE);
    assert_eq!(sum(&clearing.bought), 1, "10 with 6 and 5 with 1 would be two");
}
