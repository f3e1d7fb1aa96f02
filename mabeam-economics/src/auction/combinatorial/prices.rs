//! The certificate: prices from which anybody can compute, in whole numbers, that no allocation is
//! worth more than a bound.
//!
//! Owns the bound and what it excludes. Promises that both hold for **any** prices of at least
//! zero, wherever they come from: a solver in floating point proposes prices, and what is proved
//! does not rest on it. Leaves to the relaxation to find prices that make the bound tight.

use std::cmp::Reverse;

use super::bits::Bits;
use super::packing::Packing;

/// Prices are in 2^-20 minor units, so that rounding them costs less than a unit in all.
pub(super) const FRACTION_BITS: u32 = 20;
/// Prices beyond any bid's value prove nothing more; below this their sums cannot overflow.
const HIGHEST: i128 = 1 << 100;

/// A part of the search: the bids that win in it, and those that may.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// The bids that win; no two conflict.
    pub(super) taken: Bits,
    /// The bids that may win; none conflicts with a taken one.
    pub(super) free: Bits,
    /// No allocation of the node is worth more, in minor units.
    pub(super) bound: i64,
}

impl Node {
    /// Every allocation of some of `free`.
    pub(super) fn root(packing: &Packing, free: Bits) -> Self {
        let mut root = Self { taken: Bits::none(packing.bids()), free, bound: i64::MAX };
        root.bound = Certificate::new(packing, &root, greedy_prices(packing, &root)).bound();
        root
    }

    /// The node in which `bid`, which is free, wins.
    pub(super) fn with(&self, bid: usize, packing: &Packing) -> Self {
        let mut node = self.without(bid);
        node.taken.insert(bid);
        node.free.subtract(&packing.conflicts[bid]);
        node
    }

    /// The node in which `bid` loses.
    pub(super) fn without(&self, bid: usize) -> Self {
        let mut node = self.clone();
        node.free.remove(bid);
        node
    }
}

/// An upper bound of a node, by weak duality.
///
/// At most one bid of a clique wins, so an allocation pays every clique's price at most once: what
/// it is worth is at most the sum of the prices of the cliques with a free bid, plus whatever
/// single free bids are worth beyond the prices of their cliques. And a bid that is worth less than
/// the prices of its cliques costs the bound the difference if it wins.
#[derive(Debug)]
pub(super) struct Certificate {
    /// The bound, in price units.
    pub(super) total: i128,
    /// Of each clique, its price: at least zero.
    pub(super) prices: Vec<i128>,
    /// Of each free bid, how far its cliques' prices exceed its value, in price units.
    pub(super) excess: Vec<i128>,
}

impl Certificate {
    /// The bound that `prices` prove for `node`; a negative price counts as zero.
    ///
    /// Cost: O(sum of the sizes of the cliques).
    pub(super) fn new(packing: &Packing, node: &Node, mut prices: Vec<i128>) -> Self {
        for price in &mut prices {
            *price = (*price).clamp(0, HIGHEST);
        }
        let mut total = in_price_units(packing.worth(&node.taken));
        let mut excess = vec![0; packing.bids()];
        for bid in node.free.iter() {
            let price: i128 = packing.cliques_of[bid].iter().map(|&clique| prices[clique]).sum();
            let beyond = in_price_units(packing.values[bid]) - price;
            total += beyond.max(0);
            excess[bid] = -beyond.min(0);
        }
        let on_offer = packing.cliques.iter().map(|members| members.intersects(&node.free));
        let charged = prices.iter().zip(on_offer).filter(|&(_, offered)| offered);
        total += charged.map(|(price, _)| price).sum::<i128>();
        Self { total, prices, excess }
    }

    /// No allocation of the node is worth more, in minor units.
    pub(super) fn bound(&self) -> i64 {
        in_minor_units(self.total)
    }

    /// The bound, in price units, if `bid`, which is free, wins.
    pub(super) fn total_with(&self, bid: usize) -> i128 {
        self.total - self.excess[bid]
    }
}

pub(super) fn in_price_units(worth: i64) -> i128 {
    i128::from(worth) << FRACTION_BITS
}

/// Rounded down: what allocations are worth is whole.
pub(super) fn in_minor_units(price: i128) -> i64 {
    i64::try_from(price >> FRACTION_BITS).unwrap_or(if price < 0 { i64::MIN } else { i64::MAX })
}

/// Prices without a solver: from the most valuable bid down, the largest clique of each is charged
/// what the bid is worth beyond the prices so far.
pub(super) fn greedy_prices(packing: &Packing, node: &Node) -> Vec<i128> {
    let sizes: Vec<usize> = packing.cliques.iter().map(Bits::len).collect();
    let mut prices = vec![0; packing.cliques.len()];
    let mut bids: Vec<usize> = node.free.iter().collect();
    bids.sort_by_key(|&bid| Reverse(packing.values[bid]));
    for bid in bids {
        let cliques = &packing.cliques_of[bid];
        let price: i128 = cliques.iter().map(|&clique| prices[clique]).sum();
        let beyond = in_price_units(packing.values[bid]) - price;
        let largest = cliques.iter().max_by_key(|&&clique| sizes[clique]);
        if let Some(&clique) = largest.filter(|_| beyond > 0) {
            prices[clique] += beyond;
        }
    }
    prices
}
