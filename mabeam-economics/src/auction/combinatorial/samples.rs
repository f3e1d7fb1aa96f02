//! Auctions for the tests, and their answers by trying out every set of bids.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::{Auction, Bid, Limits, Outcome, Proved};
use crate::{AgentId, Money};

pub(super) fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

pub(super) fn bid(bidder: u64, goods: &[usize], value: i64) -> Bid {
    Bid { bidder: AgentId(bidder), goods: goods.to_vec(), value: money(value) }
}

/// The proved outcome of an auction that is small enough.
pub(super) fn proved(auction: &Auction) -> Proved<'_> {
    match auction.solve(&Limits::default()) {
        Outcome::Proved(proved) => proved,
        Outcome::Feasible(feasible) => panic!("not proved: {feasible:?}"),
    }
}

/// What each winner pays.
pub(super) fn prices(proved: &Proved<'_>) -> BTreeMap<u64, i64> {
    let sale = proved.payments(&Limits::default()).unwrap();
    sale.awards().iter().map(|award| (award.winner.0, award.price.units())).collect()
}

pub(super) const GOODS: usize = 5;

/// Up to ten bids of up to five bidders. Small values make ties common; the largest add up to
/// nearly the largest money.
pub(super) fn auctions() -> impl Strategy<Value = Auction> {
    let value = prop_oneof![6 => 0..9_i64, 2 => 0..1_000_i64, 1 => 0..Money::MAX.units() / 5];
    let bundle = prop::collection::btree_set(0..GOODS, 1..4);
    let bids = prop::collection::vec((0..5_u64, bundle, value), 0..11);
    bids.prop_map(|bids| {
        let bids = bids.into_iter().map(|(bidder, goods, value)| {
            bid(bidder, &goods.into_iter().collect::<Vec<_>>(), value)
        });
        Auction::new(GOODS, bids.collect()).unwrap()
    })
}

/// Whether the bids at `places` can win together.
pub(super) fn is_feasible(bids: &[Bid], places: &[usize]) -> bool {
    places.iter().enumerate().all(|(rank, &one)| {
        places[..rank].iter().all(|&other| {
            let (one, other) = (&bids[one], &bids[other]);
            one.bidder != other.bidder && one.goods.iter().all(|good| !other.goods.contains(good))
        })
    })
}

/// The places of the best bids among those at `places`, by trying out every subset; of several, the
/// one that serves the lowest bidder by its first bid.
pub(super) fn brute_force(bids: &[Bid], places: &[usize]) -> (i64, Vec<usize>) {
    let mut ranked: Vec<usize> = places.to_vec();
    ranked.retain(|&place| bids[place].value > Money::ZERO);
    ranked.sort_by_key(|&place| bids[place].bidder);
    let mut best = (0, Vec::new());
    // A set with the lowest rank is tried before one without it, so the first found comes first.
    for subset in (0..1_usize << ranked.len()).rev() {
        let has = |rank: usize| subset >> (ranked.len() - 1 - rank) & 1 == 1;
        let chosen: Vec<usize> =
            (0..ranked.len()).filter(|&rank| has(rank)).map(|rank| ranked[rank]).collect();
        let worth: i64 = chosen.iter().map(|&place| bids[place].value.units()).sum();
        if worth > best.0 && is_feasible(bids, &chosen) {
            best = (worth, chosen);
        }
    }
    best
}

/// What each winner pays, by trying out everything.
pub(super) fn brute_force_prices(bids: &[Bid]) -> BTreeMap<u64, i64> {
    let all: Vec<usize> = (0..bids.len()).collect();
    let (welfare, winners) = brute_force(bids, &all);
    let price = |&winner: &usize| {
        let others: Vec<usize> = all
            .iter()
            .copied()
            .filter(|&other| bids[other].bidder != bids[winner].bidder)
            .collect();
        let price = brute_force(bids, &others).0 - (welfare - bids[winner].value.units());
        (bids[winner].bidder.0, price)
    };
    winners.iter().map(price).collect()
}
