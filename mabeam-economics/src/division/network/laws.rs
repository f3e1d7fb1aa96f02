//! The laws of max-min fair rates over a network, and rules that break them.

use num_rational::Ratio;
use proptest::prelude::*;

use super::*;

type Exact = Ratio<i128>;

fn problems() -> impl Strategy<Value = (Vec<u64>, Vec<Vec<usize>>)> {
    (1..6_usize).prop_flat_map(|links| {
        let capacities = prop::collection::vec(0..30_u64, links);
        let route = prop::sample::subsequence((0..links).collect::<Vec<_>>(), 1..=links);
        (capacities, prop::collection::vec(route, 0..8))
    })
}

fn rates(capacities: &[u64], routes: &[Vec<usize>]) -> Vec<Fixed> {
    let capacities: Vec<Amount> = capacities.iter().copied().map(Amount::new).collect();
    network_max_min_fair(&capacities, routes).unwrap()
}

/// Progressive filling in fractions, as the book states it.
fn exact(capacities: &[u64], routes: &[Vec<usize>]) -> Vec<Exact> {
    let mut rates = vec![Exact::from(0); routes.len()];
    let mut rising = vec![true; routes.len()];
    while rising.contains(&true) {
        let room = |link: usize| {
            let crosses = |flow: &usize| routes[*flow].contains(&link);
            let load: Exact = (0..routes.len()).filter(crosses).map(|flow| rates[flow]).sum();
            let rising = (0..routes.len()).filter(crosses).filter(|flow| rising[*flow]).count();
            let left = Exact::from(i128::from(capacities[link])) - load;
            (rising > 0).then(|| left / Exact::from(rising as i128))
        };
        let (step, full) =
            (0..capacities.len()).filter_map(|link| Some((room(link)?, link))).min().unwrap();
        for flow in 0..routes.len() {
            if rising[flow] {
                rates[flow] += step;
            }
        }
        for flow in 0..routes.len() {
            rising[flow] &= !routes[flow].contains(&full);
        }
    }
    rates
}

/// The load of `link`.
fn load(link: usize, routes: &[Vec<usize>], rates: &[u128]) -> u128 {
    let crossing = routes.iter().zip(rates).filter(|(route, _)| route.contains(&link));
    crossing.map(|(_, rate)| rate).sum()
}

/// Whether every flow crosses a full link on which nobody has a higher rate: section 6.5.2,
/// proposition 1. `slack` is what may be left of a full link.
fn has_bottlenecks(
    capacities: &[u128],
    routes: &[Vec<usize>],
    rates: &[u128],
    slack: u128,
) -> bool {
    routes.iter().zip(rates).all(|(route, rate)| {
        route.iter().any(|&link| {
            let highest = routes
                .iter()
                .zip(rates)
                .filter(|(other, _)| other.contains(&link))
                .map(|(_, rate)| *rate)
                .max();
            load(link, routes, rates) + slack >= capacities[link]
                && highest.is_some_and(|highest| highest <= rate + slack)
        })
    })
}

proptest! {
    #[test]
    fn no_link_carries_more_than_its_capacity((capacities, routes) in problems()) {
        let rates: Vec<u128> = rates(&capacities, &routes).iter().map(|rate| rate.bits()).collect();
        for (link, &capacity) in capacities.iter().enumerate() {
            prop_assert!(load(link, &routes, &rates) <= Fixed::whole(capacity).bits());
        }
    }

    #[test]
    fn every_flow_has_a_bottleneck((capacities, routes) in problems()) {
        let rates: Vec<u128> = rates(&capacities, &routes).iter().map(|rate| rate.bits()).collect();
        let capacities: Vec<u128> =
            capacities.iter().map(|&capacity| Fixed::whole(capacity).bits()).collect();
        prop_assert!(has_bottlenecks(&capacities, &routes, &rates, 1_000));
    }

    #[test]
    fn rates_are_the_exact_ones_to_the_stated_resolution((capacities, routes) in problems()) {
        for (rate, exact) in rates(&capacities, &routes).iter().zip(exact(&capacities, &routes)) {
            let steps = |whole: i128| {
                u128::try_from(whole).unwrap() << 64
            };
            let exact = steps(*exact.numer()) / u128::try_from(*exact.denom()).unwrap();
            prop_assert!(rate.bits().abs_diff(exact) < 1_000, "{rate} is not {exact}");
        }
    }

    #[test]
    fn the_order_of_flows_and_links_does_not_matter((capacities, routes) in problems()) {
        let mut reversed_routes: Vec<Vec<usize>> = routes
            .iter()
            .map(|route| route.iter().map(|link| capacities.len() - 1 - link).collect())
            .collect();
        reversed_routes.reverse();
        let reversed_capacities: Vec<u64> = capacities.iter().rev().copied().collect();
        let mut reversed = rates(&reversed_capacities, &reversed_routes);
        reversed.reverse();
        for (rate, reversed) in rates(&capacities, &routes).iter().zip(reversed) {
            prop_assert!(rate.bits().abs_diff(reversed.bits()) < 1_000);
        }
    }

    #[test]
    fn one_link_is_the_division_of_one_resource(capacity in 0..1_000_u64, flows in 1..9_usize) {
        let demands = vec![Amount::MAX; flows];
        let shares = super::super::max_min_fair(Amount::new(capacity), &demands);
        let rates = rates(&[capacity], &vec![vec![0]; flows]);
        for (share, rate) in shares.iter().zip(rates) {
            prop_assert!(share.units() - rate.floor() <= 1);
        }
    }
}

/// D. Bertsekas and R. Gallager, *Data Networks*, 2nd edition, section 6.5.2, the example of five
/// sessions and links of capacity 1: three sessions share one link and stop at 1/3, the fourth shares
/// the next link with one of them and stops at 2/3, the fifth has 1.
#[test]
fn the_textbook_s_network_comes_out_as_printed() {
    // Links (1, 3), (2, 3), (3, 5), (4, 5).
    let routes = [vec![0, 2], vec![1], vec![1], vec![3], vec![1, 2]];
    let units = 3_000;
    let rates: Vec<u64> = rates(&[units; 4], &routes).iter().map(|rate| rate.floor()).collect();
    assert_eq!(rates, [2_000, 1_000, 1_000, 3_000, 1_000]);
}

#[test]
fn a_link_without_capacity_stops_its_flows_and_nobody_else() {
    let rates = rates(&[0, 8], &[vec![0, 1], vec![1]]);
    assert_eq!(rates, [Fixed::ZERO, Fixed::whole(8)]);
    assert_eq!(network_max_min_fair::<Vec<usize>>(&[], &[]), Ok(vec![]));
}

#[test]
fn a_bad_route_is_refused_by_name() {
    let refusal = |route: &[usize]| {
        network_max_min_fair(&[Amount::new(1)], &[&[0][..], route]).unwrap_err().to_string()
    };
    assert_eq!(refusal(&[]), "agent 1: route is empty: must cross a link");
    assert_eq!(refusal(&[3]), "agent 1: route is 3: must be the place of a link");
    assert_eq!(refusal(&[0, 0]), "agent 1: route is 0: must cross a link once");
}

/// Negative controls: equal division of each link on its own leaves the others' gain unused, and the
/// largest total starves the long flow. Neither has bottlenecks.
#[test]
fn equal_division_of_each_link_and_the_largest_total_have_no_bottlenecks() {
    let (capacities, routes) = ([6, 10], [vec![0, 1], vec![0], vec![1]]);
    assert!(has_bottlenecks(&capacities, &routes, &[3, 3, 7], 0));
    assert!(!has_bottlenecks(&capacities, &routes, &[3, 3, 5], 0));
    assert!(!has_bottlenecks(&capacities, &routes, &[0, 6, 10], 0));
}
