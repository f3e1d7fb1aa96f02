//! Negative controls: auctions that can be manipulated, and mistakes. The harness finds a lie or a
//! broken promise in each.

use super::held::{a_higher_id_wins_a_tie, somebody_loses};
use super::*;

const ONE: Terms = Terms { supply: 1, reserve: 0, step: 1 };
const TWO: Terms = Terms { supply: 2, ..ONE };

/// Who lies, what it says, what that gains.
fn found(auction: Auction, terms: Terms, reports: &[&[i64]]) -> Option<(usize, Values, i64)> {
    let reports = reports.iter().map(|values| values.to_vec()).collect();
    let found = manipulation(auction, &(terms, reports, Vec::new()))?;
    Some((found.who, found.lie, found.dishonest - found.honest))
}

#[test]
fn a_first_price_bid_is_shaded_to_just_what_wins() {
    assert_eq!(found(PAY_AS_BID, ONE, &[&[9], &[5]]), Some((0, vec![5], 4)));
}

#[test]
fn a_dutch_auction_rewards_waiting() {
    assert_eq!(found(DESCENDING, ONE, &[&[9], &[5]]), Some((0, vec![5], 4)));
}

#[test]
fn a_discriminatory_auction_rewards_bidding_the_same_for_all_units() {
    assert!(found(PAY_AS_BID, TWO, &[&[9, 8], &[5]]).is_some());
}

/// Demand reduction: the bid for the second unit would lose, and sets the price of the first.
#[test]
fn at_the_highest_losing_bid_asking_for_fewer_units_pays() {
    let found = found(HIGHEST_LOSING, TWO, &[&[10, 6], &[8]]);
    assert_eq!(found, Some((0, vec![10], 6)));
}

/// Demand reduction: a bid that would win is withdrawn so that the rest costs less.
#[test]
fn at_the_highest_losing_bid_giving_up_a_unit_pays() {
    let found = found(HIGHEST_LOSING, TWO, &[&[10, 9], &[6]]);
    assert_eq!(found, Some((0, vec![10], 3)));
}

#[test]
fn the_lowest_winning_bid_is_shaded_even_by_who_wants_one_unit() {
    assert_eq!(found(LOWEST_WINNING, ONE, &[&[9], &[5]]), Some((0, vec![5], 4)));
}

/// A Vickrey auction of one good whose price is the bid at `place`.
fn priced_at(terms: Terms, reports: &[Values], place: usize) -> Sale {
    let bids = unit_bids(terms, reports);
    let price = bids.ranked().get(place).map_or(bids.reserve(), |bid| bid.price);
    bids.sell(Amount::new(1), |_, _, _| Some(price))
}

#[test]
fn a_mistake_the_third_price_is_found() {
    let third: Auction = |terms, reports| priced_at(terms, reports, 2);
    assert_eq!(found(third, ONE, &[&[7], &[9], &[5]]), Some((0, vec![9], 2)));
    let second: Auction = |terms, reports| priced_at(terms, reports, 1);
    assert_eq!(found(second, ONE, &[&[7], &[9], &[5]]), None);
}

#[test]
fn a_mistake_the_reserve_admits_but_does_not_price_is_found() {
    let unpriced: Auction = |terms, reports| {
        let admitted = unit_bids(terms, reports);
        let all = unit_bids(Terms { reserve: 0, ..terms }, reports);
        let second = all.ranked().get(1).map_or(Money::ZERO, |bid| bid.price);
        admitted.sell(Amount::new(1), |_, _, _| Some(second))
    };
    let reserved = Terms { reserve: 10, ..ONE };
    assert_eq!(found(unpriced, reserved, &[&[5], &[3]]), Some((0, vec![10], 2)));
}

#[test]
fn a_mistake_one_s_own_losing_bids_count_is_found() {
    let own_too: Auction = |terms, reports| {
        let bids = unit_bids(terms, reports);
        bids.sell(Amount::new(terms.supply), |_, won, lost| {
            let lost = lost.iter().map(|bid| bid.price);
            Money::total(lost.chain(iter::repeat(bids.reserve())).take(won.len()))
        })
    };
    assert_eq!(found(own_too, TWO, &[&[10, 6], &[8]]), Some((0, vec![10], 6)));
}

#[test]
fn a_mistake_every_unit_costs_the_winner_the_highest_losing_bid_of_others_is_found() {
    let same_for_all: Auction = |terms, reports| {
        let bids = unit_bids(terms, reports);
        bids.sell(Amount::new(terms.supply), |winner, won, lost| {
            let highest = lost.iter().find(|bid| bid.bidder != winner);
            let price = highest.map_or(bids.reserve(), |bid| bid.price);
            price.checked_mul(won.len() as u64)
        })
    };
    assert_eq!(found(same_for_all, TWO, &[&[10, 9], &[6, 1]]), Some((0, vec![10], 2)));
}

/// A clock that charges what it shows, though the winner never accepted it.
#[test]
fn a_mistake_the_price_at_which_the_clock_closed_is_found() {
    let closing: Auction = |terms, reports| {
        let mut clock = ascending(terms, reports);
        while let Some(question) = clock.question() {
            clock.answer(honest(question, reports));
        }
        Sale::new(
            clock.clinched().awards().iter().map(|award| Award { price: clock.price(), ..*award }),
        )
    };
    let reports = [vec![7], vec![7]];
    assert!(somebody_loses(&reports, &closing(ONE, &reports)));
    assert!(found(closing, ONE, &[&[7], &[7]]).is_some());
}

/// Of equal bids, a rule prefers the one of the later bidder.
#[test]
fn a_mistake_in_the_tie_rule_is_found() {
    let latest: Auction = |terms, reports| {
        let reversed: Vec<Values> = reports.iter().rev().cloned().collect();
        let last = reports.len() as u64 - 1;
        let sale = VICKREY(terms, &reversed);
        Sale::new(
            sale.awards()
                .iter()
                .map(|award| Award { winner: AgentId(last - award.winner.0), ..*award }),
        )
    };
    let reports = [vec![7], vec![7]];
    assert!(a_higher_id_wins_a_tie(&reports, &latest(ONE, &reports)));
    assert!(!a_higher_id_wins_a_tie(&reports, &VICKREY(ONE, &reports)));
}

/// Prices are in tens, and of bids that are equal in tens the higher wins: a tie that the bidders
/// themselves can break.
#[test]
fn a_mistake_a_tie_that_the_bid_itself_breaks_is_found() {
    let by_bid: Auction = |terms, reports| {
        let bids = unit_bids(terms, reports);
        let price = bids.ranked().get(1).map_or(bids.reserve(), |bid| bid.price);
        bids.sell(Amount::new(1), |_, _, _| Some(money(price.units() / 10 * 10)))
    };
    assert_eq!(found(by_bid, ONE, &[&[72], &[75]]), Some((0, vec![75], 2)));
}
