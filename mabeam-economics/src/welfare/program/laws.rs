//! The laws of programs, an exhaustive oracle, textbook programs, and answers that are caught.

use proptest::prelude::*;

use super::exact::Exact;
use super::*;
use crate::laws::{Mechanism, find_manipulation};

const NODES: u64 = 100_000;

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

/// A 0/1 program of `worths` with rows of coefficients.
fn choices(worths: &[i64], rows: &[(Vec<i64>, Relation, i64)]) -> (Program, Vec<Variable>) {
    let mut program = Program::new();
    let all: Vec<Variable> = worths.iter().map(|&worth| program.choice(money(worth))).collect();
    for (coefficients, relation, limit) in rows {
        let terms: Vec<(Variable, i64)> = all.iter().copied().zip(coefficients.clone()).collect();
        program.constrain(&terms, *relation, *limit);
    }
    (program, all)
}

fn relations() -> impl Strategy<Value = Relation> {
    use Relation::{AtLeast, AtMost, Exactly};
    prop_oneof![5 => Just(AtMost), 2 => Just(AtLeast), 1 => Just(Exactly)]
}

type Rows = Vec<(Vec<i64>, Relation, i64)>;

fn problems() -> impl Strategy<Value = (Vec<i64>, Rows)> {
    (1..7_usize).prop_flat_map(|count| {
        let row = (prop::collection::vec(-3..10_i64, count), relations(), -3..25_i64);
        (prop::collection::vec(-5..30_i64, count), prop::collection::vec(row, 0..4))
    })
}

/// The best of all choices that meet the rows.
fn exhaustive(worths: &[i64], rows: &Rows) -> Option<i64> {
    let sum = |way: u32, terms: &[i64]| {
        (0..)
            .zip(terms)
            .filter(|(place, _)| way >> place & 1 == 1)
            .map(|(_, term)| term)
            .sum::<i64>()
    };
    let meets = |way: u32| {
        rows.iter().all(|(terms, relation, limit)| match relation {
            Relation::AtMost => sum(way, terms) <= *limit,
            Relation::AtLeast => sum(way, terms) >= *limit,
            Relation::Exactly => sum(way, terms) == *limit,
        })
    };
    (0..1_u32 << worths.len()).filter(|&way| meets(way)).map(|way| sum(way, worths)).max()
}

fn whole(units: i64) -> i128 {
    i128::from(units) * i128::from(WHOLE)
}

proptest! {
    #[test]
    fn choices_are_the_best_of_all((worths, rows) in problems()) {
        let (program, all) = choices(&worths, &rows);
        match (program.solve(NODES).unwrap(), exhaustive(&worths, &rows)) {
            (Outcome::Optimal(solution, proof), Some(best)) => {
                prop_assert_eq!(solution.value, whole(best));
                prop_assert!(solution.bound.is_some_and(|bound| bound >= solution.value));
                prop_assert!(proof == Proof::Search || solution.bound == Some(solution.value));
                let own: i64 =
                    all.iter().zip(&worths).map(|(&one, worth)| solution.whole(one) * worth).sum();
                prop_assert_eq!(own, best);
            }
            (Outcome::Infeasible, None) => {}
            (outcome, best) => prop_assert!(false, "{:?} {:?}", outcome, best),
        }
    }

    #[test]
    fn a_search_that_stops_bounds_the_optimum((worths, rows) in problems()) {
        let (program, _) = choices(&worths, &rows);
        match (program.solve(0), exhaustive(&worths, &rows)) {
            (Ok(Outcome::Optimal(solution, _)), best) => {
                prop_assert_eq!(Some(solution.value), best.map(whole));
            }
            (Ok(Outcome::Feasible(solution)), best) => {
                let best = whole(best.unwrap());
                prop_assert!(solution.value <= best && best <= solution.bound.unwrap());
            }
            (Ok(Outcome::Infeasible), best) => prop_assert_eq!(best, None),
            (other, _) => prop_assert_eq!(other, Err(ProgramError::Stopped)),
        }
    }

    #[test]
    fn divisible_programs_are_proved_by_duality((worths, rows) in problems()) {
        let mut program = Program::new();
        let all: Vec<Variable> =
            worths.iter().map(|&worth| program.divisible(money(worth), Some(1))).collect();
        for (coefficients, relation, limit) in &rows {
            let terms: Vec<_> = all.iter().copied().zip(coefficients.clone()).collect();
            program.constrain(&terms, *relation, *limit);
        }
        match program.solve(NODES).unwrap() {
            Outcome::Optimal(solution, proof) => {
                prop_assert_eq!(proof, Proof::Duality);
                prop_assert!(solution.violation <= TOLERANCE);
                // Whole choices are among the divisible.
                let best = exhaustive(&worths, &rows).map_or(i128::MIN, whole);
                prop_assert!(solution.bound.is_some_and(|bound| bound >= best));
            }
            outcome => prop_assert!(
                outcome == Outcome::Infeasible && exhaustive(&worths, &rows).is_none()
            ),
        }
    }

    #[test]
    fn any_prices_bound_every_choice(
        (worths, rows) in problems(), prices in prop::collection::vec(-5.0..5.0_f64, 4)
    ) {
        let (program, _) = choices(&worths, &rows);
        let Some(exact) = Exact::of(&program).unwrap() else { return Ok(()) };
        let bound = exact.bound(&prices);
        let best = exhaustive(&worths, &rows).map_or(i128::MIN, whole);
        prop_assert!(bound.is_some_and(|bound| bound >= best));
    }

    #[test]
    fn other_units_change_nothing((worths, rows) in problems(), by in 1..1_000_000_i64) {
        let scaled: Vec<i64> = worths.iter().map(|worth| worth * by).collect();
        let larger: Rows = rows
            .iter()
            .map(|(terms, relation, limit)| {
                (terms.iter().map(|term| term * by).collect(), *relation, limit * by)
            })
            .collect();
        let value = |outcome| match outcome {
            Outcome::Optimal(solution, _) => Some(solution.value),
            _ => None,
        };
        let base = value(choices(&worths, &rows).0.solve(NODES).unwrap());
        let scaled = value(choices(&scaled, &larger).0.solve(NODES).unwrap());
        prop_assert_eq!(scaled, base.map(|base| base * i128::from(by)));
    }
}

fn optimum(program: &Program) -> (Solution, Proof) {
    match program.solve(NODES).unwrap() {
        Outcome::Optimal(solution, proof) => (solution, proof),
        other => panic!("{other:?}"),
    }
}

/// Problem 1 of the OR-Library's `mknap1` (C. C. Petersen, *Computational experience with variants of
/// the Balas algorithm*, Management Science 13, 1967): 6 choices, 10 resources, 3800.
#[test]
fn the_library_s_first_knapsack_is_worth_what_is_published() {
    let uses = [
        ([8, 12, 13, 64, 22, 41], 80),
        ([8, 12, 13, 75, 22, 41], 96),
        ([3, 6, 4, 18, 6, 4], 20),
        ([5, 10, 8, 32, 6, 12], 36),
        ([5, 13, 8, 42, 6, 20], 44),
        ([5, 13, 8, 48, 6, 20], 48),
        ([0, 0, 0, 0, 8, 0], 10),
        ([3, 0, 4, 0, 8, 0], 18),
        ([3, 2, 4, 0, 8, 4], 22),
        ([3, 2, 4, 8, 8, 4], 24),
    ];
    let rows = uses.map(|(uses, limit)| (uses.to_vec(), Relation::AtMost, limit));
    let (program, _) = choices(&[100, 600, 1_200, 2_400, 500, 2_000], &rows);
    assert_eq!(optimum(&program).0.value, whole(3_800));
}

/// The Wyndor Glass problem, F. S. Hillier and G. J. Lieberman, *Introduction to Operations Research*,
/// section 3.1: max 3x + 5y, x <= 4, 2y <= 12, 3x + 2y <= 18: (2, 6) is worth 36.
#[test]
fn the_textbook_s_program_comes_out() {
    let mut program = Program::new();
    let (x, y) = (program.divisible(money(3), None), program.divisible(money(5), None));
    program.constrain(&[(x, 1)], Relation::AtMost, 4);
    program.constrain(&[(y, 2)], Relation::AtMost, 12);
    program.constrain(&[(x, 3), (y, 2)], Relation::AtMost, 18);
    let (solution, proof) = optimum(&program);
    assert_eq!((solution.whole(x), solution.whole(y)), (2, 6));
    assert_eq!((solution.value, proof), (whole(36), Proof::Duality));
}

#[test]
fn programs_without_a_solution_or_a_limit_say_so() {
    let mut program = Program::new();
    let x = program.divisible(money(1), None);
    assert_eq!(program.solve(NODES), Ok(Outcome::Unbounded));
    program.constrain(&[(x, 1)], Relation::AtLeast, 3);
    program.constrain(&[(x, 1)], Relation::AtMost, 2);
    assert_eq!(program.solve(NODES), Ok(Outcome::Infeasible));

    // 2a + 4b = 3 has no whole solution; nor has a row without terms that asks for something.
    let rows = [(vec![2, 4], Relation::Exactly, 3)];
    assert_eq!(choices(&[1, 1], &rows).0.solve(NODES), Ok(Outcome::Infeasible));
    let mut empty = Program::new();
    assert_eq!(optimum(&empty).0.value, 0);
    empty.constrain(&[], Relation::AtLeast, 1);
    assert_eq!(empty.solve(NODES), Ok(Outcome::Infeasible));
}

#[test]
fn bad_input_is_refused_by_name() {
    let said = |program: &Program| program.solve(1).unwrap_err().to_string();
    let rows = |a: i64, b: i64, limit: i64| [(vec![a, b], Relation::AtMost, limit)];
    assert_eq!(
        said(&choices(&[1, 1], &rows(1, 2_000_000, 5)).0),
        "resource 0: coefficient is 2000000: must be at most 10^6 times what divides the row"
    );
    assert!(choices(&[1, 1], &rows(1_000_000_000, 2_000_000_000, 1 << 40)).0.solve(1).is_ok());
    assert!(said(&choices(&[1, 1], &rows(1, 1, i64::MAX)).0).starts_with("resource 0: limit is"));
    assert!(
        said(&choices(&[1, 1], &rows(i64::MIN, 1, 1)).0).starts_with("resource 0: coefficient")
    );
    assert!(said(&choices(&[1, Money::MAX.units() - 1], &[]).0).starts_with("bid 1: worth is"));
    let (mut program, all) = choices(&[1, 1], &[]);
    program.constrain(&[(all[0], 1), (all[0], 2)], Relation::AtMost, 1);
    assert_eq!(said(&program), "resource 0: variable is 0: must be in a row once");
    let mut other = Program::new();
    other.constrain(&[(all[1], 1)], Relation::AtMost, 1);
    assert_eq!(said(&other), "resource 0: variable is 1: must be one of this program");
    let mut large = Program::new();
    large.whole(money(1), u32::MAX);
    assert!(said(&large).starts_with("bid 0: largest value is 4294967295"));
}

/// Negative control: answers that a solver might give and that are not so.
#[test]
fn wrong_answers_are_caught() {
    let rows = [(vec![3, 3, 3], Relation::AtMost, 5)];
    let (program, _) = choices(&[5, 4, 4], &rows);
    let exact = Exact::of(&program).unwrap().unwrap();
    assert_eq!(exact.violation(&[WHOLE, 0, 0]), Some(0.0));
    // Both would be over the limit; a part is not whole; twice is out of bounds; so is less than none.
    for wrong in [[WHOLE, WHOLE, 0], [WHOLE / 2, 0, 0], [2 * WHOLE, 0, 0], [-WHOLE, 0, 0]] {
        assert_eq!(exact.violation(&wrong), None, "{wrong:?}");
    }
    // The second best is not proved by the bound of the best prices.
    let bound = exact.bound(&[5.0 / 3.0]);
    let worse = Solution { values: vec![0, WHOLE, 0], value: whole(4), bound, violation: 0.0 };
    assert_eq!(exact.proof(&worse, false), None);
    // Worths that the solver's floats can't tell apart are not proved by its search.
    let (program, _) = choices(&[999_999_937, 999_999_936, 999_999_931], &rows);
    let exact = Exact::of(&program).unwrap().unwrap();
    let bound = exact.bound(&[0.0]);
    let found =
        Solution { values: vec![WHOLE, 0, 0], value: whole(999_999_937), bound, violation: 0.0 };
    assert_eq!(exact.proof(&found, true), None);
}

/// Reports the worth of a choice; utility is the true worth if it is made: nobody pays.
struct StatedWorth;

impl Mechanism for StatedWorth {
    type Report = i64;
    type Outcome = Vec<i64>;
    type Utility = i64;

    fn outcome(&self, worths: &[i64]) -> Vec<i64> {
        let rows = [(vec![2; worths.len()], Relation::AtMost, 3)];
        let (program, all) = choices(worths, &rows);
        let best = optimum(&program).0;
        all.into_iter().map(|one| best.whole(one)).collect()
    }

    fn utility(&self, who: usize, truth: &i64, outcome: &Vec<i64>) -> i64 {
        truth * outcome[who]
    }

    fn lies(&self, who: usize, truths: &[i64]) -> Vec<i64> {
        vec![truths[who] * 2, truths[who] / 2]
    }
}

/// Negative control: without payments, overstating what a choice is worth pays.
#[test]
fn overstating_one_s_worth_pays() {
    let found = find_manipulation(&StatedWorth, &[5, 9]).expect("only one is chosen");
    assert_eq!((found.who, found.lie, found.honest, found.dishonest), (0, 10, 0, 5));
}
