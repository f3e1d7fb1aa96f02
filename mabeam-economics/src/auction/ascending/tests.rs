//! Where the clock closes, and that staying while the price is at most one's value is obviously best:
//! every history of small clocks is tried.

use proptest::prelude::*;

use super::super::laws::{Terms, Values, ascending, cases, fixed, honest, money};
use super::*;

/// What is left to `who` of the worth of what it clinched.
fn gain(clock: &AscendingClock, who: AgentId, values: &[i64]) -> i64 {
    let sale = clock.clinched();
    sale.award_of(who).map_or(0, |award| {
        let units = usize::try_from(award.lot.units()).unwrap();
        values.iter().take(units).sum::<i64>() - award.price.units()
    })
}

/// What `question` sells to somebody who answers by its values.
fn truth(question: Question, values: &[i64]) -> u64 {
    values.iter().filter(|&&value| value >= question.price.units()).count() as u64
}

/// The clock after this answer.
fn answered(clock: &AscendingClock, units: u64) -> AscendingClock {
    let mut clock = clock.clone();
    clock.answer(Amount::new(units));
    clock
}

/// A bidder, its values, and the price beyond which nobody's answers are tried.
struct Watched<'a> {
    who: AgentId,
    values: &'a [i64],
    dear: i64,
}

impl Watched<'_> {
    fn all_answers(&self) -> impl Iterator<Item = u64> + use<> {
        0..=self.values.len() as u64
    }

    /// The worst that can happen to who goes on by its values.
    fn worst(&self, clock: &AscendingClock) -> i64 {
        match clock.question().filter(|question| question.price.units() <= self.dear) {
            None => gain(clock, self.who, self.values),
            Some(question) if question.bidder == self.who => {
                self.worst(&answered(clock, truth(question, self.values)))
            }
            Some(_) => {
                self.all_answers().map(|units| self.worst(&answered(clock, units))).min().unwrap()
            }
        }
    }

    /// The best that can happen, whatever anybody says from here on.
    fn best(&self, clock: &AscendingClock) -> i64 {
        match clock.question().filter(|question| question.price.units() <= self.dear) {
            None => gain(clock, self.who, self.values),
            Some(_) => {
                self.all_answers().map(|units| self.best(&answered(clock, units))).max().unwrap()
            }
        }
    }

    /// Li, 2017: wherever truth may have led, the best that another answer can bring is no better than
    /// the worst that the truth can.
    fn truth_is_obvious(&self, clock: &AscendingClock) -> bool {
        let Some(question) = clock.question().filter(|asked| asked.price.units() <= self.dear)
        else {
            return true;
        };
        if question.bidder != self.who {
            return self.all_answers().all(|units| self.truth_is_obvious(&answered(clock, units)));
        }
        let truth = truth(question, self.values);
        let honest = answered(clock, truth);
        let worst = self.worst(&honest);
        let mut others = self.all_answers().filter(|units| *units != truth);
        others.all(|units| self.best(&answered(clock, units)) <= worst)
            && self.truth_is_obvious(&honest)
    }
}

/// Whether truth is obviously dominant for everybody with any of these values, in steps of `step` from 0.
fn obvious_for_all(supply: u64, step: i64, bidders: u64, values: &[&[i64]], dear: i64) -> bool {
    let wanted = values.first().map_or(0, |values| values.len() as u64);
    let demands = (0..bidders).map(|bidder| (AgentId(bidder), Amount::new(wanted)));
    let clock = AscendingClock::clinching(Amount::new(supply), Money::ZERO, money(step), demands);
    let clock = clock.unwrap();
    (0..bidders).map(AgentId).all(|who| {
        values.iter().all(|values| Watched { who, values, dear }.truth_is_obvious(&clock))
    })
}

#[test]
fn in_an_english_auction_truth_is_obviously_dominant() {
    let values: [&[i64]; 5] = [&[0], &[1], &[2], &[3], &[4]];
    assert!(obvious_for_all(1, 1, 2, &values, 6));
    assert!(obvious_for_all(1, 1, 3, &values, 5));
    assert!(obvious_for_all(1, 3, 3, &values, 9));
}

/// Negative control of the check itself: with several units to be had, asking for fewer may bring the
/// others cheaper, if the rivals answer strangely. Clinching is not obviously strategy-proof.
#[test]
fn in_a_clinching_auction_truth_is_best_but_not_obviously() {
    assert!(!obvious_for_all(2, 1, 2, &[&[3, 3]], 5));
}

proptest! {
    #![proptest_config(fixed(400))]

    #[test]
    fn an_english_clock_closes_between_the_second_value_and_that_plus_one_increment(
        (terms, reports, _) in cases(1, 1..=1)
    ) {
        let (clock, second) = closed(terms, &reports);
        let closed_at = clock.price().units();
        prop_assert!((second..=second + terms.step).contains(&closed_at));
        if let Some(award) = clock.sale().unwrap().awards().first() {
            let price = award.price.units();
            prop_assert!([closed_at, closed_at - terms.step].contains(&price));
            prop_assert!((price - second).abs() <= terms.step);
        }
    }

    #[test]
    fn with_values_on_its_steps_an_english_clock_sells_at_the_second_value_or_one_increment_more(
        (terms, reports, _) in cases(1, 1..=1)
    ) {
        let on_a_step = |value: &i64| terms.reserve + value * terms.step;
        let reports: Vec<Values> =
            reports.iter().map(|values| values.iter().map(on_a_step).collect()).collect();
        let (clock, second) = closed(terms, &reports);
        if let Some(award) = clock.sale().unwrap().awards().first() {
            prop_assert!([second, second + terms.step].contains(&award.price.units()));
            let best = reports.iter().flatten().max();
            prop_assert_eq!(reports[usize::try_from(award.winner.0).unwrap()].first(), best);
        }
    }

    #[test]
    fn nobody_pays_a_price_that_it_has_not_accepted((terms, reports, _) in cases(1, 1..=1)) {
        let mut clock = ascending(terms, &reports);
        let mut accepted = vec![terms.reserve; reports.len()];
        let mut out = vec![false; reports.len()];
        while let Some(question) = clock.question() {
            let who = usize::try_from(question.bidder.0).unwrap();
            let answer = honest(question, &reports);
            clock.answer(answer);
            if answer == Amount::ZERO {
                out[who] = true;
            } else {
                accepted[who] = question.price.units();
            }
        }
        for award in clock.sale().unwrap().awards() {
            let who = usize::try_from(award.winner.0).unwrap();
            prop_assert!(!out[who] && award.price.units() == accepted[who]);
        }
    }

    #[test]
    fn any_answers_at_all_sell_the_supply_and_no_more(
        supply in 0..6_u64,
        demands in prop::collection::vec(0..5_u64, 0..5),
        answers in prop::collection::vec(0..7_u64, 1..20),
    ) {
        let wanted: u64 = demands.iter().sum();
        let bidders = (0..).map(AgentId).zip(demands.iter().copied().map(Amount::new));
        let clock = AscendingClock::clinching(Amount::new(supply), money(5), money(2), bidders);
        let mut answers = answers.into_iter().chain(std::iter::repeat(0));
        let sale = clock.unwrap().run(|_| Amount::new(answers.next().unwrap()));
        let sold = Amount::total(sale.awards().iter().map(|award| award.lot)).unwrap();
        prop_assert_eq!(sold.units(), wanted.min(supply));
    }
}

/// The clock once it has closed, and the second value or the reserve.
fn closed(terms: Terms, reports: &[Values]) -> (AscendingClock, i64) {
    let mut clock = ascending(terms, reports);
    while let Some(question) = clock.question() {
        clock.answer(honest(question, reports));
    }
    let mut values: Vec<i64> = reports.iter().flatten().copied().collect();
    values.sort_unstable();
    let second = values.iter().rev().nth(1).copied().unwrap_or(0);
    (clock, second.max(terms.reserve))
}

#[test]
fn a_clock_that_can_t_rise_any_more_closes_in_favour_of_the_lowest_id() {
    let bidders = [AgentId(2), AgentId(1)];
    let reserve = money(Money::MAX.units() - 1);
    let clock = AscendingClock::english(reserve, money(1), bidders).unwrap();
    let sale = clock.run(|_| Amount::MAX);
    assert_eq!(sale.award_of(AgentId(1)).map(|award| award.price), Some(Money::MAX));
    let several = [(AgentId(1), Amount::MAX), (AgentId(2), Amount::MAX)];
    let clock = AscendingClock::clinching(Amount::MAX, Money::ZERO, money(1), several).unwrap();
    assert_eq!(
        clock.run(|_| Amount::MAX).award_of(AgentId(1)).map(|award| award.lot),
        Some(Amount::MAX)
    );
}

#[test]
fn answers_beyond_what_is_possible_count_as_the_nearest_that_is() {
    let demands = [(AgentId(1), Amount::new(2)), (AgentId(2), Amount::new(2))];
    let clock = AscendingClock::clinching(Amount::new(3), Money::ZERO, money(1), demands);
    let mut clock = clock.unwrap();
    assert_eq!(clock.clinched().awards().len(), 2, "each has clinched what the other can't want");
    clock.answer(Amount::new(9));
    assert_eq!(clock.question(), Some(Question { bidder: AgentId(1), price: money(1) }));
    assert_eq!(clock.sale(), None);
    clock.answer(Amount::ZERO);
    let sale = clock.sale().unwrap();
    let awards = sale.awards().iter().map(|award| (award.lot.units(), award.price.units()));
    assert_eq!(awards.collect::<Vec<_>>(), [(1, 0), (2, 1)]);
    clock.answer(Amount::ZERO);
    assert_eq!(clock.sale(), Some(sale), "the clock has closed");
}

#[test]
fn who_is_alone_wins_at_the_reserve_without_being_asked() {
    let clock = AscendingClock::english(money(7), money(1), [AgentId(4)]).unwrap();
    assert_eq!(clock.question(), None);
    assert_eq!(clock.sale().unwrap().revenue(), Some(money(7)));
}

#[test]
fn bad_terms_are_refused() {
    let refusal = |reserve, increment, bidders: &[u64]| {
        let bidders = bidders.iter().copied().map(AgentId);
        AscendingClock::english(money(reserve), money(increment), bidders).unwrap_err().to_string()
    };
    assert_eq!(refusal(-1, 1, &[]), "the problem: reserve is -1: must not be negative");
    assert_eq!(refusal(0, 0, &[]), "the problem: increment is 0: must be positive");
    assert_eq!(refusal(0, 1, &[3, 3]), "agent 3: id is 3: must appear once");
    let beyond = AscendingClock::clinching(Amount::MAX, money(1), money(1), []);
    assert_eq!(
        beyond.unwrap_err().to_string(),
        "the problem: reserve is 1: must not exceed Money::MAX for the whole supply"
    );
}
