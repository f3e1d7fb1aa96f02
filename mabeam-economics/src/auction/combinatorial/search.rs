//! Branch and bound over the bids, which proves what it finds in whole numbers.
//!
//! Owns the search and the tie rule. Promises that a node is only given up for a bound that
//! [`Certificate`] computed, or after [`Enumeration`] has tried it out. Leaves finding prices to
//! the [`Relaxation`].

use std::cmp::Reverse;

use super::bits::Bits;
use super::enumeration::Enumeration;
use super::limits::Meter;
use super::packing::Packing;
use super::prices::{Certificate, Node, greedy_prices, in_minor_units, in_price_units};
use super::relaxation::Relaxation;

/// How much work the first node is tried out for before it is divided. One enumeration takes the
/// place of a whole tree where few bids win, as is usual below some hundred bids.
pub(super) const FIRST_WORK: u64 = 1_000_000_000;
/// The same for every other node: a few times what its relaxation costs.
const NODE_WORK: u64 = 20_000_000;

/// A search ended early: no allocation is worth more than this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stopped {
    pub(super) bound: i64,
}

/// The best allocation so far.
#[derive(Clone, Debug)]
pub(super) struct Incumbent {
    pub(super) bids: Bits,
    pub(super) worth: i64,
    /// The highest bound, in price units, of what was given up.
    closest: i128,
}

impl Incumbent {
    /// The allocation of `bids`.
    pub(super) fn new(packing: &Packing, bids: Bits) -> Self {
        Self { worth: packing.worth(&bids), bids, closest: 0 }
    }

    /// Whether nothing below `bound`, in price units, is worth more; then it is given up.
    pub(super) fn rules_out(&mut self, bound: i128) -> bool {
        let out = bound < in_price_units(self.worth + 1);
        if out {
            self.closest = self.closest.max(bound);
        }
        out
    }

    /// Takes the allocation of `bids` if it is worth more.
    pub(super) fn offer(&mut self, packing: &Packing, bids: Bits) {
        debug_assert!(packing.is_allocation(&bids), "conflicting bids were offered");
        let worth = packing.worth(&bids);
        if worth > self.worth {
            (self.bids, self.worth) = (bids, worth);
        } else if bids != self.bids {
            self.closest = self.closest.max(in_price_units(worth));
        }
    }

    /// Whether something that was given up may be worth as much.
    fn may_be_tied(&self) -> bool {
        self.closest >= in_price_units(self.worth)
    }
}

/// A packing, and what one search in it leaves to the next: the last basis of its relaxation.
#[derive(Clone, Debug)]
pub(super) struct Search {
    pub(super) packing: Packing,
    relaxation: Option<Relaxation>,
}

impl Search {
    pub(super) fn new(packing: Packing) -> Self {
        Self { relaxation: Relaxation::new(&packing), packing }
    }

    /// As where the tableau would be too large.
    #[cfg(test)]
    pub(super) fn without_relaxation(packing: Packing) -> Self {
        Self { relaxation: None, packing }
    }

    /// Improves `best` until no allocation of `root` is worth more. The first node is tried out for
    /// `work` before it is divided.
    pub(super) fn explore(
        &mut self,
        root: Node,
        best: &mut Incumbent,
        mut work: u64,
        meter: &mut Meter,
    ) -> Result<(), Stopped> {
        let mut open = vec![root];
        while let Some(mut node) = open.pop() {
            if best.rules_out(in_price_units(node.bound)) {
                continue;
            }
            let (certificate, shares) = self.price(&node, best.worth, meter);
            meter.spend(node.free.len() as u64 * node.free.words());
            node.bound = node.bound.min(certificate.bound());
            self.round(&node, &shares, best);
            let enumeration = Enumeration::new(&self.packing, &certificate, meter, work, best);
            if enumeration.run(&node).is_ok() {
                continue;
            }
            if meter.left() == 0 {
                let bounds = open.iter().map(|node| node.bound).chain([node.bound, best.worth]);
                return Err(Stopped { bound: bounds.max().unwrap_or(node.bound) });
            }
            work = NODE_WORK;
            node.free.retain(|bid| !best.rules_out(certificate.total_with(bid)));
            if let Some(bid) = self.least_decided(&node, &shares) {
                let mut with = node.with(bid, &self.packing);
                with.bound = node.bound.min(in_minor_units(certificate.total_with(bid)));
                open.extend([node.without(bid), with]);
            }
        }
        Ok(())
    }

    /// Makes `best`, which nothing is worth more than, the first of those that are worth as much:
    /// the one with the lowest bid that only one of two has.
    ///
    /// Bid by bid, lowest first, it asks for an allocation that takes this bid too. Where nothing
    /// given up by the search came close, there is none.
    pub(super) fn settle_ties(
        &mut self,
        best: &mut Incumbent,
        meter: &mut Meter,
    ) -> Result<(), Stopped> {
        if !best.may_be_tied() {
            return Ok(());
        }
        let mut prefix = Node::root(&self.packing, Bits::all(self.packing.bids()));
        let (Certificate { prices, .. }, _) = self.price(&prefix, 0, meter);
        for bid in 0..self.packing.bids() {
            if best.bids.contains(bid) {
                prefix = prefix.with(bid, &self.packing);
            } else if prefix.free.contains(bid) {
                let mut with = prefix.with(bid, &self.packing);
                with.bound = Certificate::new(&self.packing, &with, prices.clone()).bound();
                let mut other = Incumbent { worth: best.worth - 1, ..best.clone() };
                self.explore(with, &mut other, NODE_WORK, meter)
                    .map_err(|_| Stopped { bound: best.worth })?;
                if other.worth == best.worth {
                    best.bids = other.bids;
                    prefix = prefix.with(bid, &self.packing);
                } else {
                    prefix.free.remove(bid);
                }
            }
        }
        Ok(())
    }

    /// What prices prove of `node`, and how much of each bid wins in its relaxation.
    fn price(&mut self, node: &Node, enough: i64, meter: &mut Meter) -> (Certificate, Vec<f64>) {
        let Some(relaxation) = &mut self.relaxation else {
            let prices = greedy_prices(&self.packing, node);
            return (Certificate::new(&self.packing, node, prices), vec![0.0; self.packing.bids()]);
        };
        relaxation.solve(&self.packing, node, enough, meter);
        let prices = relaxation.prices(&self.packing);
        (Certificate::new(&self.packing, node, prices), relaxation.shares())
    }

    /// Offers the allocation that takes the free bids in the order of their shares, and improves
    /// it.
    fn round(&self, node: &Node, shares: &[f64], best: &mut Incumbent) {
        let mut order: Vec<usize> = node.free.iter().collect();
        order.sort_by(|&one, &other| {
            let by_value = self.packing.values[other].cmp(&self.packing.values[one]);
            shares[other].total_cmp(&shares[one]).then(by_value)
        });
        let bids = self.packing.fill(&node.taken, order);
        best.offer(&self.packing, improved(&self.packing, bids, &node.free));
    }

    /// The free bid of which closest to half wins; of several, the most valuable.
    fn least_decided(&self, node: &Node, shares: &[f64]) -> Option<usize> {
        let distance = |bid: usize| (shares[bid] - 0.5).abs();
        let worth = |bid: usize| (self.packing.values[bid], Reverse(bid));
        node.free.iter().min_by(|&one, &other| {
            distance(one).total_cmp(&distance(other)).then(worth(other).cmp(&worth(one)))
        })
    }
}

/// `bids`, where one of `allowed` takes the place of all that it conflicts with, while that gains
/// and all of those are in `allowed` too.
pub(super) fn improved(packing: &Packing, mut bids: Bits, allowed: &Bits) -> Bits {
    loop {
        let gain = |bid: usize| {
            let mut out = bids.clone();
            out.intersect(&packing.conflicts[bid]);
            let may_go = !bids.contains(bid) && out.is_subset(allowed);
            if may_go { packing.values[bid] - packing.worth(&out) } else { 0 }
        };
        let best = allowed.iter().map(|bid| (gain(bid), Reverse(bid))).max();
        let Some((_, Reverse(bid))) = best.filter(|&(gain, _)| gain > 0) else { return bids };
        bids.subtract(&packing.conflicts[bid]);
        bids.insert(bid);
    }
}
