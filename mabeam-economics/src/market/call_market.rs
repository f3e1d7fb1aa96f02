//! The call market: orders are collected and cleared together, at one price.
//!
//! Owns the volume, the price and who is filled. Promises the largest volume that one price allows, the
//! same money from the buyers as to the sellers, nobody beyond its limit. Leaves to its caller when the
//! market is called, and whether an agent may trade with itself.

use std::cmp::Reverse;

use crate::{AgentId, Amount, Money};

use super::PriceWeight;

/// An order to buy or to sell up to a quantity, at its limit or better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LimitOrder {
    /// Whose order it is.
    pub agent: AgentId,
    /// What a unit costs at most (a bid) or brings at least (an ask), in minor units.
    pub limit: Money,
    /// How many units; zero trades nothing.
    pub quantity: Amount,
}

/// What a call market comes to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Clearing {
    /// What every traded unit costs its buyer and brings its seller; `None` if none is traded.
    pub price: Option<Money>,
    /// How much of each bid is filled, in the order of the bids.
    pub bought: Vec<Amount>,
    /// How much of each ask is filled, in the order of the asks.
    pub sold: Vec<Amount>,
}

/// Clears `bids` against `asks` at the one price that lies at `weight` in the interval of prices that
/// clear.
///
/// Of the units bid for, highest first, and the units on offer, cheapest first, let `k` be the last
/// place at which a bid meets its ask. These `k` units are traded: no single price trades more. Prices
/// from `max(s_k, b_(k+1))` to `min(b_k, s_(k+1))` clear the market; the price is at `weight` between
/// them, **rounded down** to a minor unit. Where a limit is shared by more than can be filled, the
/// lowest [`AgentId`] is filled first, then the earlier order of the same agent.
///
/// Guarantees: the largest volume at one price and the largest gain from trade; strong budget balance
/// (buyers pay what sellers receive, to the unit); individual rationality; the order of the input does
/// not matter. Does not guarantee: truthfulness. Shading a bid pays whoever is the last to trade, as the
/// literature says and our tests show; the gain falls as the market grows. Nor the largest *number* of
/// trades with a price for each pair, which can be larger and is less efficient.
///
/// Cost: O(n log n) for n orders. Any input is valid. What a trader pays is the price times its
/// quantity; whether that is a [`Money`] is for [`Money::checked_mul`] to say.
///
/// Source: R. Wilson, *Incentive efficiency of double auctions*, Econometrica 53, 1985; A. Rustichini,
/// M. Satterthwaite and S. Williams, *Convergence to efficiency in a simple market with incomplete
/// information*, Econometrica 62, 1994.
///
/// ```
/// use mabeam_economics::market::{LimitOrder, PriceWeight, call_market};
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let order = |agent, limit, quantity| LimitOrder {
///     agent: AgentId(agent),
///     limit: Money::new(limit).unwrap(),
///     quantity: Amount::new(quantity),
/// };
/// let bids = [order(1, 100, 5), order(2, 90, 5), order(3, 80, 5)];
/// let asks = [order(4, 70, 4), order(5, 85, 4), order(6, 95, 4)];
/// let clearing = call_market(&bids, &asks, PriceWeight::MIDDLE);
/// // Eight units; 85 is the last ask, 90 the last bid, and its rest still bids 90.
/// assert_eq!(clearing.price, Money::new(90));
/// assert_eq!(clearing.bought, [5, 3, 0].map(Amount::new));
/// assert_eq!(clearing.sold, [4, 4, 0].map(Amount::new));
/// ```
pub fn call_market(bids: &[LimitOrder], asks: &[LimitOrder], weight: PriceWeight) -> Clearing {
    let mut buyers = Queue::new(bids, |bid| Reverse(bid.limit));
    let mut sellers = Queue::new(asks, |ask| ask.limit);
    let mut last = None;
    while let (Some(bid), Some(ask)) = (buyers.next_limit(), sellers.next_limit()) {
        if bid < ask {
            break;
        }
        last = Some((bid, ask));
        let units = buyers.left().min(sellers.left());
        buyers.fill(units);
        sellers.fill(units);
    }
    let price = last.map(|(bid, ask)| {
        let low = buyers.next_limit().map_or(ask, |next| next.max(ask));
        let high = sellers.next_limit().map_or(bid, |next| next.min(bid));
        weight.between(low, high)
    });
    Clearing { price, bought: buyers.filled, sold: sellers.filled }
}

/// One side's orders, the most eager first, and how far they are filled.
struct Queue<'a> {
    orders: &'a [LimitOrder],
    /// Places of the orders that ask for something, most eager first.
    places: Vec<usize>,
    /// How many of `places` are filled whole.
    done: usize,
    filled: Vec<Amount>,
}

impl<'a> Queue<'a> {
    fn new<Rank: Ord>(orders: &'a [LimitOrder], rank: impl Fn(&LimitOrder) -> Rank) -> Self {
        let asks = |&place: &usize| orders[place].quantity > Amount::ZERO;
        let mut places: Vec<usize> = (0..orders.len()).filter(asks).collect();
        places.sort_unstable_by_key(|&place| (rank(&orders[place]), orders[place].agent, place));
        Self { orders, places, done: 0, filled: vec![Amount::ZERO; orders.len()] }
    }

    /// The limit of the next unit.
    fn next_limit(&self) -> Option<Money> {
        self.places.get(self.done).map(|&place| self.orders[place].limit)
    }

    /// How many units the next order still asks for.
    fn left(&self) -> u64 {
        let left =
            |&place: &usize| self.orders[place].quantity.units() - self.filled[place].units();
        self.places.get(self.done).map_or(0, left)
    }

    /// Fills `units`, at most what is left of it, of the next order.
    fn fill(&mut self, units: u64) {
        let whole = self.left() == units;
        if let Some(&place) = self.places.get(self.done) {
            self.filled[place] = Amount::new(self.filled[place].units() + units);
            self.done += usize::from(whole);
        }
    }
}

#[cfg(test)]
mod laws;
