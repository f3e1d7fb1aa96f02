//! Services against a model of their states, over random sequences of calls.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::laws::name;
use super::*;
use crate::clock::{ManualClock, Timestamp};

/// Steps on a name, or on one of the services that began, by its number.
#[derive(Clone, Debug)]
enum Step {
    Begin(u8),
    Ready(usize),
    Degraded(usize),
    Fail(usize),
    Drop(usize),
    /// Looks for the outcome of the start at its deadline.
    Wait(usize),
    DropStart(usize),
    Stop(u8),
}

/// What a step answered, in words that the model and the directory share.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Nothing,
    Begun,
    Taken,
    Full,
    Wanted(bool),
    Started,
    Ended(Reason),
    Stopped,
    Deadline,
    Asked,
    Unknown,
}

/// A service that began.
#[derive(Clone, Debug)]
struct Life {
    name: u8,
    /// Whether its guard and its start exist.
    guard: bool,
    start: bool,
    outcome: Option<Answer>,
    asked_to_stop: bool,
}

#[derive(Clone, Debug)]
struct Model {
    max_services: usize,
    max_remembered: usize,
    lives: Vec<Life>,
    /// The latest health of a name, since which step, and the number of its living service.
    names: BTreeMap<u8, (Health, u64, Option<usize>)>,
    /// The number of the step, which is the time.
    now: u64,
    answer: Answer,
}

impl Model {
    /// The life with a number, if it has its name.
    fn named(&self, number: usize) -> Option<u8> {
        let name = self.lives[number].name;
        (self.names.get(&name)?.2 == Some(number)).then_some(name)
    }

    fn change(&mut self, name: u8, health: Health, life: Option<usize>) {
        if self.names.get(&name).is_some_and(|(latest, _, _)| *latest == health) {
            return;
        }
        self.names.insert(name, (health, self.now, life));
        // Name 0 is watched.
        let idle =
            || self.names.iter().filter(|(name, (_, _, life))| life.is_none() && **name != 0);
        if idle().count() > self.max_remembered {
            let oldest = *idle().min_by_key(|(_, (_, changed, _))| changed).unwrap().0;
            self.names.remove(&oldest);
        }
    }

    fn begin(&mut self, name: u8) -> Answer {
        if self.names.get(&name).is_some_and(|(_, _, life)| life.is_some()) {
            return Answer::Taken;
        }
        let services = self.names.values().filter(|(_, _, life)| life.is_some()).count();
        if services >= self.max_services {
            return Answer::Full;
        }
        let asked_to_stop = false;
        self.lives.push(Life { name, guard: true, start: true, outcome: None, asked_to_stop });
        self.change(name, Health::Starting, Some(self.lives.len() - 1));
        Answer::Begun
    }

    fn serve(&mut self, number: usize, health: Health) -> Answer {
        let life = &mut self.lives[number];
        if !life.guard {
            return Answer::Nothing;
        }
        if life.asked_to_stop {
            return Answer::Wanted(false);
        }
        life.outcome.get_or_insert(Answer::Started);
        self.change(self.lives[number].name, health, Some(number));
        Answer::Wanted(true)
    }

    fn end(&mut self, number: usize, reason: Reason) -> Answer {
        if std::mem::take(&mut self.lives[number].guard)
            && let Some(name) = self.named(number)
        {
            self.lives[number].outcome.get_or_insert(Answer::Ended(reason.clone()));
            self.lives[number].asked_to_stop = true;
            self.change(name, Health::Stopped(reason), None);
        }
        Answer::Nothing
    }

    fn give_up(&mut self, number: usize) -> Answer {
        let life = &mut self.lives[number];
        if !std::mem::take(&mut life.start) {
            return Answer::Nothing;
        }
        if let Some(outcome) = &life.outcome {
            return outcome.clone();
        }
        (life.outcome, life.asked_to_stop) = (Some(Answer::Deadline), true);
        let reason = Reason::Failed("its start was given up before it was ready".into());
        self.change(self.lives[number].name, Health::Stopped(reason), None);
        Answer::Deadline
    }

    fn stop(&mut self, name: u8) -> Answer {
        let Some((_, _, Some(number))) = self.names.get(&name) else { return Answer::Unknown };
        let number = *number;
        let life = &mut self.lives[number];
        if !std::mem::replace(&mut life.asked_to_stop, true) {
            life.outcome.get_or_insert(Answer::Stopped);
            self.change(name, Health::Stopping, Some(number));
        }
        Answer::Asked
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        (0_usize..4, 0_usize..3)
            .prop_map(|(max_services, max_remembered)| Self {
                max_services,
                max_remembered,
                lives: Vec::new(),
                names: BTreeMap::new(),
                now: 0,
                answer: Answer::Nothing,
            })
            .boxed()
    }

    fn transitions(model: &Self) -> BoxedStrategy<Step> {
        let name = 0_u8..5;
        let begin = name.clone().prop_map(Step::Begin);
        if model.lives.is_empty() {
            return begin.boxed();
        }
        let life = || 0..model.lives.len();
        prop_oneof![
            3 => begin,
            3 => life().prop_map(Step::Ready),
            2 => life().prop_map(Step::Degraded),
            1 => life().prop_map(Step::Fail),
            2 => life().prop_map(Step::Drop),
            2 => life().prop_map(Step::Wait),
            1 => life().prop_map(Step::DropStart),
            2 => name.prop_map(Step::Stop),
        ]
        .boxed()
    }

    fn preconditions(model: &Self, step: &Step) -> bool {
        match step {
            Step::Begin(_) | Step::Stop(_) => true,
            Step::Ready(number)
            | Step::Degraded(number)
            | Step::Fail(number)
            | Step::Drop(number)
            | Step::Wait(number)
            | Step::DropStart(number) => *number < model.lives.len(),
        }
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        model.now += 1;
        model.answer = match *step {
            Step::Begin(name) => model.begin(name),
            Step::Ready(number) => model.serve(number, Health::Ready),
            Step::Degraded(number) => model.serve(number, Health::Degraded("slow".into())),
            Step::Fail(number) => model.end(number, Reason::Failed("no port".into())),
            Step::Drop(number) => model.end(number, Reason::Normal),
            Step::Wait(number) => model.give_up(number),
            Step::DropStart(number) => {
                model.give_up(number);
                Answer::Nothing
            }
            Step::Stop(name) => model.stop(name),
        };
        model
    }
}

struct Real {
    hand: ManualClock,
    services: Services,
    lives: Vec<(Option<ServiceGuard>, Option<Start>, StopSignal)>,
    /// Of name 0, and what it saw last.
    watch: Watch,
    seen: Option<Report>,
}

fn numbered(number: u8) -> Name {
    name(&format!("laws/{number}"))
}

fn wanted(said: Option<Result<(), NotWanted>>) -> Answer {
    said.map_or(Answer::Nothing, |said| Answer::Wanted(said.is_ok()))
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        let Model { max_services, max_remembered, .. } = *model;
        let limits = Limits { max_services, max_remembered, ..Limits::default() };
        let hand = Clock::manual(Timestamp::default());
        let services = Services::with_clock(limits, hand.clock());
        let watch = services.watch(&numbered(0)).unwrap();
        Self { hand, services, lives: Vec::new(), watch, seen: None }
    }

    fn apply(mut real: Self, model: &Model, step: Step) -> Self {
        real.hand.advance(Duration::from_nanos(1));
        let answer = match step {
            Step::Begin(name) => match real.services.begin(numbered(name)) {
                Ok((guard, start)) => {
                    let signal = guard.stop_signal();
                    real.lives.push((Some(guard), Some(start), signal));
                    Answer::Begun
                }
                Err(StartError::Taken { .. }) => Answer::Taken,
                Err(StartError::Full { .. }) => Answer::Full,
                Err(other) => panic!("{other}"),
            },
            Step::Ready(number) => wanted(real.lives[number].0.as_ref().map(ServiceGuard::ready)),
            Step::Degraded(number) => {
                wanted(real.lives[number].0.as_ref().map(|guard| guard.degraded("slow")))
            }
            Step::Fail(number) => {
                if let Some(guard) = real.lives[number].0.take() {
                    guard.failed("no port");
                }
                Answer::Nothing
            }
            Step::Drop(number) => {
                real.lives[number].0 = None;
                Answer::Nothing
            }
            Step::Wait(number) => match real.lives[number].1.take() {
                None => Answer::Nothing,
                Some(start) => match start.wait_blocking(Instant::now()) {
                    Ok(_) => Answer::Started,
                    Err(StartError::Ended { reason, .. }) => Answer::Ended(reason),
                    Err(StartError::Stopped { .. }) => Answer::Stopped,
                    Err(StartError::Deadline { .. }) => Answer::Deadline,
                    Err(other) => panic!("{other}"),
                },
            },
            Step::DropStart(number) => {
                real.lives[number].1 = None;
                Answer::Nothing
            }
            Step::Stop(name) => {
                match real.services.stop_blocking(&numbered(name), Instant::now()) {
                    Err(StopError::Deadline { .. }) => Answer::Asked,
                    Err(StopError::Unknown { .. }) => Answer::Unknown,
                    Ok(reason) => panic!("stopped without its guard: {reason}"),
                }
            }
        };
        assert_eq!(answer, model.answer);
        if let Some(report) = real.watch.try_next() {
            real.seen = Some(report);
        }
        for (life, (_, _, stop)) in model.lives.iter().zip(&mut real.lives) {
            assert_eq!(stop.is_requested(), life.asked_to_stop);
        }
        real
    }

    fn check_invariants(real: &Self, model: &Model) {
        let listed: Vec<_> = real
            .services
            .list()
            .into_iter()
            .map(|Listing { name, report }| (name, report.health, report.since.as_nanos()))
            .collect();
        let expected: Vec<_> = model
            .names
            .iter()
            .map(|(name, (health, since, _))| (numbered(*name), health.clone(), *since))
            .collect();
        assert_eq!(listed, expected);
        assert_eq!(real.seen, real.services.health(&numbered(0)));
        for number in 0..5 {
            let serving = listed
                .iter()
                .any(|(name, health, _)| *name == numbered(number) && health.is_serving());
            let ready = real.services.ready_blocking(&numbered(number), Instant::now());
            assert_eq!(ready.is_ok(), serving);
            let alive = model.names.get(&number).is_some_and(|(_, _, life)| life.is_some());
            assert_eq!(real.services.owner(&numbered(number)).is_some(), alive);
        }
    }
}

prop_state_machine! {
    #[test]
    fn services_behave_like_a_model_of_their_states(sequential 1..80 => Real);
}
