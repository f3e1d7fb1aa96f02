//! How much of a resource there is: whole units, checked arithmetic.

use std::fmt;

/// A number of indivisible units of one resource (tokens, bytes, credits).
///
/// ```
/// use mabeam_economics::Amount;
///
/// let pool = Amount::new(10);
/// assert_eq!(pool.checked_sub(Amount::new(4)), Some(Amount::new(6)));
/// assert_eq!(Amount::total([pool, Amount::MAX]), None);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(u64);

impl Amount {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount.
    pub const MAX: Self = Self(u64::MAX);

    /// `units` units.
    pub const fn new(units: u64) -> Self {
        Self(units)
    }

    /// The number of units.
    pub const fn units(self) -> u64 {
        self.0
    }

    /// The sum; `None` beyond [`MAX`](Self::MAX).
    #[must_use]
    pub fn checked_add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }

    /// The difference; `None` if `other` is more.
    #[must_use]
    pub fn checked_sub(self, other: Self) -> Option<Self> {
        self.0.checked_sub(other.0).map(Self)
    }

    /// The sum of `amounts`; `None` beyond [`MAX`](Self::MAX).
    pub fn total(amounts: impl IntoIterator<Item = Self>) -> Option<Self> {
        amounts.into_iter().try_fold(Self::ZERO, Self::checked_add)
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
