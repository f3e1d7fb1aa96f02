//! A child's state, and the index over all children by which the next step is found.
//!
//! Promises that the index says of each child what its state says: a child is changed only between
//! [`Index::leave`] and [`Index::enter`].

use std::collections::BTreeSet;
use std::time::Duration;

use super::action::{ChildId, Incarnation, Status};
use super::spec::{Restart, Spec};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Child {
    pub(super) spec: Spec,
    pub(super) state: State,
    /// Of the incarnation that lives; if none does, of the next one.
    pub(super) number: u64,
    /// When the living incarnation came up.
    pub(super) since: Option<Duration>,
    /// Restarts in a row, none of which ran long enough.
    pub(super) streak: u32,
    pub(super) on_failure: OnFailure,
}

/// Down, due and waiting children don't run; all others do, or may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Stopped, and nobody wants it to run. Never temporary.
    Down,
    /// To be started in its turn.
    Due,
    /// To be due when its backoff is over.
    Waiting,
    /// `Start` was said.
    Starting,
    Up,
    /// To be stopped in its turn, and then, if `again`, to be started.
    Doomed {
        again: bool,
    },
    /// `Stop` was said.
    Stopping {
        again: bool,
    },
}

/// What a failed start means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OnFailure {
    /// It is one of those that the supervisor begins with: the supervisor ends.
    End,
    /// It was added: it is removed.
    Forget,
    /// It was restarted by command: it stays down.
    Stay,
    /// It has failed once more.
    Retry,
}

/// Which children are in which state, as far as the next step depends on it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) due: BTreeSet<ChildId>,
    pub(super) waiting: BTreeSet<ChildId>,
    pub(super) doomed: BTreeSet<ChildId>,
    pub(super) starting: usize,
    pub(super) stopping: usize,
    /// Significant children that are active: they run and are to go on, or are to be started.
    pub(super) significant: usize,
    /// Children to begin with that have neither been started nor given up.
    pub(super) awaited: usize,
}

impl Child {
    /// One that is to be started.
    pub(super) const fn new(spec: Spec, on_failure: OnFailure) -> Self {
        Self { spec, state: State::Due, number: 1, since: None, streak: 0, on_failure }
    }

    pub(super) const fn incarnation(&self, child: ChildId) -> Incarnation {
        Incarnation { child, number: self.number }
    }

    /// The living incarnation has ended.
    pub(super) const fn end(&mut self, state: State) {
        self.number += 1;
        self.since = None;
        self.state = state;
    }

    /// It is not to run any more: if it lives, it is to be stopped.
    pub(super) const fn stand_down(&mut self) {
        self.state = match self.state {
            State::Down | State::Due | State::Waiting => State::Down,
            State::Starting | State::Up | State::Doomed { .. } => State::Doomed { again: false },
            State::Stopping { .. } => State::Stopping { again: false },
        };
    }

    /// A sibling's failure restarts it too, or, if it is temporary, stops it.
    pub(super) fn restart_with_sibling(&mut self) {
        let again = self.spec.restart != Restart::Temporary;
        self.state = match self.state {
            State::Down => {
                self.on_failure = OnFailure::Retry;
                State::Due
            }
            State::Starting | State::Up | State::Doomed { .. } => State::Doomed { again },
            State::Stopping { .. } => State::Stopping { again },
            state @ (State::Due | State::Waiting) => state,
        };
    }

    /// `Stop` is being said.
    pub(super) const fn stopping(&mut self) {
        if let State::Doomed { again } = self.state {
            self.state = State::Stopping { again };
        }
    }

    /// Whether it is removed when it has ended and is not started again.
    pub(super) fn is_passing(&self) -> bool {
        self.spec.restart == Restart::Temporary || self.on_failure == OnFailure::Forget
    }

    /// The wait before its next incarnation, after one that ran so long, if it came up at all.
    pub(super) fn next_delay(&mut self, id: ChildId, ran: Option<Duration>, seed: u64) -> Duration {
        let Some(backoff) = self.spec.backoff else {
            return Duration::ZERO;
        };
        if ran.is_some_and(|ran| ran >= backoff.reset_after) {
            self.streak = 0;
        }
        let delay = backoff.delay(seed, self.incarnation(id), self.streak);
        self.streak = self.streak.saturating_add(1);
        delay
    }

    pub(super) const fn status(&self) -> Status {
        match self.state {
            State::Down => Status::Stopped,
            State::Due | State::Waiting => Status::Restarting,
            State::Starting => Status::Starting,
            State::Up => Status::Running,
            State::Doomed { .. } | State::Stopping { .. } => Status::Stopping,
        }
    }

    /// Whether it is to run once all is done that is to be done.
    const fn is_active(&self) -> bool {
        match self.state {
            State::Due | State::Waiting | State::Starting | State::Up => true,
            State::Doomed { again } | State::Stopping { again } => again,
            State::Down => false,
        }
    }
}

impl Index {
    pub(super) fn enter(&mut self, id: ChildId, child: &Child) {
        if let Some(set) = self.set(child.state) {
            set.insert(id);
        }
        self.count(child, |counter| *counter += 1);
    }

    pub(super) fn leave(&mut self, id: ChildId, child: &Child) {
        if let Some(set) = self.set(child.state) {
            set.remove(&id);
        }
        self.count(child, |counter| *counter -= 1);
    }

    const fn set(&mut self, state: State) -> Option<&mut BTreeSet<ChildId>> {
        match state {
            State::Due => Some(&mut self.due),
            State::Waiting => Some(&mut self.waiting),
            State::Doomed { .. } => Some(&mut self.doomed),
            State::Down | State::Starting | State::Up | State::Stopping { .. } => None,
        }
    }

    /// Applies `step` to each counter that counts `child`.
    fn count(&mut self, child: &Child, step: impl Fn(&mut usize)) {
        match child.state {
            State::Starting => step(&mut self.starting),
            State::Stopping { .. } => step(&mut self.stopping),
            _ => {}
        }
        if child.spec.significant && child.is_active() {
            step(&mut self.significant);
        }
        if child.on_failure == OnFailure::End && child.state != State::Down {
            step(&mut self.awaited);
        }
    }
}
