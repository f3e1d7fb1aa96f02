//! Beta reputation: how likely the next dealing is to satisfy, from those before it.
//!
//! Owns the evidence and its fading. Promises exact counts, so that two who saw the same in the same
//! periods hold the same reputation. Leaves to its caller when a period ends.

use std::cmp::Ordering;

use crate::{Invalid, Subject};

/// The smallest part of an observation that is kept track of: evidence fades in millionths.
const PER_OBSERVATION: u64 = 1_000_000;

/// More evidence of one kind is refused, so that both kinds and the prior add up in a `u64`.
const MOST: u64 = u64::MAX / 4;

/// How much evidence is kept from one period to the next, in millionths.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Retention(u32);

impl Retention {
    /// Nothing fades.
    pub const ALL: Self = Self(1_000_000);

    /// `kept` millionths are kept; `None` if that is more than all.
    pub const fn millionths(kept: u32) -> Option<Self> {
        if kept > Self::ALL.0 { None } else { Some(Self(kept)) }
    }
}

/// What was seen of somebody: satisfactory dealings and others, fading with time.
///
/// The expected share of satisfactory dealings is `(r + 1) / (r + s + 2)`, the mean of the beta
/// distribution after r satisfactory and s other ones: 1/2 for a stranger, rising with r, falling
/// with s. Evidence is held in whole millionths of an observation; what fading leaves of a millionth
/// is dropped.
///
/// Not promised: anything against a stranger who was somebody of bad reputation before, or
/// observations reported by somebody who lies.
///
/// Cost: constant.
///
/// Source: A. Jøsang and R. Ismail, *The beta reputation system*, 15th Bled Electronic Commerce
/// Conference, 2002: sections 2.1 to 2.3, and 2.6 for forgetting.
///
/// ```
/// use mabeam_economics::trust::{BetaReputation, Retention};
///
/// let mut seen = BetaReputation::default();
/// assert_eq!(seen.expected(), 0.5);
/// seen.observe(7, 1)?;
/// assert_eq!(seen.expected(), 0.8);
/// // A period later half of the evidence has faded, and with it some of the confidence.
/// seen.fade(Retention::millionths(500_000).unwrap());
/// assert_eq!(seen.expected_ratio(), (4_500_000, 6_000_000));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct BetaReputation {
    satisfactory: u64,
    other: u64,
}

impl BetaReputation {
    /// Adds the dealings of the current period.
    ///
    /// Errors: more than 4.6 * 10^12 unfaded observations of one kind; nothing was added then.
    pub fn observe(&mut self, satisfactory: u64, other: u64) -> Result<(), Invalid> {
        let added = |field, held: u64, observed: u64| {
            let evidence =
                observed.checked_mul(PER_OBSERVATION).and_then(|new| held.checked_add(new));
            evidence.filter(|&evidence| evidence <= MOST).ok_or_else(|| {
                let rule = "must not take the evidence beyond 2^62 millionths";
                Invalid::new(Subject::Problem, field, observed, rule)
            })
        };
        *self = Self {
            satisfactory: added("satisfactory observations", self.satisfactory, satisfactory)?,
            other: added("other observations", self.other, other)?,
        };
        Ok(())
    }

    /// Ends a period: of all evidence only `kept` is left, rounded down.
    pub fn fade(&mut self, kept: Retention) {
        let faded = |evidence: u64| {
            let kept = u128::from(evidence) * u128::from(kept.0) / u128::from(Retention::ALL.0);
            u64::try_from(kept).unwrap_or(evidence)
        };
        *self = Self { satisfactory: faded(self.satisfactory), other: faded(self.other) };
    }

    /// The evidence in millionths of an observation: satisfactory, other.
    pub const fn evidence(&self) -> (u64, u64) {
        (self.satisfactory, self.other)
    }

    /// The expected share of satisfactory dealings: numerator and denominator.
    pub const fn expected_ratio(&self) -> (u64, u64) {
        let numerator = self.satisfactory + PER_OBSERVATION;
        (numerator, numerator + self.other + PER_OBSERVATION)
    }

    /// The expected share of satisfactory dealings, above 0 and below 1. A float: the last step.
    pub fn expected(&self) -> f64 {
        let (numerator, denominator) = self.expected_ratio();
        numerator as f64 / denominator as f64
    }

    /// Whether more is to be expected of this one than of `other`: the ratios, compared exactly.
    pub fn compare(&self, other: &Self) -> Ordering {
        let (own, of_own) = self.expected_ratio();
        let (others, of_others) = other.expected_ratio();
        let cross = |one: u64, of: u64| u128::from(one) * u128::from(of);
        cross(own, of_others).cmp(&cross(others, of_own))
    }
}

#[cfg(test)]
mod laws;
