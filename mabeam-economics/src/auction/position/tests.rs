//! The laws of both position auctions, the published figures, and what breaks the laws.

use proptest::prelude::*;

use super::super::laws::{fixed, money};
use super::super::second_price;
use super::*;
use crate::AgentId;
use crate::laws::{ManipulationOf, Mechanism, find_manipulation};

type Rule = fn(&Bids, &[Amount]) -> Result<Sale<usize>, Invalid>;

/// Clicks of each position, reserve, and what a click is worth to each bidder.
type Case = (Vec<u64>, i64, Vec<i64>);

/// A sale of positions in which bidders might lie.
struct Lying<'a> {
    rule: Rule,
    clicks: &'a [u64],
    reserve: i64,
    drawn: Vec<i64>,
}

impl Lying<'_> {
    fn sell(&self, reports: &[i64]) -> Sale<usize> {
        let bids = (0..).map(AgentId).zip(reports.iter().copied().map(money));
        let clicks: Vec<_> = self.clicks.iter().copied().map(Amount::new).collect();
        (self.rule)(&Bids::new(money(self.reserve), bids).unwrap(), &clicks).unwrap()
    }

    /// How many clicks `who` receives, and what it pays for them.
    fn got(&self, sale: &Sale<usize>, who: usize) -> (i64, i64) {
        let award = sale.award_of(AgentId(who as u64));
        award.map_or((0, 0), |award| (self.clicks[award.lot].cast_signed(), award.price.units()))
    }
}

impl Mechanism for Lying<'_> {
    type Report = i64;
    type Outcome = Sale<usize>;
    type Utility = i64;

    fn outcome(&self, reports: &[i64]) -> Sale<usize> {
        self.sell(reports)
    }

    fn utility(&self, who: usize, value: &i64, outcome: &Sale<usize>) -> i64 {
        let (clicks, price) = self.got(outcome, who);
        clicks * value - price
    }

    fn lies(&self, who: usize, truths: &[i64]) -> Vec<i64> {
        let marks = truths.iter().chain([&0, &self.reserve]);
        let around = marks.flat_map(|mark| [mark - 1, *mark, mark + 1]);
        let scaled = [truths[who] / 2, truths[who] * 2];
        around.chain(scaled).chain(self.drawn.iter().copied()).filter(|lie| *lie >= 0).collect()
    }
}

fn lying(rule: Rule, (clicks, reserve, _): &Case) -> Lying<'_> {
    Lying { rule, clicks, reserve: *reserve, drawn: Vec::new() }
}

fn found(rule: Rule, clicks: &[u64], values: &[i64]) -> Option<ManipulationOf<Lying<'static>>> {
    let found = find_manipulation(&Lying { rule, clicks, reserve: 0, drawn: vec![] }, values)?;
    let (who, lie) = (found.who, found.lie);
    Some(crate::laws::Manipulation { who, lie, honest: found.honest, dishonest: found.dishonest })
}

/// The most that the positions can be worth above the reserve to bidders other than `without`: every
/// assignment is tried.
fn best_surplus(clicks: &[u64], reserve: i64, values: &[i64], without: Option<usize>) -> i64 {
    let others = values.iter().enumerate().filter(|(who, _)| Some(*who) != without);
    let others: Vec<i64> = others.map(|(_, value)| *value).collect();
    assigned(clicks, reserve, &others)
}

fn assigned(clicks: &[u64], reserve: i64, values: &[i64]) -> i64 {
    let Some((first, rest)) = clicks.split_first() else { return 0 };
    let to_each = (0..values.len()).map(|who| {
        let mut others = values.to_vec();
        let surplus = others.remove(who) - reserve;
        first.cast_signed() * surplus + assigned(rest, reserve, &others)
    });
    to_each.max().unwrap_or(0).max(assigned(rest, reserve, values))
}

fn cases() -> impl Strategy<Value = Case> {
    let clicks = prop::collection::vec(0..40_u64, 0..4).prop_map(|mut clicks| {
        clicks.sort_unstable_by(|one, next| next.cmp(one));
        clicks
    });
    (clicks, prop_oneof![Just(0), 0..12_i64], prop::collection::vec(0..15_i64, 0..5))
}

proptest! {
    #![proptest_config(fixed(400))]

    #[test]
    fn no_lie_pays_under_vcg(case in cases(), drawn in prop::collection::vec(0..40_i64, 6)) {
        let lying = Lying { drawn, ..lying(vcg, &case) };
        prop_assert_eq!(find_manipulation(&lying, &case.2), None);
    }

    /// S(-i) - (S - v_i), S being the surplus over the reserve, and the reserve for every click.
    #[test]
    fn a_vcg_price_is_what_winning_costs_the_others_and_the_seller(case in cases()) {
        let lying = lying(vcg, &case);
        let (clicks, reserve, values) = &case;
        let sale = lying.sell(values);
        let best = best_surplus(clicks, *reserve, values, None);
        for (who, value) in values.iter().enumerate() {
            let (received, price) = lying.got(&sale, who);
            let to_others = best - received * (value - reserve);
            let cost = best_surplus(clicks, *reserve, values, Some(who)) - to_others;
            prop_assert_eq!(price, cost + received * reserve);
        }
    }

    #[test]
    fn the_positions_are_worth_as_much_as_they_can_be(case in cases()) {
        let (clicks, reserve, values) = &case;
        let best = best_surplus(clicks, *reserve, values, None);
        for rule in [gsp, vcg] {
            let lying = lying(rule, &case);
            let sale = lying.sell(values);
            let surplus = values.iter().enumerate();
            let surplus = surplus.map(|(who, value)| lying.got(&sale, who).0 * (value - reserve));
            prop_assert_eq!(surplus.sum::<i64>(), best);
        }
    }

    #[test]
    fn nobody_pays_more_than_it_bid_nor_less_than_the_reserve(case in cases()) {
        for rule in [gsp, vcg] {
            let lying = lying(rule, &case);
            let sale = lying.sell(&case.2);
            for (who, value) in case.2.iter().enumerate() {
                let (received, price) = lying.got(&sale, who);
                prop_assert!((received * case.1..=received * (*value).max(0)).contains(&price));
            }
        }
    }

    /// Edelman, Ostrovsky and Schwarz, 2007, section II.
    #[test]
    fn at_the_same_bids_gsp_charges_everybody_at_least_what_vcg_does(case in cases()) {
        let (second, clarke) = (lying(gsp, &case), lying(vcg, &case));
        let (second_sale, clarke_sale) = (second.sell(&case.2), clarke.sell(&case.2));
        for who in 0..case.2.len() {
            let (gsp, vcg) = (second.got(&second_sale, who), clarke.got(&clarke_sale, who));
            prop_assert!(gsp.0 == vcg.0 && gsp.1 >= vcg.1);
        }
    }

    #[test]
    fn one_position_of_one_click_is_a_second_price_auction((_, reserve, values) in cases()) {
        let bids = (0..).map(AgentId).zip(values.into_iter().map(money));
        let bids = Bids::new(money(reserve), bids).unwrap();
        let sale = second_price(&bids);
        let award = sale.awards().first().map(|award| (award.winner, award.price));
        for rule in [gsp, vcg] {
            let sale = rule(&bids, &[Amount::new(1)]).unwrap();
            prop_assert_eq!(sale.awards().first().map(|award| (award.winner, award.price)), award);
        }
    }

    #[test]
    fn of_equal_bids_the_lowest_id_gets_the_better_position((clicks, reserve, values) in cases()) {
        let same = vec![values.first().copied().unwrap_or(9); 4];
        for rule in [gsp, vcg] {
            let sale = lying(rule, &(clicks.clone(), reserve, vec![])).sell(&same);
            for (rank, award) in sale.awards().iter().enumerate() {
                prop_assert_eq!((award.lot, award.winner), (rank, AgentId(rank as u64)));
            }
        }
    }
}

/// Edelman, Ostrovsky and Schwarz, 2007, section II: three advertisers that value a click at 10, 4 and 2
/// dollars, two positions of 200 and 100 clicks an hour.
#[test]
fn the_paper_s_advertisers_pay_what_it_says_under_either_rule() {
    let case = (vec![200, 100], 0, vec![10, 4, 2]);
    let paid = |rule| {
        let lying = lying(rule, &case);
        let sale = lying.sell(&case.2);
        [0, 1, 2].map(|who| lying.got(&sale, who))
    };
    assert_eq!(paid(gsp), [(200, 800), (100, 200), (0, 0)]);
    assert_eq!(paid(vcg), [(200, 600), (100, 200), (0, 0)]);
}

/// The same paper's example against truthfulness: with 200 and 199 clicks the first advertiser gains 1200
/// by the truth, and 1592 by bidding 3.
#[test]
fn under_gsp_the_paper_s_first_advertiser_would_rather_be_second() {
    let (clicks, values) = ([200, 199], [10, 4, 2]);
    let found = found(gsp, &clicks, &values).unwrap();
    assert_eq!((found.who, found.lie, found.honest, found.dishonest), (0, 3, 1200, 1592));
}

/// Mistake: everybody pays for the clicks lost by who comes next, and not for those further down.
#[test]
fn a_mistake_only_the_next_bidder_s_loss_is_found() {
    let next_only: Rule = |bids, clicks| {
        let prices = clicks.iter().enumerate().map(|(place, received)| {
            let below = clicks.get(place + 1).map_or(0, |clicks| clicks.units());
            next_bid(bids, place).checked_mul(received.units() - below)
        });
        Ok(assign(bids, prices.collect()))
    };
    let (clicks, values) = ([200, 100], [10, 9, 8]);
    assert!(found(next_only, &clicks, &values).is_some());
    assert_eq!(found(vcg, &clicks, &values), None);
}

#[test]
fn clicks_that_rise_and_prices_that_overflow_are_refused() {
    let bids = Bids::new(Money::ZERO, [(AgentId(3), Money::MAX)]).unwrap();
    let refusal = |clicks: &[u64]| {
        let clicks: Vec<_> = clicks.iter().copied().map(Amount::new).collect();
        let refusals = [gsp, vcg].map(|rule| rule(&bids, &clicks).unwrap_err().to_string());
        assert_eq!(refusals[0], refusals[1]);
        refusals[0].clone()
    };
    assert_eq!(
        refusal(&[1, 0, 5]),
        "resource 2: clicks is 5: must not exceed those of the position before"
    );
    assert_eq!(
        refusal(&[2]),
        "agent 3: bid is 1000000000000000: must not exceed Money::MAX for all clicks of the first \
         position"
    );
}

#[test]
fn no_positions_no_bids_and_no_clicks_are_fine() {
    let nobody = Bids::new(Money::MAX, []).unwrap();
    let bids = Bids::new(money(2), [(AgentId(3), money(5))]).unwrap();
    for rule in [gsp, vcg] {
        assert_eq!(rule(&bids, &[]).unwrap().awards(), []);
        assert_eq!(rule(&nobody, &[Amount::MAX, Amount::MAX]).unwrap().awards(), []);
        let unseen = rule(&bids, &[Amount::ZERO]).unwrap();
        assert_eq!(
            unseen.award_of(AgentId(3)).map(|award| (award.lot, award.price)),
            Some((0, Money::ZERO))
        );
        let alone = rule(&bids, &[Amount::new(7)]).unwrap();
        assert_eq!(alone.revenue(), Some(money(14)));
    }
}
