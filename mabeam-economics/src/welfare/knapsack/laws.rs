//! The laws of the fractional knapsack, an exact oracle for one resource, and a rule that breaks them.

use num_rational::Ratio;
use proptest::prelude::*;

use super::*;
use crate::laws::{Mechanism, find_manipulation};
use crate::seeded::Seeded;

/// How many billionths of the bound the value may be short of it, beside one billionth of the
/// largest worth for each fractional share.
const TOLERANCE: i128 = 1_000;

fn request<const R: usize>(worth: i64, demand: [u64; R]) -> Request<R> {
    Request { worth: Money::new(worth).unwrap(), demand: demand.map(Amount::new) }
}

/// Small numbers make ties and degenerate corners common.
fn requests<const R: usize>() -> impl Strategy<Value = Vec<Request<R>>> {
    let numbers = || prop_oneof![6 => 0..12_u64, 1 => 0..1_000_000_u64];
    let one = (-2..30_i64, prop::array::uniform::<_, R>(numbers()));
    prop::collection::vec(one.prop_map(|(worth, demand)| request(worth, demand)), 0..40)
}

fn capacities<const R: usize>() -> impl Strategy<Value = [Amount; R]> {
    let numbers = prop_oneof![1 => Just(0_u64), 6 => 1..60_u64, 1 => 0..10_000_000_u64];
    prop::array::uniform::<_, R>(numbers.prop_map(Amount::new))
}

fn used<const R: usize>(requests: &[Request<R>], granted: &Granted<R>, resource: usize) -> u128 {
    let one = |(request, &share): (&Request<R>, &u32)| {
        u128::from(request.demand[resource].units()) * u128::from(share)
    };
    requests.iter().zip(&granted.shares).map(one).sum()
}

fn fits<const R: usize>(
    capacities: [Amount; R],
    requests: &[Request<R>],
    granted: &Granted<R>,
) -> bool {
    let whole = u128::from(WHOLE);
    (0..R).all(|r| used(requests, granted, r) <= u128::from(capacities[r].units()) * whole)
}

/// Whether the value reaches the bound, as far as billionths go.
fn is_proved<const R: usize>(requests: &[Request<R>], granted: &Granted<R>) -> bool {
    let largest: i128 =
        requests.iter().map(|one| one.worth.units().max(0).into()).max().unwrap_or(0);
    let slack = largest * (2 * R as i128 + 1) + granted.bound / 1_000_000_000 * TOLERANCE + 1;
    granted.value <= granted.bound && granted.bound - granted.value <= slack
}

fn obeys_the_laws<const R: usize>(capacities: [Amount; R], requests: &[Request<R>]) -> bool {
    let granted = grant(capacities, requests);
    fits(capacities, requests, &granted) && is_proved(requests, &granted)
}

/// The largest worth with one resource, exactly: the best ratios first (G. B. Dantzig, 1957).
fn greedy_optimum(capacity: Amount, requests: &[Request<1>]) -> Ratio<i128> {
    let mut sorted: Vec<(i128, i128)> = requests
        .iter()
        .map(|one| (i128::from(one.worth.units()), i128::from(one.demand[0].units())))
        .filter(|(worth, _)| *worth > 0)
        .collect();
    sorted.sort_by(|a, b| (b.0 * a.1).cmp(&(a.0 * b.1)));
    let (mut left, mut value) = (i128::from(capacity.units()), Ratio::from_integer(0));
    for (worth, demand) in sorted {
        let taken = demand.min(left);
        let share = if demand == 0 { Ratio::from_integer(1) } else { Ratio::new(taken, demand) };
        value += share * worth;
        left -= taken;
    }
    value
}

proptest! {
    #[test]
    fn one_resource_fits_and_reaches_its_bound(c in capacities::<1>(), all in requests::<1>()) {
        prop_assert!(obeys_the_laws(c, &all), "{:?}", grant(c, &all));
    }

    #[test]
    fn two_resources_fit_and_reach_their_bound(c in capacities::<2>(), all in requests::<2>()) {
        prop_assert!(obeys_the_laws(c, &all), "{:?}", grant(c, &all));
    }

    #[test]
    fn four_resources_fit_and_reach_their_bound(c in capacities::<4>(), all in requests::<4>()) {
        prop_assert!(obeys_the_laws(c, &all), "{:?}", grant(c, &all));
    }

    #[test]
    fn eight_resources_fit_and_reach_their_bound(c in capacities::<8>(), all in requests::<8>()) {
        prop_assert!(obeys_the_laws(c, &all), "{:?}", grant(c, &all));
    }

    #[test]
    fn the_exact_optimum_is_between_the_value_and_the_bound(
        [capacity] in capacities::<1>(), all in requests::<1>()
    ) {
        let granted = grant([capacity], &all);
        let optimum = greedy_optimum(capacity, &all) * i128::from(WHOLE);
        prop_assert!(Ratio::from_integer(granted.value) <= optimum);
        prop_assert!(optimum <= Ratio::from_integer(granted.bound));
    }

    #[test]
    fn who_is_worth_more_than_its_cost_gets_all_and_who_is_worth_less_nothing(
        c in capacities::<3>(), all in requests::<3>()
    ) {
        let granted = grant(c, &all);
        for (one, &share) in all.iter().zip(&granted.shares) {
            let possible = worth_granting(c, one);
            let cost: f64 =
                one.demand.iter().zip(granted.prices).map(|(d, p)| d.units() as f64 * p).sum();
            let surplus = one.worth.units() as f64 - cost;
            if possible && surplus > 1e-6 { prop_assert_eq!(share, WHOLE); }
            if surplus < -1e-6 * (1.0 + cost) { prop_assert_eq!(share, 0); }
        }
    }

    #[test]
    fn a_larger_capacity_is_never_worth_less(
        c in capacities::<2>(), all in requests::<2>(), more in 0..100_u64
    ) {
        let larger = c.map(|amount| Amount::new(amount.units() + more));
        // Between the two stands the optimum of the smaller.
        prop_assert!(grant(larger, &all).bound >= grant(c, &all).value);
    }

    #[test]
    fn the_order_of_the_requests_does_not_change_the_worth(
        c in capacities::<3>(), all in requests::<3>(), seed in any::<u64>()
    ) {
        let mut shuffled = all.clone();
        Seeded::new(seed).shuffle(&mut shuffled);
        let (a, b) = (grant(c, &all), grant(c, &shuffled));
        prop_assert!(a.value <= b.bound && b.value <= a.bound);
    }

    #[test]
    fn other_units_change_nothing(c in capacities::<2>(), all in requests::<2>(), by in 1..9_u64) {
        let scaled: Vec<Request<2>> = all
            .iter()
            .map(|one| {
                let demand = one.demand.map(|d| Amount::new(d.units() << by));
                Request { worth: one.worth, demand }
            })
            .collect();
        let larger = c.map(|amount| Amount::new(amount.units() << by));
        prop_assert_eq!(grant(larger, &scaled).shares, grant(c, &all).shares);
    }
}

/// T. H. Cormen, C. E. Leiserson, R. L. Rivest and C. Stein, *Introduction to Algorithms*, section
/// 15.2 (16.2 before the 4th edition): items of $60, $100, $120 and 10, 20, 30 pounds, a knapsack of
/// 50 pounds: the fractional optimum is $240.
#[test]
fn the_textbook_s_knapsack_is_worth_what_is_printed() {
    let requests = [request(60, [10]), request(100, [20]), request(120, [30])];
    let granted = grant([Amount::new(50)], &requests);
    assert_eq!(granted.shares, [WHOLE, WHOLE, 666_666_666]);
    assert!((0..2).contains(&(granted.bound - 240 * i128::from(WHOLE))));
    assert!(is_proved(&requests, &granted));
}

/// The Wyndor Glass problem, F. S. Hillier and G. J. Lieberman, *Introduction to Operations Research*,
/// section 3.1: max 3x + 5y, x <= 4, 2y <= 12, 3x + 2y <= 18 is 36 at (2, 6), with the shadow prices
/// 0, 3/2 and 1 (section 4.7). The shares are of 8 and of 12.
#[test]
fn the_textbook_s_program_and_its_shadow_prices_come_out_as_printed() {
    let requests = [request(24, [8, 0, 24]), request(60, [0, 24, 24])];
    let granted = grant([4, 12, 18].map(Amount::new), &requests);
    assert_eq!(granted.shares, [WHOLE / 4, WHOLE / 2]);
    assert_eq!(granted.value, 36 * i128::from(WHOLE));
    assert!((0..2).contains(&(granted.bound - granted.value)));
    assert!(
        granted
            .prices
            .iter()
            .zip([0.0, 1.5, 1.0])
            .all(|(price, printed)| (price - printed).abs() < 1e-9)
    );
}

#[test]
fn degenerate_problems_have_the_defined_answer() {
    assert!(grant::<2>([Amount::ZERO; 2], &[]).shares.is_empty());
    let requests =
        [request(5, [0, 0]), request(5, [1, 0]), request(0, [0, 0]), request(-3, [0, 0])];
    let granted = grant([Amount::ZERO, Amount::new(7)], &requests);
    assert_eq!(granted.shares, [WHOLE, 0, 0, 0]);
    assert_eq!(
        (granted.value, granted.bound, granted.gap().to_bits()),
        (5_000_000_000, 5_000_000_000, 0)
    );
    assert_eq!(grant([], &[request(2, [])]).shares, [WHOLE]);
}

#[test]
fn the_largest_numbers_neither_overflow_nor_lose_the_proof() {
    let most = Request { worth: Money::MAX, demand: [Amount::MAX, Amount::new(1)] };
    let least = request(1, [1, u64::MAX]);
    let requests = [most, least, most, request(7, [3, 3])];
    for capacity in [1, 1_000, u64::MAX / 3, u64::MAX] {
        let granted = grant([Amount::new(capacity), Amount::MAX], &requests);
        assert!(fits([Amount::new(capacity), Amount::MAX], &requests, &granted));
        assert!(is_proved(&requests, &granted), "{granted:?}");
    }
}

/// `many` requests of which the capacities hold about a third.
fn market<const R: usize>(many: usize, kinds: usize) -> ([Amount; R], Vec<Request<R>>) {
    let mut drawn = Seeded::new(7);
    let mut below = |bound| drawn.below(bound) as u64;
    let kinds: Vec<Request<R>> = (0..kinds)
        .map(|_| {
            let demand = std::array::from_fn(|_| below(1_000));
            request(1 + i64::try_from(below(1_000_000)).unwrap(), demand)
        })
        .collect();
    let all = kinds.iter().copied().cycle().take(many).collect();
    ([Amount::new(500 * many as u64 / 3); R], all)
}

#[test]
fn problems_that_are_sifted_reach_their_bound() {
    for (many, kinds) in [(2_049, 2_049), (20_000, 20_000), (6_000, 3)] {
        let (capacities, all) = market::<3>(many, kinds);
        let granted = grant(capacities, &all);
        assert!(fits(capacities, &all, &granted) && is_proved(&all, &granted));
        assert!(granted.gap() < 1e-9, "{}", granted.gap());
    }
}

/// Negative controls: two rules that look right, and the laws that catch them.
#[test]
fn rules_that_forget_something_are_caught() {
    // Forgets the second resource.
    let (capacities, requests) =
        ([4, 1].map(Amount::new), [request(3, [1, 1]), request(3, [1, 1]), request(9, [4, 0])]);
    let first: Vec<Request<1>> =
        requests.iter().map(|one| request(one.worth.units(), [one.demand[0].units()])).collect();
    let forgetful = grant([capacities[0]], &first);
    let shares = forgetful.shares;
    let real = grant(capacities, &requests);
    assert!(!fits(capacities, &requests, &Granted { shares, ..real.clone() }));

    // Takes the worthiest first, whatever they demand.
    let greedy = Granted { shares: vec![0, 0, WHOLE], value: 9 * i128::from(WHOLE), ..real };
    assert!(fits(capacities, &requests, &greedy) && !is_proved(&requests, &greedy));
}

/// Reports a worth; utility is the granted share of the true worth: nobody pays.
struct StatedWorth;

impl Mechanism for StatedWorth {
    type Report = i64;
    type Outcome = Vec<u32>;
    type Utility = i128;

    fn outcome(&self, worths: &[i64]) -> Vec<u32> {
        let all: Vec<Request<1>> = worths.iter().map(|&worth| request(worth, [2])).collect();
        grant([Amount::new(3)], &all).shares
    }

    fn utility(&self, who: usize, truth: &i64, outcome: &Vec<u32>) -> i128 {
        i128::from(*truth) * i128::from(outcome[who])
    }

    fn lies(&self, who: usize, truths: &[i64]) -> Vec<i64> {
        vec![truths[who] * 2, truths[who] / 2, truths[who] * 100]
    }
}

/// Negative control: without payments, overstating what one's share is worth pays.
#[test]
fn overstating_one_s_worth_pays() {
    let found =
        find_manipulation(&StatedWorth, &[5, 9]).expect("half a share is less than a whole");
    assert_eq!((found.who, found.lie), (0, 10));
    assert_eq!((found.honest, found.dishonest), (5 * 500_000_000, 5 * i128::from(WHOLE)));
}
