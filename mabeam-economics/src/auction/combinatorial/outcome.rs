//! What comes of the search: a proved allocation, from which payments follow, or one that is not
//! proved, from which none do.
//!
//! Owns the distinction and the Clarke payments. Leaves the search to [`Search`].

use super::bits::Bits;
use super::limits::Meter;
use super::prices::Node;
use super::search::{FIRST_WORK, Incumbent, Search, improved};
use super::{Auction, Bid, Limits};
use crate::auction::{Award, Sale};
use crate::{AgentId, Money};

/// The winners, and what the auctioneer knows about them.
#[derive(Clone, Debug)]
#[must_use]
pub enum Outcome<'a> {
    /// No allocation is worth more, and none that is worth as much comes before this one.
    Proved(Proved<'a>),
    /// A limit ended the search before that was proved.
    Feasible(Feasible<'a>),
}

impl<'a> Outcome<'a> {
    /// The best allocation found.
    pub fn allocation(&self) -> &Allocation<'a> {
        match self {
            Self::Proved(proved) => proved.allocation(),
            Self::Feasible(feasible) => feasible.allocation(),
        }
    }
}

/// Bids that win together: at most one of each bidder, on bundles without a common good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allocation<'a> {
    winners: Vec<&'a Bid>,
    welfare: Money,
}

impl<'a> Allocation<'a> {
    /// The winning bids, by their bidders' ids, the lowest first.
    pub fn winners(&self) -> &[&'a Bid] {
        &self.winners
    }

    /// What the winning bids are worth together.
    pub fn welfare(&self) -> Money {
        self.welfare
    }
}

/// An allocation that was not proved to be the best. There are no payments for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feasible<'a> {
    allocation: Allocation<'a>,
    bound: Money,
}

impl<'a> Feasible<'a> {
    /// The best allocation found.
    pub fn allocation(&self) -> &Allocation<'a> {
        &self.allocation
    }

    /// No allocation is worth more. Where it equals the welfare only the tie was left to settle.
    pub fn bound(&self) -> Money {
        self.bound
    }
}

/// An allocation of the highest welfare.
#[derive(Clone, Debug)]
pub struct Proved<'a> {
    auction: &'a Auction,
    allocation: Allocation<'a>,
    parts: Vec<Part>,
}

/// The welfare without a winner was not proved within the limits, so there are no payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to prove the welfare without agent {without} within the limits")]
pub struct Unproved {
    /// The winner whose payment is not known.
    pub without: AgentId,
}

impl<'a> Proved<'a> {
    /// The allocation.
    pub fn allocation(&self) -> &Allocation<'a> {
        &self.allocation
    }

    /// What each winner takes and pays: what its presence costs the others, which is the welfare
    /// without it less the others' part of the welfare with it (the Clarke pivot). From zero up to
    /// its bid. The losers pay nothing.
    ///
    /// Cost: another search for each winner, within `limits` in all. Each looks only at the bids
    /// that the winner's compete with, directly or through others, and starts from the last basis,
    /// from the other winners, and below the welfare with everybody.
    pub fn payments(&self, limits: &Limits) -> Result<Sale<Vec<usize>>, Unproved> {
        let mut meter = Meter::new(limits);
        let mut awards = Vec::new();
        for part in &self.parts {
            let mut search = part.search.clone();
            for rank in part.best.bids.iter() {
                let bid = &self.auction.bids[part.places[rank]];
                let price = part.clarke_payment(self.auction, rank, &mut search, &mut meter);
                let price = price.ok_or(Unproved { without: bid.bidder })?;
                awards.push(Award { winner: bid.bidder, lot: bid.goods.clone(), price });
            }
        }
        Ok(Sale::new(awards))
    }
}

/// Bids that compete with no others, directly or through others.
#[derive(Clone, Debug)]
struct Part {
    /// The bids' places in the auction, in the order of the tie rule.
    places: Vec<usize>,
    search: Search,
    best: Incumbent,
}

impl Part {
    /// What the winning bid `rank` costs the others; `None` if the work ended before that was
    /// known.
    fn clarke_payment(
        &self,
        auction: &Auction,
        rank: usize,
        search: &mut Search,
        meter: &mut Meter,
    ) -> Option<Money> {
        let bidder = |rank: usize| auction.bids[self.places[rank]].bidder;
        let others = (0..self.places.len()).filter(|&other| bidder(other) != bidder(rank));
        let others = Bits::of(self.places.len(), others);
        let mut bids = self.best.bids.clone();
        bids.remove(rank);
        let others_with = self.search.packing.worth(&bids);
        let bids = improved(&self.search.packing, bids, &others);
        let mut best = Incumbent::new(&self.search.packing, bids);
        let mut root = Node::root(&self.search.packing, others);
        root.bound = root.bound.min(self.best.worth);
        search.explore(root, &mut best, FIRST_WORK, meter).ok()?;
        Money::new(best.worth - others_with)
    }
}

/// The best allocation of `auction` that is found within `limits`.
pub(super) fn solve<'a>(auction: &'a Auction, limits: &Limits) -> Outcome<'a> {
    let mut meter = Meter::new(limits);
    let (mut parts, mut bound, mut proved) = (Vec::new(), 0, true);
    for places in auction.components.clone() {
        let mut search = Search::new(auction.packing(&places));
        let all = Bits::all(places.len());
        let mut best = Incumbent::new(&search.packing, Bits::none(places.len()));
        let root = Node::root(&search.packing, all);
        let explored = search.explore(root, &mut best, FIRST_WORK, &mut meter);
        let result = explored.and_then(|()| search.settle_ties(&mut best, &mut meter));
        proved &= result.is_ok();
        bound += result.map_or_else(|stopped| stopped.bound, |()| best.worth);
        parts.push(Part { places, search, best });
    }
    let winning = parts.iter().flat_map(|part| part.best.bids.iter().map(|rank| part.places[rank]));
    let mut winners: Vec<&Bid> = winning.map(|place| &auction.bids[place]).collect();
    winners.sort_by_key(|bid| bid.bidder);
    // Both sums are at most the sum of the bidders' highest values, which was checked to be money.
    let welfare = Money::total(winners.iter().map(|bid| bid.value)).unwrap_or(Money::MAX);
    let bound = Money::new(bound).unwrap_or(Money::MAX);
    let allocation = Allocation { winners, welfare };
    if proved {
        Outcome::Proved(Proved { auction, allocation, parts })
    } else {
        Outcome::Feasible(Feasible { allocation, bound })
    }
}
