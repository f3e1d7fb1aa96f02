//! The laws of assignment, an exhaustive oracle, and rules that break the laws.

use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};
use crate::seeded::Seeded;

fn rows(worths: &[Vec<Option<i64>>]) -> Vec<Vec<Option<Money>>> {
    worths.iter().map(|row| row.iter().map(|worth| worth.and_then(Money::new)).collect()).collect()
}

/// Few distinct worths make ties common; some pairs are forbidden.
fn problems() -> impl Strategy<Value = Vec<Vec<Option<Money>>>> {
    (0..5_usize, 0..5_usize).prop_flat_map(|(agents, tasks)| {
        let worth = prop_oneof![
            1 => Just(None),
            5 => (-2..5_i64).prop_map(Some),
            1 => (-Money::MAX.units()..=Money::MAX.units()).prop_map(Some),
        ];
        let row = prop::collection::vec(worth, tasks);
        prop::collection::vec(row, agents).prop_map(|worths| rows(&worths))
    })
}

/// Every assignment of the agents from `who` on to tasks that are not `taken`, lowest tasks first and
/// no task last: the first best in this order is the one that the tie rule names.
fn every(worths: &Worths, who: usize, taken: &mut Vec<bool>) -> Vec<Vec<Option<usize>>> {
    let Some(row) = worths.get(who) else { return vec![vec![]] };
    let mut all = vec![];
    for task in (0..row.len()).map(Some).chain([None]) {
        if task.is_some_and(|task| taken[task] || row[task].is_none()) {
            continue;
        }
        if let Some(task) = task {
            taken[task] = true;
        }
        for rest in every(worths, who + 1, taken) {
            all.push([vec![task], rest].concat());
        }
        if let Some(task) = task {
            taken[task] = false;
        }
    }
    all
}

fn total(worths: &Worths, tasks: &[Option<usize>]) -> i128 {
    let worth = |(row, task): (&Vec<Option<Money>>, &Option<usize>)| {
        task.and_then(|task| row[task]).map_or(0, |worth| i128::from(worth.units()))
    };
    worths.iter().zip(tasks).map(worth).sum()
}

/// The first of the best by `key` among those whose pairs are all worth making.
fn first_best<K: Ord>(
    worths: &Worths,
    made: impl Fn(i64) -> bool,
    key: impl Fn(&[Option<usize>]) -> K,
) -> Vec<Option<usize>> {
    let tasks = worths.first().map_or(0, Vec::len);
    let good = |tasks: &Vec<Option<usize>>| {
        let pairs = worths.iter().zip(tasks).filter_map(|(row, task)| row[(*task)?]);
        pairs.map(Money::units).all(&made)
    };
    let all = every(worths, 0, &mut vec![false; tasks]).into_iter().filter(good);
    // The last of the largest is returned, so from the end.
    all.collect::<Vec<_>>().into_iter().rev().max_by_key(|tasks| key(tasks)).unwrap()
}

fn largest_total(worths: &Worths) -> i128 {
    total(worths, &first_best(worths, |_| true, |tasks| total(worths, tasks)))
}

proptest! {
    #[test]
    fn it_is_the_first_of_the_best(worths in problems()) {
        let best = assign(&worths).unwrap();
        let first = first_best(&worths, |worth| worth > 0, |tasks| total(&worths, tasks));
        prop_assert_eq!(&best.tasks, &first, "{:?}", best);
        prop_assert_eq!(best.total, largest_total(&worths));
    }

    #[test]
    fn the_one_with_most_pairs_is_the_first_of_the_best(worths in problems()) {
        let best = assign_most(&worths).unwrap();
        let key = |tasks: &[Option<usize>]| (tasks.iter().flatten().count(), total(&worths, tasks));
        prop_assert_eq!(&best.tasks, &first_best(&worths, |_| true, key), "{:?}", best);
        prop_assert_eq!(best.total, total(&worths, &best.tasks));
    }

    #[test]
    fn the_prices_prove_it(worths in problems()) {
        let best = assign(&worths).unwrap();
        prop_assert!(best.is_proved(&worths), "{:?}", best);
        let most = assign_most(&worths).unwrap();
        prop_assert!(most.is_proved(&worths), "{:?}", most);
    }

    /// H. B. Leonard, *Elicitation of honest preferences for the assignment of individuals to
    /// positions*, Journal of Political Economy 91 (1983): the lowest prices are what each agent
    /// costs the others.
    #[test]
    fn everybody_s_price_is_what_it_costs_the_others(worths in problems()) {
        let best = assign(&worths).unwrap();
        for (who, task) in best.tasks.iter().enumerate() {
            let Some(task) = task else { continue };
            let mut others = worths.clone();
            let own = others[who][*task].unwrap();
            others[who].fill(None);
            let harm = largest_total(&others) - (best.total - i128::from(own.units()));
            prop_assert_eq!(best.prices[*task], harm);
        }
    }

    #[test]
    fn who_pays_the_prices_gains_nothing_by_a_lie(worths in problems()) {
        prop_assert_eq!(find_manipulation(&Stated { pays: true }, &worths), None);
    }
}

/// The example of the solver's documentation (three people at an art gallery); the prices by hand.
#[test]
fn the_gallery_takes_what_is_documented() {
    let worths = rows(&[
        vec![Some(100), Some(110), Some(90)],
        vec![Some(95), Some(130), Some(75)],
        vec![Some(95), Some(140), Some(65)],
    ]);
    let best = assign(&worths).unwrap();
    assert_eq!((best.total, best.tasks), (325, vec![Some(2), Some(0), Some(1)]));
    // Without the second, 240 instead of 230 for the others; without the third, 230 instead of 185.
    assert_eq!(best.prices, [10, 45, 0]);
}

/// Costs, by hand: 9 + 5 + 1 + 2 is least.
#[test]
fn costs_are_least_where_everybody_has_to_do_something() {
    let costs = [[7, 9, 8, 9], [2, 8, 5, 7], [1, 6, 6, 9], [3, 6, 2, 2]];
    let worths = rows(&costs.map(|row| row.map(|cost| Some(-cost)).to_vec()));
    let least = assign_most(&worths).unwrap();
    assert_eq!((least.total, least.tasks.as_slice()), (-17, &[1, 2, 0, 3].map(Some)[..]));
    assert!(least.is_proved(&worths));
}

#[test]
fn degenerate_problems_have_the_defined_answer() {
    let none: [Vec<Option<Money>>; 0] = [];
    assert_eq!(assign(&none).unwrap().tasks, []);
    assert_eq!(assign(&[vec![], vec![]]).unwrap().tasks, [None, None]);
    // Nothing is worth doing; done all the same where pairs come first.
    let costly = rows(&[vec![Some(-1), Some(0)]]);
    assert_eq!(assign(&costly).unwrap().tasks, [None]);
    assert_eq!(assign_most(&costly).unwrap().tasks, [Some(1)]);
    // Ties go to the lowest id.
    assert_eq!(assign(&rows(&vec![vec![Some(4)]; 3])).unwrap().tasks, [Some(0), None, None]);
    assert_eq!(assign(&rows(&[vec![Some(4); 3]])).unwrap().tasks, [Some(0)]);
}

#[test]
fn bad_input_is_refused_by_name() {
    let refused = assign(&rows(&[vec![None], vec![]])).unwrap_err();
    assert_eq!(refused.to_string(), "agent 1: number of worths is 0: must be one for each task");
}

#[test]
fn larger_problems_are_proved() {
    for (agents, tasks, kinds) in [(60, 40, 1_000_000), (40, 60, 3), (50, 50, 2)] {
        let worths = random(agents, tasks, kinds);
        assert!(assign(&worths).unwrap().is_proved(&worths));
        assert!(assign_most(&worths).unwrap().is_proved(&worths));
    }
}

fn random(agents: usize, tasks: usize, kinds: usize) -> Vec<Vec<Option<Money>>> {
    let mut drawn = Seeded::new(11);
    let mut worth =
        || Some(i64::try_from(drawn.below(kinds)).unwrap()).filter(|_| drawn.below(9) > 0);
    let all: Vec<Vec<Option<i64>>> =
        (0..agents).map(|_| (0..tasks).map(|_| worth()).collect()).collect();
    rows(&all)
}

/// Negative control: the best pair first, then the best of the rest, is not proved by any prices.
#[test]
fn a_greedy_assignment_is_caught() {
    let worths = rows(&[vec![Some(9), Some(8)], vec![Some(8), Some(1)]]);
    let best = assign(&worths).unwrap();
    assert_eq!(best.total, 16);
    for prices in [[0, 0], [1, 0], [7, 0], [8, 0], [8, 1]] {
        let greedy = Assignment {
            tasks: vec![Some(0), Some(1)],
            total: 10,
            prices: prices.to_vec(),
            ..best.clone()
        };
        assert!(!greedy.is_proved(&worths));
    }
}

/// Reports worths; who does a task pays its price, or does not.
struct Stated {
    pays: bool,
}

impl Mechanism for Stated {
    type Report = Vec<Option<Money>>;
    type Outcome = Assignment;
    type Utility = i128;

    fn outcome(&self, worths: &[Vec<Option<Money>>]) -> Assignment {
        assign(worths).unwrap()
    }

    fn utility(&self, who: usize, truth: &Vec<Option<Money>>, outcome: &Assignment) -> i128 {
        let Some(task) = outcome.tasks[who] else { return 0 };
        // A task that it can't do is worse than any.
        let worth = truth[task].map_or(i128::MIN / 2, |worth| i128::from(worth.units()));
        if self.pays { worth - outcome.prices[task] } else { worth }
    }

    fn lies(&self, who: usize, truths: &[Vec<Option<Money>>]) -> Vec<Vec<Option<Money>>> {
        let mut lies = vec![];
        for task in 0..truths[who].len() {
            let rivals = truths.iter().filter_map(|row| row[task]).map(Money::units);
            let around =
                rivals.flat_map(|worth| [worth - 1, worth, worth + 1, worth / 2, worth * 2]);
            for worth in around.chain([0, 1]).map(Money::new).chain([None]) {
                let mut lie = truths[who].clone();
                lie[task] = worth;
                lies.push(lie);
            }
        }
        lies
    }
}

/// Negative control: who does not pay overstates.
#[test]
fn without_prices_overstating_pays() {
    let worths = rows(&[vec![Some(5), Some(1)], vec![Some(9), Some(1)]]);
    let found =
        find_manipulation(&Stated { pays: false }, &worths).expect("the first wants task 0");
    assert_eq!((found.who, found.honest, found.dishonest), (0, 1, 5));
}
