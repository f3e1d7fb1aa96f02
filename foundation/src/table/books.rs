//! The accounts of a table: how much is in it, and in which order it was written. Changed in a
//! writer's turn only, and pure data: nothing here runs code of a user.

use std::collections::BTreeMap;

use super::Limit;
use crate::clock::Timestamp;

/// How much is in a table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) entries: usize,
    pub(super) bytes: usize,
}

/// What a writer's turn changes besides the map.
pub(super) struct Books<K> {
    pub(super) usage: Usage,
    /// The number of the latest write. No number is used twice, not even across a clear, so that an
    /// entry is known by the number of its write.
    latest: u64,
    /// All entries by the number of their write, if the table keeps order; empty if it does not.
    pub(super) order: BTreeMap<u64, Place<K>>,
}

/// An entry's place in the order of writes.
pub(super) struct Place<K> {
    pub(super) key: K,
    pub(super) expires: Timestamp,
}

impl Usage {
    /// With an entry of `weight` more.
    fn with(self, weight: usize) -> Self {
        Self { entries: self.entries + 1, bytes: self.bytes.saturating_add(weight) }
    }

    /// Without an entry of `weight`, which is in it.
    fn without(self, weight: usize) -> Self {
        Self { entries: self.entries - 1, bytes: self.bytes - weight }
    }

    /// With an entry of `weight` in the place of one that weighs `replaced`, or as a new one.
    fn after(self, weight: usize, replaced: Option<usize>) -> Self {
        replaced.map_or(self, |replaced| self.without(replaced)).with(weight)
    }
}

impl<K> Books<K> {
    pub(super) fn new() -> Self {
        Self { usage: Usage::default(), latest: 0, order: BTreeMap::new() }
    }

    /// Which limit an entry of `weight` would break, in the place of one that weighs `replaced` or as
    /// a new one.
    pub(super) fn broken_by(
        &self,
        (weight, replaced): (usize, Option<usize>),
        (max_entries, max_bytes): (usize, usize),
    ) -> Option<Limit> {
        let after = self.usage.after(weight, replaced);
        if after.entries > max_entries {
            return Some(Limit::Entries(max_entries));
        }
        (after.bytes > max_bytes).then_some(Limit::Bytes(max_bytes))
    }

    /// Enters a write and returns its number. The place of what it replaces was taken before.
    pub(super) fn enter(
        &mut self,
        (weight, replaced): (usize, Option<usize>),
        place: Option<Place<K>>,
    ) -> u64 {
        self.usage = self.usage.after(weight, replaced);
        self.latest += 1;
        self.order.extend(place.map(|place| (self.latest, place)));
        self.latest
    }

    /// Strikes an entry out that has no place in the order any more.
    pub(super) fn strike(&mut self, weight: usize) {
        self.usage = self.usage.without(weight);
    }

    /// Takes the oldest entry's place if that entry has expired, or in any case if `evicts`.
    pub(super) fn take_oldest(&mut self, now: Timestamp, evicts: bool) -> Option<Place<K>> {
        let oldest = self.order.first_entry()?;
        (evicts || oldest.get().expires <= now).then(|| oldest.remove())
    }

    /// Strikes everything out. The caller drops what is returned.
    pub(super) fn strike_all(&mut self) -> BTreeMap<u64, Place<K>> {
        self.usage = Usage::default();
        std::mem::take(&mut self.order)
    }
}
