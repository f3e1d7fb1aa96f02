//! What somebody pays or is owed: whole minor units, checked arithmetic.

use std::fmt;

/// A sum of money in minor units (cents, millitokens). Negative where it is owed.
///
/// A [`Money`] never exceeds [`MAX`](Self::MAX) either way, so that nine thousand of them can be added
/// in an `i64` and any two multiplied in an `i128`.
///
/// ```
/// use mabeam_economics::Money;
///
/// let (bid, paid) = (Money::new(500).unwrap(), Money::new(320).unwrap());
/// assert_eq!(bid.checked_sub(paid), Money::new(180));
/// assert_eq!(Money::MAX.checked_add(paid), None);
/// assert_eq!(Money::new(i64::MAX), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

impl Money {
    /// None.
    pub const ZERO: Self = Self(0);
    /// The largest sum: 10^15 minor units.
    pub const MAX: Self = Self(1_000_000_000_000_000);
    /// The largest debt.
    pub const MIN: Self = Self(-Self::MAX.0);

    /// `units` minor units; `None` beyond [`MAX`](Self::MAX) or [`MIN`](Self::MIN).
    pub const fn new(units: i64) -> Option<Self> {
        if units < Self::MIN.0 || units > Self::MAX.0 { None } else { Some(Self(units)) }
    }

    /// The number of minor units.
    pub const fn units(self) -> i64 {
        self.0
    }

    /// The sum; `None` beyond the bounds.
    #[must_use]
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        Self::new(self.0 + other.0)
    }

    /// The difference; `None` beyond the bounds.
    #[must_use]
    pub const fn checked_sub(self, other: Self) -> Option<Self> {
        Self::new(self.0 - other.0)
    }

    /// `count` times as much; `None` beyond the bounds.
    #[must_use]
    pub fn checked_mul(self, count: u64) -> Option<Self> {
        let units = i128::from(self.0) * i128::from(count);
        i64::try_from(units).ok().and_then(Self::new)
    }

    /// The sum of all; `None` beyond the bounds.
    pub fn total(all: impl IntoIterator<Item = Self>) -> Option<Self> {
        let sum = all.into_iter().try_fold(0_i128, |sum, one| sum.checked_add(one.0.into()))?;
        i64::try_from(sum).ok().and_then(Self::new)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
