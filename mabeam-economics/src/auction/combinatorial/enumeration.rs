//! What is left of a node after pricing, tried out exhaustively in whole numbers.
//!
//! Owns the depth-first search below one certificate. It decides one clique after the other: one of
//! its free bids wins, which costs the bound the bid's excess, or none does, which costs the
//! clique's price. Promises that it has seen every allocation that could beat the incumbent, for
//! **any** prices; good prices make it fast. Leaves to the search what to do when it runs out of
//! work.

use super::bits::Bits;
use super::limits::Meter;
use super::packing::Packing;
use super::prices::{Certificate, Node};
use super::search::Incumbent;

/// The exhaustive search of one node.
pub(super) struct Enumeration<'a> {
    packing: &'a Packing,
    certificate: &'a Certificate,
    meter: &'a mut Meter,
    /// Give up where no more work than this is left.
    reserve: u64,
    best: &'a mut Incumbent,
}

/// A part of the node.
#[derive(Clone)]
struct Branch {
    taken: Bits,
    free: Bits,
    /// The cliques whose price the bound includes: it is undecided whether one of their bids wins.
    open: Bits,
    /// The bound, in price units.
    total: i128,
}

/// Deeper than this it gives up: it calls itself for each bid that wins.
const DEEPEST: u32 = 256;

/// There was not enough work left, or the node is too deep.
pub(super) struct GaveUp;

impl<'a> Enumeration<'a> {
    /// A search that gives up after `work`.
    pub(super) fn new(
        packing: &'a Packing,
        certificate: &'a Certificate,
        meter: &'a mut Meter,
        work: u64,
        best: &'a mut Incumbent,
    ) -> Self {
        let reserve = meter.left().saturating_sub(work);
        Self { packing, certificate, meter, reserve, best }
    }

    /// Offers the incumbent every allocation of `node` that could beat it. The certificate is that
    /// of the same node.
    pub(super) fn run(mut self, node: &Node) -> Result<(), GaveUp> {
        let charged = |&clique: &usize| self.packing.cliques[clique].intersects(&node.free);
        let cliques = self.packing.cliques.len();
        let open = Bits::of(cliques, (0..cliques).filter(charged));
        let (taken, free) = (node.taken.clone(), node.free.clone());
        self.descend(Branch { taken, free, open, total: self.certificate.total }, DEEPEST)
    }

    fn descend(&mut self, mut branch: Branch, depth: u32) -> Result<(), GaveUp> {
        let depth = depth.checked_sub(1).ok_or(GaveUp)?;
        loop {
            let work = 2 * (branch.open.len() as u64 + 1) * branch.free.words();
            if !self.meter.spend(work) || self.meter.left() <= self.reserve {
                return Err(GaveUp);
            }
            let total = branch.total;
            branch.free.retain(|bid| !self.best.rules_out(total - self.certificate.excess[bid]));
            let narrowest = self.narrowest(&mut branch);
            if self.best.rules_out(branch.total) {
                return Ok(());
            }
            let Some(clique) = narrowest else {
                let mut bids = branch.taken;
                bids.unite(&branch.free);
                self.best.offer(self.packing, bids);
                return Ok(());
            };
            let mut options = self.packing.cliques[clique].clone();
            options.intersect(&branch.free);
            let mut in_order: Vec<usize> = options.iter().collect();
            in_order.sort_by_key(|&bid| (self.certificate.excess[bid], bid));
            for bid in in_order {
                self.descend(self.with(&branch, bid), depth)?;
            }
            branch.free.subtract(&options);
            branch.open.remove(clique);
            branch.total -= self.certificate.prices[clique];
        }
    }

    /// Gives up the prices of the open cliques without a free bid; returns the one with the fewest,
    /// and of those the dearest.
    fn narrowest(&self, branch: &mut Branch) -> Option<usize> {
        let mut emptied = Vec::new();
        let mut found: Option<(usize, i128, usize)> = None;
        for clique in branch.open.iter() {
            let options = self.packing.cliques[clique].common(&branch.free);
            let price = self.certificate.prices[clique];
            if options == 0 {
                emptied.push(clique);
            } else if found.is_none_or(|(least, saved, _)| (options, -price) < (least, saved)) {
                found = Some((options, -price, clique));
            }
        }
        for clique in emptied {
            branch.open.remove(clique);
            branch.total -= self.certificate.prices[clique];
        }
        found.map(|(_, _, clique)| clique)
    }

    /// The branch in which `bid` wins.
    fn with(&self, branch: &Branch, bid: usize) -> Branch {
        let mut with = branch.clone();
        with.taken.insert(bid);
        with.free.remove(bid);
        with.free.subtract(&self.packing.conflicts[bid]);
        self.packing.cliques_of[bid].iter().for_each(|&clique| with.open.remove(clique));
        with.total -= self.certificate.excess[bid];
        with
    }
}
