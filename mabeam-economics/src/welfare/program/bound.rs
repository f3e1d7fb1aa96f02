//! What nothing is worth more than: weak duality, in integers.

use super::exact::{Exact, ExactRow};
use super::{Relation, WHOLE};
use crate::welfare::fixed::toward_zero;

/// Binary places of a price.
const PLACES: i32 = 40;

impl Exact {
    /// The bound that the rows' prices prove, in billionths, rounded up; to whole units where the
    /// value is in whole units. `None` where a variable without a limit is worth more than it costs.
    ///
    /// For prices of the right sign (of an upper limit not below nothing, of a lower not above) every
    /// feasible `x` has `c x <= p b + sum of max(0, c - p a) * most`.
    pub(super) fn bound(&self, prices: &[f64]) -> Option<i128> {
        let mut surplus: Vec<i128> =
            self.columns.iter().map(|column| i128::from(column.worth) << PLACES).collect();
        let mut sum = 0_i128;
        for (row, &price) in self.rows.iter().zip(prices) {
            let price = toward_zero(price, PLACES);
            let price = match row.relation {
                Relation::AtMost => price.max(0),
                Relation::AtLeast => price.min(0),
                Relation::Exactly => price,
            };
            sum = sum.checked_add(price.checked_mul(row.limit.into())?)?;
            for &(column, coefficient) in &row.terms {
                let cost = price.checked_mul(coefficient.into())?;
                surplus[column] = surplus[column].checked_sub(cost)?;
            }
        }
        let limits = self.limits();
        for (surplus, limit) in surplus.into_iter().zip(limits) {
            if surplus > 0 {
                sum = sum.checked_add(surplus.checked_mul(limit?)?)?;
            }
        }
        let unit = i128::from(self.unit);
        if self.whole_worths() {
            // The largest whole number that is not above.
            return Some((sum >> PLACES) * unit * i128::from(WHOLE));
        }
        let (whole, rest) = (sum >> PLACES, sum & ((1 << PLACES) - 1));
        let rest = (rest * i128::from(WHOLE) + (1 << PLACES) - 1) >> PLACES;
        whole.checked_mul(WHOLE.into())?.checked_add(rest)?.checked_mul(unit)
    }

    /// The largest value of each variable: its own limit, or one that the rows imply.
    fn limits(&self) -> Vec<Option<i128>> {
        let mut limits: Vec<Option<i128>> =
            self.columns.iter().map(|column| column.most.map(i128::from)).collect();
        // A limit may follow from others': a few rounds find what is practical.
        for _ in 0..4 {
            if limits.iter().all(Option::is_some) {
                break;
            }
            for row in &self.rows {
                if row.relation != Relation::AtLeast {
                    row.imply(1, &mut limits);
                }
                if row.relation != Relation::AtMost {
                    row.imply(-1, &mut limits);
                }
            }
        }
        limits
    }
}

impl ExactRow {
    /// Limits variables by `sign * sum <= sign * limit`, with all others at their least.
    fn imply(&self, sign: i128, limits: &mut [Option<i128>]) {
        let terms = || self.terms.iter().map(|&(column, a)| (column, sign * i128::from(a)));
        for (column, coefficient) in terms().filter(|(_, coefficient)| *coefficient > 0) {
            let others = terms().filter(|(other, a)| *other != column && *a < 0);
            let mut least =
                others.map(|(other, a)| limits[other].and_then(|most| most.checked_mul(a)));
            let least = least.try_fold(0_i128, |sum, one| sum.checked_add(one?));
            let left = least.and_then(|least| (sign * i128::from(self.limit)).checked_sub(least));
            if let Some(left) = left
                && limits[column].is_none()
            {
                limits[column] = Some((left.max(0) + coefficient - 1) / coefficient);
            }
        }
    }
}
