//! Double auctions among traders of one unit each: five rules, one crossing.
//!
//! Owns who trades and what each side pays and receives, for buyers who want one unit and sellers who
//! have one. A trader is its place among the bids or the asks, and appears once: **no rule here
//! is proof against a trader under several names**, and for [`mcafee`] our tests show a shill that pays.
//!
//! Throughout, `b_1 >= b_2 >= ...` are the bids, `s_1 <= s_2 <= ...` the asks, and `k` is the last place
//! with `b_k >= s_k`: trading the first `k` of both sides is efficient. Ties go to the lowest place.
//!
//! Every rule costs O(n log n) for n traders: two sorts of plain numbers and two passes. Any input is
//! valid, empty sides too.

#![expect(clippy::doc_markdown, reason = "McAfee is a name")]

use crate::Money;

use super::PriceWeight;

/// What a double auction comes to: as many units are bought as sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exchange {
    /// Whether each buyer buys its unit, in the order of the bids.
    pub buys: Vec<bool>,
    /// Whether each seller sells its unit, in the order of the asks.
    pub sells: Vec<bool>,
    /// The prices; `None` if nobody trades.
    pub prices: Option<Prices>,
}

/// What each buyer that buys pays, and each seller that sells receives, in minor units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prices {
    /// By a buyer.
    pub paid: Money,
    /// By a seller.
    pub received: Money,
}

impl Exchange {
    /// How many units change hands.
    pub fn pairs(&self) -> usize {
        self.buys.iter().filter(|&&buys| buys).count()
    }

    /// What the operator keeps: the payments less the receipts. Negative is a deficit, which the
    /// operator pays. `None` beyond what a [`Money`] holds.
    pub fn surplus(&self) -> Option<Money> {
        let Some(Prices { paid, received }) = self.prices else { return Some(Money::ZERO) };
        paid.checked_sub(received)?.checked_mul(u64::try_from(self.pairs()).ok()?)
    }
}

/// The k-double auction: all `k` pairs trade at one price, at `weight` between `max(s_k, b_(k+1))` and
/// `min(b_k, s_(k+1))`, rounded down to a minor unit. The [call market](super::call_market) of traders
/// of one unit.
///
/// Guarantees: efficient, individually rational, strongly budget balanced. Does not guarantee
/// truthfulness: the last buyer gains by bidding less, the last seller by asking more. With
/// [`PriceWeight::LOWEST`] it is truthful for the buyers only, with [`PriceWeight::HIGHEST`] for the
/// sellers only.
///
/// Source: R. Wilson, Econometrica 53, 1985; for one pair K. Chatterjee and W. Samuelson, *Bargaining
/// under incomplete information*, Operations Research 31, 1983.
pub fn k_double_auction(bids: &[Money], asks: &[Money], weight: PriceWeight) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    crossing.exchange(crossing.last.map(|last| {
        let price = weight.between(crossing.low(last), crossing.high(last));
        (crossing.pairs, Prices { paid: price, received: price })
    }))
}

/// McAfee's double auction: truthful, and at most one pair short of efficient.
///
/// Let `p` be the middle of `b_(k+1)` and `s_(k+1)`, rounded down to a minor unit. If `s_k <= p <= b_k`,
/// the `k` pairs trade at `p`. Otherwise, and if there is no `(k+1)`-st bid or ask to make a price, the
/// first `k - 1` pairs trade: each buyer pays `b_k`, each seller receives `s_k`, and the operator keeps
/// the difference.
///
/// Guarantees: truth is a dominant strategy for a trader of one unit; individually rational; weakly
/// budget balanced (the operator never pays); loses at most the `k`-th trade, the least valuable one.
/// The rounding keeps `p` between `b_(k+1)` and `s_(k+1)`, which is all that truthfulness needs. Does
/// not guarantee: full efficiency, strong budget balance (the operator's share can be most of the gain
/// from trade), anything against traders under several names.
///
/// Source: R. P. McAfee, *A dominant strategy double auction*, JET 56, 1992. McAfee takes the ends of the
/// support of the values for a missing `(k+1)`-st trader; here nothing is known of them, and no trade
/// depends on a guess.
///
/// ```
/// use mabeam_economics::Money;
/// use mabeam_economics::market::double_auction::mcafee;
///
/// let money = |units| Money::new(units).unwrap();
/// let (bids, asks) = ([9, 4].map(money), [8, 3].map(money));
/// let exchange = mcafee(&bids, &asks);
/// assert_eq!((exchange.buys, exchange.sells), (vec![true, false], vec![false, true]));
/// assert_eq!(exchange.prices.unwrap().paid, money(6));
///
/// // Rivals too close: the second pair gives way, and makes the prices of the first.
/// let exchange = mcafee(&[9, 8].map(money), &[4, 3].map(money));
/// let prices = exchange.prices.unwrap();
/// assert_eq!((exchange.pairs(), prices.paid, prices.received), (1, money(8), money(4)));
/// ```
pub fn mcafee(bids: &[Money], asks: &[Money]) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    let middle = crossing
        .next_bid
        .zip(crossing.next_ask)
        .map(|(bid, ask)| PriceWeight::MIDDLE.between(bid, ask));
    match (crossing.last, middle) {
        (Some(last), Some(price)) if last.ask <= price && price <= last.bid => {
            crossing.exchange(Some((crossing.pairs, Prices { paid: price, received: price })))
        }
        _ => crossing.reduced(),
    }
}

/// Trade reduction: the first `k - 1` pairs trade, each buyer at `b_k`, each seller at `s_k`, always.
///
/// [`mcafee`] without the price that may save the last pair: it guarantees the same, is simpler to
/// explain and loses the `k`-th trade every time.
///
/// Source: the second branch of R. P. McAfee, JET 56, 1992; M. Babaioff and N. Nisan, *Concurrent
/// auctions across the supply chain*, JAIR 21, 2004.
pub fn trade_reduction(bids: &[Money], asks: &[Money]) -> Exchange {
    Crossing::of(bids, asks).reduced()
}

/// The Vickrey-Clarke-Groves double auction: all `k` pairs trade, each buyer pays `max(s_k, b_(k+1))`,
/// each seller receives `min(b_k, s_(k+1))`.
///
/// Guarantees: truth is a dominant strategy, efficient, individually rational. **Runs a deficit**: what
/// sellers receive is never less than what buyers pay, and the operator pays the difference. For
/// comparison, and for an operator who subsidises trade.
///
/// Source: W. Vickrey, *Counterspeculation, auctions, and competitive sealed tenders*, Journal of
/// Finance 16, 1961, section II.
pub fn vcg(bids: &[Money], asks: &[Money]) -> Exchange {
    let crossing = Crossing::of(bids, asks);
    crossing.exchange(crossing.last.map(|last| {
        let prices = Prices { paid: crossing.low(last), received: crossing.high(last) };
        (crossing.pairs, prices)
    }))
}

/// A price that stood before anybody reported: who bids at least `price` may buy, who asks at most
/// `price` may sell, the first in the order of the input first, and as many trade as there are on the
/// shorter side.
///
/// Guarantees: truth is a dominant strategy, individually rational, strongly budget balanced. Does not
/// guarantee efficiency: the price may be wrong, and the first in order trade instead of the most eager,
/// because any other choice would invite them to exaggerate.
///
/// Cost: O(n). Source: K. Hagerty and W. Rogerson, *Robust trading mechanisms*, JET 42, 1987.
pub fn posted_price(bids: &[Money], asks: &[Money], price: Money) -> Exchange {
    let willing_buyers = bids.iter().filter(|&&bid| bid >= price).count();
    let willing_sellers = asks.iter().filter(|&&ask| ask <= price).count();
    let pairs = willing_buyers.min(willing_sellers);
    let first = |willing: &mut dyn Iterator<Item = bool>| {
        let mut left = pairs;
        let trades = |willing: bool| {
            let trades = willing && left > 0;
            left -= usize::from(trades);
            trades
        };
        willing.map(trades).collect()
    };
    Exchange {
        buys: first(&mut bids.iter().map(|&bid| bid >= price)),
        sells: first(&mut asks.iter().map(|&ask| ask <= price)),
        prices: (pairs > 0).then_some(Prices { paid: price, received: price }),
    }
}

/// A bid and an ask.
#[derive(Clone, Copy)]
struct Pair {
    bid: Money,
    ask: Money,
}

/// Where demand meets supply.
struct Crossing<'a> {
    bids: &'a [Money],
    asks: &'a [Money],
    bids_falling: Vec<Money>,
    asks_rising: Vec<Money>,
    /// `k`.
    pairs: usize,
    /// `b_k` and `s_k`; `None` if `k` is 0.
    last: Option<Pair>,
    /// `b_(k+1)`.
    next_bid: Option<Money>,
    /// `s_(k+1)`.
    next_ask: Option<Money>,
}

impl<'a> Crossing<'a> {
    fn of(bids: &'a [Money], asks: &'a [Money]) -> Self {
        let (mut bids_falling, mut asks_rising) = (bids.to_vec(), asks.to_vec());
        bids_falling.sort_unstable_by(|one, other| other.cmp(one));
        asks_rising.sort_unstable();
        let matched = bids_falling.iter().zip(&asks_rising).take_while(|(bid, ask)| bid >= ask);
        let (pairs, last) = matched
            .fold((0, None), |(pairs, _), (&bid, &ask)| (pairs + 1, Some(Pair { bid, ask })));
        let next_bid = bids_falling.get(pairs).copied();
        let next_ask = asks_rising.get(pairs).copied();
        Self { bids, asks, bids_falling, asks_rising, pairs, last, next_bid, next_ask }
    }

    /// The lowest price at which exactly the `k` pairs want to trade.
    fn low(&self, last: Pair) -> Money {
        self.next_bid.map_or(last.ask, |next| next.max(last.ask))
    }

    /// The highest such price.
    fn high(&self, last: Pair) -> Money {
        self.next_ask.map_or(last.bid, |next| next.min(last.bid))
    }

    /// All but the last pair trade, at the prices that the last pair makes.
    fn reduced(&self) -> Exchange {
        let prices = self.last.map(|last| Prices { paid: last.bid, received: last.ask });
        self.exchange(prices.map(|prices| (self.pairs - 1, prices)))
    }

    /// The first `pairs` of both sides trade.
    fn exchange(&self, trade: Option<(usize, Prices)>) -> Exchange {
        let trade = trade.filter(|&(pairs, _)| pairs > 0);
        let pairs = trade.map_or(0, |(pairs, _)| pairs);
        Exchange {
            buys: most_eager(self.bids, &self.bids_falling[..pairs], |bid, other| bid > other),
            sells: most_eager(self.asks, &self.asks_rising[..pairs], |ask, other| ask < other),
            prices: trade.map(|(_, prices)| prices),
        }
    }
}

/// Whose values are the `best` ones, which are sorted; among equals the first in the order of `values`.
fn most_eager(
    values: &[Money],
    best: &[Money],
    more_eager: impl Fn(Money, Money) -> bool,
) -> Vec<bool> {
    let Some(&last) = best.last() else { return vec![false; values.len()] };
    let beyond = best.partition_point(|&value| more_eager(value, last));
    let mut equals = best.len() - beyond;
    let chosen = |&value: &Money| {
        let among_equals = value == last && equals > 0;
        equals -= usize::from(among_equals);
        among_equals || more_eager(value, last)
    };
    values.iter().map(chosen).collect()
}

#[cfg(test)]
mod laws;
