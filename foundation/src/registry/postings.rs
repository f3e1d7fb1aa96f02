//! Which registrations belong to a key, for keys that many share: the members of a group, the names
//! with a property.
//!
//! Owns an index from a key to a list of registrations in the order of their ids. A list is an
//! immutable tree that is replaced as a whole; trees share their nodes. So a reader sees a list as
//! it was at one moment, without a lock and however long it reads; and a change costs the logarithm
//! of the list's length in allocations, never a scan or a copy of it.

use std::borrow::Borrow;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use papaya::{HashMap, LocalGuard};
use rpds::RedBlackTreeMapSync;

use super::RegistrationId;
use super::shared::add;
use super::vacancies::{Stamp, Vacancies};

/// A list at one moment.
pub(super) type List<V> = RedBlackTreeMapSync<RegistrationId, V>;

/// An index. Changed by one thread at a time, read by anyone.
pub(super) struct Postings<K, V> {
    lists: HashMap<K, Posting<V>, RandomState>,
    /// The keys whose lists are empty.
    vacancies: Vacancies<K>,
    /// How many lists are not empty. Written by one thread at a time.
    taken: AtomicUsize,
}

enum Posting<V> {
    /// Not empty.
    List(List<V>),
    Vacant(Stamp),
}

impl<V> Posting<V> {
    fn list(&self) -> Option<&List<V>> {
        match self {
            Self::List(list) => Some(list),
            Self::Vacant(_) => None,
        }
    }
}

impl<K: Hash + Eq + Clone, V> Postings<K, V> {
    pub(super) fn new() -> Self {
        Self {
            lists: HashMap::with_hasher(RandomState::default()),
            vacancies: Vacancies::new(),
            taken: AtomicUsize::new(0),
        }
    }

    /// Access to the lists. Dropping the guard may run destructors of values that were removed.
    pub(super) fn guard(&self) -> LocalGuard<'_> {
        self.lists.guard()
    }

    /// The list of `key`, if it has one that is not empty.
    pub(super) fn list<'g, Q>(&self, key: &Q, guard: &'g LocalGuard<'_>) -> Option<&'g List<V>>
    where
        K: Borrow<Q> + 'g,
        Q: Hash + Eq + ?Sized,
    {
        self.lists.get(key, guard)?.list()
    }

    /// Every key whose list is not empty.
    pub(super) fn keys<'g>(&self, guard: &'g LocalGuard<'_>) -> impl Iterator<Item = &'g K>
    where
        K: 'g,
        V: 'g,
    {
        let taken = |(key, posting): (&'g K, &'g Posting<V>)| posting.list().map(|_| key);
        self.lists.iter(guard).filter_map(taken)
    }

    /// Adds `value` to the list of `key`. One thread at a time; `guard` outlives its lock.
    pub(super) fn insert(&self, key: &K, id: RegistrationId, value: V, guard: &LocalGuard<'_>) {
        let (key, list) = match self.lists.get_key_value(key, guard) {
            // The key that is there already, so that keys with a pointer share it.
            Some((key, Posting::List(list))) => (key, list.insert(id, value)),
            Some((key, Posting::Vacant(_))) => (key, List::new_sync().insert(id, value)),
            None => (key, List::new_sync().insert(id, value)),
        };
        if list.size() == 1 {
            add(&self.taken, 1);
        }
        self.lists.insert(key.clone(), Posting::List(list), guard);
    }

    /// Takes registration `id` from the list of `key`. One thread at a time; `guard` outlives its
    /// lock.
    pub(super) fn remove<'g>(
        &self,
        key: &K,
        id: RegistrationId,
        guard: &'g LocalGuard<'_>,
    ) -> Option<&'g V>
    where
        K: 'g,
    {
        let (key, posting) = self.lists.get_key_value(key, guard)?;
        let list = posting.list()?;
        let value = list.get(&id)?;
        let rest = list.remove(&id);
        if !rest.is_empty() {
            self.lists.insert(key.clone(), Posting::List(rest), guard);
            return Some(value);
        }
        add(&self.taken, -1);
        self.vacancies.give_up(
            key.clone(),
            self.taken.load(Ordering::Relaxed),
            |stamp| {
                self.lists.insert(key.clone(), Posting::Vacant(stamp), guard);
            },
            |key, stamp| {
                let is_vacant =
                    |_: &K, posting: &Posting<V>| matches!(posting, Posting::Vacant(at) if *at == stamp);
                // An error says that the key was taken again.
                let _ = self.lists.remove_if(key, is_vacant, guard);
            },
        );
        Some(value)
    }
}
