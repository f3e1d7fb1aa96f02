//! The combinatorial auction: goods that bidders want in bundles, allocated to whom they are worth
//! most (winner determination), with the payments of Vickrey, Clarke and Groves.
//!
//! Owns bids on bundles of which a bidder wants at most one (XOR), an exact search for the
//! allocation of the highest welfare, and the Clarke payments. Leaves to its caller who the bidders
//! are, and reading of bids other than [files of the test suite](cats).
//!
//! # What it promises
//!
//! * [`Proved`] means proved in whole numbers: the welfare of the allocation equals an upper bound
//!   that follows from prices by weak duality and exhaustive case distinction. The floating-point
//!   solver that proposes prices is never trusted. What is not proved is [`Feasible`]: the best
//!   allocation found, and a true bound.
//! * Payments exist only for a proved allocation, and only if the welfare without each winner is
//!   proved too; there are no "approximate" VCG payments, which would be neither truthful nor
//!   individually rational.
//! * With those payments stating one's true values is a dominant strategy, whoever states true
//!   values never pays more than its bundle is worth to it, nobody is paid, and the allocation is
//!   efficient.
//! * Ties: let the bids stand by their bidders' ids, and each bidder's as it stated them. Of two
//!   allocations of the highest welfare the one wins that has the first bid which only one of them
//!   has. So the lowest id is served first. Bids of nothing never win. Goods may be left over (free
//!   disposal).
//!
//! # What it does not
//!
//! VCG payments need not be in the core: losers together may have offered more than the winners
//! pay, even if these pay nothing. Revenue is not monotone: another bid can lower it. A bidder
//! under two names (a shill), or two losers together, can gain. See L. Ausubel, P. Milgrom, *The
//! lovely but lonely Vickrey auction*, 2006, whose examples are among the tests, and M. Yokoo, Y.
//! Sakurai, S. Matsubara, *The effect of false-name bids in combinatorial auctions*, Games and
//! Economic Behavior 46 (2004).
//!
//! Winner determination is NP-hard: work grows exponentially in the worst case, and [`Limits`] end
//! it.
//!
//! Sources: E. Clarke, *Multipart pricing of public goods*, Public Choice 11 (1971); T. Groves,
//! *Incentives in teams*, Econometrica 41 (1973); T. Sandholm, *Algorithm for optimal winner
//! determination in combinatorial auctions*, Artificial Intelligence 135 (2002).

mod bits;
pub mod cats;
mod enumeration;
mod limits;
mod outcome;
mod packing;
mod prices;
mod relaxation;
mod search;

pub use limits::Limits;
pub use outcome::{Allocation, Feasible, Outcome, Proved, Unproved};

use std::collections::BTreeMap;

use crate::{AgentId, Invalid, Money, Subject};
use packing::Packing;

/// What a bidder offers for a bundle. It wants at most one of the bundles that it bids on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bid {
    /// Who bids.
    pub bidder: AgentId,
    /// The goods of the bundle, by their places among the goods for sale.
    pub goods: Vec<usize>,
    /// What the bundle is worth to the bidder.
    pub value: Money,
}

/// Goods for sale and valid bids on bundles of them.
///
/// ```
/// use mabeam_economics::auction::combinatorial::{Auction, Bid, Limits, Outcome};
/// use mabeam_economics::{AgentId, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let bid = |bidder, goods: &[usize], value| Bid {
///     bidder: AgentId(bidder),
///     goods: goods.to_vec(),
///     value: money(value),
/// };
/// // One wants both goods, two want one each.
/// let bids = vec![bid(1, &[0, 1], 10), bid(2, &[0], 8), bid(3, &[1], 6)];
/// let auction = Auction::new(2, bids)?;
///
/// let Outcome::Proved(proved) = auction.solve(&Limits::default()) else { unreachable!() };
/// assert_eq!(proved.allocation().welfare(), money(14));
///
/// // Without bidder 2 the others could have 10, with it they have 6; without bidder 3, 10 and 8.
/// let sale = proved.payments(&Limits::default()).unwrap();
/// let prices: Vec<_> = sale.awards().iter().map(|award| (award.winner, award.price)).collect();
/// assert_eq!(prices, [(AgentId(2), money(4)), (AgentId(3), money(2))]);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Auction {
    goods: usize,
    bids: Vec<Bid>,
    /// The places of the bids of more than nothing, in groups that compete for no good and have no
    /// bidder in common; in each by the bidders' ids, and each bidder's as stated.
    components: Vec<Vec<usize>>,
}

/// How many bids may compete with each other, directly or through others.
pub const MAX_COMPETING_BIDS: usize = 8_192;

impl Auction {
    /// The auction of `goods` goods with `bids`, in any order; several bids of one bidder mean "one
    /// of these". An auction without goods or bids is valid, and so is a value of zero, which never
    /// wins.
    ///
    /// Refuses a bundle without goods, with a good twice or with an unknown good, and a negative
    /// value, naming the place of the bid; bidders whose highest values add up to more than
    /// [`Money::MAX`]; more than [`MAX_COMPETING_BIDS`].
    pub fn new(goods: usize, bids: Vec<Bid>) -> Result<Self, Invalid> {
        for (place, bid) in (0..).zip(&bids) {
            check(place, bid, goods)?;
        }
        let mut highest: BTreeMap<AgentId, Money> = BTreeMap::new();
        for bid in &bids {
            let value = highest.entry(bid.bidder).or_default();
            *value = bid.value.max(*value);
        }
        if Money::total(highest.values().copied()).is_none() {
            let total: i128 = highest.values().map(|value| i128::from(value.units())).sum();
            let rule = "must be at most 10^15 minor units";
            return Err(Invalid::new(Subject::Problem, "sum of highest values", total, rule));
        }
        let components = components(&bids);
        match components.iter().map(Vec::len).find(|&bids| bids > MAX_COMPETING_BIDS) {
            Some(competing) => {
                let rule = "must be at most 8192";
                Err(Invalid::new(Subject::Problem, "competing bids", competing, rule))
            }
            None => Ok(Self { goods, bids, components }),
        }
    }

    /// How many goods are for sale.
    pub fn goods(&self) -> usize {
        self.goods
    }

    /// The bids as they were given.
    pub fn bids(&self) -> &[Bid] {
        &self.bids
    }

    /// The allocation of the highest welfare, proved, or the best that was found within `limits`.
    ///
    /// The same auction and the same limit of work give the same outcome, in whatever order the
    /// bidders stand. Cost: exponential in the worst case; see [`Limits`]. For 64 goods and 250
    /// bids of the [test suite](cats) it is some milliseconds in most families, up to a second in
    /// the hardest.
    pub fn solve(&self, limits: &Limits) -> Outcome<'_> {
        outcome::solve(self, limits)
    }

    /// The packing of the bids at `places`.
    fn packing(&self, places: &[usize]) -> Packing {
        let mut by_bidder: BTreeMap<AgentId, Vec<usize>> = BTreeMap::new();
        let mut by_good: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (rank, &place) in places.iter().enumerate() {
            let bid = &self.bids[place];
            by_bidder.entry(bid.bidder).or_default().push(rank);
            bid.goods.iter().for_each(|&good| by_good.entry(good).or_default().push(rank));
        }
        let exclusive: Vec<_> = by_bidder.into_values().chain(by_good.into_values()).collect();
        let values = places.iter().map(|&place| self.bids[place].value.units()).collect();
        Packing::new(values, &exclusive)
    }
}

/// The groups of places that [`Auction`] keeps.
fn components(bids: &[Bid]) -> Vec<Vec<usize>> {
    let mut ranked: Vec<usize> = (0..bids.len()).collect();
    ranked.retain(|&place| bids[place].value > Money::ZERO);
    ranked.sort_by_key(|&place| bids[place].bidder);
    // Disjoint sets: who points at itself leads its group, and is the lowest in it.
    let mut leader: Vec<usize> = (0..ranked.len()).collect();
    let (mut of_bidder, mut of_good) = (BTreeMap::new(), BTreeMap::new());
    for (rank, &place) in ranked.iter().enumerate() {
        let mut met = vec![*of_bidder.entry(bids[place].bidder).or_insert(rank)];
        met.extend(bids[place].goods.iter().map(|&good| *of_good.entry(good).or_insert(rank)));
        for other in met {
            let (one, other) = (find(&mut leader, rank), find(&mut leader, other));
            leader[one.max(other)] = one.min(other);
        }
    }
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (rank, &place) in ranked.iter().enumerate() {
        groups.entry(find(&mut leader, rank)).or_default().push(place);
    }
    groups.into_values().collect()
}

/// The leader of the group of `rank`; halves the way to it.
fn find(leader: &mut [usize], mut rank: usize) -> usize {
    while leader[rank] != rank {
        leader[rank] = leader[leader[rank]];
        rank = leader[rank];
    }
    rank
}

fn check(place: u64, bid: &Bid, goods: usize) -> Result<(), Invalid> {
    let refused =
        |field, value: String, rule| Err(Invalid::new(Subject::Bid(place), field, value, rule));
    if bid.value < Money::ZERO {
        return refused("value", bid.value.to_string(), "must be at least zero");
    }
    if bid.goods.is_empty() {
        return refused("goods", "empty".to_owned(), "must name a good");
    }
    if let Some(unknown) = bid.goods.iter().find(|&&good| good >= goods) {
        return refused("good", unknown.to_string(), "must be one of the goods for sale");
    }
    let mut sorted = bid.goods.clone();
    sorted.sort_unstable();
    match sorted.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => refused("good", pair[0].to_string(), "must not be named twice"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod laws;
#[cfg(test)]
mod proofs;
#[cfg(test)]
mod published;
#[cfg(test)]
mod samples;
