//! Vickrey's auctions: every winner pays what its winning costs the others.
//!
//! Owns the second-price auction and its form for several identical units. Promises that stating
//! one's values is a dominant strategy, for a fixed set of bidders that do not collude, and that the
//! units then go to whom they are worth most. Leaves open who the bidders are, and does **not**
//! promise the highest revenue.

use std::iter;

use super::{Bids, Sale, UnitBids};
use crate::{Amount, Money};

/// Sells one good to the highest bid that meets the reserve, at the second highest or the reserve,
/// whichever is more.
///
/// Guarantees that bidding one's value is a dominant strategy, that who does so never loses by it, that
/// the good then goes to whom it is worth most (the seller included, at the reserve), and that the
/// seller never pays. Does not guarantee the highest revenue that could be had, nor anything against
/// bidders that collude or a seller that bids against them. Ties go to the lowest id. Cost: O(1).
///
/// Source: W. Vickrey, *Counterspeculation, auctions, and competitive sealed tenders*, Journal of
/// Finance 16, 1961, part I.
///
/// ```
/// use mabeam_economics::auction::{Bids, second_price};
/// use mabeam_economics::{AgentId, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let offers = [(AgentId(1), money(50)), (AgentId(2), money(80))];
/// let price = |reserve| -> Result<_, mabeam_economics::Invalid> {
///     let sale = second_price(&Bids::new(money(reserve), offers)?);
///     Ok(sale.award_of(AgentId(2)).map(|award| award.price))
/// };
/// assert_eq!(price(0)?, Some(money(50)));
/// assert_eq!(price(60)?, Some(money(60)));
/// assert_eq!(price(80)?, Some(money(80)), "a bid that equals the reserve wins");
/// assert_eq!(price(81)?, None);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn second_price(bids: &Bids) -> Sale {
    vickrey(bids.as_unit_bids(), Amount::new(1))
}

/// Sells up to `supply` units to the highest bids that meet the reserve. Who wins m of them pays the
/// sum of the m highest bids *of others* that lost; where there are fewer, the reserve takes the place
/// of those that lack.
///
/// Guarantees that bidding one's marginal values is a dominant strategy as long as they do not rise,
/// that who does so never loses by it, that the units then go to whom they are worth most (the seller
/// included, at the reserve), and that the seller never pays. Does not guarantee one price for all
/// (who wins more may pay less for each), the highest revenue, nor anything against bidders that
/// collude. Ties go to the lowest id. Cost: O(n + k log k) for n bids and k units sold.
///
/// Source: W. Vickrey, 1961 (see [`second_price`]), part III; V. Krishna, *Auction Theory*, 2nd
/// edition, 2010, section 12.1.
///
/// ```
/// use mabeam_economics::auction::{UnitBids, vickrey};
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let money = |units: [i64; 2]| units.map(|units| Money::new(units).unwrap());
/// let bids = [(AgentId(1), money([50, 40])), (AgentId(2), money([30, 20]))];
/// let sale = vickrey(&UnitBids::new(Money::ZERO, bids)?, Amount::new(2));
/// let award = sale.award_of(AgentId(1)).unwrap();
/// assert_eq!((award.lot, award.price.units()), (Amount::new(2), 30 + 20));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn vickrey(bids: &UnitBids, supply: Amount) -> Sale {
    bids.sell(supply, |winner, won, lost| {
        let displaced = lost.iter().filter(|bid| bid.bidder != winner).map(|bid| bid.price);
        Money::total(displaced.chain(iter::repeat(bids.reserve())).take(won.len()))
    })
}
