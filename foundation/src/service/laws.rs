//! Laws of services at each limit and in the order of an end.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::Duration;

use super::*;
use crate::clock::Timestamp;

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
