//! The continuous double auction: a limit order book with price-time priority.
//!
//! Owns the resting orders of one good and the matching of each order that comes in. Promises:
//!
//! - the better price trades first, and at one price the earlier order (first in, first out);
//! - every trade is at the **resting** order's price, so nobody trades beyond its limit;
//! - the book is never crossed: after every call the best bid is below the best ask;
//! - units and money are conserved: a trade names one buyer, one seller, one price, one quantity;
//! - an order is taken whole or refused whole, and a refused one changes nothing.
//!
//! Leaves to its caller: money and goods (check before, settle after), and orders of one agent that
//! meet each other, which trade like any two. Does not promise truthfulness or efficiency: what a
//! trader should quote depends on what others will.
//!
//! An order rests in a slab, linked with its neighbours at its price; an index finds the prices. With P
//! prices on a side, a new order and a new price cost O(log P), a fill O(1), and a cancellation O(1), or
//! O(log P) if it empties its price. Room for the orders, at most the first 65,536 of a side, is
//! reserved when the book is made; within it only the index allocates, and only for a price that was
//! not in the book.

mod ladder;
mod order;

pub use order::{Order, OrderId, Placed, Refused, Resting, Side, Terms, Trade};

use crate::{Amount, Invalid, Money, Subject};

use ladder::{Ladder, Node};

/// For how many orders a side room is reserved at most.
const RESERVED: usize = 1 << 16;

/// The orders of one good that wait for a counterpart.
///
/// ```
/// use mabeam_economics::market::order_book::{Order, OrderBook, Side, Terms};
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let order = |agent, side, terms, quantity| Order {
///     agent: AgentId(agent),
///     side,
///     terms,
///     quantity: Amount::new(quantity),
/// };
/// let price = |units| Money::new(units).unwrap();
/// let mut book = OrderBook::new(1000)?;
///
/// let ask = book.place(order(1, Side::Sell, Terms::Limit(price(100)), 5))?.resting.unwrap();
/// book.place(order(2, Side::Sell, Terms::Limit(price(101)), 5))?;
///
/// // Pays 100 for five and 101 for one, though it would have paid 103.
/// let placed = book.place(order(3, Side::Buy, Terms::Limit(price(103)), 6))?;
/// let trades: Vec<_> = placed.trades.iter().map(|t| (t.price.units(), t.quantity.units())).collect();
/// assert_eq!(trades, [(100, 5), (101, 1)]);
///
/// assert!(book.cancel(ask).is_none(), "it is filled");
/// assert_eq!(book.best(Side::Sell), Some((price(101), Amount::new(4))));
/// # Ok::<(), mabeam_economics::market::order_book::Refused>(())
/// ```
#[derive(Clone, Debug)]
pub struct OrderBook {
    bids: Ladder,
    asks: Ladder,
    /// How many orders may rest.
    limit: usize,
    /// How many orders were given an id.
    sequence: u64,
    /// The trades of the last call; kept for its capacity.
    trades: Vec<Trade>,
}

impl OrderBook {
    /// The largest limit on resting orders: 2^24.
    pub const MAX_RESTING: usize = 1 << 24;

    /// An empty book in which at most `limit` orders rest, of both sides together.
    ///
    /// Errors: a limit of 0 or beyond [`MAX_RESTING`](Self::MAX_RESTING).
    pub fn new(limit: usize) -> Result<Self, Invalid> {
        if limit == 0 || limit > Self::MAX_RESTING {
            let rule = "must be from 1 to 2^24";
            return Err(Invalid::new(Subject::Problem, "limit on resting orders", limit, rule));
        }
        Ok(Self {
            bids: Ladder::new(Side::Buy, limit.min(RESERVED)),
            asks: Ladder::new(Side::Sell, limit.min(RESERVED)),
            limit,
            sequence: 0,
            trades: Vec::with_capacity(limit.min(RESERVED)),
        })
    }

    /// Matches an order, and lets the rest of a [`Terms::Limit`] wait.
    ///
    /// Errors, of which none changes the book: [`Refused::Invalid`] for a quantity of 0, for a limit
    /// times a quantity that is not a [`Money`] (so the price times the quantity of every trade is one),
    /// and for more units on one side, all of a limit order's among them, than an [`Amount`] holds;
    /// [`Refused::Full`] for an order that would have to rest in a full book. One that trades is never
    /// refused for that: if anything of it is left to wait, it has emptied a place.
    pub fn place(&mut self, order: Order) -> Result<Placed<'_>, Refused> {
        self.check(&order, None)?;
        Ok(self.execute(order))
    }

    /// Takes an order out of the book; `None` if it no longer rests there.
    pub fn cancel(&mut self, id: OrderId) -> Option<Resting> {
        let ladder = self.ladder_mut(id.side);
        let resting = ladder.resting(id)?;
        ladder.remove(id.slot);
        Some(resting)
    }

    /// Gives a resting order another limit, and another quantity in place of what is left of it.
    ///
    /// Less at the same price keeps the order's place and id. Anything else is a new order: it has a new
    /// id, may trade at once, and waits behind the others at its price.
    ///
    /// Errors as for [`place`](Self::place), and [`Refused::Unknown`] for an order that no longer rests:
    /// the book is as it was, the order too.
    pub fn replace(
        &mut self,
        id: OrderId,
        limit: Money,
        quantity: Amount,
    ) -> Result<Placed<'_>, Refused> {
        let old = self.get(id).ok_or(Refused::Unknown(id))?;
        let Resting { agent, side, .. } = old;
        let order = Order { agent, side, terms: Terms::Limit(limit), quantity };
        self.check(&order, Some(&old))?;
        if limit == old.price && quantity <= old.quantity {
            self.ladder_mut(side).shrink(id.slot, quantity.units());
            return Ok(Placed { trades: &[], resting: Some(id), unfilled: quantity });
        }
        self.ladder_mut(side).remove(id.slot);
        Ok(self.execute(order))
    }

    /// The resting order with this id; `None` once it is filled, cancelled or replaced.
    pub fn get(&self, id: OrderId) -> Option<Resting> {
        self.ladder(id.side).resting(id)
    }

    /// The best price of a side, the highest bid or the lowest ask, and the units waiting at it.
    pub fn best(&self, side: Side) -> Option<(Money, Amount)> {
        self.depth(side).next()
    }

    /// The prices of a side, best first, each with the units waiting at it.
    pub fn depth(&self, side: Side) -> impl Iterator<Item = (Money, Amount)> {
        self.ladder(side).depth()
    }

    /// The resting orders of a side in the order in which they trade.
    pub fn orders(&self, side: Side) -> impl Iterator<Item = Resting> {
        self.ladder(side).orders()
    }

    /// How many orders rest.
    pub fn len(&self) -> usize {
        self.bids.len() + self.asks.len()
    }

    /// Whether no order rests.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether `order` can be taken, with `replaced` gone.
    fn check(&self, order: &Order, replaced: Option<&Resting>) -> Result<(), Refused> {
        let refuse = |field, value: &dyn std::fmt::Display, rule| {
            Err(Invalid::new(Subject::Agent(order.agent.0), field, value, rule).into())
        };
        let quantity = order.quantity;
        if quantity == Amount::ZERO {
            return refuse("quantity", &quantity, "must be at least one unit");
        }
        let Some(limit) = order.terms.limit() else { return Ok(()) };
        if limit.checked_mul(quantity.units()).is_none() {
            return refuse(
                "quantity",
                &quantity,
                "must cost at most 10^15 minor units at its limit",
            );
        }
        let freed = replaced.map_or(0, |old| old.quantity.units());
        let others = self.ladder(order.side).units() - freed;
        if order.terms.rests() && others.checked_add(quantity.units()).is_none() {
            return refuse(
                "quantity",
                &quantity,
                "must fit an amount with the side's other orders",
            );
        }
        let has_room = self.len() < self.limit || replaced.is_some() || !order.terms.rests();
        if has_room || self.ladder(order.side.opposite()).meets(limit) {
            return Ok(());
        }
        Err(Refused::Full { limit: self.limit })
    }

    /// Matches a checked order and lets what is left rest if its terms say so.
    fn execute(&mut self, order: Order) -> Placed<'_> {
        let Order { agent, side, terms, quantity } = order;
        self.trades.clear();
        let (own, opposite) = match side {
            Side::Buy => (&mut self.bids, &mut self.asks),
            Side::Sell => (&mut self.asks, &mut self.bids),
        };
        let mut left = quantity.units();
        let kill = matches!(terms, Terms::FillOrKill(limit) if !opposite.holds(limit, left));
        if !kill {
            left = opposite.take(terms.limit(), left, |fill| {
                self.trades.push(fill.with_taker(agent, side));
            });
        }
        let rest = match terms {
            Terms::Limit(limit) if left > 0 => Some(limit),
            _ => None,
        };
        let resting = rest.map(|limit| {
            self.sequence += 1;
            own.push(limit, Node::new(self.sequence, agent, left))
        });
        Placed { trades: &self.trades, resting, unfilled: Amount::new(left) }
    }

    fn ladder(&self, side: Side) -> &Ladder {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn ladder_mut(&mut self, side: Side) -> &mut Ladder {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }
}

#[cfg(test)]
mod laws;
