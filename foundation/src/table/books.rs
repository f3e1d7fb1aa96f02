//! The accounts of a table: how much is in it, and in which order it goes. Changed in a writer's turn
//! only, and pure data: nothing here runs code of a user.

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
    /// The key of every entry, if the table keeps order; empty if it does not.
    pub(super) order: Order<K>,
}

/// Keys in the order in which entries go: those that expire first, and of those the ones written
/// first. That is not the order of writes where the clock was set back.
pub(super) type Order<K> = BTreeMap<Place, K>;

/// An entry's place in the order: when it expires, and the number of its write.
pub(super) type Place = (Timestamp, u64);

impl Usage {
    /// Without an entry of `weight`, which is in it.
    fn without(self, weight: usize) -> Self {
        Self { entries: self.entries - 1, bytes: self.bytes - weight }
    }
}

impl<K> Books<K> {
    pub(super) fn new() -> Self {
        Self { usage: Usage::default(), latest: 0, order: BTreeMap::new() }
    }

    /// How much there is with an entry of `weight`, in the place of one that weighs `replaced` or as a
    /// new one; or the limit that it would break. Weights are a user's: their sum may be no number.
    pub(super) fn with(
        &self,
        (weight, replaced): (usize, Option<usize>),
        (max_entries, max_bytes): (usize, usize),
    ) -> Result<Usage, Limit> {
        let rest = replaced.map_or(self.usage, |replaced| self.usage.without(replaced));
        let entries = rest.entries.checked_add(1).filter(|entries| *entries <= max_entries);
        let bytes = rest.bytes.checked_add(weight).filter(|bytes| *bytes <= max_bytes);
        let entries = entries.ok_or(Limit::Entries(max_entries))?;
        Ok(Usage { entries, bytes: bytes.ok_or(Limit::Bytes(max_bytes))? })
    }

    /// Enters a write, with which there is so much, and returns its number. The place of what it
    /// replaces was taken before.
    pub(super) fn enter(&mut self, usage: Usage, expires: Timestamp, key: Option<K>) -> u64 {
        self.usage = usage;
        self.latest += 1;
        self.order.extend(key.map(|key| ((expires, self.latest), key)));
        self.latest
    }

    /// Strikes an entry out that has no place in the order any more.
    pub(super) fn strike(&mut self, weight: usize) {
        self.usage = self.usage.without(weight);
    }

    /// Takes the key of the first entry in the order if it has expired, or in any case if `evicts`.
    pub(super) fn take_first(&mut self, now: Timestamp, evicts: bool) -> Option<K> {
        let first = self.order.first_entry()?;
        (evicts || first.key().0 <= now).then(|| first.remove())
    }

    /// Strikes everything out. The caller drops what is returned.
    pub(super) fn strike_all(&mut self) -> Order<K> {
        self.usage = Usage::default();
        std::mem::take(&mut self.order)
    }
}
