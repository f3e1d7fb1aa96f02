//! Laws of a lifetime's end: its order, its one `Down`, and what a panic leaves undone (nothing).

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::*;

/// Sends its name when it is dropped, and panics if told to.
struct Traced {
    name: &'static str,
    trace: mpsc::Sender<&'static str>,
    panics: bool,
}

impl Drop for Traced {
    fn drop(&mut self) {
        self.trace.send(self.name).unwrap();
        assert!(!self.panics, "in {}", self.name);
    }
}

#[test]
fn what_is_kept_goes_latest_first_and_before_any_down_also_if_it_panics() {
    let (trace, seen) = mpsc::channel();
    let traced = |name, panics| Traced { name, trace: trace.clone(), panics };
    let owner = Owner::new();
    let handle = owner.handle();
    handle.keep(traced("first", false)).unwrap();
    handle.keep(traced("second", true)).unwrap();
    let early = handle.keep(traced("taken early", false)).unwrap();
    handle.keep(traced("third", true)).unwrap();
    for down in ["one down", "another down"] {
        let trace = trace.clone();
        handle.monitor_with(move |_| trace.send(down).unwrap());
    }
    drop(early.take().unwrap());
    assert!(thread::spawn(move || owner.end(Reason::Shutdown)).join().is_err());
    drop(trace);
    let order: Vec<_> = seen.try_iter().collect();
    assert_eq!(order, ["taken early", "third", "second", "first", "one down", "another down"]);
}

#[test]
fn each_monitor_hears_once_why_and_a_late_one_at_once() {
    let owner = Owner::new();
    let mut early = owner.handle().monitor();
    let silent = owner.handle().monitor();
    assert_eq!(early.try_down(), None);
    drop(silent);
    let (id, handle) = (owner.id(), owner.handle());
    let reason = Reason::Failed("out of paper".into());
    owner.end(reason.clone());
    let expected = Down { owner: id, monitor: early.id(), reason };
    assert_eq!(early.try_down(), Some(expected));
    assert_eq!(early.try_down(), None);
    let late = [handle.monitor(), handle.monitor()].map(|mut late| late.try_down().unwrap());
    assert!(late.iter().all(|down| down.reason == Reason::NoProc));
    assert_ne!(late[0].monitor, late[1].monitor, "also late ones are told apart");
    assert_eq!(MonitorRef::of_nobody().try_down().unwrap().reason, Reason::NoProc);
    assert!(handle.has_ended());
}

#[test]
fn a_monitor_that_was_dropped_leaves_nothing_at_its_owner() {
    let owner = Owner::new();
    for _ in 0..100 {
        let mut waits = pin!(owner.handle().monitor().down());
        assert!(waits.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    }
    let handle = owner.handle();
    let stays = handle.monitor();
    let left = std::mem::take(&mut lock(&handle.0.life).monitors);
    assert_eq!(left.into_all().count(), 1);
    drop(stays);
}

#[test]
fn an_owner_that_ended_gives_back_what_it_was_to_keep() {
    let owner = Owner::new();
    let handle = owner.handle();
    let kept = handle.keep(String::from("kept")).unwrap();
    assert_eq!(kept.owner(), owner.id());
    drop(owner);
    assert_eq!(kept.take(), None);
    let refused = handle.keep(String::from("late")).unwrap_err();
    assert_eq!(refused.value, "late");
    let expected = format!("owner {} has ended and can be given nothing more", handle.id().get());
    assert_eq!(refused.to_string(), expected);
}

#[test]
fn dropping_an_owner_tells_a_panic_from_a_normal_end() {
    let (normal, panics) = (Owner::new(), Owner::new());
    let mut monitors = [normal.handle().monitor(), panics.handle().monitor()];
    drop(normal);
    let died = thread::spawn(move || {
        let _panics = panics;
        panic!("the work went wrong");
    });
    assert!(died.join().is_err());
    let [normal, panics] = monitors.each_mut().map(|monitor| monitor.try_down().unwrap().reason);
    assert_eq!(normal, Reason::Normal);
    assert!(matches!(panics, Reason::Panic(_)));
}

#[test]
fn a_down_is_awaited_by_a_task_or_by_a_thread() {
    let owner = Owner::new();
    let (mut waits, mut blocks) =
        (Box::pin(owner.handle().monitor().down()), owner.handle().monitor());
    let mut context = Context::from_waker(Waker::noop());
    assert!(waits.as_mut().poll(&mut context).is_pending());
    assert_eq!(blocks.down_blocking(Instant::now()), None);
    let far = Instant::now() + Duration::from_secs(30);
    let blocked = thread::spawn(move || blocks.down_blocking(far).unwrap().reason);
    owner.end(Reason::Killed);
    assert_eq!(blocked.join().unwrap(), Reason::Killed);
    let Poll::Ready(Some(down)) = waits.as_mut().poll(&mut context) else { panic!("not ready") };
    assert_eq!(down.reason, Reason::Killed);
}

/// Panics when it is dropped, with a payload that does so too.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(Payload);
    }
}

struct Payload;

impl Drop for Payload {
    fn drop(&mut self) {
        panic!("in a payload");
    }
}

#[test]
fn panics_whose_payloads_panic_keep_no_down_from_being_delivered() {
    let owner = Owner::new();
    let mut monitor = owner.handle().monitor();
    for _ in 0..3 {
        owner.handle().keep(Bomb).unwrap();
    }
    let ended =
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| owner.end(Reason::Killed)));
    std::mem::forget(ended);
    assert_eq!(monitor.try_down().unwrap().reason, Reason::Killed);
}

#[test]
fn a_monitor_is_taken_back_at_its_own_owner_only() {
    let (one, other) = (Owner::new(), Owner::new());
    let (mut own, stranger) = (one.handle().monitor(), other.handle().monitor());
    assert!(!one.handle().demonitor(stranger.id()));
    one.end(Reason::Normal);
    assert!(own.try_down().is_some());
}

#[test]
fn of_racing_ends_and_gifts_everything_kept_is_dropped_exactly_once() {
    struct Counted(Arc<AtomicUsize>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
    const GIFTS: usize = 200;
    for _ in 0..50 {
        let owner = Owner::new();
        let dropped = Arc::new(AtomicUsize::new(0));
        let handle = owner.handle();
        let (handle, dropped) = (&handle, &dropped);
        thread::scope(|scope| {
            scope.spawn(move || {
                for _ in 0..GIFTS {
                    let kept = handle.keep(Counted(Arc::clone(dropped)));
                    drop(kept.map(Kept::take));
                    drop(handle.keep(Counted(Arc::clone(dropped))));
                }
            });
            scope.spawn(move || drop(owner));
        });
        assert_eq!(dropped.load(Ordering::SeqCst), 2 * GIFTS);
    }
}
