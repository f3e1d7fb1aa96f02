//! The laws of the auctions of identical units, all of them held by the same harness; the auctions that
//! must break one, and rules with a mistake in them that the harness must notice.

use std::iter;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::*;
use crate::laws::{ManipulationOf, Mechanism, find_manipulation};
use crate::{AgentId, Amount, Money};

mod broken;
mod held;
mod published;

/// What somebody would pay for its first unit, for its second, and so on.
pub(super) type Values = Vec<i64>;

/// What is sold, and for how much at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    pub(super) supply: u64,
    pub(super) reserve: i64,
    /// Of the clocks.
    pub(super) step: i64,
}

/// An auction among bidders 0, 1, 2, ... who state their values, or answer by them.
pub(super) type Auction = fn(Terms, &[Values]) -> Sale;

pub(super) fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

/// The bidders' sealed bids.
pub(super) fn unit_bids(terms: Terms, reports: &[Values]) -> UnitBids {
    let bidders = (0..).map(AgentId).zip(reports);
    let bidders = bidders.map(|(bidder, values)| (bidder, values.iter().copied().map(money)));
    UnitBids::new(money(terms.reserve), bidders).unwrap()
}

/// How many units `question` sells to somebody who answers by its values.
pub(super) fn honest(question: Question, reports: &[Values]) -> Amount {
    let values = &reports[usize::try_from(question.bidder.0).unwrap()];
    Amount::new(values.iter().filter(|&&value| value >= question.price.units()).count() as u64)
}

pub(super) fn ascending(terms: Terms, reports: &[Values]) -> AscendingClock {
    let reserve = money(terms.reserve);
    let wanted = (0..reports.len() as u64)
        .map(AgentId)
        .map(|bidder| (bidder, honest(Question { bidder, price: reserve }, reports)));
    let supply = Amount::new(terms.supply);
    AscendingClock::clinching(supply, reserve, money(terms.step), wanted).unwrap()
}

fn descending(terms: Terms, reports: &[Values]) -> Sale {
    let highest = reports.iter().flatten().copied().max().unwrap_or(0);
    let start = money(highest.max(terms.reserve));
    let (supply, step, reserve) =
        (Amount::new(terms.supply), money(terms.step), money(terms.reserve));
    let bidders = (0..reports.len() as u64).map(AgentId);
    let clock = DescendingClock::new(supply, start, step, reserve, bidders).unwrap();
    let mut bought = vec![0; reports.len()];
    clock.run(|question| {
        let bought: &mut u64 = &mut bought[usize::try_from(question.bidder.0).unwrap()];
        let wanted = honest(question, reports).units();
        let more = wanted.saturating_sub(*bought);
        *bought = wanted.max(*bought);
        Amount::new(more)
    })
}

const PAY_AS_BID: Auction =
    |terms, reports| pay_as_bid(&unit_bids(terms, reports), Amount::new(terms.supply));
const VICKREY: Auction =
    |terms, reports| vickrey(&unit_bids(terms, reports), Amount::new(terms.supply));
const HIGHEST_LOSING: Auction = |terms, reports| {
    let bids = unit_bids(terms, reports);
    uniform_price(&bids, Amount::new(terms.supply), ClearingPrice::HighestLosing)
};
const LOWEST_WINNING: Auction = |terms, reports| {
    let bids = unit_bids(terms, reports);
    uniform_price(&bids, Amount::new(terms.supply), ClearingPrice::LowestWinning)
};
const ASCENDING: Auction =
    |terms, reports| ascending(terms, reports).run(|question| honest(question, reports));
const DESCENDING: Auction = descending;

const SEALED: [Auction; 4] = [PAY_AS_BID, VICKREY, HIGHEST_LOSING, LOWEST_WINNING];
const ALL: [Auction; 6] =
    [PAY_AS_BID, VICKREY, HIGHEST_LOSING, LOWEST_WINNING, ASCENDING, DESCENDING];

/// What `values` say that `units` units are worth.
fn worth(values: &Values, units: u64) -> i64 {
    values.iter().take(usize::try_from(units).unwrap()).sum()
}

/// What `who` won, and what it pays.
fn got(sale: &Sale, who: usize) -> (u64, i64) {
    let award = sale.award_of(AgentId(who as u64));
    award.map_or((0, 0), |award| (award.lot.units(), award.price.units()))
}

/// What is left of what `who` won after paying for it.
fn gain(sale: &Sale, who: usize, values: &Values) -> i64 {
    let (units, price) = got(sale, who);
    worth(values, units) - price
}

/// An auction whose bidders might lie.
pub(super) struct Lying {
    pub(super) auction: Auction,
    pub(super) terms: Terms,
    /// Lies that were drawn, besides those that suggest themselves.
    pub(super) drawn: Vec<Values>,
}

impl Mechanism for Lying {
    type Report = Values;
    type Outcome = Sale;
    type Utility = i64;

    fn outcome(&self, reports: &[Values]) -> Sale {
        (self.auction)(self.terms, reports)
    }

    fn utility(&self, who: usize, truth: &Values, outcome: &Sale) -> i64 {
        gain(outcome, who, truth)
    }

    /// Asks for fewer units; shades, inflates; all units, or all but the first, just above, at and just
    /// below a rival's bid or the reserve; asks for more units than it wants.
    fn lies(&self, who: usize, truths: &[Values]) -> Vec<Values> {
        let truth = &truths[who];
        let marks = truths.iter().flatten().copied().chain([0, self.terms.reserve]);
        let mut lies: Vec<Values> = (0..truth.len()).map(|units| truth[..units].to_vec()).collect();
        for mark in marks.flat_map(|mark| [mark - 1, mark, mark + 1]).filter(|mark| *mark >= 0) {
            lies.push(vec![mark; truth.len()]);
            lies.push(truth.iter().map(|&value| value.min(mark)).collect());
            lies.push(truth.iter().map(|&value| value.max(mark)).collect());
            let first = truth.first().copied().into_iter();
            lies.push(first.chain(truth.iter().skip(1).map(|&value| value.min(mark))).collect());
        }
        for (of, out_of) in [(1, 2), (9, 10), (11, 10), (2, 1)] {
            lies.push(truth.iter().map(|&value| value * of / out_of).collect());
        }
        let last = truth.last().copied();
        lies.push(truth.iter().copied().chain(last).collect());
        lies.extend(self.drawn.iter().cloned());
        lies
    }
}

/// The lie that pays in `auction`.
fn manipulation(auction: Auction, (terms, reports, drawn): &Case) -> Option<ManipulationOf<Lying>> {
    find_manipulation(&Lying { auction, terms: *terms, drawn: drawn.clone() }, reports)
}

/// Terms, everybody's values, and lies to try.
type Case = (Terms, Vec<Values>, Vec<Values>);

/// Few values, so that ties are common.
fn values(units: usize) -> impl Strategy<Value = Values> {
    prop::collection::vec(0..25_i64, 0..=units).prop_map(|mut values| {
        values.sort_unstable_by(|one, next| next.cmp(one));
        values
    })
}

/// Bidders that want up to `units` units each.
pub(super) fn cases(
    units: usize,
    supplies: std::ops::RangeInclusive<u64>,
) -> impl Strategy<Value = Case> {
    let terms = (supplies, prop_oneof![Just(0), 0..20_i64], 1..8_i64);
    let terms = terms.prop_map(|(supply, reserve, step)| Terms { supply, reserve, step });
    let reports = prop::collection::vec(values(units), 0..6);
    (terms, reports, prop::collection::vec(values(units), 0..8))
}

/// The same cases in every run.
pub(super) fn fixed(cases: u32) -> ProptestConfig {
    let (rng_seed, failure_persistence) = (RngSeed::Fixed(0x0a0c_7105), None);
    ProptestConfig { cases, rng_seed, failure_persistence, ..ProptestConfig::default() }
}

/// The most that `supply` units can be worth, a unit that is not sold being worth the reserve, to
/// bidders other than `without`.
fn best_worth(terms: Terms, reports: &[Values], without: Option<usize>) -> i64 {
    let supply = usize::try_from(terms.supply).unwrap();
    let unsold = |units: usize| terms.reserve * i64::try_from(units).unwrap();
    let mut best: Vec<i64> = (0..=supply).map(unsold).collect();
    for (who, values) in reports.iter().enumerate().filter(|(who, _)| Some(*who) != without) {
        let with = |units: usize| {
            let own = 0..=units.min(values.len());
            own.map(|own| best[units - own] + worth(&reports[who], own as u64)).max().unwrap()
        };
        best = (0..=supply).map(with).collect();
    }
    best[supply]
}

/// What the sale of `reports` is worth, with the unsold units at the reserve.
fn worth_of(terms: Terms, reports: &[Values], sale: &Sale) -> i64 {
    let lots = (0..reports.len()).map(|who| (who, got(sale, who).0));
    let sold: u64 = lots.clone().map(|(_, units)| units).sum();
    let unsold = i64::try_from(terms.supply - sold).unwrap();
    lots.map(|(who, units)| worth(&reports[who], units)).sum::<i64>() + unsold * terms.reserve
}
