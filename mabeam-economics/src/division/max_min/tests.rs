//! The laws of max-min fair division, and a mechanism that breaks them.

use proptest::prelude::*;

use super::*;

/// A way to divide a capacity among demands.
type Division = fn(Amount, &[Amount]) -> Vec<Amount>;

/// Small numbers make ties and remainders common; large ones reach the type's end.
fn amounts() -> impl Strategy<Value = Amount> {
    prop_oneof![4 => 0..60_u64, 1 => any::<u64>()].prop_map(Amount::new)
}

fn problems() -> impl Strategy<Value = (Amount, Vec<Amount>)> {
    (amounts(), prop::collection::vec(amounts(), 0..12))
}

fn sum(amounts: &[Amount]) -> u128 {
    amounts.iter().map(|amount| u128::from(amount.units())).sum()
}

/// No claimant who lacks holds less, by more than the one unit that can't be split, than another.
fn is_max_min(demands: &[Amount], shares: &[Amount]) -> bool {
    let richest = shares.iter().max().copied().unwrap_or_default().units();
    demands
        .iter()
        .zip(shares)
        .all(|(demand, share)| share == demand || share.units().saturating_add(1) >= richest)
}

/// What `claimant` can use of its share if it states `claim` instead of its demand.
fn useful(
    divide: Division,
    capacity: Amount,
    demands: &[Amount],
    claimant: usize,
    claim: Amount,
) -> Amount {
    let mut stated = demands.to_vec();
    stated[claimant] = claim;
    divide(capacity, &stated)[claimant].min(demands[claimant])
}

/// Everybody receives in proportion to what it asks for: the negative control.
fn proportional(capacity: Amount, demands: &[Amount]) -> Vec<Amount> {
    let asked = sum(demands).max(1);
    let capacity = u128::from(capacity.units()).min(asked);
    let share = |demand: &Amount| u128::from(demand.units()) * capacity / asked;
    demands.iter().map(|demand| Amount::new(u64::try_from(share(demand)).unwrap())).collect()
}

proptest! {
    #[test]
    fn nobody_receives_more_than_it_asked_for((capacity, demands) in problems()) {
        let shares = max_min_fair(capacity, &demands);
        prop_assert_eq!(shares.len(), demands.len());
        prop_assert!(shares.iter().zip(&demands).all(|(share, demand)| share <= demand));
    }

    #[test]
    fn the_capacity_is_used_up_or_every_demand_is_met((capacity, demands) in problems()) {
        let shares = max_min_fair(capacity, &demands);
        let dividable = sum(&demands).min(u128::from(capacity.units()));
        prop_assert_eq!(sum(&shares), dividable);
    }

    #[test]
    fn who_lacks_holds_as_much_as_anybody((capacity, demands) in problems()) {
        let shares = max_min_fair(capacity, &demands);
        prop_assert!(is_max_min(&demands, &shares), "{:?}", shares);
    }

    #[test]
    fn nobody_envies_a_share_by_more_than_the_unit_that_can_t_be_split(
        (capacity, demands) in problems()
    ) {
        let shares = max_min_fair(capacity, &demands);
        for (demand, own) in demands.iter().zip(&shares) {
            for other in &shares {
                let useful_of_other = other.min(demand).units();
                prop_assert!(useful_of_other <= own.units().saturating_add(1));
            }
        }
    }

    #[test]
    fn the_undivided_units_go_to_the_first_in_order((capacity, demands) in problems()) {
        let shares = max_min_fair(capacity, &demands);
        let lacking: Vec<Amount> = demands
            .iter()
            .zip(&shares)
            .filter(|(demand, share)| share < demand)
            .map(|(_, share)| *share)
            .collect();
        prop_assert!(lacking.is_sorted_by(|earlier, later| earlier >= later), "{:?}", lacking);
    }

    #[test]
    fn a_false_demand_gains_nothing(
        (capacity, demands, claimant, claim) in problems()
            .prop_filter("somebody asks", |(_, demands)| !demands.is_empty())
            .prop_flat_map(|(capacity, demands)| {
                let claimants = 0..demands.len();
                (Just(capacity), Just(demands), claimants, amounts())
            })
    ) {
        let honest = useful(max_min_fair, capacity, &demands, claimant, demands[claimant]);
        let false_claim = useful(max_min_fair, capacity, &demands, claimant, claim);
        prop_assert!(false_claim <= honest);
    }

    #[test]
    fn more_capacity_takes_from_nobody((capacity, demands) in problems(), more in amounts()) {
        let larger = capacity.checked_add(more).unwrap_or(Amount::MAX);
        let (before, after) = (max_min_fair(capacity, &demands), max_min_fair(larger, &demands));
        prop_assert!(before.iter().zip(&after).all(|(before, after)| before <= after));
    }
}

/// S. Keshav, *An Engineering Approach to Computer Networking*, 1997, chapter 9, in tenths: demands
/// of 2, 2.6, 4 and 5 on a link of 10 are given 2, 2.6, 2.7 and 2.7.
#[test]
fn the_textbook_s_example_comes_out_as_printed() {
    let demands = [20, 26, 40, 50].map(Amount::new);
    let shares = max_min_fair(Amount::new(100), &demands);
    assert_eq!(shares, [20, 26, 27, 27].map(Amount::new));
}

#[test]
fn more_claimants_than_units_leave_the_last_without() {
    let demands = [Amount::new(5); 3];
    let shares = max_min_fair(Amount::new(2), &demands);
    assert_eq!(shares, [1, 1, 0].map(Amount::new));
}

/// Negative control: proportional division breaks the max-min law and rewards a false demand.
#[test]
fn proportional_division_breaks_both_laws() {
    let (capacity, demands) = (Amount::new(10), [2, 18].map(Amount::new));
    let shares = proportional(capacity, &demands);
    assert_eq!(shares, [1, 9].map(Amount::new));
    assert!(!is_max_min(&demands, &shares));

    let honest = useful(proportional, capacity, &demands, 0, demands[0]);
    let exaggerated = useful(proportional, capacity, &demands, 0, Amount::new(18));
    assert!(exaggerated > honest);
}

/// Negative control: the law against false demands holds for a fixed set of claimants. Who appears as
/// two gains.
#[test]
fn a_claimant_that_splits_its_demand_in_two_gains() {
    let capacity = Amount::new(10);
    assert_eq!(max_min_fair(capacity, &[10, 10].map(Amount::new)), [5, 5].map(Amount::new));
    let split = max_min_fair(capacity, &[5, 5, 10].map(Amount::new));
    assert_eq!(split, [4, 3, 3].map(Amount::new));
    assert_eq!(Amount::total(split[..2].iter().copied()), Some(Amount::new(7)));
}

fn claims(least: usize) -> impl Strategy<Value = Vec<Claim>> {
    let claim = (amounts(), 0..6_u32).prop_map(|(demand, weight)| Claim { demand, weight });
    prop::collection::vec(claim, least..10)
}

/// Raises everybody's level, demand by demand, in exact fractions `(units, weight)`: the oracle. What
/// each may hold, rounded down and rounded up.
fn by_filling(capacity: u64, claims: &[Claim]) -> Vec<(u128, u128)> {
    let mut left = u128::from(capacity);
    let mut open: Vec<usize> = (0..claims.len()).filter(|&who| claims[who].weight > 0).collect();
    let mut held = vec![(0, 0); claims.len()];
    loop {
        let weight: u128 = open.iter().map(|&who| u128::from(claims[who].weight)).sum();
        let met = open.iter().position(|&who| {
            u128::from(claims[who].demand.units()) * weight <= left * u128::from(claims[who].weight)
        });
        let Some(met) = met else {
            for who in open {
                let part = left * u128::from(claims[who].weight);
                held[who] = (part / weight, part.div_ceil(weight));
            }
            return held;
        };
        let who = open.remove(met);
        let demand = u128::from(claims[who].demand.units());
        left -= demand;
        held[who] = (demand, demand);
    }
}

proptest! {
    #[test]
    fn weighted_shares_are_the_exact_ones_rounded_down_or_up(
        capacity in amounts(), claims in claims(0)
    ) {
        let shares = weighted_max_min_fair(capacity, &claims);
        for (share, (down, up)) in shares.iter().zip(by_filling(capacity.units(), &claims)) {
            let share = u128::from(share.units());
            prop_assert!((down..=up).contains(&share), "{share} is not in {down}..={up}");
        }
    }

    #[test]
    fn weighted_the_capacity_is_used_up_or_every_demand_that_counts_is_met(
        capacity in amounts(), claims in claims(0)
    ) {
        let asked: Vec<Amount> =
            claims.iter().filter(|it| it.weight > 0).map(|it| it.demand).collect();
        let dividable = sum(&asked).min(u128::from(capacity.units()));
        prop_assert_eq!(sum(&weighted_max_min_fair(capacity, &claims)), dividable);
    }

    #[test]
    fn equal_weights_are_no_weights((capacity, demands) in problems(), weight in 1..9_u32) {
        let claims: Vec<Claim> =
            demands.iter().map(|&demand| Claim { demand, weight }).collect();
        prop_assert_eq!(weighted_max_min_fair(capacity, &claims), max_min_fair(capacity, &demands));
    }

    #[test]
    fn a_weighted_claimant_gains_at_most_the_unit_of_rounding_by_a_false_demand(
        capacity in amounts(),
        claims in claims(1),
        place in any::<prop::sample::Index>(),
        lie in amounts(),
    ) {
        let (who, mut stated) = (place.index(claims.len()), claims.clone());
        stated[who].demand = lie;
        let useful = |claims_made: &[Claim]| {
            weighted_max_min_fair(capacity, claims_made)[who].min(claims[who].demand).units()
        };
        prop_assert!(useful(&stated) <= useful(&claims).saturating_add(1));
    }
}

/// S. Keshav, *An Engineering Approach to Computer Networking*, 1997, section 9.3.1, in thousandths
/// and half weights: demands of 4, 2, 10 and 4 with weights of 2.5, 4, 0.5 and 1 on a link of 16 are
/// given 4, 2, 6 and 4.
#[test]
fn the_textbook_s_weighted_example_comes_out_as_printed() {
    let claim = |demand, weight| Claim { demand: Amount::new(demand), weight };
    let claims = [claim(4_000, 5), claim(2_000, 8), claim(10_000, 1), claim(4_000, 2)];
    let shares = weighted_max_min_fair(Amount::new(16_000), &claims);
    assert_eq!(shares, [4_000, 2_000, 6_000, 4_000].map(Amount::new));
}

#[test]
fn who_has_no_weight_gets_nothing_of_what_remains() {
    let claims =
        [(3, 0), (3, 1)].map(|(demand, weight)| Claim { demand: Amount::new(demand), weight });
    assert_eq!(weighted_max_min_fair(Amount::new(10), &claims), [0, 3].map(Amount::new));
    assert_eq!(weighted_max_min_fair(Amount::new(10), &[]), []);
}
