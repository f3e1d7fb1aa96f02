//! Whole tasks, placed one after the other.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;

use super::problem::Problem;
use crate::Amount;

impl Problem {
    /// Places whole tasks by dominant resource fairness: the next one always goes to the agent with the
    /// lowest dominant share over its weight, ties to the lowest.
    ///
    /// An agent whose next task does not fit, or that has reached its limit, is **skipped** for good,
    /// and the others go on: what is left only shrinks. (Stopping everybody at the first task that does
    /// not fit is another rule, which leaves more unused.) Agents without weight or without needs get
    /// no task.
    ///
    /// Guarantees that no capacity is exceeded; that at the end no agent has a task that would fit and
    /// that it could use; that among agents of equal weight nobody prefers another's bundle without its
    /// last task to its own (envy-freeness up to one task); that while nobody has been skipped, the
    /// dominant shares over the weights are within one task of each other. Shares are compared as
    /// fractions.
    ///
    /// Does **not** guarantee strategy-proofness, envy-freeness or the sharing incentive: with whole
    /// tasks and Pareto efficiency that is not possible (Parkes, Procaccia and Shah, EC 2012).
    ///
    /// Cost: O(m + log n) for a task placed, for n agents and m resources; O(n m) to begin. The number
    /// of tasks may be as large as the capacities: [`Iterator::take`] bounds it, and
    /// [`Placements::tasks`] is then what was placed so far.
    ///
    /// Source: NSDI 2011, section 4.2, algorithm 1.
    ///
    /// ```
    /// use mabeam_economics::Amount;
    /// use mabeam_economics::division::drf::{Demands, Problem};
    ///
    /// let demands = Demands::new(2, vec![1, 4, 3, 1])?;
    /// let problem = Problem::new(&[9, 18].map(Amount::new), demands)?;
    /// let mut placements = problem.place();
    /// assert_eq!(placements.by_ref().collect::<Vec<_>>(), [0, 1, 0, 1, 0]);
    /// assert_eq!(placements.tasks(), [3, 2]);
    /// assert_eq!(placements.left().collect::<Vec<_>>(), [0, 4].map(Amount::new));
    /// # Ok::<(), mabeam_economics::Invalid>(())
    /// ```
    pub fn place(&self) -> Placements<'_> {
        let waiting = self.demands().rows().enumerate().filter_map(|(agent, demand)| {
            let (step, capacity) = self.capacities().dominant(demand);
            let whole = capacity * u64::from(self.weight(agent));
            (step > 0 && whole > 0).then_some(Waiting { held: 0, whole, step, agent })
        });
        Placements {
            problem: self,
            waiting: waiting.collect(),
            tasks: vec![0; self.demands().agents()],
            left: self.capacities().units().to_vec(),
        }
    }
}

/// The tasks that are placed, each as the agent whose it is.
#[derive(Clone, Debug)]
pub struct Placements<'a> {
    problem: &'a Problem,
    waiting: BinaryHeap<Waiting>,
    tasks: Vec<u64>,
    left: Vec<u64>,
}

impl Placements<'_> {
    /// How many tasks each agent has so far.
    pub fn tasks(&self) -> &[u64] {
        &self.tasks
    }

    /// How much of each resource is left so far.
    pub fn left(&self) -> impl Iterator<Item = Amount> {
        self.left.iter().copied().map(Amount::new)
    }
}

impl Iterator for Placements<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        loop {
            let mut next = self.waiting.peek_mut()?;
            let agent = next.agent;
            let demand = self.problem.demands().of(agent)?;
            let tasks = self.tasks.get_mut(agent)?;
            let fits = self.left.iter().zip(demand).all(|(left, demand)| demand <= left);
            if !fits || self.problem.limit(agent).is_some_and(|limit| *tasks >= limit) {
                PeekMut::pop(next);
                continue;
            }
            for (left, demand) in self.left.iter_mut().zip(demand) {
                *left -= demand;
            }
            *tasks += 1;
            // No more than the capacity, of which it was taken.
            next.held += next.step;
            return Some(agent);
        }
    }
}

/// An agent that may get the next task.
#[derive(Clone, Copy, Debug)]
struct Waiting {
    /// What it holds of its dominant resource: below 2^48.
    held: u64,
    /// The capacity of its dominant resource times its weight: below 2^64, above 0.
    whole: u64,
    /// What it needs of its dominant resource for a task.
    step: u64,
    agent: usize,
}

impl Ord for Waiting {
    /// The greatest is the next: the lowest share over the weight, the lowest place.
    fn cmp(&self, other: &Self) -> Ordering {
        let own = u128::from(self.held) * u128::from(other.whole);
        let others = u128::from(other.held) * u128::from(self.whole);
        others.cmp(&own).then(other.agent.cmp(&self.agent))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Waiting {}
