//! Examples from the literature, with the figures printed there.

use super::*;

/// L. Ausubel, *An efficient ascending-bid auction for multiple objects*, American Economic Review 94,
/// 2004, section I: five licences, five bidders, values in millions.
fn licences() -> (Terms, Vec<Values>) {
    let values = [[123, 113, 103], [75, 5, 3], [125, 125, 49], [85, 65, 7], [45, 25, 5]];
    (Terms { supply: 5, reserve: 0, step: 1 }, values.map(Vec::from).to_vec())
}

#[test]
fn ausubel_s_licences_are_sold_at_the_vickrey_prices() {
    let (terms, reports) = licences();
    let sale = VICKREY(terms, &reports);
    assert_eq!(got(&sale, 0), (3, 65 + 75 + 85));
    assert_eq!(got(&sale, 2), (2, 75 + 85));
    assert_eq!(sale.awards().len(), 2);
}

/// Bidder 1 clinches a licence when the price passes 65; at 75 it and bidder 3 clinch one each, and the
/// last two go at 85. A bidder here leaves at the first price above its value; who has answered by then
/// pays that price, who has not the one before.
#[test]
fn ausubel_s_licences_are_clinched_in_the_order_that_the_paper_tells() {
    let (terms, reports) = licences();
    let mut clock = ascending(terms, &reports);
    let mut clinched = Vec::new();
    while let Some(question) = clock.question() {
        clock.answer(honest(question, &reports));
        let now = [0, 2].map(|who| got(&clock.clinched(), who).0);
        if clinched.last().is_none_or(|(_, before)| *before != now) {
            clinched.push((question.price.units(), now));
        }
    }
    clinched.retain(|(_, units)| *units != [0, 0]);
    assert_eq!(clinched, [(66, [1, 0]), (76, [2, 1]), (86, [3, 2])]);
    let sale = clock.sale().unwrap();
    assert_eq!(got(&sale, 0), (3, 65 + 75 + 85));
    assert_eq!(got(&sale, 2), (2, 76 + 85));
}

/// V. Krishna, *Auction Theory*, chapter 12: six units, three bidders.
#[test]
fn krishna_s_six_units_cost_what_the_book_says_under_each_of_the_three_rules() {
    let reports = [[50, 47, 40, 32, 15, 5], [42, 28, 20, 12, 7, 3], [45, 35, 24, 14, 9, 6]];
    let reports = reports.map(Vec::from);
    let terms = Terms { supply: 6, reserve: 0, step: 1 };
    let awards = |auction: Auction| [0, 1, 2].map(|who| got(&auction(terms, &reports), who));
    assert_eq!(awards(PAY_AS_BID), [(3, 50 + 47 + 40), (1, 42), (2, 45 + 35)]);
    assert_eq!(awards(HIGHEST_LOSING), [(3, 3 * 32), (1, 32), (2, 2 * 32)]);
    assert_eq!(awards(VICKREY), [(3, 28 + 24 + 20), (1, 32), (2, 32 + 28)]);
}
