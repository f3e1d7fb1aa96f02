//! Sealed bids: the one place where they are checked and put in order.
//!
//! Owns the checks (nobody bids twice, no bid is negative, no sum overflows, the reserve price) and the
//! order of precedence: the highest bid first, the lowest id first among equals, so that the order in
//! which bids arrive can't matter. Leaves to the auctions what is sold to whom for how much.

use std::cmp::Reverse;

use super::sale::{Award, Sale};
use crate::{AgentId, Amount, Invalid, Money, Subject};

/// What somebody would pay for one unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bid {
    /// Who would pay.
    pub bidder: AgentId,
    /// At most how much.
    pub price: Money,
}

/// One bid of each bidder, and the seller's reserve price.
///
/// ```
/// use mabeam_economics::auction::Bids;
/// use mabeam_economics::{AgentId, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let bids = [(AgentId(1), money(50)), (AgentId(2), money(80)), (AgentId(3), money(9))];
/// let bids = Bids::new(money(10), bids)?;
/// let order: Vec<_> = bids.ranked().iter().map(|bid| bid.bidder).collect();
/// assert_eq!(order, [AgentId(2), AgentId(1)]);
///
/// let twice = Bids::new(money(10), [(AgentId(1), money(50)), (AgentId(1), money(80))]);
/// assert_eq!(twice.unwrap_err().to_string(), "agent 1: id is 1: must appear once");
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bids(UnitBids);

impl Bids {
    /// The bids that meet `reserve`: those that equal it do, those below it are as if they had not
    /// been made.
    ///
    /// Cost: O(n log n) for n bids. Refuses a negative reserve, a negative bid and a second bid of
    /// the same bidder.
    pub fn new(
        reserve: Money,
        bids: impl IntoIterator<Item = (AgentId, Money)>,
    ) -> Result<Self, Invalid> {
        let alone = bids.into_iter().map(|(bidder, price)| (bidder, [price]));
        UnitBids::new(reserve, alone).map(Self)
    }

    /// What the seller asks for at least.
    pub const fn reserve(&self) -> Money {
        self.0.reserve()
    }

    /// The bids that meet the reserve, highest first, ties by the lowest id.
    pub fn ranked(&self) -> &[Bid] {
        self.0.ranked()
    }

    /// The same bids, each for one of several units.
    pub const fn as_unit_bids(&self) -> &UnitBids {
        &self.0
    }
}

/// The bids of each bidder for several identical units, and the seller's reserve price for one.
///
/// A bidder states what it would pay for its first unit, what it would *add* for a second, and so on:
/// its marginal values, which do not rise.
///
/// ```
/// use mabeam_economics::auction::UnitBids;
/// use mabeam_economics::{AgentId, Money};
///
/// let money = |units: [i64; 2]| units.map(|units| Money::new(units).unwrap());
/// let bids = [(AgentId(1), money([50, 20])), (AgentId(2), money([30, 30]))];
/// let bids = UnitBids::new(Money::ZERO, bids)?;
/// let order: Vec<_> = bids.ranked().iter().map(|bid| bid.bidder.0).collect();
/// assert_eq!(order, [1, 2, 2, 1]);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnitBids {
    reserve: Money,
    ranked: Vec<Bid>,
}

impl UnitBids {
    /// The bids that meet `reserve`: those that equal it do, those below it are as if they had not
    /// been made. A bidder may want no unit at all.
    ///
    /// Cost: O(n log n) for n bids. Refuses a negative reserve or bid, a bidder that appears twice,
    /// bids of one bidder that rise from a unit to the next, and those that add up to more than
    /// [`Money::MAX`].
    pub fn new<Prices: IntoIterator<Item = Money>>(
        reserve: Money,
        bidders: impl IntoIterator<Item = (AgentId, Prices)>,
    ) -> Result<Self, Invalid> {
        not_negative(Subject::Problem, "reserve", reserve)?;
        let (mut ids, mut ranked) = (Vec::new(), Vec::new());
        for (bidder, prices) in bidders {
            ids.push(bidder);
            let subject = Subject::Agent(bidder.0);
            let (mut sum, mut before) = (Money::ZERO, Money::MAX);
            for price in prices {
                not_negative(subject, "bid", price)?;
                if price > before {
                    let rule = "must not exceed the bid for the unit before";
                    return Err(Invalid::new(subject, "bid", price, rule));
                }
                let rule = "must not take the sum of the bidder's bids beyond Money::MAX";
                let beyond = || Invalid::new(subject, "bid", price, rule);
                sum = sum.checked_add(price).ok_or_else(beyond)?;
                before = price;
                if price >= reserve {
                    ranked.push(Bid { bidder, price });
                }
            }
        }
        each_once(&mut ids)?;
        ranked.sort_unstable_by_key(|bid| (Reverse(bid.price), bid.bidder));
        Ok(Self { reserve, ranked })
    }

    /// What the seller asks for at least, for each unit.
    pub const fn reserve(&self) -> Money {
        self.reserve
    }

    /// The bids that meet the reserve, highest first, ties by the lowest id.
    pub fn ranked(&self) -> &[Bid] {
        &self.ranked
    }

    /// Sells up to `supply` units to the first in rank. Each winner pays what `price` says, given its
    /// own bids that won and everybody's that lost, both in rank order.
    ///
    /// `price` charges no unit above the winner's bid for it, so that the bound on the sum of a
    /// bidder's bids bounds what it pays.
    pub(super) fn sell(
        &self,
        supply: Amount,
        price: impl Fn(AgentId, &[Bid], &[Bid]) -> Option<Money>,
    ) -> Sale {
        let sold = usize::try_from(supply.units()).unwrap_or(usize::MAX).min(self.ranked.len());
        let (won, lost) = self.ranked.split_at(sold);
        let mut won = won.to_vec();
        won.sort_by_key(|bid| bid.bidder);
        let winners = won.chunk_by(|one, next| one.bidder == next.bidder);
        Sale::new(winners.filter_map(|own| {
            let winner = own.first()?.bidder;
            let price = price(winner, own, lost).unwrap_or(Money::MAX);
            Some(Award { winner, lot: Amount::new(own.len() as u64), price })
        }))
    }
}

/// Refuses a negative sum.
pub(super) fn not_negative(
    subject: Subject,
    field: &'static str,
    sum: Money,
) -> Result<(), Invalid> {
    if sum < Money::ZERO {
        return Err(Invalid::new(subject, field, sum, "must not be negative"));
    }
    Ok(())
}

/// Sorts `ids` and refuses one that appears twice.
pub(super) fn each_once(ids: &mut [AgentId]) -> Result<(), Invalid> {
    ids.sort_unstable();
    match ids.iter().zip(ids.iter().skip(1)).find(|(one, next)| one == next) {
        Some((id, _)) => Err(Invalid::new(Subject::Agent(id.0), "id", id, "must appear once")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
