//! Laws of a table: against a plain `Vec` of entries in the order of their writes, at each limit, and
//! at the end of its owner.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::sync::{Arc, Weak};
use std::time::Duration;

use proptest::option;
use proptest::prelude::*;
use proptest_state_machine::{ReferenceStateMachine, StateMachineTest, prop_state_machine};

use super::*;
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::owner::{Owner, Reason};

pub(super) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// The rules of a table whose values weigh what they say.
#[derive(Clone, Debug)]
struct Rules {
    max_entries: usize,
    max_bytes: usize,
    ttl_nanos: Option<u64>,
    evicts: bool,
}

#[derive(Clone, Debug)]
enum Step {
    Insert(u8, u8),
    InsertIfAbsent(u8, u8),
    /// Adds to the value that is there; removes it if there is nothing to add; keeps it at 0.
    Compute(u8, Option<u8>),
    Remove(u8),
    Advance(u64),
    Purge,
    Clear,
}

/// What a step answered, in words that the model and the table share.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Value(Option<u8>),
    Occupied(u8),
    Full(Limit),
    TooLarge,
    Nothing,
}

#[derive(Clone, Debug)]
struct Model {
    rules: Rules,
    now: u64,
    /// Key, value and expiry, the oldest write first. Never an expired one.
    entries: Vec<(u8, u8, Option<u64>)>,
    answer: Answer,
}

impl Model {
    fn get(&self, key: u8) -> Option<u8> {
        self.entries.iter().find(|entry| entry.0 == key).map(|entry| entry.1)
    }

    fn take(&mut self, key: u8) -> Option<u8> {
        let at = self.entries.iter().position(|entry| entry.0 == key)?;
        Some(self.entries.remove(at).1)
    }

    fn bytes(&self) -> usize {
        self.entries.iter().map(|entry| usize::from(entry.1)).sum()
    }

    /// Writes, and answers the value before or the limit.
    fn write(&mut self, key: u8, value: u8) -> Result<Option<u8>, Answer> {
        if usize::from(value) > self.rules.max_bytes {
            return Err(Answer::TooLarge);
        }
        let before = self.entries.clone();
        let previous = self.take(key);
        loop {
            let limit = if self.entries.len() + 1 > self.rules.max_entries {
                Limit::Entries(self.rules.max_entries)
            } else if self.bytes() + usize::from(value) > self.rules.max_bytes {
                Limit::Bytes(self.rules.max_bytes)
            } else {
                break;
            };
            if !self.rules.evicts || self.entries.is_empty() {
                self.entries = before;
                return Err(Answer::Full(limit));
            }
            self.entries.remove(0);
        }
        self.entries.push((key, value, self.rules.ttl_nanos.map(|ttl| self.now + ttl)));
        let now = self.now;
        self.entries.retain(|entry| entry.2.is_none_or(|expires| now < expires));
        Ok(previous)
    }
}

/// What `Step::Compute` does.
fn computed(value: Option<&u8>, by: Option<u8>) -> Change<u8> {
    match (value, by) {
        (_, Some(0)) => Change::Keep,
        (value, Some(by)) => Change::Set(value.copied().unwrap_or(0).saturating_add(by)),
        (_, None) => Change::Remove,
    }
}

impl ReferenceStateMachine for Model {
    type State = Self;
    type Transition = Step;

    fn init_state() -> BoxedStrategy<Self> {
        (0_usize..5, 0_usize..60, option::of(0_u64..40), any::<bool>())
            .prop_map(|(max_entries, max_bytes, ttl_nanos, evicts)| Self {
                rules: Rules { max_entries, max_bytes, ttl_nanos, evicts },
                now: 0,
                entries: Vec::new(),
                answer: Answer::Nothing,
            })
            .boxed()
    }

    fn transitions(_: &Self) -> BoxedStrategy<Step> {
        let (key, value) = (0_u8..7, 0_u8..30);
        prop_oneof![
            6 => (key.clone(), value.clone()).prop_map(|(key, value)| Step::Insert(key, value)),
            2 => (key.clone(), value).prop_map(|(key, value)| Step::InsertIfAbsent(key, value)),
            3 => (key.clone(), option::of(0_u8..9)).prop_map(|(key, by)| Step::Compute(key, by)),
            2 => key.prop_map(Step::Remove),
            3 => (0_u64..20).prop_map(Step::Advance),
            1 => Just(Step::Purge),
            1 => Just(Step::Clear),
        ]
        .boxed()
    }

    fn apply(mut model: Self, step: &Step) -> Self {
        let answer = |written| match written {
            Ok(value) => Answer::Value(value),
            Err(refusal) => refusal,
        };
        model.answer = match *step {
            Step::Insert(key, value) => answer(model.write(key, value)),
            Step::InsertIfAbsent(key, value) => match model.get(key) {
                // What is too large is refused before anybody looks.
                Some(current) if usize::from(value) <= model.rules.max_bytes => {
                    Answer::Occupied(current)
                }
                _ => answer(model.write(key, value)),
            },
            Step::Compute(key, by) => {
                let value = model.get(key);
                match computed(value.as_ref(), by) {
                    Change::Set(value) => answer(model.write(key, value).map(|_| Some(value))),
                    Change::Keep => Answer::Value(value),
                    Change::Remove => {
                        model.take(key);
                        Answer::Value(None)
                    }
                }
            }
            Step::Remove(key) => Answer::Value(model.take(key)),
            Step::Advance(nanos) => {
                model.now += nanos;
                let now = model.now;
                model.entries.retain(|entry| entry.2.is_none_or(|expires| now < expires));
                Answer::Nothing
            }
            Step::Purge => Answer::Nothing,
            Step::Clear => {
                model.entries.clear();
                Answer::Nothing
            }
        };
        model
    }
}

struct Real {
    hand: ManualClock,
    table: TableGuard<u8, u8>,
}

fn refusal<T>(error: &WriteError<T>) -> Answer {
    match error {
        WriteError::Full { limit, .. } => Answer::Full(*limit),
        WriteError::TooLarge { .. } => Answer::TooLarge,
        WriteError::Gone { .. } => panic!("{error}"),
    }
}

impl StateMachineTest for Real {
    type SystemUnderTest = Self;
    type Reference = Model;

    fn init_test(model: &Model) -> Self {
        let hand = Clock::manual(Timestamp::default());
        let tables = Tables::with_clock(Limits::default(), hand.clock());
        let spec = TableSpec {
            max_entries: model.rules.max_entries,
            max_bytes: model.rules.max_bytes,
            ttl: model.rules.ttl_nanos.map(Duration::from_nanos),
            when_full: if model.rules.evicts { WhenFull::EvictOldest } else { WhenFull::Refuse },
            weigh: |_, value| usize::from(*value),
        };
        Self { hand, table: tables.create(name("laws/table"), spec).unwrap() }
    }

    fn apply(real: Self, model: &Model, step: Step) -> Self {
        let table = &real.table;
        let answer = match step {
            Step::Insert(key, value) => table.insert(key, value).map_or_else(
                |error| {
                    let answer = refusal(&error);
                    assert_eq!(error.into_refused(), (key, value));
                    answer
                },
                Answer::Value,
            ),
            Step::InsertIfAbsent(key, value) => match table.insert_if_absent(key, value) {
                Ok(Offered::Inserted) => Answer::Value(None),
                Ok(Offered::Occupied { key: back, value: offered, current }) => {
                    assert_eq!((back, offered), (key, value));
                    Answer::Occupied(current)
                }
                Err(error) => refusal(&error),
            },
            Step::Compute(key, by) => table
                .compute(key, |value| computed(value, by))
                .map_or_else(|error| refusal(&error), Answer::Value),
            Step::Remove(key) => Answer::Value(table.remove(&key).unwrap()),
            Step::Advance(nanos) => {
                real.hand.advance(Duration::from_nanos(nanos));
                Answer::Nothing
            }
            Step::Purge => {
                let before = table.len();
                let purged = table.purge().unwrap();
                assert_eq!((table.len(), purged), (model.entries.len(), before - table.len()));
                assert_eq!(table.bytes(), model.bytes());
                Answer::Nothing
            }
            Step::Clear => {
                table.clear().unwrap();
                assert!(table.is_empty());
                Answer::Nothing
            }
        };
        assert_eq!(answer, model.answer);
        real
    }

    fn check_invariants(real: &Self, model: &Model) {
        let mut entries = real.table.snapshot().unwrap();
        let mut expected: Vec<_> = model.entries.iter().map(|entry| (entry.0, entry.1)).collect();
        entries.sort_unstable();
        expected.sort_unstable();
        assert_eq!(entries, expected);
        for key in 0..7 {
            assert_eq!(real.table.get(&key).unwrap(), model.get(key));
        }
        let (entries, bytes) = (real.table.len(), real.table.bytes());
        assert!(model.entries.len() <= entries && entries <= model.rules.max_entries);
        assert!(model.bytes() <= bytes && bytes <= model.rules.max_bytes);
    }
}

prop_state_machine! {
    #[test]
    fn a_table_behaves_like_a_map_with_limits_and_a_time_to_live(sequential 1..80 => Real);
}

#[test]
fn without_expiry_the_counts_are_those_of_the_map() {
    let tables = Tables::default();
    let weigh = |_: &u8, value: &u8| usize::from(*value);
    let table = tables.create(name("a/b"), TableSpec { weigh, ..TableSpec::default() }).unwrap();
    table.insert(1, 10).unwrap();
    table.insert(2, 20).unwrap();
    table.insert(1, 5).unwrap();
    assert_eq!((table.len(), table.bytes()), (2, 25));
    table.remove(&2).unwrap();
    assert_eq!((table.len(), table.bytes()), (1, 5));
}

#[test]
fn a_write_takes_out_no_more_expired_entries_than_its_step() {
    let hand = Clock::manual(Timestamp::default());
    let tables = Tables::with_clock(Limits::default(), hand.clock());
    let spec = TableSpec { ttl: Some(Duration::from_nanos(5)), ..TableSpec::default() };
    let table = tables.create::<u32, u32>(name("a/b"), spec).unwrap();
    for number in 0..1000 {
        table.insert(number, number).unwrap();
    }
    hand.advance(Duration::from_nanos(5));
    assert_eq!(table.get(&7).unwrap(), None, "an expired entry was returned");
    table.insert(5000, 1).unwrap();
    assert_eq!(table.len(), 1000 - 8 + 1);
    assert_eq!(table.purge().unwrap(), 1000 - 8);
    assert_eq!(table.snapshot().unwrap(), [(5000, 1)]);
}

#[test]
fn what_has_expired_keeps_nothing_out_also_if_the_clock_was_set_back_before() {
    let hand = Clock::manual(Timestamp::from_nanos(100));
    let tables = Tables::with_clock(Limits::default(), hand.clock());
    let ttl = Some(Duration::from_nanos(10));
    let spec = TableSpec { max_entries: 2, ttl, ..TableSpec::default() };
    let table = tables.create::<&str, u8>(name("a/b"), spec).unwrap();
    table.insert("before", 1).unwrap();
    hand.set(Timestamp::from_nanos(50));
    table.insert("after", 2).unwrap();
    assert!(table.insert("too much", 3).is_err());
    hand.set(Timestamp::from_nanos(60));
    assert_eq!(table.get("after").unwrap(), None);
    table.insert("next", 3).unwrap();
    assert_eq!((table.get("before").unwrap(), table.get("next").unwrap()), (Some(1), Some(3)));
    hand.set(Timestamp::from_nanos(70));
    assert_eq!((table.purge().unwrap(), table.len()), (1, 1));
}

#[test]
fn weights_whose_sum_is_no_number_are_refused_and_the_accounts_stay_right() {
    let tables = Tables::default();
    let weigh = |_: &u8, value: &usize| *value;
    let spec = TableSpec { max_bytes: usize::MAX, weigh, ..TableSpec::default() };
    let table = tables.create(name("a/b"), spec).unwrap();
    table.insert(1, usize::MAX).unwrap();
    let refused = table.insert(2, usize::MAX).unwrap_err();
    assert!(matches!(refused, WriteError::Full { limit: Limit::Bytes(usize::MAX), .. }));
    table.insert(1, usize::MAX - 1).unwrap();
    table.insert(2, 1).unwrap();
    assert_eq!((table.len(), table.bytes()), (2, usize::MAX));
    table.remove(&1).unwrap();
    table.remove(&2).unwrap();
    assert_eq!((table.len(), table.bytes()), (0, 0));
}

/// A value that counts its clones.
struct Counted(Arc<std::sync::atomic::AtomicUsize>);

type MakesChange = fn(Counted) -> Change<Counted>;

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Self(Arc::clone(&self.0))
    }
}

#[test]
fn compute_clones_the_value_it_returns_and_no_other_and_looks_again_if_the_entry_changed() {
    let tables = Tables::default();
    let table = tables.create::<u8, Counted>(name("a/b"), TableSpec::default()).unwrap();
    let clones = Arc::default();
    let value = || Counted(Arc::clone(&clones));
    let set: (MakesChange, usize) = (Change::Set, 1);
    for (step, expected) in [set, set, (|_| Change::Keep, 1), (|_| Change::Remove, 0)] {
        clones.store(0, std::sync::atomic::Ordering::SeqCst);
        drop(table.compute(1, |_| step(value())).unwrap());
        assert_eq!(clones.load(std::sync::atomic::Ordering::SeqCst), expected);
    }
    table.insert(1, value()).unwrap();
    clones.store(0, std::sync::atomic::Ordering::SeqCst);
    let mut runs = 0;
    let computed = table.compute(1, |_| {
        runs += 1;
        // Another writer comes first once, and then somebody clears the table.
        match runs {
            1 => drop(table.insert(1, value()).unwrap()),
            2 => table.clear().unwrap(),
            _ => {}
        }
        Change::Set(value())
    });
    assert!(computed.unwrap().is_some());
    // One of the insert's answer, and of each run's value that was to be returned.
    assert_eq!((runs, clones.load(std::sync::atomic::Ordering::SeqCst)), (3, 1 + 3));
}

#[test]
fn an_owned_table_can_end_before_its_owner() {
    let (tables, owner) = (Tables::default(), Owner::new());
    let spec = TableSpec::default;
    let (table, kept) = tables.create_for::<u8, u8>(&owner.handle(), name("a/b"), spec()).unwrap();
    assert_eq!(kept.owner(), owner.id());
    drop(kept.take());
    assert!(table.is_gone() && tables.list().is_empty());
    let (table, kept) = tables.create_for::<u8, u8>(&owner.handle(), name("a/b"), spec()).unwrap();
    drop(kept);
    assert!(!table.is_gone(), "the receipt does not keep the table");
    owner.end(Reason::Normal);
    assert!(table.is_gone());
}

#[test]
fn refusals_name_the_limit_and_give_everything_back() {
    let tables = Tables::new(Limits { max_tables: 1 });
    let weigh = |_: &String, value: &String| value.len();
    let spec = TableSpec { max_entries: 1, max_bytes: 4, weigh, ..TableSpec::default() };
    let table = tables.create(name("a/b"), spec).unwrap();
    let pair = |key: &str, value: &str| (key.to_owned(), value.to_owned());
    let (key, value) = pair("k", "12345");
    let refused = table.insert(key, value).unwrap_err();
    assert_eq!(refused.to_string(), "an entry for the table `a/b` has 5 bytes, the limit is 4");
    assert_eq!(refused.into_refused(), pair("k", "12345"));
    table.insert("k".to_owned(), "1234".to_owned()).unwrap();
    let (key, value) = pair("other", "1");
    let refused = table.insert(key, value).unwrap_err();
    assert_eq!(refused.to_string(), "no room in the table `a/b`: its limit is 1 entries");
    assert_eq!(refused.into_refused(), pair("other", "1"));
    let refused = tables.create::<u8, u8>(name("a/b"), TableSpec::default()).unwrap_err();
    assert_eq!(refused.to_string(), "there is a table `a/b` already");
    let refused = tables.create::<u8, u8>(name("a/c"), TableSpec::default()).unwrap_err();
    assert_eq!(refused, CreateError::Full { name: name("a/c"), limit: 1 });
    let refused = tables.open::<u8, u8>(&name("a/b")).unwrap_err();
    assert!(matches!(refused, OpenError::OtherTypes { found, asked, .. } if found != asked));
}

/// A value that tells whether it was dropped.
fn traced() -> (Arc<()>, Weak<()>) {
    let value = Arc::new(());
    let trace = Arc::downgrade(&value);
    (value, trace)
}

#[test]
fn with_its_owner_a_table_frees_name_and_entries_before_any_down() {
    let tables = Tables::default();
    let owner = Owner::new();
    let handle = owner.handle();
    let (table, _kept) =
        tables.create_for::<u32, _>(&handle, name("a/b"), TableSpec::default()).unwrap();
    assert_eq!(tables.list()[0].owner, Some(owner.id()));
    let (value, trace) = traced();
    for key in 0..100 {
        table.insert(key, Arc::clone(&value)).unwrap();
    }
    // Replaced and removed values wait for the map to free them, the others for the end.
    table.insert(1, Arc::clone(&value)).unwrap();
    table.remove(&2).unwrap();
    drop(value);
    let (down, seen) = std::sync::mpsc::channel();
    let (directory, at_down) = (tables.clone(), trace.clone());
    handle.monitor_with(move |_| {
        let again = directory.create::<u8, u8>(name("a/b"), TableSpec::default());
        down.send((at_down.strong_count(), again.is_ok())).unwrap();
    });
    owner.end(Reason::Shutdown);
    assert_eq!(seen.try_recv(), Ok((0, true)));
    assert_eq!(table.get(&1), Err(TableGone { name: name("a/b") }));
    assert_eq!((table.len(), table.bytes(), table.is_gone()), (0, 0, true));
    let (value, _) = traced();
    let refused = table.insert(3, value).unwrap_err();
    assert_eq!(refused.to_string(), "the table `a/b` is gone");
    assert_eq!(Arc::strong_count(&refused.into_refused().1), 1);
    assert!(table.compute(3, |_| panic!("computed for a table that is gone")).is_err());
    assert!(table.remove(&1).is_err() && table.clear().is_err() && table.purge().is_err());
    let late = tables.create_for::<u8, u8>(&handle, name("a/late"), TableSpec::default());
    assert!(matches!(late, Err(CreateError::OwnerEnded { .. })));
    assert!(tables.list().is_empty());
}

/// A value whose destructor makes a table of the name that its own had.
struct Remakes(Tables, std::sync::mpsc::Sender<bool>);

impl Drop for Remakes {
    fn drop(&mut self) {
        let again = self.0.create::<u8, u8>(name("a/b"), TableSpec::default());
        self.1.send(again.is_ok()).unwrap();
    }
}

#[test]
fn the_destructor_of_an_entry_finds_the_name_of_an_ended_table_free() {
    let tables = Tables::default();
    let (made, seen) = std::sync::mpsc::channel();
    let table = tables.create(name("a/b"), TableSpec::default()).unwrap();
    table.insert(1, Arc::new(Remakes(tables.clone(), made))).unwrap();
    drop(table);
    assert_eq!(seen.try_recv(), Ok(true));
}

#[test]
fn a_clear_frees_what_no_read_holds_and_a_read_under_way_keeps_what_it_sees() {
    let tables = Tables::default();
    let table = tables.create::<u8, _>(name("a/b"), TableSpec::default()).unwrap();
    let ((first, first_trace), (second, second_trace)) = (traced(), traced());
    table.insert(1, first).unwrap();
    table.clear().unwrap();
    assert_eq!(first_trace.strong_count(), 0);
    table.insert(1, second).unwrap();
    table
        .get_with(&1, |value| {
            table.clear().unwrap();
            assert_eq!(Arc::strong_count(value), 1);
        })
        .unwrap();
    assert_eq!(second_trace.strong_count(), 0);
}

/// A value whose destructor and `clone` use the table that holds it.
struct Reenters(Table<u8, Reenters>);

impl Clone for Reenters {
    fn clone(&self) -> Self {
        assert!(self.0.get_with(&0, |_| ()).is_ok());
        self.0.remove(&9).unwrap();
        Self(self.0.clone())
    }
}

impl Drop for Reenters {
    fn drop(&mut self) {
        drop(self.0.get_with(&0, |_| ()));
        drop(self.0.remove(&9));
    }
}

#[test]
fn a_values_clone_and_destructor_may_use_its_table() {
    let tables = Tables::default();
    let spec =
        TableSpec { max_entries: 2, when_full: WhenFull::EvictOldest, ..TableSpec::default() };
    let table = tables.create(name("a/b"), spec).unwrap();
    for round in 0..200 {
        table.insert(round % 5, Reenters(table.table())).unwrap();
        table
            .compute(round % 3, |value| value.map_or(Change::Keep, |v| Change::Set(v.clone())))
            .unwrap();
    }
    table.clear().unwrap();
    table.insert(1, Reenters(table.table())).unwrap();
    drop(table);
    assert!(tables.list().is_empty());
}
