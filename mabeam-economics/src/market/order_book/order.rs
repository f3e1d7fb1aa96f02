//! What goes into an order book and what comes out of it.

use std::fmt;

use crate::{AgentId, Amount, Invalid, Money};

/// Which side of the market an order is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Bids.
    Buy,
    /// Asks.
    Sell,
}

impl Side {
    /// The side it trades with.
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

/// At which price an order trades, and what becomes of what does not trade at once. A limit is the
/// most that a unit may cost its buyer, the least that it may bring its seller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// At the limit or better; the rest waits in the book.
    Limit(Money),
    /// At the limit or better; the rest is dropped.
    ImmediateOrCancel(Money),
    /// At the limit or better, the whole quantity at once or nothing.
    FillOrKill(Money),
    /// At whatever is quoted, through all prices; the rest is dropped.
    Market,
}

impl Terms {
    /// The limit; `None` for a market order.
    pub const fn limit(self) -> Option<Money> {
        match self {
            Self::Limit(limit) | Self::ImmediateOrCancel(limit) | Self::FillOrKill(limit) => {
                Some(limit)
            }
            Self::Market => None,
        }
    }

    /// Whether what does not trade waits.
    pub(super) const fn rests(self) -> bool {
        matches!(self, Self::Limit(_))
    }
}

/// An order for a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Whose order it is.
    pub agent: AgentId,
    /// Whether it buys or sells.
    pub side: Side,
    /// At which price, and for how long.
    pub terms: Terms,
    /// How many units; at least one.
    pub quantity: Amount,
}

/// Names a resting order of one book, and no other order of that book ever. A later order's is larger.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    /// The how-many-eth order to rest it is.
    pub(super) sequence: u64,
    /// Where its side keeps it.
    pub(super) slot: u32,
    pub(super) side: Side,
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.sequence.fmt(f)
    }
}

/// An order that waits in a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resting {
    /// Its name.
    pub id: OrderId,
    /// Whose it is.
    pub agent: AgentId,
    /// Whether it buys or sells.
    pub side: Side,
    /// The price at which it trades.
    pub price: Money,
    /// How many units are left of it.
    pub quantity: Amount,
}

/// Units that changed hands. The price times the quantity is always a [`Money`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The order that had been waiting.
    pub maker: OrderId,
    /// How many units of it still wait; at zero it has left the book.
    pub maker_left: Amount,
    /// Who pays.
    pub buyer: AgentId,
    /// Who is paid.
    pub seller: AgentId,
    /// What each unit costs: the price of the order that had been waiting.
    pub price: Money,
    /// How many units.
    pub quantity: Amount,
}

/// What became of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed<'book> {
    /// What it traded, in order.
    pub trades: &'book [Trade],
    /// The name of what waits in the book, if anything does.
    pub resting: Option<OrderId>,
    /// How many units did not trade: those that wait, or those that were dropped.
    pub unfilled: Amount,
}

/// Why an order was not taken. The book is unchanged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// The order breaks a rule.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// It would have to rest, and there is no room.
    #[error("{limit} orders rest in the book, which is its limit")]
    Full {
        /// How many orders may rest.
        limit: usize,
    },
    /// There is nothing to replace.
    #[error("order {0} no longer rests in the book")]
    Unknown(OrderId),
}
