//! The sum of worths: many divisible requests for few resources, and what it is measured beside.

use std::hint::black_box;

use mabeam_economics::welfare::knapsack::{Request, grant};
use mabeam_economics::welfare::program::{Outcome, Program, Relation, Variable};
use mabeam_economics::{Amount, Money};

use super::numbers::Numbers;

/// How many requests there are.
pub const REQUESTS: usize = 100_000;
/// How many of them a general solver is given, beside whom the same number is measured.
pub const FEWER_REQUESTS: usize = 2_000;
/// How many resources there are.
pub const RESOURCES: usize = 4;

/// Requests of which the capacities hold about a third.
fn problem(requests: usize) -> ([Amount; RESOURCES], Vec<Request<RESOURCES>>) {
    let mut numbers = Numbers(7);
    let all = (0..requests)
        .map(|_| {
            let worth = i64::try_from(numbers.within(1, 1_000_000)).ok().and_then(Money::new);
            let demand = [(); RESOURCES].map(|()| Amount::new(numbers.within(1, 1_000)));
            Request { worth: worth.expect("within bounds"), demand }
        })
        .collect();
    ([Amount::new(500 * requests as u64 / 3); RESOURCES], all)
}

fn granting(requests: usize) -> impl FnMut(u64) -> i128 + Clone + Send + 'static {
    let (capacities, requests) = problem(requests);
    move |_| {
        let granted = grant(black_box(capacities), black_box(&requests));
        assert!(granted.gap() < 1e-9, "it is proved");
        granted.value
    }
}

/// `welfare_knapsack`: a hundred thousand requests for four resources, proved within a billionth.
pub fn knapsack() -> impl FnMut(u64) -> i128 + Clone + Send + 'static {
    granting(REQUESTS)
}

/// `welfare_knapsack_fewer`: two thousand requests, beside [`program`].
pub fn knapsack_of_fewer() -> impl FnMut(u64) -> i128 + Clone + Send + 'static {
    granting(FEWER_REQUESTS)
}

/// `welfare_program`: the same two thousand requests as a linear program of any shape, with its proof.
pub fn program() -> impl FnMut(u64) -> i128 + Clone + Send + 'static {
    let (capacities, requests) = problem(FEWER_REQUESTS);
    let mut program = Program::new();
    let shares: Vec<Variable> =
        requests.iter().map(|request| program.divisible(request.worth, Some(1))).collect();
    for (resource, capacity) in capacities.iter().enumerate() {
        let demand = |request: &Request<RESOURCES>| {
            i64::try_from(request.demand[resource].units()).expect("a small demand")
        };
        let terms: Vec<(Variable, i64)> =
            shares.iter().copied().zip(requests.iter().map(demand)).collect();
        let limit = i64::try_from(capacity.units()).expect("a small capacity");
        program.constrain(&terms, Relation::AtMost, limit);
    }
    move |_| match black_box(&program).solve(1).expect("the solver has an answer") {
        Outcome::Optimal(solution, _) => solution.value,
        other => panic!("it is proved, not {other:?}"),
    }
}
