//! Winner determination as weighted set packing: which bids exclude each other, and the cliques in
//! which at most one can win.
//!
//! Owns the conflict graph. Promises that every two members of a clique conflict, so that "at most
//! one of them" is true of every allocation. Leaves to the auction what the bids are for.

use std::cmp::Reverse;

use super::bits::Bits;

/// Bids with positive values, of which no two that conflict can win together.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    /// What each bid is worth, in minor units.
    pub(super) values: Vec<i64>,
    /// Of each bid, those that cannot win with it; not itself.
    pub(super) conflicts: Vec<Bits>,
    /// Sets of two bids or more, of which at most one wins. Together they cover every conflict.
    pub(super) cliques: Vec<Bits>,
    /// Of each bid, the cliques that it is in.
    pub(super) cliques_of: Vec<Vec<usize>>,
}

impl Packing {
    /// The packing of bids worth `values`, at most one of each of `exclusive` (the bids on a good,
    /// the bids of a bidder).
    ///
    /// Cost: O(c·n²/64 + c²·n/64) for n bids and c sets.
    pub(super) fn new(values: Vec<i64>, exclusive: &[Vec<usize>]) -> Self {
        let bids = values.len();
        let sets: Vec<Bits> = exclusive
            .iter()
            .filter(|set| set.len() > 1)
            .map(|set| Bits::of(bids, set.iter().copied()))
            .collect();
        let mut conflicts = vec![Bits::none(bids); bids];
        for set in &sets {
            set.iter().for_each(|bid| conflicts[bid].unite(set));
        }
        (0..bids).for_each(|bid| conflicts[bid].remove(bid));
        let cliques = maximal(sets, &conflicts, &values);
        let mut cliques_of = vec![Vec::new(); bids];
        for (clique, members) in cliques.iter().enumerate() {
            members.iter().for_each(|bid| cliques_of[bid].push(clique));
        }
        Self { values, conflicts, cliques, cliques_of }
    }

    /// How many bids there are.
    pub(super) fn bids(&self) -> usize {
        self.values.len()
    }

    /// What `bids` are worth together.
    pub(super) fn worth(&self, bids: &Bits) -> i64 {
        bids.iter().map(|bid| self.values[bid]).sum()
    }

    /// Whether no two of `bids` conflict.
    pub(super) fn is_allocation(&self, bids: &Bits) -> bool {
        bids.iter().all(|bid| !self.conflicts[bid].intersects(bids))
    }

    /// `taken` and as many of `order` as do not conflict with those before.
    pub(super) fn fill(&self, taken: &Bits, order: impl IntoIterator<Item = usize>) -> Bits {
        let mut bids = taken.clone();
        for bid in order {
            if !self.conflicts[bid].intersects(&bids) {
                bids.insert(bid);
            }
        }
        bids
    }
}

/// `sets`, each grown by bids that conflict with all of it (the most valuable first), without those
/// that others include. Larger cliques say more: prices for them bound more tightly.
fn maximal(mut sets: Vec<Bits>, conflicts: &[Bits], values: &[i64]) -> Vec<Bits> {
    for members in &mut sets {
        let mut others = Bits::all(values.len());
        members.iter().for_each(|bid| others.intersect(&conflicts[bid]));
        while let Some(bid) = others.iter().max_by_key(|&bid| (values[bid], Reverse(bid))) {
            members.insert(bid);
            others.intersect(&conflicts[bid]);
        }
    }
    sets.sort_by_key(|members| Reverse(members.len()));
    let mut kept: Vec<Bits> = Vec::new();
    for members in sets {
        if !kept.iter().any(|larger| members.is_subset(larger)) {
            kept.push(members);
        }
    }
    kept
}
