//! What is called proved is proved, whoever proposes the prices.

use proptest::prelude::*;

use super::bits::Bits;
use super::cats::{Family, generate};
use super::enumeration::Enumeration;
use super::limits::Meter;
use super::packing::Packing;
use super::prices::{Certificate, Node};
use super::samples::{auctions, bid, brute_force, money, prices, proved};
use super::search::{FIRST_WORK, Incumbent, Search};
use super::{Auction, Limits, Outcome};
use crate::Money;
use crate::seeded::Seeded;

/// Packings of up to eight bids, most of which conflict.
fn packings() -> impl Strategy<Value = Packing> {
    let values = prop::collection::vec(1..50_i64, 1..9);
    let sets = prop::collection::vec(prop::collection::btree_set(0..8_usize, 2..6), 1..8);
    (values, sets).prop_map(|(values, sets)| {
        let within = |set: std::collections::BTreeSet<usize>| {
            set.into_iter().filter(|&bid| bid < values.len()).collect::<Vec<_>>()
        };
        let sets: Vec<Vec<usize>> = sets.into_iter().map(within).collect();
        Packing::new(values, &sets)
    })
}

/// What the best allocation of `packing` with all of `taken` is worth.
fn best(packing: &Packing, taken: &[usize]) -> i64 {
    let all = (0..1_usize << packing.bids())
        .map(|subset| {
            Bits::of(packing.bids(), (0..packing.bids()).filter(|bid| subset >> bid & 1 == 1))
        })
        .filter(|bids| packing.is_allocation(bids) && taken.iter().all(|&bid| bids.contains(bid)));
    all.map(|bids| packing.worth(&bids)).max().unwrap_or(0)
}

fn everything(packing: &Packing) -> Node {
    Node::root(packing, Bits::all(packing.bids()))
}

fn nothing(packing: &Packing) -> Incumbent {
    Incumbent::new(packing, Bits::none(packing.bids()))
}

/// Any prices: negative, absurd, or about right.
fn any_prices() -> impl Strategy<Value = Vec<i128>> {
    let about_right = 0..50_i128 << 20;
    prop::collection::vec(prop_oneof![4 => about_right, 1 => any::<i128>()], 12)
}

proptest! {
    #[test]
    fn any_prices_prove_a_true_bound(packing in packings(), prices in any_prices()) {
        let node = everything(&packing);
        let prices = prices[..packing.cliques.len()].to_vec();
        let certificate = Certificate::new(&packing, &node, prices);
        prop_assert!(certificate.bound() >= best(&packing, &[]));
        for bid in 0..packing.bids() {
            let bound = certificate.total_with(bid) >> 20;
            prop_assert!(bound >= i128::from(best(&packing, &[bid])));
        }
    }

    #[test]
    fn trying_out_is_exhaustive_for_any_prices(packing in packings(), prices in any_prices()) {
        let node = everything(&packing);
        let prices = prices[..packing.cliques.len()].to_vec();
        let certificate = Certificate::new(&packing, &node, prices);
        let (mut meter, mut found) = (Meter::new(&Limits::default()), nothing(&packing));
        let enumeration =
            Enumeration::new(&packing, &certificate, &mut meter, u64::MAX, &mut found);
        prop_assert!(enumeration.run(&node).is_ok());
        prop_assert_eq!(found.worth, best(&packing, &[]));
    }

    /// Dividing nodes alone, as where trying out takes too long.
    #[test]
    fn dividing_nodes_is_exhaustive(packing in packings()) {
        let (mut meter, mut found) = (Meter::new(&Limits::default()), nothing(&packing));
        let worth = best(&packing, &[]);
        let root = everything(&packing);
        Search::new(packing).explore(root, &mut found, 0, &mut meter).unwrap();
        prop_assert_eq!(found.worth, worth);
    }

    /// As for auctions that are too large for a tableau.
    #[test]
    fn the_search_is_exact_without_a_relaxation(packing in packings()) {
        let (mut meter, mut found) = (Meter::new(&Limits::default()), nothing(&packing));
        let worth = best(&packing, &[]);
        let root = everything(&packing);
        Search::without_relaxation(packing).explore(root, &mut found, 0, &mut meter).unwrap();
        prop_assert_eq!(found.worth, worth);
    }

    /// The relaxation starts from whatever basis the last node left.
    #[test]
    fn one_search_serves_any_sequence_of_nodes(packing in packings(), seed: u64) {
        let mut search = Search::new(packing.clone());
        let mut draw = Seeded::new(seed);
        for _ in 0..6 {
            let free: Vec<usize> = (0..packing.bids()).filter(|_| draw.below(3) > 0).collect();
            let values = free.iter().map(|&bid| packing.values[bid]).collect();
            let place = |bid: usize| free.iter().position(|&other| other == bid);
            let sets: Vec<Vec<usize>> =
                packing.cliques.iter().map(|set| set.iter().filter_map(place).collect()).collect();
            let expected = best(&Packing::new(values, &sets), &[]);
            let root = Node::root(&packing, Bits::of(packing.bids(), free.iter().copied()));
            let (mut meter, mut found) = (Meter::new(&Limits::default()), nothing(&packing));
            search.explore(root, &mut found, FIRST_WORK, &mut meter).unwrap();
            prop_assert_eq!(found.worth, expected);
        }
    }

    #[test]
    fn whenever_the_work_ends_the_bound_is_true(auction in auctions(), work in 0..20_000_u64) {
        let all: Vec<usize> = (0..auction.bids().len()).collect();
        let (welfare, _) = brute_force(auction.bids(), &all);
        match auction.solve(&Limits { work, deadline: None }) {
            Outcome::Proved(proved) => {
                prop_assert_eq!(proved.allocation().welfare(), money(welfare));
            }
            Outcome::Feasible(feasible) => {
                prop_assert!(feasible.allocation().welfare() <= money(welfare));
                prop_assert!(feasible.bound() >= money(welfare));
            }
        }
    }
}

/// Negative control: prices that are charged only half prove a bound that is not true.
#[test]
fn half_the_prices_prove_too_much() {
    let packing = Packing::new(vec![8, 6], &[vec![0, 1]]);
    let node = everything(&packing);
    let certificate = Certificate::new(&packing, &node, vec![8 << 20]);
    assert_eq!(certificate.bound(), 8);
    assert!((certificate.total / 2) >> 20 < 8);
}

/// Every family, solved within a limit, within another, and by dividing nodes.
#[test]
fn limits_change_what_is_proved_and_never_what_is_true() {
    for family in Family::ALL {
        let auction = generate(family, 20, 40, 5).unwrap();
        let best = proved(&auction).allocation().welfare();
        for work in [0, 1_000, 30_000, 1_000_000] {
            match auction.solve(&Limits { work, deadline: None }) {
                Outcome::Proved(proved) => assert_eq!(proved.allocation().welfare(), best),
                Outcome::Feasible(feasible) => {
                    assert!(feasible.allocation().welfare() <= best, "{family:?}");
                    assert!(feasible.bound() >= best, "{family:?}");
                }
            }
        }
    }
}

/// Thousands of exchanges, over which the tableau drifts and is computed afresh.
#[test]
fn dividing_nodes_and_trying_them_out_agree_on_every_family() {
    for family in Family::ALL {
        let auction = generate(family, 24, 60, 2).unwrap();
        let places: Vec<usize> = (0..auction.bids().len()).collect();
        let packing = auction.packing(&places);
        let (mut meter, mut found) = (Meter::new(&Limits::default()), nothing(&packing));
        let root = everything(&packing);
        Search::new(packing).explore(root, &mut found, 0, &mut meter).unwrap();
        assert_eq!(money(found.worth), proved(&auction).allocation().welfare(), "{family:?}");
    }
}

/// Values that differ by a unit in 10^13: beyond what the solver's floating point tells apart.
#[test]
fn values_near_the_largest_money_are_told_apart_to_the_unit() {
    let mut draw = Seeded::new(11);
    for _ in 0..20 {
        let large = Money::MAX.units() / 100;
        let bids: Vec<_> = (0..12)
            .map(|bidder| {
                let (first, value) = (draw.below(6), large - i64::try_from(draw.below(4)).unwrap());
                bid(bidder, &[first, (first + 1 + draw.below(5)) % 6], value)
            })
            .collect();
        let auction = Auction::new(6, bids).unwrap();
        let all: Vec<usize> = (0..12).collect();
        let (welfare, _) = brute_force(auction.bids(), &all);
        assert_eq!(proved(&auction).allocation().welfare(), money(welfare));
        assert_eq!(prices(&proved(&auction)), super::samples::brute_force_prices(auction.bids()));
    }
}

/// Many equal allocations: everybody would take any good.
#[test]
fn many_ties_are_settled_for_the_lowest_ids() {
    let bids =
        (0..30).flat_map(|bidder| (0..12).map(move |good| bid(bidder, &[good], 5))).collect();
    let auction = Auction::new(12, bids).unwrap();
    let proved = proved(&auction);
    let won: Vec<(u64, usize)> =
        proved.allocation().winners().iter().map(|bid| (bid.bidder.0, bid.goods[0])).collect();
    let expected: Vec<(u64, usize)> = (0..12).map(|rank| (rank as u64, rank)).collect();
    assert_eq!(won, expected);
    assert!(prices(&proved).values().all(|&price| price == 5));
}

/// An independent solver, in floating point, finds the same welfare.
#[cfg(feature = "solvers")]
#[test]
fn a_linear_solver_agrees_on_every_family() {
    use microlp::{ComparisonOp, OptimizationDirection, Problem};

    for family in Family::ALL {
        let auction = generate(family, 24, 60, 7).unwrap();
        let mut problem = Problem::new(OptimizationDirection::Maximize);
        let wins: Vec<_> = auction
            .bids()
            .iter()
            .map(|bid| problem.add_binary_var(bid.value.units() as f64))
            .collect();
        let mut at_most_one = |includes: &dyn Fn(&super::Bid) -> bool| {
            let some = auction.bids().iter().zip(&wins).filter(|(bid, _)| includes(bid));
            let terms: Vec<_> = some.map(|(_, &wins)| (wins, 1.0)).collect();
            problem.add_constraint(terms, ComparisonOp::Le, 1.0);
        };
        for good in 0..auction.goods() {
            at_most_one(&|bid| bid.goods.contains(&good));
        }
        for one in auction.bids() {
            at_most_one(&|bid| bid.bidder == one.bidder);
        }
        let solution = problem.solve().unwrap().into_solution().unwrap();
        let welfare = proved(&auction).allocation().welfare().units() as f64;
        assert!((solution.objective() - welfare).abs() < 1e-3, "{family:?}");
    }
}
