//! First price: who bids most wins and pays its bid.
//!
//! Owns the first-price auction and its form for several units, the discriminatory auction. Promises
//! that nobody pays more than it bid. Does **not** promise that bidding one's value is wise: whoever
//! does gains nothing by winning.

use super::{Bids, Sale, UnitBids};
use crate::{Amount, Money};

/// Sells one good to the highest bid that meets the reserve, at that bid.
///
/// Guarantees that the winner pays its bid, so that who bids at most its value never loses by it, and
/// that the seller never pays. Does not guarantee that stating one's value is best (shading it pays,
/// by how much depends on what the rivals do), nor, for that reason, that the good goes to whom it is
/// worth most. Ties go to the lowest id. Cost: O(1).
///
/// Source: W. Vickrey, *Counterspeculation, auctions, and competitive sealed tenders*, Journal of
/// Finance 16, 1961, part I.
///
/// ```
/// use mabeam_economics::auction::{Bids, first_price};
/// use mabeam_economics::{AgentId, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let bids = Bids::new(Money::ZERO, [(AgentId(1), money(50)), (AgentId(2), money(80))])?;
/// let sale = first_price(&bids);
/// assert_eq!(sale.award_of(AgentId(2)).map(|award| award.price), Some(money(80)));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn first_price(bids: &Bids) -> Sale {
    pay_as_bid(bids.as_unit_bids(), Amount::new(1))
}

/// Sells up to `supply` units to the highest bids that meet the reserve, each at its own price: the
/// discriminatory auction.
///
/// Guarantees and leaves open the same as [`first_price`]. Ties go to the lowest id. Cost: O(k log k)
/// for k units sold.
///
/// Source: V. Krishna, *Auction Theory*, 2nd edition, 2010, section 12.1.
pub fn pay_as_bid(bids: &UnitBids, supply: Amount) -> Sale {
    bids.sell(supply, |_, won, _| Money::total(won.iter().map(|bid| bid.price)))
}
