//! What handles of a table share: the map, its books, and the one lock that writers take turns by.

use std::any::{Any, type_name};
use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use foldhash::fast::RandomState;
use papaya::HashMap;

use super::books::{Books, Order, Place, Usage};
use super::turn::{Expected, Incoming, Turn, Turned, Unturned};
use super::{Limit, TableGone, TableSpec};
use crate::clock::{Clock, Timestamp};
use crate::registry::Name;
use crate::sync::{Mutex, lock};

/// How many expired entries a purge takes out before it lets other writers go on.
const PURGED_IN_A_TURN: usize = 256;

pub(super) type Map<K, V> = HashMap<K, Entry<V>, RandomState>;

/// A table without its handles.
pub(super) struct Contents<K, V> {
    pub(super) name: Name,
    pub(super) spec: TableSpec<K, V>,
    clock: Clock,
    /// `None` once the table has ended. The map's entries and this pointer change only under the lock
    /// of `books`; both are read by anyone, the pointer with arc-swap's acquire load, which makes a
    /// reader see a map as it was when it was put here.
    map: ArcSwapOption<Map<K, V>>,
    books: Mutex<Books<K>>,
}

/// What stands under a key.
pub(super) struct Entry<V> {
    pub(super) value: V,
    pub(super) weight: usize,
    /// The number of the write that put it there.
    pub(super) version: u64,
    pub(super) expires: Timestamp,
}

/// A write that changed nothing, with what was to be written.
pub(super) struct Refused<K, V> {
    pub(super) key: K,
    pub(super) value: V,
    pub(super) why: Refusal<V>,
}

/// Why a write changed nothing.
pub(super) enum Refusal<V> {
    /// Something is there, and nothing was expected.
    Occupied(V),
    /// Not the expected version.
    Changed,
    Full(Limit),
    /// What the entry weighs.
    TooLarge(usize),
    Gone,
}

/// What was in a table, for the caller to drop.
pub(super) struct Remains<K, V> {
    _map: Option<Arc<Map<K, V>>>,
    _order: Order<K>,
}

/// A table of any types, as the directory knows it.
pub(super) trait Listed: Any + Send + Sync {
    fn usage(&self) -> Usage;
    /// The limits on entries and bytes, and the time to live.
    fn limits(&self) -> (usize, usize, Option<Duration>);
    fn types(&self) -> &'static str;
}

impl<V> Entry<V> {
    pub(super) fn is_alive(&self, now: Timestamp) -> bool {
        now < self.expires
    }

    pub(super) fn place(&self) -> Place {
        (self.expires, self.version)
    }
}

impl<K, V> Contents<K, V> {
    pub(super) fn new(name: Name, spec: TableSpec<K, V>, clock: Clock) -> Self {
        let map = ArcSwapOption::from_pointee(Map::with_hasher(RandomState::default()));
        Self { name, spec, clock, map, books: Mutex::new(Books::new()) }
    }

    pub(super) fn usage(&self) -> Usage {
        lock(&self.books).usage
    }

    pub(super) fn is_gone(&self) -> bool {
        self.map.load().is_none()
    }

    /// Ends the table.
    pub(super) fn end(&self) -> Remains<K, V> {
        let mut books = lock(&self.books);
        Remains { _map: self.map.swap(None), _order: books.strike_all() }
    }

    /// Takes out everything, unless the table has ended.
    pub(super) fn clear(&self) -> Result<(), TableGone> {
        let empty = Arc::new(Map::with_hasher(RandomState::default()));
        let mut books = lock(&self.books);
        if self.is_gone() {
            drop(books);
            return Err(self.gone());
        }
        let remains = Remains { _map: self.map.swap(Some(empty)), _order: books.strike_all() };
        drop(books);
        drop(remains);
        Ok(())
    }

    fn gone(&self) -> TableGone {
        TableGone { name: self.name.clone() }
    }

    /// The time that entries are judged by; a table without a time to live needs none.
    fn now(&self) -> Timestamp {
        self.spec.ttl.map_or(Timestamp::default(), |_| self.clock.now())
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Contents<K, V> {
    /// What `look` makes of the entry under `key`.
    pub(super) fn read<Q, R>(
        &self,
        key: &Q,
        look: impl FnOnce(Option<&Entry<V>>) -> R,
    ) -> Result<R, TableGone>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let loaded = self.map.load();
        let map = loaded.as_deref().ok_or_else(|| self.gone())?;
        let guard = map.guard();
        let found = map.get(key, &guard);
        Ok(look(found.filter(|entry| entry.is_alive(self.now()))))
    }

    pub(super) fn for_each(&self, mut visit: impl FnMut(&K, &V)) -> Result<(), TableGone> {
        let loaded = self.map.load();
        let map = loaded.as_deref().ok_or_else(|| self.gone())?;
        let guard = map.guard();
        let now = self.now();
        for (key, entry) in map.iter(&guard).filter(|(_, entry)| entry.is_alive(now)) {
            visit(key, &entry.value);
        }
        Ok(())
    }

    /// Puts `value` under `key`; returns the value that it replaces.
    pub(super) fn write(
        &self,
        key: K,
        value: V,
        expected: Expected,
    ) -> Result<Option<V>, Refused<K, V>> {
        let weight = (self.spec.weigh)(&key, &value);
        if weight > self.spec.max_bytes {
            return Err(Refused { key, value, why: Refusal::TooLarge(weight) });
        }
        let ordered = self.spec.keeps_order().then(|| key.clone());
        let incoming = Incoming { key, value, weight, ordered };
        self.turn(incoming, |mut turn, incoming| turn.write(incoming, expected, &self.spec))
            .map_err(|(Incoming { key, value, .. }, why)| Refused { key, value, why })
    }

    /// Takes out the entry under `key`; returns its value.
    pub(super) fn remove<Q>(&self, key: &Q, expected: Expected) -> Result<Option<V>, Refusal<V>>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.turn((), |mut turn, ()| turn.remove(key, expected)).map_err(|((), why)| why)
    }

    /// Takes out every expired entry.
    pub(super) fn purge(&self) -> Result<usize, TableGone> {
        let mut purged = 0;
        loop {
            let mut in_turn = 0;
            let turned = self.turn((), |mut turn, ()| {
                in_turn = turn.purge(PURGED_IN_A_TURN);
                Ok(None)
            });
            turned.map_err(|_| self.gone())?;
            purged += in_turn;
            if in_turn < PURGED_IN_A_TURN {
                return Ok(purged);
            }
        }
    }

    /// Takes `step` as the only writer, at a time that is read in its turn. What it finds is cloned
    /// after the turn; `goods`, what it was to put into the table, come back if it did not.
    ///
    /// The map's guard is taken in the turn, because only then it is certain which map is the
    /// table's, and dropped after it, because that may run destructors.
    fn turn<G>(
        &self,
        goods: G,
        step: impl for<'g> FnOnce(Turn<'g, '_, K, V>, G) -> Turned<'g, V, G>,
    ) -> Result<Option<V>, (G, Refusal<V>)> {
        let mut garbage = Vec::new();
        let loaded;
        let guard;
        let mut books = lock(&self.books);
        loaded = self.map.load();
        let Some(map) = loaded.as_deref() else { return Err((goods, Refusal::Gone)) };
        guard = map.guard();
        let (now, garbage) = (self.now(), &mut garbage);
        let turned = step(Turn { map, guard: &guard, books: &mut books, garbage, now }, goods);
        drop(books);
        turned.map(|entry| entry.map(|entry| entry.value.clone())).map_err(|(goods, why)| {
            let why = match why {
                Unturned::Occupied(entry) => Refusal::Occupied(entry.value.clone()),
                Unturned::Changed => Refusal::Changed,
                Unturned::Full(limit) => Refusal::Full(limit),
            };
            (goods, why)
        })
    }
}

impl<K, V> Listed for Contents<K, V>
where
    K: Send + Sync + 'static,
    V: Send + Sync + 'static,
{
    fn usage(&self) -> Usage {
        Contents::usage(self)
    }

    fn limits(&self) -> (usize, usize, Option<Duration>) {
        (self.spec.max_entries, self.spec.max_bytes, self.spec.ttl)
    }

    fn types(&self) -> &'static str {
        type_name::<(K, V)>()
    }
}
