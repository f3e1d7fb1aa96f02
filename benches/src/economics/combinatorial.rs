//! Combinatorial auctions: winner determination and all payments, on the families of the
//! Combinatorial Auction Test Suite.

use mabeam_economics::Money;
use mabeam_economics::auction::combinatorial::cats::{Family, generate};
use mabeam_economics::auction::combinatorial::{Auction, Limits, Outcome, Proved};

/// How large the auctions are.
const GOODS: usize = 64;
const BIDS: usize = 250;
/// How many of each family there are; they come in turn.
const INSTANCES: u64 = 10;
/// More than any of them takes, about a minute.
const LIMITS: Limits = Limits { work: 60_000_000_000, deadline: None };

/// `winner_determination`: the allocation of the highest welfare, with its proof. Operation n is on
/// instance n of each family.
pub fn winner_determination() -> impl FnMut(u64) -> i64 + Clone + Send + 'static {
    let families = Family::ALL.map(instances);
    move |n| {
        let welfare = |auctions| proved(instance(auctions, n)).allocation().welfare().units();
        families.iter().map(|auctions| welfare(auctions)).sum()
    }
}

/// `vcg`: the same and what every winner pays, each from a proved search that starts where the one
/// before ended.
pub fn vcg(family: Family) -> impl FnMut(u64) -> Option<Money> + Clone + Send + 'static {
    let auctions = instances(family);
    move |n| {
        let sale = proved(instance(&auctions, n)).payments(&LIMITS).expect("within the limits");
        sale.revenue()
    }
}

/// `vcg_cold`: the same payments from an auction without each winner, each solved afresh: what the
/// warm start of [`vcg`] is compared with.
pub fn vcg_cold(family: Family) -> impl FnMut(u64) -> Option<Money> + Clone + Send + 'static {
    let auctions = instances(family);
    move |n| {
        let auction = instance(&auctions, n);
        let best = proved(auction);
        let welfare = best.allocation().welfare();
        let prices = best.allocation().winners().iter().map(|winner| {
            let others = auction.bids().iter().filter(|bid| bid.bidder != winner.bidder).cloned();
            let without = Auction::new(GOODS, others.collect()).expect("fewer of the same bids");
            let others_with = welfare.checked_sub(winner.value)?;
            proved(&without).allocation().welfare().checked_sub(others_with)
        });
        Money::total(prices.collect::<Option<Vec<Money>>>()?)
    }
}

fn instances(family: Family) -> Vec<Auction> {
    let draw = |seed| generate(family, GOODS, BIDS, seed).expect("a valid size");
    (0..INSTANCES).map(draw).collect()
}

fn instance(auctions: &[Auction], n: u64) -> &Auction {
    let place = usize::try_from(n % INSTANCES).expect("a small number");
    &auctions[place]
}

fn proved(auction: &Auction) -> Proved<'_> {
    match auction.solve(&LIMITS) {
        Outcome::Proved(proved) => proved,
        Outcome::Feasible(_) => panic!("not proved within the limits"),
    }
}
