//! What came of an auction: who won what, and what it pays.
//!
//! Owns the vocabulary that every auction answers in. Leaves to each auction what was for sale: the
//! `Lot`, which is a number of units unless the auction says otherwise.

use crate::{AgentId, Amount, Money};

/// What one bidder won, and what it pays for all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Award<Lot = Amount> {
    /// Who won.
    pub winner: AgentId,
    /// What it won.
    pub lot: Lot,
    /// What it pays: for the whole lot, not for each unit.
    pub price: Money,
}

/// What came of an auction. Who is not named in it won nothing and pays nothing.
///
/// ```
/// use mabeam_economics::auction::{Bids, second_price};
/// use mabeam_economics::{AgentId, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let bids = Bids::new(money(10), [(AgentId(1), money(50)), (AgentId(2), money(80))])?;
/// let sale = second_price(&bids);
/// assert_eq!(sale.award_of(AgentId(2)).map(|award| award.price), Some(money(50)));
/// assert_eq!(sale.award_of(AgentId(1)), None);
/// assert_eq!(sale.revenue(), Some(money(50)));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct Sale<Lot = Amount> {
    awards: Vec<Award<Lot>>,
}

impl<Lot> Sale<Lot> {
    /// The sale of these awards, at most one for each winner.
    pub(super) fn new(awards: impl IntoIterator<Item = Award<Lot>>) -> Self {
        let mut awards: Vec<_> = awards.into_iter().collect();
        awards.sort_unstable_by_key(|award| award.winner);
        Self { awards }
    }

    /// Every award, by the winners' ids, lowest first.
    pub fn awards(&self) -> &[Award<Lot>] {
        &self.awards
    }

    /// What `agent` won. Cost: O(log n) for n awards.
    pub fn award_of(&self, agent: AgentId) -> Option<&Award<Lot>> {
        let place = self.awards.binary_search_by_key(&agent, |award| award.winner).ok()?;
        self.awards.get(place)
    }

    /// What the seller receives; `None` beyond [`Money::MAX`], which no single price exceeds.
    pub fn revenue(&self) -> Option<Money> {
        Money::total(self.awards.iter().map(|award| award.price))
    }
}
