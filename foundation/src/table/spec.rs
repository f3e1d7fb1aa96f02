//! What a table is made to hold.

use std::fmt;
use std::time::Duration;

/// The limits and rules of a table.
///
/// ```
/// use foundation::table::{TableSpec, WhenFull};
///
/// let cache = TableSpec::<u64, String> {
///     max_bytes: 1 << 20,
///     when_full: WhenFull::EvictOldest,
///     weigh: |_, text| 64 + text.len(),
///     ..TableSpec::default()
/// };
/// assert_eq!(cache.max_entries, 100_000);
/// ```
pub struct TableSpec<K, V> {
    /// At most this many entries, 100,000 by default.
    pub max_entries: usize,
    /// At most this many bytes, as `weigh` counts them; 64 MiB by default.
    pub max_bytes: usize,
    /// How long an entry is there after it was written; without end by default.
    pub ttl: Option<Duration>,
    /// What happens to a write that finds no room.
    pub when_full: WhenFull,
    /// How many bytes an entry counts. By default the size of key and value themselves, without what
    /// they point to. Runs before the write takes its turn, under no lock, once for each attempt.
    pub weigh: fn(&K, &V) -> usize,
}

/// What happens to a write for which a table has no room once the expired entries are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenFull {
    /// It is refused.
    #[default]
    Refuse,
    /// The entries that were written longest ago make room, as many as are needed. Where there is a
    /// time to live, those that expire first: that differs only if the clock was set back.
    EvictOldest,
}

impl<K, V> TableSpec<K, V> {
    /// Whether the table has to know in which order its entries were written.
    pub(super) const fn keeps_order(&self) -> bool {
        self.ttl.is_some() || matches!(self.when_full, WhenFull::EvictOldest)
    }
}

impl<K, V> Default for TableSpec<K, V> {
    fn default() -> Self {
        Self {
            max_entries: 100_000,
            max_bytes: 64 << 20,
            ttl: None,
            when_full: WhenFull::Refuse,
            weigh: |_, _| size_of::<(K, V)>(),
        }
    }
}

impl<K, V> Clone for TableSpec<K, V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<K, V> Copy for TableSpec<K, V> {}

impl<K, V> fmt::Debug for TableSpec<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TableSpec")
            .field("max_entries", &self.max_entries)
            .field("max_bytes", &self.max_bytes)
            .field("ttl", &self.ttl)
            .field("when_full", &self.when_full)
            .finish_non_exhaustive()
    }
}
