//! The directory of the tables: who has which name, and what ends a table.

use std::any::{Any, type_name};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::Hash;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::contents::{Contents, Listed};
use super::{CreateError, OpenError, Table, TableSpec};
use crate::clock::{Clock, Timestamp};
use crate::owner::{Kept, OwnerId, OwnerRef};
use crate::registry::Name;
use crate::sync::{Mutex, lock};

/// A directory of named tables. Clones share it.
///
/// ```
/// use foundation::registry::Name;
/// use foundation::table::{TableSpec, Tables};
///
/// let tables = Tables::default();
/// let name = Name::new("cache/embeddings")?;
/// let guard = tables.create::<u64, String>(name.clone(), TableSpec::default())?;
///
/// let elsewhere = tables.open::<u64, String>(&name)?;
/// elsewhere.insert(7, "seven".to_owned())?;
/// assert_eq!(guard.get(&7)?.as_deref(), Some("seven"));
/// assert!(tables.open::<u64, f32>(&name).is_err());
///
/// drop(guard);
/// assert!(elsewhere.is_gone() && tables.list().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Tables {
    directory: Arc<Directory>,
}

/// The bounds of a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many tables at a time, 1,024 by default.
    pub max_tables: usize,
}

/// Keeps a table; dropping it ends the table and frees its name and its entries.
///
/// Give it to an [owner](crate::owner) to let the table end with that, and take it back to end the
/// table earlier. [`Tables::create_for`] does so from the start, and then the directory lists the
/// owner.
#[must_use = "dropping the guard of a table ends the table at once"]
pub struct TableGuard<K, V> {
    table: Table<K, V>,
    directory: Arc<Directory>,
}

/// A table that an owner keeps, and the receipt for its guard.
pub type OwnedTable<K, V> = (Table<K, V>, Kept<TableGuard<K, V>>);

/// A table as the directory lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableInfo {
    /// Its name.
    pub name: Name,
    /// How many entries it has, expired ones that were not purged yet included.
    pub entries: usize,
    /// What they weigh.
    pub bytes: usize,
    /// Who owns it, if it was made by [`Tables::create_for`].
    pub owner: Option<OwnerId>,
    /// When it was made.
    pub created: Timestamp,
    /// [`TableSpec::max_entries`].
    pub max_entries: usize,
    /// [`TableSpec::max_bytes`].
    pub max_bytes: usize,
    /// [`TableSpec::ttl`].
    pub ttl: Option<Duration>,
    /// The types of its keys and values, for people.
    pub types: &'static str,
}

struct Directory {
    limits: Limits,
    clock: Clock,
    /// Every table whose guard is alive. Nothing of a user is dropped under this lock: a table's
    /// contents go with its guard.
    tables: Mutex<BTreeMap<Name, Filed>>,
}

#[derive(Clone)]
struct Filed {
    contents: Arc<dyn Listed>,
    owner: Option<OwnerId>,
    created: Timestamp,
}

impl Tables {
    /// An empty directory on the system's clock.
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, Clock::system())
    }

    /// An empty directory whose tables' entries expire by `clock`.
    pub fn with_clock(limits: Limits, clock: Clock) -> Self {
        let tables = Mutex::new(BTreeMap::new());
        Self { directory: Arc::new(Directory { limits, clock, tables }) }
    }

    /// Makes a table that lives as long as the returned guard.
    pub fn create<K, V>(
        &self,
        name: Name,
        spec: TableSpec<K, V>,
    ) -> Result<TableGuard<K, V>, CreateError>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        self.file(name, spec, None)
    }

    /// Makes a table that ends with `owner`, before the owner's monitors hear of its end. The receipt
    /// is for ending it earlier: [`Kept::take`] takes its guard back. Dropping the receipt changes
    /// nothing.
    pub fn create_for<K, V>(
        &self,
        owner: &OwnerRef,
        name: Name,
        spec: TableSpec<K, V>,
    ) -> Result<OwnedTable<K, V>, CreateError>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let guard = self.file(name, spec, Some(owner.id()))?;
        let table = guard.table.clone();
        match owner.keep(guard) {
            Ok(kept) => Ok((table, kept)),
            Err(ended) => {
                Err(CreateError::OwnerEnded { name: table.name().clone(), owner: ended.owner })
            }
        }
    }

    /// A handle to the table called `name`.
    pub fn open<K, V>(&self, name: &Name) -> Result<Table<K, V>, OpenError>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let filed = lock(&self.directory.tables).get(name).cloned();
        let Some(Filed { contents, .. }) = filed else {
            return Err(OpenError::Unknown { name: name.clone() });
        };
        let found = contents.types();
        let contents: Arc<dyn Any + Send + Sync> = contents;
        match contents.downcast::<Contents<K, V>>() {
            Ok(contents) => Ok(Table { contents }),
            Err(_) => Err(OpenError::OtherTypes {
                name: name.clone(),
                found,
                asked: type_name::<(K, V)>(),
            }),
        }
    }

    /// Every table, by name. Each is looked at for itself, while others may change.
    pub fn list(&self) -> Vec<TableInfo> {
        let tables = lock(&self.directory.tables).clone();
        tables.into_iter().map(|(name, filed)| filed.info(name)).collect()
    }

    /// The limits given when the directory was made.
    pub fn limits(&self) -> &Limits {
        &self.directory.limits
    }

    fn file<K, V>(
        &self,
        name: Name,
        spec: TableSpec<K, V>,
        owner: Option<OwnerId>,
    ) -> Result<TableGuard<K, V>, CreateError>
    where
        K: Hash + Eq + Clone + Send + Sync + 'static,
        V: Clone + Send + Sync + 'static,
    {
        let Directory { limits, clock, tables } = &*self.directory;
        let contents = Arc::new(Contents::new(name.clone(), spec, clock.clone()));
        let filed = Filed { contents: Arc::clone(&contents) as _, owner, created: clock.now() };
        let mut tables = lock(tables);
        if tables.contains_key(&name) {
            return Err(CreateError::Taken { name });
        }
        if tables.len() >= limits.max_tables {
            return Err(CreateError::Full { name, limit: limits.max_tables });
        }
        tables.insert(name, filed);
        drop(tables);
        Ok(TableGuard { table: Table { contents }, directory: Arc::clone(&self.directory) })
    }
}

impl Filed {
    fn info(self, name: Name) -> TableInfo {
        let usage = self.contents.usage();
        let (max_entries, max_bytes, ttl) = self.contents.limits();
        TableInfo {
            name,
            entries: usage.entries,
            bytes: usage.bytes,
            owner: self.owner,
            created: self.created,
            max_entries,
            max_bytes,
            ttl,
            types: self.contents.types(),
        }
    }
}

impl<K, V> TableGuard<K, V> {
    /// A handle to the table, which does not keep it.
    pub fn table(&self) -> Table<K, V> {
        self.table.clone()
    }
}

impl<K, V> Deref for TableGuard<K, V> {
    type Target = Table<K, V>;

    fn deref(&self) -> &Table<K, V> {
        &self.table
    }
}

impl<K, V> Drop for TableGuard<K, V> {
    /// First the table is gone, then its name is free, then its entries are dropped: a destructor
    /// that panics or makes a table of the same name finds everything done.
    fn drop(&mut self) {
        let remains = self.table.contents.end();
        let filed = lock(&self.directory.tables).remove(self.table.name());
        drop(filed);
        drop(remains);
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_tables: 1024 }
    }
}

impl Default for Tables {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Tables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tables")
            .field("tables", &lock(&self.directory.tables).len())
            .field("limits", self.limits())
            .finish_non_exhaustive()
    }
}

impl<K, V> fmt::Debug for TableGuard<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TableGuard").field(&self.table).finish()
    }
}
