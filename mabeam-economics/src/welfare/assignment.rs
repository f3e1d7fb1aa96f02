//! Assignment: each agent at most one task, each task at most one agent, and the largest total worth.
//!
//! Owns the assignment in integers, its tie rule, and prices that prove it: at them everybody has what
//! is worth most to it above the price, and only tasks that somebody has cost something. The prices
//! are the lowest that do so, which are also what the pivotal mechanism would charge: who pays them
//! gains nothing by a false worth, and without them it may.

mod prices;
mod ties;

use pathfinding::prelude::{Matrix, kuhn_munkres};

use crate::{Invalid, Money, Subject};

/// What each agent is worth at each task, agents in rows; `None` where it can't do the task.
pub type Worths = [Vec<Option<Money>>];

/// Who does what, and the proof that nothing is worth more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The task of each agent.
    pub tasks: Vec<Option<usize>>,
    /// What all pairs are worth together. Exact.
    pub total: i128,
    /// What each pair counts beside its worth: 0, or enough that one pair more counts more than any
    /// worths.
    pub bonus: i128,
    /// The lowest prices of the tasks, of worths with the bonus, at which nobody wants another.
    pub prices: Vec<i128>,
}

impl Assignment {
    /// Whether the prices prove that no assignment of `worths` counts more: nobody would gain above
    /// the price by another task or by none, and a task that nobody does costs nothing.
    ///
    /// Cost: O(n m).
    pub fn is_proved(&self, worths: &Worths) -> bool {
        let done = |task: usize| self.tasks.contains(&Some(task));
        let free_cost_nothing =
            self.prices.iter().enumerate().all(|(task, &p)| p == 0 || (p > 0 && done(task)));
        let content = worths.iter().zip(&self.tasks).all(|(row, task)| {
            let surplus = |task: usize| -> Option<i128> {
                let worth: i128 = (*row.get(task)?)?.units().into();
                Some(worth + self.bonus - self.prices.get(task)?)
            };
            let own = task.map_or(Some(0), surplus);
            let best = (0..row.len()).filter_map(surplus).max().unwrap_or(0).max(0);
            own.is_some_and(|own| own >= best)
        });
        let tasks = || self.tasks.iter().flatten();
        let mut sorted: Vec<&usize> = tasks().collect();
        sorted.sort_unstable();
        free_cost_nothing && content && sorted.windows(2).all(|pair| pair[0] < pair[1])
    }
}

/// The assignment that is worth most. A pair is made only if it is worth more than nothing.
///
/// Among equally good assignments: the one that gives the first agent the lowest task that any of
/// them gives it, then the second, and so on; no task comes last.
///
/// Cost: O(k^2 l) for k of the fewer and l of the more of agents and tasks, at most as much again for
/// the ties.
///
/// # Errors
///
/// Rows of different lengths.
///
/// Source: H. W. Kuhn, *The Hungarian method for the assignment problem*, 1955, and J. Munkres, 1957;
/// prices: G. Demange, D. Gale and M. Sotomayor, *Multi-item auctions*, Journal of Political Economy
/// 94 (1986).
///
/// ```
/// use mabeam_economics::Money;
/// use mabeam_economics::welfare::assignment::assign;
///
/// let worths = [[100, 110, 90], [95, 130, 75], [95, 140, 65]].map(|row| row.map(Money::new).to_vec());
/// let best = assign(&worths)?;
/// assert_eq!((best.tasks.as_slice(), best.total), (&[Some(2), Some(0), Some(1)][..], 325));
/// assert_eq!(best.prices, [10, 45, 0]);
/// assert!(best.is_proved(&worths));
/// # Ok::<(), mabeam_economics::Invalid>(())
/// ```
pub fn assign(worths: &Worths) -> Result<Assignment, Invalid> {
    solve(worths, |_, _| 0)
}

/// The assignment with the most pairs, and of these the one that is worth most; worths may be below
/// nothing (costs). Ties, cost and errors as of [`assign`].
pub fn assign_most(worths: &Worths) -> Result<Assignment, Invalid> {
    solve(worths, |largest, pairs| 2 * largest * pairs + 1)
}

fn solve(worths: &Worths, bonus: impl Fn(i128, i128) -> i128) -> Result<Assignment, Invalid> {
    let tasks = worths.first().map_or(0, Vec::len);
    for (who, row) in (0..).zip(worths) {
        if row.len() != tasks {
            let (count, rule) = (row.len(), "must be one for each task");
            return Err(Invalid::new(Subject::Agent(who), "number of worths", count, rule));
        }
    }
    let largest = worths.iter().flatten().flatten().map(|worth| i128::from(worth.units()).abs());
    let bonus = bonus(largest.max().unwrap_or(0), worths.len().min(tasks) as i128);
    let counts = Counts::of(worths, tasks, bonus);
    let mut owners = counts.matching();
    let prices = prices::lowest(&counts, &owners);
    ties::settle(&counts, &prices, &mut owners);

    let mut assignment = Assignment { tasks: vec![None; worths.len()], total: 0, bonus, prices };
    for (task, owner) in owners.iter().enumerate() {
        if let Some(who) = *owner {
            assignment.tasks[who] = Some(task);
            assignment.total += counts.at(who, task) - bonus;
        }
    }
    Ok(assignment)
}

/// What each pair counts: worth and bonus, or 0 for a pair that is not made.
struct Counts {
    agents: usize,
    tasks: usize,
    rows: Vec<i128>,
}

impl Counts {
    fn of(worths: &Worths, tasks: usize, bonus: i128) -> Self {
        let count = |worth: &Option<Money>| {
            worth.map_or(0, |worth| (i128::from(worth.units()) + bonus).max(0))
        };
        let rows = worths.iter().flatten().map(count).collect();
        Self { agents: worths.len(), tasks, rows }
    }

    fn at(&self, who: usize, task: usize) -> i128 {
        self.rows[who * self.tasks + task]
    }

    /// Who does each task, in an assignment that counts most.
    fn matching(&self) -> Vec<Option<usize>> {
        let mut owners = vec![None; self.tasks];
        let (fewer, more) = (self.agents.min(self.tasks), self.agents.max(self.tasks));
        let turned = self.agents > self.tasks;
        let pair = |row: usize, column: usize| if turned { (column, row) } else { (row, column) };
        let cells = (0..fewer).flat_map(|row| (0..more).map(move |column| (row, column)));
        let cells = cells.map(|(row, column)| pair(row, column)).map(|(w, t)| self.at(w, t));
        for (row, column) in matched(fewer, more, &cells.collect::<Vec<i128>>()) {
            let (who, task) = pair(row, column);
            if self.at(who, task) > 0 {
                owners[task] = Some(who);
            }
        }
        owners
    }
}

/// The heaviest pairs of rows and columns, of which there are no fewer; in the smallest type in which
/// no sum can overflow.
fn matched(rows: usize, columns: usize, cells: &[i128]) -> Vec<(usize, usize)> {
    if rows == 0 {
        return vec![];
    }
    let largest = cells.iter().copied().max().unwrap_or(0);
    let sum = largest.saturating_mul(2 * (rows + columns) as i128);
    let narrow: Option<Vec<i64>> = if sum < i64::MAX.into() {
        cells.iter().map(|&cell| i64::try_from(cell).ok()).collect()
    } else {
        None
    };
    let columns_of_rows = if let Some(narrow) = narrow {
        Matrix::from_vec(rows, columns, narrow).map(|matrix| kuhn_munkres(&matrix).1)
    } else {
        Matrix::from_vec(rows, columns, cells.to_vec()).map(|matrix| kuhn_munkres(&matrix).1)
    };
    columns_of_rows.unwrap_or_default().into_iter().enumerate().collect()
}

#[cfg(test)]
mod laws;
