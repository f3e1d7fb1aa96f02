//! The laws of proportional fairness, published divisions, and a division that breaks the laws.

use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};

/// What counts as equal: well above [`TOLERANCE`], well below what a lie is worth.
const NEAR: f64 = 1e-7;

fn claim(weight: u64, per_task: &[u64]) -> Claim {
    Claim { weight, per_task: per_task.iter().copied().map(Amount::new).collect() }
}

fn amounts<const R: usize>(units: [u64; R]) -> [Amount; R] {
    units.map(Amount::new)
}

/// Up to eight agents and three resources of very different units.
fn problems() -> impl Strategy<Value = ([Amount; 3], Vec<Claim>)> {
    let capacity = prop_oneof![8 => 1..100_u64, 1 => Just(0), 2 => 1..1_000_000_000_000_u64];
    let need = prop_oneof![1 => Just(0_u64), 4 => 1..20_u64, 1 => 1..1_000_000_u64];
    let weight = prop_oneof![1 => Just(0_u64), 6 => 1..5_u64, 1 => 1..10_000_u64];
    let claims = (weight, prop::array::uniform3(need)).prop_map(|(w, needs)| claim(w, &needs));
    (prop::array::uniform3(capacity.prop_map(Amount::new)), prop::collection::vec(claims, 0..8))
}

fn need(claim: &Claim, resource: usize) -> f64 {
    claim.per_task[resource].units() as f64
}

fn used(claims: &[Claim], tasks: &[f64], resource: usize) -> f64 {
    claims.iter().zip(tasks).map(|(claim, tasks)| need(claim, resource) * tasks).sum()
}

fn cost(claim: &Claim, prices: &[f64]) -> f64 {
    (0..prices.len()).map(|r| need(claim, r) * prices[r]).sum()
}

/// The tasks that `claim` runs with what `bundle` tasks of `other` need.
fn tasks_with(claim: &Claim, other: &Claim, bundle: f64) -> f64 {
    (0..claim.per_task.len())
        .filter(|&r| need(claim, r) > 0.0)
        .map(|r| need(other, r) * bundle / need(claim, r))
        .fold(f64::INFINITY, f64::min)
}

fn can_have_any(capacities: &[Amount], claim: &Claim) -> bool {
    let possible = |(need, all): (&Amount, &Amount)| need.units() == 0 || all.units() > 0;
    let all = || claim.per_task.iter().zip(capacities);
    claim.weight > 0 && all().all(possible) && all().any(|(need, _)| need.units() > 0)
}

/// Kelly's inequality against a division that fits: the weighted relative changes sum to no gain.
fn no_gain(claims: &[Claim], tasks: &[f64], other: &[f64]) -> bool {
    let change = |((claim, tasks), other): ((&Claim, &f64), &f64)| {
        if *tasks > 0.0 { claim.weight as f64 * (other - tasks) / tasks } else { 0.0 }
    };
    let weights: f64 = claims.iter().map(|claim| claim.weight as f64).sum();
    claims.iter().zip(tasks).zip(other).map(change).sum::<f64>() <= NEAR * (1.0 + weights)
}

proptest! {
    #[test]
    fn the_tasks_fit_and_the_excess_is_within_the_tolerance(
        (capacities, claims) in problems(), alpha in prop::sample::select(vec![0.5, 1.0, 2.0, 4.0])
    ) {
        let division = alpha_fair(&capacities, &claims, alpha).unwrap();
        for (r, capacity) in capacities.iter().enumerate() {
            let used = used(&claims, &division.tasks, r);
            prop_assert!(used <= capacity.units() as f64 * (1.0 + 1e-12));
        }
        prop_assert!((0.0..TOLERANCE).contains(&division.excess), "{:?}", division);
    }

    #[test]
    fn only_who_can_have_nothing_gets_nothing((capacities, claims) in problems()) {
        let division = proportional_fair(&capacities, &claims).unwrap();
        for (claim, &tasks) in claims.iter().zip(&division.tasks) {
            prop_assert_eq!(tasks > 0.0, can_have_any(&capacities, claim));
        }
    }

    #[test]
    fn everybody_spends_its_income_and_leftovers_cost_nothing((capacities, claims) in problems()) {
        let division = proportional_fair(&capacities, &claims).unwrap();
        let incomes = claims.iter().map(|claim| claim.weight as f64).sum::<f64>();
        for (claim, &tasks) in claims.iter().zip(&division.tasks).filter(|(_, tasks)| **tasks > 0.0) {
            let spent = tasks * cost(claim, &division.prices);
            prop_assert!((spent / claim.weight as f64 - 1.0).abs() < NEAR, "{spent} {claim:?}");
        }
        for (r, capacity) in capacities.iter().enumerate() {
            let left = capacity.units() as f64 - used(&claims, &division.tasks, r);
            prop_assert!(left * division.prices[r] <= NEAR * (1.0 + incomes));
        }
    }

    #[test]
    fn no_other_division_is_a_proportional_gain(
        (capacities, claims) in problems(), other in prop::collection::vec(0.0..1.0_f64, 8)
    ) {
        let division = proportional_fair(&capacities, &claims).unwrap();
        // Any proportions, as large as they fit.
        let one = |(tasks, factor): (&f64, &f64)| tasks * factor;
        let other: Vec<f64> = division.tasks.iter().zip(&other).map(one).collect();
        let room = (0..3).filter(|&r| used(&claims, &other, r) > 0.0);
        let grow = room.map(|r| capacities[r].units() as f64 / used(&claims, &other, r));
        let grow = grow.fold(f64::INFINITY, f64::min);
        let other: Vec<f64> =
            other.iter().map(|tasks| if grow.is_finite() { tasks * grow } else { 0.0 }).collect();
        prop_assert!(no_gain(&claims, &division.tasks, &other));
    }

    #[test]
    fn nobody_envies_another_s_bundle_by_weight((capacities, claims) in problems()) {
        let tasks = proportional_fair(&capacities, &claims).unwrap().tasks;
        for (me, own) in claims.iter().zip(&tasks).filter(|(_, own)| **own > 0.0) {
            for (other, theirs) in claims.iter().zip(&tasks).filter(|(other, _)| other.weight > 0) {
                let scaled = theirs * me.weight as f64 / other.weight as f64;
                prop_assert!(tasks_with(me, other, scaled) <= own * (1.0 + NEAR));
            }
        }
    }

    #[test]
    fn everybody_gets_at_least_its_part_of_every_resource((capacities, claims) in problems()) {
        let tasks = proportional_fair(&capacities, &claims).unwrap().tasks;
        let weights: f64 = claims.iter().map(|claim| claim.weight as f64).sum();
        for (claim, own) in claims.iter().zip(&tasks).filter(|(_, own)| **own > 0.0) {
            let part = claim.weight as f64 / weights;
            let alone = (0..3)
                .filter(|&r| need(claim, r) > 0.0)
                .map(|r| capacities[r].units() as f64 * part / need(claim, r))
                .fold(f64::INFINITY, f64::min);
            prop_assert!(*own >= alone * (1.0 - NEAR));
        }
    }

    #[test]
    fn the_order_of_the_agents_does_not_matter((capacities, mut claims) in problems()) {
        let tasks = proportional_fair(&capacities, &claims).unwrap().tasks;
        claims.reverse();
        let reversed = proportional_fair(&capacities, &claims).unwrap().tasks;
        for (a, b) in tasks.iter().zip(reversed.iter().rev()) {
            prop_assert!((a - b).abs() <= NEAR * (1.0 + a));
        }
    }

    #[test]
    fn one_resource_is_divided_in_proportion_to_the_weights(
        capacity in 1..1_000_u64, weights in prop::collection::vec(1..50_u64, 1..8)
    ) {
        let claims: Vec<Claim> = weights.iter().map(|&weight| claim(weight, &[2])).collect();
        let tasks = proportional_fair(&amounts([capacity]), &claims).unwrap().tasks;
        let total: u64 = weights.iter().sum();
        for (weight, tasks) in weights.into_iter().zip(tasks) {
            let share = capacity as f64 * weight as f64 / total as f64 / 2.0;
            prop_assert!((tasks / share - 1.0).abs() < NEAR);
        }
    }
}

fn near(tasks: &[f64], printed: &[f64], within: f64) -> bool {
    tasks.len() == printed.len()
        && tasks.iter().zip(printed).all(|(tasks, printed)| (tasks - printed).abs() <= within)
}

/// NSDI 2011, section 5.2: 9 CPUs and 18 GB, tasks of <1, 4> and <3, 1>: competitive
/// equilibrium from equal incomes gives 45/11 (4.1) and 18/11 (1.6) tasks.
#[test]
fn the_drf_paper_s_equilibrium_comes_out() {
    let claims = [claim(1, &[1, 4]), claim(1, &[3, 1])];
    let division = proportional_fair(&amounts([9, 18]), &claims).unwrap();
    assert!(near(&division.tasks, &[45.0 / 11.0, 18.0 / 11.0], NEAR));
    assert!(near(&division.tasks, &[4.1, 1.6], 0.05));
}

/// NSDI 2011, on population monotonicity: 100 of each, tasks of <4, 1>, <1, 16>, <16, 1>: 11.3, 5.4 and 3.1 tasks. The
/// third leaves and the second, who needed little of what the third did, falls to 4.8: no population
/// monotonicity.
#[test]
fn the_drf_paper_s_loss_to_who_stays_comes_out() {
    let all = [claim(1, &[4, 1]), claim(1, &[1, 16]), claim(1, &[16, 1])];
    let three = proportional_fair(&amounts([100, 100]), &all).unwrap().tasks;
    let two = proportional_fair(&amounts([100, 100]), &all[..2]).unwrap().tasks;
    assert!(near(&three, &[11.3, 5.4, 3.1], 0.05), "{three:?}");
    assert!(near(&two, &[23.8, 4.8], 0.05), "{two:?}");
    assert!(two[1] < three[1] - 0.5);
}

/// A line of links of capacity one, a flow over all and one over each: the long flow gets
/// `1 / (1 + links^(1/alpha))`. T. Bonald and L. Massoulie, *Impact of fairness on Internet
/// performance*, SIGMETRICS 2001, on linear networks; alpha 1 is Kelly's.
#[test]
fn the_linear_network_s_rates_come_out() {
    const UNITS: u64 = 1_000_000;
    for links in [1_usize, 2, 5] {
        let one = |on: &dyn Fn(usize) -> bool| {
            claim(1, &(0..links).map(|link| u64::from(on(link))).collect::<Vec<u64>>())
        };
        let mut claims = vec![one(&|_| true)];
        claims.extend((0..links).map(|own| one(&|link| link == own)));
        for alpha in [0.5, 1.0, 2.0, 8.0] {
            let capacities = vec![Amount::new(UNITS); links];
            let tasks = alpha_fair(&capacities, &claims, alpha).unwrap().tasks;
            let long = 1.0 / (1.0 + (links as f64).powf(1.0 / alpha));
            let rate = tasks[0] / UNITS as f64;
            assert!((rate - long).abs() < NEAR, "{links} {alpha}: {rate} {long}");
        }
    }
}

#[test]
fn bad_input_is_refused_by_name() {
    let claims = [claim(1, &[1, 1]), claim(1, &[1])];
    let refused = proportional_fair(&amounts([1, 1]), &claims).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "agent 1: number of demands is 1: must be one for each resource"
    );
    for alpha in [f64::NAN, f64::INFINITY, 0.0, -1.0, 9.0] {
        assert_eq!(alpha_fair(&[], &[], alpha).unwrap_err().field, "alpha");
    }
}

#[test]
fn degenerate_problems_have_the_defined_answer() {
    assert_eq!(proportional_fair(&[], &[]).unwrap().tasks, [0.0; 0]);
    let claims = [claim(0, &[1, 0]), claim(1, &[0, 0]), claim(1, &[1, 1]), claim(2, &[3, 0])];
    let division = proportional_fair(&amounts([6, 0]), &claims).unwrap();
    assert!(near(&division.tasks, &[0.0, 0.0, 0.0, 2.0], NEAR));
    assert_eq!(division.prices[1].to_bits(), 0.0_f64.to_bits());
}

/// Negative control: equal dominant shares are fair in another sense, and Kelly's law catches it.
#[test]
fn another_rule_s_division_is_caught() {
    let claims = [claim(1, &[1, 4]), claim(1, &[3, 1])];
    let fair = proportional_fair(&amounts([9, 18]), &claims).unwrap().tasks;
    let dominant = [3.0, 2.0];
    assert!(no_gain(&claims, &fair, &dominant));
    assert!(!no_gain(&claims, &dominant, &fair));
}

/// Reports a demand for two resources; utility is true tasks, in millionths: a lie has to pay well
/// above the tolerance to count.
struct StatedDemand([u64; 2]);

impl Mechanism for StatedDemand {
    type Report = [u64; 2];
    type Outcome = Vec<[f64; 2]>;
    type Utility = i64;

    fn outcome(&self, demands: &[[u64; 2]]) -> Vec<[f64; 2]> {
        let claims: Vec<Claim> = demands.iter().map(|demand| claim(1, demand)).collect();
        let tasks = proportional_fair(&amounts(self.0), &claims).unwrap().tasks;
        demands.iter().zip(tasks).map(|(demand, t)| demand.map(|d| d as f64 * t)).collect()
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most millions of millionths")]
    fn utility(&self, who: usize, truth: &[u64; 2], outcome: &Vec<[f64; 2]>) -> i64 {
        let tasks = |r: usize| outcome[who][r] / truth[r] as f64;
        (tasks(0).min(tasks(1)) * 1e6).round() as i64
    }

    fn lies(&self, who: usize, truths: &[[u64; 2]]) -> Vec<[u64; 2]> {
        let [a, b] = truths[who];
        (0..8).flat_map(|more| [[a + more, b], [a, b + more]]).collect()
    }
}

/// Negative control: an agent of NSDI 2011, section 5.2, gains by overstating what it needs.
#[test]
fn overstating_a_demand_pays() {
    let market = StatedDemand([9, 18]);
    let found = find_manipulation(&market, &[[1, 4], [3, 1]]).expect("CEEI is manipulable");
    assert!(found.dishonest > found.honest + 100_000, "{found:?}");
}
