//! Several identical units at one price for all.
//!
//! Owns the uniform-price auction with both of its customary prices. Promises one price, at which
//! supply meets demand. Does **not** promise that bidding one's values is wise, except for bidders
//! that want one unit each, at the highest losing bid.

use super::{Sale, UnitBids};
use crate::{Amount, Money};

/// Which of the prices that clear the market everybody pays: from the highest bid that loses to the
/// lowest that wins, all of them do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ClearingPrice {
    /// The (k+1)-st highest bid for k units: the lowest price that clears the market. Bidders that
    /// want one unit each can do no better than to bid its value.
    HighestLosing,
    /// The k-th highest bid for k units: the highest price that clears the market. The bidder that
    /// sets it gains by bidding less, even if it wants but one unit.
    LowestWinning,
}

/// Sells up to `supply` units to the highest bids that meet the reserve, all at the same price: the one
/// that `clearing` chooses, or the reserve if fewer bids than that meet it.
///
/// Guarantees one price, that clears the market; that nobody pays more than it bid for any unit; that
/// the seller never pays; and, at [`ClearingPrice::HighestLosing`], that bidding one's value is a
/// dominant strategy for whoever wants a single unit. Does not guarantee that for bidders that want
/// several: a bid for one unit can set the price of the others, so that asking for fewer than one
/// wants pays (demand reduction), and the units need not go to whom they are worth most. Ties go to the
/// lowest id. Cost: O(k log k) for k units sold.
///
/// Source: V. Krishna, *Auction Theory*, 2nd edition, 2010, sections 12.1 and 13.4; L. Ausubel,
/// P. Cramton et al., *Demand reduction and inefficiency in multi-unit auctions*, Review of Economic
/// Studies 81, 2014.
///
/// ```
/// use mabeam_economics::auction::{ClearingPrice, UnitBids, uniform_price};
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let money = |units: [i64; 2]| units.map(|units| Money::new(units).unwrap());
/// let bids = [(AgentId(1), money([50, 40])), (AgentId(2), money([30, 20]))];
/// let bids = UnitBids::new(Money::ZERO, bids)?;
/// let paid = |clearing| {
///     let sale = uniform_price(&bids, Amount::new(3), clearing);
///     [1, 2].map(|bidder| sale.award_of(AgentId(bidder)).unwrap().price.units())
/// };
/// assert_eq!(paid(ClearingPrice::HighestLosing), [2 * 20, 20]);
/// assert_eq!(paid(ClearingPrice::LowestWinning), [2 * 30, 30]);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn uniform_price(bids: &UnitBids, supply: Amount, clearing: ClearingPrice) -> Sale {
    let place = match clearing {
        ClearingPrice::HighestLosing => Some(supply.units()),
        ClearingPrice::LowestWinning => supply.units().checked_sub(1),
    };
    let set_by = place
        .and_then(|place| usize::try_from(place).ok())
        .and_then(|place| bids.ranked().get(place));
    let price = set_by.map_or(bids.reserve(), |bid| bid.price);
    bids.sell(supply, |_, won, _| Money::checked_mul(price, won.len() as u64))
}
