//! What both clocks share: the question they ask, what a bidder has bought so far, and the checks.

use super::bids::{each_once, not_negative};
use super::{Award, Sale};
use crate::{AgentId, Amount, Invalid, Money, Subject};

/// How many units `bidder` takes at `price` each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Who is asked.
    pub bidder: AgentId,
    /// The price of one unit.
    pub price: Money,
}

/// What somebody has bought so far.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) bidder: AgentId,
    pub(super) units: u64,
    price: Money,
}

impl Purchase {
    /// Nothing yet.
    pub(super) const fn none(bidder: AgentId) -> Self {
        Self { bidder, units: 0, price: Money::ZERO }
    }

    /// `units` more, at `each`. A clock asks for no price that, for its whole supply, exceeds
    /// [`Money::MAX`].
    pub(super) fn add(&mut self, units: u64, each: Money) {
        self.units += units;
        let price = each.checked_mul(units).and_then(|more| self.price.checked_add(more));
        self.price = price.unwrap_or(Money::MAX);
    }
}

/// The sale of all that was bought.
pub(super) fn sale<'a>(purchases: impl IntoIterator<Item = &'a Purchase>) -> Sale {
    let bought = purchases.into_iter().filter(|purchase| purchase.units > 0);
    Sale::new(bought.map(|purchase| Award {
        winner: purchase.bidder,
        lot: Amount::new(purchase.units),
        price: purchase.price,
    }))
}

/// Refuses a negative reserve, a step that goes nowhere, a start whose price for the whole supply
/// could not be stated, and a bidder that appears twice. Start and step come with their fields' names.
pub(super) fn check(
    supply: Amount,
    reserve: Money,
    start: (&'static str, Money),
    step: (&'static str, Money),
    bidders: impl IntoIterator<Item = AgentId>,
) -> Result<(), Invalid> {
    not_negative(Subject::Problem, "reserve", reserve)?;
    if step.1 <= Money::ZERO {
        return Err(Invalid::new(Subject::Problem, step.0, step.1, "must be positive"));
    }
    if start.1.checked_mul(supply.units()).is_none() {
        let rule = "must not exceed Money::MAX for the whole supply";
        return Err(Invalid::new(Subject::Problem, start.0, start.1, rule));
    }
    each_once(&mut bidders.into_iter().collect::<Vec<_>>())
}
