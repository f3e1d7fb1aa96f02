//! Laws of services: against a model of their states, at each limit, and in the order of an end.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::collections::BTreeMap;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;
use crate::clock::{ManualClock, Timestamp};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A deadline that no passing test reaches.
pub(super) fn far() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn poll<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

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

#[test]
fn who_waits_for_a_name_is_told_when_a_service_of_that_name_is_ready_also_if_it_failed_before() {
    let services = Services::default();
    let app = name("app/config");
    let mut waits = pin!(services.ready(&app));
    assert!(poll(waits.as_mut()).is_pending());
    let (failing, start) = services.begin(app.clone()).unwrap();
    failing.failed("no file");
    assert!(matches!(start.wait_blocking(far()), Err(StartError::Ended { .. })));
    assert!(poll(waits.as_mut()).is_pending());
    let blocked = thread::scope(|scope| {
        let blocked = scope.spawn(|| services.ready_blocking(&app, far()).unwrap());
        let (service, start) = services.begin(app.clone()).unwrap();
        service.ready().unwrap();
        start.wait_blocking(far()).unwrap();
        let blocked = blocked.join().unwrap();
        drop(service);
        blocked
    });
    assert_eq!(blocked.health, Health::Ready);
}

#[test]
fn the_async_start_returns_when_the_service_is_ready_and_dropped_before_gives_it_up() {
    let services = Services::default();
    let (guards, given) = mpsc::channel();
    let start = || {
        let guards = guards.clone();
        services.start(name("app/a"), move |service| guards.send(service).unwrap())
    };
    {
        let mut starting = pin!(start());
        assert!(poll(starting.as_mut()).is_pending());
    }
    let unwanted = given.try_recv().unwrap();
    assert_eq!(unwanted.ready().unwrap_err().to_string(), "the service `app/a` was asked to stop");
    assert!(unwanted.stop_signal().is_requested());
    let mut starting = pin!(start());
    assert!(poll(starting.as_mut()).is_pending());
    let service = given.try_recv().unwrap();
    // The one that was given up has no part in the name any more.
    drop(unwanted);
    service.ready().unwrap();
    let Poll::Ready(Ok(owner)) = poll(starting.as_mut()) else { panic!("not started") };
    assert_eq!(Some(&owner), services.owner(&name("app/a")).as_ref());
}

#[test]
fn what_a_service_keeps_is_gone_when_its_name_is_free_and_that_before_any_down() {
    struct SeesName(Services, mpsc::Sender<&'static str>);
    impl Drop for SeesName {
        fn drop(&mut self) {
            assert!(self.0.owner(&name("app/a")).is_some(), "the name was free already");
            self.1.send("kept").unwrap();
        }
    }
    let services = Services::default();
    let (trace, seen) = mpsc::channel();
    let (service, start) = services.begin(name("app/a")).unwrap();
    service.ready().unwrap();
    let owner = start.wait_blocking(far()).unwrap();
    owner.keep(SeesName(services.clone(), trace.clone())).unwrap();
    let directory = services.clone();
    owner.monitor_with(move |down| {
        assert_eq!(down.reason, Reason::Shutdown);
        let report = directory.health(&name("app/a")).unwrap();
        assert_eq!(report.health, Health::Stopped(Reason::Shutdown));
        assert!(directory.begin(name("app/a")).is_ok());
        trace.send("down").unwrap();
    });
    service.end(Reason::Shutdown);
    assert_eq!(seen.try_iter().collect::<Vec<_>>(), ["kept", "down"]);
}

#[test]
fn while_what_a_service_kept_is_dropped_it_is_stopping_and_its_start_is_decided() {
    /// Says how the service is while its kept values are dropped.
    struct Looks(Services, StopSignal, Option<Start>, mpsc::Sender<Report>);
    impl Drop for Looks {
        fn drop(&mut self) {
            let Self(services, stop, start, seen) = self;
            seen.send(services.health(&name("app/a")).unwrap()).unwrap();
            assert!(stop.is_requested(), "the stop signal has not come");
            assert!(services.owner(&name("app/a")).is_some(), "the name is free already");
            assert!(matches!(services.begin(name("app/a")), Err(StartError::Taken { .. })));
            let (outcome, now) = (start.take().unwrap().wait_blocking(Instant::now()), "no port");
            let reason = Reason::Failed(now.into());
            assert_eq!(outcome, Err(StartError::Ended { name: name("app/a"), reason }));
        }
    }
    let services = Services::default();
    let (trace, seen) = mpsc::channel();
    let (service, start) = services.begin(name("app/a")).unwrap();
    let looks = Looks(services.clone(), service.stop_signal(), Some(start), trace);
    service.owner().keep(looks).unwrap();
    service.failed("no port");
    assert_eq!(seen.try_recv().unwrap().health, Health::Stopping);
    let health = services.health(&name("app/a")).unwrap().health;
    assert_eq!(health, Health::Stopped(Reason::Failed("no port".into())));
}

#[test]
fn a_shared_guard_ends_for_the_first_reason_that_was_noted() {
    let services = Services::default();
    let (service, start) = services.begin(name("app/a")).unwrap();
    let service = Arc::new(service);
    let mut monitor = service.owner().monitor();
    service.ready().unwrap();
    start.wait_blocking(far()).unwrap();
    let failing = Arc::clone(&service);
    failing.ending(Reason::Failed("no port".into()));
    failing.ending(Reason::Killed);
    drop(failing);
    assert!(service.stop_signal().is_requested());
    assert!(service.ready().is_err(), "ready while it ends");
    assert_eq!(services.health(&name("app/a")).unwrap().health, Health::Stopping);
    assert_eq!(monitor.try_down(), None);
    drop(service);
    let reason = Reason::Failed("no port".into());
    assert_eq!(services.health(&name("app/a")).unwrap().health, Health::Stopped(reason.clone()));
    assert_eq!(monitor.try_down().unwrap().reason, reason);
}

/// Monitors an owner when it is woken.
struct Monitors(OwnerRef, std::sync::Mutex<Option<MonitorRef>>);

impl Wake for Monitors {
    fn wake(self: Arc<Self>) {
        *self.1.lock().unwrap() = Some(self.0.monitor());
    }
}

#[test]
fn who_monitors_a_service_as_it_is_reported_stopped_still_hears_why() {
    let services = Services::default();
    let (service, _start) = services.begin(name("app/a")).unwrap();
    let mut watch = services.watch(&name("app/a")).unwrap();
    service.ending(Reason::Shutdown);
    assert_eq!(watch.try_next().unwrap().health, Health::Stopping);
    let monitors = Arc::new(Monitors(service.owner(), std::sync::Mutex::default()));
    let waker = Waker::from(Arc::clone(&monitors));
    let mut waits = pin!(watch.next());
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(service);
    let mut monitor = monitors.1.lock().unwrap().take().unwrap();
    assert_eq!(monitor.try_down().unwrap().reason, Reason::Shutdown);
}

#[test]
fn a_panic_stops_a_service_at_once_whether_it_was_ready_or_not() {
    let services = Services::default();
    for ready in [false, true] {
        let (service, start) = services.begin(name("app/a")).unwrap();
        let mut watch = services.watch(&name("app/a")).unwrap();
        let died = thread::spawn(move || {
            if ready {
                service.ready().unwrap();
            }
            panic!("in the service");
        });
        assert!(died.join().is_err());
        let health = watch.try_next().unwrap().health;
        assert!(matches!(health, Health::Stopped(Reason::Panic(_))), "{health}");
        assert_eq!(start.wait_blocking(far()).is_ok(), ready);
    }
}

#[test]
fn all_are_stopped_in_the_reverse_order_of_becoming_ready_and_none_starts_any_more() {
    let hand = Clock::manual(Timestamp::from_nanos(1));
    let services = Services::with_clock(Limits::default(), hand.clock());
    let begun =
        ["app/a", "app/b", "app/c", "app/starting"].map(|text| services.begin(name(text)).unwrap());
    for ready in [1, 0, 2] {
        begun[ready].0.ready().unwrap();
    }
    hand.advance(Duration::from_nanos(6));
    begun[1].0.degraded("slow").unwrap();
    let since: Vec<_> = services.list().iter().map(|listed| listed.report.since).collect();
    assert_eq!(since, [1, 7, 1, 1].map(Timestamp::from_nanos));
    let mut starts = Vec::new();
    thread::scope(|scope| {
        for (service, start) in begun {
            starts.push(start);
            scope.spawn(move || {
                assert!(service.stop_signal().requested_blocking(far()));
                service.end(Reason::Shutdown);
            });
        }
        let stopped = services.stop_all_blocking(far());
        let names: Vec<_> = stopped.stopped.iter().map(|(name, _)| name.local()).collect();
        assert_eq!(names, ["starting", "c", "a", "b"]);
        assert!(stopped.late.is_empty());
    });
    let refused = services.begin(name("app/a")).unwrap_err();
    assert_eq!(refused, StartError::Closed { name: name("app/a") });
}

#[test]
fn who_does_not_stop_by_the_deadline_is_reported_and_stays_stopping_with_its_name() {
    let services = Services::default();
    let (stubborn, start) = services.begin(name("app/a")).unwrap();
    stubborn.ready().unwrap();
    start.wait_blocking(far()).unwrap();
    let late = services.stop_all_blocking(Instant::now()).late;
    assert_eq!(late, [name("app/a")]);
    assert_eq!(services.health(&name("app/a")).unwrap().health, Health::Stopping);
    let mut stop = pin!(services.stop_all());
    assert!(poll(stop.as_mut()).is_pending());
    drop(stubborn);
    let Poll::Ready(report) = poll(stop.as_mut()) else { panic!("still waiting") };
    assert_eq!(report.stopped, [(name("app/a"), Reason::Normal)]);
}

#[test]
fn who_does_not_listen_keeps_nobody_from_being_asked_however_often_the_wait_is_given_up() {
    let services = Services::default();
    let begun = ["app/a", "app/b", "app/c"].map(|text| services.begin(name(text)).unwrap());
    for (service, _) in &begun {
        service.ready().unwrap();
    }
    let mut signals = begun.each_ref().map(|(service, _)| service.stop_signal());
    for asked in [[false, false, true], [false, true, true], [true, true, true]] {
        assert!(poll(pin!(services.stop_all())).is_pending());
        assert_eq!(signals.each_mut().map(StopSignal::is_requested), asked);
    }
    drop(begun);
    assert_eq!(poll(pin!(services.stop_all())), Poll::Ready(StopReport::default()));
}

#[test]
fn who_waits_for_readiness_is_told_that_all_services_are_stopped_for_good() {
    let services = Services::default();
    let (never, serving, stubborn) = (name("app/never"), name("app/a"), name("app/b"));
    let waker = Arc::new(Wakes(AtomicUsize::new(0), false));
    let mut waits = [&never, &stubborn].map(|name| Box::pin(services.ready(name)));
    let (starting, _start) = services.begin(stubborn.clone()).unwrap();
    let (guard, start) = services.begin(serving.clone()).unwrap();
    guard.ready().unwrap();
    start.wait_blocking(far()).unwrap();
    for wait in &mut waits {
        let waker = Waker::from(Arc::clone(&waker));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let late = services.stop_all_blocking(Instant::now()).late;
    assert_eq!(late.len(), 2);
    assert!(waker.0.load(Ordering::SeqCst) >= 2, "who waits was not woken");
    for (mut wait, name) in waits.into_iter().zip([&never, &stubborn]) {
        let closed = Err(ReadyError::Closed { name: name.clone() });
        assert_eq!(poll(wait.as_mut()), Poll::Ready(closed.clone()));
        assert_eq!(services.ready_blocking(name, far()), closed);
    }
    drop((starting, guard));
}

#[test]
fn saying_the_same_again_wakes_nobody_and_keeps_the_moment() {
    let hand = Clock::manual(Timestamp::from_nanos(1));
    let services = Services::with_clock(Limits::default(), hand.clock());
    let (service, _start) = services.begin(name("app/a")).unwrap();
    let mut watch = services.watch(&name("app/a")).unwrap();
    let say: [&dyn Fn() -> Result<(), NotWanted>; 3] =
        [&|| service.ready(), &|| service.degraded("slow"), &|| service.degraded("slower")];
    for say in say {
        say().unwrap();
        let first = watch.try_next().unwrap();
        hand.advance(Duration::from_nanos(1));
        say().unwrap();
        assert_eq!(watch.try_next(), None);
        assert_eq!(services.health(&name("app/a")), Some(first));
    }
}

#[test]
fn watches_and_reasons_are_bounded_and_a_dropped_watch_makes_room() {
    let limits = Limits { max_watches: 1, max_why_bytes: 5, ..Limits::default() };
    let services = Services::new(limits);
    let watch = services.watch(&name("app/a")).unwrap();
    let refused = services.ready_blocking(&name("app/b"), far()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "no room for a watch of `app/b`: there are 1 watches of services, the limit"
    );
    drop(watch);
    drop(services.watch(&name("app/b")).unwrap());
    let (service, _start) = services.begin(name("app/a")).unwrap();
    service.degraded("abcdé").unwrap();
    let health = services.health(&name("app/a")).unwrap().health;
    assert_eq!(health, Health::Degraded("abcd".into()));
    service.end(Reason::Failed("abcdefg".into()));
    let health = services.health(&name("app/a")).unwrap().health;
    assert_eq!(health, Health::Stopped(Reason::Failed("abcde".into())));
}

/// Counts how often it is woken, and panics if told to.
struct Wakes(AtomicUsize, bool);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        assert!(!self.1, "in a waker");
    }
}

#[test]
fn a_panicking_waker_leaves_the_name_free_and_the_others_woken() {
    let services = Services::default();
    let app = name("app/a");
    let wakers = [true, false].map(|panics| Arc::new(Wakes(AtomicUsize::new(0), panics)));
    let mut watches = [services.watch(&app).unwrap(), services.watch(&app).unwrap()];
    let mut waits = watches.each_mut().map(|watch| Box::pin(watch.next()));
    for (wait, waker) in waits.iter_mut().zip(&wakers) {
        let waker = Waker::from(Arc::clone(waker));
        assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    }
    let began = thread::scope(|scope| scope.spawn(|| drop(services.begin(app.clone()))).join());
    assert!(began.is_err(), "the panic was swallowed");
    assert_eq!(wakers.map(|waker| waker.0.load(Ordering::SeqCst)), [1, 1]);
    assert!(matches!(services.health(&app).unwrap().health, Health::Stopped(_)));
    assert!(services.begin(app).is_ok());
}

#[test]
fn a_panicking_waker_does_not_keep_a_service_from_ending() {
    let services = Services::default();
    let app = name("app/a");
    let (service, _start) = services.begin(app.clone()).unwrap();
    let mut watch = services.watch(&app).unwrap();
    assert!(watch.try_next().is_some());
    let waker = Waker::from(Arc::new(Wakes(AtomicUsize::new(0), true)));
    let mut wait = pin!(watch.next());
    assert!(wait.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let ended = thread::scope(|scope| scope.spawn(|| drop(service)).join());
    assert!(ended.is_err(), "the panic was swallowed");
    assert_eq!(services.health(&app).unwrap().health, Health::Stopped(Reason::Normal));
    assert!(services.owner(&app).is_none());
}

#[test]
fn what_waits_can_be_sent_to_any_executor() {
    fn sent<T: Send>(_: &T) {}
    let services = Services::default();
    let app = name("app/a");
    sent(&services.start(app.clone(), drop));
    sent(&services.ready(&app));
    sent(&services.stop(&app));
    sent(&services.stop_all());
    let (service, start) = services.begin(app).unwrap();
    sent(&service);
    sent(&start.wait());
}

#[test]
fn names_that_were_only_watched_leave_nothing_behind() {
    let services = Services::default();
    for number in 0..100 {
        let watched = name(&format!("app/{number}"));
        drop(services.watch(&watched).unwrap());
        assert!(services.health(&watched).is_none());
    }
    assert_eq!(services.shared.step(|state| state.slots()), 0);
}
