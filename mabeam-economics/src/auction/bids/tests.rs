//! What the table of bids refuses, and in which words.

use super::*;

fn money(units: i64) -> Money {
    Money::new(units).unwrap()
}

fn refusal(reserve: i64, bidders: &[(u64, &[i64])]) -> String {
    let bidders = bidders
        .iter()
        .map(|&(bidder, prices)| (AgentId(bidder), prices.iter().copied().map(money)));
    UnitBids::new(money(reserve), bidders).unwrap_err().to_string()
}

#[test]
fn a_bad_bid_is_refused_with_its_bidder_its_field_and_its_value() {
    let most = Money::MAX.units();
    assert_eq!(refusal(-1, &[]), "the problem: reserve is -1: must not be negative");
    assert_eq!(refusal(0, &[(7, &[3]), (8, &[-2])]), "agent 8: bid is -2: must not be negative");
    assert_eq!(
        refusal(0, &[(7, &[3]), (8, &[2]), (7, &[1])]),
        "agent 7: id is 7: must appear once"
    );
    assert_eq!(
        refusal(0, &[(7, &[3, 4])]),
        "agent 7: bid is 4: must not exceed the bid for the unit before"
    );
    assert_eq!(
        refusal(0, &[(7, &[most, 1])]),
        "agent 7: bid is 1: must not take the sum of the bidder's bids beyond Money::MAX"
    );
}

#[test]
fn a_bidder_that_wants_nothing_appears_once_all_the_same() {
    assert_eq!(refusal(0, &[(7, &[]), (7, &[])]), "agent 7: id is 7: must appear once");
}

#[test]
fn no_bids_make_an_empty_table() {
    assert_eq!(Bids::new(money(5), []).unwrap().ranked(), []);
}

#[test]
fn bids_below_the_reserve_do_not_rank_and_equal_ones_rank_by_id() {
    let bids = [(4, 9), (3, 5), (2, 4), (1, 5)];
    let bids = bids.map(|(bidder, price)| (AgentId(bidder), money(price)));
    let bids = Bids::new(money(5), bids).unwrap();
    assert_eq!(bids.ranked().iter().map(|bid| bid.bidder.0).collect::<Vec<_>>(), [4, 1, 3]);
}
