//! A driver without children: it does what the engine says, and checks that it may be said.
//!
//! Tests report what became of the children; the rig keeps the books from the actions and reports
//! alone, and so holds these laws in every test that uses it:
//!
//! * no child has two living incarnations, and numbers ascend by one;
//! * only a living incarnation is stopped, and once;
//! * but for one-for-one, at most one child starts or stops at a time, and none starts while one stops;
//! * a child that is forgotten does not live, and is never heard of again;
//! * `Ready` comes once at most, `End` last, with nobody alive;
//! * the engine's index agrees with its children.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::child::Index;
use super::*;

/// A living incarnation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Life {
    pub(super) incarnation: Incarnation,
    pub(super) up: bool,
    pub(super) told: bool,
}

pub(super) struct Rig {
    pub(super) engine: Engine,
    pub(super) alive: BTreeMap<ChildId, Life>,
    pub(super) timers: Vec<(Incarnation, Duration)>,
    /// What was said since [`Rig::take`].
    log: Vec<Action>,
    /// Starts of these fail.
    pub(super) broken: BTreeSet<ChildId>,
    /// These starts fail.
    pub(super) failing: BTreeSet<Incarnation>,
    pub(super) ready: bool,
    pub(super) ended: Option<End>,
    pub(super) now: Duration,
    forgotten: BTreeSet<ChildId>,
    last_number: BTreeMap<ChildId, u64>,
}

impl Rig {
    pub(super) fn new(flags: Flags) -> Self {
        Self {
            engine: Engine::new(flags),
            alive: BTreeMap::new(),
            timers: Vec::new(),
            log: Vec::new(),
            broken: BTreeSet::new(),
            failing: BTreeSet::new(),
            ready: false,
            ended: None,
            now: Duration::ZERO,
            forgotten: BTreeSet::new(),
            last_number: BTreeMap::new(),
        }
    }

    /// One that began with children of these specs, all of which are up.
    pub(super) fn begun(flags: Flags, specs: &[Spec]) -> (Self, Vec<ChildId>) {
        let mut rig = Self::new(flags);
        let ids = specs.iter().map(|&spec| rig.engine.add(spec).unwrap()).collect();
        rig.engine.start();
        rig.settle();
        assert!(rig.ready);
        rig.take();
        (rig, ids)
    }

    /// What was said since the last time.
    pub(super) fn take(&mut self) -> Vec<Action> {
        std::mem::take(&mut self.log)
    }

    /// Who is up.
    pub(super) fn up(&self) -> Vec<ChildId> {
        self.alive.iter().filter(|(_, life)| life.up).map(|(&id, _)| id).collect()
    }

    /// The child ends by itself; nothing that follows is done yet.
    pub(super) fn exit(&mut self, id: ChildId, exit: Exit) {
        let life = self.alive.remove(&id).expect("only a living child exits");
        self.engine.exited(life.incarnation, exit, self.now);
        self.hear();
    }

    /// The child ends abnormally, and all that follows is done.
    pub(super) fn crash(&mut self, id: ChildId) -> Vec<Action> {
        self.exit(id, Exit::Abnormal);
        self.settle()
    }

    /// The child ends normally, and all that follows is done.
    pub(super) fn finish(&mut self, id: ChildId) -> Vec<Action> {
        self.exit(id, Exit::Normal);
        self.settle()
    }

    pub(super) fn report_started(&mut self, id: ChildId) {
        let life = self.alive.get_mut(&id).expect("only what was started comes up");
        life.up = true;
        let incarnation = life.incarnation;
        self.engine.started(incarnation, self.now);
        self.hear();
    }

    pub(super) fn report_start_failed(&mut self, id: ChildId) {
        let life = self.alive.remove(&id).expect("only what was started fails");
        self.engine.start_failed(life.incarnation, self.now);
        self.hear();
    }

    /// Answers the oldest child's start or stop that is not answered yet.
    pub(super) fn answer_one(&mut self) -> bool {
        self.hear();
        let open = self.alive.values().find(|life| life.told || !life.up).copied();
        let Some(life) = open else { return false };
        let id = life.incarnation.child;
        if life.told {
            self.exit(id, Exit::Normal);
        } else if self.broken.contains(&id) || self.failing.contains(&life.incarnation) {
            self.report_start_failed(id);
        } else {
            self.report_started(id);
        }
        true
    }

    /// Answers everything but timers at once; what was said since the last [`Rig::take`].
    pub(super) fn settle(&mut self) -> Vec<Action> {
        for _ in 0..100_000 {
            if !self.answer_one() {
                return self.take();
            }
        }
        panic!("the engine does not come to rest");
    }

    /// Takes the engine's actions into the books.
    pub(super) fn hear(&mut self) {
        while let Some(action) = self.engine.next_action() {
            assert_eq!(self.ended, None, "{action:?} after the end");
            self.check(action);
            self.log.push(action);
        }
        let mut index = Index::default();
        for (&id, child) in &self.engine.children {
            index.enter(id, child);
            assert_eq!(
                self.alive.get(&id).map(|life| life.incarnation),
                matches!(
                    child.state,
                    State::Starting | State::Up | State::Doomed { .. } | State::Stopping { .. }
                )
                .then(|| child.incarnation(id)),
                "{child:?}"
            );
        }
        assert_eq!(self.engine.index, index);
    }

    fn check(&mut self, action: Action) {
        let in_turn = self.engine.flags.strategy != Strategy::OneForOne;
        let stopping = self.alive.values().filter(|life| life.told).count();
        let starting = self.alive.values().filter(|life| !life.told && !life.up).count();
        match action {
            Action::Start(incarnation) => {
                let Incarnation { child, number } = incarnation;
                assert!(!self.forgotten.contains(&child));
                if in_turn {
                    assert_eq!((stopping, starting), (0, 0), "{action:?}");
                }
                if !self.ready {
                    assert_eq!(starting, 0, "{action:?}");
                }
                let last = self.last_number.insert(child, number).unwrap_or(0);
                assert_eq!(number, last + 1);
                let life = Life { incarnation, up: false, told: false };
                let before = self.alive.insert(child, life);
                assert!(before.is_none(), "{action:?} while {before:?}");
            }
            Action::Stop(incarnation, _) => {
                let together = self.engine.flags.end_order == EndOrder::Together;
                if in_turn && !(together && self.engine.is_ending()) {
                    assert_eq!(stopping, 0, "{action:?}");
                }
                let life = self.alive.get_mut(&incarnation.child).expect("it lives");
                assert_eq!(life.incarnation, incarnation);
                assert!(!life.told, "{action:?} twice");
                life.told = true;
            }
            Action::Later(incarnation, delay) => {
                assert!(!self.alive.contains_key(&incarnation.child));
                self.timers.push((incarnation, delay));
            }
            Action::Forget(child) => {
                assert!(!self.alive.contains_key(&child));
                assert!(self.forgotten.insert(child), "forgotten twice");
            }
            Action::Ready => {
                assert!(!self.ready);
                self.ready = true;
            }
            Action::End(why) => {
                assert!(self.alive.is_empty());
                self.ended = Some(why);
            }
        }
    }
}

/// Starts, stops and what is forgotten, in short: `+1` starts the second child, `-1` stops it, `x1`
/// forgets it.
pub(super) fn words(actions: &[Action]) -> Vec<String> {
    let words = actions.iter().filter_map(|action| match action {
        Action::Start(it) => Some(format!("+{}", it.child.0)),
        Action::Stop(it, _) => Some(format!("-{}", it.child.0)),
        Action::Forget(child) => Some(format!("x{}", child.0)),
        Action::End(why) => Some(format!("{why:?}")),
        Action::Ready => Some("ready".to_owned()),
        Action::Later(..) => None,
    });
    words.collect()
}
