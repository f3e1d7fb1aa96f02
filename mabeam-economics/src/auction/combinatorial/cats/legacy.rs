//! The families of the literature before the suite: bundles without an economic reason, one bid a
//! bidder.
//!
//! Owns the laws of sizes and prices, which the paper collects as legacy distributions from T.
//! Sandholm, *An algorithm for optimal winner determination in combinatorial auctions*, IJCAI 1999,
//! and Y. Fujishima, K. Leyton-Brown, Y. Shoham, *Taming the computational complexity of
//! combinatorial auctions*, IJCAI 1999. Leaves out, as the suite does, bids that another bid makes
//! superfluous.

use super::{Draw, Offer, Offers, dominates, minor_units};
use crate::AgentId;
use crate::auction::combinatorial::Bid;

/// Sandholm's weighted random.
pub(super) fn weighted_random(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    fill(offers, || {
        let count = draw.integer(1, goods);
        let price = draw.unit() * count as f64;
        Offer { goods: draw.subset(goods, count), price }
    });
}

/// Sandholm's uniform, with three goods a bid.
pub(super) fn uniform(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    fill(offers, || Offer { price: draw.unit(), goods: draw.subset(goods, 3) });
}

/// Sandholm's decay.
pub(super) fn decay(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    fill(offers, || {
        let mut count = 1;
        while count < goods && draw.chance(0.55) {
            count += 1;
        }
        let price = draw.unit() * count as f64;
        Offer { goods: draw.subset(goods, count), price }
    });
}

/// Fujishima's exponential.
pub(super) fn exponential(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    let weights: Vec<f64> = (1..=goods).map(|count| (-(count as f64) / 5.0).exp()).collect();
    fill(offers, || {
        let count = draw.weighted(&weights) + 1;
        let price = draw.between(0.5, 1.5) * count as f64;
        Offer { goods: draw.subset(goods, count), price }
    });
}

/// Fujishima's binomial.
pub(super) fn binomial(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    fill(offers, || {
        let mut bundle: Vec<usize> = (0..goods).filter(|_| draw.chance(0.2)).collect();
        if bundle.is_empty() {
            bundle = draw.subset(goods, 1);
        }
        let price = draw.between(0.5, 1.5) * bundle.len() as f64;
        Offer { goods: bundle, price }
    });
}

/// Draws single-minded bidders until enough of them are left without those that others dominate.
/// After a thousand draws a bid the dominated are kept too: few goods admit few others.
fn fill(offers: &mut Offers, mut drawn: impl FnMut() -> Offer) {
    let mut patience = offers.wanted.saturating_mul(1_000);
    while !offers.are_complete() {
        let Offer { goods, price } = drawn();
        let bid = Bid { bidder: AgentId(0), goods, value: minor_units(price) };
        patience = patience.saturating_sub(1);
        if patience > 0 {
            if offers.bids.iter().any(|other| dominates(other, &bid)) {
                continue;
            }
            offers.bids.retain(|other| !dominates(&bid, other));
        }
        offers.bids.push(bid);
    }
    for (bidder, bid) in (0..).zip(&mut offers.bids) {
        bid.bidder = AgentId(bidder);
    }
}
