//! The supervision engine: told what became of children, it answers what to do next.
//!
//! Owns every decision of a supervisor, with OTP's documented semantics (stdlib's `supervisor`, OTP 24
//! and later). Promises:
//!
//! * children are started in the order in which they were added, each after the one before is up, and
//!   stopped in reverse, each after the one before is gone;
//! * a child has one incarnation at most: it is started only when the one before has been reported
//!   gone;
//! * more than the allowed restarts within the period end the supervisor, and [`Action::End`] comes
//!   once, last, when no child runs;
//! * a report that does not fit (of an earlier incarnation, a second one, one of a child that is not
//!   running) changes nothing;
//! * an exit, start or stop of one of n one-for-one children costs O(log n); memory is that of the
//!   children, of `max_restarts` times, and of the actions not yet taken.
//!
//! Leaves to its driver: starting and stopping, names, clocks, and telling whoever gave a command that
//! it is done.
//!
//! ```
//! use std::time::Duration;
//! use mabeam::supervision::engine::{Action, Engine, Exit, Flags, Incarnation, Spec};
//!
//! let mut engine = Engine::new(Flags::default());
//! let child = engine.add(Spec::default())?;
//! engine.start();
//!
//! let first = Incarnation { child, number: 1 };
//! assert_eq!(engine.next_action(), Some(Action::Start(first)));
//! engine.started(first, Duration::ZERO);
//! assert_eq!(engine.next_action(), Some(Action::Ready));
//!
//! engine.exited(first, Exit::Abnormal, Duration::from_secs(1));
//! let second = Incarnation { child, number: 2 };
//! assert_eq!(engine.next_action(), Some(Action::Start(second)));
//! # Ok::<(), mabeam::supervision::engine::AddError>(())
//! ```
//!
//! # Where OTP's supervisor blocks
//!
//! An OTP supervisor does nothing else while a child starts or stops; what happens meanwhile waits in
//! its mailbox. This engine goes on, to the same end:
//!
//! * One-for-one children added or restarted later start and stop side by side; those that the
//!   supervisor begins with, and all of the other strategies, in turn.
//! * What a failure concerns is added to what is being done: children that wait to be stopped or
//!   started anew are not disturbed, and an exit of one that is to be stopped anyway is not counted.
//! * A child that is starting can be stopped, so a start that hangs holds up nothing for longer than its
//!   [`Shutdown`] allows.
//! * If a child that others wait for is stopped by command, the others are started all the same.
//!
//! # Backoff
//!
//! Not OTP's, and none by default. One for one, the others don't notice. Otherwise what is to be
//! restarted with the child is stopped at once, and started when the wait is over.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound::{Excluded, Unbounded};
use std::time::Duration;

use child::{Child, Index, OnFailure, State};
use window::Window;

mod action;
mod backoff;
mod child;
mod commands;
mod error;
mod spec;
mod window;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod otp;
#[cfg(test)]
mod rig;

pub use action::{Action, ChildId, End, Incarnation, Status};
pub use backoff::Backoff;
pub use error::{AddError, ChildError};
pub use spec::{AutoShutdown, EndOrder, Exit, Flags, Intensity, Restart, Shutdown, Spec, Strategy};

/// The decisions of one supervisor.
///
/// After each report or command the driver takes all [actions](Self::next_action) and carries them out
/// in order; it may report on one before it takes the next. `now` is the time since a moment of the
/// driver's choice; one that lies before an earlier one counts as that.
#[derive(Debug)]
pub struct Engine {
    flags: Flags,
    phase: Phase,
    /// In start order.
    children: BTreeMap<ChildId, Child>,
    index: Index,
    restarts: Window,
    next_id: u64,
    now: Duration,
    actions: VecDeque<Action>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Children are added; none is started.
    Planned,
    /// Those to begin with are being started.
    Initial,
    Running,
    /// All children are being stopped.
    Ending(End),
    Ended,
}

impl Engine {
    /// A supervisor without children, which does nothing until [`start`](Self::start).
    pub fn new(flags: Flags) -> Self {
        Self {
            flags,
            phase: Phase::Planned,
            children: BTreeMap::new(),
            index: Index::default(),
            restarts: Window::new(flags.intensity),
            next_id: 0,
            now: Duration::ZERO,
            actions: VecDeque::new(),
        }
    }

    /// What is to be done next.
    pub fn next_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// How a child is; `None` if there is no such child.
    pub fn status(&self, child: ChildId) -> Option<Status> {
        self.children.get(&child).map(Child::status)
    }

    /// All children in start order, each with its incarnation: the living one, or else the next.
    pub fn children(&self) -> impl Iterator<Item = (Incarnation, Status)> {
        self.children.iter().map(|(&id, child)| (child.incarnation(id), child.status()))
    }

    /// Begins. A second time: nothing.
    pub fn start(&mut self) {
        if self.phase == Phase::Planned {
            self.phase = Phase::Initial;
            self.advance();
        }
    }

    /// Ends the supervisor: stops its children, then [`Action::End`]. If it is ending already: nothing.
    pub fn shut_down(&mut self) {
        self.end(End::Asked);
        self.advance();
    }

    /// The incarnation is up.
    pub fn started(&mut self, incarnation: Incarnation, now: Duration) {
        self.pass(now);
        let now = self.now;
        let id = incarnation.child;
        match self.state_of(incarnation) {
            Some(State::Starting) => self.edit(id, |child| {
                child.state = State::Up;
                child.since = Some(now);
                child.on_failure = OnFailure::Retry;
            }),
            Some(State::Doomed { .. } | State::Stopping { .. }) => self.edit(id, |child| {
                child.since.get_or_insert(now);
                child.on_failure = OnFailure::Retry;
            }),
            _ => return,
        }
        self.advance();
    }

    /// There is nothing to start, and that is no failure: OTP's `ignore`. The child stays stopped; a
    /// temporary one is forgotten.
    pub fn ignored(&mut self, incarnation: Incarnation) {
        let id = incarnation.child;
        match self.state_of(incarnation) {
            Some(State::Starting) => {
                self.edit(id, |child| {
                    child.end(State::Down);
                    child.on_failure = OnFailure::Retry;
                });
                self.tidy(id);
            }
            Some(State::Doomed { again } | State::Stopping { again }) if !self.came_up(id) => {
                self.gone(id, again);
            }
            _ => return,
        }
        self.advance();
    }

    /// The incarnation did not come up, and is gone.
    pub fn start_failed(&mut self, incarnation: Incarnation, now: Duration) {
        self.pass(now);
        let id = incarnation.child;
        match self.state_of(incarnation) {
            Some(State::Starting) => self.failed(id),
            Some(State::Doomed { again } | State::Stopping { again }) if !self.came_up(id) => {
                self.gone(id, again);
            }
            _ => return,
        }
        self.advance();
    }

    /// The incarnation has ended, by itself or because it was stopped.
    pub fn exited(&mut self, incarnation: Incarnation, exit: Exit, now: Duration) {
        self.pass(now);
        let id = incarnation.child;
        match self.state_of(incarnation) {
            Some(State::Up) => self.ended(id, exit),
            Some(State::Starting) => self.failed(id),
            Some(State::Doomed { again } | State::Stopping { again }) => self.gone(id, again),
            _ => return,
        }
        self.advance();
    }

    /// The time of an [`Action::Later`] has passed.
    pub fn backoff_over(&mut self, incarnation: Incarnation) {
        if self.state_of(incarnation) == Some(State::Waiting) {
            self.edit(incarnation.child, |child| child.state = State::Due);
            self.advance();
        }
    }

    const fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending(_) | Phase::Ended)
    }

    /// The state of a child, if `incarnation` is the one that it is about.
    fn state_of(&self, incarnation: Incarnation) -> Option<State> {
        let child = self.children.get(&incarnation.child)?;
        (child.number == incarnation.number).then_some(child.state)
    }

    fn came_up(&self, id: ChildId) -> bool {
        self.children.get(&id).is_some_and(|child| child.since.is_some())
    }

    fn pass(&mut self, now: Duration) {
        self.now = self.now.max(now);
    }

    /// The only way to change a child.
    fn edit(&mut self, id: ChildId, change: impl FnOnce(&mut Child)) {
        if let Some(child) = self.children.get_mut(&id) {
            self.index.leave(id, child);
            change(child);
            self.index.enter(id, child);
        }
    }

    fn remove(&mut self, id: ChildId) {
        if let Some(child) = self.children.remove(&id) {
            self.index.leave(id, &child);
            self.actions.push_back(Action::Forget(id));
        }
    }

    /// Removes a child that is down, if it is not to be kept.
    fn tidy(&mut self, id: ChildId) {
        if self.children.get(&id).is_some_and(Child::is_passing) {
            self.remove(id);
        }
    }

    /// A child that was up has ended by itself.
    fn ended(&mut self, id: ChildId, exit: Exit) {
        let Some(child) = self.children.get(&id) else { return };
        let (spec, since) = (child.spec, child.since);
        self.edit(id, |child| child.end(State::Down));
        if spec.restart.after(exit) {
            self.restart(id, since.map(|since| self.now.saturating_sub(since)));
            return;
        }
        self.tidy(id);
        let over = match self.flags.auto_shutdown {
            AutoShutdown::Never => false,
            AutoShutdown::AnySignificant => true,
            AutoShutdown::AllSignificant => self.index.significant == 0,
        };
        if spec.significant && over {
            self.end(End::AutoShutdown(id));
        }
    }

    /// A child that was to be stopped is gone.
    fn gone(&mut self, id: ChildId, again: bool) {
        self.edit(id, |child| child.end(if again { State::Due } else { State::Down }));
        if !again {
            self.tidy(id);
        }
    }

    /// A child could not be started.
    fn failed(&mut self, id: ChildId) {
        let Some(on_failure) = self.children.get(&id).map(|child| child.on_failure) else { return };
        self.edit(id, |child| child.end(State::Down));
        match on_failure {
            OnFailure::End => self.end(End::StartFailed(id)),
            OnFailure::Forget | OnFailure::Stay => self.tidy(id),
            OnFailure::Retry => self.restart(id, None),
        }
    }

    /// Restarts a child that is down, after an incarnation that ran so long, if it came up at all; and
    /// with it whom the strategy says.
    fn restart(&mut self, id: ChildId, ran: Option<Duration>) {
        if !self.restarts.admit(self.now) {
            self.end(End::RestartIntensity(id));
            return;
        }
        let scope: Vec<ChildId> = match self.flags.strategy {
            Strategy::OneForOne => Vec::new(),
            Strategy::OneForAll => self.children.keys().copied().filter(|&it| it != id).collect(),
            Strategy::RestForOne => {
                self.children.range((Excluded(id), Unbounded)).map(|(&it, _)| it).collect()
            }
        };
        for sibling in scope {
            self.edit(sibling, Child::restart_with_sibling);
        }
        let (seed, mut delay) = (self.flags.seed, Duration::ZERO);
        self.edit(id, |child| {
            delay = child.next_delay(id, ran, seed);
            child.state = if delay.is_zero() { State::Due } else { State::Waiting };
        });
        if let Some(child) = self.children.get(&id).filter(|_| !delay.is_zero()) {
            self.actions.push_back(Action::Later(child.incarnation(id), delay));
        }
    }

    /// The child is not to run any more.
    fn stand_down(&mut self, id: ChildId) {
        self.edit(id, Child::stand_down);
        if self.children.get(&id).is_some_and(|child| child.state == State::Down) {
            self.tidy(id);
        }
    }

    fn end(&mut self, why: End) {
        if self.is_ending() {
            return;
        }
        self.phase = Phase::Ending(why);
        let all: Vec<ChildId> = self.children.keys().copied().collect();
        for id in all {
            self.stand_down(id);
        }
    }

    /// Says what can be done now: stops, last child first; then starts, first child first.
    fn advance(&mut self) {
        let in_turn = match self.phase {
            Phase::Ending(_) => self.flags.end_order == EndOrder::ReverseStart,
            _ => self.flags.strategy != Strategy::OneForOne,
        };
        while let Some(&id) = self.index.doomed.last() {
            if in_turn && self.index.stopping > 0 {
                return;
            }
            self.stop(id);
        }
        match self.phase {
            Phase::Initial | Phase::Running => self.advance_starts(),
            Phase::Ending(why) if self.index.stopping == 0 => {
                self.phase = Phase::Ended;
                self.actions.push_back(Action::End(why));
            }
            Phase::Planned | Phase::Ending(_) | Phase::Ended => {}
        }
    }

    fn advance_starts(&mut self) {
        if self.phase == Phase::Initial && self.index.awaited == 0 {
            self.phase = Phase::Running;
            self.actions.push_back(Action::Ready);
        }
        let grouped = self.flags.strategy != Strategy::OneForOne;
        let in_turn = grouped || self.phase == Phase::Initial;
        if grouped && self.index.stopping > 0 {
            return;
        }
        while let Some(&id) = self.index.due.first() {
            if (in_turn && self.index.starting > 0) || self.is_held_back(id) {
                break;
            }
            self.edit(id, |child| child.state = State::Starting);
            if let Some(child) = self.children.get(&id) {
                self.actions.push_back(Action::Start(child.incarnation(id)));
            }
        }
    }

    /// Whether a child has to wait for the backoff of another.
    fn is_held_back(&self, id: ChildId) -> bool {
        match self.flags.strategy {
            Strategy::OneForOne => false,
            Strategy::OneForAll => !self.index.waiting.is_empty(),
            Strategy::RestForOne => self.index.waiting.first().is_some_and(|&first| first < id),
        }
    }

    fn stop(&mut self, id: ChildId) {
        self.edit(id, Child::stopping);
        if let Some(child) = self.children.get(&id) {
            self.actions.push_back(Action::Stop(child.incarnation(id), child.spec.shutdown));
        }
    }
}
