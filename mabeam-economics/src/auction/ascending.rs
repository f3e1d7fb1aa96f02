//! Clocks whose price rises until supply meets demand: the English auction and its form for several
//! units, Ausubel's clinching auction.
//!
//! Owns the price, whose turn it is, and who has won what so far. Knows no time: the caller carries
//! each [`Question`] to the bidder and brings the answer back. Promises that nobody pays a price that
//! it has not accepted, and that what is won is what [`vickrey`](super::vickrey) awards, but for the
//! size of the steps. Leaves to its caller what becomes of a bidder that does not answer: no units is
//! always an answer.

use std::cmp::Reverse;

use super::clock::{self, Purchase};
use super::{Question, Sale};
use crate::{AgentId, Amount, Invalid, Money};

/// An auction whose price rises by equal steps.
///
/// At each price those who still want something are asked in turn, the highest id first, how many units
/// they still want; demand never rises again. The clock closes as soon as supply meets demand, in the
/// middle of a round if need be. A unit is *clinched* when the demand of all others no longer reaches
/// it. Its price is the last that the winner accepted: the price being asked if it has answered in
/// this round, else the one before. So ties go to the lowest id, and no answer can change the price of
/// what one has won.
///
/// **One unit** ([`english`](Self::english)). Guarantees that staying while the price is at most one's
/// value is an *obviously* dominant strategy: who leaves gets nothing whatever the others do, and who
/// stays beyond its value can only win at a loss. Then the clock closes ([`price`](Self::price)) between
/// the second highest value and that plus one increment, and the winner pays that price or, if the clock
/// closed before it was asked again, one increment less. Whoever wins, its value is less than one
/// increment below the highest; with values on the clock's steps it *is* the highest, and the price too
/// lies between the second value and that plus one increment. For values between the steps no clock can
/// promise that, always sell and be strategy-proof: where the two highest lie between the same steps,
/// the only prices that the winner has accepted are below the second.
///
/// **Several units** ([`clinching`](Self::clinching)). Guarantees that answering by one's marginal
/// values, as long as they do not rise, is best if all others do so by theirs, and that the units go to
/// whom they are worth most, within an increment for each. Does not guarantee that it is best whatever
/// the others do (they may answer by what they see), nor one price for all.
///
/// Neither guarantees the highest revenue, nor anything against bidders that collude.
///
/// Cost of an answer: O(n) for n bidders when demand has fallen below twice the supply, O(1) amortised
/// over a round before. The number of questions is up to n for each step: choose the increment
/// accordingly.
///
/// Source: P. Milgrom and R. Weber, *A theory of auctions and competitive bidding*, Econometrica 50,
/// 1982; S. Li, *Obviously strategy-proof mechanisms*, American Economic Review 107, 2017 (the clock
/// is a personal-clock auction in its sense); L. Ausubel, *An efficient ascending-bid auction for
/// multiple objects*, American Economic Review 94, 2004.
///
/// ```
/// use mabeam_economics::auction::AscendingClock;
/// use mabeam_economics::{AgentId, Amount, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let values = [70, 100, 40];
/// let mut clock = AscendingClock::english(money(10), money(1), (0..3).map(AgentId))?;
/// while let Some(question) = clock.question() {
///     let value = values[usize::try_from(question.bidder.0).unwrap()];
///     clock.answer(Amount::new(u64::from(question.price.units() <= value)));
/// }
/// let sale = clock.sale().expect("no question is left");
/// assert_eq!(clock.price(), money(71));
/// assert_eq!(sale.award_of(AgentId(1)).map(|award| award.price), Some(money(71)));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct AscendingClock {
    supply: u64,
    increment: Money,
    /// What everybody who still wants something has accepted.
    accepted: Money,
    /// What is being asked; those before `turn` have answered.
    asked: Money,
    /// Highest id first.
    bidders: Vec<Bidder>,
    turn: usize,
    /// What all bidders want together.
    demand: u128,
}

#[derive(Clone, Debug)]
struct Bidder {
    wanted: u64,
    clinched: Purchase,
}

impl AscendingClock {
    /// An English auction of one good among `bidders`, each of which accepts the price `reserve`.
    ///
    /// Refuses a negative reserve, an increment that is not positive, and a bidder that appears twice.
    pub fn english(
        reserve: Money,
        increment: Money,
        bidders: impl IntoIterator<Item = AgentId>,
    ) -> Result<Self, Invalid> {
        let one = Amount::new(1);
        Self::clinching(one, reserve, increment, bidders.into_iter().map(|bidder| (bidder, one)))
    }

    /// Ausubel's auction of `supply` identical units, of which each bidder wants the number given with
    /// it at the price `reserve`.
    ///
    /// Refuses a negative reserve or one that exceeds [`Money::MAX`] for the whole supply, an
    /// increment that is not positive, and a bidder that appears twice.
    pub fn clinching(
        supply: Amount,
        reserve: Money,
        increment: Money,
        demands: impl IntoIterator<Item = (AgentId, Amount)>,
    ) -> Result<Self, Invalid> {
        let mut demands: Vec<_> = demands.into_iter().collect();
        let ids = demands.iter().map(|&(bidder, _)| bidder);
        clock::check(supply, reserve, ("reserve", reserve), ("increment", increment), ids)?;
        demands.sort_unstable_by_key(|&(bidder, _)| Reverse(bidder));
        let bidders = demands.into_iter().map(|(bidder, wanted)| Bidder {
            wanted: wanted.min(supply).units(),
            clinched: Purchase::none(bidder),
        });
        let bidders: Vec<_> = bidders.collect();
        let mut clock = Self {
            supply: supply.units(),
            increment,
            accepted: reserve,
            asked: reserve,
            turn: bidders.len(),
            demand: bidders.iter().map(|bidder| u128::from(bidder.wanted)).sum(),
            bidders,
        };
        clock.clinch();
        clock.turn_to_next();
        Ok(clock)
    }

    /// Who has to answer next; `None` once the clock has closed.
    pub fn question(&self) -> Option<Question> {
        let bidder = self.bidders.get(self.turn).filter(|_| self.is_open())?;
        Some(Question { bidder: bidder.clinched.bidder, price: self.asked })
    }

    /// Takes the answer to [`question`](Self::question): how many units the bidder still wants at that
    /// price. More than before counts as before, fewer than it has clinched as those. Ignored once the
    /// clock has closed.
    pub fn answer(&mut self, wanted: Amount) {
        if self.is_open() {
            let asked = self.turn;
            self.turn += 1;
            self.reduce(asked, wanted.units());
            self.turn_to_next();
        }
    }

    /// Asks `answer` until the clock closes.
    pub fn run(mut self, mut answer: impl FnMut(Question) -> Amount) -> Sale {
        while let Some(question) = self.question() {
            self.answer(answer(question));
        }
        self.clinched()
    }

    /// The price that the clock shows: the one that is being asked, or at which it closed.
    pub const fn price(&self) -> Money {
        self.asked
    }

    /// What was sold; `None` while the clock runs.
    pub fn sale(&self) -> Option<Sale> {
        (!self.is_open()).then(|| self.clinched())
    }

    /// What is certain to be sold already, whatever the answers still to come.
    pub fn clinched(&self) -> Sale {
        clock::sale(self.bidders.iter().map(|bidder| &bidder.clinched))
    }

    fn is_open(&self) -> bool {
        self.demand > u128::from(self.supply)
    }

    /// Passes over those who want no more than they have clinched; while the clock is open there is
    /// somebody else.
    fn turn_to_next(&mut self) {
        while self.is_open() {
            let from_here = self.bidders.iter().enumerate().skip(self.turn);
            let mut undecided =
                from_here.filter(|(_, bidder)| bidder.wanted > bidder.clinched.units);
            match undecided.next() {
                Some((place, _)) => {
                    self.turn = place;
                    return;
                }
                None => self.raise(),
            }
        }
    }

    /// Begins the next round. At a price that could not be stated nobody wants more than it has.
    fn raise(&mut self) {
        self.turn = 0;
        self.accepted = self.asked;
        let price = self.asked.checked_add(self.increment);
        match price.filter(|price| price.checked_mul(self.supply).is_some()) {
            Some(price) => self.asked = price,
            None => (0..self.bidders.len()).for_each(|place| self.reduce(place, 0)),
        }
    }

    /// The bidder at `place` now wants `wanted` units, and the others clinch what that leaves them.
    fn reduce(&mut self, place: usize, wanted: u64) {
        if let Some(bidder) = self.bidders.get_mut(place) {
            let wanted = wanted.clamp(bidder.clinched.units, bidder.wanted);
            self.demand -= u128::from(bidder.wanted - wanted);
            bidder.wanted = wanted;
            self.clinch();
        }
    }

    /// Sells to everybody the units for which the demand of all others does not suffice. While all want
    /// twice the supply there is none: nobody wants more than the supply.
    fn clinch(&mut self) {
        let supply = u128::from(self.supply);
        if self.demand >= 2 * supply {
            return;
        }
        for (place, bidder) in self.bidders.iter_mut().enumerate() {
            let others = self.demand - u128::from(bidder.wanted);
            let left = u64::try_from(supply.saturating_sub(others)).unwrap_or(self.supply);
            let more = left.min(bidder.wanted).saturating_sub(bidder.clinched.units);
            let price = if place < self.turn { self.asked } else { self.accepted };
            bidder.clinched.add(more, price);
        }
    }
}

#[cfg(test)]
mod tests;
