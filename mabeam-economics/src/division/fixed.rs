//! Numbers that are no whole units: steps of 2^-64, always rounded down by whoever makes one.
//!
//! Owns the type and how it is read. Leaves the rounding, and what may be concluded from it, to the
//! division that states the number.

use std::fmt;

/// A number of at least 0 in steps of 2^-64: a level, a share, a rate, tasks that may be split.
///
/// ```
/// use mabeam_economics::division::Fixed;
///
/// let half = Fixed::from_bits(1 << 63);
/// assert_eq!((half.floor(), half.to_f64()), (0, 0.5));
/// assert_eq!(Fixed::whole(3).to_string(), "3");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fixed(u128);

impl Fixed {
    /// None.
    pub const ZERO: Self = Self(0);
    /// The whole of something.
    pub const ONE: Self = Self(1 << 64);

    /// `units` whole units.
    pub fn whole(units: u64) -> Self {
        Self(u128::from(units) << 64)
    }

    /// `steps` steps of 2^-64.
    pub const fn from_bits(steps: u128) -> Self {
        Self(steps)
    }

    /// The number of steps of 2^-64.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The whole units, rounded down.
    pub const fn floor(self) -> u64 {
        (self.0 >> 64) as u64
    }

    /// What [`floor`](Self::floor) leaves, in steps of 2^-64.
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is what is asked for")]
    pub const fn fraction(self) -> u64 {
        self.0 as u64
    }

    /// The nearest `f64`: for display, not for comparing.
    pub const fn to_f64(self) -> f64 {
        const STEP: f64 = 1.0 / (1_u128 << 64) as f64;
        self.0 as f64 * STEP
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_f64().fmt(f)
    }
}
