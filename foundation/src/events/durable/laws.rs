//! Laws of the durable store, against the same `Vec` as the store in memory, and on real files.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its own functions too")]

use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::clock::Timestamp;
use crate::events::laws::{expected, oldest_kept, query, tell, told};
use crate::log::Lagged;

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn open(directory: &TempDir, limits: DurableLimits, clock: Clock) -> DurableEventStore {
    DurableEventStore::open_with_clock(directory.path().join("events.db"), limits, clock).unwrap()
}

fn default_store(directory: &TempDir) -> DurableEventStore {
    open(directory, DurableLimits::default(), Clock::system())
}

fn append(store: &DurableEventStore, event: NewEvent) -> Event {
    store.append(event).unwrap().wait(soon()).unwrap()
}

/// Appends `count` events without waiting between them.
fn fill(store: &DurableEventStore, count: usize) -> Vec<Event> {
    let tell = |_| store.append_blocking(NewEvent::new("a"), soon()).unwrap();
    let tickets: Vec<_> = (0..count).map(tell).collect();
    tickets.into_iter().map(|mut ticket| ticket.wait(soon()).unwrap()).collect()
}

fn next(subscription: &mut DurableSubscription) -> Event {
    subscription.next_blocking(soon()).unwrap().unwrap()
}

/// Asserts that the next thing that `subscription` is told is that it missed `missed` events.
fn lags(subscription: &mut DurableSubscription, missed: u64) {
    let resumes_at = Sequence::new(subscription.position().get() + missed);
    let lagged = Lagged { missed, resumes_at };
    let read = subscription.next_blocking(soon());
    assert!(matches!(read, Err(DurableNextError::Lagged(lag)) if lag == lagged), "{read:?}");
}

fn waits(subscription: &mut DurableSubscription) {
    assert!(subscription.next_blocking(Instant::now()).unwrap().is_none());
}

fn limits(events: Limits) -> DurableLimits {
    DurableLimits { events, ..DurableLimits::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_durable_store_behaves_like_a_vec_with_a_moving_start_across_openings(
        lives in vec(told(), 1..4),
        queries in vec(query(), 1..20),
        max_events in 1_usize..90,
        max_bytes in 1_usize..15_000,
        max_age in option::of((0_u64..90).prop_map(Duration::from_nanos)),
        pause in 0_u64..9,
    ) {
        let hand = Clock::manual(Timestamp::from_nanos(0));
        let events = Limits { max_events, max_bytes, max_age, ..Limits::default() };
        let directory = TempDir::new().unwrap();
        let mut all: Vec<Event> = Vec::new();
        for told in &lives {
            let store = open(&directory, limits(events), hand.clock());
            let mut live = store.subscribe(Start::Next);
            for told in told {
                let event = tell(&hand, *told);
                let stored = append(&store, event.clone());
                prop_assert_eq!(stored.sequence().get(), all.len() as u64 + 1);
                prop_assert_eq!((stored.at(), stored.told()), (hand.clock().now(), &event));
                prop_assert!(all.last().is_none_or(|last| last.id() < stored.id()));
                // It was published before the ticket was answered.
                let next_sequence = store.next_sequence().map(Sequence::get);
                prop_assert_eq!(next_sequence, Some(all.len() as u64 + 2));
                prop_assert_eq!(&next(&mut live), &stored);
                all.push(stored);
            }
            store.close_blocking(soon()).unwrap();
        }
        let now = hand.advance(Duration::from_nanos(pause));
        let store = open(&directory, limits(events), hand.clock());
        prop_assert_eq!(store.next_sequence().unwrap().get(), all.len() as u64 + 1);
        let oldest = oldest_kept(&all, &events, now);
        for query in queries {
            let page = store.query_blocking(query.clone(), soon()).unwrap();
            prop_assert_eq!(page, expected(&all, oldest, &query));
        }
        let mut subscription = store.subscribe(Start::Oldest);
        for event in &all[oldest..] {
            prop_assert_eq!(&next(&mut subscription), event);
        }
    }
}

#[test]
fn a_subscription_goes_from_the_file_to_live_without_gap_or_repetition() {
    const EACH: usize = 1500;
    let directory = TempDir::new().unwrap();
    // So few in memory that a reader falls back to the file again and again.
    let limits = DurableLimits { max_live_events: 8, ..DurableLimits::default() };
    let store = open(&directory, limits, Clock::system());
    let mut all = fill(&store, EACH);
    let mut subscriptions =
        [Start::Oldest, Start::At(Sequence::FIRST), Start::At(Sequence::new(700))]
            .map(|start| store.subscribe(start));
    let seen = std::thread::scope(|scope| {
        let readers = subscriptions.each_mut().map(|subscription| {
            scope.spawn(|| {
                let mut seen = Vec::new();
                while seen.last().is_none_or(|last: &Event| last.sequence().get() < 2 * EACH as u64)
                {
                    seen.push(next(subscription));
                }
                seen
            })
        });
        all.extend(fill(&store, EACH));
        readers.map(|reader| reader.join().unwrap())
    });
    assert!((1..=2 * EACH as u64).eq(all.iter().map(|event| event.sequence().get())));
    assert!(seen[0] == all && seen[1] == all && seen[2] == all[699..]);
}

#[test]
fn a_subscriber_sees_what_is_left_and_then_the_end() {
    let directory = TempDir::new().unwrap();
    let limits = DurableLimits { max_live_events: 1, ..DurableLimits::default() };
    let store = open(&directory, limits, Clock::system());
    let mut early = store.subscribe(Start::Next);
    let all = fill(&store, 600);
    store.close_blocking(soon()).unwrap();
    let mut late = store.subscribe(Start::Oldest);
    let mut beyond = store.subscribe(Start::Next);
    assert_eq!(store.next_sequence(), None);
    let refused = store.append(NewEvent::new("late")).unwrap_err();
    assert_eq!(refused, DurableAppendError::Closed { event: NewEvent::new("late") });
    drop(store);
    for subscription in [&mut early, &mut late] {
        for event in &all {
            assert_eq!(&next(subscription), event);
        }
    }
    for subscription in [&mut early, &mut late, &mut beyond] {
        let end = subscription.next_blocking(soon());
        assert!(matches!(end, Err(DurableNextError::Closed)), "{end:?}");
    }
}

#[test]
fn numbers_go_on_after_everything_was_evicted() {
    let directory = TempDir::new().unwrap();
    let hand = Clock::manual(Timestamp::from_nanos(5_000_000_000));
    let events = Limits { max_age: Some(Duration::from_secs(1)), ..Limits::default() };
    let store = open(&directory, limits(events), hand.clock());
    let mut slow = store.subscribe(Start::At(Sequence::FIRST));
    let last = fill(&store, 10).pop().unwrap();
    store.close_blocking(soon()).unwrap();
    // The eleventh evicts the ten. It is the future's, so that its own id is the latest.
    hand.advance(Duration::from_secs(2));
    let store = open(&directory, limits(events), hand.clock());
    let eleventh = append(&store, NewEvent::new("a"));
    assert!(eleventh.sequence().get() == 11 && eleventh.id() > last.id());
    store.close_blocking(soon()).unwrap();
    let file = directory.path().join("events.db");
    let rows = Connection::open(&file).unwrap().execute("DELETE FROM events", []).unwrap();
    assert_eq!(rows, 1);
    // With an empty table and a clock that was set back by a day.
    let store = open(&directory, limits(events), Clock::manual(Timestamp::default()).clock());
    let twelfth = append(&store, NewEvent::new("a"));
    assert!(twelfth.sequence().get() == 12 && twelfth.id() > eleventh.id());
    // Its store's clock says that even the twelfth is too old.
    lags(&mut slow, 12);
}

#[test]
fn queries_by_time_find_what_was_stamped_in_another_order_than_it_is_numbered() {
    let directory = TempDir::new().unwrap();
    let mut all = Vec::new();
    for time in [100, 50, 80, 70, 100, 10] {
        let clock = Clock::manual(Timestamp::from_nanos(time)).clock();
        let store = open(&directory, DurableLimits::default(), clock);
        all.push(append(&store, NewEvent::new("a")));
        store.close_blocking(soon()).unwrap();
    }
    let store = default_store(&directory);
    let ends = || [None, Some(0), Some(10), Some(50), Some(75), Some(100), Some(101)].into_iter();
    for (since, before) in ends().flat_map(|since| ends().map(move |before| (since, before))) {
        let [since, before] = [since, before].map(|at| at.map(Timestamp::from_nanos));
        let query = Query { since, before, limit: 2, ..Query::default() };
        let page = store.query_blocking(query.clone(), soon()).unwrap();
        assert_eq!(page, expected(&all, 0, &query));
    }
}

#[test]
fn what_was_evicted_before_it_was_read_is_counted_once() {
    let directory = TempDir::new().unwrap();
    let events = Limits { max_events: 10, ..Limits::default() };
    let limits = DurableLimits { max_live_events: 5, ..limits(events) };
    let store = open(&directory, limits, Clock::system());
    let mut slow = store.subscribe(Start::Next);
    let all = fill(&store, 100);
    // The last transactions may each have left more than ten behind: one more evicts the rest.
    let last = append(&store, NewEvent::new("last"));
    assert_eq!(slow.lag(), Some(101));
    lags(&mut slow, 91);
    for event in all[91..].iter().chain([&last]) {
        assert_eq!(&next(&mut slow), event);
    }
    assert_eq!(next(&mut store.subscribe(Start::Oldest)), all[91]);
}

#[test]
fn a_store_above_its_limits_shrinks_by_bounded_steps() {
    let directory = TempDir::new().unwrap();
    let store = default_store(&directory);
    fill(&store, 3000);
    store.close_blocking(soon()).unwrap();
    let events = Limits { max_events: 10, ..Limits::default() };
    let store = open(&directory, limits(events), Clock::system());
    let kept = |store: &DurableEventStore| {
        let page = store.query_blocking(Query::default(), soon()).unwrap();
        (page.first_kept.get(), store.next_sequence().unwrap().get())
    };
    assert_eq!(kept(&store), (1, 3001));
    let steps = [1025, 2049, 2994, 2995].map(|first| {
        append(&store, NewEvent::new("a"));
        (kept(&store).0, first)
    });
    assert!(steps.iter().all(|(first, expected)| first == expected), "{steps:?}");
}

#[test]
fn a_batch_above_every_limit_is_evicted_with_its_commit() {
    let directory = TempDir::new().unwrap();
    let database = DatabaseLimits { max_queued: 5000, max_batch: 5000, ..Default::default() };
    let large = NewEvent::new("a").payload(&"x".repeat(10_000)).unwrap();
    for events in [
        Limits { max_events: 10, ..Limits::default() },
        Limits { max_bytes: 100_000, ..Limits::default() },
    ] {
        let store = open(&directory, DurableLimits { database, ..limits(events) }, Clock::system());
        for event in [NewEvent::new("a"), large.clone()] {
            // The lock of the shell gathers them into few transactions.
            let shell = Connection::open(store.path()).unwrap();
            shell.execute_batch("BEGIN IMMEDIATE").unwrap();
            let count = if event == large { 500 } else { 5000 };
            let tell = |_| store.append_blocking(event.clone(), soon()).unwrap();
            let tickets: Vec<_> = (0..count).map(tell).collect();
            shell.execute_batch("ROLLBACK").unwrap();
            for mut ticket in tickets {
                ticket.wait(soon()).unwrap();
            }
            let page = store.query_blocking(Query::default(), soon()).unwrap();
            let bytes: usize = page.events.iter().map(Event::bytes).sum();
            assert!(page.events.len() <= events.max_events, "{}", page.events.len());
            assert!(bytes <= events.max_bytes, "{bytes}");
        }
        store.close_blocking(soon()).unwrap();
    }
}

#[test]
fn idle_subscriptions_keep_no_place_in_the_queue_from_a_query() {
    let directory = TempDir::new().unwrap();
    let database = DatabaseLimits { readers: 1, max_queued_reads: 1, ..Default::default() };
    let limits = DurableLimits { database, max_live_events: 1, ..DurableLimits::default() };
    let store = open(&directory, limits, Clock::system());
    let all = fill(&store, 10);
    let (running, runs) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let slow = store.pages.readers.read(move |_| {
        running.send(()).unwrap();
        assert!(ended.recv().is_err());
        Ok(())
    });
    let mut slow = until(soon(), slow).unwrap().unwrap();
    runs.recv().unwrap();
    let queued = store.pages.readers.read(|_| Ok(()));
    let mut queued = until(soon(), queued).unwrap().unwrap();
    // The queue is full: it waits for room, and gives up.
    let mut idle = store.subscribe(Start::Oldest);
    waits(&mut idle);
    drop(end);
    slow.wait(soon()).unwrap();
    queued.wait(soon()).unwrap();
    let page = store.query_blocking(Query::default(), soon()).unwrap();
    assert_eq!(page.events, all);
    assert_eq!(next(&mut idle), all[0]);
}

#[test]
fn a_subscription_returns_nothing_that_is_too_old_or_evicted() {
    let directory = TempDir::new().unwrap();
    let hand = Clock::manual(Timestamp::from_nanos(5_000_000_000));
    let events = Limits { max_age: Some(Duration::from_secs(1)), ..Limits::default() };
    let store = open(&directory, limits(events), hand.clock());
    let mut live = store.subscribe(Start::Next);
    fill(&store, 3);
    assert_eq!(next(&mut live).sequence(), Sequence::FIRST);
    hand.advance(Duration::from_secs(2));
    // Too old, and still in memory and in the file.
    lags(&mut live, 2);
    waits(&mut live);
    let mut oldest = store.subscribe(Start::Oldest);
    waits(&mut oldest);
    lags(&mut store.subscribe(Start::At(Sequence::FIRST)), 3);
    let fourth = append(&store, NewEvent::new("a"));
    lags(&mut store.subscribe(Start::At(Sequence::FIRST)), 3);
    for subscription in [&mut live, &mut oldest] {
        assert_eq!(next(subscription), fourth);
    }
    // What the file no longer has, memory has neither.
    assert_eq!(store.live.upgrade().unwrap().first_kept(), fourth.sequence());
    // A page that was read before it became too old, and an event that is held back in it.
    store.close_blocking(soon()).unwrap();
    let few = DurableLimits { max_live_events: 1, ..limits(events) };
    let store = open(&directory, few, hand.clock());
    let mut paged = store.subscribe(Start::At(fourth.sequence()));
    hand.advance(Duration::from_millis(600));
    let fifth = append(&store, NewEvent::new("a"));
    assert_eq!(next(&mut paged), fourth);
    hand.advance(Duration::from_millis(600));
    assert_eq!(next(&mut paged), fifth);
    append(&store, NewEvent::new("a"));
    append(&store, NewEvent::new("a"));
    hand.advance(Duration::from_secs(2));
    lags(&mut paged, 2);
}

#[test]
fn an_event_that_one_before_it_holds_back_is_still_handed_out() {
    let directory = TempDir::new().unwrap();
    let events = Limits { max_age: Some(Duration::from_nanos(10)), ..Limits::default() };
    let mut all = Vec::new();
    for time in [100, 50, 60] {
        let store =
            open(&directory, limits(events), Clock::manual(Timestamp::from_nanos(time)).clock());
        all.push(append(&store, NewEvent::new("a")));
        store.close_blocking(soon()).unwrap();
    }
    let clock = Clock::manual(Timestamp::from_nanos(105)).clock();
    let store = open(&directory, limits(events), clock);
    assert_eq!(store.query_blocking(Query::default(), soon()).unwrap().events, all);
    for (start, expected) in [(Start::Oldest, &all[..]), (Start::At(Sequence::new(2)), &all[1..])] {
        let mut subscription = store.subscribe(start);
        for event in expected {
            assert_eq!(&next(&mut subscription), event);
        }
    }
}

#[test]
fn opening_evicts_what_is_too_old() {
    let directory = TempDir::new().unwrap();
    let hand = Clock::manual(Timestamp::from_nanos(5_000_000_000));
    let store = open(&directory, DurableLimits::default(), hand.clock());
    fill(&store, 2000);
    hand.advance(Duration::from_secs(2));
    let kept = append(&store, NewEvent::new("a"));
    store.close_blocking(soon()).unwrap();
    let events = Limits { max_age: Some(Duration::from_secs(1)), ..Limits::default() };
    let store = open(&directory, limits(events), hand.clock());
    let shell = Connection::open(store.path()).unwrap();
    let count = |sql: &str| shell.query_row(sql, [], |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!(count("SELECT count(*) FROM events"), 1);
    assert_eq!(count("SELECT text_bytes FROM store"), 1);
    assert_eq!(next(&mut store.subscribe(Start::Oldest)), kept);
    assert_eq!(append(&store, NewEvent::new("a")).sequence().get(), 2002);
}

#[test]
fn a_subscription_that_began_with_the_oldest_is_told_what_it_missed_since() {
    let directory = TempDir::new().unwrap();
    let events = Limits { max_events: 1, ..Limits::default() };
    let store = open(&directory, limits(events), Clock::system());
    let mut subscription = store.subscribe(Start::Oldest);
    waits(&mut subscription);
    let all = fill(&store, 50);
    lags(&mut subscription, 49);
    assert_eq!(next(&mut subscription), all[49]);
}

#[test]
fn an_event_that_the_database_refuses_takes_no_number_and_is_seen_by_nobody() {
    let directory = TempDir::new().unwrap();
    let store = default_store(&directory);
    let shell = Connection::open(store.path()).unwrap();
    let refuse = "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN new.kind = 'bad'
                  BEGIN SELECT raise(ABORT, 'this is bad'); END; BEGIN IMMEDIATE";
    shell.execute_batch(refuse).unwrap();
    let mut live = store.subscribe(Start::Next);
    // The lock of the shell gathers them into few transactions.
    let kinds = ["a", "bad", "b", "bad", "bad", "c"];
    let tickets = kinds.map(|kind| store.append(NewEvent::new(kind)).unwrap());
    shell.execute_batch("ROLLBACK").unwrap();
    let answers = tickets.map(|mut ticket| ticket.wait(soon()));
    let mut stored = Vec::new();
    for (kind, answer) in kinds.iter().zip(answers) {
        match answer {
            Ok(event) => stored.push(event),
            Err(refused) => {
                assert_eq!(*kind, "bad");
                assert_eq!(refused.to_string(), "the database refused: this is bad");
            }
        }
    }
    assert!(stored.iter().map(|event| event.sequence().get()).eq(1..=3));
    assert_eq!(store.query_blocking(Query::default(), soon()).unwrap().events, stored);
    for event in stored {
        assert_eq!(next(&mut live), event);
    }
    assert!(live.next_blocking(Instant::now()).unwrap().is_none());
}

#[test]
fn a_full_queue_gives_the_event_back() {
    let directory = TempDir::new().unwrap();
    let database = DatabaseLimits { max_queued: 3, ..DatabaseLimits::default() };
    let limits = DurableLimits { database, ..DurableLimits::default() };
    let store = open(&directory, limits, Clock::system());
    // Another program's transaction holds the writer up.
    let shell = Connection::open(store.path()).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE").unwrap();
    let event = NewEvent::new("a").payload(&1).unwrap();
    let mut tickets = Vec::new();
    // The writer has taken some, and the queue holds three.
    let refused = loop {
        match store.append(event.clone()) {
            Ok(ticket) => tickets.push(ticket),
            Err(refused) => break refused,
        }
    };
    assert_eq!(refused, DurableAppendError::Full { event: event.clone(), limit: 3 });
    assert_eq!(refused.to_string(), "3 events wait to be written already");
    let refused = store.append_blocking(NewEvent::new(""), Instant::now()).unwrap_err();
    assert!(matches!(refused, DurableAppendError::Refused(AppendError::EmptyKind { .. })));
    shell.execute_batch("ROLLBACK").unwrap();
    tickets.push(until(soon(), store.append_when_room(event)).unwrap().unwrap());
    for (mut ticket, number) in tickets.into_iter().zip(1..) {
        assert_eq!(ticket.wait(soon()).unwrap().sequence().get(), number);
    }
}

#[test]
fn the_file_can_be_read_by_people_with_plain_sql() {
    let directory = TempDir::new().unwrap();
    let hand = Clock::manual(Timestamp::from_nanos(1_700_000_000_000_000_042));
    let store = open(&directory, DurableLimits::default(), hand.clock());
    let first = append(&store, NewEvent::new("run.started").correlation("run 7"));
    let event = NewEvent::new("run.ended").payload(&("well", 3)).unwrap().causation(first.id());
    let second = append(&store, event);
    let shell = Connection::open(store.path()).unwrap();
    let sql =
        "SELECT time, id, kind, correlation, causation, payload FROM readable ORDER BY sequence";
    let mut statement = shell.prepare(sql).unwrap();
    let columns = |row: &rusqlite::Row<'_>| {
        Ok([0, 1, 2, 3, 4, 5].map(|at| row.get::<_, Option<String>>(at).unwrap()))
    };
    let rows: Vec<_> = statement.query_map([], columns).unwrap().map(Result::unwrap).collect();
    let time = Some("2023-11-14T22:13:20.000000042Z".to_owned());
    let text = |text: &str| Some(text.to_owned());
    let (first, second) = (first.id().to_string(), second.id().to_string());
    assert_eq!(rows[0][..3], [time.clone(), text(&first), text("run.started")]);
    assert_eq!(rows[0][3..], [text("run 7"), None, text("null")]);
    assert_eq!(rows[1][..3], [time, text(&second), text("run.ended")]);
    assert_eq!(rows[1][3..], [None, text(&first), text("[\"well\",3]")]);
}

#[test]
fn queries_use_an_index_each() {
    let directory = TempDir::new().unwrap();
    let store = default_store(&directory);
    let shell = Connection::open(store.path()).unwrap();
    let plan = |condition: &str| {
        let sql = format!(
            "EXPLAIN QUERY PLAN SELECT * FROM events WHERE sequence >= 1 AND sequence < 9 \
             {condition} ORDER BY sequence LIMIT 5"
        );
        let row = |row: &rusqlite::Row<'_>| row.get::<_, String>(3);
        let mut statement = shell.prepare(&sql).unwrap();
        let lines: Vec<_> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        lines.join("; ")
    };
    assert!(plan("").contains("USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)"));
    let kind = plan("AND kind = 'a'");
    assert!(kind.contains("events_by_kind (kind=? AND rowid>? AND rowid<?)"), "{kind}");
    let part = plan("AND correlation = 'a'");
    assert!(part.contains("events_by_correlation (correlation=? AND rowid>?"), "{part}");
    for plan in [kind, part, plan("AND kind = 'a' AND correlation = 'a' AND +at >= 3")] {
        assert!(!plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[test]
fn a_file_that_contradicts_itself_or_is_no_event_store_is_refused() {
    let directory = TempDir::new().unwrap();
    let store = default_store(&directory);
    fill(&store, 3);
    store.close_blocking(soon()).unwrap();
    let path = directory.path().join("events.db");
    let refused = |sql: &str| {
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        DurableEventStore::open(&path, DurableLimits::default()).unwrap_err()
    };
    let damaged = refused("DELETE FROM events WHERE sequence = 3");
    assert!(matches!(&damaged, OpenError::Damaged { .. }));
    assert!(damaged.to_string().ends_with("the last event is #2, but the next one would be #4"));
    let newer = refused("PRAGMA user_version = 2");
    assert!(matches!(newer, OpenError::Newer { found: 2, known: 1, .. }));
    let foreign = refused("PRAGMA application_id = 7");
    assert!(matches!(foreign, OpenError::Foreign { expected: "an event store", .. }));
}

#[test]
fn one_store_at_a_time_has_the_file() {
    let directory = TempDir::new().unwrap();
    let store = default_store(&directory);
    let refused = DurableEventStore::open(store.path(), DurableLimits::default()).unwrap_err();
    assert!(matches!(refused, OpenError::InUse { .. }));
    let other = store.clone();
    other.close_blocking(soon()).unwrap();
    assert!(DurableEventStore::open(store.path(), DurableLimits::default()).is_ok());
}

#[tokio::test]
async fn tasks_append_read_and_close_without_blocking() {
    let directory = TempDir::new().unwrap();
    let store = default_store(&directory);
    let mut live = store.subscribe(Start::Next);
    let reader = tokio::spawn(async move { live.next().await.unwrap() });
    let ticket = store.append_when_room(NewEvent::new("a")).await.unwrap();
    let stored = ticket.await.unwrap();
    assert_eq!(reader.await.unwrap(), stored);
    assert_eq!(store.query(Query::default()).await.unwrap().events, [stored]);
    store.close().await;
}
