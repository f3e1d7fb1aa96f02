//! What agents are, in plain values: who has which mail, who holds it, who waits for what.
//!
//! Nothing happens in the model before it is settled, as nothing happens on a `current_thread` runtime
//! before somebody yields.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use mabeam::Reason;

/// At most so many agents live.
pub(crate) const MAX_AGENTS: usize = 4;
/// The places of a mailbox that is bounded.
pub(crate) const PLACES: usize = 2;

/// What an agent does with a message, after its gate was opened if it has one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Then {
    Count,
    Panic,
    StopItself,
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) is_gated: bool,
    pub(crate) then: Then,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Init {
    Succeeds,
    Fails,
    Panics,
}

/// Agents are named by their index, calls, gates and monitors by the number of their transition.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Spawn {
        init: Init,
        is_bounded: bool,
    },
    Cast(usize, Work),
    /// A call that is polled once, by nobody whose thread could be lent.
    Call(usize, Work),
    /// A call by a task, to an agent that has nothing else to do: its handler runs there.
    CallInTask(usize, Work),
    Cancel(u64),
    Open(u64),
    Stop(usize),
    Kill(usize),
    Monitor(usize),
    Demonitor(u64),
    Clone(usize),
    Drop(usize),
    Upgrade(usize),
    Settle,
}

/// What came of a spawn, a cast or a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Spawned,
    TooMany,
    FailedInit(Reason),
    Accepted,
    Replied(u64),
    Full,
    Ended(Reason),
    Exited(Reason),
}

/// What can be seen of an agent from within.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    Handled(u64),
    Exit(Reason),
    Dropped,
}

#[derive(Clone, Debug)]
struct Mail {
    tag: u64,
    work: Work,
    is_call: bool,
}

/// The strongest order that an agent was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Asked {
    #[default]
    Nothing,
    Stop,
    Kill,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Life {
    /// Handles that the test keeps.
    pub(crate) kept: usize,
    pub(crate) is_ended: bool,
    pub(crate) seen: Vec<Seen>,
    /// Why each of its dead letters was not handled.
    pub(crate) letters: Vec<Reason>,
    is_bounded: bool,
    mail: VecDeque<Mail>,
    turn: Option<Mail>,
    count: u64,
    asked: Asked,
    reason: Option<Reason>,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) agents: Vec<Life>,
    /// The number of the next transition.
    pub(crate) next: u64,
    pub(crate) outcomes: BTreeMap<u64, Outcome>,
    /// The agent of each call that was not answered; each holds a handle.
    pub(crate) calls: BTreeMap<u64, usize>,
    /// Those that tasks make.
    in_tasks: BTreeSet<u64>,
    /// Gates that were not opened.
    pub(crate) gates: BTreeSet<u64>,
    /// The agent of each monitor, and what was heard.
    pub(crate) monitors: BTreeMap<u64, (usize, Option<Reason>)>,
}

pub(crate) fn panicked() -> Reason {
    Reason::Panic("boom".into())
}

pub(crate) fn gave_up() -> Reason {
    Reason::Failed("gave up".into())
}

impl Model {
    pub(crate) fn living(&self) -> usize {
        self.agents.iter().filter(|life| !life.is_ended).count()
    }

    fn handles(&self, at: usize) -> usize {
        self.agents[at].kept + self.calls.values().filter(|called| **called == at).count()
    }

    /// Whether a step can be taken: what is done through a handle needs one.
    pub(crate) fn allows(&self, step: &Step) -> bool {
        let has_handle = |at: usize| self.agents.get(at).is_some_and(|life| life.kept > 0);
        match step {
            Step::Spawn { .. } | Step::Settle => true,
            Step::Upgrade(at) => *at < self.agents.len(),
            Step::Cast(at, _)
            | Step::Call(at, _)
            | Step::CallInTask(at, _)
            | Step::Stop(at)
            | Step::Kill(at)
            | Step::Monitor(at)
            | Step::Clone(at)
            | Step::Drop(at) => has_handle(*at),
            Step::Cancel(tag) => self.calls.contains_key(tag),
            Step::Open(tag) => self.gates.contains(tag),
            Step::Demonitor(tag) => self.monitors.contains_key(tag),
        }
    }

    pub(crate) fn take(&mut self, step: &Step) {
        let tag = self.next;
        self.next += 1;
        match *step {
            Step::Spawn { init, is_bounded } => self.spawn(tag, init, is_bounded),
            Step::Cast(at, work) => self.send(tag, at, work, false),
            Step::Call(at, work) => self.send(tag, at, work, true),
            Step::CallInTask(at, work) => {
                self.settle();
                self.in_tasks.insert(tag);
                self.send(tag, at, work, true);
                self.settle();
            }
            Step::Cancel(tag) if self.in_tasks.contains(&tag) => {
                self.settle();
                self.calls.remove(&tag);
                self.settle();
            }
            Step::Cancel(tag) => drop(self.calls.remove(&tag)),
            Step::Open(tag) => drop(self.gates.remove(&tag)),
            Step::Stop(at) => self.agents[at].stop(Reason::Shutdown),
            Step::Kill(at) => {
                let life = &mut self.agents[at];
                if !life.is_ended {
                    life.asked = Asked::Kill;
                    life.reason = Some(Reason::Killed);
                }
            }
            Step::Monitor(at) => {
                let heard = self.agents[at].is_ended.then_some(Reason::NoProc);
                self.monitors.insert(tag, (at, heard));
            }
            Step::Demonitor(tag) => drop(self.monitors.remove(&tag)),
            Step::Clone(at) => self.agents[at].kept += 1,
            Step::Drop(at) => self.agents[at].kept -= 1,
            Step::Upgrade(at) => {
                if self.handles(at) > 0 {
                    self.agents[at].kept += 1;
                }
            }
            Step::Settle => self.settle(),
        }
    }

    fn spawn(&mut self, tag: u64, init: Init, is_bounded: bool) {
        self.settle();
        if self.living() == MAX_AGENTS {
            self.outcomes.insert(tag, Outcome::TooMany);
            return;
        }
        let mut life = Life { is_bounded, ..Life::default() };
        let outcome = match init {
            Init::Succeeds => {
                life.kept = 1;
                Outcome::Spawned
            }
            Init::Fails | Init::Panics => {
                life.is_ended = true;
                life.seen.push(Seen::Dropped);
                Outcome::FailedInit(if init == Init::Fails { gave_up() } else { panicked() })
            }
        };
        self.agents.push(life);
        self.outcomes.insert(tag, outcome);
    }

    fn send(&mut self, tag: u64, at: usize, work: Work, is_call: bool) {
        let life = &mut self.agents[at];
        if work.is_gated {
            self.gates.insert(tag);
        }
        if life.is_ended {
            let reason = life.reason.clone().unwrap_or(Reason::Normal);
            self.outcomes.insert(tag, Outcome::Ended(reason));
        } else if life.is_bounded && life.mail.len() >= PLACES {
            self.outcomes.insert(tag, Outcome::Full);
        } else {
            life.mail.push_back(Mail { tag, work, is_call });
            if is_call {
                self.calls.insert(tag, at);
            } else {
                self.outcomes.insert(tag, Outcome::Accepted);
            }
        }
    }

    fn answer(&mut self, mail: &Mail, outcome: Outcome) {
        if self.calls.remove(&mail.tag).is_some() {
            self.outcomes.insert(mail.tag, outcome);
        }
    }

    /// Lets everything happen that can.
    pub(crate) fn settle(&mut self) {
        // An answer may have held the last handle, and so end an agent.
        let mut calls_before = usize::MAX;
        while calls_before != self.calls.len() {
            calls_before = self.calls.len();
            (0..self.agents.len()).for_each(|at| self.run(at));
        }
    }

    fn run(&mut self, at: usize) {
        while !self.agents[at].is_ended {
            let life = &mut self.agents[at];
            if life.asked == Asked::Kill {
                return self.end(at, false);
            }
            if let Some(turn) = life.turn.clone() {
                if self.gates.contains(&turn.tag) && turn.work.is_gated {
                    return;
                }
                if turn.work.then == Then::Panic {
                    self.agents[at].reason = Some(panicked());
                    return self.end(at, false);
                }
                let life = &mut self.agents[at];
                life.turn = None;
                life.count += 1;
                life.seen.push(Seen::Handled(turn.tag));
                if turn.work.then == Then::StopItself {
                    life.stop(gave_up());
                }
                let outcome = Outcome::Replied(life.count);
                self.answer(&turn, outcome);
            } else if life.asked == Asked::Stop {
                return self.end(at, true);
            } else if let Some(mail) = life.mail.pop_front() {
                if mail.is_call && !self.calls.contains_key(&mail.tag) {
                    life.letters.push(Reason::Deadline);
                } else {
                    life.turn = Some(mail);
                }
            } else if self.handles(at) == 0 {
                return self.end(at, true);
            } else {
                return;
            }
        }
    }

    fn end(&mut self, at: usize, is_polite: bool) {
        let life = &mut self.agents[at];
        life.is_ended = true;
        let reason = life.reason.get_or_insert(Reason::Normal).clone();
        if is_polite {
            life.seen.push(Seen::Exit(reason.clone()));
        }
        life.seen.push(Seen::Dropped);
        let left = std::mem::take(&mut life.mail);
        life.letters.extend(left.iter().map(|_| reason.clone()));
        for mail in life.turn.take().iter().chain(&left) {
            self.answer(mail, Outcome::Exited(reason.clone()));
        }
        for (of, heard) in self.monitors.values_mut() {
            if *of == at && heard.is_none() {
                *heard = Some(reason.clone());
            }
        }
    }
}

impl Life {
    /// The first reason counts.
    fn stop(&mut self, reason: Reason) {
        if !self.is_ended {
            self.asked = self.asked.max(Asked::Stop);
            self.reason.get_or_insert(reason);
        }
    }
}
