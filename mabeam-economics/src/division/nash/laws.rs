//! The laws of maximum Nash welfare, an exhaustive oracle, and rules that break the laws.

use std::cmp::Ordering;

use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};
use crate::seeded::Seeded;

const ENOUGH: u64 = 1_000_000;

fn best(values: &[Vec<u64>]) -> Allocation {
    maximum_nash_welfare(values, ENOUGH).unwrap()
}

/// Small values make ties and agents without anything common.
fn problems(agents: usize, goods: usize) -> impl Strategy<Value = Vec<Vec<u64>>> {
    (1..=agents, 0..=goods).prop_flat_map(|(agents, goods)| {
        let value = prop_oneof![2 => Just(0_u64), 5 => 1..6_u64, 2 => 1..200_u64];
        prop::collection::vec(prop::collection::vec(value, goods), agents)
    })
}

/// Every way to give every good to somebody.
fn every(agents: usize, goods: usize) -> impl Iterator<Item = Vec<usize>> {
    let ways = agents.pow(u32::try_from(goods).unwrap());
    (0..ways).map(move |way| {
        (0..goods)
            .scan(way, |rest, _| {
                let owner = *rest % agents;
                *rest /= agents;
                Some(owner)
            })
            .collect()
    })
}

fn utilities(values: &[Vec<u64>], owners: &[Option<usize>]) -> Vec<u64> {
    let own = |who: usize| {
        let has = owners.iter().zip(&values[who]).filter(|(owner, _)| **owner == Some(who));
        has.map(|(_, value)| value).sum()
    };
    (0..values.len()).map(own).collect()
}

/// First more agents with something, then those that come first, then the product of theirs.
fn order(a: &[u64], b: &[u64]) -> Ordering {
    let served = |u: &[u64]| u.iter().map(|&u| u > 0).collect::<Vec<bool>>();
    let count = |u: &[u64]| u.iter().filter(|&&u| u > 0).count();
    let positive = |u: &[u64]| u.iter().copied().filter(|&u| u > 0).collect::<Vec<u64>>();
    count(a)
        .cmp(&count(b))
        .then_with(|| served(a).cmp(&served(b)))
        .then_with(|| product::compare(&positive(a), &positive(b)))
}

fn envy_is_gone_without(
    values: &[Vec<u64>],
    owners: &[Option<usize>],
    pick: impl Fn(&mut dyn Iterator<Item = u64>) -> Option<u64>,
) -> bool {
    let agents = 0..values.len();
    agents.clone().all(|who| {
        let own: u64 = utilities(values, owners)[who];
        agents.clone().all(|other| {
            let theirs = || {
                let has = owners.iter().zip(&values[who]).filter(|(o, _)| **o == Some(other));
                has.map(|(_, &value)| value)
            };
            let without = theirs().sum::<u64>() - pick(&mut theirs()).unwrap_or(0);
            other == who || own >= without
        })
    })
}

fn is_ef1(values: &[Vec<u64>], owners: &[Option<usize>]) -> bool {
    envy_is_gone_without(values, owners, |goods| goods.max())
}

/// Up to any good that is worth something to whoever envies.
fn is_efx(values: &[Vec<u64>], owners: &[Option<usize>]) -> bool {
    envy_is_gone_without(values, owners, |goods| goods.filter(|&value| value > 0).min())
}

fn is_pareto_efficient(values: &[Vec<u64>], owners: &[Option<usize>]) -> bool {
    let now = utilities(values, owners);
    every(values.len(), owners.len()).all(|other| {
        let other = utilities(values, &other.into_iter().map(Some).collect::<Vec<_>>());
        other == now || other.iter().zip(&now).any(|(other, now)| other < now)
    })
}

proptest! {
    #[test]
    fn no_allocation_of_all_is_better(values in problems(4, 6)) {
        let allocation = best(&values);
        prop_assert_eq!(allocation.proof, Proof::Optimal);
        prop_assert_eq!(&utilities(&values, &allocation.owners), &allocation.utilities);
        for other in every(values.len(), allocation.owners.len()) {
            let other = utilities(&values, &other.into_iter().map(Some).collect::<Vec<_>>());
            let order = order(&other, &allocation.utilities);
            prop_assert!(order != Ordering::Greater, "{:?} {:?}", other, allocation);
        }
    }

    #[test]
    fn it_is_pareto_efficient(values in problems(3, 6)) {
        prop_assert!(is_pareto_efficient(&values, &best(&values).owners));
    }

    #[test]
    fn envy_is_gone_without_one_good(values in problems(6, 12)) {
        let allocation = best(&values);
        prop_assert_eq!(allocation.proof, Proof::Optimal);
        prop_assert!(is_ef1(&values, &allocation.owners), "{:?}", allocation);
    }

    /// G. Amanatidis, G. Birmpas, A. Filos-Ratsikas, A. Hollender and A. A. Voudouris, *Maximum Nash
    /// welfare and other stories about EFX*, IJCAI 2020: with two distinct values.
    #[test]
    fn with_two_values_envy_is_gone_without_any_good(
        low in 0..9_u64, more in 1..9_u64,
        high in prop::collection::vec(prop::collection::vec(any::<bool>(), 8), 1..5)
    ) {
        let value = |high: &bool| if *high { low + more } else { low };
        let values: Vec<Vec<u64>> =
            high.iter().map(|row| row.iter().map(value).collect()).collect();
        let allocation = best(&values);
        prop_assert!(is_efx(&values, &allocation.owners), "{:?}", allocation);
    }

    #[test]
    fn a_good_that_somebody_values_is_owned_by_one_who_does(values in problems(5, 9)) {
        for (good, owner) in best(&values).owners.into_iter().enumerate() {
            let wanted = values.iter().any(|row| row[good] > 0);
            prop_assert_eq!(owner.map(|owner| values[owner][good] > 0), wanted.then_some(true));
        }
    }

    #[test]
    fn an_agent_s_unit_of_value_does_not_matter(values in problems(4, 7), by in 2..1_000_u64) {
        let scale = |(row, unit): (&Vec<u64>, u64)| row.iter().map(|v| v * unit).collect();
        let scaled: Vec<Vec<u64>> = values.iter().zip((1..).step_by(7).map(|u| u * by)).map(scale).collect();
        prop_assert_eq!(best(&scaled).owners, best(&values).owners);
    }

    #[test]
    fn the_order_of_the_goods_does_not_change_the_product(
        values in problems(4, 8), seed in any::<u64>()
    ) {
        let mut order: Vec<usize> = (0..values[0].len()).collect();
        Seeded::new(seed).shuffle(&mut order);
        let shuffle = |row: &Vec<u64>| order.iter().map(|&good| row[good]).collect();
        let shuffled: Vec<Vec<u64>> = values.iter().map(shuffle).collect();
        let (a, b) = (best(&values).utilities, best(&shuffled).utilities);
        prop_assert_eq!(super::laws::order(&a, &b), Ordering::Equal);
    }

    #[test]
    fn a_search_that_stops_bounds_the_optimum(values in problems(4, 8), limit in 0..6_u64) {
        let (optimal, stopped) = (best(&values), maximum_nash_welfare(&values, limit).unwrap());
        prop_assert!(order(&stopped.utilities, &optimal.utilities) != Ordering::Greater);
        match stopped.proof {
            Proof::Optimal => {
                prop_assert_eq!(order(&stopped.utilities, &optimal.utilities), Ordering::Equal);
            }
            Proof::Feasible { ln_bound } => {
                prop_assert!(ln_bound >= optimal.ln_welfare() - 1e-9);
                prop_assert!(ln_bound < f64::INFINITY);
            }
        }
    }
}

/// EC 2016, section 3: where not everybody can have something, first as many as can; ties to the
/// first ids.
#[test]
fn as_many_as_can_have_something_do() {
    let values = [vec![9, 0], vec![8, 1], vec![0, 7]];
    let allocation = best(&values);
    assert_eq!(allocation.owners, [Some(0), Some(1)]);
    assert_eq!(allocation.utilities, [9, 1, 0]);
    // The first two want the same one good: the first has it.
    assert_eq!(best(&[vec![1], vec![5]]).owners, [Some(0)]);
    // The second can only have what the first has, so the first moves on.
    assert_eq!(best(&[vec![5, 1], vec![3, 0]]).owners, [Some(1), Some(0)]);
}

#[test]
fn degenerate_problems_have_the_defined_answer() {
    let none = best(&[]);
    assert_eq!((none.owners, none.utilities, none.proof), (vec![], vec![], Proof::Optimal));
    assert_eq!(best(&[vec![], vec![]]).utilities, [0, 0]);
    assert_eq!(best(&[vec![0, 0], vec![0, 0]]).owners, [None, None]);
    let most = best(&vec![vec![MAX_TOTAL / 4; 4]; 3]);
    assert_eq!(most.proof, Proof::Optimal);
    assert_eq!(most.utilities.iter().sum::<u64>(), MAX_TOTAL);
}

#[test]
fn bad_input_is_refused_by_name() {
    let said = |values: &[Vec<u64>]| maximum_nash_welfare(values, 1).unwrap_err().to_string();
    assert_eq!(
        said(&[vec![1, 2], vec![3]]),
        "agent 1: number of values is 1: must be one for each good"
    );
    assert_eq!(
        said(&[vec![u64::MAX, u64::MAX]]),
        "agent 0: total value is 36893488147419103230: must be at most 2^53"
    );
}

fn random(agents: usize, goods: usize, seed: u64) -> Vec<Vec<u64>> {
    let mut drawn = Seeded::new(seed);
    (0..agents).map(|_| (0..goods).map(|_| 1 + drawn.below(1_000) as u64).collect()).collect()
}

#[test]
fn a_large_problem_stops_with_a_close_bound() {
    let allocation = maximum_nash_welfare(&random(10, 60, 5), 20).unwrap();
    let Proof::Feasible { ln_bound } = allocation.proof else {
        panic!("{:?}", allocation.proof);
    };
    let gap = ln_bound - allocation.ln_welfare();
    assert!((0.0..0.2).contains(&gap), "{gap}");
}

/// Negative controls: the largest sum leaves envy, and equal parts leave something to be gained.
#[test]
fn other_rules_are_caught() {
    let values = [vec![9, 8, 7], vec![8, 7, 6]];
    let utilitarian = [Some(0); 3];
    assert!(!is_ef1(&values, &utilitarian));
    let values = [vec![9, 1], vec![1, 9]];
    let swapped = [Some(1), Some(0)];
    assert!(!is_pareto_efficient(&values, &swapped));
    assert!(!is_efx(&[vec![5, 1, 1], vec![5, 5, 1]], &[Some(1), Some(1), Some(0)]));
}

/// Reports values; utility is in units of the true values.
struct StatedValues;

impl Mechanism for StatedValues {
    type Report = Vec<u64>;
    type Outcome = Vec<Option<usize>>;
    type Utility = u64;

    fn outcome(&self, values: &[Vec<u64>]) -> Vec<Option<usize>> {
        best(values).owners
    }

    fn utility(&self, who: usize, truth: &Vec<u64>, outcome: &Vec<Option<usize>>) -> u64 {
        let has = outcome.iter().zip(truth).filter(|(owner, _)| **owner == Some(who));
        has.map(|(_, value)| value).sum()
    }

    fn lies(&self, who: usize, truths: &[Vec<u64>]) -> Vec<Vec<u64>> {
        let one = |good: usize, value: u64| {
            let mut lie = truths[who].clone();
            lie[good] = value;
            lie
        };
        (0..truths[who].len())
            .flat_map(|good| (0..12).map(move |v| (good, v)))
            .map(|(g, v)| one(g, v))
            .collect()
    }
}

/// Negative control: among a few markets there is one where somebody gains by a false value.
#[test]
fn a_false_value_pays() {
    let small = |seed| {
        let scale = |row: &Vec<u64>| row.iter().map(|value| 1 + value % 9).collect();
        random(2, 4, seed).iter().map(scale).collect::<Vec<Vec<u64>>>()
    };
    let found = (0..10).find_map(|seed| find_manipulation(&StatedValues, &small(seed)));
    assert!(found.is_some_and(|found| found.dishonest > found.honest));
}
