//! Fair division among a million agents.

use std::hint::black_box;

use mabeam_economics::division::drf::{Demands, Incremental, Problem};
use mabeam_economics::division::{Claim, max_min_fair, weighted_max_min_fair};
use mabeam_economics::{AgentId, Amount};

use super::numbers::Numbers;

/// How many agents take part.
pub const AGENTS: usize = 1_000_000;
/// How many resources there are.
pub const RESOURCES: usize = 4;
/// How many agents place whole tasks.
pub const PLACING: usize = 100_000;

/// Demands of `agents`, of which every fourth number is 0 if `sparse`; in order.
fn rows(agents: usize, sparse: bool) -> Vec<u64> {
    let mut numbers = Numbers(7);
    let demand =
        |_| if sparse && numbers.within(0, 4) == 0 { 0 } else { numbers.within(1, 10_000) };
    (0..agents * RESOURCES).map(demand).collect()
}

fn capacities() -> [Amount; RESOURCES] {
    [1_000_000_000_000, 2_000_000_000_000, 500_000_000_000, 4_000_000_000_000].map(Amount::new)
}

fn problem(rows: Vec<u64>) -> Problem {
    let demands = Demands::new(RESOURCES, rows).expect("whole rows");
    Problem::new(&capacities(), demands).expect("capacities within bounds")
}

/// Hands the rows to a problem, which validates them, and takes them back when they were read.
fn divided(
    sparse: bool,
    mut read: impl FnMut(&Problem) -> u64 + Clone + Send + 'static,
) -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let mut rows = rows(AGENTS, sparse);
    move |_| {
        let problem = problem(black_box(std::mem::take(&mut rows)));
        let read = read(&problem);
        rows = problem.into_demands().into_rows();
        read
    }
}

/// `division_max_min`: one resource among a million demands.
pub fn max_min() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let (capacity, demands) = demands();
    move |_| max_min_fair(black_box(capacity), &demands).iter().map(|share| share.units()).sum()
}

/// `division_max_min_sorted`, beside it: the same by sorting.
pub fn max_min_sorted() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let (capacity, demands) = demands();
    move |_| {
        let mut rising: Vec<usize> = (0..demands.len()).collect();
        rising.sort_unstable_by_key(|&claimant| demands[claimant]);
        let (mut left, mut shares) = (black_box(capacity).units(), vec![0; demands.len()]);
        for (met, &claimant) in rising.iter().enumerate() {
            let share = demands[claimant].units().min(left / (rising.len() - met) as u64);
            shares[claimant] = share;
            left -= share;
        }
        shares.iter().sum()
    }
}

fn demands() -> (Amount, Vec<Amount>) {
    let mut numbers = Numbers(11);
    let demands = (0..AGENTS).map(|_| Amount::new(numbers.within(1, 1_000_000))).collect();
    (Amount::new(300_000_000_000), demands)
}

/// `division_max_min_weighted`: the same by weights of 1 to 99.
pub fn max_min_weighted() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let (mut numbers, (capacity, demands)) = (Numbers(13), demands());
    let mut weight = || u32::try_from(numbers.within(1, 100)).expect("a small number");
    let claims: Vec<Claim> =
        demands.iter().map(|&demand| Claim { demand, weight: weight() }).collect();
    move |_| weighted_max_min_fair(black_box(capacity), &claims).iter().map(|it| it.units()).sum()
}

/// `division_drf`: a million agents that need each of four resources, from rows to levels.
pub fn drf() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    divided(false, |problem| {
        problem.divide().tasks(0).map_or(0, mabeam_economics::division::Fixed::floor)
    })
}

/// `division_drf_sparse`: a quarter of the needs are 0, so that several levels are found.
pub fn drf_sparse() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    divided(true, |problem| {
        problem.divide().tasks(0).map_or(0, mabeam_economics::division::Fixed::floor)
    })
}

/// `division_drf_whole_units`: a quarter of the needs are 0, and whole units are handed out.
pub fn drf_whole_units() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    divided(true, |problem| problem.divide().whole_units().units.iter().sum())
}

/// `division_drf_floats`, beside them: one round in floating point, which rounds as it adds.
pub fn drf_floats() -> impl FnMut(u64) -> f64 + Clone + Send + 'static {
    let rows = rows(AGENTS, false);
    let capacities = capacities().map(|capacity| capacity.units() as f64);
    move |_| {
        let rows = black_box(&rows);
        let mut sums = [0.0; RESOURCES];
        for row in rows.chunks_exact(RESOURCES) {
            let shares = row.iter().zip(&capacities).map(|(&it, of)| it as f64 / of);
            let dominant = shares.clone().fold(0.0, f64::max);
            sums.iter_mut().zip(shares).for_each(|(sum, share)| *sum += share / dominant);
        }
        1.0 / sums.iter().copied().fold(0.0, f64::max)
    }
}

/// `division_drf_report`: one of a million reports changes and one agent reads its tasks.
pub fn drf_report() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let rows = rows(AGENTS, true);
    let mut pool = Incremental::new(&capacities()).expect("capacities within bounds");
    for (agent, row) in (0..).zip(rows.chunks_exact(RESOURCES)) {
        pool.report(AgentId(agent), 1, row).expect("a whole row");
    }
    move |n| {
        let agent = n.wrapping_mul(0x9e37_79b9) % AGENTS as u64;
        let demand = [1 + n % 9_000, n % 3, 1 + n % 500, 1 + n % 7_000];
        pool.report(AgentId(agent), 1, &demand).expect("a whole row");
        pool.divide().tasks(AgentId(agent)).map_or(0, mabeam_economics::division::Fixed::floor)
    }
}

/// `division_drf_place`: as many whole tasks as fit among a hundred thousand agents, about ten each.
pub fn drf_place() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let demands = Demands::new(RESOURCES, rows(PLACING, false)).expect("whole rows");
    let capacities = [5_000 * PLACING as u64 * 10; RESOURCES].map(Amount::new);
    let problem = Problem::new(&capacities, demands).expect("capacities within bounds");
    move |_| black_box(&problem).place().count()
}

/// `division_drf_place_scanned`, beside it: the thousandth part of the agents, each task after a look
/// at all of them.
pub fn drf_place_scanned() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let rows = rows(PLACING / 1_000, false);
    let capacity = 5_000 * PLACING as u64 / 100;
    move |_| {
        let mut left = [capacity; RESOURCES];
        let mut waiting: Vec<(u64, &[u64])> =
            rows.chunks_exact(RESOURCES).map(|row| (0, row)).collect();
        let share = |&(tasks, row): &(u64, &[u64])| tasks * row.iter().max().map_or(0, |it| *it);
        let mut placed = 0;
        while let Some(next) = (0..waiting.len()).min_by_key(|&it| share(&waiting[it])) {
            let (tasks, row) = &mut waiting[next];
            if row.iter().zip(&left).all(|(demand, left)| demand <= left) {
                left.iter_mut().zip(*row).for_each(|(left, demand)| *left -= demand);
                *tasks += 1;
                placed += 1;
            } else {
                waiting.remove(next);
            }
        }
        placed
    }
}
