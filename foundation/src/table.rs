//! Named concurrent tables that end with their owner: what ETS is to a BEAM program, with limits.
//!
//! Owns the map from keys to values, its limits and its accounts. Promises:
//!
//! - a read of one key, [`Table::get`] or [`Table::get_with`], waits for nobody, and readers share no
//!   memory that they write;
//! - the limits on entries and bytes are exact, whoever races: no reader ever counts more;
//! - an entry whose time to live is over is never returned, and does not keep a new one out;
//! - when a table ends, by its guard or with its [`owner`](crate::owner), its entries are freed and
//!   its name is free; handles that are still around answer [`TableGone`] and keep nothing alive but
//!   themselves;
//! - no destructor, `clone`, closure or weigher of a user runs under a lock.
//!
//! Writers of one table take turns; a turn is a few map operations. `Hash` and `Eq` of the keys run
//! in it: they must not use the same table, nor panic. Keys are hashed with foldhash, whose seed is
//! new for each process; against keys that an attacker chooses it is a mild defence.
//!
//! Leaves to others what has to outlive the process, and order: iteration has none.
//!
//! # Expiry and eviction
//!
//! The time to live of an entry begins anew with each write of it. Expired entries are invisible at
//! once and leave in bounded steps: a write takes out up to 8 of them, and as many more as it needs
//! the room of; [`Table::purge`] takes out all. [`Table::len`] and [`Table::bytes`] count them until
//! then. Where the system's clock is set back, the entries of before expire late by as much, and one
//! that is still there is seen again; they keep no room that a later entry has left.
//!
//! # When a value's destructor runs
//!
//! A read may still look at a value that is being replaced or removed, so its destructor runs later,
//! perhaps in another thread that uses the table: the
//! [registry's page](crate::registry#when-a-handles-destructor-runs) says when, and what destructors
//! must not do; all of it holds here. The end of a table and [`Table::clear`] are sharper: they drop
//! everything at once, or when the last read that was under way returns.
//!
//! ```
//! use std::time::Duration;
//! use foundation::owner::{Owner, Reason};
//! use foundation::registry::Name;
//! use foundation::table::{TableSpec, Tables};
//!
//! let tables = Tables::default();
//! let agent = Owner::new();
//! let spec = TableSpec { ttl: Some(Duration::from_secs(60)), ..TableSpec::default() };
//! let name = Name::new("agents/scores")?;
//! let (scores, _kept) = tables.create_for::<String, f64>(&agent.handle(), name, spec)?;
//!
//! scores.insert("planner".to_owned(), 0.75)?;
//! assert_eq!(scores.get("planner")?, Some(0.75));
//! assert_eq!(tables.list()[0].entries, 1);
//!
//! agent.end(Reason::Shutdown);
//! assert!(scores.get("planner").is_err());
//! assert!(tables.list().is_empty());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::borrow::Borrow;
use std::fmt;
use std::hash::Hash;
use std::sync::Arc;

use crate::registry::Name;
use contents::{Contents, Refusal, Refused};
use turn::Expected;

mod books;
mod contents;
mod directory;
mod error;
mod spec;
mod turn;

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, not(foundation_loom)))]
mod races;

pub use directory::{Limits, OwnedTable, TableGuard, TableInfo, Tables};
pub use error::{CreateError, Limit, OpenError, TableGone, WriteError};
pub use spec::{TableSpec, WhenFull};

/// A handle to a table. Clones share it; cloning costs one reference count.
///
/// It does not keep the table: that does its [`TableGuard`] or its owner. `get` and the writes clone
/// values, so `V` should be cheap to clone: small, or an `Arc`. Keys of tables that expire or evict
/// are kept twice; an `Arc` is right for a large one.
///
/// ```
/// use foundation::registry::Name;
/// use foundation::table::{Change, TableSpec, Tables};
///
/// let tables = Tables::default();
/// let hits = tables.create::<&str, u64>(Name::new("web/hits")?, TableSpec::default())?;
/// for page in ["/", "/about", "/"] {
///     hits.compute(page, |count| Change::Set(count.copied().unwrap_or(0) + 1))?;
/// }
/// assert_eq!(hits.get("/")?, Some(2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Table<K, V> {
    contents: Arc<Contents<K, V>>,
}

/// What [`Table::compute`] makes of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<V> {
    /// The key gets this value.
    Set(V),
    /// The key has no value any more.
    Remove,
    /// Everything stays as it is, the time to live included.
    Keep,
}

/// What became of a value that was offered to [`Table::insert_if_absent`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered<K, V> {
    /// The key had no value and has this one now.
    Inserted,
    /// The key has a value already.
    Occupied {
        /// The offered key.
        key: K,
        /// The offered value.
        value: V,
        /// The value that stands under the key.
        current: V,
    },
}

impl<K, V> Table<K, V>
where
    K: Hash + Eq + Clone + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    /// A clone of the value under `key`.
    pub fn get<Q>(&self, key: &Q) -> Result<Option<V>, TableGone>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.get_with(key, V::clone)
    }

    /// What `read` makes of the value under `key`, without cloning it.
    ///
    /// While `read` runs, nothing that any thread removes from this table is freed: keep it short.
    pub fn get_with<Q, R>(
        &self,
        key: &Q,
        read: impl FnOnce(&V) -> R,
    ) -> Result<Option<R>, TableGone>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.contents.read(key, |entry| entry.map(|entry| read(&entry.value)))
    }

    /// Puts `value` under `key` and returns the value that it replaces.
    pub fn insert(&self, key: K, value: V) -> Result<Option<V>, WriteError<(K, V)>> {
        self.contents.write(key, value, Expected::Anything).map_err(|refused| {
            let (key, value) = (refused.key, refused.value);
            self.error(&refused.why, (key, value))
        })
    }

    /// Puts `value` under `key` unless there is a value already.
    pub fn insert_if_absent(&self, key: K, value: V) -> Result<Offered<K, V>, WriteError<(K, V)>> {
        match self.contents.write(key, value, Expected::Nothing) {
            Ok(_) => Ok(Offered::Inserted),
            Err(Refused { key, value, why: Refusal::Occupied(current) }) => {
                Ok(Offered::Occupied { key, value, current })
            }
            Err(Refused { key, value, why }) => Err(self.error(&why, (key, value))),
        }
    }

    /// Changes the entry under `key` to what `step` makes of it, in one step, and returns the value
    /// that stands there afterwards.
    ///
    /// `step` runs outside of any lock. If the entry is another one by then, it runs again, on the new
    /// value: each further run means that meanwhile the key was written, or its entry was removed,
    /// evicted, cleared away or expired. Costs one clone of the value that is returned.
    pub fn compute(
        &self,
        key: K,
        mut step: impl FnMut(Option<&V>) -> Change<V>,
    ) -> Result<Option<V>, WriteError<K>> {
        let mut key = key;
        loop {
            let seen = self.contents.read(&key, |entry| {
                let change = step(entry.map(|entry| &entry.value));
                let kept = matches!(change, Change::Keep).then(|| entry.map(|e| e.value.clone()));
                (entry.map(|entry| entry.version), change, kept)
            });
            let (version, change, kept) = match seen {
                Ok(seen) => seen,
                Err(gone) => return Err(WriteError::Gone { refused: key, gone }),
            };
            match change {
                Change::Keep => return Ok(kept.flatten()),
                Change::Remove => match self.contents.remove(&key, Expected::Version(version)) {
                    Ok(_) => return Ok(None),
                    Err(Refusal::Changed) => {}
                    Err(why) => return Err(self.error(&why, key)),
                },
                Change::Set(value) => {
                    let after = value.clone();
                    match self.contents.write(key, value, Expected::Version(version)) {
                        Ok(_) => return Ok(Some(after)),
                        Err(Refused { key: back, why: Refusal::Changed, .. }) => key = back,
                        Err(refused) => return Err(self.error(&refused.why, refused.key)),
                    }
                }
            }
        }
    }

    /// Takes out the entry under `key` and returns its value.
    pub fn remove<Q>(&self, key: &Q) -> Result<Option<V>, TableGone>
    where
        K: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.contents.remove(key, Expected::Anything).map_err(|_| self.gone())
    }

    /// Calls `visit` with every entry, in no particular order.
    ///
    /// Entries that come or go meanwhile may be visited or not. Takes no lock that writers take; if the
    /// map is being resized, it helps to finish that first, and waits for the parts that other threads
    /// are moving. Nothing that any thread removes from this table is freed while it runs.
    pub fn for_each(&self, visit: impl FnMut(&K, &V)) -> Result<(), TableGone> {
        self.contents.for_each(visit)
    }

    /// Clones of all entries, in no particular order; see [`for_each`](Self::for_each).
    pub fn snapshot(&self) -> Result<Vec<(K, V)>, TableGone> {
        let mut entries = Vec::new();
        self.for_each(|key, value| entries.push((key.clone(), value.clone())))?;
        Ok(entries)
    }

    /// Takes out everything, in constant time but for the dropping.
    pub fn clear(&self) -> Result<(), TableGone> {
        self.contents.clear()
    }

    /// Takes out every expired entry, 256 at a time between which other writers go on, and returns
    /// how many it were.
    pub fn purge(&self) -> Result<usize, TableGone> {
        self.contents.purge()
    }
}

impl<K, V> Table<K, V> {
    /// How many entries there are, including expired ones that were not purged yet; 0 once the table
    /// is gone. Waits for the writer whose turn it is.
    pub fn len(&self) -> usize {
        self.contents.usage().entries
    }

    /// Whether there is no entry, not even an expired one.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What the entries weigh by [`TableSpec::weigh`], expired ones that were not purged yet
    /// included; 0 once the table is gone. Waits for the writer whose turn it is.
    pub fn bytes(&self) -> usize {
        self.contents.usage().bytes
    }

    /// The table's name.
    pub fn name(&self) -> &Name {
        &self.contents.name
    }

    /// Its limits and rules.
    pub fn spec(&self) -> &TableSpec<K, V> {
        &self.contents.spec
    }

    /// Whether the table has ended.
    pub fn is_gone(&self) -> bool {
        self.contents.is_gone()
    }

    fn gone(&self) -> TableGone {
        TableGone { name: self.contents.name.clone() }
    }

    /// The error for a write that was refused.
    fn error<T>(&self, why: &Refusal<V>, refused: T) -> WriteError<T> {
        match *why {
            Refusal::Full(limit) => WriteError::Full { refused, name: self.name().clone(), limit },
            Refusal::TooLarge(bytes) => WriteError::TooLarge {
                refused,
                name: self.name().clone(),
                bytes,
                limit: self.spec().max_bytes,
            },
            // Whoever expects something handles that it is not so before.
            Refusal::Occupied(_) | Refusal::Changed | Refusal::Gone => {
                WriteError::Gone { refused, gone: self.gone() }
            }
        }
    }
}

impl<K, V> Clone for Table<K, V> {
    fn clone(&self) -> Self {
        Self { contents: Arc::clone(&self.contents) }
    }
}

impl<K, V> fmt::Debug for Table<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usage = self.contents.usage();
        f.debug_struct("Table")
            .field("name", self.name())
            .field("entries", &usage.entries)
            .field("bytes", &usage.bytes)
            .field("gone", &self.is_gone())
            .finish_non_exhaustive()
    }
}
