//! Where between two prices the price of a trade lies: the `k` of the k-double auction.

use crate::{Invalid, Money, Subject};

/// The weight `k`, a fraction from 0 to 1, of the upper end of the interval of prices that clear a
/// market. At 0 the buyers have the whole advantage of the interval, at 1 the sellers.
///
/// ```
/// use mabeam_economics::market::PriceWeight;
///
/// assert!(PriceWeight::new(1, 3).is_ok());
/// assert!(PriceWeight::new(4, 3).is_err());
/// ```
#[derive(Clone, Copy, Debug)]
pub struct PriceWeight {
    numerator: u32,
    denominator: u32,
}

impl PriceWeight {
    /// 0: the lowest price that clears.
    pub const LOWEST: Self = Self { numerator: 0, denominator: 1 };
    /// 1/2: the middle.
    pub const MIDDLE: Self = Self { numerator: 1, denominator: 2 };
    /// 1: the highest price that clears (the "buyer's bid double auction").
    pub const HIGHEST: Self = Self { numerator: 1, denominator: 1 };

    /// The fraction `numerator / denominator`, held exactly.
    ///
    /// Errors: a denominator of 0, a fraction above 1.
    pub fn new(numerator: u32, denominator: u32) -> Result<Self, Invalid> {
        if denominator == 0 {
            let rule = "must be at least 1";
            return Err(Invalid::new(Subject::Problem, "k's denominator", denominator, rule));
        }
        if numerator > denominator {
            let (value, rule) = (format!("{numerator}/{denominator}"), "must be at most 1");
            return Err(Invalid::new(Subject::Problem, "k", value, rule));
        }
        Ok(Self { numerator, denominator })
    }

    /// `low + k (high - low)`, rounded down to a whole unit: from `low` to `high` if `low <= high`.
    pub(super) fn between(self, low: Money, high: Money) -> Money {
        let width = i128::from(high.units()) - i128::from(low.units());
        let part = (width * i128::from(self.numerator)).div_euclid(i128::from(self.denominator));
        let price = i64::try_from(i128::from(low.units()) + part).ok().and_then(Money::new);
        // Between two sums of money lies a sum of money.
        price.unwrap_or(low)
    }
}
