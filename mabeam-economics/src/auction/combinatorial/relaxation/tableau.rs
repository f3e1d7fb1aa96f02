//! The tableau of the simplex method: what the variables outside the basis do to those in it.
//!
//! Owns the exchange of two variables, and computing the same basis afresh. Promises nothing about
//! accuracy.

use super::super::limits::Meter;
use super::super::packing::Packing;

/// Entries below this are noise.
pub(super) const PIVOT: f64 = 1e-9;

/// A basis. Variable `b < bids` is bid b, variable `bids + c` the slack of clique c; a slot is a
/// place of a variable outside the basis, and there are as many as bids.
#[derive(Clone, Debug)]
pub(super) struct Tableau {
    /// Row by row: what a unit of each slot's variable takes from the row's variable.
    entries: Vec<f64>,
    /// Of each row, the value of its variable if all slots' are zero.
    pub(super) constant: Vec<f64>,
    /// Of each row, one more than the sum of its squared entries: the steepness of its edge.
    pub(super) steepness: Vec<f64>,
    /// Of each row, its variable.
    pub(super) basic: Vec<usize>,
    /// Of each slot, its variable.
    pub(super) nonbasic: Vec<usize>,
    /// Of each slot, what a unit of its variable adds to the objective.
    pub(super) reduced: Vec<f64>,
    /// The row of the exchange at hand.
    scratch: Vec<f64>,
    /// Exchanges since the entries were exact.
    pub(super) exchanges: usize,
}

impl Tableau {
    /// The basis of slacks, where a share of a bid counts its value in units of `unit`.
    pub(super) fn new(packing: &Packing, unit: f64) -> Self {
        let (bids, rows) = (packing.bids(), packing.cliques.len());
        let mut entries = vec![0.0; rows * bids];
        for (members, row) in packing.cliques.iter().zip(entries.chunks_exact_mut(bids)) {
            members.iter().for_each(|bid| row[bid] = 1.0);
        }
        Self {
            entries,
            constant: vec![1.0; rows],
            steepness: packing.cliques.iter().map(|set| 1.0 + set.len() as f64).collect(),
            basic: (bids..bids + rows).collect(),
            nonbasic: (0..bids).collect(),
            reduced: packing.values.iter().map(|&value| value as f64 / unit).collect(),
            scratch: vec![0.0; bids],
            exchanges: 0,
        }
    }

    pub(super) fn row(&self, row: usize) -> &[f64] {
        let width = self.nonbasic.len();
        &self.entries[row * width..][..width]
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.entries.chunks_exact(self.nonbasic.len())
    }

    /// Exchanges the variables of `row` and `slot`.
    pub(super) fn exchange(&mut self, row: usize, slot: usize) {
        let width = self.nonbasic.len();
        self.scratch.copy_from_slice(&self.entries[row * width..][..width]);
        let inverse = 1.0 / self.scratch[slot];
        self.scratch.iter_mut().for_each(|entry| *entry *= inverse);
        self.scratch[slot] = inverse;
        self.constant[row] *= inverse;
        let constant = self.constant[row];
        for (other, entries) in self.entries.chunks_exact_mut(width).enumerate() {
            let factor = std::mem::replace(&mut entries[slot], 0.0);
            if factor != 0.0 && other != row {
                self.steepness[other] = 1.0 + subtract(entries, &self.scratch, factor);
                self.constant[other] -= factor * constant;
            }
        }
        self.entries[row * width..][..width].copy_from_slice(&self.scratch);
        self.steepness[row] = 1.0 + self.scratch.iter().map(|entry| entry * entry).sum::<f64>();
        let factor = std::mem::replace(&mut self.reduced[slot], 0.0);
        subtract(&mut self.reduced, &self.scratch, factor);
        std::mem::swap(&mut self.basic[row], &mut self.nonbasic[slot]);
        self.exchanges += 1;
    }

    /// How much work an exchange is.
    pub(super) fn work(&self) -> u64 {
        self.entries.len() as u64 / 2 + 1
    }

    /// The same basis computed afresh, as far as it can be told from a singular one; `None` where
    /// the work ends.
    pub(super) fn rebuilt(&self, packing: &Packing, unit: f64, meter: &mut Meter) -> Option<Self> {
        let bids = packing.bids();
        let mut fresh = Self::new(packing, unit);
        let mut open = vec![true; self.basic.len()];
        for slack in self.basic.iter().filter_map(|variable| variable.checked_sub(bids)) {
            open[slack] = false;
        }
        for &bid in self.basic.iter().filter(|&&variable| variable < bids) {
            let size = |row: usize| fresh.row(row)[bid].abs();
            let rows = (0..open.len()).filter(|&row| open[row] && size(row) > PIVOT);
            let best = rows.max_by(|&one, &other| size(one).total_cmp(&size(other)));
            if let Some(row) = best {
                open[row] = false;
                meter.spend(fresh.work()).then_some(())?;
                fresh.exchange(row, bid);
            }
        }
        fresh.exchanges = 0;
        Some(fresh)
    }
}

/// Subtracts `factor` times `row` from `target`; returns the sum of the squares of what is left.
pub(super) fn subtract(target: &mut [f64], row: &[f64], factor: f64) -> f64 {
    const LANES: usize = 8;
    let mut sums = [0.0; LANES];
    let (targets, target_rest) = target.as_chunks_mut::<LANES>();
    let (rows, row_rest) = row.as_chunks::<LANES>();
    for (target, row) in targets.iter_mut().zip(rows) {
        for lane in 0..LANES {
            target[lane] -= factor * row[lane];
            sums[lane] += target[lane] * target[lane];
        }
    }
    let mut sum: f64 = sums.iter().sum();
    for (target, row) in target_rest.iter_mut().zip(row_rest) {
        *target -= factor * row;
        sum += *target * *target;
    }
    sum
}
