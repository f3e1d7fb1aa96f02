//! The laws of the equilibrium, published and exact markets, and a division that breaks the laws.

use num_rational::Ratio;
use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};

/// What counts as equal: above the tolerance, since an agent's own error may be the whole of it.
const NEAR: f64 = 1e-6;

fn markets() -> impl Strategy<Value = (Vec<u64>, Vec<Vec<u64>>)> {
    (1..6_usize, 1..6_usize).prop_flat_map(|(agents, goods)| {
        let value = prop_oneof![2 => Just(0_u64), 6 => 1..10_u64, 1 => 1..1_000_u64];
        (
            prop::collection::vec(prop_oneof![1 => Just(0_u64), 6 => 1..5_u64], agents),
            prop::collection::vec(prop::collection::vec(value, goods), agents),
        )
    })
}

fn buys(income: u64, values: &[u64]) -> bool {
    income > 0 && values.iter().any(|&value| value > 0)
}

fn spent(market: &Equilibrium, who: usize) -> f64 {
    market.shares[who].iter().zip(&market.prices).map(|(share, price)| share * price).sum()
}

/// The conditions of an equilibrium, one by one: the goods clear, everybody spends its income, and
/// only on best buys.
fn in_equilibrium(incomes: &[u64], values: &[Vec<u64>], market: &Equilibrium) -> bool {
    let clears = (0..market.prices.len()).all(|good| {
        let given: f64 = market.shares.iter().map(|row| row[good]).sum();
        let wanted = incomes.iter().zip(values).any(|(&income, row)| income > 0 && row[good] > 0);
        (given - f64::from(u8::from(wanted))).abs() < 1e-12
    });
    let spends = (0..incomes.len()).all(|who| {
        let income = if buys(incomes[who], &values[who]) { incomes[who] as f64 } else { 0.0 };
        (spent(market, who) - income).abs() <= NEAR * (1.0 + income)
    });
    let best_buys = (0..incomes.len()).all(|who| {
        let buy = |good: usize| values[who][good] as f64 / market.prices[good];
        let goods = || (0..market.prices.len()).filter(|&good| market.prices[good] > 0.0);
        let best = goods().map(buy).fold(0.0, f64::max);
        goods().all(|good| market.shares[who][good] < NEAR || buy(good) >= best * (1.0 - NEAR))
    });
    clears && spends && best_buys
}

/// A market's equilibrium. About one drawn market in a hundred thousand is told to be unproved, as is
/// documented: there is nothing to be looked at then.
fn proved(incomes: &[u64], values: &[Vec<u64>]) -> Result<Equilibrium, TestCaseError> {
    proved_or_not(fisher_market(incomes, values))
}

fn proved_or_not(market: Result<Equilibrium, CeeiError>) -> Result<Equilibrium, TestCaseError> {
    match market {
        Err(CeeiError::Unproved { .. }) => Err(TestCaseError::reject("unproved")),
        market => Ok(market.unwrap()),
    }
}

proptest! {
    #[test]
    fn goods_clear_incomes_are_spent_and_only_on_best_buys((incomes, values) in markets()) {
        let market = proved(&incomes, &values)?;
        prop_assert!(in_equilibrium(&incomes, &values, &market), "{:?}", market);
        prop_assert!((0.0..=TOLERANCE).contains(&market.excess));
    }

    #[test]
    fn nobody_envies_what_another_bought_by_income((incomes, values) in markets()) {
        let market = proved(&incomes, &values)?;
        for (who, values) in values.iter().enumerate().filter(|(who, _)| incomes[*who] > 0) {
            for other in (0..incomes.len()).filter(|&other| incomes[other] > 0) {
                let by = incomes[who] as f64 / incomes[other] as f64;
                let theirs = utility(values, &market.shares[other]) * by;
                prop_assert!(theirs <= market.utilities[who] * (1.0 + NEAR) + NEAR);
            }
        }
    }

    #[test]
    fn everybody_gets_at_least_its_part_of_everything((incomes, values) in markets()) {
        let market = proved(&incomes, &values)?;
        let all: u64 = incomes.iter().sum();
        for (who, row) in values.iter().enumerate().filter(|(who, _)| incomes[*who] > 0) {
            let part = incomes[who] as f64 / all as f64;
            let everything = row.iter().sum::<u64>() as f64;
            prop_assert!(market.utilities[who] >= everything * part * (1.0 - NEAR));
        }
    }

    #[test]
    fn no_division_has_more_of_the_weighted_logarithms(
        (incomes, values) in markets(), other in prop::collection::vec(0.01..1.0_f64, 36)
    ) {
        let market = proved(&incomes, &values)?;
        let goods = market.prices.len();
        let mut shares: Vec<Vec<f64>> =
            (0..incomes.len()).map(|who| other[who * 6..who * 6 + goods].to_vec()).collect();
        clear(&mut shares, goods);
        let (mut gain, mut weights) = (0.0, 0.0);
        for who in (0..incomes.len()).filter(|&who| buys(incomes[who], &values[who])) {
            let ratio = utility(&values[who], &shares[who]) / market.utilities[who];
            gain += incomes[who] as f64 * ratio.ln();
            weights += incomes[who] as f64;
        }
        prop_assert!(gain <= market.excess * weights + 1e-9);
    }

    #[test]
    fn an_agent_s_unit_of_value_does_not_matter((incomes, values) in markets(), by in 2..9_u64) {
        let scaled: Vec<Vec<u64>> = values
            .iter()
            .zip(0_u64..)
            .map(|(row, who)| row.iter().map(|value| value * (1 + who * by)).collect())
            .collect();
        let (a, b) = (fisher_market(&incomes, &values), fisher_market(&incomes, &scaled));
        let (a, b) = (proved_or_not(a)?, proved_or_not(b)?);
        let pairs = a.prices.into_iter().zip(b.prices);
        prop_assert!(pairs.into_iter().all(|(a, b)| (a - b).abs() <= NEAR * (1.0 + a)));
    }
}

/// Two agents who value two goods 70, 30 and 60, 40, solved by hand in fractions: the second is
/// indifferent, so the prices are as 60 to 40, sum to 2, and the first spends 1 of 6/5 on the first.
#[test]
fn a_market_solved_in_fractions_comes_out() {
    let (p, q) = (Ratio::new(6, 5), Ratio::new(4, 5));
    let first_of_p = Ratio::new(1, 1) / p;
    assert_eq!((Ratio::from_integer(1) - first_of_p) * p + q, Ratio::from_integer(1));
    let market = equal_incomes(&[vec![70, 30], vec![60, 40]]).unwrap();
    let shares = [[5.0 / 6.0, 0.0], [1.0 / 6.0, 1.0]];
    for (row, exact) in market.shares.iter().zip(shares) {
        assert!(
            row.iter().zip(exact).all(|(share, exact)| (share - exact).abs() < 1e-8),
            "{row:?}"
        );
    }
    assert_eq!(market.shares[0][1].to_bits(), 0.0_f64.to_bits());
    assert!((market.prices[0] - 1.2).abs() < 1e-8 && (market.prices[1] - 0.8).abs() < 1e-8);
}

/// One good: everybody's part is its part of the incomes, whatever it is worth to it.
#[test]
fn one_good_is_divided_in_proportion_to_the_incomes() {
    let market = fisher_market(&[1, 2, 5], &[vec![1_000_000], vec![3], vec![1]]).unwrap();
    let exact = [0.125, 0.25, 0.625];
    assert!(market.shares.iter().zip(exact).all(|(row, exact)| (row[0] - exact).abs() < 1e-6));
    assert!((market.prices[0] - 8.0).abs() < 1e-8);
}

#[test]
fn degenerate_markets_have_the_defined_answer() {
    assert!(equal_incomes(&[]).unwrap().shares.is_empty());
    assert_eq!(equal_incomes(&[vec![], vec![]]).unwrap().utilities, [0.0; 2]);
    let market = fisher_market(&[1, 0, 1], &[vec![2, 0, 0], vec![9, 9, 0], vec![0, 0, 0]]).unwrap();
    assert_eq!(market.shares, [[1.0, 0.0, 0.0], [0.0; 3], [0.0; 3]]);
    assert!((market.prices[0] - 1.0).abs() < 1e-12);
    assert_eq!(market.prices[1..], [0.0; 2]);
}

#[test]
fn values_of_every_size_are_proved_or_refused() {
    let sizes = [0, 1, 1_000, 1_000_000_000, MAX_VALUE];
    let mut drawn = crate::seeded::Seeded::new(5);
    let mut proved = 0;
    for _ in 0..200 {
        let mut pick = || sizes[drawn.below(sizes.len())];
        let values: Vec<Vec<u64>> = (0..4).map(|_| (0..4).map(|_| pick()).collect()).collect();
        let incomes: Vec<u64> = (0..4).map(|_| pick()).collect();
        match fisher_market(&incomes, &values) {
            Ok(market) => {
                proved += 1;
                assert!(market.excess <= TOLERANCE);
            }
            Err(refused) => assert!(matches!(refused, CeeiError::Unproved { .. }), "{refused}"),
        }
    }
    assert!(proved > 100, "{proved}");
}

#[test]
fn bad_input_is_refused_by_name() {
    let said = |incomes: &[u64], values: &[Vec<u64>]| {
        fisher_market(incomes, values).unwrap_err().to_string()
    };
    assert_eq!(
        said(&[1, 1], &[vec![1, 2], vec![3]]),
        "agent 1: number of values is 1: must be one for each good"
    );
    assert!(said(&[1], &[]).starts_with("the problem: number of incomes is 1"));
    assert!(said(&[u64::MAX], &[vec![1]]).starts_with("agent 0: income is 18446744073709551615"));
    assert!(said(&[1], &[vec![u64::MAX]]).starts_with("agent 0: value is"));
}

/// Negative control: half of everything to each is fair, but no equilibrium.
#[test]
fn an_equal_division_is_caught() {
    let (incomes, values) = ([1, 1], [vec![70, 30], vec![60, 40]]);
    let market = fisher_market(&incomes, &values).unwrap();
    let halves = vec![vec![0.5; 2]; 2];
    let equal = Equilibrium { shares: halves, utilities: vec![50.0; 2], ..market };
    assert!(!in_equilibrium(&incomes, &values, &equal));
}

/// Reports values; utility is in thousandths of a unit of the true values: a lie has to pay well above
/// the tolerance to count.
struct StatedValues;

impl Mechanism for StatedValues {
    type Report = Vec<u64>;
    type Outcome = Equilibrium;
    type Utility = i64;

    fn outcome(&self, values: &[Vec<u64>]) -> Equilibrium {
        equal_incomes(values).unwrap()
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most thousands of thousandths")]
    fn utility(&self, who: usize, truth: &Vec<u64>, outcome: &Equilibrium) -> i64 {
        (utility(truth, &outcome.shares[who]) * 1e3).round() as i64
    }

    fn lies(&self, who: usize, truths: &[Vec<u64>]) -> Vec<Vec<u64>> {
        let [a, b] = truths[who][..] else { return vec![] };
        (0..40).step_by(5).flat_map(|less| [vec![a - less, b + less], vec![a, b + less]]).collect()
    }
}

/// Negative control: the first agent shades its value of the good that it wants more than the other,
/// whose price falls.
#[test]
fn shading_a_value_pays() {
    let truths = [vec![70, 30], vec![40, 60]];
    let found = find_manipulation(&StatedValues, &truths).expect("CEEI is manipulable");
    assert!(found.dishonest > found.honest + 1_000, "{found:?}");
}
