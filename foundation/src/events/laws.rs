//! Laws of the event store, against a plain `Vec` of everything ever appended.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its own functions too")]

use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::clock::{ManualClock, Timestamp};

const KINDS: [&str; 3] = ["a", "bb", "ccc"];
const PARTS: [Option<&str>; 3] = [None, Some("run 1"), Some("run 2")];

/// What is appended: kind, correlation, length of the payload, and how long after the one before.
pub(super) type Told = (usize, usize, usize, u64);

pub(super) fn told() -> impl Strategy<Value = Vec<Told>> {
    vec((0_usize..3, 0_usize..3, 0_usize..30, 0_u64..3), 0..80)
}

/// The next event, at its time.
pub(super) fn tell(hand: &ManualClock, (kind, part, length, nanos): Told) -> NewEvent {
    hand.advance(Duration::from_nanos(nanos));
    let event = NewEvent::new(KINDS[kind]).payload(&"x".repeat(length)).unwrap();
    match PARTS[part] {
        Some(part) => event.correlation(part),
        None => event,
    }
}

/// The index of the oldest of `all` that `limits` keep at `now`.
pub(super) fn oldest_kept(all: &[Event], limits: &Limits, now: Timestamp) -> usize {
    let mut oldest = 0;
    let bytes = |oldest: usize| all[oldest..].iter().map(Event::bytes).sum::<usize>();
    while all.len() - oldest > 1
        && (all.len() - oldest > limits.max_events || bytes(oldest) > limits.max_bytes)
    {
        oldest += 1;
    }
    let too_old =
        |event: &Event| limits.max_age.is_some_and(|age| now.saturating_since(event.at()) > age);
    while all.get(oldest).is_some_and(too_old) {
        oldest += 1;
    }
    oldest
}

pub(super) fn query() -> impl Strategy<Value = Query> {
    let number = || option::of((0_u64..90).prop_map(Sequence::new));
    let time = || option::of((0_u64..90).prop_map(Timestamp::from_nanos));
    let part = (0_usize..3).prop_map(|part| PARTS[part].map(Into::into));
    let kinds = vec((0_usize..3).prop_map(|kind| Kind::from(KINDS[kind])), 0..3);
    (kinds, part, number(), number(), time(), time(), 0_usize..20).prop_map(
        |(kinds, correlation, from, until, since, before, limit)| Query {
            kinds,
            correlation,
            from,
            until,
            since,
            before,
            limit,
        },
    )
}

/// The page that `query` has to yield on a store that keeps `all[oldest..]`.
pub(super) fn expected(all: &[Event], oldest: usize, query: &Query) -> Page {
    let first_kept = Sequence::new(oldest as u64 + 1);
    let end = Sequence::new(all.len() as u64 + 1);
    let until = query.until.map_or(end, |until| until.min(end));
    let from = query.from.unwrap_or(first_kept);
    let asked: Vec<&Event> =
        all.iter().filter(|event| event.sequence() >= from && event.sequence() < until).collect();
    let kept = asked.iter().filter(|event| event.sequence() >= first_kept);
    let matching: Vec<&Event> = kept.copied().filter(|event| query.matches(event)).collect();
    let events: Vec<Event> = matching.iter().copied().take(query.limit.max(1)).cloned().collect();
    let last = events.last().map(Event::sequence);
    let next = (events.len() == query.limit.max(1))
        .then(|| Sequence::new(last.unwrap_or(end).get() + 1))
        .filter(|next| *next < until);
    let evicted = asked.iter().filter(|event| event.sequence() < first_kept).count() as u64;
    Page { events, next, first_kept, evicted }
}

proptest! {
    #[test]
    fn a_store_behaves_like_a_vec_with_a_moving_start(
        appends in told(),
        queries in vec(query(), 1..10),
        max_events in 1_usize..50,
        max_bytes in 1_usize..8000,
        max_age in option::of((0_u64..60).prop_map(Duration::from_nanos)),
        pause in 0_u64..9,
    ) {
        let hand = Clock::manual(Timestamp::from_nanos(0));
        let limits = Limits { max_events, max_bytes, max_age, ..Limits::default() };
        let store = EventStore::with_clock(limits, hand.clock());
        let mut live = store.subscribe(Start::Next);
        let mut all: Vec<Event> = Vec::new();
        for told in appends {
            let event = tell(&hand, told);
            let sequence = store.append(event.clone()).unwrap();
            prop_assert_eq!(sequence.get(), all.len() as u64 + 1);
            let seen = live.try_next().unwrap().unwrap();
            let stored = (seen.sequence(), seen.at(), seen.told());
            prop_assert_eq!(stored, (sequence, hand.clock().now(), &event));
            all.push(seen);
        }
        let now = hand.advance(Duration::from_nanos(pause));
        let oldest = oldest_kept(&all, &limits, now);
        for query in queries {
            prop_assert_eq!(store.query(&query), expected(&all, oldest, &query));
        }
    }

    #[test]
    fn ids_are_uuids_that_sort_by_number_whatever_the_clock_does(
        times in vec(0_u64..1 << 60, 1..100),
        first in prop_oneof![Just(1_u64), Just((1 << 30) - 10), 1_u64..1 << 41],
        latest_ms in 0_u64..1 << 40,
    ) {
        let ids = Ids::after(latest_ms);
        let number = |index: usize| Sequence::new(first + index as u64);
        let made: Vec<EventId> = times
            .iter()
            .enumerate()
            .map(|(index, nanos)| ids.next(number(index), Timestamp::from_nanos(*nanos)))
            .collect();
        prop_assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
        for (id, nanos) in made.iter().zip(&times) {
            let uuid = uuid::Uuid::from_bytes(id.to_bytes());
            prop_assert_eq!(uuid.get_version_num(), 7);
            prop_assert_eq!(uuid.get_variant(), uuid::Variant::RFC4122);
            prop_assert!(uuid.as_u128() >> 80 >= u128::from(latest_ms.max(nanos / 1_000_000)));
            prop_assert_eq!(id.to_string().parse(), Ok(*id));
            let json = serde_json::to_string(id).unwrap();
            prop_assert_eq!(serde_json::from_str::<EventId>(&json).unwrap(), *id);
        }
    }
}

#[test]
fn two_stores_on_one_clock_make_different_ids() {
    let at = Timestamp::from_nanos(7);
    let [first, second] = [Ids::after(0), Ids::after(0)].map(|ids| ids.next(Sequence::FIRST, at));
    assert_ne!(first, second);
    assert_eq!(first.to_bytes()[..12], second.to_bytes()[..12]);
}

#[test]
fn what_is_too_old_is_gone_for_readers_and_from_memory() {
    let hand = Clock::manual(Timestamp::from_nanos(0));
    let limits = Limits { max_age: Some(Duration::from_secs(60)), ..Limits::default() };
    let store = EventStore::with_clock(limits, hand.clock());
    let payload: std::sync::Arc<str> = "\"held\"".into();
    let event = NewEvent { payload: Some(payload.clone()), ..NewEvent::new("a") };
    store.append(event).unwrap();
    hand.advance(Duration::from_secs(60));
    assert_eq!(store.query(&Query::default()).events.len(), 1, "it is as old as it may be");
    hand.advance(Duration::from_nanos(1));
    let page = store.query(&Query { from: Some(Sequence::FIRST), ..Query::default() });
    assert_eq!((page.events.len(), page.evicted, page.first_kept.get()), (0, 1, 2));
    assert_eq!(std::sync::Arc::strong_count(&payload), 1);
    assert_eq!(store.append(NewEvent::new("b")).unwrap().get(), 2);
}

#[test]
fn all_that_is_too_old_goes_however_much_it_is() {
    let hand = Clock::manual(Timestamp::from_nanos(0));
    let limits = Limits { max_age: Some(Duration::from_secs(60)), ..Limits::default() };
    let store = EventStore::with_clock(limits, hand.clock());
    for count in [CHUNK, 2 * CHUNK + 1] {
        for _ in 0..count {
            store.append(NewEvent::new("a")).unwrap();
        }
        hand.advance(Duration::from_secs(61));
        store.append(NewEvent::new("a")).unwrap();
        assert_eq!(store.log.first_kept().get() + 1, store.next_sequence().get());
    }
}

#[test]
fn pages_follow_each_other_over_chunks_without_gap_or_repetition() {
    let store = EventStore::default();
    for number in 0..3 * CHUNK {
        store.append(NewEvent::new(if number % 2 == 0 { "even" } else { "odd" })).unwrap();
    }
    let mut query = Query { kinds: vec!["odd".into()], limit: 100, ..Query::default() };
    let mut numbers = Vec::new();
    loop {
        let page = store.query(&query);
        numbers.extend(page.events.iter().map(|event| event.sequence().get()));
        query.from = page.next;
        if page.next.is_none() {
            break;
        }
    }
    let expected: Vec<u64> = (1..=3 * CHUNK as u64).filter(|number| number % 2 == 0).collect();
    assert_eq!(numbers, expected);
}

#[test]
fn every_reader_sees_the_events_of_racing_writers_in_one_order() {
    const EACH: u64 = 500;
    let store = EventStore::default();
    let readers = [store.subscribe(Start::Next), store.subscribe(Start::Next)];
    thread::scope(|scope| {
        for writer in 0_u64..3 {
            let store = &store;
            scope.spawn(move || {
                for number in 0..EACH {
                    let event = NewEvent::new("n").payload(&(writer, number)).unwrap();
                    store.append(event).unwrap();
                }
            });
        }
    });
    drop(store);
    let [first, second] = readers.map(|mut reader| {
        let mut events = Vec::new();
        while let Ok(Some(event)) = reader.try_next() {
            events.push(event);
        }
        events
    });
    assert_eq!(first, second);
    assert!((1..=3 * EACH).eq(first.iter().map(|event| event.sequence().get())));
    let mut next = [0; 3];
    for event in &first {
        let (writer, number) = event.payload::<(usize, u64)>().unwrap();
        assert_eq!(number, next[writer], "the events of one writer changed places");
        next[writer] += 1;
    }
}

#[test]
fn an_event_above_a_limit_is_given_back() {
    let limits = Limits { max_payload_bytes: 5, max_kind_bytes: 3, ..Limits::default() };
    let store = EventStore::new(limits);
    let fits = NewEvent::new("abc").payload("123").unwrap();
    assert_eq!(store.append(fits), Ok(Sequence::FIRST));
    let long = NewEvent::new("abc").payload("1234").unwrap();
    let refused = store.append(long.clone()).unwrap_err();
    assert_eq!(refused.to_string(), "the payload of a `abc` event has 6 bytes, the limit is 5");
    assert_eq!(refused, AppendError::Payload { event: long, bytes: 6, limit: 5 });
    let refused = store.append(NewEvent::new("abcd")).unwrap_err();
    assert_eq!(refused.to_string(), "the kind of the event has 4 bytes, the limit is 3");
    let long = NewEvent::new("abc").correlation("x".repeat(129));
    let refused = store.append(long.clone()).unwrap_err();
    assert_eq!(refused, AppendError::Correlation { event: long, bytes: 129, limit: 128 });
    assert!(matches!(store.append(NewEvent::new("")), Err(AppendError::EmptyKind { .. })));
    assert_eq!(store.next_sequence().get(), 2);
}

#[test]
fn a_payload_that_is_no_json_gives_the_event_back() {
    let by_bytes = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
    let error = NewEvent::new("a").payload(&by_bytes).unwrap_err();
    assert_eq!(error.event, NewEvent::new("a"));
    assert_eq!((error.event.part_of(), error.event.cause()), (None, None));
    let cause = EventId::from_bytes([1; 16]);
    let event = NewEvent::new("a").correlation("run 7").causation(cause);
    assert_eq!((event.part_of(), event.cause()), (Some("run 7"), Some(cause)));
    assert_eq!(error.event.payload_json(), "null");
}
