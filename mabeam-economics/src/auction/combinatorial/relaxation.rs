//! The linear relaxation of a packing: every clique holds at most one bid, and bids may win in
//! part.
//!
//! Owns a bounded dual simplex method on one dense tableau that serves a whole search: every bid
//! lies in a box, so whatever bids a node excludes, the last basis is dual feasible for it once
//! some bids have changed sides, and the next node costs a few exchanges. Promises nothing about
//! accuracy: its prices are only ever used through [`Certificate`](super::prices::Certificate).
//!
//! Source: J. Forrest, D. Goldfarb, *Steepest-edge simplex algorithms for linear programming*,
//! Mathematical Programming 57 (1992); R. Bixby, *Solving real-world linear programs*, Operations
//! Research 50 (2002), for bounds that flip; A. Gleixner, D. Steffy, K. Wolter, *Iterative
//! refinement for linear programming*, INFORMS J. Computing 28 (2016), for the exact residuals of
//! the prices.

mod tableau;

use super::limits::Meter;
use super::packing::Packing;
use super::prices::{FRACTION_BITS, Node, in_price_units};
use tableau::{PIVOT, Tableau, subtract};

/// What lies closer to a bound than this is on it.
const FEASIBLE: f64 = 1e-9;
/// A basic bid whose prices miss its value by more than this share means that the tableau has
/// drifted.
const DRIFT: f64 = 1e-7;
/// Afresh from the cliques after this many exchanges, whatever the drift.
const EXCHANGES_BEFORE_REBUILD: usize = 4_000;
/// Beyond this many entries (256 MiB) there is no tableau.
const MAX_ENTRIES: usize = 1 << 25;

/// The relaxation at one node.
#[derive(Clone, Debug)]
pub(super) struct Relaxation {
    tableau: Tableau,
    /// Of each row, the value of its variable.
    level: Vec<f64>,
    /// Of each slot, the value of its variable: one of its bounds.
    at: Vec<f64>,
    /// Of each bid, its bounds at the node.
    bounds: Vec<(f64, f64)>,
    /// What the objective's unit is worth in minor units.
    unit: f64,
    drifted: bool,
}

/// A row whose variable leaves the basis, the bound that it goes to, and whether it rises to it.
struct Leaving {
    row: usize,
    bound: f64,
    rises: bool,
}

impl Relaxation {
    /// The relaxation of `packing`; `None` if its tableau would be too large, or there are no bids.
    pub(super) fn new(packing: &Packing) -> Option<Self> {
        let (bids, rows) = (packing.bids(), packing.cliques.len());
        let unit = packing.values.iter().copied().max()? as f64;
        bids.checked_mul(rows).filter(|&entries| entries <= MAX_ENTRIES)?;
        Some(Self {
            tableau: Tableau::new(packing, unit),
            level: vec![0.0; rows],
            at: vec![0.0; bids],
            bounds: vec![(0.0, 1.0); bids],
            unit,
            drifted: false,
        })
    }

    /// Solves the relaxation of `node`; stops early where it is certain to be worth less than
    /// `enough`, and where the work ends.
    pub(super) fn solve(&mut self, packing: &Packing, node: &Node, enough: i64, meter: &mut Meter) {
        if self.drifted || self.tableau.exchanges > EXCHANGES_BEFORE_REBUILD {
            let Some(fresh) = self.tableau.rebuilt(packing, self.unit, meter) else { return };
            self.tableau = fresh;
            self.drifted = false;
        }
        for (bid, bounds) in self.bounds.iter_mut().enumerate() {
            let (taken, free) = (node.taken.contains(bid), node.free.contains(bid));
            *bounds = (f64::from(u8::from(taken)), f64::from(u8::from(taken || free)));
        }
        let enough = enough as f64 / self.unit * (1.0 - FEASIBLE);
        let mut objective = self.enter_node(packing);
        let work = self.tableau.work();
        // Far more than any solve takes that does not go in circles.
        for _ in 0..10 * (self.bounds.len() + self.level.len()) + 100 {
            if objective < enough || !meter.spend(work) {
                return;
            }
            let Some(leaving) = self.leaving() else { return };
            let Some(slot) = self.entering(&leaving, &mut objective) else { return };
            objective += self.step(&leaving, slot);
        }
    }

    /// Puts every slot's variable at the bound that its reduced cost asks for; returns the
    /// objective.
    fn enter_node(&mut self, packing: &Packing) -> f64 {
        for slot in 0..self.at.len() {
            let (low, high) = self.bounds_of(self.tableau.nonbasic[slot]);
            let rise = self.tableau.reduced[slot] > 0.0 && high.is_finite();
            self.at[slot] = if rise { high } else { low };
        }
        self.level.copy_from_slice(&self.tableau.constant);
        let ones: Vec<usize> = (0..self.at.len()).filter(|&slot| self.at[slot] != 0.0).collect();
        for (level, row) in self.level.iter_mut().zip(self.tableau.rows()) {
            *level -= ones.iter().map(|&slot| row[slot] * self.at[slot]).sum::<f64>();
        }
        let worth = |(bid, share): (usize, f64)| packing.values[bid] as f64 / self.unit * share;
        self.shares().into_iter().enumerate().map(worth).sum()
    }

    /// A slack has no upper bound.
    fn bounds_of(&self, variable: usize) -> (f64, f64) {
        self.bounds.get(variable).copied().unwrap_or((0.0, f64::INFINITY))
    }

    /// The variable of the basis that is furthest outside its bounds, along its edge.
    fn leaving(&self) -> Option<Leaving> {
        let (mut furthest, mut found) = (0.0, None);
        for (row, (&level, &variable)) in self.level.iter().zip(&self.tableau.basic).enumerate() {
            let (low, high) = self.bounds_of(variable);
            for (missed, bound, rises) in [(low - level, low, true), (level - high, high, false)] {
                let steep = missed * missed / self.tableau.steepness[row];
                if missed > FEASIBLE && steep > furthest {
                    furthest = steep;
                    found = Some(Leaving { row, bound, rises });
                }
            }
        }
        found
    }

    /// The slot whose variable enters for `leaving`, after those before it in the order of the dual
    /// ratio have changed sides; `None` if all of them together cannot make up for it.
    fn entering(&mut self, leaving: &Leaving, objective: &mut f64) -> Option<usize> {
        let row = self.tableau.row(leaving.row);
        let mut candidates: Vec<(f64, f64, usize)> = Vec::new();
        for (slot, &entry) in row.iter().enumerate() {
            let (low, high) = self.bounds_of(self.tableau.nonbasic[slot]);
            let helps_by_rising = (entry < 0.0) == leaving.rises;
            let is_low = self.at[slot] <= low;
            if entry.abs() > PIVOT && low < high && helps_by_rising == is_low {
                let ratio = self.tableau.reduced[slot].abs() / entry.abs();
                candidates.push((ratio, entry.abs(), slot));
            }
        }
        candidates.sort_unstable_by(|one, other| {
            one.0.total_cmp(&other.0).then(other.1.total_cmp(&one.1)).then(one.2.cmp(&other.2))
        });
        let mut missing = (self.level[leaving.row] - leaving.bound).abs();
        let flipped = candidates.iter().take_while(|&&(_, size, slot)| {
            let (low, high) = self.bounds_of(self.tableau.nonbasic[slot]);
            missing -= size * (high - low);
            missing > 0.0
        });
        let flipped = flipped.count();
        let &(_, _, slot) = candidates.get(flipped)?;
        for &(_, _, slot) in &candidates[..flipped] {
            let (low, high) = self.bounds_of(self.tableau.nonbasic[slot]);
            let by = low + high - 2.0 * self.at[slot];
            self.at[slot] += by;
            *objective += self.shift(slot, by);
        }
        Some(slot)
    }

    /// Lets the basis follow a move of the slot's variable; returns what the objective gains.
    fn shift(&mut self, slot: usize, by: f64) -> f64 {
        for (level, row) in self.level.iter_mut().zip(self.tableau.rows()) {
            *level -= row[slot] * by;
        }
        self.tableau.reduced[slot] * by
    }

    /// One exchange of the basis; returns what the objective gains.
    fn step(&mut self, leaving: &Leaving, slot: usize) -> f64 {
        let pivot = self.tableau.row(leaving.row)[slot];
        let by = (self.level[leaving.row] - leaving.bound) / pivot;
        let gain = self.shift(slot, by);
        self.level[leaving.row] = self.at[slot] + by;
        self.at[slot] = leaving.bound;
        self.tableau.exchange(leaving.row, slot);
        gain
    }

    /// How much of each bid wins.
    pub(super) fn shares(&self) -> Vec<f64> {
        let mut shares = vec![0.0; self.bounds.len() + self.level.len()];
        let outside = self.tableau.nonbasic.iter().zip(&self.at);
        let inside = self.tableau.basic.iter().zip(&self.level);
        outside.chain(inside).for_each(|(&variable, &share)| shares[variable] = share);
        shares.truncate(self.bounds.len());
        shares
    }

    /// The prices of the cliques. The basis says which bids the prices are to match exactly; two
    /// corrections from residuals in whole numbers bring them there.
    pub(super) fn prices(&mut self, packing: &Packing) -> Vec<i128> {
        let unit = self.unit * f64::from(1_u32 << FRACTION_BITS);
        let mut prices = vec![0_i128; self.level.len()];
        self.add_to_slacks(&mut prices, self.tableau.reduced.iter().map(|reduced| -reduced * unit));
        for _ in 0..2 {
            let corrections = self.corrections(packing, &prices, DRIFT * unit);
            self.add_to_slacks(&mut prices, corrections.into_iter());
        }
        prices
    }

    /// Adds to the price of each clique whose slack is in a slot what `amounts` has for the slot.
    fn add_to_slacks(&self, prices: &mut [i128], amounts: impl Iterator<Item = f64>) {
        for (variable, amount) in self.tableau.nonbasic.iter().zip(amounts) {
            if let Some(clique) = variable.checked_sub(self.bounds.len()) {
                prices[clique] = prices[clique].saturating_add(rounded(amount));
            }
        }
    }

    /// What each slot's price lacks for the bids of the basis to be worth exactly their prices.
    fn corrections(&mut self, packing: &Packing, prices: &[i128], drift: f64) -> Vec<f64> {
        let mut corrections = vec![0.0; self.bounds.len()];
        for (row, &bid) in self.tableau.basic.iter().enumerate() {
            let Some(cliques) = packing.cliques_of.get(bid) else { continue };
            let price: i128 = cliques.iter().map(|&clique| prices[clique]).sum();
            let missing = (in_price_units(packing.values[bid]) - price) as f64;
            self.drifted |= missing.abs() > drift;
            if missing != 0.0 {
                subtract(&mut corrections, self.tableau.row(row), -missing);
            }
        }
        corrections
    }
}

/// The nearest whole number; of what is beyond all prices, a large one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "any price is a valid price, even of not-a-number"
)]
fn rounded(price: f64) -> i128 {
    const LARGEST: f64 = 1e30;
    price.round().clamp(-LARGEST, LARGEST) as i128
}
