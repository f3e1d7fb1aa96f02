//! Truthfulness, rationality and the cheapest path, against every path there is.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};

/// All ways from one node to another that visit no node twice nor one that was `seen`.
fn paths(links: &[Link], from: u32, to: u32, seen: &BTreeSet<u32>) -> Vec<Vec<usize>> {
    if from == to {
        return vec![Vec::new()];
    }
    let mut seen = seen.clone();
    seen.insert(from);
    let next = links.iter().enumerate().filter(|(_, link)| link.from == from);
    let next = next.filter(|(_, link)| !seen.contains(&link.to));
    next.flat_map(|(place, link)| {
        let tails = paths(links, link.to, to, &seen);
        tails.into_iter().map(move |tail| [&[place], tail.as_slice()].concat())
    })
    .collect()
}

fn cost(links: &[Link], path: &[usize]) -> i64 {
    path.iter().map(|&place| links[place].cost.units()).sum()
}

/// What each link is paid, in the order of the links; nothing if it is not bought.
type Rule = fn(u32, &[Link]) -> Vec<Option<i64>>;

/// From the first node to the last.
fn vcg(nodes: u32, links: &[Link]) -> Vec<Option<i64>> {
    let bought = buy_path(nodes, links, 0, nodes - 1).unwrap();
    let mut paid = vec![None; links.len()];
    for (&link, payment) in bought.path.iter().zip(&bought.payments) {
        paid[link] = Some(payment.units());
    }
    paid
}

/// Mutant: everybody on the path is paid what it asked for.
fn pay_as_bid(nodes: u32, links: &[Link]) -> Vec<Option<i64>> {
    let paid = vcg(nodes, links);
    paid.iter().zip(links).map(|(paid, link)| paid.map(|_| link.cost.units())).collect()
}

struct Owners<'a> {
    rule: Rule,
    nodes: u32,
    links: &'a [Link],
}

impl Mechanism for Owners<'_> {
    type Report = i64;
    type Outcome = Vec<Option<i64>>;
    type Utility = i64;

    fn outcome(&self, costs: &[i64]) -> Self::Outcome {
        let stated = self.links.iter().zip(costs);
        let links: Vec<_> =
            stated.map(|(link, &cost)| Link { cost: money(cost), ..*link }).collect();
        (self.rule)(self.nodes, &links)
    }

    fn utility(&self, who: usize, cost: &i64, outcome: &Self::Outcome) -> i64 {
        outcome[who].map_or(0, |paid| paid - cost)
    }

    /// Shading, inflating, and around what it would be paid.
    fn lies(&self, who: usize, costs: &[i64]) -> Vec<i64> {
        let paid = self.outcome(costs)[who];
        let around = paid.into_iter().flat_map(|paid| [paid - 1, paid, paid + 1]);
        (0..16).chain(around).filter(|&lie| lie >= 0).collect()
    }
}

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn link(from: u32, to: u32, cost: i64) -> Link {
    Link { from, to, cost: money(cost) }
}

fn costs(links: &[Link]) -> Vec<i64> {
    links.iter().map(|link| link.cost.units()).collect()
}

fn networks() -> impl Strategy<Value = (u32, Vec<Link>)> {
    (2..6_u32).prop_flat_map(|nodes| {
        let one = (0..nodes, 0..nodes, 0..12_i64).prop_map(|(from, to, cost)| link(from, to, cost));
        (Just(nodes), prop::collection::vec(one, 0..14))
    })
}

proptest! {
    #[test]
    fn it_is_the_cheapest_path_then_the_shortest_then_the_first((nodes, links) in networks()) {
        let mut all = paths(&links, 0, nodes - 1, &BTreeSet::new());
        all.sort_by_key(|path| (cost(&links, path), path.len(), path.clone()));
        match (buy_path(nodes, &links, 0, nodes - 1), all.first()) {
            (Ok(bought), Some(first)) => prop_assert_eq!(&bought.path, first),
            (Err(PathError::Monopoly { link }), Some(first)) => {
                let is_cut = |link| all.iter().all(|path| path.contains(link));
                prop_assert_eq!(first.iter().find(|link| is_cut(link)), Some(&link));
            }
            (Err(PathError::NoPath { .. }), None) => {}
            other => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn a_payment_is_what_the_detour_costs_less_what_the_others_do((nodes, links) in networks()) {
        let all = paths(&links, 0, nodes - 1, &BTreeSet::new());
        if let Ok(bought) = buy_path(nodes, &links, 0, nodes - 1) {
            let total = cost(&links, &bought.path);
            prop_assert_eq!(bought.cost.units(), total);
            for (one, paid) in bought.path.iter().zip(&bought.payments) {
                let detours = all.iter().filter(|path| !path.contains(one));
                let detour = detours.map(|path| cost(&links, path)).min().unwrap();
                let own = links[*one].cost.units();
                prop_assert_eq!(paid.units(), detour - (total - own));
                prop_assert!(paid.units() >= own);
            }
        }
    }

    #[test]
    fn no_false_cost_gains((nodes, links) in networks()) {
        // Whether there is a monopoly does not depend on the costs.
        if buy_path(nodes, &links, 0, nodes - 1).is_ok() {
            let mechanism = Owners { rule: vcg, nodes, links: &links };
            prop_assert_eq!(find_manipulation(&mechanism, &costs(&links)), None);
        }
    }
}

/// The payment rule of N. Nisan and A. Ronen, 2001, worked by hand on a network of ours: a link on the
/// path is paid what the path without it costs, less what the others on it cost.
#[test]
fn a_link_is_paid_what_it_saves() {
    let links = [link(0, 1, 2), link(1, 3, 3), link(0, 2, 4), link(2, 3, 6), link(1, 2, 1)];
    let bought = buy_path(4, &links, 0, 3).unwrap();
    assert_eq!((bought.path, bought.cost), (vec![0, 1], money(5)));
    // Without link 0 the path costs 10, without link 1 it costs 9.
    assert_eq!(bought.payments, [10 - 3, 9 - 2].map(money));
}

/// A. Archer and É. Tardos, 2002: k links that cost L together, beside a link of L (1 + ε), are paid
/// L (1 + k ε).
#[test]
fn a_long_path_is_overpaid_for_each_of_its_links() {
    let mut links: Vec<Link> = (0..10).map(|node| link(node, node + 1, 10)).collect();
    links.push(link(0, 10, 110));
    let bought = buy_path(11, &links, 0, 10).unwrap();
    assert_eq!(bought.cost, money(100));
    assert_eq!(Money::total(bought.payments), Some(money(100 + 10 * 10)));
}

/// Negative control: a link that is paid what it asks for asks for more.
#[test]
fn paying_what_was_asked_for_is_manipulable() {
    let links = [link(0, 1, 3), link(0, 1, 9)];
    let found = find_manipulation(&Owners { rule: pay_as_bid, nodes: 2, links: &links }, &[3, 9]);
    let found = found.unwrap();
    assert_eq!((found.who, found.lie, found.honest, found.dishonest), (0, 9, 0, 6));
}

/// Negative control: who owns both links of the path lies about both.
#[test]
fn an_owner_of_two_links_gains() {
    let paid = |costs: [i64; 2]| {
        let links = [link(0, 1, costs[0]), link(1, 2, costs[1]), link(0, 2, 9)];
        vcg(3, &links)[..2].iter().flatten().sum::<i64>()
    };
    assert!(paid([0, 0]) > paid([3, 3]));
}

#[test]
fn a_link_without_which_there_is_no_path_is_named() {
    let links = [link(0, 1, 1), link(0, 1, 2), link(1, 2, 1)];
    let refused = buy_path(3, &links, 0, 2).unwrap_err();
    assert_eq!(refused, PathError::Monopoly { link: 2 });
    assert_eq!(refused.to_string(), "link 2 is on every path: its owner could ask for any price");
}

#[test]
fn who_is_there_already_needs_no_path() {
    let bought = buy_path(1, &[link(0, 0, 5)], 0, 0).unwrap();
    assert_eq!((bought.path, bought.payments, bought.cost), (vec![], vec![], Money::ZERO));
}

#[test]
fn bad_networks_are_refused_by_name() {
    let refused = |links: &[Link], target| buy_path(2, links, 0, target).unwrap_err().to_string();
    assert_eq!(
        refused(&[link(0, 1, 0), link(0, 2, 0)], 1),
        "resource 1: to is 2: must be below the number of nodes"
    );
    assert_eq!(refused(&[link(0, 1, -1)], 1), "resource 0: cost is -1: must be at least 0");
    assert_eq!(refused(&[], 2), "the problem: target is 2: must be below the number of nodes");
    assert_eq!(refused(&[link(1, 0, 0)], 1), "no path leads from node 0 to node 1");

    let (most, half) = (Money::MAX, Link { cost: Money::MAX, ..link(0, 1, 0) });
    let detour = [link(0, 1, 0), half, Link { from: 1, to: 2, cost: most }, link(1, 2, 0), half];
    assert!(buy_path(3, &detour, 0, 2).is_ok());
    let dear = [link(0, 2, 0), Link { to: 1, ..half }, Link { from: 1, to: 2, cost: most }];
    assert_eq!(
        buy_path(3, &dear, 0, 2).unwrap_err().to_string(),
        "resource 0: payment is 2000000000000000: must not exceed 10^15"
    );
}
