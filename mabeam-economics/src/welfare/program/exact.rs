//! The program in integers: divided by what divides all of it, and the check of values against it.

use super::{
    Column, MAX_COEFFICIENT, MAX_LIMIT, MAX_WORTH, Program, ProgramError, Proof, Relation, Row,
    Solution, TOLERANCE, WHOLE,
};
use crate::{Invalid, Subject};

/// A program that the solver can take.
pub(super) struct Exact {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<ExactRow>,
    /// What all worths were divided by.
    pub(super) unit: i64,
}

/// A row whose coefficients have no common divisor; where variables are divisible, nor has the limit.
pub(super) struct ExactRow {
    /// Columns and coefficients, none of them 0, each column once.
    pub(super) terms: Vec<(usize, i64)>,
    pub(super) relation: Relation,
    pub(super) limit: i64,
    whole: bool,
}

fn greatest_common_divisor(a: i64, b: i64) -> i64 {
    let (mut a, mut b) = (a.unsigned_abs(), b.unsigned_abs());
    while b > 0 {
        (a, b) = (b, a % b);
    }
    i64::try_from(a).unwrap_or(1)
}

impl Exact {
    /// `None` if a row alone can't be met: an equation of multiples, without its limit among them, or
    /// a row without terms.
    pub(super) fn of(program: &Program) -> Result<Option<Self>, ProgramError> {
        let worths = program.columns.iter().map(|column| column.worth);
        let unit = worths.fold(0, greatest_common_divisor).max(1);
        let mut columns = program.columns.clone();
        for (id, column) in (0..).zip(&mut columns) {
            column.worth /= unit;
            if column.worth.abs() > MAX_WORTH {
                let rule = "must be at most 10^9 times what divides all worths";
                return Err(Invalid::new(Subject::Bid(id), "worth", column.worth, rule).into());
            }
            if column.whole && column.most.is_some_and(|most| i32::try_from(most).is_err()) {
                let (most, rule) = (column.most.unwrap_or(0), "must be below 2^31");
                return Err(Invalid::new(Subject::Bid(id), "largest value", most, rule).into());
            }
        }
        let mut rows = vec![];
        for (id, row) in (0..).zip(&program.rows) {
            match ExactRow::of(row, &columns, id)? {
                Some(row) if row.terms.is_empty() && row.met(0) => {}
                Some(row) if !row.terms.is_empty() => rows.push(row),
                _ => return Ok(None),
            }
        }
        Ok(Some(Self { columns, rows, unit }))
    }

    pub(super) fn nothing(&self) -> Vec<i64> {
        vec![0; self.columns.len()]
    }

    /// By how much `values` violate the rows, beside the rows' largest coefficients; `None` if a row of
    /// whole variables is not met, or a value is out of its bounds.
    pub(super) fn violation(&self, values: &[i64]) -> Option<f64> {
        for (column, &value) in self.columns.iter().zip(values) {
            let most = column.most.map_or(i64::MAX, |most| i64::from(most) * WHOLE);
            if !(0..=most).contains(&value) || (column.whole && value % WHOLE != 0) {
                return None;
            }
        }
        let mut worst = 0.0_f64;
        for row in &self.rows {
            let sum: i128 =
                row.terms.iter().map(|&(c, a)| i128::from(a) * i128::from(values[c])).sum();
            let over = sum - i128::from(row.limit) * i128::from(WHOLE);
            let by = match row.relation {
                Relation::AtMost => over.max(0),
                Relation::AtLeast => (-over).max(0),
                Relation::Exactly => over.abs(),
            };
            if row.whole && by > 0 {
                return None;
            }
            let largest = row.terms.iter().map(|(_, a)| a.abs()).max().unwrap_or(1);
            worst = worst.max(by as f64 / (largest as f64 * WHOLE as f64));
        }
        Some(worst)
    }

    /// In billionths.
    pub(super) fn value(&self, values: &[i64]) -> i128 {
        let worth =
            |(column, &value): (&Column, &i64)| i128::from(column.worth) * i128::from(value);
        self.columns.iter().zip(values).map(worth).sum::<i128>() * i128::from(self.unit)
    }

    /// Whether whatever is worth anything is whole, so that a value is a multiple of the unit.
    pub(super) fn whole_worths(&self) -> bool {
        self.columns.iter().all(|column| column.whole || column.worth == 0)
    }

    pub(super) fn proof(&self, solution: &Solution, finished: bool) -> Option<Proof> {
        let exact = self.columns.iter().all(|column| column.whole);
        let slack =
            if exact { 0.0 } else { TOLERANCE * (solution.value as f64).abs().max(WHOLE as f64) };
        if solution.bound.is_some_and(|bound| (bound - solution.value) as f64 <= slack) {
            return Some(Proof::Duality);
        }
        // The solver gives up cases that are within a billionth of its value.
        let units = solution.value / i128::from(WHOLE) / i128::from(self.unit);
        let told_apart = self.whole_worths() && units.abs() < i128::from(MAX_WORTH / 10);
        (finished && told_apart).then_some(Proof::Search)
    }
}

impl ExactRow {
    fn of(row: &Row, columns: &[Column], id: u64) -> Result<Option<Self>, Invalid> {
        let refused =
            |field, value: i64, rule| Err(Invalid::new(Subject::Resource(id), field, value, rule));
        let mut terms: Vec<(usize, i64)> = row.terms.iter().map(|&(v, a)| (v.0, a)).collect();
        terms.sort_unstable();
        let place = |column: usize| i64::try_from(column).unwrap_or(i64::MAX);
        if let Some(pair) = terms.windows(2).find(|pair| pair[0].0 == pair[1].0) {
            return refused("variable", place(pair[0].0), "must be in a row once");
        }
        if let Some(&(column, _)) = terms.iter().find(|(column, _)| *column >= columns.len()) {
            return refused("variable", place(column), "must be one of this program");
        }
        terms.retain(|&(_, coefficient)| coefficient != 0);
        if let Some(&(_, least)) = terms.iter().find(|(_, coefficient)| *coefficient == i64::MIN) {
            return refused("coefficient", least, "must be above -2^63");
        }
        let whole = terms.iter().all(|&(column, _)| columns[column].whole);
        let common = terms.iter().fold(0, |common, &(_, a)| greatest_common_divisor(common, a));
        let common = if whole { common } else { greatest_common_divisor(common, row.limit) }.max(1);
        for (_, coefficient) in &mut terms {
            *coefficient /= common;
        }
        let limit = match row.relation {
            Relation::AtLeast => row.limit.div_euclid(common) + i64::from(row.limit % common != 0),
            Relation::Exactly if row.limit % common != 0 => return Ok(None),
            _ => row.limit.div_euclid(common),
        };
        if let Some(&(_, large)) = terms.iter().find(|(_, a)| a.abs() > MAX_COEFFICIENT) {
            let rule = "must be at most 10^6 times what divides the row";
            return refused("coefficient", large, rule);
        }
        if !terms.is_empty() && !(-MAX_LIMIT..=MAX_LIMIT).contains(&limit) {
            return refused("limit", limit, "must be at most 10^12 times what divides the row");
        }
        Ok(Some(Self { terms, relation: row.relation, limit, whole }))
    }

    fn met(&self, sum: i64) -> bool {
        match self.relation {
            Relation::AtMost => sum <= self.limit,
            Relation::AtLeast => sum >= self.limit,
            Relation::Exactly => sum == self.limit,
        }
    }
}
