//! A writer's turn: what a write changes in the map and in the books, under the table's lock.
//!
//! Runs no code of a user but `Hash` and `Eq` of the keys. Removed entries are retired by the map,
//! whose guard outlives the lock; keys that the books gave up go to `garbage`, for the same reason.

use std::borrow::Borrow;
use std::hash::Hash;

use papaya::LocalGuard;

use super::books::{Books, Usage};
use super::contents::{Entry, Map};
use super::{Limit, TableSpec, WhenFull};
use crate::clock::Timestamp;

/// How many expired entries a write takes out, besides those whose room it needs.
const PURGED_BY_A_WRITE: usize = 8;

/// The expiry of an entry that stays.
const NEVER: Timestamp = Timestamp::from_nanos(u64::MAX);

/// What a writer holds during its turn.
pub(super) struct Turn<'g, 'b, K, V> {
    pub(super) map: &'g Map<K, V>,
    pub(super) guard: &'g LocalGuard<'g>,
    pub(super) books: &'b mut Books<K>,
    /// What is dropped after the turn.
    pub(super) garbage: &'b mut Vec<K>,
    pub(super) now: Timestamp,
}

/// Which entry a write may replace.
#[derive(Clone, Copy)]
pub(super) enum Expected {
    Anything,
    /// None.
    Nothing,
    /// The one of this version, or none.
    Version(Option<u64>),
}

/// An entry on its way into the table.
pub(super) struct Incoming<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    pub(super) weight: usize,
    /// A clone of the key, if the table keeps order.
    pub(super) ordered: Option<K>,
}

/// Why a turn changed nothing.
pub(super) enum Unturned<'g, V> {
    /// Something is there, and nothing was expected.
    Occupied(&'g Entry<V>),
    /// Not the expected version.
    Changed,
    Full(Limit),
}

/// What a turn replaced or removed, if it was alive and anything was expected: who expects a version
/// knows the value. Or `G`, what the turn was to put there.
pub(super) type Turned<'g, V, G> = Result<Option<&'g Entry<V>>, (G, Unturned<'g, V>)>;

impl<'g, K: Hash + Eq, V> Turn<'g, '_, K, V> {
    /// Puts an entry into the map.
    pub(super) fn write(
        &mut self,
        incoming: Incoming<K, V>,
        expected: Expected,
        spec: &TableSpec<K, V>,
    ) -> Turned<'g, V, Incoming<K, V>> {
        self.purge(PURGED_BY_A_WRITE);
        let old = self.map.get(&incoming.key, self.guard);
        let change = (incoming.weight, old.map(|old| old.weight));
        let room = self.expect(old, expected).and_then(|()| self.make_room(change, old, spec));
        let usage = match room {
            Ok(usage) => usage,
            Err(why) => return Err((incoming, why)),
        };
        let Incoming { key, value, weight, ordered } = incoming;
        let expires = spec.ttl.map_or(NEVER, |ttl| self.now.saturating_add(ttl));
        let version = self.books.enter(usage, expires, ordered);
        let old = self.map.insert(key, Entry { value, weight, version, expires }, self.guard);
        Ok(self.wanted(old, expected))
    }

    /// Takes an entry out of the map.
    pub(super) fn remove<Q>(&mut self, key: &Q, expected: Expected) -> Turned<'g, V, ()>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let found = self.map.get(key, self.guard);
        self.expect(found, expected).map_err(|why| ((), why))?;
        let Some(old) = self.map.remove(key, self.guard) else { return Ok(None) };
        self.books.strike(old.weight);
        self.garbage.extend(self.books.order.remove(&old.place()));
        Ok(self.wanted(Some(old), expected))
    }

    /// Takes out up to `limit` expired entries and returns how many it were.
    pub(super) fn purge(&mut self, limit: usize) -> usize {
        (0..limit).take_while(|_| self.drop_first(false)).count()
    }

    fn expect(
        &self,
        found: Option<&'g Entry<V>>,
        expected: Expected,
    ) -> Result<(), Unturned<'g, V>> {
        let alive = found.filter(|entry| entry.is_alive(self.now));
        match (expected, alive) {
            (Expected::Nothing, Some(entry)) => Err(Unturned::Occupied(entry)),
            (Expected::Version(version), _) if version != alive.map(|entry| entry.version) => {
                Err(Unturned::Changed)
            }
            _ => Ok(()),
        }
    }

    /// What a turn replaced or removed, for whoever wants its value.
    fn wanted(&self, old: Option<&'g Entry<V>>, expected: Expected) -> Option<&'g Entry<V>> {
        old.filter(|old| matches!(expected, Expected::Anything) && old.is_alive(self.now))
    }

    /// Drops expired entries, and others if the table evicts, until there is room for a new entry or
    /// one in the place of `old`, whose place is taken if there is; returns how much there is then.
    /// Amortised constant: each entry that goes was written before.
    fn make_room(
        &mut self,
        change: (usize, Option<usize>),
        old: Option<&Entry<V>>,
        spec: &TableSpec<K, V>,
    ) -> Result<Usage, Unturned<'g, V>> {
        // What is to be replaced must not be counted as room a second time.
        let taken = old.and_then(|old| Some((old.place(), self.books.order.remove(&old.place())?)));
        let evicts = spec.when_full == WhenFull::EvictOldest;
        loop {
            match self.books.with(change, (spec.max_entries, spec.max_bytes)) {
                Ok(usage) => {
                    self.garbage.extend(taken.map(|(_, key)| key));
                    return Ok(usage);
                }
                Err(_) if self.drop_first(evicts) => {}
                Err(limit) => {
                    self.books.order.extend(taken);
                    return Err(Unturned::Full(limit));
                }
            }
        }
    }

    /// Drops the first entry in the order if it has expired, or in any case if `evicts`.
    fn drop_first(&mut self, evicts: bool) -> bool {
        let Some(key) = self.books.take_first(self.now, evicts) else { return false };
        if let Some(old) = self.map.remove(&key, self.guard) {
            self.books.strike(old.weight);
        }
        self.garbage.push(key);
        true
    }
}
