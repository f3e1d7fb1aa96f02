//! Laws of the registry: against a plain `HashMap`, in races, and with handles whose destructors
//! use the registry that held them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Weak};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Instant;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::log::{Lagged, NextError, Sequence};

#[expect(clippy::unwrap_used, reason = "for tests")]
fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

#[derive(Clone, Debug)]
enum Step {
    Register(u8),
    Unregister(usize),
    Drop(usize),
    Lookup(u8),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0_u8..8).prop_map(Step::Register),
        (0_usize..6).prop_map(Step::Unregister),
        (0_usize..6).prop_map(Step::Drop),
        (0_u8..8).prop_map(Step::Lookup),
    ];
    vec(step, 0..150)
}

/// A name in one of two namespaces.
fn numbered(number: u8) -> Name {
    name(&format!("space{}/{number}", number % 2))
}

proptest! {
    #[test]
    fn a_registry_behaves_like_a_map_and_its_watch_replays_it(
        steps in steps(),
        max_names in 0_usize..7,
    ) {
        let registry = Registry::with_limits(Limits { max_names, ..Limits::default() });
        let mut watch = registry.watch();
        let mut model: HashMap<Name, u64> = HashMap::new();
        let mut held = Vec::new();
        for (handle, step) in (0_u64..).zip(steps) {
            match step {
                Step::Register(number) => {
                    let name = numbered(number);
                    match registry.register(name.clone(), handle, Metadata::new()) {
                        Ok(registration) => {
                            prop_assert!(model.len() < max_names);
                            prop_assert_eq!(model.insert(name, handle), None);
                            held.push(registration);
                        }
                        Err(RegisterError::Taken { handle: back, holder, .. }) => {
                            prop_assert_eq!(back, handle);
                            prop_assert_eq!(model.get(&name), Some(&holder.handle));
                        }
                        Err(RegisterError::Full { handle: back, limit, .. }) => {
                            prop_assert_eq!((back, limit), (handle, max_names));
                            prop_assert_eq!(model.len(), max_names);
                            prop_assert!(!model.contains_key(&name));
                        }
                        Err(other) => prop_assert!(false, "{}", other),
                    }
                }
                Step::Unregister(at) | Step::Drop(at) if at < held.len() => {
                    let registration = held.swap_remove(at);
                    let removed = model.remove(registration.name());
                    if matches!(step, Step::Unregister(_)) {
                        prop_assert_eq!(Some(registration.unregister()), removed);
                    }
                }
                Step::Unregister(_) | Step::Drop(_) => {}
                Step::Lookup(number) => {
                    let name = numbered(number);
                    prop_assert_eq!(registry.lookup(&name), model.get(&name).copied());
                    prop_assert_eq!(registry.lookup(name.as_str()), model.get(&name).copied());
                }
            }
            prop_assert_eq!(registry.len(), model.len());
        }
        let mut replayed: HashMap<Name, RegistrationId> = HashMap::new();
        while let Some(change) = watch.try_next().unwrap() {
            match change {
                Change::Registered { name, id, .. } => {
                    prop_assert_eq!(replayed.insert(name, id), None);
                }
                Change::Unregistered { name, id } => {
                    prop_assert_eq!(replayed.remove(&name), Some(id));
                }
            }
        }
        let ids = held.iter().map(|held| (held.name().clone(), held.id())).collect();
        prop_assert_eq!(replayed, ids);
        let space = Namespace::new("space1").unwrap();
        let mut names = registry.names_in(&space);
        names.sort();
        let mut expected: Vec<_> = model.into_keys().filter(|name| space.contains(name)).collect();
        expected.sort();
        prop_assert_eq!(names, expected);
    }
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
    let own = |_: &Name, entry: &Entry<i32>| entry.id == stale;
    assert!(registry.shared.map.remove_if("a/b", own, &guard).is_err());
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
fn changes_of_others_hold_a_namespace_watch_up_only_for_a_bounded_time() {
    const OTHERS: usize = 300;
    let registry = Registry::new();
    let mut watch = registry.watch_namespace(Namespace::new("own").unwrap());
    let churn = || drop(registry.register(name("other/x"), (), Metadata::new()));
    (0..OTHERS / 2).for_each(|_| churn());
    let past = Instant::now();
    assert_eq!(watch.next_blocking(past), Ok(None));
    let left = watch.lag();
    assert_eq!(left, OTHERS as u64 - 1, "the deadline was not looked at between two changes");

    let counter = Arc::new(Wakes { count: AtomicUsize::new(0), panics: false });
    let waker = Waker::from(Arc::clone(&counter));
    let mut context = Context::from_waker(&waker);
    assert!(watch.poll_next(&mut context).is_pending());
    assert_eq!((watch.lag(), counter.count.load(Ordering::SeqCst)), (left - 128, 1));

    let held = registry.register(name("own/x"), (), Metadata::new()).unwrap();
    let change = watch.try_next().unwrap().unwrap();
    assert_eq!(change.id(), held.id());
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
