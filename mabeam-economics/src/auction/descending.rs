//! Clocks whose price falls until somebody takes it: the Dutch auction, for one unit or several.
//!
//! Owns the price, whose turn it is, and who has bought what so far. Knows no time: the caller carries
//! each [`Question`] to the bidder and brings the answer back. Promises that everybody pays the price
//! that it took. Does **not** promise that taking it at one's value is wise: the auction is a first-price
//! auction in disguise.

use super::clock::{self, Purchase};
use super::{Question, Sale};
use crate::{AgentId, Amount, Invalid, Money, Subject};

/// An auction whose price falls by equal steps, the last of them shortened to end at the reserve.
///
/// At each price all bidders are asked in turn, the lowest id first, how many units they buy at it. The
/// clock closes when nothing is left, or when everybody was asked at the reserve.
///
/// Guarantees that nobody pays more than it took, so that who buys at its value or below never loses by
/// it, and that the seller never pays. Bidders who buy as soon as the price has fallen to their values
/// bring about what [`pay_as_bid`](super::pay_as_bid) does with those values as bids, rounded down to
/// the clock's steps. Does not guarantee that doing so is best (waiting pays, as shading a bid does), nor
/// for that reason that the units go to whom they are worth most. Ties go to the lowest id.
///
/// Cost of an answer: O(1). The number of questions is up to n for each step: choose the decrement
/// accordingly.
///
/// Source: W. Vickrey, *Counterspeculation, auctions, and competitive sealed tenders*, Journal of
/// Finance 16, 1961, part I; P. Milgrom and R. Weber, *A theory of auctions and competitive bidding*,
/// Econometrica 50, 1982.
///
/// ```
/// use mabeam_economics::auction::DescendingClock;
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let takes_at = [70, 85, 40];
/// let mut clock = DescendingClock::dutch(money(100), money(10), money(5), (0..3).map(AgentId))?;
/// while let Some(question) = clock.question() {
///     let price = takes_at[usize::try_from(question.bidder.0).unwrap()];
///     clock.answer(Amount::new(u64::from(question.price.units() <= price)));
/// }
/// let sale = clock.sale().expect("no question is left");
/// assert_eq!(sale.award_of(AgentId(1)).map(|award| award.price), Some(money(80)));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct DescendingClock {
    left: u64,
    price: Money,
    decrement: Money,
    reserve: Money,
    /// Lowest id first.
    bidders: Vec<Purchase>,
    /// Beyond the last once the clock has closed at the reserve.
    turn: usize,
}

impl DescendingClock {
    /// A Dutch auction of one good among `bidders`.
    ///
    /// Refuses a negative reserve, a start below it, a decrement that is not positive, and a bidder that
    /// appears twice.
    pub fn dutch(
        start: Money,
        decrement: Money,
        reserve: Money,
        bidders: impl IntoIterator<Item = AgentId>,
    ) -> Result<Self, Invalid> {
        Self::new(Amount::new(1), start, decrement, reserve, bidders)
    }

    /// A Dutch auction of `supply` identical units among `bidders`.
    ///
    /// Refuses what [`dutch`](Self::dutch) refuses, and a start that exceeds [`Money::MAX`] for the
    /// whole supply.
    pub fn new(
        supply: Amount,
        start: Money,
        decrement: Money,
        reserve: Money,
        bidders: impl IntoIterator<Item = AgentId>,
    ) -> Result<Self, Invalid> {
        let mut ids: Vec<_> = bidders.into_iter().collect();
        let (from, by) = (("start", start), ("decrement", decrement));
        clock::check(supply, reserve, from, by, ids.iter().copied())?;
        if start < reserve {
            let rule = "must not be below the reserve";
            return Err(Invalid::new(Subject::Problem, "start", start, rule));
        }
        ids.sort_unstable();
        let bidders = ids.into_iter().map(Purchase::none).collect();
        Ok(Self { left: supply.units(), price: start, decrement, reserve, bidders, turn: 0 })
    }

    /// Who has to answer next; `None` once the clock has closed.
    pub fn question(&self) -> Option<Question> {
        let bidder = self.bidders.get(self.turn).filter(|_| self.left > 0)?;
        Some(Question { bidder: bidder.bidder, price: self.price })
    }

    /// Takes the answer to [`question`](Self::question): how many units the bidder buys at that price,
    /// or all that is left if that is fewer. Ignored once the clock has closed.
    pub fn answer(&mut self, units: Amount) {
        let Some(bidder) = self.bidders.get_mut(self.turn) else { return };
        let bought = units.units().min(self.left);
        bidder.add(bought, self.price);
        self.left -= bought;
        self.turn += 1;
        if self.turn == self.bidders.len() && self.price > self.reserve {
            let lower = self.price.checked_sub(self.decrement);
            self.price = lower.map_or(self.reserve, |lower| lower.max(self.reserve));
            self.turn = 0;
        }
    }

    /// Asks `answer` until the clock closes.
    pub fn run(mut self, mut answer: impl FnMut(Question) -> Amount) -> Sale {
        while let Some(question) = self.question() {
            self.answer(answer(question));
        }
        self.bought()
    }

    /// The price that the clock shows: the one that is being asked, or at which it closed.
    pub const fn price(&self) -> Money {
        self.price
    }

    /// What was sold; `None` while the clock runs.
    pub fn sale(&self) -> Option<Sale> {
        self.question().is_none().then(|| self.bought())
    }

    /// What has been sold so far.
    pub fn bought(&self) -> Sale {
        clock::sale(&self.bidders)
    }
}

#[cfg(test)]
mod tests;
