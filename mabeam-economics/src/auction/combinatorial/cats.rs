//! The Combinatorial Auction Test Suite: its families of instances, and its files.
//!
//! Owns the generators and the reader and writer of the file format. Promises the same auction for
//! the same family, size and seed. The generators follow the paper's descriptions and its default
//! parameters; they do not draw the same numbers as the authors' program, whose files can be read.
//!
//! Source: K. Leyton-Brown, M. Pearson, Y. Shoham, *Towards a universal test suite for
//! combinatorial auction algorithms*, EC 2000.

mod file;
mod legacy;
mod space;
mod time;

pub use file::{read, write};

use super::{Auction, Bid, MAX_COMPETING_BIDS};
use crate::seeded::Seeded;
use crate::{AgentId, Invalid, Money, Subject};

/// A family of the suite: the five economically motivated ones, and those of the earlier literature
/// that the paper numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Family {
    /// Section 3.2: neighbouring plots on a map.
    Regions,
    /// Section 3.3: goods that complement each other by chance.
    Arbitrary,
    /// Section 3.1: ways through a network.
    Paths,
    /// Section 3.4: take-off and landing slots.
    Matching,
    /// Section 3.5: consecutive time slots before a deadline.
    Scheduling,
    /// Sandholm's weighted random: any number of goods, worth up to their number.
    L2,
    /// Sandholm's uniform: three goods, worth up to one.
    L3,
    /// Sandholm's decay: another good with probability 0.55, worth up to their number.
    L4,
    /// Fujishima's exponential: n goods with probability proportional to exp(-n/5), worth about n.
    L6,
    /// Fujishima's binomial: every good with probability 0.2, worth about their number.
    L7,
}

impl Family {
    /// Every family.
    pub const ALL: [Self; 10] = [
        Self::Regions,
        Self::Arbitrary,
        Self::Paths,
        Self::Matching,
        Self::Scheduling,
        Self::L2,
        Self::L3,
        Self::L4,
        Self::L6,
        Self::L7,
    ];
}

/// The most goods of a generated auction: of every two of them a weight is kept.
const MAX_GOODS: usize = 4_096;

/// An auction of `family` with `goods` goods and exactly `bids` bids; the last bidder's bids are
/// cut short. Prices are rounded to thousandths of the paper's unit, which are the minor units
/// here, and are at least one of them.
///
/// Refuses fewer than 8 goods or more than 4,096, and no bids or more than [`MAX_COMPETING_BIDS`].
/// Cost: at most some milliseconds for 64 goods and 250 bids.
///
/// ```
/// use mabeam_economics::auction::combinatorial::cats::{Family, generate};
///
/// let auction = generate(Family::Regions, 64, 250, 1)?;
/// assert_eq!((auction.goods(), auction.bids().len()), (64, 250));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn generate(family: Family, goods: usize, bids: usize, seed: u64) -> Result<Auction, Invalid> {
    let refused = |field, value, rule| Err(Invalid::new(Subject::Problem, field, value, rule));
    if !(8..=MAX_GOODS).contains(&goods) {
        return refused("goods", goods, "must be from 8 to 4096");
    }
    if !(1..=MAX_COMPETING_BIDS).contains(&bids) {
        return refused("bids", bids, "must be from 1 to 8192");
    }
    let mut draw = Draw(Seeded::new(seed));
    let mut offers = Offers { wanted: bids, bids: Vec::new(), bidders: 0 };
    match family {
        Family::Regions => space::regions(goods, &mut draw, &mut offers),
        Family::Arbitrary => space::arbitrary(goods, &mut draw, &mut offers),
        Family::Paths => space::paths(goods, &mut draw, &mut offers),
        Family::Matching => time::matching(goods, &mut draw, &mut offers),
        Family::Scheduling => time::scheduling(goods, &mut draw, &mut offers),
        Family::L2 => legacy::weighted_random(goods, &mut draw, &mut offers),
        Family::L3 => legacy::uniform(goods, &mut draw, &mut offers),
        Family::L4 => legacy::decay(goods, &mut draw, &mut offers),
        Family::L6 => legacy::exponential(goods, &mut draw, &mut offers),
        Family::L7 => legacy::binomial(goods, &mut draw, &mut offers),
    }
    Auction::new(goods, offers.bids)
}

/// Random numbers as the paper's descriptions use them.
struct Draw(Seeded);

impl Draw {
    /// From 0, included, to 1, excluded.
    fn unit(&mut self) -> f64 {
        (self.0.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// One of `from..=to`; `from` if there is none.
    fn integer(&mut self, from: usize, to: usize) -> usize {
        from + self.0.below((to + 1).saturating_sub(from))
    }

    /// One place of `weights`, with a probability in proportion to its weight.
    fn weighted(&mut self, weights: &[f64]) -> usize {
        let mut left = self.unit() * weights.iter().sum::<f64>();
        let place = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        // Rounding may leave something beyond the last.
        place.or_else(|| weights.iter().rposition(|&weight| weight > 0.0)).unwrap_or(0)
    }

    /// `count` different goods of `goods`, in ascending order.
    fn subset(&mut self, goods: usize, count: usize) -> Vec<usize> {
        let mut all: Vec<usize> = (0..goods).collect();
        self.0.shuffle(&mut all);
        all.truncate(count);
        all.sort_unstable();
        all
    }
}

/// What somebody would pay for a bundle, in the paper's units.
#[derive(Clone, Debug)]
struct Offer {
    goods: Vec<usize>,
    price: f64,
}

/// The bids drawn so far.
struct Offers {
    wanted: usize,
    bids: Vec<Bid>,
    bidders: u64,
}

impl Offers {
    fn are_complete(&self) -> bool {
        self.bids.len() >= self.wanted
    }

    /// Adds a bidder that wants one of `offers`; its bids that another of its bids makes
    /// superfluous (fewer goods, at least the same price) are left out, as the suite does.
    fn add(&mut self, offers: &[Offer]) {
        let before = self.bids.len();
        let bidder = AgentId(self.bidders);
        let mut own: Vec<Bid> = Vec::new();
        for Offer { goods, price } in offers {
            let mut goods = goods.clone();
            goods.sort_unstable();
            let bid = Bid { bidder, goods, value: minor_units(*price) };
            if !own.iter().any(|other| dominates(other, &bid)) {
                own.retain(|other| !dominates(&bid, other));
                own.push(bid);
            }
        }
        self.bids.extend(own);
        self.bids.truncate(self.wanted);
        self.bidders += u64::from(self.bids.len() > before);
    }
}

/// Whether `one` offers at least as much as `other` for goods that `other` includes.
fn dominates(one: &Bid, other: &Bid) -> bool {
    one.value >= other.value
        && one.goods.len() <= other.goods.len()
        && one.goods.iter().all(|good| other.goods.binary_search(good).is_ok())
}

/// Thousandths, at least one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "the price was brought into the range of money"
)]
fn minor_units(price: f64) -> Money {
    let thousandths = (price * 1_000.0).round().clamp(1.0, 1e12) as i64;
    Money::new(thousandths).unwrap_or(Money::MAX)
}

#[cfg(test)]
mod tests;
