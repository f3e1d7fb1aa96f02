//! Buying what is worth most, where the *payments* must stay within a budget.
//!
//! Owns the choice of the sellers and their payments. Promises truthfulness, that nobody is paid less
//! than its cost, and that the payments stay within the budget. Leaves to its caller what each offer
//! is worth.

use std::cmp::Ordering;

use crate::{Invalid, Money, Subject};

/// What a seller offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// What the seller says that it costs it. At least zero.
    pub cost: Money,
    /// What it is worth to the buyer, in any unit; publicly known, not the seller's word.
    pub worth: u64,
}

/// Whose offers were bought, and for how much.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// What each seller is paid, in the offers' order; `None` if its offer was not bought.
    pub payments: Vec<Option<Money>>,
}

/// Buys offers so that truth is a dominant strategy and all payments together stay within `budget`.
///
/// Either the offer of most worth alone (ties to the lowest place), or the largest set that a price
/// for a unit of worth can buy: offers are taken in order of cost per worth, ties to the lowest
/// place, as long as the cost is at most the offer's part of the budget, `budget * worth / (worth of
/// all taken so far, with it)`. The lone offer is taken if 1 + √2 times its worth is at least what
/// the *others* are worth to a buyer who could split offers and pay their cost. Each seller is paid
/// its critical cost: the highest whole cost at which its offer would still have been bought. Of the
/// greatest worth that the budget could buy if costs were known, at least 1 part in 2 + √2 is bought.
///
/// Offers that are worth nothing or cost more than the budget are not bought.
///
/// Not promised: a better share of what the budget could buy (for additive worth no deterministic
/// rule has more than one in 1 + √2, and N. Gravin et al. 2019 have one in three); that the budget is
/// spent; anything against sellers who appear as several or conspire.
///
/// Errors: a negative cost or budget; worths whose sum passes `u64::MAX`.
///
/// Cost: O(n log n) to choose, then O(n log budget) for each seller that is paid; O(n) memory.
///
/// Source: Y. Singer, *Budget feasible mechanisms*, FOCS 2010, for the proportional share rule and
/// the payments; N. Chen, N. Gravin and P. Lu, *On the approximability of budget feasible
/// mechanisms*, SODA 2011, for the deterministic rule (985/408 stands for 1 + √2).
///
/// ```
/// use mabeam_economics::Money;
/// use mabeam_economics::procurement::{Offer, buy_within_budget};
///
/// let offer = |cost, worth| Offer { cost: Money::new(cost).unwrap(), worth };
/// let offers = [10, 20, 30, 40, 50, 60].map(|cost| offer(cost, 1));
/// let bought = buy_within_budget(Money::new(120).unwrap(), &offers)?;
/// // Three can be had for a third of the budget each; the fourth costs more than a quarter of it.
/// let third = Money::new(40);
/// assert_eq!(bought.payments, [third, third, third, None, None, None]);
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn buy_within_budget(budget: Money, offers: &[Offer]) -> Result<Purchase, Invalid> {
    let market = Market::new(budget, offers)?;
    let chosen = market.choose(&market.order);
    let mut payments = vec![None; offers.len()];
    for seller in chosen {
        payments[seller] = Money::new(market.critical_cost(seller));
    }
    Ok(Purchase { payments })
}

/// One seller as the rule sees it. Its fields never multiply beyond a `u128`: a cost is below 2^50,
/// a sum of worths below 2^64, the constants below 2^10.
#[derive(Clone, Copy)]
struct Seller {
    place: usize,
    cost: u128,
    worth: u128,
}

impl Seller {
    /// By cost for each unit of worth, compared without dividing; ties by place.
    fn dearer(&self, other: &Self) -> Ordering {
        let (own, others) = (self.cost * other.worth, other.cost * self.worth);
        own.cmp(&others).then(self.place.cmp(&other.place))
    }
}

/// The offers that can be bought at all.
struct Market {
    budget: u128,
    /// The cheapest for their worth first.
    order: Vec<Seller>,
    /// The seller of most worth.
    lone: Option<usize>,
}

impl Market {
    fn new(budget: Money, offers: &[Offer]) -> Result<Self, Invalid> {
        let negative =
            |subject, field, value| Invalid::new(subject, field, value, "must be at least 0");
        let budget = u128::try_from(budget.units())
            .map_err(|_| negative(Subject::Problem, "budget", budget))?;
        let mut order = Vec::with_capacity(offers.len());
        let mut total = 0_u64;
        for (place, offer) in offers.iter().enumerate() {
            let who = Subject::Agent(place as u64);
            let cost = u128::try_from(offer.cost.units())
                .map_err(|_| negative(who, "cost", offer.cost))?;
            total = total.checked_add(offer.worth).ok_or_else(|| {
                Invalid::new(
                    who,
                    "worth",
                    offer.worth,
                    "must not take the sum of all beyond 2^64 - 1",
                )
            })?;
            if cost <= budget && offer.worth > 0 {
                order.push(Seller { place, cost, worth: offer.worth.into() });
            }
        }
        // Of equal ones the first: the order is still that of the offers.
        let lone = order.iter().rev().max_by_key(|seller| seller.worth).map(|lone| lone.place);
        order.sort_unstable_by(Seller::dearer);
        Ok(Self { budget, order, lone })
    }

    /// Whose offers are bought if `order` is the market. Nobody is bought for raising its cost.
    fn choose(&self, order: &[Seller]) -> Vec<usize> {
        let lone = order.iter().find(|seller| Some(seller.place) == self.lone);
        match lone {
            Some(lone) if self.outweighs(lone, order) => vec![lone.place],
            _ => self.proportional_share(order),
        }
    }

    /// Whether (1 + √2) times the worth of `lone` is at least what the others in `order` are worth
    /// to the buyer who may split them. Whatever `lone` costs.
    fn outweighs(&self, lone: &Seller, order: &[Seller]) -> bool {
        let (mut left, mut worth) = (self.budget, 0);
        for other in order.iter().filter(|other| other.place != lone.place) {
            if other.cost > left {
                // worth + left * other.worth / other.cost, times other.cost.
                let split = worth * other.cost + left * other.worth;
                return 985 * lone.worth * other.cost >= 408 * split;
            }
            left -= other.cost;
            worth += other.worth;
        }
        985 * lone.worth >= 408 * worth
    }

    /// The longest start of `order` in which nobody costs more than its part of the budget.
    fn proportional_share(&self, order: &[Seller]) -> Vec<usize> {
        let mut worth = 0;
        let fits = |seller: &&Seller| {
            worth += seller.worth;
            seller.cost * worth <= self.budget * seller.worth
        };
        order.iter().take_while(fits).map(|seller| seller.place).collect()
    }

    /// The highest cost at which the offer of the bought `seller` would have been bought.
    fn critical_cost(&self, seller: usize) -> i64 {
        let mut others = self.order.clone();
        others.retain(|other| other.place != seller);
        let Some(own) = self.order.iter().find(|own| own.place == seller) else { return 0 };
        let is_bought = |cost: u128| {
            let own = Seller { cost, ..*own };
            let mut order = others.clone();
            order.insert(others.partition_point(|other| other.dearer(&own).is_lt()), own);
            self.choose(&order).contains(&seller)
        };
        let (mut bought, mut refused) = (own.cost, self.budget + 1);
        while refused - bought > 1 {
            let middle = bought.midpoint(refused);
            if is_bought(middle) { bought = middle } else { refused = middle }
        }
        i64::try_from(bought).unwrap_or(i64::MAX)
    }
}

#[cfg(test)]
mod laws;
