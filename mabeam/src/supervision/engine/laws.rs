//! The laws of the engine, over random programs; those of [`super::rig`] are checked along with them.
//!
//! * If every start and stop is answered at once, the engine says, word for word, what a supervisor
//!   says that blocks, as OTP's does ([`blocking`]).
//! * In whatever order the answers come, the children that are promised to run do so in the end, and no
//!   others ([`promise`]); starts come in order and stops in reverse; reports that don't fit change
//!   nothing.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::{
    Just, ProptestConfig, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest,
};
use proptest::sample::{Index as Pick, select};
use proptest::strategy::Strategy as Generator;

use super::child::OnFailure;
use super::rig::{Life, Rig, words};
use super::*;
use blocking::Blocking;
use promise::Promise;

mod blocking;
mod promise;

#[derive(Clone, Copy, Debug)]
enum Step {
    Exit(Pick, Exit),
    StopChild(Pick),
    RestartChild(Pick),
    DeleteChild(Pick),
    Add(Spec),
    Pass(u64),
    ShutDown,
    // These mean something only if answers are not given at once.
    Started(Pick),
    StartFailed(Pick),
    Ignored(Pick),
    /// A child that was told to stop is gone.
    Gone(Pick),
    BackoffOver(Pick),
    Misreport(Pick, u64, Report),
}

/// What is reported of an incarnation for which it is not true.
#[derive(Clone, Copy, Debug)]
enum Report {
    Started,
    StartFailed,
    Ignored,
    Exited(Exit),
    BackoffOver,
}

fn exits() -> impl Generator<Value = Exit> {
    select(vec![Exit::Normal, Exit::Abnormal])
}

fn flags() -> impl Generator<Value = Flags> {
    let strategies = vec![Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
    let shutdowns =
        vec![AutoShutdown::Never, AutoShutdown::AnySignificant, AutoShutdown::AllSignificant];
    let orders = vec![EndOrder::ReverseStart, EndOrder::Together];
    (select(strategies), 0..8_u32, select(shutdowns), select(orders)).prop_map(
        |(strategy, max_restarts, auto_shutdown, end_order)| Flags {
            strategy,
            intensity: Intensity { max_restarts, period: Duration::from_secs(5) },
            auto_shutdown,
            end_order,
            ..Flags::default()
        },
    )
}

fn specs() -> impl Generator<Value = Spec> {
    let restarts = vec![Restart::Permanent, Restart::Transient, Restart::Temporary];
    (select(restarts), any::<bool>(), any::<bool>()).prop_map(|(restart, significant, waits)| {
        Spec { restart, significant, backoff: waits.then(Backoff::default), ..Spec::default() }
    })
}

/// As `spec`, but such that a supervisor with these flags takes it.
fn admissible(flags: Flags, spec: Spec) -> Spec {
    let significant = spec.significant
        && spec.restart != Restart::Permanent
        && flags.auto_shutdown != AutoShutdown::Never;
    Spec { significant, ..spec }
}

fn steps() -> impl Generator<Value = Step> {
    prop_oneof![
        6 => (any::<Pick>(), exits()).prop_map(|(pick, exit)| Step::Exit(pick, exit)),
        2 => any::<Pick>().prop_map(Step::StopChild),
        2 => any::<Pick>().prop_map(Step::RestartChild),
        1 => any::<Pick>().prop_map(Step::DeleteChild),
        2 => specs().prop_map(Step::Add),
        2 => (0..4_000_u64).prop_map(Step::Pass),
    ]
}

fn steps_in_any_order() -> impl Generator<Value = Step> {
    let reports = prop_oneof![
        Just(Report::Started),
        Just(Report::StartFailed),
        Just(Report::Ignored),
        exits().prop_map(Report::Exited),
        Just(Report::BackoffOver),
    ];
    prop_oneof![
        20 => steps(),
        14 => any::<Pick>().prop_map(Step::Started),
        3 => any::<Pick>().prop_map(Step::StartFailed),
        1 => any::<Pick>().prop_map(Step::Ignored),
        8 => any::<Pick>().prop_map(Step::Gone),
        3 => any::<Pick>().prop_map(Step::BackoffOver),
        6 => (any::<Pick>(), 0..5_u64, reports).prop_map(|(a, b, c)| Step::Misreport(a, b, c)),
        1 => select(vec![Step::ShutDown, Step::Pass(1)]),
    ]
}

/// What was said, without what is forgotten, which at the very end comes in an order of no meaning.
fn without_forgotten(words: &[String]) -> Vec<&String> {
    words.iter().filter(|word| !word.starts_with('x')).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn answered_at_once_it_does_what_a_supervisor_does_that_blocks(
        flags in flags(),
        begin in prop::collection::vec(specs(), 0..6),
        failing in prop::collection::btree_set((0..8_u64, 1..6_u64), 0..6),
        program in prop::collection::vec(steps(), 0..40),
    ) {
        let admit = |spec| Spec { backoff: None, ..admissible(flags, spec) };
        let failing: BTreeSet<_> = failing
            .into_iter()
            .map(|(child, number)| Incarnation { child: ChildId(child), number })
            .collect();
        let flags = Flags { end_order: EndOrder::ReverseStart, ..flags };
        let mut rig = Rig::new(flags);
        let mut model = Blocking::new(flags, failing.clone());
        rig.failing = failing;
        let begin: Vec<_> = begin.into_iter().map(admit).collect();
        let mut ids: Vec<_> = begin.iter().map(|&spec| rig.engine.add(spec).unwrap()).collect();
        rig.engine.start();
        model.begin(&begin);
        for step in program.into_iter().chain([Step::ShutDown]) {
            let said = words(&rig.settle());
            if model.ended {
                prop_assert_eq!(without_forgotten(&said), without_forgotten(&model.said));
                return Ok(());
            }
            prop_assert_eq!(&said, &model.said);
            model.said.clear();
            let id = |pick: Pick| *pick.get(&ids);
            match step {
                Step::Add(spec) => {
                    ids.push(rig.engine.add(admit(spec)).unwrap());
                    model.add(admit(spec));
                }
                Step::Pass(ms) => {
                    rig.now += Duration::from_millis(ms);
                    model.now = rig.now;
                }
                Step::ShutDown => {
                    rig.engine.shut_down();
                    model.end(End::Asked);
                }
                _ if ids.is_empty() => {}
                Step::Exit(pick, exit) => if model.is_alive(id(pick)) {
                    rig.exit(id(pick), exit);
                    model.exited(id(pick), exit);
                },
                Step::StopChild(pick) => {
                    prop_assert_eq!(rig.engine.stop_child(id(pick)), model.stop_child(id(pick)));
                }
                Step::RestartChild(pick) => {
                    prop_assert_eq!(rig.engine.restart_child(id(pick)), model.restart_child(id(pick)));
                }
                Step::DeleteChild(pick) => {
                    prop_assert_eq!(rig.engine.delete_child(id(pick)), model.delete_child(id(pick)));
                }
                _ => unreachable!("not among the steps"),
            }
        }
        let said = words(&rig.settle());
        prop_assert_eq!(without_forgotten(&said), without_forgotten(&model.said));
        prop_assert_eq!(rig.ended, Some(End::Asked));
    }

    #[test]
    fn in_any_order_those_promised_to_run_do_in_the_end_and_no_others(
        flags in flags(),
        begin in prop::collection::vec(specs(), 0..6),
        program in prop::collection::vec(steps_in_any_order(), 0..120),
    ) {
        let mut world = World::new(flags);
        for spec in begin {
            world.add(spec, OnFailure::End);
        }
        world.rig.engine.start();
        world.look();
        for step in program {
            world.step(step);
            world.look();
        }
        world.rest();
        if let Some(why) = world.promise.ending {
            prop_assert_eq!(world.rig.ended, Some(why));
        } else {
            let wanted = world.promise.kids.iter().filter(|(_, kid)| kid.wanted);
            prop_assert_eq!(world.rig.up(), wanted.map(|(&id, _)| id).collect::<Vec<_>>());
            prop_assert!(world.rig.ready);
        }
        prop_assert!(world.starts <= world.promise.starts);
    }
}

/// An engine, and what it promises.
struct World {
    flags: Flags,
    rig: Rig,
    promise: Promise,
    ids: Vec<ChildId>,
    starts: usize,
}

impl World {
    fn new(flags: Flags) -> Self {
        let (rig, promise) = (Rig::new(flags), Promise::new(flags));
        Self { flags, rig, promise, ids: Vec::new(), starts: 0 }
    }

    fn add(&mut self, spec: Spec, on_failure: OnFailure) {
        let spec = admissible(self.flags, spec);
        match self.rig.engine.add(spec) {
            Ok(id) => {
                self.ids.push(id);
                self.promise.add(id, spec, on_failure);
            }
            Err(error) => {
                assert_eq!(error, AddError::Ending);
                assert!(self.promise.ending.is_some());
            }
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Add(spec) => self.add(spec, OnFailure::Forget),
            Step::Pass(ms) => {
                self.rig.now += Duration::from_millis(ms);
                self.promise.now = self.rig.now;
            }
            Step::ShutDown => {
                self.rig.engine.shut_down();
                self.promise.end(End::Asked);
            }
            Step::StopChild(pick) | Step::RestartChild(pick) | Step::DeleteChild(pick) => {
                self.command(step, pick);
            }
            Step::BackoffOver(pick) => {
                if !self.rig.timers.is_empty() {
                    let at = pick.index(self.rig.timers.len());
                    let (incarnation, _) = self.rig.timers.swap_remove(at);
                    self.rig.engine.backoff_over(incarnation);
                }
            }
            Step::Misreport(pick, number, report) => self.misreport(pick, number, report),
            Step::Started(pick) => {
                if let Some(id) = self.living(pick, |life| !life.up) {
                    self.promise.came_up(id);
                    self.rig.report_started(id);
                }
            }
            Step::StartFailed(pick) => {
                if let Some(id) = self.living(pick, |life| !life.up) {
                    self.promise.died(id, Exit::Abnormal);
                    self.rig.report_start_failed(id);
                }
            }
            Step::Ignored(pick) => {
                if let Some(id) = self.living(pick, |life| !life.up) {
                    self.promise.ignored(id);
                    let life = self.rig.alive.remove(&id).unwrap();
                    self.rig.engine.ignored(life.incarnation);
                }
            }
            Step::Gone(pick) => {
                if let Some(id) = self.living(pick, |life| life.told) {
                    self.died(id, Exit::Normal);
                }
            }
            Step::Exit(pick, exit) => {
                if let Some(id) = self.living(pick, |_| true) {
                    self.died(id, exit);
                }
            }
        }
    }

    fn died(&mut self, id: ChildId, exit: Exit) {
        self.promise.died(id, exit);
        self.rig.exit(id, exit);
    }

    /// One of those living of whom that is true.
    fn living(&self, pick: Pick, of: impl Fn(&Life) -> bool) -> Option<ChildId> {
        let alive = self.rig.alive.iter().filter(|(_, life)| of(life));
        let ids: Vec<_> = alive.map(|(&id, _)| id).collect();
        (!ids.is_empty()).then(|| *pick.get(&ids))
    }

    fn command(&mut self, step: Step, pick: Pick) {
        if self.ids.is_empty() {
            return;
        }
        let (id, engine) = (*pick.get(&self.ids), &mut self.rig.engine);
        let (answer, expected) = match step {
            Step::StopChild(_) => (engine.stop_child(id), self.promise.stop_child(id)),
            Step::RestartChild(_) => (engine.restart_child(id), self.promise.restart_child(id)),
            _ => (engine.delete_child(id), self.promise.delete_child(id)),
        };
        assert_eq!(answer, expected, "{step:?} of {id}");
    }

    /// Reports what is not true: nothing changes.
    fn misreport(&mut self, pick: Pick, number: u64, report: Report) {
        let child = if self.ids.is_empty() { ChildId(7) } else { *pick.get(&self.ids) };
        let incarnation = Incarnation { child, number };
        let life = self.rig.alive.get(&child).filter(|life| life.incarnation == incarnation);
        let waits = self.rig.timers.iter().any(|&(it, _)| it == incarnation);
        let could_be_true = match report {
            Report::BackoffOver => waits,
            Report::Exited(_) => life.is_some(),
            Report::Started | Report::StartFailed | Report::Ignored => {
                life.is_some_and(|it| !it.up)
            }
        };
        if could_be_true {
            return;
        }
        let engine = &mut self.rig.engine;
        engine.pass(self.rig.now);
        let before = format!("{engine:?}");
        match report {
            Report::Started => engine.started(incarnation, self.rig.now),
            Report::StartFailed => engine.start_failed(incarnation, self.rig.now),
            Report::Ignored => engine.ignored(incarnation),
            Report::Exited(exit) => engine.exited(incarnation, exit, self.rig.now),
            Report::BackoffOver => engine.backoff_over(incarnation),
        }
        assert_eq!(format!("{engine:?}"), before, "{report:?} of {incarnation}");
    }

    /// Takes the actions and holds them against the promise.
    fn look(&mut self) {
        self.rig.hear();
        let ending = self.promise.ending.is_some();
        let in_turn = match self.flags.end_order {
            EndOrder::ReverseStart if ending => true,
            EndOrder::Together if ending => false,
            _ => self.flags.strategy != Strategy::OneForOne,
        };
        for action in self.rig.take() {
            match action {
                Action::Start(it) => {
                    self.promise.born(it.child);
                    self.starts += 1;
                    let mut before = self.promise.kids.range(..it.child);
                    assert!(!in_turn || before.all(|(_, kid)| kid.alive || !kid.wanted));
                }
                Action::Stop(it, _) => {
                    let kid = self.promise.kids[&it.child];
                    assert!(kid.condemned && kid.alive);
                    let mut after = self.promise.kids.range((Excluded(it.child), Unbounded));
                    assert!(!in_turn || after.all(|(_, kid)| !kid.condemned));
                }
                Action::Forget(child) => assert!(!self.promise.kids.contains_key(&child)),
                Action::Later(..) | Action::Ready | Action::End(_) => {}
            }
        }
        let known: Vec<_> = self.rig.engine.children().map(|(it, _)| it.child).collect();
        assert_eq!(known, self.promise.kids.keys().copied().collect::<Vec<_>>());
    }

    /// Answers whatever is open, until nothing is.
    fn rest(&mut self) {
        for _ in 0..10_000 {
            self.look();
            if let Some((incarnation, _)) = self.rig.timers.pop() {
                self.rig.engine.backoff_over(incarnation);
                continue;
            }
            let open = self.rig.alive.values().find(|life| life.told || !life.up);
            match open.map(|life| (life.incarnation.child, life.told)) {
                Some((id, true)) => self.died(id, Exit::Normal),
                Some((id, false)) => {
                    self.promise.came_up(id);
                    self.rig.report_started(id);
                }
                None => return,
            }
        }
        panic!("the engine does not come to rest");
    }
}
