//! Published examples, with their sources.

use std::collections::BTreeMap;

use super::samples::{bid, money, prices, proved};
use super::{Auction, Bid};
use crate::{AgentId, Money};

/// The welfare and what the winners pay.
fn outcome(goods: usize, bids: Vec<Bid>) -> (Money, BTreeMap<u64, i64>) {
    let auction = Auction::new(goods, bids).unwrap();
    let proved = proved(&auction);
    (proved.allocation().welfare(), prices(&proved))
}

/// Y. Shoham, K. Leyton-Brown, *Multiagent Systems*, 2009, section 11.3: three bidders, two goods;
/// values of 100 for both, 75 for one, 40 for the other.
#[test]
fn the_textbook_s_three_bidders_pay_60_and_25() {
    let bids = vec![
        bid(1, &[0, 1], 100),
        bid(2, &[0], 75),
        bid(2, &[0, 1], 75),
        bid(3, &[1], 40),
        bid(3, &[0, 1], 40),
    ];
    assert_eq!(outcome(2, bids), (money(115), BTreeMap::from([(2, 60), (3, 25)])));
}

/// The standard example of two apples: A wants one for 5, B one for 2, C both for 6. A pays 4, B
/// pays 1.
#[test]
fn the_apples_go_to_who_wants_one_for_4_and_1() {
    let bids = vec![
        bid(1, &[0], 5),
        bid(1, &[1], 5),
        bid(2, &[0], 2),
        bid(2, &[1], 2),
        bid(3, &[0, 1], 6),
    ];
    assert_eq!(outcome(2, bids), (money(7), BTreeMap::from([(1, 4), (2, 1)])));
}

/// W. Vickrey, *Counterspeculation, auctions, and competitive sealed tenders*, 1961: for one good,
/// the second highest value. Of equal bids the lowest id's wins, and pays what it bid.
#[test]
fn one_good_is_sold_at_the_second_highest_value() {
    let bids = vec![bid(1, &[0], 5), bid(2, &[0], 9), bid(3, &[0], 7)];
    assert_eq!(outcome(1, bids), (money(9), BTreeMap::from([(2, 7)])));
    let tied = vec![bid(8, &[0], 9), bid(2, &[0], 9)];
    assert_eq!(outcome(1, tied), (money(9), BTreeMap::from([(2, 9)])));
}

/// What the mechanism does **not** promise. L. Ausubel, P. Milgrom, *The lovely but lonely Vickrey
/// auction*, in *Combinatorial Auctions*, 2006, section 2; values in hundredths.
mod the_lonely_vickrey_auction {
    use super::*;

    /// Bidder 1 wants both goods for 2, bidders 2 and 3 want one each for 2.
    fn bids() -> Vec<Bid> {
        vec![
            bid(1, &[0, 1], 200),
            bid(2, &[0], 200),
            bid(2, &[1], 200),
            bid(3, &[0], 200),
            bid(3, &[1], 200),
        ]
    }

    /// Not in the core: bidder 1 and the seller would both be better off if it took both for 1.
    #[test]
    fn revenue_may_be_zero_although_a_loser_offers_as_much_as_a_winner() {
        assert_eq!(outcome(2, bids()), (money(400), BTreeMap::from([(2, 0), (3, 0)])));
    }

    /// Without bidder 3 the seller gets 2, with it nothing.
    #[test]
    fn another_bidder_may_lower_the_revenue() {
        let without = bids().into_iter().filter(|bid| bid.bidder != AgentId(3)).collect();
        let (_, before) = outcome(2, without);
        let (_, after) = outcome(2, bids());
        assert_eq!(before.values().sum::<i64>(), 200);
        assert_eq!(after.values().sum::<i64>(), 0);
    }

    /// Bidder 2 wants both goods for 1 and loses. Under two names it gets both for nothing.
    #[test]
    fn a_bidder_under_two_names_may_gain() {
        let honest = vec![bid(1, &[0, 1], 200), bid(2, &[0, 1], 100)];
        assert_eq!(outcome(2, honest).1, BTreeMap::from([(1, 100)]));
        let shills = vec![bid(1, &[0, 1], 200), bid(2, &[0], 200), bid(3, &[1], 200)];
        assert_eq!(outcome(2, shills).1, BTreeMap::from([(2, 0), (3, 0)]));
    }

    /// Bidders 2 and 3 want one good each for 1/2 and lose. If both claim 2 both win and pay
    /// nothing.
    #[test]
    fn losers_may_gain_together() {
        let honest = vec![bid(1, &[0, 1], 200), bid(2, &[0], 50), bid(3, &[1], 50)];
        assert_eq!(outcome(2, honest).1, BTreeMap::from([(1, 100)]));
        let together = vec![bid(1, &[0, 1], 200), bid(2, &[0], 200), bid(3, &[1], 200)];
        assert_eq!(outcome(2, together).1, BTreeMap::from([(2, 0), (3, 0)]));
    }
}
