//! Which registrations belong to a key, for keys that many share: the members of a group, the names
//! with a property.
//!
//! Owns an index from a key to a list of registrations in the order of their ids. A list is an
//! immutable tree that is replaced as a whole; trees share their nodes. So a reader sees a list as
//! it was at one moment, without a lock and however long it reads; and a change costs the logarithm
//! of the list's length in allocations, never a scan or a copy of it.

use std::borrow::Borrow;
use std::hash::Hash;

use foldhash::fast::RandomState;
use papaya::{HashMap, LocalGuard};
use rpds::RedBlackTreeMapSync;

use super::RegistrationId;

/// A list at one moment.
pub(super) type List<V> = RedBlackTreeMapSync<RegistrationId, V>;

/// An index. Changed by one thread at a time, read by anyone.
pub(super) struct Postings<K, V> {
    /// Holds no empty list.
    lists: HashMap<K, List<V>, RandomState>,
}

impl<K: Hash + Eq + Clone, V> Postings<K, V> {
    pub(super) fn new() -> Self {
        Self { lists: HashMap::with_hasher(RandomState::default()) }
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
        self.lists.get(key, guard)
    }

    /// Adds `value` to the list of `key`. One thread at a time; `guard` outlives its lock.
    pub(super) fn insert(&self, key: &K, id: RegistrationId, value: V, guard: &LocalGuard<'_>) {
        let (key, list) = match self.lists.get_key_value(key, guard) {
            // The key that is there already, so that keys with a pointer share it.
            Some((key, list)) => (key.clone(), list.insert(id, value)),
            None => (key.clone(), List::new_sync().insert(id, value)),
        };
        self.lists.insert(key, list, guard);
    }

    /// Takes registration `id` from the list of `key`; says whether it was there. One thread at a
    /// time; `guard` outlives its lock.
    pub(super) fn remove(&self, key: &K, id: RegistrationId, guard: &LocalGuard<'_>) -> bool {
        let Some((key, list)) = self.lists.get_key_value(key, guard) else { return false };
        if !list.contains_key(&id) {
            return false;
        }
        let rest = list.remove(&id);
        if rest.is_empty() {
            self.lists.remove(key, guard);
        } else {
            self.lists.insert(key.clone(), rest, guard);
        }
        true
    }
}
