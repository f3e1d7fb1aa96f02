//! Small problems in fractions: dominant resource fairness as the papers define it, rules that are
//! nearly right, and the laws as predicates that any rule can be held to.

use num_rational::Ratio;
use proptest::prelude::*;

use super::{Demands, Problem};
use crate::Amount;
use crate::division::Fixed;

pub(in crate::division) type Exact = Ratio<i128>;

/// A small problem.
#[derive(Clone, Debug)]
pub(in crate::division) struct Case {
    pub(in crate::division) capacities: Vec<u64>,
    pub(in crate::division) demands: Vec<Vec<u64>>,
    pub(in crate::division) weights: Vec<u32>,
    /// The most tasks of each agent.
    pub(in crate::division) limits: Vec<u64>,
}

/// How many tasks each agent gets.
pub(in crate::division) type Rule = fn(&Case) -> Vec<Exact>;

/// No limit that such a small problem can reach.
pub(in crate::division) const NO_LIMIT: u64 = 1_000;

pub(in crate::division) fn whole(number: impl Into<u64>) -> Exact {
    Exact::from(i128::from(number.into()))
}

/// The number as a fraction.
pub(in crate::division) fn exact(fixed: Fixed) -> Exact {
    Exact::from(i128::from(fixed.floor())) + Exact::new(i128::from(fixed.fraction() >> 24), 1 << 40)
}

impl Case {
    pub(in crate::division) fn new(capacities: &[u64], demands: &[&[u64]]) -> Self {
        Self {
            capacities: capacities.to_vec(),
            demands: demands.iter().map(|demand| demand.to_vec()).collect(),
            weights: vec![1; demands.len()],
            limits: vec![NO_LIMIT; demands.len()],
        }
    }

    pub(in crate::division) fn problem(&self) -> Problem {
        let capacities: Vec<Amount> = self.capacities.iter().copied().map(Amount::new).collect();
        let demands = Demands::new(capacities.len(), self.demands.concat()).unwrap();
        let problem = Problem::new(&capacities, demands).unwrap();
        let problem = problem.with_weights(self.weights.clone()).unwrap();
        if self.limits.iter().all(|&limit| limit == NO_LIMIT) {
            problem
        } else {
            problem.with_limits(self.limits.clone()).unwrap()
        }
    }

    /// The resources that `who` needs.
    fn needs(&self, who: usize) -> impl Iterator<Item = usize> {
        (0..self.capacities.len()).filter(move |&resource| self.demands[who][resource] > 0)
    }

    /// The tasks that `who` can run with `part` of `units` of each resource, without its limit.
    fn tasks_with(&self, who: usize, units: impl Fn(usize) -> Exact) -> Exact {
        let tasks = |resource| units(resource) / whole(self.demands[who][resource]);
        self.needs(who).map(tasks).min().unwrap_or_default()
    }

    /// The largest share of a resource that a task of `who` takes; `None` if it can have none.
    pub(in crate::division) fn dominant(&self, who: usize) -> Option<Exact> {
        let needed = || self.needs(who);
        if self.weights[who] == 0 || needed().any(|resource| self.capacities[resource] == 0) {
            return None;
        }
        needed().map(|resource| self.share(who, resource)).max()
    }

    fn share(&self, who: usize, resource: usize) -> Exact {
        whole(self.demands[who][resource]) / whole(self.capacities[resource])
    }

    fn used(&self, resource: usize, tasks: &[Exact]) -> Exact {
        let uses = |(demand, tasks): (&Vec<u64>, &Exact)| whole(demand[resource]) * tasks;
        self.demands.iter().zip(tasks).map(uses).sum()
    }

    fn without(&self, who: usize) -> Self {
        let mut rest = self.clone();
        rest.demands.remove(who);
        rest.weights.remove(who);
        rest.limits.remove(who);
        rest
    }
}

/// Raises every agent's `share` per task times its tasks over its weight together; at `rounds`
/// saturations everybody stops.
fn fill(case: &Case, share: impl Fn(usize) -> Option<Exact>, rounds: usize) -> Vec<Exact> {
    let agents = case.demands.len();
    let speed: Vec<Option<Exact>> =
        (0..agents).map(|who| Some(whole(case.weights[who]) / share(who)?)).collect();
    let mut tasks = vec![Exact::default(); agents];
    let mut rising: Vec<usize> = (0..agents).filter(|&who| speed[who].is_some()).collect();
    let (mut level, mut saturated) = (Exact::default(), 0);
    while !rising.is_empty() && saturated < rounds {
        let of = |who: usize| speed[who].unwrap();
        let limited = rising.iter().map(|&who| (whole(case.limits[who]) / of(who), None)).min();
        let full = (0..case.capacities.len()).filter_map(|resource| {
            let per_level: Exact =
                rising.iter().map(|&who| whole(case.demands[who][resource]) * of(who)).sum();
            let left = whole(case.capacities[resource]) - case.used(resource, &tasks);
            (per_level > Exact::default()).then(|| (level + left / per_level, Some(resource)))
        });
        let (next, resource) = limited.into_iter().chain(full).min().unwrap();
        level = next;
        for &who in &rising {
            tasks[who] = of(who) * level;
        }
        saturated += usize::from(resource.is_some());
        rising.retain(|&who| match resource {
            Some(resource) => case.demands[who][resource] == 0,
            None => tasks[who] < whole(case.limits[who]),
        });
    }
    tasks
}

/// The rule: Parkes, Procaccia and Shah, EC 2012, with the limits of Li and others.
pub(in crate::division) fn oracle(case: &Case) -> Vec<Exact> {
    fill(case, |who| case.dominant(who), usize::MAX)
}

/// Asset fairness.
pub(in crate::division) fn asset_oracle(case: &Case) -> Vec<Exact> {
    let sum = |who| -> Exact { case.needs(who).map(|resource| case.share(who, resource)).sum() };
    fill(case, |who| case.dominant(who).map(|_| sum(who)), usize::MAX)
}

/// Broken: everybody stops where the first resource is saturated.
pub(in crate::division) fn one_round(case: &Case) -> Vec<Exact> {
    fill(case, |who| case.dominant(who), 1)
}

/// Broken: demands are compared without looking at the capacities.
pub(in crate::division) fn largest_demand(case: &Case) -> Vec<Exact> {
    let largest = |who: usize| case.demands[who].iter().copied().max().map(whole);
    fill(case, |who| case.dominant(who).and_then(|_| largest(who)), usize::MAX)
}

/// Broken: weights are ignored.
pub(in crate::division) fn unweighted(case: &Case) -> Vec<Exact> {
    let weights = case.weights.iter().map(|&weight| weight.min(1)).collect();
    oracle(&Case { weights, ..case.clone() })
}

/// Broken: every resource is divided in proportion to the demands for it.
pub(in crate::division) fn proportional(case: &Case) -> Vec<Exact> {
    let asked = |resource: usize| case.demands.iter().map(|it| it[resource]).sum::<u64>();
    let tasks = |resource| whole(case.capacities[resource]) / whole(asked(resource));
    let tasks = |who| case.needs(who).map(tasks).min().unwrap_or_default();
    (0..case.demands.len()).map(tasks).collect()
}

/// The rule under test.
pub(in crate::division) fn drf(case: &Case) -> Vec<Exact> {
    let problem = case.problem();
    let division = problem.divide();
    (0..case.demands.len()).map(|who| exact(division.tasks(who).unwrap())).collect()
}

/// A law that `tasks` keep or break in `case`, up to `slack` tasks.
pub(in crate::division) type Law = fn(&Case, Rule, Exact) -> bool;

/// No capacity is exceeded: exactly, always.
pub(in crate::division) fn feasible(case: &Case, rule: Rule, _: Exact) -> bool {
    let tasks = rule(case);
    (0..case.capacities.len())
        .all(|resource| case.used(resource, &tasks) <= whole(case.capacities[resource]))
}

/// Who could use more needs a resource that is used up.
pub(in crate::division) fn pareto(case: &Case, rule: Rule, slack: Exact) -> bool {
    let tasks = rule(case);
    let full =
        |resource: usize| case.used(resource, &tasks) + slack >= whole(case.capacities[resource]);
    (0..tasks.len()).all(|who| {
        case.dominant(who).is_none()
            || tasks[who] + slack >= whole(case.limits[who])
            || case.needs(who).any(full)
    })
}

/// Nobody prefers another's bundle, scaled by the weights.
pub(in crate::division) fn envy_free(case: &Case, rule: Rule, slack: Exact) -> bool {
    let tasks = rule(case);
    let counts = |who: &usize| case.weights[*who] > 0;
    (0..tasks.len()).filter(counts).all(|who| {
        (0..tasks.len()).filter(counts).all(|other| {
            let scale = Exact::new(case.weights[who].into(), case.weights[other].into());
            let bundle =
                |resource: usize| whole(case.demands[other][resource]) * tasks[other] * scale;
            let wanted = case.tasks_with(who, bundle).min(whole(case.limits[who]));
            tasks[who] + slack >= wanted
        })
    })
}

/// Everybody gets what its part of the weights would get of every resource.
pub(in crate::division) fn sharing_incentive(case: &Case, rule: Rule, slack: Exact) -> bool {
    let tasks = rule(case);
    let all: u64 = case.weights.iter().copied().map(u64::from).sum();
    (0..tasks.len()).filter(|&who| case.weights[who] > 0).all(|who| {
        let part = whole(case.weights[who]) / whole(all);
        let alone = case.tasks_with(who, |resource| whole(case.capacities[resource]) * part);
        tasks[who] + slack >= alone.min(whole(case.limits[who]))
    })
}

/// When an agent leaves, nobody loses, if everybody needs every resource.
pub(in crate::division) fn population_monotone(case: &Case, rule: Rule, slack: Exact) -> bool {
    case.demands.iter().any(|demand| demand.contains(&0)) || nobody_loses(case, rule, slack)
}

/// When an agent leaves, nobody loses.
pub(in crate::division) fn nobody_loses(case: &Case, rule: Rule, slack: Exact) -> bool {
    (0..case.demands.len()).all(|who| {
        let mut before = rule(case);
        before.remove(who);
        rule(&case.without(who)).iter().zip(before).all(|(after, before)| after + slack >= before)
    })
}

/// Where everybody's largest share is of the same resource, that resource is divided max-min fairly.
pub(in crate::division) fn bottleneck_fair(case: &Case, rule: Rule, slack: Exact) -> bool {
    let agents: Vec<usize> =
        (0..case.demands.len()).filter(|&it| case.dominant(it).is_some()).collect();
    let bottleneck = |resource: &usize| {
        agents.iter().all(|&who| Some(case.share(who, *resource)) == case.dominant(who))
    };
    let bottleneck =
        (0..case.capacities.len()).filter(|&it| case.capacities[it] > 0).find(bottleneck);
    let Some(resource) = bottleneck else { return true };
    let tasks = rule(case);
    let held =
        |who: usize| whole(case.demands[who][resource]) * tasks[who] / whole(case.weights[who]);
    agents.iter().all(|&who| {
        tasks[who] + slack >= whole(case.limits[who])
            || agents.iter().all(|&other| held(who) + slack * Exact::from(10) >= held(other))
    })
}

/// The laws that dominant resource fairness keeps, with limits too.
pub(in crate::division) const LAWS: [(&str, Law); 6] = [
    ("feasible", feasible),
    ("pareto", pareto),
    ("envy-free", envy_free),
    ("sharing incentive", sharing_incentive),
    ("population monotone", population_monotone),
    ("bottleneck fair", bottleneck_fair),
];

/// Small problems: zero capacities, zero demands, zero weights and limits are common.
pub(in crate::division) fn cases() -> impl Strategy<Value = Case> {
    (1..4_usize, 1..5_usize).prop_flat_map(|(resources, agents)| {
        let demand = prop::collection::vec(0..6_u64, resources);
        let limit = prop_oneof![Just(NO_LIMIT), 0..5_u64];
        (
            prop::collection::vec(prop_oneof![9 => 1..20_u64, 1 => Just(0)], resources),
            prop::collection::vec(demand, agents),
            prop_oneof![Just(vec![1; agents]), prop::collection::vec(0..4_u32, agents),],
            prop_oneof![Just(vec![NO_LIMIT; agents]), prop::collection::vec(limit, agents)],
        )
            .prop_map(|(capacities, demands, weights, limits)| Case {
                capacities,
                demands,
                weights,
                limits,
            })
    })
}
