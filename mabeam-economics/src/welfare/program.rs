//! Linear and 0/1 programs: the largest total worth under any linear constraints, in integers.
//!
//! Owns the statement of a program, the check of what the solver answers, and the bound that proves it.
//! The solver computes in floats; here its answer is rounded, checked against the program in integers
//! and valued in integers, and a bound is computed in integers from the prices of a second program,
//! the dual. So a [`Solution`] is feasible, its value is its value, and no solution is worth more than
//! its bound, whatever the solver did.
//!
//! [`Infeasible`](Outcome::Infeasible), [`Unbounded`](Outcome::Unbounded) and the proof by
//! [`Search`](Proof::Search) are the solver's word, in floats. Fairness is not promised, nor that the
//! truth pays. Few resources and many divisible requests are solved faster by
//! [`knapsack`](super::knapsack), pairs by [`assignment`](super::assignment).

mod bound;
mod exact;
mod solver;

use crate::{Invalid, Money};

/// One whole, in the unit of a [`Solution`]: a billionth.
pub const WHOLE: i64 = 1_000_000_000;
/// The largest coefficient, after a row is divided by what divides all of it.
pub const MAX_COEFFICIENT: i64 = 1_000_000;
/// The largest limit of a row, after the same.
pub const MAX_LIMIT: i64 = 1_000_000_000_000;
/// The largest worth, after all are divided by what divides all.
pub const MAX_WORTH: i64 = 1_000_000_000;
/// By how much, beside its largest coefficient, a row with divisible variables may be violated; and by
/// which part of the value the bound of such a program may exceed it to count as proved.
pub const TOLERANCE: f64 = 1e-6;

/// One unknown of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable(usize);

/// How a row's sum is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    /// The sum is at most the limit.
    AtMost,
    /// The sum is at least the limit.
    AtLeast,
    /// The sum is the limit.
    Exactly,
}

/// What is to be maximised, and under which constraints.
#[derive(Clone, Debug, Default)]
pub struct Program {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    worth: i64,
    most: Option<u32>,
    whole: bool,
}

#[derive(Clone, Debug)]
struct Row {
    terms: Vec<(Variable, i64)>,
    relation: Relation,
    limit: i64,
}

/// What is known of a program.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// Nothing is worth more.
    Optimal(Solution, Proof),
    /// The best that was found; more may be possible, up to the bound.
    Feasible(Solution),
    /// Nothing meets the constraints.
    Infeasible,
    /// The worth has no limit.
    Unbounded,
}

/// Values that meet the constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    values: Vec<i64>,
    /// What they are worth, in billionths of a minor unit. Exact.
    pub value: i128,
    /// What nothing is worth more than, in billionths of a minor unit: proved in integers. `None`
    /// where a variable has no limit that the rows imply.
    pub bound: Option<i128>,
    /// By how much a row with divisible variables is violated at worst, beside its largest
    /// coefficient. Rows of whole variables are met exactly.
    pub violation: f64,
}

/// Why nothing is worth more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The bound says so: exactly, where all variables are whole; else within [`TOLERANCE`].
    Duality,
    /// The solver's branch and bound went through all cases, in floats that are fine enough to tell
    /// worths of this size apart.
    Search,
}

/// Why there is no outcome.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProgramError {
    /// The input can't be taken. Variables are named as bids, rows as resources, in their order.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The search stopped at its limit before it found anything.
    #[error("the search stopped at its limit before it found a solution")]
    Stopped,
    /// The solver failed, or its answer does not hold.
    #[error("the solver gave no answer that holds: {0}")]
    Unsolved(String),
}

impl Solution {
    /// The value of a variable in billionths; 0 for a variable of another program.
    pub fn billionths(&self, variable: Variable) -> i64 {
        self.values.get(variable.0).copied().unwrap_or(0)
    }

    /// The whole part of a variable's value: all of it, for a whole variable.
    pub fn whole(&self, variable: Variable) -> i64 {
        self.billionths(variable) / WHOLE
    }
}

impl Program {
    /// A program without variables.
    pub fn new() -> Self {
        Self::default()
    }

    /// A divisible variable from 0 to `most`, each unit of which is worth `worth`.
    pub fn divisible(&mut self, worth: Money, most: Option<u32>) -> Variable {
        self.column(Column { worth: worth.units(), most, whole: false })
    }

    /// A whole variable from 0 to `most`, at most 2^31 - 1, each unit of which is worth `worth`.
    pub fn whole(&mut self, worth: Money, most: u32) -> Variable {
        self.column(Column { worth: worth.units(), most: Some(most), whole: true })
    }

    /// Something that is done or not, and is worth `worth` if done.
    pub fn choice(&mut self, worth: Money) -> Variable {
        self.whole(worth, 1)
    }

    fn column(&mut self, column: Column) -> Variable {
        self.columns.push(column);
        Variable(self.columns.len() - 1)
    }

    /// Limits the sum of `coefficient * variable`. What it can't take, [`solve`](Self::solve) refuses.
    pub fn constrain(&mut self, terms: &[(Variable, i64)], relation: Relation, limit: i64) {
        self.rows.push(Row { terms: terms.to_vec(), relation, limit });
    }

    /// Solves the program; with whole variables, in at most `node_limit` nodes of the search.
    ///
    /// Where several solutions are worth the same, the result is one of them, the same each time.
    ///
    /// Cost: two linear programs, and one a node.
    ///
    /// # Errors
    ///
    /// [`Invalid`] for a variable of another program or twice in a row, and for numbers beyond
    /// [`MAX_COEFFICIENT`], [`MAX_LIMIT`] and [`MAX_WORTH`], which the solver's floats would confuse:
    /// choose a larger unit. [`Stopped`](ProgramError::Stopped) and
    /// [`Unsolved`](ProgramError::Unsolved) as they say.
    ///
    /// Source: the check of a solution by its dual, A. Schrijver, *Theory of Linear and Integer
    /// Programming*, 1986, section 7.4.
    ///
    /// ```
    /// use mabeam_economics::Money;
    /// use mabeam_economics::welfare::program::{Outcome, Program, Relation};
    ///
    /// // Whole items of 60, 100 and 120 that weigh 10, 20 and 30, of which 50 can be carried.
    /// let mut program = Program::new();
    /// let items = [60, 100, 120].map(|worth| program.choice(Money::new(worth).unwrap()));
    /// let weights = [(items[0], 10), (items[1], 20), (items[2], 30)];
    /// program.constrain(&weights, Relation::AtMost, 50);
    /// let Outcome::Optimal(best, _) = program.solve(1_000)? else { panic!("it has an optimum") };
    /// assert_eq!(items.map(|item| best.whole(item)), [0, 1, 1]);
    /// assert_eq!(best.value, 220_000_000_000);
    /// # Ok::<(), mabeam_economics::welfare::program::ProgramError>(())
    /// ```
    pub fn solve(&self, node_limit: u64) -> Result<Outcome, ProgramError> {
        let Some(exact) = exact::Exact::of(self)? else { return Ok(Outcome::Infeasible) };
        let (values, finished) = match solver::primal(&exact, node_limit)? {
            solver::Answer::Values(values, finished) => (values, finished),
            solver::Answer::Nothing if exact.violation(&exact.nothing()).is_some() => {
                (exact.nothing(), false)
            }
            solver::Answer::Nothing => return Err(ProgramError::Stopped),
            solver::Answer::Infeasible => return Ok(Outcome::Infeasible),
            solver::Answer::Unbounded => return Ok(Outcome::Unbounded),
        };
        let Some(violation) = exact.violation(&values).filter(|&by| by <= TOLERANCE) else {
            return Err(ProgramError::Unsolved("it violates a row".to_owned()));
        };
        let bound = exact.bound(&solver::prices(&exact));
        let value = exact.value(&values);
        let solution = Solution { values, value, bound, violation };
        Ok(match exact.proof(&solution, finished) {
            Some(proof) => Outcome::Optimal(solution, proof),
            None => Outcome::Feasible(solution),
        })
    }
}

#[cfg(test)]
mod laws;
