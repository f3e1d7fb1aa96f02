//! The figures of the papers.

use super::oracle::*;
use super::{Demands, Problem};
use crate::Amount;
use crate::division::asset_fair;

/// NSDI 2011, section 4.1: 9 CPUs and 18 GB; A's tasks need <1 CPU, 4 GB>, B's <3 CPUs, 1 GB>.
fn example() -> Case {
    Case::new(&[9, 18], &[&[1, 4], &[3, 1]])
}

fn rounded(tasks: &[Exact]) -> Vec<String> {
    tasks.iter().map(|it| format!("{:.2}", *it.numer() as f64 / *it.denom() as f64)).collect()
}

/// NSDI 2011, section 4.1 and figure 1: three tasks for A, two for B, dominant shares of 2/3.
#[test]
fn the_example_of_dominant_resource_fairness() {
    let problem = example().problem();
    let division = problem.divide();
    assert_eq!(oracle(&example()), [3, 2].map(Exact::from));
    assert_eq!(division.whole_units().units, [3, 12, 6, 2]);
    for who in [0, 1] {
        let share = division.dominant_share(who).unwrap().to_f64();
        assert!((share - 2.0 / 3.0).abs() < 1e-15, "{share}");
    }
    assert!(division.is_saturated(0) && !division.is_saturated(1));
}

/// NSDI 2011, table 1: the shares after each task. Its first two tasks are in the other order, as ties
/// go to the lowest agent here.
#[test]
fn the_example_of_algorithm_1() {
    let problem = example().problem();
    let placed: Vec<usize> = problem.place().collect();
    assert_eq!(placed, [0, 1, 0, 1, 0]);
}

/// NSDI 2011, section 5.1, figure 4: the same example under asset fairness, 2.52 and 2.16 tasks, and
/// under competitive equilibrium 4.09 and 1.64 (45/11 and 18/11), against 3 and 2.
#[test]
fn the_contrast_with_asset_fairness_and_equal_incomes() {
    let problem = example().problem();
    let asset = asset_fair(&problem);
    let tasks: Vec<Exact> = (0..2).map(|who| exact(asset.tasks(who).unwrap())).collect();
    assert_eq!(rounded(&tasks), ["2.52", "2.16"]);
    assert_eq!(asset_oracle(&example()), [Exact::new(63, 25), Exact::new(54, 25)]);

    // Equal incomes maximise the product of the tasks: both resources are used up.
    let equal_incomes = [Exact::new(45, 11), Exact::new(18, 11)];
    let product = |tasks: &[Exact]| tasks[0] * tasks[1];
    assert!(feasible(
        &example(),
        |_| vec![Exact::new(45, 11), Exact::new(18, 11)],
        Exact::default()
    ));
    assert!(product(&equal_incomes) > product(&oracle(&example())));
    assert_eq!(rounded(&equal_incomes), ["4.09", "1.64"]);
}

/// NSDI 2011, theorem 1 (figure 5): 30 CPUs and 30 GB, tasks of <1, 3> and <1, 1>: asset fairness gives
/// 6 and 12 tasks, and the second would have 15 with half of everything.
#[test]
fn asset_fairness_breaks_the_sharing_incentive() {
    let case = Case::new(&[30, 30], &[&[1, 3], &[1, 1]]);
    assert_eq!(asset_oracle(&case), [6, 12].map(Exact::from));
    let problem = case.problem();
    assert_eq!(asset_fair(&problem).whole_units().units, [6, 18, 12, 12]);
    assert!(!sharing_incentive(&case, asset_oracle, Exact::default()));
    assert!(sharing_incentive(&case, oracle, Exact::default()));
}

/// NSDI 2011, section 4.3: equal weights per resource are dominant resource fairness; for one resource
/// it is weighted max-min fairness.
#[test]
fn weights_divide_one_resource_in_proportion() {
    let demands = Demands::new(1, vec![1, 1, 5]).unwrap();
    let problem = Problem::new(&[Amount::new(12)], demands).unwrap();
    let problem = problem.with_weights(vec![1, 2, 3]).unwrap();
    assert_eq!(problem.divide().whole_units().units, [2, 4, 6]);
}
