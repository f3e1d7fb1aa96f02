//! What was acknowledged survives the death of the process, whenever that comes.
//!
//! The test starts itself as a child that appends without waiting and reports each acknowledged
//! event on its standard output. The parent kills it after some reports, at a point that depends on
//! the round, reopens the file and compares. This shows that nothing is acknowledged before its
//! commit and that a torn batch leaves no gap; it does not show what the loss of power does.
#![cfg(all(feature = "events", feature = "sqlite"))]
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its own functions too")]

use std::collections::VecDeque;
use std::env;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use foundation::events::{DurableEventStore, DurableLimits, Event, Limits, NewEvent, Query};
use foundation::log::Sequence;

/// Tells the child where the file is.
const FILE: &str = "EVENTS_CRASH_FILE";
const ROUNDS: u64 = 50;
/// How many appends the child has on their way.
const IN_FLIGHT: usize = 300;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

/// Nothing is evicted, however fast the disk is.
fn limits() -> DurableLimits {
    let events = Limits { max_events: usize::MAX, max_bytes: usize::MAX, ..Limits::default() };
    DurableLimits { events, ..DurableLimits::default() }
}

fn line(event: &Event) -> String {
    format!("{} {}", event.sequence().get(), event.id())
}

/// Runs until it is killed; outside of the test below, does nothing.
#[test]
fn child() {
    let Ok(path) = env::var(FILE) else { return };
    let store = DurableEventStore::open(path, limits()).unwrap();
    let mut out = io::stdout().lock();
    let mut tickets = VecDeque::new();
    loop {
        while tickets.len() < IN_FLIGHT {
            tickets.push_back(store.append(NewEvent::new("crash").correlation("test")).unwrap());
        }
        let acknowledged = tickets.pop_front().unwrap().wait(soon()).unwrap();
        // The name of the test stands before the first line.
        writeln!(out, "\nack {}", line(&acknowledged)).unwrap();
        out.flush().unwrap();
    }
}

/// Kills a child that appends to the file at `path` once it has reported `reports` events; returns
/// all that it reported.
fn acknowledged_before_the_kill(path: &Path, reports: usize) -> Vec<String> {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap());
    let mut acknowledged = Vec::new();
    let mut line = String::new();
    // Also what it had written before it died. A line that the kill tore apart has no end.
    while out.read_line(&mut line).unwrap() > 0 && line.ends_with('\n') {
        if let Some(event) = line.strip_prefix("ack ") {
            acknowledged.push(event.trim_end().to_owned());
            if acknowledged.len() == reports {
                child.kill().unwrap();
            }
        }
        line.clear();
    }
    child.wait().unwrap();
    acknowledged
}

#[test]
fn what_was_acknowledged_is_there_exactly_once_after_every_kill() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("events.db");
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = Sequence::FIRST;
    for round in 0..ROUNDS {
        // Knuth's MMIX generator.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let reports = 1 + (seed >> 33) as usize % 700;
        let acknowledged = acknowledged_before_the_kill(&path, reports);
        assert!(acknowledged.len() >= reports, "the child of round {round} ended by itself");

        let store = DurableEventStore::open(&path, limits()).unwrap();
        let all = Query { from: Some(next), limit: usize::MAX, ..Query::default() };
        let page = store.query_blocking(all, soon()).unwrap();
        assert_eq!((page.first_kept, page.evicted), (Sequence::FIRST, 0));
        let numbers = page.events.iter().map(|event| event.sequence().get());
        assert!((next.get()..).zip(numbers).all(|(expected, number)| expected == number));
        let stored: Vec<String> = page.events.iter().map(line).collect();
        assert_eq!(stored[..acknowledged.len()], acknowledged, "in round {round}");
        let beyond = stored.len() - acknowledged.len();
        next = Sequence::new(next.get() + stored.len() as u64);
        assert_eq!(store.next_sequence(), Some(next), "{beyond} were not acknowledged any more");
        store.close_blocking(soon()).unwrap();
    }
    // Nothing of an earlier round was changed by a later one.
    let store = DurableEventStore::open(&path, limits()).unwrap();
    let all = Query { limit: usize::MAX, ..Query::default() };
    let events = store.query_blocking(all, soon()).unwrap().events;
    assert!((1..next.get()).eq(events.iter().map(|event| event.sequence().get())));
    assert!(events.windows(2).all(|pair| pair[0].id() < pair[1].id()));
}
