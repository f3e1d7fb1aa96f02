//! A market maker for bets: the logarithmic market scoring rule.
//!
//! Owns the shares sold and what a trade costs. A share of an outcome pays one minor unit if that
//! outcome comes true, else nothing. Promises, in whole minor units and whatever floats do in between:
//!
//! - a trade costs at least what the cost function says, so no sequence of trades that ends where it
//!   began brings a trader money, and the maker loses at most `b ln n`;
//! - shares of every outcome alike are money: `c` of each cost exactly `c` (translation);
//! - a purchase costs at least one unit and at most what it can pay; a sale brings less than it can cost.
//!
//! Leaves to its caller the money, the shares that traders hold (a sale may go short), and the verdict.
//!
//! Does not promise that the probabilities are right, nor a profit: the maker pays up to
//! [`subsidy`](Lmsr::subsidy) for what it learns. Truth pays best only for a trader who trades once and
//! has no stake in the outcome.
//!
//! Source: R. Hanson, *Combinatorial information market design*, Information Systems Frontiers 5, 2003,
//! and *Logarithmic market scoring rules for modular combinatorial information aggregation*, Journal of
//! Prediction Markets 1, 2007; as a cost function Y. Chen and D. Pennock, *A utility framework for
//! bounded-loss market makers*, UAI 2007.

use crate::{Invalid, Money, Subject};

/// The state of a market maker: its cost function is `C(q) = b ln(sum of exp(q_i / b))` at the shares
/// `q` that it sold.
///
/// `C` is held as the largest `q_i`, an integer, plus `b ln S` with `S` the sum of
/// `exp((q_i - max) / b)`, from 1 to `n`: nothing overflows, and adding the same to all `q_i` changes
/// only the integer. The float part is known to within `b (n + 2) 2^-49`, taking `exp` and `ln` to be
/// right to the last place, and that much is added to every charge before it is rounded up. So a trade
/// costs less than one unit and twice that much more than `C` says: for two outcomes and `b` up to
/// 10^12 less than 1.015 units. Machines whose `exp` differs in the last place may differ by one unit.
///
/// Cost: O(n) a quote or trade, no allocation.
///
/// ```
/// use mabeam_economics::Money;
/// use mabeam_economics::market::lmsr::Lmsr;
///
/// // A claim on 1.00 is a hundred shares. The maker risks 100 ln 2: 69.32, rounded up.
/// let mut maker = Lmsr::new(2, Money::new(10_000).unwrap())?;
/// assert_eq!(maker.subsidy().units(), 6_932);
///
/// // Ten claims on the first outcome cost 5.13, and move its probability from 0.5 to 0.525.
/// let paid = maker.trade(0, 1_000)?;
/// assert_eq!(paid.units(), 513);
/// assert!((maker.probability(0).unwrap() - 0.525).abs() < 1e-4);
///
/// // Selling them again brings the rounding less.
/// assert_eq!(maker.trade(0, -1_000)?.units(), -512);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Debug)]
pub struct Lmsr {
    /// `b`.
    liquidity: f64,
    /// `q`: for each outcome the shares sold, less those bought back.
    sold: Vec<i64>,
    /// The cost at `sold`.
    level: Level,
}

/// A value of the cost function: `max + b ln S`.
#[derive(Clone, Copy, Debug)]
struct Level {
    max: i64,
    ln_sum: f64,
}

/// The largest number of shares of one outcome, sold or bought back: each pays one minor unit.
const MAX_SHARES: i64 = Money::MAX.units();

impl Lmsr {
    /// The largest number of outcomes.
    pub const MAX_OUTCOMES: usize = 1 << 16;

    /// A maker of a market in `outcomes`, all equally likely so far. The `liquidity` `b`, in minor units,
    /// is how deep the market is: the larger, the less a trade moves the price, and the more the maker
    /// risks.
    ///
    /// Errors: no outcomes or more than [`MAX_OUTCOMES`](Self::MAX_OUTCOMES), a liquidity of 0 or less,
    /// and one whose [`subsidy`](Self::subsidy) is no [`Money`].
    pub fn new(outcomes: usize, liquidity: Money) -> Result<Self, Invalid> {
        if outcomes == 0 || outcomes > Self::MAX_OUTCOMES {
            let rule = "must be from 1 to 65536";
            return Err(Invalid::new(Subject::Problem, "number of outcomes", outcomes, rule));
        }
        Self::resume(liquidity, vec![0; outcomes])
    }

    /// A maker that has sold what [`sold`](Self::sold) said. Everything else follows from it.
    ///
    /// Errors: as for [`new`](Self::new), and shares beyond 10^15 either way.
    pub fn resume(liquidity: Money, sold: Vec<i64>) -> Result<Self, Invalid> {
        let problem = |field, value: &dyn std::fmt::Display, rule| {
            Err(Invalid::new(Subject::Problem, field, value, rule))
        };
        if sold.is_empty() || sold.len() > Self::MAX_OUTCOMES {
            return problem("number of outcomes", &sold.len(), "must be from 1 to 65536");
        }
        if liquidity <= Money::ZERO {
            return problem("liquidity", &liquidity, "must be above 0");
        }
        for (outcome, &shares) in sold.iter().enumerate() {
            check_shares(outcome, 0, shares)?;
        }
        let risk = bound_on_loss(liquidity.units() as f64, sold.len());
        if risk > MAX_SHARES as f64 {
            return problem("liquidity", &liquidity, "must risk at most 10^15 minor units");
        }
        let liquidity = liquidity.units() as f64;
        let level = Level::of(liquidity, sold.iter().copied());
        Ok(Self { liquidity, sold, level })
    }

    /// What `shares` of `outcome` cost now; negative shares are sold, and cost a negative sum: what they
    /// bring.
    ///
    /// Errors: an outcome that is none, more than 10^15 shares of an outcome, traded or
    /// then sold, either way.
    pub fn quote(&self, outcome: usize, shares: i64) -> Result<Money, Invalid> {
        Ok(self.after_one(outcome, shares)?.0)
    }

    /// Trades at the [`quote`](Self::quote) and returns it. Nothing changes on an error.
    pub fn trade(&mut self, outcome: usize, shares: i64) -> Result<Money, Invalid> {
        let (charge, level) = self.after_one(outcome, shares)?;
        self.sold[outcome] += shares;
        self.level = level;
        Ok(charge)
    }

    /// What a bundle costs now: so many shares of each outcome, in order.
    ///
    /// Errors: another number of outcomes, more than 10^15 shares of an outcome, traded or
    /// then sold, either way.
    pub fn quote_bundle(&self, shares: &[i64]) -> Result<Money, Invalid> {
        Ok(self.after_bundle(shares)?.0)
    }

    /// Trades a bundle at its [quote](Self::quote_bundle) and returns it. Nothing changes on an error.
    pub fn trade_bundle(&mut self, shares: &[i64]) -> Result<Money, Invalid> {
        let (charge, level) = self.after_bundle(shares)?;
        for (sold, &shares) in self.sold.iter_mut().zip(shares) {
            *sold += shares;
        }
        self.level = level;
        Ok(charge)
    }

    /// The price of one more share of `outcome`, as a fraction of what it pays: the market's probability.
    /// `None` if there is no such outcome. All sum to 1, to within 10^-12 for up to a thousand outcomes.
    pub fn probability(&self, outcome: usize) -> Option<f64> {
        let below = (self.sold.get(outcome)? - self.level.max) as f64;
        Some((below / self.liquidity - self.level.ln_sum).exp())
    }

    /// For each outcome the shares sold, less those bought back: all there is to remember.
    pub fn sold(&self) -> &[i64] {
        &self.sold
    }

    /// What the maker must have set aside at the start: `b ln n`, rounded up. What it pays out on any
    /// outcome is at most this and all that traders paid.
    pub fn subsidy(&self) -> Money {
        let risk = bound_on_loss(self.liquidity, self.sold.len());
        // `resume` checked it.
        Money::new(rounded_up(risk)).unwrap_or(Money::MAX)
    }

    /// The charge for shares of one outcome, and the level after it.
    fn after_one(&self, outcome: usize, shares: i64) -> Result<(Money, Level), Invalid> {
        let Some(&sold) = self.sold.get(outcome) else {
            let rule = "must be an outcome of this market";
            return Err(Invalid::new(Subject::Problem, "outcome", outcome, rule));
        };
        check_shares(outcome, sold, shares)?;
        let after = self.sold.iter().enumerate();
        let after = after.map(|(at, &sold)| if at == outcome { sold + shares } else { sold });
        let others = if self.sold.len() == 1 { shares } else { 0 };
        Ok(self.charge(Level::of(self.liquidity, after), shares.min(others), shares.max(others)))
    }

    /// The charge for a bundle, and the level after it.
    fn after_bundle(&self, shares: &[i64]) -> Result<(Money, Level), Invalid> {
        if shares.len() != self.sold.len() {
            let rule = "must be the number of outcomes";
            return Err(Invalid::new(Subject::Problem, "size of the bundle", shares.len(), rule));
        }
        for (outcome, (&sold, &more)) in self.sold.iter().zip(shares).enumerate() {
            check_shares(outcome, sold, more)?;
        }
        let after = self.sold.iter().zip(shares).map(|(sold, more)| sold + more);
        let (least, most) = shares
            .iter()
            .fold((i64::MAX, i64::MIN), |(least, most), &one| (least.min(one), most.max(one)));
        Ok(self.charge(Level::of(self.liquidity, after), least, most))
    }

    /// What going to `after` costs: at least the difference of the levels, rounded up, for a bundle that
    /// pays from `least` to `most`.
    fn charge(&self, after: Level, least: i64, most: i64) -> (Money, Level) {
        if least == most {
            // Money in another form.
            return (within_money(least), after);
        }
        let rise = self.liquidity * (after.ln_sum - self.level.ln_sum);
        let rise = rounded_up(rise + tolerance(self.liquidity, self.sold.len()));
        let charge = (after.max - self.level.max).saturating_add(rise);
        // A bundle is worth more than the least it pays, and less than the most.
        (within_money(charge.clamp(least + 1, most)), after)
    }
}

impl Level {
    /// The level at `sold`, which is not empty.
    fn of(liquidity: f64, sold: impl Iterator<Item = i64> + Clone) -> Self {
        let max = sold.clone().max().unwrap_or(0);
        let sum: f64 = sold.map(|shares| ((shares - max) as f64 / liquidity).exp()).sum();
        Self { max, ln_sum: sum.ln() }
    }
}

/// Each of `n` terms is right to 2.4 units of 2^-53, and so is their sum, of at least 1, to `3.4 n`; its
/// logarithm adds `2 ln n`; there are two of them: `7 n + 6 ln n` in all, which is below `16 (n + 2)`.
fn tolerance(liquidity: f64, outcomes: usize) -> f64 {
    liquidity * (outcomes as f64 + 2.0) * 2_f64.powi(-49)
}

/// `b ln n`, and what it may be wrong by if there is any.
fn bound_on_loss(liquidity: f64, outcomes: usize) -> f64 {
    let exact = liquidity * (outcomes as f64).ln();
    if outcomes == 1 { exact } else { exact + tolerance(liquidity, outcomes) }
}

/// What is sold of an outcome after `more` of it.
fn check_shares(outcome: usize, sold: i64, more: i64) -> Result<(), Invalid> {
    let (allowed, subject) = (-MAX_SHARES..=MAX_SHARES, Subject::Resource(outcome as u64));
    let rule = "must be at most 10^15 either way";
    if !allowed.contains(&more) {
        return Err(Invalid::new(subject, "shares", more, rule));
    }
    let after = sold.saturating_add(more);
    if !allowed.contains(&after) {
        return Err(Invalid::new(subject, "shares sold", after, rule));
    }
    Ok(())
}

/// A charge: from the least to the most that a checked bundle pays.
fn within_money(units: i64) -> Money {
    Money::new(units.clamp(-MAX_SHARES, MAX_SHARES)).unwrap_or(Money::ZERO)
}

/// The next whole number. Of what comes in, nothing is beyond 2^53.
#[expect(clippy::cast_possible_truncation, reason = "a whole number below 2^53 is an i64")]
fn rounded_up(units: f64) -> i64 {
    units.ceil() as i64
}

#[cfg(test)]
mod laws;
