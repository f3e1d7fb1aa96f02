//! Positions that everybody wants in the same order, such as places for advertisements on a page.
//!
//! Owns the two sales of positions by one bid per click: the generalized second-price auction and the
//! Vickrey-Clarke-Groves mechanism. Both give the n-th position to the n-th bid. Leaves to its caller
//! what a click is and how many each position brings; bidders do not differ in how often they are
//! clicked.

use super::{Award, Bids, Sale};
use crate::{Amount, Invalid, Money, Subject};

/// Sells positions to the highest bids that meet the reserve, best position first: each winner pays,
/// for every click, the bid of who comes next, or the reserve if nobody does. The lot is the number of
/// the position in `clicks`, counted from 0; bids and reserve are per click, prices are for all clicks.
///
/// Guarantees that nobody pays more than it bid, that higher bids get better positions, and that the
/// seller receives at least what [`vcg`] would bring at the *same* bids. Does not guarantee that
/// bidding one's value is best, even though a sale of one position is a second-price auction: a worse
/// position at a lower price can be worth more. Ties go to the lowest id.
///
/// Cost: O(p log p) for p positions. Refuses `clicks` that rise from one position to the next and a bid
/// that, for all clicks of the first, exceeds [`Money::MAX`].
///
/// Source: B. Edelman, M. Ostrovsky and M. Schwarz, *Internet advertising and the generalized
/// second-price auction*, American Economic Review 97, 2007.
///
/// ```
/// use mabeam_economics::auction::Bids;
/// use mabeam_economics::auction::position::{gsp, vcg};
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let bids = [10, 4, 2].map(money);
/// let bids = Bids::new(Money::ZERO, (1..).map(AgentId).zip(bids))?;
/// let clicks = [200, 100].map(Amount::new);
/// assert_eq!(gsp(&bids, &clicks)?.revenue(), Some(money(800 + 200)));
/// assert_eq!(vcg(&bids, &clicks)?.revenue(), Some(money(600 + 200)));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn gsp(bids: &Bids, clicks: &[Amount]) -> Result<Sale<usize>, Invalid> {
    check(bids, clicks)?;
    let prices = clicks.iter().enumerate();
    let prices = prices.map(|(place, clicks)| next_bid(bids, place).checked_mul(clicks.units()));
    Ok(assign(bids, prices.collect()))
}

/// Sells positions to the highest bids that meet the reserve, best position first: each winner pays for
/// the clicks that those below would gain without it, at their bids; a click for which nobody else
/// comes into question costs the reserve. Lots, bids, reserve and prices are those of [`gsp`].
///
/// Guarantees that bidding one's value of a click is a dominant strategy, that who does so never loses
/// by it, that the positions then are worth as much as they can be, and that the seller never pays.
/// Does not guarantee the highest revenue: the same bids would bring at least as much under [`gsp`], but
/// the same bids would not be made. Ties go to the lowest id.
///
/// Cost: O(p log p) for p positions. Refuses what [`gsp`] refuses.
///
/// Source: Edelman, Ostrovsky and Schwarz, 2007 (see [`gsp`]), section II; with a reserve, the critical
/// value of R. Myerson, *Optimal auction design*, Mathematics of Operations Research 6, 1981.
pub fn vcg(bids: &Bids, clicks: &[Amount]) -> Result<Sale<usize>, Invalid> {
    check(bids, clicks)?;
    let (mut below, mut price) = (Amount::ZERO, Some(Money::ZERO));
    let mut prices = vec![None; clicks.len()];
    for (place, (&clicks, stored)) in clicks.iter().zip(&mut prices).enumerate().rev() {
        let more = clicks.units().saturating_sub(below.units());
        let cost = next_bid(bids, place).checked_mul(more);
        price = price.zip(cost).and_then(|(price, cost)| price.checked_add(cost));
        (below, *stored) = (clicks, price);
    }
    Ok(assign(bids, prices))
}

/// What a click is worth to who comes after the `place`-th bid.
fn next_bid(bids: &Bids, place: usize) -> Money {
    bids.ranked().get(place + 1).map_or(bids.reserve(), |bid| bid.price)
}

/// Gives the n-th position to the n-th bid at the n-th price. No price exceeds what the winner bid for
/// all clicks of the best position, which [`check`] bounds.
fn assign(bids: &Bids, prices: Vec<Option<Money>>) -> Sale<usize> {
    Sale::new(bids.ranked().iter().zip(prices).enumerate().map(|(lot, (bid, price))| Award {
        winner: bid.bidder,
        lot,
        price: price.unwrap_or(Money::MAX),
    }))
}

/// Refuses clicks that rise from one position to the next, and a price that could overflow.
fn check(bids: &Bids, clicks: &[Amount]) -> Result<(), Invalid> {
    for (place, (better, worse)) in (1..).zip(clicks.iter().zip(clicks.iter().skip(1))) {
        if worse > better {
            let rule = "must not exceed those of the position before";
            return Err(Invalid::new(Subject::Resource(place), "clicks", worse, rule));
        }
    }
    if let (Some(highest), Some(most)) = (bids.ranked().first(), clicks.first())
        && highest.price.checked_mul(most.units()).is_none()
    {
        let rule = "must not exceed Money::MAX for all clicks of the first position";
        return Err(Invalid::new(Subject::Agent(highest.bidder.0), "bid", highest.price, rule));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
