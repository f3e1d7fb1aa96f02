//! The solver: the program and its dual, in floats. Nothing that it says is believed here.

use microlp::{
    ComparisonOp, Error, OptimizationDirection, Problem, SolutionStatus, SolveOptions,
    SolveOutcome, Variable,
};

use super::exact::Exact;
use super::{ProgramError, Relation, WHOLE};
use crate::welfare::fixed::toward_zero;

/// What the solver says.
pub(super) enum Answer {
    /// Values in billionths, rounded, and whether it calls them optimal.
    Values(Vec<i64>, bool),
    /// It stopped before it had any.
    Nothing,
    Infeasible,
    Unbounded,
}

fn comparison(relation: Relation) -> ComparisonOp {
    match relation {
        Relation::AtMost => ComparisonOp::Le,
        Relation::AtLeast => ComparisonOp::Ge,
        Relation::Exactly => ComparisonOp::Eq,
    }
}

pub(super) fn primal(exact: &Exact, node_limit: u64) -> Result<Answer, ProgramError> {
    let mut problem = Problem::new(OptimizationDirection::Maximize);
    let variables: Vec<Variable> = exact
        .columns
        .iter()
        .map(|column| match column.most {
            Some(most) if column.whole => {
                let most = i32::try_from(most).unwrap_or(i32::MAX);
                problem.add_integer_var(column.worth as f64, (0, most))
            }
            most => {
                let most = most.map_or(f64::INFINITY, f64::from);
                problem.add_var(column.worth as f64, (0.0, most))
            }
        })
        .collect();
    for row in &exact.rows {
        let terms: Vec<(Variable, f64)> =
            row.terms.iter().map(|&(column, a)| (variables[column], a as f64)).collect();
        problem.add_constraint(terms, comparison(row.relation), row.limit as f64);
    }
    let mut options = SolveOptions::default();
    options.node_limit = Some(node_limit);
    match problem.solve_with(options) {
        Ok(SolveOutcome::Solution(solution)) => {
            let value = |(&variable, column): (&Variable, &super::Column)| {
                let value = solution.var_value(variable);
                let value = if column.whole {
                    toward_zero(value.round(), 0).checked_mul(WHOLE.into())
                } else {
                    Some(toward_zero((value * WHOLE as f64).round(), 0))
                };
                // Rounding may pass a bound by less than the solver's tolerance.
                let most = column.most.map_or(i64::MAX, |most| i64::from(most) * WHOLE);
                Some(i64::try_from(value?).ok()?.clamp(0, most))
            };
            let values: Option<Vec<i64>> =
                variables.iter().zip(&exact.columns).map(value).collect();
            let values = values.ok_or_else(|| unsolved("a value is too large"))?;
            Ok(Answer::Values(values, solution.status() == SolutionStatus::Optimal))
        }
        Ok(SolveOutcome::Interrupted(_)) => Ok(Answer::Nothing),
        Err(Error::Infeasible) => Ok(Answer::Infeasible),
        Err(Error::Unbounded) => Ok(Answer::Unbounded),
        Err(error) => Err(unsolved(&error.to_string())),
    }
}

fn unsolved(why: &str) -> ProgramError {
    ProgramError::Unsolved(why.to_owned())
}

/// The prices of the rows, from the dual program as if everything could be divided; none where the
/// solver fails, which bounds less and is as true.
pub(super) fn prices(exact: &Exact) -> Vec<f64> {
    let mut problem = Problem::new(OptimizationDirection::Minimize);
    let prices: Vec<Variable> = exact
        .rows
        .iter()
        .map(|row| {
            let sign = match row.relation {
                Relation::AtMost => (0.0, f64::INFINITY),
                Relation::AtLeast => (f64::NEG_INFINITY, 0.0),
                Relation::Exactly => (f64::NEG_INFINITY, f64::INFINITY),
            };
            problem.add_var(row.limit as f64, sign)
        })
        .collect();
    let mut costs: Vec<Vec<(Variable, f64)>> = vec![vec![]; exact.columns.len()];
    for (row, &price) in exact.rows.iter().zip(&prices) {
        for &(column, coefficient) in &row.terms {
            costs[column].push((price, coefficient as f64));
        }
    }
    for (column, mut cost) in exact.columns.iter().zip(costs) {
        if let Some(most) = column.most {
            cost.push((problem.add_var(f64::from(most), (0.0, f64::INFINITY)), 1.0));
        }
        problem.add_constraint(cost, ComparisonOp::Ge, column.worth as f64);
    }
    match problem.solve() {
        Ok(SolveOutcome::Solution(solution)) => {
            prices.into_iter().map(|price| solution.var_value(price)).collect()
        }
        _ => vec![0.0; exact.rows.len()],
    }
}
