//! What every auction promises, and what some promise besides.

use super::*;

/// Somebody pays more than what it won is worth by its own report.
pub(super) fn somebody_loses(reports: &[Values], sale: &Sale) -> bool {
    (0..reports.len()).any(|who| gain(sale, who, &reports[who]) < 0)
}

/// Somebody wins fewer units than somebody of a higher id with the same report.
pub(super) fn a_higher_id_wins_a_tie(reports: &[Values], sale: &Sale) -> bool {
    let pairs =
        (0..reports.len()).flat_map(|low| (low + 1..reports.len()).map(move |high| (low, high)));
    let mut ties = pairs.filter(|&(low, high)| reports[low] == reports[high]);
    ties.any(|(low, high)| got(sale, low).0 < got(sale, high).0)
}

fn scaled(reports: &[Values], factor: i64) -> Vec<Values> {
    reports.iter().map(|values| values.iter().map(|value| value * factor).collect()).collect()
}

proptest! {
    #![proptest_config(fixed(400))]

    #[test]
    fn no_lie_pays_in_a_vickrey_auction(case in cases(4, 0..=5)) {
        prop_assert_eq!(manipulation(VICKREY, &case), None);
    }

    #[test]
    fn no_lie_pays_in_a_second_price_auction(case in cases(1, 1..=1)) {
        let auction: Auction = |terms, reports| {
            let bids = (0..).map(AgentId).zip(reports);
            let bids = bids.filter_map(|(who, values)| Some((who, money(*values.first()?))));
            second_price(&Bids::new(money(terms.reserve), bids).unwrap())
        };
        prop_assert_eq!(manipulation(auction, &case), None);
    }

    #[test]
    fn no_lie_pays_at_the_highest_losing_bid_if_everybody_wants_one_unit(case in cases(1, 0..=5)) {
        prop_assert_eq!(manipulation(HIGHEST_LOSING, &case), None);
    }

    #[test]
    fn no_other_answer_pays_in_an_english_auction(case in cases(1, 1..=1)) {
        prop_assert_eq!(manipulation(ASCENDING, &case), None);
    }

    #[test]
    fn no_other_answer_pays_in_a_clinching_auction_with_truthful_rivals(case in cases(4, 0..=5)) {
        prop_assert_eq!(manipulation(ASCENDING, &case), None);
    }

    #[test]
    fn nobody_pays_more_than_it_bid((terms, reports, _) in cases(4, 0..=5)) {
        for auction in ALL {
            prop_assert!(!somebody_loses(&reports, &auction(terms, &reports)));
        }
    }

    #[test]
    fn the_seller_receives_at_least_the_reserve_for_each_unit((terms, reports, _) in cases(4, 0..=5)) {
        for auction in ALL {
            for award in auction(terms, &reports).awards() {
                let units = i64::try_from(award.lot.units()).unwrap();
                prop_assert!(award.price.units() >= terms.reserve * units);
            }
        }
    }

    #[test]
    fn no_more_is_sold_than_there_is((terms, reports, _) in cases(4, 0..=5)) {
        for auction in ALL {
            let sale = auction(terms, &reports);
            let lots = sale.awards().iter().map(|award| award.lot);
            prop_assert!(Amount::total(lots).unwrap() <= Amount::new(terms.supply));
            prop_assert!(sale.awards().iter().all(|award| award.lot > Amount::ZERO));
        }
    }

    #[test]
    fn the_units_go_to_the_highest_bids((terms, reports, _) in cases(4, 0..=5)) {
        let steps_of_one = Terms { step: 1, ..terms };
        let best = best_worth(terms, &reports, None);
        for auction in ALL {
            let sale = auction(steps_of_one, &reports);
            prop_assert_eq!(worth_of(terms, &reports, &sale), best);
        }
    }

    #[test]
    fn ties_go_to_the_lowest_id((terms, reports, _) in cases(2, 0..=5)) {
        for auction in ALL {
            prop_assert!(!a_higher_id_wins_a_tie(&reports, &auction(terms, &reports)));
        }
    }

    #[test]
    fn a_bid_that_equals_the_reserve_wins(terms in cases(1, 1..=5).prop_map(|case| case.0)) {
        for auction in ALL {
            prop_assert_eq!(got(&auction(terms, &[vec![terms.reserve]]), 0), (1, terms.reserve));
        }
    }

    #[test]
    fn in_another_currency_the_same_is_sold_at_the_same_prices(
        (terms, reports, _) in cases(4, 0..=5), factor in 1..1_000_i64
    ) {
        let dearer = Terms { reserve: terms.reserve * factor, step: terms.step * factor, ..terms };
        for auction in ALL {
            let (sale, other) = (auction(terms, &reports), auction(dearer, &scaled(&reports, factor)));
            for who in 0..reports.len() {
                let ((units, price), in_other) = (got(&sale, who), got(&other, who));
                prop_assert_eq!((units, price * factor), in_other);
            }
        }
    }

    #[test]
    fn the_order_in_which_bids_arrive_does_not_matter((terms, reports, _) in cases(4, 0..=5)) {
        let bidders = (0..).map(AgentId).zip(&reports);
        let mut bidders: Vec<_> = bidders
            .map(|(bidder, values)| (bidder, values.iter().copied().map(money).collect::<Vec<_>>()))
            .collect();
        let in_order = UnitBids::new(money(terms.reserve), bidders.clone());
        bidders.reverse();
        prop_assert_eq!(in_order, UnitBids::new(money(terms.reserve), bidders));
    }

    /// W(-i) - (W - v_i), each W found by dynamic programming.
    #[test]
    fn a_vickrey_price_is_what_winning_costs_the_others((terms, reports, _) in cases(4, 0..=5)) {
        let sale = VICKREY(terms, &reports);
        let best = best_worth(terms, &reports, None);
        for who in 0..reports.len() {
            let (units, price) = got(&sale, who);
            let to_others = best - worth(&reports[who], units);
            prop_assert_eq!(price, best_worth(terms, &reports, Some(who)) - to_others);
        }
    }

    #[test]
    fn both_uniform_prices_clear_the_market((terms, reports, _) in cases(4, 1..=5)) {
        for auction in [HIGHEST_LOSING, LOWEST_WINNING] {
            let sale = auction(terms, &reports);
            for award in sale.awards() {
                let values = &reports[usize::try_from(award.winner.0).unwrap()];
                let units = i64::try_from(award.lot.units()).unwrap();
                let price = award.price.units() / units;
                prop_assert_eq!(price * units, award.price.units());
                let above = values.iter().filter(|&&value| value > price).count() as u64;
                let not_below = values.iter().filter(|&&value| value >= price).count() as u64;
                prop_assert!((above..=not_below).contains(&award.lot.units()));
            }
        }
    }

    #[test]
    fn for_one_good_the_vickrey_price_is_the_highest_losing_bid((terms, reports, _) in cases(1, 1..=1)) {
        prop_assert_eq!(VICKREY(terms, &reports), HIGHEST_LOSING(terms, &reports));
    }

    /// Which is why clinching is a Vickrey auction: Ausubel, 2004, theorem 1.
    #[test]
    fn a_clinching_auction_sells_what_a_vickrey_auction_does_within_an_increment_a_unit(
        (terms, reports, _) in cases(4, 0..=5)
    ) {
        let steps_of_one = Terms { step: 1, ..terms };
        let (clock, sealed) = (ASCENDING(steps_of_one, &reports), VICKREY(terms, &reports));
        for who in 0..reports.len() {
            let ((units, price), (sold, least)) = (got(&clock, who), got(&sealed, who));
            prop_assert_eq!(units, sold);
            let most = least + i64::try_from(units).unwrap();
            prop_assert!((least..=most).contains(&price));
        }
    }

    #[test]
    fn a_dutch_auction_answered_by_values_is_a_first_price_auction((terms, reports, _) in cases(4, 0..=5)) {
        let steps_of_one = Terms { step: 1, ..terms };
        prop_assert_eq!(DESCENDING(steps_of_one, &reports), PAY_AS_BID(terms, &reports));
    }
}

#[test]
fn nothing_for_sale_and_nobody_to_buy_it_make_no_sale() {
    for auction in ALL {
        let terms = Terms { supply: 0, reserve: 3, step: 1 };
        assert_eq!(auction(terms, &[vec![9, 8], vec![7]]).awards(), []);
        assert_eq!(auction(Terms { supply: 2, ..terms }, &[]).awards(), []);
        assert_eq!(auction(Terms { supply: 2, ..terms }, &[vec![], vec![2]]).awards(), []);
    }
}

#[test]
fn the_largest_supply_and_the_largest_bids_overflow_nothing() {
    let most = Money::MAX.units();
    let reports = [vec![most], vec![most], vec![most - 1, 1]];
    for auction in SEALED {
        for supply in [1, 2, 3, u64::MAX] {
            let sale = auction(Terms { supply, reserve: 0, step: 1 }, &reports);
            assert!(!somebody_loses(&reports, &sale));
        }
    }
    let all = PAY_AS_BID(Terms { supply: 9, reserve: 0, step: 1 }, &reports);
    assert_eq!(all.revenue(), None);
    assert_eq!(all.awards().len(), 3);
}
