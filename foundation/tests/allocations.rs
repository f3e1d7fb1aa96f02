//! What is promised to allocate nothing allocates nothing, and churn leaves no memory behind.
//!
//! A test of its own because it needs the program's allocator. The test harness may allocate at any
//! moment on another thread, so a number of allocations is the least of several attempts: what
//! allocates once an operation does so in all of them.

use std::alloc::System;
use std::hint::black_box;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use foundation::config::{self, Config, Schema};
use foundation::registry::{Limits, Metadata, Name, Registry};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, Stats, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ATTEMPTS: usize = 10;

fn measured(work: &mut impl FnMut()) -> Stats {
    let region = Region::new(ALLOCATOR);
    work();
    region.change()
}

/// The fewest allocations that `work` makes.
fn allocations(mut work: impl FnMut()) -> usize {
    let counted = |_| {
        let stats = measured(&mut work);
        stats.allocations + stats.reallocations
    };
    (0..ATTEMPTS).map(counted).min().unwrap_or(usize::MAX)
}

/// How many bytes more are allocated after `work` ran as often as there are attempts.
fn growth(mut work: impl FnMut()) -> isize {
    let stats = measured(&mut || (0..ATTEMPTS).for_each(|_| work()));
    // Both figures include what reallocations gained and gave back.
    stats.bytes_allocated.cast_signed() - stats.bytes_deallocated.cast_signed()
}

/// Keeps the tests of this file from counting each other's allocations.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

#[test]
fn a_lookup_allocates_nothing() {
    let _alone = alone();
    let registry = Registry::new();
    let name = Name::new("space/name").unwrap();
    let _held = registry.register(name.clone(), Arc::new(7), Metadata::new()).unwrap();
    let lookups = || {
        for _ in 0..100 {
            black_box(registry.lookup(&name));
            black_box(registry.lookup("space/name"));
            black_box(registry.lookup("space/other"));
        }
    };
    assert_eq!(allocations(lookups), 0);
}

#[test]
fn reading_a_key_allocates_nothing() {
    let _alone = alone();
    let config = Config::new(Schema::new(&[config::KEYS]).unwrap());
    let mut key = config.key::<usize>("foundation.registry.max_names").unwrap();
    let reads = || {
        for _ in 0..100 {
            black_box(key.get());
        }
    };
    assert_eq!(allocations(reads), 0);
}

#[test]
fn churn_leaves_no_memory_behind() {
    let _alone = alone();
    let registry = Registry::with_limits(Limits::default());
    let metadata = Metadata::from([("role", "worker")]);
    let mut round = 0;
    let mut churn = || {
        for _ in 0..4096 {
            round += 1;
            let name = Name::new(&format!("space/{round:08}")).unwrap();
            let handle = Arc::new([round; 8]);
            drop(registry.register(name, handle, metadata.clone()).unwrap());
        }
        registry.reclaim();
    };
    churn();
    let grown = growth(churn);
    // The harness may hold a few hundred bytes more; 40,960 handles alone would be 3 MB.
    assert!(grown <= 4096, "{grown} bytes stayed after 40,960 registrations came and went");
    assert!(registry.is_empty());
}

#[cfg(feature = "events")]
#[test]
fn appending_a_written_event_to_a_full_store_allocates_nothing() {
    use foundation::events::{EventStore, Limits, NewEvent};

    let _alone = alone();
    let store = EventStore::new(Limits { max_events: 64, ..Limits::default() });
    let event = NewEvent::new("kind").payload(&[1, 2, 3]).unwrap();
    let append = || {
        for _ in 0..100 {
            store.append(event.clone()).unwrap();
        }
    };
    append();
    assert_eq!(allocations(append), 0);
}
