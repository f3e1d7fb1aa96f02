//! The laws of divisible dominant resource fairness, exactly for the definition and to the stated
//! resolution for the rule, and rules that break one law each.

use proptest::prelude::*;

use super::oracle::*;
use super::{Demands, Division, Problem};
use crate::division::{Fixed, asset_fair, max_min_fair};
use crate::laws::{Mechanism, find_manipulation};
use crate::{Amount, Invalid};

/// Far above the rule's resolution for such small numbers, far below what a wrong rule is off by.
fn slack() -> Exact {
    Exact::new(1, 1 << 20)
}

fn near(some: &[Exact], others: &[Exact]) -> bool {
    let near = |(one, other): (&Exact, &Exact)| one - other <= slack() && other - one <= slack();
    some.len() == others.len() && some.iter().zip(others).all(near)
}

/// Everybody reports what it needs for a task; what it gets is worth the tasks that it can run.
struct Reporting {
    rule: Rule,
    case: Case,
}

impl Mechanism for Reporting {
    type Report = (Vec<u64>, u64);
    /// Everybody's bundle, as demand and number of tasks.
    type Outcome = Vec<(Vec<u64>, Exact)>;
    type Utility = Exact;

    fn outcome(&self, reports: &[Self::Report]) -> Self::Outcome {
        let (demands, limits) = reports.iter().cloned().unzip();
        let case = Case { demands, limits, ..self.case.clone() };
        let tasks = (self.rule)(&case);
        case.demands.into_iter().zip(tasks).collect()
    }

    /// To 20 bits, rounded to nearest: the rule's last bits are no gain.
    fn utility(
        &self,
        who: usize,
        (needed, limit): &Self::Report,
        outcome: &Self::Outcome,
    ) -> Exact {
        let (stated, tasks) = &outcome[who];
        let runs = needed.iter().zip(stated).filter(|(needed, _)| **needed > 0);
        let runs = runs.map(|(&needed, &stated)| whole(stated) * tasks / whole(needed)).min();
        let scale = Exact::from(1 << 20);
        (runs.unwrap_or_default().min(whole(*limit)) * scale).round() / scale
    }

    /// One more or less of each resource, none of it, all of it more, another's demand, and limits.
    fn lies(&self, who: usize, truths: &[Self::Report]) -> Vec<Self::Report> {
        let (demand, limit) = truths[who].clone();
        let mut lies: Vec<Vec<u64>> = truths.iter().map(|(demand, _)| demand.clone()).collect();
        for resource in 0..demand.len() {
            for stated in [0, demand[resource].saturating_sub(1), demand[resource] + 1, 9] {
                let mut lie = demand.clone();
                lie[resource] = stated;
                lies.push(lie);
            }
        }
        lies.push(demand.iter().map(|needed| needed * 2).collect());
        let limits = [limit, limit / 2, limit + 1, NO_LIMIT];
        let lies = lies.into_iter().flat_map(|lie| limits.map(|limit| (lie.clone(), limit)));
        lies.collect()
    }
}

fn manipulation(rule: Rule, case: &Case) -> Option<String> {
    let truths: Vec<_> = case.demands.iter().cloned().zip(case.limits.iter().copied()).collect();
    let found = find_manipulation(&Reporting { rule, case: case.clone() }, &truths);
    found.map(|found| format!("{found:?}"))
}

fn tasks(division: &Division<'_>) -> Vec<Fixed> {
    (0..).map_while(|who| division.tasks(who)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_definition_keeps_every_law_exactly(case in cases()) {
        for (name, law) in LAWS {
            prop_assert!(law(&case, oracle, Exact::default()), "{name}: {:?}", oracle(&case));
        }
    }

    #[test]
    fn the_rule_keeps_every_law_to_its_resolution(case in cases()) {
        for (name, law) in LAWS {
            prop_assert!(law(&case, drf, slack()), "{name}: {:?}", drf(&case));
        }
    }

    #[test]
    fn the_rule_is_the_definition_to_its_resolution(case in cases()) {
        prop_assert!(near(&drf(&case), &oracle(&case)));
    }

    #[test]
    fn no_false_report_pays(case in cases()) {
        prop_assert_eq!(manipulation(drf, &case), None);
        prop_assert_eq!(manipulation(oracle, &case), None);
    }

    #[test]
    fn asset_fairness_is_its_definition_and_keeps_its_laws(case in cases()) {
        let asset: Rule = |case| {
            let problem = case.problem();
            tasks(&asset_fair(&problem)).into_iter().map(exact).collect()
        };
        prop_assert!(near(&asset(&case), &asset_oracle(&case)));
        for law in [feasible, pareto, envy_free] {
            prop_assert!(law(&case, asset, slack()));
        }
    }

    #[test]
    fn the_order_of_agents_and_resources_does_not_matter(case in cases()) {
        let mut turned = case.clone();
        turned.demands.reverse();
        turned.weights.reverse();
        turned.limits.reverse();
        turned.capacities.reverse();
        turned.demands.iter_mut().for_each(|demand| demand.reverse());
        let mut turned = drf(&turned);
        turned.reverse();
        prop_assert!(near(&drf(&case), &turned));
    }

    #[test]
    fn the_order_of_agents_changes_no_bit(case in cases()) {
        let mut turned = case.clone();
        turned.demands.reverse();
        turned.weights.reverse();
        turned.limits.reverse();
        let (straight, turned) = (case.problem(), turned.problem());
        let mut turned = tasks(&turned.divide());
        turned.reverse();
        prop_assert_eq!(tasks(&straight.divide()), turned);
    }

    #[test]
    fn the_units_of_demands_capacities_and_weights_do_not_matter(case in cases(), scale in 2..9_u64) {
        let scaled = |numbers: &[u64], by| numbers.iter().map(|it| it * by).collect::<Vec<u64>>();
        // More of everything, in equal parts.
        let capacities = scaled(&case.capacities, scale);
        let limits = case.limits.iter().map(|limit| limit * scale).collect();
        let larger = drf(&Case { capacities, limits, ..case.clone() });
        let more: Vec<Exact> = drf(&case).iter().map(|tasks| tasks * whole(scale)).collect();
        prop_assert!(near(&larger, &more));
        // Another unit for everything.
        let demands = case.demands.iter().map(|demand| scaled(demand, scale)).collect();
        let finer = Case { capacities: scaled(&case.capacities, scale), demands, ..case.clone() };
        prop_assert!(near(&drf(&finer), &drf(&case)));
        // Weights count by their ratios.
        let by = u32::try_from(scale).unwrap();
        let weights = case.weights.iter().map(|weight| weight * by).collect();
        let heavier = drf(&Case { weights, ..case.clone() });
        prop_assert!(near(&heavier, &drf(&case)));
    }

    #[test]
    fn two_halves_of_an_agent_get_what_it_gets(case in cases()) {
        let mut halved = case.clone();
        halved.limits = vec![NO_LIMIT; case.limits.len()];
        let one = drf(&halved);
        halved.weights.iter_mut().for_each(|weight| *weight *= 2);
        halved.weights[0] /= 2;
        halved.weights.push(halved.weights[0]);
        halved.demands.push(halved.demands[0].clone());
        halved.limits.push(NO_LIMIT);
        let two = drf(&halved);
        prop_assert!(near(&one[..1], &[two[0] + two[two.len() - 1]]));
    }

    #[test]
    fn one_resource_is_the_max_min_fair_division(
        capacity in 0..60_u64, demands in prop::collection::vec(0..40_u64, 0..9)
    ) {
        let one_each = Demands::new(1, vec![1; demands.len()]).unwrap();
        let problem = Problem::new(&[Amount::new(capacity)], one_each).unwrap();
        let problem = problem.with_limits(demands.clone()).unwrap();
        let amounts: Vec<Amount> = demands.into_iter().map(Amount::new).collect();
        let shares: Vec<u64> =
            max_min_fair(Amount::new(capacity), &amounts).iter().map(|it| it.units()).collect();
        prop_assert_eq!(problem.divide().whole_units().units, shares);
    }

    #[test]
    fn whole_units_are_the_exact_amounts_to_the_unit_and_all_of_what_is_saturated(case in cases()) {
        let problem = case.problem();
        let (division, exact) = (problem.divide(), oracle(&case));
        let handed_out = division.whole_units();
        let rows = handed_out.units.chunks(case.capacities.len());
        for ((row, demand), tasks) in rows.zip(&case.demands).zip(&exact) {
            for (&units, &demand) in row.iter().zip(demand) {
                let gap = whole(units) - tasks * whole(demand);
                prop_assert!(gap < Exact::from(1) && gap > Exact::from(-1), "{gap} units apart");
            }
        }
        for (resource, left) in handed_out.left.iter().enumerate() {
            let column = handed_out.units.iter().skip(resource).step_by(case.capacities.len());
            let used: u64 = column.sum();
            prop_assert_eq!(used + left.units(), case.capacities[resource]);
            prop_assert!(!division.is_saturated(resource) || left.units() == 0);
        }
    }

    /// Large and small numbers side by side: nothing overflows, nothing is exceeded, what is saturated
    /// is used up.
    #[test]
    fn capacities_bound_everything_at_every_scale(
        bits in prop::collection::vec(0..49_u32, 3),
        seeds in prop::collection::vec((any::<[u64; 3]>(), [0..64_u32, 0..64, 0..64]), 1..12),
        weights in prop::collection::vec(0..=65_535_u32, 12),
        limits in prop_oneof![Just(None), prop::collection::vec(any::<u64>(), 12).prop_map(Some)],
    ) {
        let capacities: Vec<Amount> =
            bits.iter().map(|&bits| Amount::new((1_u64 << bits) - 1)).collect();
        let demand = |(seeds, cuts): &([u64; 3], [u32; 3])| {
            [0, 1, 2].map(|resource| seeds[resource] >> cuts[resource])
        };
        let rows: Vec<u64> = seeds.iter().flat_map(demand).collect();
        let agents = seeds.len();
        let problem = Problem::new(&capacities, Demands::new(3, rows).unwrap()).unwrap();
        let mut problem = problem.with_weights(weights[..agents].to_vec()).unwrap();
        if let Some(limits) = limits {
            problem = problem.with_limits(limits[..agents].to_vec()).unwrap();
        }
        for division in [problem.divide(), asset_fair(&problem)] {
            let handed_out = division.whole_units();
            for (resource, capacity) in capacities.iter().enumerate() {
                let used: u64 = handed_out.units.iter().skip(resource).step_by(3).sum();
                prop_assert_eq!(used + handed_out.left[resource].units(), capacity.units());
                prop_assert!(division.dominant_share(0) <= Some(Fixed::ONE));
            }
        }
    }
}

/// Every broken rule breaks the law that it should, and the predicates see it.
#[test]
fn broken_rules_are_caught() {
    let uneven = Case::new(&[10, 100], &[&[1, 1], &[1, 90]]);
    let apart = Case::new(&[4, 9], &[&[1, 0], &[2, 0], &[0, 1]]);
    let weighted = Case { weights: vec![1, 3], ..Case::new(&[8], &[&[1], &[1]]) };
    let none = Exact::default();
    assert!(!pareto(&apart, one_round, none));
    assert!(!sharing_incentive(&uneven, largest_demand, none));
    assert!(!envy_free(&weighted, unweighted, none));
    assert!(!sharing_incentive(&weighted, unweighted, none));
    assert!(manipulation(proportional, &uneven).is_some());
    let all_of_it: Rule = |case| vec![Exact::from(6); case.demands.len()];
    assert!(!feasible(&uneven, all_of_it, none));
    for case in [uneven, apart, weighted] {
        for (name, law) in LAWS {
            assert!(law(&case, oracle, none), "{name}");
        }
    }
}

/// Negative control: with more of one resource somebody may get less (NSDI 2011, section 6, table 2).
#[test]
fn more_of_a_resource_may_cost_somebody() {
    let demands: [&[u64]; 2] = [&[2, 1], &[1, 2]];
    let (before, after) = (Case::new(&[12, 12], &demands), Case::new(&[24, 12], &demands));
    let (before, after) = (oracle(&before), oracle(&after));
    assert!(
        before.iter().zip(&after).any(|(before, after)| after < before),
        "{before:?} {after:?}"
    );
}

/// Negative control: when the first leaves, the second no longer stops at what they shared, and takes
/// from the third, which the first never met.
#[test]
fn with_resources_that_not_all_need_somebody_may_lose_when_another_leaves() {
    let case = Case::new(&[1, 1], &[&[0, 1], &[1, 2], &[1, 0]]);
    assert!(!nobody_loses(&case, oracle, Exact::default()));
}

/// Negative control: who appears as two agents gains.
#[test]
fn who_appears_under_two_names_gains() {
    let honest = oracle(&Case::new(&[12], &[&[1], &[1]]))[0];
    let split = oracle(&Case::new(&[12], &[&[1], &[1], &[1]]));
    assert!(split[0] + split[1] > honest);
}

#[test]
fn degenerate_problems_have_their_answers() {
    let none = Demands::new(2, vec![]).unwrap();
    let problem = Problem::new(&[Amount::new(3), Amount::ZERO], none).unwrap();
    assert_eq!(problem.divide().tasks(0), None);
    let left = problem.divide().whole_units().left;
    assert_eq!(left, [3, 0].map(Amount::new));

    // The second needs what there is none of and stops nobody; the third needs nothing.
    let case = Case::new(&[4, 0], &[&[1, 0], &[1, 1], &[0, 0]]);
    assert_eq!(drf(&case), [4, 0, 0].map(Exact::from));
}

#[test]
fn bad_problems_are_refused_by_name() {
    let text = |refused: Result<Problem, Invalid>| refused.unwrap_err().to_string();
    let demands = || Demands::new(2, vec![1; 4]).unwrap();
    let capacities = [Amount::new(1); 2];
    assert_eq!(
        Demands::new(2, vec![1; 3]).unwrap_err().to_string(),
        "agent 1: demands is 1: must be one for each resource"
    );
    assert_eq!(
        Demands::new(0, vec![]).unwrap_err().to_string(),
        "the problem: resources is 0: must be 1 to 16"
    );
    assert_eq!(
        text(Problem::new(&[Amount::new(1)], demands())),
        "the problem: capacities is 1: must be as many as the demands have"
    );
    assert_eq!(
        text(Problem::new(&[Amount::ZERO, Amount::MAX], demands())),
        "resource 1: capacity is 18446744073709551615: must be below 2^48"
    );
    let problem = || Problem::new(&capacities, demands()).unwrap();
    assert_eq!(
        text(problem().with_weights(vec![1, 65_536])),
        "agent 1: weight is 65536: must be below 2^16"
    );
    assert_eq!(
        text(problem().with_limits(vec![1])),
        "the problem: limits is 1: must be as many as the demands have"
    );
}
