//! Laws of the registry in races, at its limits, and with handles whose destructors use the registry
//! that held them.

use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Weak, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::*;
use crate::log::{Lagged, NextError, Sequence};
use crate::owner::{Owner, Reason};

#[expect(clippy::unwrap_used, reason = "for tests")]
fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[test]
fn of_racing_threads_exactly_one_takes_a_name_and_the_limit_is_exact() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 500;
    let registry = Registry::with_limits(Limits { max_names: 2, ..Limits::default() });
    let start = Barrier::new(THREADS);
    let winners: Vec<AtomicUsize> = (0..ROUNDS).map(|_| AtomicUsize::new(0)).collect();
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (registry, start, winners) = (&registry, &start, &winners);
            scope.spawn(move || {
                for winner in winners {
                    start.wait();
                    let contended = registry.register(name("race/one"), thread, Metadata::new());
                    start.wait();
                    if contended.is_ok() {
                        winner.fetch_add(1, Ordering::SeqCst);
                    }
                    assert!(registry.lookup("race/one").is_some());
                    // One place is left for four own names.
                    let own = name(&format!("race/own{thread}"));
                    let own = registry.register(own, thread, Metadata::new());
                    start.wait();
                    assert_eq!(registry.len(), 2);
                    start.wait();
                    drop((contended, own));
                    start.wait();
                    assert!(registry.is_empty());
                }
            });
        }
    });
    assert!(winners.iter().all(|winner| winner.load(Ordering::SeqCst) == 1));
}

#[test]
fn a_lookup_never_sees_a_registration_that_is_gone() {
    let registry = Registry::new();
    // Generations up to this one are unregistered.
    let gone = AtomicU64::new(0);
    let done = AtomicBool::new(false);
    let ready = Barrier::new(3);
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                ready.wait();
                while !done.load(Ordering::SeqCst) {
                    let before = gone.load(Ordering::SeqCst);
                    if let Some(generation) = registry.lookup("space/name") {
                        assert!(generation > before, "{generation} was gone");
                    }
                }
            });
        }
        ready.wait();
        for generation in 1..=20_000 {
            let held = registry.register(name("space/name"), generation, Metadata::new()).unwrap();
            assert_eq!(held.unregister(), generation);
            gone.store(generation, Ordering::SeqCst);
        }
        done.store(true, Ordering::SeqCst);
    });
}

/// A handle whose last clone registers, looks up and unregisters when it is dropped.
#[derive(Clone)]
struct Reenters {
    _inner: Arc<Inner>,
}

struct Inner {
    registry: Weak<Registry<Reenters>>,
    dropped: Arc<AtomicUsize>,
    number: usize,
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        let Some(registry) = self.registry.upgrade() else { return };
        let quiet = Inner {
            registry: Weak::new(),
            dropped: Arc::clone(&self.dropped),
            number: self.number,
        };
        let name = name(&format!("dropped/{}", self.number));
        let held =
            registry.register(name.clone(), Reenters { _inner: Arc::new(quiet) }, Metadata::new());
        assert!(registry.lookup(&name).is_some());
        drop(held);
    }
}

fn churn_with_reentrant_handles(threads: usize, rounds: usize) {
    let registry = Arc::new(Registry::new());
    let dropped = Arc::new(AtomicUsize::new(0));
    thread::scope(|scope| {
        for thread in 0..threads {
            let (registry, dropped) = (&registry, &dropped);
            scope.spawn(move || {
                for round in 0..rounds {
                    let number = thread * rounds + round;
                    let inner = Inner {
                        registry: Arc::downgrade(registry),
                        dropped: Arc::clone(dropped),
                        number,
                    };
                    let name = name(&format!("live/{number}"));
                    let handle = Reenters { _inner: Arc::new(inner) };
                    drop(registry.register(name.clone(), handle, Metadata::new()));
                    assert!(registry.lookup(&name).is_none());
                }
            });
        }
    });
    drop(registry);
    let expected = threads * rounds;
    let dropped = dropped.load(Ordering::SeqCst);
    // Handles that the registry itself outlived registered nobody else when they were dropped.
    assert!((expected..=2 * expected).contains(&dropped), "{dropped} of {expected} were dropped");
}

#[test]
fn a_handles_destructor_may_use_the_registry() {
    churn_with_reentrant_handles(1, 2000);
    churn_with_reentrant_handles(3, 1000);
}

#[test]
fn reclaim_runs_the_destructors_of_what_the_thread_removed() {
    let registry = Registry::new();
    let handle = Arc::new(());
    for round in 0..10 {
        drop(registry.register(name(&format!("a/{round}")), Arc::clone(&handle), Metadata::new()));
    }
    registry.reclaim();
    assert_eq!(Arc::strong_count(&handle), 1);
}

#[test]
fn a_stale_guard_does_not_remove_its_successor() {
    let registry = Registry::new();
    let first = registry.register(name("a/b"), 1, Metadata::new()).unwrap();
    let stale = first.id();
    drop(first);
    let second = registry.register(name("a/b"), 2, Metadata::new()).unwrap();
    assert!(second.id() > stale);
    let guard = registry.shared.map.guard();
    assert!(registry.shared.remove(&name("a/b"), stale, &guard).is_none());
    assert_eq!(registry.lookup("a/b"), Some(2));
}

/// Counts how often it is woken, and panics if told to.
struct Wakes {
    count: AtomicUsize,
    panics: bool,
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.count.fetch_add(1, Ordering::SeqCst);
        assert!(!self.panics, "in a waker");
    }
}

#[test]
fn a_panicking_waker_leaves_the_name_free_and_the_others_woken() {
    let registry = Registry::new();
    let counter = |panics| Arc::new(Wakes { count: AtomicUsize::new(0), panics });
    let (panicking, counting) = (counter(true), counter(false));
    let mut watches = [registry.watch(), registry.watch()];
    for (watch, counter) in watches.iter_mut().zip([&panicking, &counting]) {
        let waker = Waker::from(Arc::clone(counter));
        assert!(watch.poll_next(&mut Context::from_waker(&waker)).is_pending());
    }
    let panicked = thread::scope(|scope| {
        let register = || drop(registry.register(name("a/b"), 1, Metadata::new()));
        scope.spawn(register).join()
    });
    assert!(panicked.is_err(), "the panic was swallowed");
    assert_eq!(counting.count.load(Ordering::SeqCst), 1);
    assert_eq!((registry.lookup("a/b"), registry.len()), (None, 0));
    assert!(registry.register(name("a/b"), 2, Metadata::new()).is_ok());
}

#[test]
fn changes_of_other_namespaces_neither_wake_nor_count_nor_evict() {
    let registry = Registry::with_limits(Limits { watch_capacity: 2, ..Limits::default() });
    let mut watch = registry.watch_namespace(Namespace::new("own").unwrap());
    let counter = Arc::new(Wakes { count: AtomicUsize::new(0), panics: false });
    let waker = Waker::from(Arc::clone(&counter));
    assert!(watch.poll_next(&mut Context::from_waker(&waker)).is_pending());
    let held = registry.register(name("own/x"), (), Metadata::new()).unwrap();
    assert_eq!(counter.count.load(Ordering::SeqCst), 1);
    let mut other = registry.watch_namespace(Namespace::new("other").unwrap());
    for _ in 0..5 {
        drop(registry.register(name("other/x"), (), Metadata::new()));
    }
    assert_eq!((watch.lag(), other.lag()), (1, 10));
    assert_eq!(watch.try_next().unwrap().unwrap().id(), held.id());
    assert_eq!(watch.next_blocking(Instant::now()), Ok(None));
    let lagged = Lagged { missed: 8, resumes_at: Sequence::new(9) };
    assert_eq!(other.try_next(), Err(NextError::Lagged(lagged)));
}

#[test]
fn the_log_of_a_namespace_lives_as_long_as_its_last_watch() {
    let registry = Registry::<()>::new();
    let space = || Namespace::new("own").unwrap();
    let first = registry.watch_namespace(space());
    let second = registry.watch_namespace(space());
    drop(first);
    assert!(registry.shared.streams.may_want());
    drop(second);
    assert!(!registry.shared.streams.may_want());
    let mut third = registry.watch_namespace(space());
    drop(registry.register(name("own/x"), (), Metadata::new()));
    assert_eq!(third.lag(), 2);
    drop(registry);
    assert!(third.try_next().is_ok() && third.try_next().is_ok());
    assert_eq!(third.try_next(), Err(NextError::Closed));
}

#[test]
fn whoever_received_a_down_finds_no_name_of_the_owner() {
    const NAMES: usize = 20;
    for round in 0..50 {
        let registry = Registry::new();
        let owner = Owner::new();
        let handle = owner.handle();
        let (seen, downs) = mpsc::channel();
        let watched = registry.clone();
        handle.monitor_with(move |down| {
            let found =
                (0..NAMES).filter(|at| watched.lookup(format!("a/{at}").as_str()).is_some());
            seen.send((down.reason, found.count(), watched.members("a/group").len())).unwrap();
        });
        thread::scope(|scope| {
            let (registry, handle) = (&registry, &handle);
            scope.spawn(move || {
                for at in 0..NAMES {
                    let text = name(&format!("a/{at}"));
                    match registry.register_for(handle, text, round, Metadata::new()) {
                        Ok(_) => {}
                        Err(RegisterError::OwnerEnded { handle, .. }) => assert_eq!(handle, round),
                        Err(other) => panic!("{other}"),
                    }
                    drop(registry.join_for(handle, name("a/group"), round, Metadata::new()));
                }
            });
            scope.spawn(move || owner.end(Reason::Killed));
        });
        assert_eq!(downs.try_iter().collect::<Vec<_>>(), [(Reason::Killed, 0, 0)]);
        assert_eq!((registry.len(), registry.members("a/group").len()), (0, 0));
    }
}

#[test]
fn a_monitor_of_a_guarded_name_races_its_guard_to_one_down() {
    for _ in 0..200 {
        let registry = Registry::new();
        let held = registry.register(name("a/b"), 1, Metadata::new()).unwrap();
        thread::scope(|scope| {
            let registry = &registry;
            scope.spawn(move || {
                let mut monitor = registry.monitor("a/b");
                let far = Instant::now() + Duration::from_secs(30);
                let down = monitor.down_blocking(far).unwrap();
                assert!(matches!(down.reason, Reason::Normal | Reason::NoProc));
                assert_eq!(registry.lookup("a/b"), None);
                assert_eq!(monitor.try_down(), None);
            });
            scope.spawn(move || drop(held));
        });
    }
}

#[test]
fn a_name_that_is_given_back_early_outlives_no_down_of_its_owner() {
    for _ in 0..200 {
        let registry = Registry::new();
        let owner = Owner::new();
        let handle = owner.handle();
        let kept = registry.register_for(&handle, name("a/b"), 1, Metadata::new()).unwrap();
        let member = registry.join_for(&handle, name("a/g"), 1, Metadata::new()).unwrap();
        let (seen, downs) = mpsc::channel();
        let watched = registry.clone();
        handle.monitor_with(move |_| {
            seen.send((watched.lookup("a/b"), watched.members("a/g").len())).unwrap();
        });
        thread::scope(|scope| {
            scope.spawn(move || {
                let _handle = kept.unregister();
                member.leave();
            });
            scope.spawn(move || owner.end(Reason::Killed));
        });
        assert_eq!(downs.try_iter().collect::<Vec<_>>(), [(None, 0)]);
        assert_eq!((registry.len(), registry.member_count()), (0, 0));
    }
}

#[test]
fn a_panicking_waker_leaves_an_owner_without_the_name_as_well() {
    let registry = Registry::new();
    let owner = Owner::new();
    for attempt in 0..2 {
        let mut watch = registry.watch();
        let waker = Waker::from(Arc::new(Wakes { count: AtomicUsize::new(0), panics: true }));
        assert!(watch.poll_next(&mut Context::from_waker(&waker)).is_pending());
        let panicked = thread::scope(|scope| {
            let (registry, owner) = (&registry, owner.handle());
            let take = move || match attempt {
                0 => drop(registry.register_for(&owner, name("a/b"), 1, Metadata::new())),
                _ => drop(registry.join_for(&owner, name("a/b"), 1, Metadata::new())),
            };
            scope.spawn(take).join()
        });
        assert!(panicked.is_err(), "the panic was swallowed");
    }
    assert_eq!((registry.lookup("a/b"), registry.len(), registry.member_count()), (None, 0, 0));
}

#[test]
fn a_member_is_monitored_like_a_name() {
    let registry = Registry::new();
    let owner = Owner::new();
    let guarded = registry.join(name("a/g"), 1, Metadata::new()).unwrap();
    registry.join_for(&owner.handle(), name("a/g"), 2, Metadata::new()).unwrap();
    let ids: Vec<_> = registry.members("a/g").iter().map(|member| member.id).collect();
    let mut monitors = [ids[0], ids[1]].map(|id| registry.monitor_member("a/g", id));
    drop(guarded);
    owner.end(Reason::Killed);
    let reasons = monitors.each_mut().map(|monitor| monitor.try_down().unwrap().reason);
    assert_eq!(reasons, [Reason::Normal, Reason::Killed]);
    let late = registry.monitor_member("a/g", ids[0]).try_down().unwrap();
    assert_eq!(late.reason, Reason::NoProc);
}

#[test]
fn names_and_groups_that_come_and_go_are_forgotten_once_enough_others_did() {
    let registry = Registry::new();
    let handle = Arc::new(());
    for round in 0..3000 {
        let metadata = Metadata::from([("round", format!("{round}"))]);
        let text = name(&format!("a/{round}"));
        drop(registry.register(text.clone(), Arc::clone(&handle), metadata));
        drop(registry.join(text, Arc::clone(&handle), Metadata::new()));
    }
    let guard = registry.shared.map.guard();
    let kept = registry.shared.map.iter(&guard).count();
    assert!((1024..=1025).contains(&kept), "{kept} vacant names are kept");
    drop(guard);
    registry.reclaim();
    assert!(Arc::strong_count(&handle) < 100, "vacant names keep handles");
    assert!(registry.names_in(&Namespace::new("a").unwrap()).is_empty());
}

#[test]
fn one_name_that_comes_and_goes_takes_one_place() {
    let registry = Registry::new();
    for _ in 0..5000 {
        drop(registry.register(name("a/b"), (), Metadata::new()));
    }
    assert_eq!(registry.shared.map.len(), 1);
}

#[test]
fn a_snapshot_of_members_stays_as_it_was() {
    let registry = Registry::new();
    let join = |handle| registry.join(name("a/group"), handle, Metadata::new()).unwrap();
    let (first, second) = (join(1), join(2));
    let before = registry.members("a/group");
    drop(first);
    let _third = join(3);
    let handles = |members: &Members<i32>| -> Vec<i32> {
        members.iter().map(|member| member.handle).collect()
    };
    assert_eq!(handles(&before), [1, 2]);
    assert_eq!(handles(&registry.members("a/group")), [2, 3]);
    assert_eq!(before.get(second.id()).map(|member| member.handle), Some(2));
}

#[test]
fn the_bytes_of_unread_changes_are_bounded() {
    // A registration of `a/b` weighs 3 bytes and its metadata, its end 3 bytes.
    let registry = Registry::with_limits(Limits { watch_bytes: 20, ..Limits::default() });
    let mut watch = registry.watch();
    for _ in 0..2 {
        let metadata = Metadata::from([("key", "value")]);
        drop(registry.register(name("a/b"), (), metadata));
    }
    let Err(NextError::Lagged(lagged)) = watch.try_next() else { panic!("nothing was evicted") };
    assert_eq!((lagged.missed, lagged.resumes_at.get()), (1, 2));
    assert_eq!(watch.lag(), 3);
}

#[test]
fn metadata_above_a_limit_is_refused_with_the_handle() {
    let limits = Limits { max_metadata_entries: 1, max_metadata_bytes: 4, ..Limits::default() };
    let registry = Registry::with_limits(limits);
    let refused = |metadata| registry.register(name("a/b"), 7, metadata).unwrap_err();
    let many = refused(Metadata::from([("a", ""), ("b", "")]));
    assert_eq!(
        many.to_string(),
        "the metadata of `a/b` is refused: the metadata has 2 entries, the limit is 1"
    );
    let long = refused(Metadata::from([("a", "bcde")]));
    assert!(long.to_string().ends_with("has 5 bytes, the limit is 4"));
    assert_eq!(long.into_handle(), 7);
    let held = registry.register(name("a/b"), 7, Metadata::from([("a", "bcd")])).unwrap();
    assert_eq!(registry.entry(held.name()).unwrap().metadata.get("a"), Some("bcd"));
}

#[test]
fn a_watch_reports_its_namespace_its_lag_and_the_end() {
    let registry = Registry::with_limits(Limits { watch_capacity: 4, ..Limits::default() });
    let mut all = registry.watch();
    let mut some = registry.watch_namespace(Namespace::new("b").unwrap());
    drop(registry.register(name("a/x"), (), Metadata::new()));
    let held = registry.register(name("b/x"), (), Metadata::new()).unwrap();
    assert!(matches!(some.try_next(), Ok(Some(Change::Registered { id, .. })) if id == held.id()));
    assert_eq!(some.try_next(), Ok(None));
    drop(registry.register(name("a/x"), (), Metadata::new()));
    drop(registry);
    assert_eq!(all.lag(), 5);
    let lagged = Lagged { missed: 1, resumes_at: Sequence::new(2) };
    assert_eq!(all.try_next(), Err(NextError::Lagged(lagged)));
    let unregistered = |text: &str, id| {
        let (name, id) = (name(text), RegistrationId(id));
        Ok(Some(Change::Unregistered { name, id }))
    };
    let registered = |text: &str, id| {
        let (name, id, metadata) = (name(text), RegistrationId(id), Metadata::new());
        Ok(Some(Change::Registered { name, id, metadata }))
    };
    assert_eq!(all.try_next(), unregistered("a/x", 1));
    drop(held);
    assert_eq!(all.try_next(), registered("b/x", 3));
    assert_eq!(all.try_next(), registered("a/x", 4));
    assert_eq!(all.try_next(), unregistered("a/x", 4));
    assert_eq!(all.try_next(), unregistered("b/x", 3));
    assert_eq!(all.try_next(), Err(NextError::Closed));
    assert_eq!(some.try_next(), unregistered("b/x", 3));
    assert_eq!(some.try_next(), Err(NextError::Closed));
}
