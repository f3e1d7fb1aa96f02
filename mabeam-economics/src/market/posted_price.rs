//! A price that stands before anybody asks, and the rule by which the next one follows from demand.
//!
//! Owns the sale at a posted price and the controller of the price. Promises that a sale is truthful for
//! who faces the price once, and that a price moves by a bounded part a step, in integers, by what was
//! asked for and nothing else. Leaves to its caller when a step ends and what was asked for in it.

use crate::{Amount, Invalid, Money, Subject};

/// What somebody would buy at a posted price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// What a unit is worth to it, at most, in minor units.
    pub limit: Money,
    /// How many units it has a use for.
    pub quantity: Amount,
}

/// Sells `supply` at `price`: in the order of the input, whoever would pay the price gets what it asks
/// for, until nothing is left. A limit equal to the price buys. The result stands in the order of
/// `requests`.
///
/// Guarantees: truth is a dominant strategy, in limit and quantity, for a buyer whose units are worth the
/// same each; individual rationality; what is not sold, nobody wanted at this price. Does not guarantee
/// efficiency or fairness: the first in order buy, not those who gain most. The order must not be for
/// buyers to choose, nor the price depend on these requests.
///
/// Cost: O(n). Any input is valid.
///
/// ```
/// use mabeam_economics::market::posted_price::{Request, sell};
/// use mabeam_economics::{Amount, Money};
///
/// let request = |limit, quantity| Request {
///     limit: Money::new(limit).unwrap(),
///     quantity: Amount::new(quantity),
/// };
/// let requests = [request(7, 4), request(5, 4), request(6, 4), request(9, 4)];
/// let sold = sell(Money::new(6).unwrap(), Amount::new(10), &requests);
/// assert_eq!(sold, [4, 0, 4, 2].map(Amount::new));
/// ```
pub fn sell(price: Money, supply: Amount, requests: &[Request]) -> Vec<Amount> {
    let mut left = supply.units();
    let mut serve = |request: &Request| {
        let wanted = if request.limit >= price { request.quantity.units() } else { 0 };
        let sold = wanted.min(left);
        left -= sold;
        Amount::new(sold)
    };
    requests.iter().map(&mut serve).collect()
}

/// How a price follows demand: a step of tatonnement, as in EIP-1559.
///
/// ```
/// use mabeam_economics::market::posted_price::PriceRule;
/// use mabeam_economics::{Amount, Money};
///
/// let money = |units| Money::new(units).unwrap();
/// let rule = PriceRule::new(Amount::new(10_000_000), 8, money(7), Money::MAX)?;
/// let price = money(1_000_000_000);
/// assert_eq!(rule.next(price, Amount::new(10_000_000)), price);
/// assert_eq!(rule.next(price, Amount::new(9_000_000)), money(987_500_000));
/// assert_eq!(rule.next(price, Amount::new(11_000_000)), money(1_012_500_000));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PriceRule {
    target: u64,
    parts: u32,
    lowest: Money,
    highest: Money,
}

impl PriceRule {
    /// Keeps the price where `target` units are asked for in a step, moves it by at most one part in
    /// `parts` a step (EIP-1559: 8), and holds it from `lowest` to `highest`.
    ///
    /// Errors: a target of 0, no parts, a lowest price of 0 or less (a price of 0 can never rise by a
    /// part of itself), bounds in the wrong order.
    pub fn new(target: Amount, parts: u32, lowest: Money, highest: Money) -> Result<Self, Invalid> {
        let refuse = |field, value: &dyn std::fmt::Display, rule| {
            Err(Invalid::new(Subject::Problem, field, value, rule))
        };
        if target == Amount::ZERO {
            return refuse("target", &target, "must be at least one unit");
        }
        if parts == 0 {
            return refuse("parts", &parts, "must be at least 1");
        }
        if lowest <= Money::ZERO {
            return refuse("lowest price", &lowest, "must be above 0");
        }
        if highest < lowest {
            return refuse("highest price", &highest, "must not be below the lowest price");
        }
        Ok(Self { target: target.units(), parts, lowest, highest })
    }

    /// The price of the next step, after `demand` units were asked for at `price`.
    ///
    /// `price` times `(demand - target) / target / parts`, rounded down, is added to the price or taken
    /// from it; at least one minor unit is added to a price that rises. Demand beyond twice the target
    /// counts as twice the target, so a step changes the price by at most `max(1, price / parts)`. A price
    /// below `parts` therefore does not fall by itself: it is the lowest that this rule reaches. A price
    /// out of bounds counts as the nearest bound.
    ///
    /// Guarantees: the bound on a step, more demand never a lower price, a target met no change; all in
    /// integers. Does not guarantee that prices settle: with demand that answers strongly they circle
    /// around the price that clears, and known dynamics are chaotic. Buyers who wait, or ask for more than
    /// they use, move it too.
    ///
    /// Cost: O(1). Source: V. Buterin and others, *EIP-1559*, 2019; L. Walras's tatonnement; on what it
    /// does not guarantee S. Leonardos and others, *Dynamical analysis of the EIP-1559 Ethereum fee
    /// market*, AFT 2021.
    pub fn next(&self, price: Money, demand: Amount) -> Money {
        let price = i128::from(price.clamp(self.lowest, self.highest).units());
        let target = i128::from(self.target);
        let excess = (i128::from(demand.units()) - target).min(target);
        // 10^15 times 2^64 stays below 2^127.
        let change = price * excess / target / i128::from(self.parts);
        let change = if excess > 0 { change.max(1) } else { change };
        let bounded = |units: i128| i64::try_from(units).ok().and_then(Money::new);
        bounded(price + change).unwrap_or(self.highest).clamp(self.lowest, self.highest)
    }
}

#[cfg(test)]
mod laws;
