//! The laws of double auctions, published examples, and rules that break the laws.

use proptest::prelude::*;

use crate::laws::{Mechanism, find_manipulation};
use crate::seeded::Seeded;

use super::*;

/// A rule of double auctions.
type Rule = fn(&[Money], &[Money]) -> Exchange;

const TRUTHFUL: [(&str, Rule); 4] = [
    ("McAfee", mcafee),
    ("trade reduction", trade_reduction),
    ("VCG", vcg),
    ("posted price", posted_at_three),
];
const EFFICIENT: [(&str, Rule); 4] =
    [("k = 0", lowest_price), ("k = 1/2", middle_price), ("k = 1", highest_price), ("VCG", vcg)];

fn posted_at_three(bids: &[Money], asks: &[Money]) -> Exchange {
    posted_price(bids, asks, money(3))
}

fn lowest_price(bids: &[Money], asks: &[Money]) -> Exchange {
    k_double_auction(bids, asks, PriceWeight::LOWEST)
}

fn middle_price(bids: &[Money], asks: &[Money]) -> Exchange {
    k_double_auction(bids, asks, PriceWeight::MIDDLE)
}

fn highest_price(bids: &[Money], asks: &[Money]) -> Exchange {
    k_double_auction(bids, asks, PriceWeight::HIGHEST)
}

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn moneys(units: &[i64]) -> Vec<Money> {
    units.iter().copied().map(money).collect()
}

/// A rule to which the first `buyers` agents report bids and the rest asks.
struct Traders {
    rule: Rule,
    buyers: usize,
    /// Every lie from -1 to this is tried, and those just beside any truth.
    highest_lie: i64,
}

impl Mechanism for Traders {
    type Report = i64;
    type Outcome = Exchange;
    type Utility = i64;

    fn outcome(&self, reports: &[i64]) -> Exchange {
        let (bids, asks) = reports.split_at(self.buyers);
        (self.rule)(&moneys(bids), &moneys(asks))
    }

    fn utility(&self, who: usize, truth: &i64, exchange: &Exchange) -> i64 {
        let Some(Prices { paid, received }) = exchange.prices else { return 0 };
        match who.checked_sub(self.buyers) {
            None if exchange.buys[who] => truth - paid.units(),
            Some(seller) if exchange.sells[seller] => received.units() - truth,
            _ => 0,
        }
    }

    fn lies(&self, _who: usize, truths: &[i64]) -> Vec<i64> {
        let beside = truths.iter().flat_map(|&truth| [truth - 1, truth, truth + 1]);
        (-1..=self.highest_lie).chain(beside).collect()
    }
}

/// Every market of `buyers` and `sellers` whose values are below `values`.
fn all_markets(buyers: usize, sellers: usize, values: i64) -> impl Iterator<Item = Vec<i64>> {
    let traders = buyers + sellers;
    let markets = values.pow(u32::try_from(traders).unwrap());
    (0..markets).map(move |mut number| {
        let mut digit = || {
            let digit = number % values;
            number /= values;
            digit
        };
        (0..traders).map(|_| digit()).collect()
    })
}

/// The first manipulation of a rule in any small market.
fn manipulation(rule: Rule) -> Option<String> {
    [(1, 1, 6), (2, 2, 5), (1, 3, 5), (3, 1, 5)].into_iter().find_map(
        |(buyers, sellers, values)| {
            let traders = Traders { rule, buyers, highest_lie: values };
            all_markets(buyers, sellers, values).find_map(|truths| {
                let found = find_manipulation(&traders, &truths)?;
                Some(format!("{buyers} buyers in {truths:?}: {found:?}"))
            })
        },
    )
}

/// Somebody trades and would rather not have.
fn somebody_loses(bids: &[Money], asks: &[Money], exchange: &Exchange) -> bool {
    let Some(Prices { paid, received }) = exchange.prices else { return false };
    bids.iter().zip(&exchange.buys).any(|(&bid, &buys)| buys && bid < paid)
        || asks.iter().zip(&exchange.sells).any(|(&ask, &sells)| sells && ask > received)
}

/// The traded values of the buyers less those of the sellers.
fn gain(bids: &[Money], asks: &[Money], exchange: &Exchange) -> i64 {
    let traded = |values: &[Money], trades: &[bool]| -> i64 {
        let traded = values.iter().zip(trades).filter(|&(_, &trades)| trades);
        traded.map(|(value, _)| value.units()).sum()
    };
    traded(bids, &exchange.buys) - traded(asks, &exchange.sells)
}

/// The largest gain from trade and the gain of its last pair, one pair after the other.
fn best_gain(bids: &[Money], asks: &[Money]) -> (usize, i64, i64) {
    let (mut bids, mut asks) = (bids.to_vec(), asks.to_vec());
    let (mut pairs, mut total, mut last) = (0, 0, 0);
    while let (Some(bid), Some(ask)) = (bids.iter().max().copied(), asks.iter().min().copied()) {
        if bid < ask {
            break;
        }
        bids.remove(bids.iter().position(|&one| one == bid).unwrap());
        asks.remove(asks.iter().position(|&one| one == ask).unwrap());
        last = bid.units() - ask.units();
        (pairs, total) = (pairs + 1, total + last);
    }
    (pairs, total, last)
}

fn sides() -> impl Strategy<Value = (Vec<Money>, Vec<Money>)> {
    let value =
        || prop_oneof![8 => 0_i64..20, 1 => -1_000_000_000_000_000_i64..=1_000_000_000_000_000];
    let side = move || prop::collection::vec(value().prop_map(money), 0..10);
    (side(), side())
}

#[test]
fn truth_is_a_dominant_strategy_where_it_is_claimed() {
    for (name, rule) in TRUTHFUL {
        assert_eq!(manipulation(rule), None, "{name}");
    }
}

/// Negative control, and which side it is that gains.
#[test]
fn the_k_double_auction_is_manipulable_on_the_side_that_makes_the_price() {
    let found = |rule, truths: &[i64]| {
        let found = find_manipulation(&Traders { rule, buyers: 1, highest_lie: 10 }, truths);
        found.map(|found| (found.who, found.lie))
    };
    assert_eq!(found(middle_price, &[9, 4]), Some((0, 4)), "the buyer bids what the seller asks");
    assert_eq!(found(lowest_price, &[9, 4]), Some((1, 9)), "only the seller gains");
    assert_eq!(found(highest_price, &[9, 4]), Some((0, 4)), "only the buyer gains");

    let only_one_side_gains = |rule, gains: fn(usize) -> bool| {
        for truths in all_markets(2, 2, 5) {
            let traders = Traders { rule, buyers: 2, highest_lie: 5 };
            let honest = traders.outcome(&truths);
            for who in (0..4).filter(|&who| !gains(who)) {
                for lie in traders.lies(who, &truths) {
                    let mut reports = truths.clone();
                    reports[who] = lie;
                    let dishonest = traders.outcome(&reports);
                    let worth = |outcome| traders.utility(who, &truths[who], outcome);
                    assert!(worth(&dishonest) <= worth(&honest), "{truths:?}, {who} says {lie}");
                }
            }
        }
    };
    only_one_side_gains(lowest_price, |who| who >= 2);
    only_one_side_gains(highest_price, |who| who < 2);
}

/// The price is made by the pair that trades last, and nobody gives way.
fn without_reduction(bids: &[Money], asks: &[Money]) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    crossing.exchange(
        crossing.last.map(|last| (crossing.pairs, Prices { paid: last.bid, received: last.ask })),
    )
}

/// McAfee's price is made by the last pair instead of the next.
fn middle_of_the_last_pair(bids: &[Money], asks: &[Money]) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    crossing.exchange(crossing.last.map(|last| {
        let price = PriceWeight::MIDDLE.between(last.ask, last.bid);
        (crossing.pairs, Prices { paid: price, received: price })
    }))
}

/// McAfee's price is held within what the last pair accepts instead of giving way to it.
fn price_held_within_the_last_pair(bids: &[Money], asks: &[Money]) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    let middle = crossing.next_bid.zip(crossing.next_ask);
    crossing.exchange(crossing.last.zip(middle).map(|(last, (bid, ask))| {
        let price = PriceWeight::MIDDLE.between(bid, ask).clamp(last.ask, last.bid);
        (crossing.pairs, Prices { paid: price, received: price })
    }))
}

/// McAfee's price at any cost.
fn price_not_checked(bids: &[Money], asks: &[Money]) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    let middle = crossing.next_bid.zip(crossing.next_ask);
    crossing.exchange(crossing.last.and(middle).map(|(bid, ask)| {
        let price = PriceWeight::MIDDLE.between(bid, ask);
        (crossing.pairs, Prices { paid: price, received: price })
    }))
}

#[test]
fn rules_that_are_nearly_mcafee_s_are_caught() {
    assert!(manipulation(without_reduction).is_some());
    assert!(manipulation(middle_of_the_last_pair).is_some());
    assert!(manipulation(price_held_within_the_last_pair).is_some());
    let (bids, asks) = (moneys(&[9, 8]), moneys(&[3, 20]));
    let exchange = price_not_checked(&bids, &asks);
    assert!(somebody_loses(&bids, &asks, &exchange), "{exchange:?}");
}

/// Negative control: the law is for a trader under one name.
#[test]
fn a_shill_bid_makes_mcafee_s_price() {
    let asks = moneys(&[3, 8]);
    assert_eq!(mcafee(&moneys(&[9]), &asks).pairs(), 0);
    let with_shill = mcafee(&moneys(&[9, 4]), &asks);
    assert_eq!((with_shill.buys, with_shill.prices.unwrap().paid), (vec![true, false], money(6)));
}

/// R. Myerson and M. Satterthwaite, JET 29, 1983: truthful, individually rational and efficient, so it
/// can't be paid for by the traders.
#[test]
fn the_vcg_double_auction_runs_a_deficit() {
    let exchange = vcg(&moneys(&[9]), &moneys(&[4]));
    assert_eq!(exchange.prices, Some(Prices { paid: money(4), received: money(9) }));
    assert_eq!(exchange.surplus(), Some(money(-5)));
    let deficits = all_markets(2, 2, 5).filter(|values| {
        let exchange = vcg(&moneys(&values[..2]), &moneys(&values[2..]));
        exchange.surplus().unwrap() < Money::ZERO
    });
    assert!(deficits.count() > 100);
}

proptest! {
    #[test]
    fn random_lies_do_not_pay_either(
        (truths, buyers) in (prop::collection::vec(0_i64..40, 2..10))
            .prop_flat_map(|truths| { let all = truths.len(); (Just(truths), 0..=all) }),
    ) {
        for (name, rule) in TRUTHFUL {
            let found = find_manipulation(&Traders { rule, buyers, highest_lie: 41 }, &truths);
            prop_assert!(found.is_none(), "{}: {:?}", name, found);
        }
    }

    #[test]
    fn nobody_loses_and_as_many_buy_as_sell((bids, asks) in sides()) {
        for (name, rule) in TRUTHFUL.into_iter().chain(EFFICIENT) {
            let exchange = rule(&bids, &asks);
            prop_assert!(!somebody_loses(&bids, &asks, &exchange), "{}: {:?}", name, exchange);
            let sales = exchange.sells.iter().filter(|&&sells| sells).count();
            prop_assert_eq!(exchange.pairs(), sales, "{}", name);
            prop_assert_eq!(exchange.pairs() > 0, exchange.prices.is_some(), "{}", name);
            prop_assert_eq!((exchange.buys.len(), exchange.sells.len()), (bids.len(), asks.len()));
        }
    }

    #[test]
    fn the_operator_never_pays_but_for_vcg((bids, asks) in sides()) {
        let kept = |exchange: &Exchange| {
            exchange.prices.map_or(0, |prices| prices.paid.units() - prices.received.units())
        };
        prop_assert!(kept(&mcafee(&bids, &asks)) >= 0);
        prop_assert!(kept(&trade_reduction(&bids, &asks)) >= 0);
        for rule in [lowest_price, middle_price, highest_price, posted_at_three] {
            prop_assert_eq!(kept(&rule(&bids, &asks)), 0);
        }
        prop_assert!(kept(&vcg(&bids, &asks)) <= 0);
    }

    #[test]
    fn the_gain_is_the_largest_or_short_of_the_last_pair_s((bids, asks) in sides()) {
        let (pairs, best, last) = best_gain(&bids, &asks);
        for (name, rule) in EFFICIENT {
            let exchange = rule(&bids, &asks);
            prop_assert_eq!(exchange.pairs(), pairs, "{}", name);
            prop_assert_eq!(gain(&bids, &asks, &exchange), best, "{}", name);
        }
        let (whole, reduced) = (best, best - last);
        let exchange = mcafee(&bids, &asks);
        let expected = if exchange.pairs() == pairs { whole } else { reduced };
        prop_assert!(exchange.pairs() + 1 >= pairs);
        prop_assert_eq!(gain(&bids, &asks, &exchange), expected);
        let exchange = trade_reduction(&bids, &asks);
        prop_assert_eq!(exchange.pairs(), pairs.saturating_sub(1));
        prop_assert_eq!(gain(&bids, &asks, &exchange), reduced);
    }

    #[test]
    fn the_price_clears_the_market((bids, asks) in sides(), k in 0_u32..=7) {
        let weight = PriceWeight::new(k, 7).unwrap();
        let exchange = k_double_auction(&bids, &asks, weight);
        if let Some(Prices { paid: price, .. }) = exchange.prices {
            // Whoever would gain trades, and whoever would lose does not.
            for (&bid, &buys) in bids.iter().zip(&exchange.buys) {
                prop_assert!(bid == price || buys == (bid > price));
            }
            for (&ask, &sells) in asks.iter().zip(&exchange.sells) {
                prop_assert!(ask == price || sells == (ask < price));
            }
        }
    }

    #[test]
    fn equal_traders_trade_in_the_order_of_the_input((bids, asks) in sides()) {
        for (name, rule) in TRUTHFUL.into_iter().chain(EFFICIENT) {
            let exchange = rule(&bids, &asks);
            let in_order = |values: &[Money], trades: &[bool]| {
                let pairs = (0..values.len()).flat_map(|late| (0..late).map(move |early| (early, late)));
                pairs.into_iter().all(|(early, late)| {
                    values[early] != values[late] || trades[early] || !trades[late]
                })
            };
            prop_assert!(in_order(&bids, &exchange.buys), "{}", name);
            prop_assert!(in_order(&asks, &exchange.sells), "{}", name);
        }
    }

    #[test]
    fn shifting_every_value_shifts_the_prices((bids, asks) in sides(), shift in -50_i64..50) {
        let fits = |value: &Money| Money::new(value.units() + shift).is_some();
        prop_assume!(bids.iter().chain(&asks).all(fits));
        let shifted = |values: &[Money]| -> Vec<Money> {
            values.iter().map(|value| money(value.units() + shift)).collect()
        };
        for rule in [mcafee as Rule, trade_reduction, vcg, lowest_price, middle_price] {
            let (before, after) = (rule(&bids, &asks), rule(&shifted(&bids), &shifted(&asks)));
            let by = |price: Money| Money::new(price.units() + shift).unwrap();
            let expected = before
                .prices
                .map(|prices| Prices { paid: by(prices.paid), received: by(prices.received) });
            prop_assert_eq!(after.prices, expected);
            prop_assert_eq!((after.buys, after.sells), (before.buys, before.sells));
        }
    }
}

/// University of Mittweida, blockchain academy, *Double auction*: the break-even index is 2, the price
/// is from 85 to 90, and the average mechanism pays 87.5. In tenths.
#[test]
fn the_lecture_s_market_clears_as_printed() {
    let bids = moneys(&[1000, 900, 800, 700, 600]);
    let asks = moneys(&[800, 850, 950, 1000, 1100]);
    let price = |exchange: Exchange| exchange.prices.unwrap().paid.units();
    assert_eq!(price(lowest_price(&bids, &asks)), 850);
    assert_eq!(price(highest_price(&bids, &asks)), 900);
    let average = middle_price(&bids, &asks);
    assert_eq!(average.pairs(), 2);
    assert_eq!(price(average), 875);
    // The middle of the third bid and the third ask is 87.5 too, which the second pair accepts.
    assert_eq!(mcafee(&bids, &asks), middle_price(&bids, &asks));
    let reduced = trade_reduction(&bids, &asks);
    assert_eq!(reduced.prices, Some(Prices { paid: money(900), received: money(850) }));
    assert_eq!(reduced.pairs(), 1);
}

/// E. Segal-Halevi, `erelsgl/auctions` on GitHub, `mcafee_protocol.py`: the documented examples.
#[test]
fn mcafee_s_auction_answers_as_a_reference_implementation_documents() {
    let trades = |bids: &[i64], asks: &[i64]| {
        let exchange = mcafee(&moneys(bids), &moneys(asks));
        let prices = exchange.prices.map(|prices| (prices.paid.units(), prices.received.units()));
        (exchange.pairs(), prices)
    };
    assert_eq!(trades(&[9], &[4]), (0, None));
    assert_eq!(trades(&[9, 8], &[4]), (0, None));
    assert_eq!(trades(&[9], &[4, 3]), (0, None));
    assert_eq!(trades(&[9, 8], &[4, 3]), (1, Some((8, 4))));
    assert_eq!(trades(&[9, 4], &[8, 3]), (1, Some((6, 6))));
}

/// The experiment of R. P. McAfee, JET 56, 1992, table I: values uniform, n buyers and n sellers. The
/// figures are those of E. Segal-Halevi's repetition, `erelsgl/auctions`, `results/mcafee_experiment.csv`:
/// n, the pairs that trade of those that could, and the gain of the best gain, in hundredths.
#[test]
fn mcafee_s_losses_are_those_of_the_published_experiment() {
    let published = [(2, 58.05, 76.82), (3, 72.17, 88.25), (4, 77.93, 92.01), (5, 82.22, 94.59)];
    let mut numbers = Seeded::new(1992);
    for (traders, pairs_percent, gain_percent) in published.into_iter().chain([(10, 90.47, 98.32)])
    {
        let mut side = || -> Vec<Money> {
            (0..traders).map(|_| money(1 + i64::try_from(numbers.below(1000)).unwrap())).collect()
        };
        let (mut pairs, mut best_pairs, mut gains, mut best_gains) = (0, 0, 0, 0);
        for _ in 0..4000 {
            let (bids, asks) = (side(), side());
            let exchange = mcafee(&bids, &asks);
            let (best, best_total, _) = best_gain(&bids, &asks);
            (pairs, best_pairs) = (pairs + exchange.pairs(), best_pairs + best);
            (gains, best_gains) = (gains + gain(&bids, &asks, &exchange), best_gains + best_total);
        }
        let percent = |part: f64, whole: f64| 100.0 * part / whole;
        let found = percent(pairs as f64, best_pairs as f64);
        assert!((found - pairs_percent).abs() < 2.0, "{traders}: {found} % of the pairs");
        let found = percent(gains as f64, best_gains as f64);
        assert!((found - gain_percent).abs() < 1.5, "{traders}: {found} % of the gain");
    }
}

#[test]
fn empty_sides_trade_nothing() {
    for (_, rule) in TRUTHFUL.into_iter().chain(EFFICIENT) {
        assert_eq!(rule(&[], &[]), Exchange::default());
        let (buys, sells) = (vec![false], Vec::new());
        assert_eq!(rule(&moneys(&[9]), &[]), Exchange { buys, sells, prices: None });
    }
}

#[test]
fn a_surplus_beyond_money_is_none() {
    let values = [Money::MAX; 5];
    let asks = [Money::MIN, Money::MIN, Money::MIN, Money::MIN, Money::MIN];
    let exchange = trade_reduction(&values, &asks);
    assert_eq!((exchange.pairs(), exchange.surplus()), (4, None));
}
