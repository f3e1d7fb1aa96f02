//! The Shapley value: what each player of a coalitional game earned.
//!
//! Owns the exact value for up to [`MOST_PLAYERS`] players and its rounding to whole minor units.
//! Promises efficiency (the shares add up to what all players together are worth), symmetry, nothing
//! for a null player, and additivity. Leaves to its caller the characteristic function.

pub(crate) mod sampled;

use std::cmp::Reverse;

use crate::{Invalid, Money, Subject};

/// The most players for whom all 2^n coalitions are looked at.
pub const MOST_PLAYERS: usize = 20;

/// A set of players, each a number below 32.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Coalition(u32);

impl Coalition {
    /// The set in which player `i` is bit `i`.
    pub const fn from_bits(bits: u32) -> Self {
        Self(bits)
    }

    /// Bit `i` is player `i`.
    pub const fn bits(self) -> u32 {
        self.0
    }

    /// Whether `player` is in it.
    pub const fn contains(self, player: usize) -> bool {
        player < 32 && self.0 >> player & 1 == 1
    }

    /// How many players are in it.
    pub const fn size(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The players in it, in ascending order.
    pub fn players(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let next = (left != 0).then(|| left.trailing_zeros() as usize)?;
            left &= left - 1;
            Some(next)
        })
    }
}

/// What each player earned: fractions with one denominator, in the order of the players.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapleyValue {
    numerators: Vec<i128>,
    denominator: i128,
}

impl ShapleyValue {
    /// Reduced, so that equal values compare equal.
    fn new(numerators: Vec<i128>, denominator: i128) -> Self {
        let divisor = numerators.iter().fold(denominator, |divisor, &one| gcd(divisor, one));
        let numerators = numerators.into_iter().map(|one| one / divisor).collect();
        Self { numerators, denominator: denominator / divisor }
    }

    /// Each player's share in minor units, times [`denominator`](Self::denominator).
    pub fn numerators(&self) -> &[i128] {
        &self.numerators
    }

    /// What the numerators are divided by: positive, and as small as it can be.
    pub const fn denominator(&self) -> i128 {
        self.denominator
    }

    /// The shares in whole minor units; they add up to what all players together are worth. Each is
    /// rounded down, and the units that are left go one each to the largest remainders, ties to the
    /// lowest player. `None` if a share is beyond the bounds of [`Money`], which takes a negative
    /// worth.
    pub fn rounded(&self) -> Option<Vec<Money>> {
        let floor = |share: &i128| share.div_euclid(self.denominator);
        let remainder = |share: i128| share.rem_euclid(self.denominator);
        let mut units: Vec<i128> = self.numerators.iter().map(floor).collect();
        let whole = self.numerators.iter().sum::<i128>() / self.denominator;
        let left = usize::try_from(whole - units.iter().sum::<i128>()).ok()?;

        let mut largest: Vec<usize> = (0..units.len()).collect();
        largest.sort_by_key(|&player| Reverse(remainder(self.numerators[player])));
        for &player in largest.iter().take(left) {
            units[player] += 1;
        }
        units.into_iter().map(|one| i64::try_from(one).ok().and_then(Money::new)).collect()
    }
}

/// The Shapley value of the game of `players` players in which a coalition is worth `worth`.
///
/// A player's share is what it adds to those before it, averaged over all orders in which the
/// players can join. It is the only division that is efficient, symmetric, additive, and gives a
/// player who adds nothing nothing.
///
/// Not promised: that no coalition would do better alone. The value lies in the core of a convex
/// game, and of other games it may not. Nothing is said about players who misstate the worth, or who
/// appear as several.
///
/// Errors: more than [`MOST_PLAYERS`] players (see [`shapley_sampled`](super::shapley_sampled)), or
/// an empty coalition that is worth something.
///
/// Cost: `worth` once for each of the 2^n coalitions, O(2^n n) additions, O(n^2) memory.
///
/// Source: L. S. Shapley, *A value for n-person games*, in Contributions to the Theory of Games II,
/// 1953.
///
/// ```
/// use mabeam_economics::{Money, cooperation::shapley_value};
///
/// // Player 0 owns a left glove, the others a right one each; a pair sells for 600.
/// let value = shapley_value(3, |owners| {
///     let pair = owners.contains(0) && owners.size() > 1;
///     Money::new(if pair { 600 } else { 0 }).unwrap()
/// })?;
/// assert_eq!((value.numerators(), value.denominator()), (&[400, 100, 100][..], 1));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn shapley_value(
    players: usize,
    mut worth: impl FnMut(Coalition) -> Money,
) -> Result<ShapleyValue, Invalid> {
    if players > MOST_PLAYERS {
        return Err(Invalid::new(Subject::Problem, "players", players, "must be at most 20"));
    }
    let nothing = worth(Coalition::default());
    worthless_alone(nothing)?;

    // By size of coalition: what all are worth together, and those that a player is in.
    let mut all = vec![0_i128; players + 1];
    let mut with = vec![[0_i128; MOST_PLAYERS]; players + 1];
    for coalition in (1_u32..1 << players).map(Coalition) {
        let (size, units) = (coalition.size(), i128::from(worth(coalition).units()));
        all[size] += units;
        for player in coalition.players() {
            with[size][player] += units;
        }
    }

    // A coalition of `size` counts for whom it has just been joined by, and against whom it lacks.
    let orders = |before: usize| factorial(before) * factorial(players - 1 - before);
    let share = |player: usize| -> i128 {
        let joined = (1..=players).map(|size| orders(size - 1) * with[size][player]);
        let lacking = (1..players).map(|size| orders(size) * (all[size] - with[size][player]));
        joined.sum::<i128>() - lacking.sum::<i128>()
    };
    Ok(ShapleyValue::new((0..players).map(share).collect(), factorial(players)))
}

/// Refuses a game in which nobody earns something.
fn worthless_alone(nothing: Money) -> Result<(), Invalid> {
    if nothing == Money::ZERO {
        return Ok(());
    }
    Err(Invalid::new(Subject::Problem, "worth of the empty coalition", nothing, "must be 0"))
}

/// Exact up to 20!, which is below 2^62.
fn factorial(n: usize) -> i128 {
    (1..=n as i128).product()
}

fn gcd(one: i128, other: i128) -> i128 {
    if other == 0 { one.abs() } else { gcd(other, one % other) }
}

#[cfg(test)]
mod laws;
