//! Laws of the event store, against a plain `Vec` of everything ever appended.

use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::*;
use crate::clock::Timestamp;

const KINDS: [&str; 3] = ["a", "bb", "ccc"];

fn query() -> impl Strategy<Value = Query> {
    let number = || option::of((0_u64..90).prop_map(Sequence::new));
    let time = || option::of((0_u64..90).prop_map(Timestamp::from_nanos));
    let kinds = vec((0_usize..3).prop_map(|kind| Kind::from(KINDS[kind])), 0..3);
    (kinds, number(), number(), time(), time(), 0_usize..20).prop_map(
        |(kinds, from, until, since, before, limit)| Query {
            kinds,
            from,
            until,
            since,
            before,
            limit,
        },
    )
}

/// The page that `query` has to yield on a store that keeps `all[oldest..]`.
fn expected(all: &[Event], oldest: usize, query: &Query) -> Page {
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
        appends in vec((0_usize..3, 0_usize..30, 0_u64..3), 0..80),
        queries in vec(query(), 1..10),
        max_events in 1_usize..50,
        max_bytes in 1_usize..4000,
    ) {
        let hand = Clock::manual(Timestamp::from_nanos(0));
        let limits = Limits { max_events, max_bytes, ..Limits::default() };
        let store = EventStore::with_clock(limits, hand.clock());
        let mut live = store.subscribe(Start::Next);
        let mut all: Vec<Event> = Vec::new();
        for (kind, length, nanos) in appends {
            let at = hand.advance(Duration::from_nanos(nanos));
            let event = NewEvent::new(KINDS[kind]).payload(&"x".repeat(length)).unwrap();
            let sequence = store.append(event.clone()).unwrap();
            prop_assert_eq!(sequence.get(), all.len() as u64 + 1);
            all.push(Event::new(sequence, at, event));
            let seen = live.try_next().unwrap();
            prop_assert_eq!(seen.as_ref(), all.last());
        }
        let mut oldest = 0;
        let kept_bytes = |oldest: usize| all[oldest..].iter().map(Event::bytes).sum::<usize>();
        while all.len() - oldest > 1
            && (all.len() - oldest > max_events || kept_bytes(oldest) > max_bytes)
        {
            oldest += 1;
        }
        for query in queries {
            prop_assert_eq!(store.query(&query), expected(&all, oldest, &query));
        }
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
    assert!(matches!(store.append(NewEvent::new("")), Err(AppendError::EmptyKind { .. })));
    assert_eq!(store.next_sequence().get(), 2);
}

#[test]
fn a_payload_that_is_no_json_gives_the_event_back() {
    let by_bytes = std::collections::BTreeMap::from([(vec![1_u8], 1)]);
    let error = NewEvent::new("a").payload(&by_bytes).unwrap_err();
    assert_eq!(error.event, NewEvent::new("a"));
    assert_eq!(error.event.payload_json(), "null");
}
