//! The tie rule: of the assignments that count most, the first in the order of tasks by agent.

use std::collections::VecDeque;

use super::Counts;

/// Changes `owners` into the first of the assignments that `prices` support.
///
/// An assignment counts most if and only if it pairs only agents and tasks whose surplus and price
/// make up what they count together, and leaves out nobody with a surplus and no task with a price.
pub(super) fn settle(counts: &Counts, prices: &[i128], owners: &mut [Option<usize>]) {
    let mut has = vec![None; counts.agents];
    for (task, owner) in owners.iter().enumerate() {
        if let Some(who) = *owner {
            has[who] = Some(task);
        }
    }
    let surplus = |who: usize| has[who].map_or(0, |task| counts.at(who, task) - prices[task]);
    let tight = |who: usize| {
        let fits = move |task: &usize| {
            let count = counts.at(who, *task);
            count > 0 && count == surplus(who) + prices[*task]
        };
        (0..counts.tasks).filter(fits).collect()
    };
    let mut chains = Chains {
        tight: (0..counts.agents).map(tight).collect(),
        content: (0..counts.agents).map(|who| surplus(who) == 0).collect(),
        free: (0..counts.tasks).filter(|&task| prices[task] == 0).collect(),
        has,
        owners,
    };
    for who in 0..counts.agents {
        chains.lower(who);
    }
}

struct Chains<'a> {
    /// The tasks that each agent can have, ascending.
    tight: Vec<Vec<usize>>,
    /// Whether an agent can do without.
    content: Vec<bool>,
    /// The tasks that nobody has to do.
    free: Vec<usize>,
    has: Vec<Option<usize>>,
    owners: &'a mut [Option<usize>],
}

/// A place in a chain: a task, or to be without one.
type Place = Option<usize>;

/// How a place was reached: who moved there, if it is an agent at all, and from where.
#[derive(Clone, Copy)]
struct Move {
    taker: Option<usize>,
    from: Place,
}

impl Chains<'_> {
    /// Gives `who` its lowest task, earlier agents keeping theirs.
    ///
    /// Whoever is displaced takes another task, or does without, and so on until the chain comes
    /// round to what `who` leaves. From being without, anybody who is may take a task, and a task that
    /// nobody has to do may be left undone. What leads nowhere for one task leads nowhere for the next.
    fn lower(&mut self, who: usize) {
        let left = self.has[who];
        let lowest = self.tight[who].iter().copied();
        let better: Vec<usize> = lowest.take_while(|&task| Some(task) != left).collect();
        let mut moves = Moves::of(self.owners.len());
        for first in better {
            if moves.offer(Some(first), Move { taker: Some(who), from: left })
                && self.chain(who, left, &mut moves)
            {
                self.shift(left, &moves);
                return;
            }
        }
    }

    /// Whether a chain through the places that were offered comes round to what `who` leaves.
    fn chain(&self, who: usize, left: Place, moves: &mut Moves) -> bool {
        while let Some(from) = moves.open.pop_front() {
            if from == left {
                return true;
            }
            match from.map(|task| self.owners[task]) {
                // Who comes before is settled.
                Some(Some(displaced)) if displaced < who => {}
                Some(Some(displaced)) => {
                    self.offer_all(displaced, from, moves);
                    if self.content[displaced] {
                        moves.offer(None, Move { taker: Some(displaced), from });
                    }
                }
                Some(None) => {
                    moves.offer(None, Move { taker: None, from });
                }
                None => {
                    for idle in (who + 1..self.has.len()).filter(|&who| self.has[who].is_none()) {
                        self.offer_all(idle, from, moves);
                    }
                    for &task in &self.free {
                        moves.offer(Some(task), Move { taker: None, from });
                    }
                }
            }
        }
        false
    }

    fn offer_all(&self, who: usize, from: Place, moves: &mut Moves) {
        for &task in &self.tight[who] {
            moves.offer(Some(task), Move { taker: Some(who), from });
        }
    }

    /// Carries the chain out that ends at `left`, back to where it begins.
    fn shift(&mut self, left: Place, moves: &Moves) {
        let mut to = left;
        while let Some(Move { taker, from }) = moves.of_place(to) {
            if let Some(task) = to {
                self.owners[task] = taker;
            }
            if let Some(taker) = taker {
                self.has[taker] = to;
            }
            if from == left {
                break;
            }
            to = from;
        }
    }
}

/// How each place was first reached, and the places from which to go on.
struct Moves {
    tasks: Vec<Option<Move>>,
    without: Option<Move>,
    open: VecDeque<Place>,
}

impl Moves {
    fn of(tasks: usize) -> Self {
        Self { tasks: vec![None; tasks], without: None, open: VecDeque::new() }
    }

    fn of_place(&self, place: Place) -> Option<Move> {
        place.map_or(self.without, |task| self.tasks[task])
    }

    /// Whether this is the first move to the place.
    fn offer(&mut self, to: Place, by: Move) -> bool {
        let known = match to {
            Some(task) => &mut self.tasks[task],
            None => &mut self.without,
        };
        let first = known.is_none();
        if first {
            *known = Some(by);
            self.open.push_back(to);
        }
        first
    }
}
