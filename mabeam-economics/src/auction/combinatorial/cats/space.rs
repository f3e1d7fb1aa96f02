//! The families in which goods lie in space, or are connected by chance.
//!
//! Owns the paper's paths (section 3.1), regions (section 3.2) and arbitrary relationships (section
//! 3.3), with its default parameters.

mod network;

pub(super) use network::paths;

use super::{Draw, Offer, Offers};

/// What a good is worth to everybody at most.
const MAX_GOOD_VALUE: f64 = 100.0;
/// How far what a good is worth to a bidder lies from that, as a share of the largest value.
const DEVIATION: f64 = 0.5;
/// How likely it is that a bundle has another good.
const ANOTHER_GOOD: f64 = 0.9;
/// How likely it is that a plot has a neighbour on each diagonal.
const DIAGONAL: f64 = 0.2;
/// How likely it is that the next plot lies anywhere.
const JUMP: f64 = 0.05;
/// A bundle of n goods is worth n to this power more than its goods.
const ADDITIVITY: f64 = 1.2;
/// What a bidder spends at most, as a multiple of the worth of its first bundle.
const BUDGET: f64 = 1.5;
/// How much of the common worth of its first bundle a bidder's other bundles must have.
const RESALE: f64 = 0.5;
/// How many bundles a bidder takes instead of its first.
const SUBSTITUTES: usize = 5;

/// Plots of a rectangular map: bundles grow along borders, now and then they jump.
pub(super) fn regions(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    let columns = (1..goods).find(|side| side * side >= goods).unwrap_or(goods);
    let mut near = vec![vec![0.0; goods]; goods];
    for plot in 0..goods {
        let (inside, column) = (|other: &usize| *other < goods, plot % columns);
        let right = (column + 1 < columns).then_some(plot + 1).filter(inside);
        let below = Some(plot + columns).filter(inside);
        let diagonals = [
            (column + 1 < columns).then_some(plot + columns + 1).filter(inside),
            (column > 0).then_some(plot + columns - 1).filter(inside),
        ];
        let borders = [right, below].into_iter().flatten();
        let corners = diagonals.into_iter().flatten().filter(|_| draw.chance(DIAGONAL));
        for other in borders.chain(corners) {
            connect(&mut near, plot, other, 1.0);
        }
    }
    bundles(&near, JUMP, draw, offers);
}

/// Goods of which every two complement each other to a degree drawn once for all.
pub(super) fn arbitrary(goods: usize, draw: &mut Draw, offers: &mut Offers) {
    let mut near = vec![vec![0.0; goods]; goods];
    for one in 0..goods {
        for other in 0..one {
            connect(&mut near, one, other, draw.unit());
        }
    }
    bundles(&near, 0.0, draw, offers);
}

fn connect(near: &mut [Vec<f64>], one: usize, other: usize, weight: f64) {
    near[one][other] = weight;
    near[other][one] = weight;
}

/// Bidders whose bundles grow along the weights of `near`.
fn bundles(near: &[Vec<f64>], jump: f64, draw: &mut Draw, offers: &mut Offers) {
    let common: Vec<f64> = near.iter().map(|_| draw.between(1.0, MAX_GOOD_VALUE)).collect();
    while !offers.are_complete() {
        let interest: Vec<f64> = near.iter().map(|_| draw.unit()).collect();
        let bidder = Bidder { near, common: &common, interest: &interest, jump };
        let first = draw.weighted(&interest);
        let mut size = 1;
        while size < near.len() && draw.chance(ANOTHER_GOOD) {
            size += 1;
        }
        let bundle = bidder.bundle(first, size, draw);
        if bundle.price <= 0.0 {
            continue;
        }
        let budget = BUDGET * bundle.price;
        let resale = RESALE * bidder.common_worth(&bundle.goods);
        let mut others: Vec<Offer> =
            bundle.goods.iter().map(|&good| bidder.bundle(good, size, draw)).collect();
        others.retain(|other| {
            let affordable = other.price > 0.0 && other.price <= budget;
            affordable && other.goods != bundle.goods && bidder.common_worth(&other.goods) >= resale
        });
        others.sort_by(|one, other| {
            other.price.total_cmp(&one.price).then_with(|| one.goods.cmp(&other.goods))
        });
        others.dedup_by(|one, other| one.goods == other.goods);
        others.truncate(SUBSTITUTES);
        others.insert(0, bundle);
        offers.add(&others);
    }
}

/// What goods are worth to one bidder, and which it looks at.
struct Bidder<'a> {
    near: &'a [Vec<f64>],
    common: &'a [f64],
    /// How much more than the common worth a good is to the bidder: 0 for least, 1 for most.
    interest: &'a [f64],
    jump: f64,
}

impl Bidder<'_> {
    /// A bundle of `size` goods that grew from `first`.
    fn bundle(&self, first: usize, size: usize, draw: &mut Draw) -> Offer {
        let mut goods = vec![first];
        let mut outside = vec![1.0; self.near.len()];
        let mut nearness = vec![0.0; self.near.len()];
        while let Some(&last) = goods.last().filter(|_| goods.len() < size) {
            outside[last] = 0.0;
            nearness.iter_mut().zip(&self.near[last]).for_each(|(sum, near)| *sum += near);
            let weights: Vec<f64> = if draw.chance(self.jump) {
                outside.clone()
            } else {
                let pull =
                    nearness.iter().zip(self.interest).map(|(near, interest)| near * interest);
                pull.zip(&outside).map(|(pull, outside)| pull * outside).collect()
            };
            goods.push(draw.weighted(&weights));
        }
        goods.sort_unstable();
        let private: f64 = goods
            .iter()
            .map(|&good| (2.0 * self.interest[good] - 1.0) * DEVIATION * MAX_GOOD_VALUE)
            .sum();
        let together = (goods.len() as f64).powf(ADDITIVITY);
        Offer { price: self.common_worth(&goods) + private + together, goods }
    }

    fn common_worth(&self, goods: &[usize]) -> f64 {
        goods.iter().map(|&good| self.common[good]).sum()
    }
}
