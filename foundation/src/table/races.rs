//! Laws of a table in races: its limits and its accounts are exact, and no step is lost.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::laws::name;
use super::*;

const THREADS: u64 = 4;

/// Runs `work` in several threads that begin together.
fn race(work: impl Fn(u64) + Sync) {
    let start = Barrier::new(usize::try_from(THREADS).unwrap());
    thread::scope(|scope| {
        for thread in 0..THREADS {
            let (start, work) = (&start, &work);
            scope.spawn(move || {
                start.wait();
                work(thread);
            });
        }
    });
}

#[test]
fn of_racing_writers_as_many_get_in_as_there_is_room_for() {
    let tables = Tables::default();
    for round in 0..100 {
        let weigh = |_: &u64, _: &u64| 10;
        let spec = TableSpec { max_entries: 7, max_bytes: 60, weigh, ..TableSpec::default() };
        let table = tables.create(name("race/limits"), spec).unwrap();
        let entered = std::sync::atomic::AtomicU64::new(0);
        race(|thread| {
            for number in 0..4 {
                if table.insert(thread * 4 + number, round).is_ok() {
                    entered.fetch_add(1, Ordering::SeqCst);
                }
            }
        });
        assert_eq!((entered.into_inner(), table.len(), table.bytes()), (6, 6, 60));
    }
}

#[test]
fn whatever_races_the_accounts_are_those_of_the_entries() {
    let tables = Tables::default();
    let weigh = |_: &u64, value: &u64| usize::try_from(*value).unwrap_or(usize::MAX);
    let when_full = WhenFull::EvictOldest;
    let spec =
        TableSpec { max_entries: 20, max_bytes: 150, weigh, when_full, ..TableSpec::default() };
    let table = tables.create(name("race/accounts"), spec).unwrap();
    let over = AtomicBool::new(false);
    race(|thread| {
        for step in 0..4000 {
            let key = (step * 7 + thread * 3) % 40;
            match step % 5 {
                0 | 1 => drop(table.insert(key, step % 16)),
                2 => drop(table.remove(&key)),
                3 => drop(table.insert_if_absent(key, 1)),
                _ if step % 500 == 4 => drop(table.clear()),
                _ => drop(table.compute(key, |value| match value {
                    Some(value) if *value > 9 => Change::Remove,
                    value => Change::Set(value.map_or(1, |value| value + 1)),
                })),
            }
            if table.len() > 20 || table.bytes() > 150 {
                over.store(true, Ordering::SeqCst);
            }
        }
    });
    assert!(!over.into_inner(), "a limit was exceeded for a moment");
    let entries = table.snapshot().unwrap();
    assert_eq!(entries.len(), table.len());
    let bytes: u64 = entries.iter().map(|(_, value)| value).sum();
    assert_eq!(usize::try_from(bytes).unwrap(), table.bytes());
}

#[test]
fn no_computed_step_is_lost_and_one_offer_wins() {
    const STEPS: u64 = 2000;
    let tables = Tables::default();
    let table = tables.create::<u64, u64>(name("race/steps"), TableSpec::default()).unwrap();
    let winners = std::sync::atomic::AtomicU64::new(0);
    race(|thread| {
        for step in 0..STEPS {
            let count = |value: Option<&u64>| Change::Set(value.copied().unwrap_or(0) + 1);
            table.compute(u64::MAX, count).unwrap();
            if table.insert_if_absent(step, thread).unwrap() == Offered::Inserted {
                winners.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    assert_eq!(table.get(&u64::MAX).unwrap(), Some(THREADS * STEPS));
    assert_eq!(winners.into_inner(), STEPS);
}

#[test]
fn of_racing_creations_one_has_the_name_and_the_end_of_a_table_leaves_nothing() {
    let tables = Tables::default();
    race(|_| {
        for _ in 0..300 {
            if let Ok(guard) = tables.create::<u64, u64>(name("race/one"), TableSpec::default()) {
                assert!(guard.insert(1, 1).is_ok(), "the table of a guard is gone");
            } else if let Ok(table) = tables.open::<u64, u64>(&name("race/one")) {
                // It may end at any moment; it must not panic or come back.
                drop(table.insert(2, 2));
                assert!(!table.is_gone() || table.get(&2).is_err());
            }
        }
    });
    assert!(tables.list().is_empty());
}
