//! The laws of the mechanism, held against trying out everything, and mechanisms that break them.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::samples::{
    GOODS, auctions, bid, brute_force, brute_force_prices, is_feasible, money, prices, proved,
};
use super::{Auction, Bid, Limits, MAX_COMPETING_BIDS, Outcome};
use crate::laws::{Mechanism, find_manipulation};
use crate::seeded::Seeded;
use crate::{AgentId, Money};

/// The places of the winning bids.
fn winners(auction: &Auction) -> Vec<usize> {
    let proved = proved(auction);
    let place = |winner: &&Bid| {
        auction
            .bids()
            .iter()
            .position(|bid| std::ptr::eq(bid, *winner))
            .expect("a bid of the auction")
    };
    proved.allocation().winners().iter().map(place).collect()
}

proptest! {
    #[test]
    fn the_allocation_is_efficient_and_ties_go_to_the_lowest_id(auction in auctions()) {
        let all: Vec<usize> = (0..auction.bids().len()).collect();
        let (welfare, best) = brute_force(auction.bids(), &all);
        prop_assert_eq!(proved(&auction).allocation().welfare(), money(welfare));
        prop_assert!(is_feasible(auction.bids(), &best));
        prop_assert_eq!(winners(&auction), best);
    }

    #[test]
    fn a_winner_pays_what_it_costs_the_others(auction in auctions()) {
        prop_assert_eq!(prices(&proved(&auction)), brute_force_prices(auction.bids()));
    }

    #[test]
    fn nobody_pays_more_than_its_bid_and_nobody_is_paid(auction in auctions()) {
        let proved = proved(&auction);
        let sale = proved.payments(&Limits::default()).unwrap();
        prop_assert_eq!(sale.awards().len(), proved.allocation().winners().len());
        for winner in proved.allocation().winners() {
            let award = sale.award_of(winner.bidder).unwrap();
            prop_assert_eq!(&award.lot, &winner.goods);
            prop_assert!(award.price >= Money::ZERO && award.price <= winner.value);
        }
    }

    #[test]
    fn the_order_of_the_bidders_does_not_matter(auction in auctions(), seed: u64) {
        let mut bidders: Vec<u64> = (0..5).collect();
        Seeded::new(seed).shuffle(&mut bidders);
        let own = |bidder: &u64| -> Vec<Bid> {
            let bids = auction.bids().iter().filter(|bid| bid.bidder == AgentId(*bidder));
            bids.cloned().collect()
        };
        let shuffled = Auction::new(GOODS, bidders.iter().flat_map(own).collect()).unwrap();
        let (one, other) = (proved(&auction), proved(&shuffled));
        prop_assert_eq!(one.allocation(), other.allocation());
        prop_assert_eq!(prices(&one), prices(&other));
    }

    #[test]
    fn payments_scale_with_the_values(auction in auctions(), factor in 1..20_i64) {
        let times = |by| {
            let value = |of: &Bid| money(of.value.units() / 100 * by);
            let scaled = auction.bids().iter().map(|of| Bid { value: value(of), ..of.clone() });
            Auction::new(GOODS, scaled.collect())
        };
        let (one, many) = (times(1).unwrap(), times(factor).unwrap());
        prop_assert_eq!(winners(&one), winners(&many));
        let expected: BTreeMap<u64, i64> =
            prices(&proved(&one)).into_iter().map(|(who, price)| (who, price * factor)).collect();
        prop_assert_eq!(prices(&proved(&many)), expected);
    }
}

proptest! {
    // Some hundred lies for each.
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn stating_the_truth_is_dominant(truths in all_preferences()) {
        prop_assert_eq!(find_manipulation(&Vcg, &truths), None);
    }
}

/// What one bidder says it would pay for bundles, of which it wants one.
type Preferences = Vec<(Vec<usize>, i64)>;

fn all_preferences() -> impl Strategy<Value = Vec<Preferences>> {
    let bundle =
        prop::collection::btree_set(0..3_usize, 1..3).prop_map(|goods| goods.into_iter().collect());
    prop::collection::vec(prop::collection::vec((bundle, 1..12_i64), 1..3), 2..5)
}

fn stated(reports: &[Preferences]) -> Vec<Bid> {
    let of_bidder = |(bidder, preferences): (u64, &Preferences)| {
        let bids = preferences.iter().map(|(goods, value)| bid(bidder, goods, *value));
        bids.collect::<Vec<_>>()
    };
    (0..).zip(reports).flat_map(of_bidder).collect()
}

/// What each bidder gets and pays.
type Result = BTreeMap<u64, (Vec<usize>, i64)>;

/// What a bundle and its price are worth to somebody: it can throw goods away.
fn utility(who: usize, truth: &Preferences, result: &Result) -> i64 {
    result.get(&(who as u64)).map_or(0, |(won, price)| {
        let has = |goods: &Vec<usize>| goods.iter().all(|good| won.contains(good));
        let values = truth.iter().filter(|(goods, _)| has(goods)).map(|(_, value)| *value);
        values.max().unwrap_or(0) - price
    })
}

/// Shading, inflating, hiding, asking for more or less, and just above and below every rival value.
fn lies(who: usize, truths: &[Preferences]) -> Vec<Preferences> {
    let truth = &truths[who];
    let mut lies = vec![Vec::new(), vec![((0..3).collect(), 40)]];
    let rivals = truths.iter().flatten().flat_map(|(_, value)| [value - 1, value + 1]);
    let levels: Vec<i64> = rivals.chain([1, 40]).filter(|&value| value > 0).collect();
    for own in 0..truth.len() {
        for &level in &levels {
            let mut lie = truth.clone();
            lie[own].1 = level;
            lies.push(lie);
        }
        let mut hidden = truth.clone();
        hidden.remove(own);
        lies.push(hidden);
        let split = truth[own].0.iter().map(|&good| (vec![good], truth[own].1));
        lies.push(truth.iter().cloned().chain(split).collect());
        let more = ((0..3).collect(), truth[own].1);
        lies.push(truth.iter().cloned().chain([more]).collect());
    }
    let times = |numerator: i64, denominator: i64| {
        let scaled = |(goods, value): &(Vec<usize>, i64)| {
            (goods.clone(), (value * numerator / denominator).max(1))
        };
        truth.iter().map(scaled).collect()
    };
    lies.extend([times(1, 2), times(3, 4), times(2, 1)]);
    lies
}

/// Winner determination with a payment rule: what a winner pays, of the welfare without it, what
/// the others have with it, and its bid.
fn sell(reports: &[Preferences], price: impl Fn(i64, i64, i64) -> i64) -> Result {
    let auction = Auction::new(3, stated(reports)).unwrap();
    let proved = proved(&auction);
    let clarke = prices(&proved);
    let welfare = proved.allocation().welfare().units();
    let award = |winner: &&Bid| {
        let (who, value) = (winner.bidder.0, winner.value.units());
        let others = welfare - value;
        (who, (winner.goods.clone(), price(clarke[&who] + others, others, value)))
    };
    proved.allocation().winners().iter().map(award).collect()
}

/// A mechanism from a rule that turns reports into a result.
macro_rules! mechanism {
    ($(#[$doc:meta])* $name:ident, $rule:expr) => {
        $(#[$doc])*
        struct $name;

        impl Mechanism for $name {
            type Report = Preferences;
            type Outcome = Result;
            type Utility = i64;

            fn outcome(&self, reports: &[Preferences]) -> Result {
                let rule: fn(&[Preferences]) -> Result = $rule;
                rule(reports)
            }

            fn utility(&self, who: usize, truth: &Preferences, outcome: &Result) -> i64 {
                utility(who, truth, outcome)
            }

            fn lies(&self, who: usize, truths: &[Preferences]) -> Vec<Preferences> {
                lies(who, truths)
            }
        }
    };
}

mechanism!(
    /// The mechanism of this module.
    Vcg, |reports| sell(reports, |without, others, _| without - others)
);
mechanism!(
    /// Negative control: everybody pays its bid.
    PayAsBid, |reports| sell(reports, |_, _, bid| bid)
);
mechanism!(
    /// Mutation: a unit too much.
    OneMore, |reports| sell(reports, |without, others, _| without - others + 1)
);
mechanism!(
    /// Mutation: half way between the Clarke payment and the bid.
    HalfWay, |reports| sell(reports, |without, others, bid| bid - (bid + others - without) / 2)
);
mechanism!(
    /// Negative control: Clarke payments for an allocation that was not proved to be the best.
    Greedy, greedy
);

/// The highest bids first, with payments as if that were the best allocation.
fn greedy(reports: &[Preferences]) -> Result {
    let mut bids = stated(reports);
    bids.sort_by_key(|bid| std::cmp::Reverse(bid.value));
    let fill = |without: Option<AgentId>| {
        let mut chosen: Vec<usize> = Vec::new();
        for place in 0..bids.len() {
            chosen.push(place);
            if Some(bids[place].bidder) == without || !is_feasible(&bids, &chosen) {
                chosen.pop();
            }
        }
        let worth: i64 = chosen.iter().map(|&place| bids[place].value.units()).sum();
        (chosen, worth)
    };
    let (chosen, welfare) = fill(None);
    let award = |&place: &usize| {
        let Bid { bidder, goods, value } = &bids[place];
        let price = fill(Some(*bidder)).1 - (welfare - value.units());
        (bidder.0, (goods.clone(), price))
    };
    chosen.iter().map(award).collect()
}

/// Whether one of some small auctions has a lie that pays.
fn is_manipulable(mechanism: &impl Mechanism<Report = Preferences>) -> bool {
    let mut draw = Seeded::new(3);
    (0..40).any(|_| {
        let mut preferences = || {
            let first = draw.below(3);
            let mut goods = vec![first];
            if draw.below(2) == 0 {
                goods.push((first + 1) % 3);
            }
            vec![(goods, 1 + i64::try_from(draw.below(9)).unwrap())]
        };
        let truths = vec![preferences(), preferences(), preferences()];
        find_manipulation(mechanism, &truths).is_some()
    })
}

#[test]
fn rules_that_are_not_vcg_are_caught_and_vcg_is_not() {
    assert!(!is_manipulable(&Vcg));
    assert!(is_manipulable(&PayAsBid));
    assert!(is_manipulable(&OneMore));
    assert!(is_manipulable(&HalfWay));
    assert!(is_manipulable(&Greedy));
}

#[test]
fn payments_that_are_off_by_a_unit_differ_from_trying_out_everything() {
    let auction =
        Auction::new(2, vec![bid(1, &[0, 1], 10), bid(2, &[0], 8), bid(3, &[1], 6)]).unwrap();
    let mut mutated = prices(&proved(&auction));
    assert_eq!(mutated, brute_force_prices(auction.bids()));
    *mutated.get_mut(&2).unwrap() += 1;
    assert_ne!(mutated, brute_force_prices(auction.bids()));
}

#[test]
fn an_auction_without_goods_or_bids_sells_nothing() {
    for auction in [Auction::new(0, Vec::new()).unwrap(), Auction::new(3, Vec::new()).unwrap()] {
        let proved = proved(&auction);
        assert_eq!(proved.allocation().winners().len(), 0);
        assert_eq!(proved.allocation().welfare(), Money::ZERO);
        assert!(prices(&proved).is_empty());
    }
}

#[test]
fn a_bid_of_nothing_never_wins() {
    let auction = Auction::new(2, vec![bid(1, &[0], 0), bid(2, &[1], 1)]).unwrap();
    assert_eq!(winners(&auction), [1]);
}

#[test]
fn who_competes_with_nobody_pays_nothing() {
    let bids = vec![bid(1, &[0], 7), bid(2, &[1], 5), bid(2, &[2], 4), bid(3, &[3, 4], 3)];
    let auction = Auction::new(5, bids).unwrap();
    assert_eq!(prices(&proved(&auction)), BTreeMap::from([(1, 0), (2, 0), (3, 0)]));
}

#[test]
fn invalid_bids_are_refused_by_their_place() {
    let refusal = |goods, bids| Auction::new(goods, bids).unwrap_err().to_string();
    let fine = bid(1, &[0], 1);
    assert_eq!(
        refusal(2, vec![fine.clone(), bid(2, &[0], -5)]),
        "bid 1: value is -5: must be at least zero"
    );
    assert_eq!(
        refusal(2, vec![fine.clone(), bid(2, &[], 5)]),
        "bid 1: goods is empty: must name a good"
    );
    assert_eq!(
        refusal(2, vec![fine.clone(), bid(2, &[1, 2], 5)]),
        "bid 1: good is 2: must be one of the goods for sale"
    );
    assert_eq!(
        refusal(2, vec![fine, bid(2, &[1, 0, 1], 5)]),
        "bid 1: good is 1: must not be named twice"
    );
}

#[test]
fn values_may_add_up_to_the_largest_money_and_no_further() {
    let most = Money::MAX.units();
    let whole = vec![bid(1, &[0], most - 1), bid(1, &[1], most - 2), bid(2, &[1], 1)];
    let auction = Auction::new(2, whole.clone()).unwrap();
    assert_eq!(proved(&auction).allocation().welfare(), Money::MAX);
    let more = whole.into_iter().chain([bid(3, &[1], 1)]).collect();
    assert_eq!(
        Auction::new(2, more).unwrap_err().to_string(),
        "the problem: sum of highest values is 1000000000000001: must be at most 10^15 minor units"
    );
}

#[test]
fn as_many_bids_may_compete_as_promised_and_no_more() {
    let bids = |count: usize| (0..).take(count).map(|bidder| bid(bidder, &[0], 1)).collect();
    assert!(Auction::new(1, bids(MAX_COMPETING_BIDS)).is_ok());
    assert_eq!(
        Auction::new(1, bids(MAX_COMPETING_BIDS + 1)).unwrap_err().to_string(),
        "the problem: competing bids is 8193: must be at most 8192"
    );
    let apart =
        (0..).take(MAX_COMPETING_BIDS + 1).map(|good| bid(good as u64, &[good], 1)).collect();
    assert!(Auction::new(MAX_COMPETING_BIDS + 1, apart).is_ok());
}

#[test]
fn there_is_no_payment_without_the_proof_of_each_welfare() {
    let auction = super::cats::generate(super::cats::Family::Arbitrary, 24, 60, 1).unwrap();
    let proved = proved(&auction);
    let none = Limits { work: 0, deadline: None };
    let refused = proved.payments(&none).unwrap_err();
    assert!(proved.allocation().winners().iter().any(|winner| winner.bidder == refused.without));
}

#[test]
fn a_deadline_that_has_passed_leaves_a_feasible_allocation_and_a_true_bound() {
    let auction = super::cats::generate(super::cats::Family::Arbitrary, 24, 60, 1).unwrap();
    let best = proved(&auction).allocation().welfare();
    let over = Limits { deadline: Some(std::time::Instant::now()), ..Limits::default() };
    let Outcome::Feasible(feasible) = auction.solve(&over) else { panic!("proved in no time") };
    assert!(feasible.allocation().welfare() <= best && best <= feasible.bound());
}
