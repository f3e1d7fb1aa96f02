//! A registry whose registrations are on record, so that the next process knows what lived in this
//! one.
//!
//! Owns the order between the record and the map. A [`DurableRegistry`] is a layer over a
//! [`Registry`]: lookups, monitors and watches are the registry's own and never wait for the
//! [`Backend`]; what is registered past this layer is simply not on record.
//!
//! # What is promised
//!
//! - [`register`](DurableRegistry::register) returns once the registration is on record. Nobody finds
//!   the name before; others who want it meanwhile are told that it is
//!   [claimed](DurableRegisterError::Claimed).
//! - A backend that fails or is slow makes `register`, `unregister` and `flush` fail or slow, with
//!   its error, and nothing else. A refused registration gives the handle back and leaves the name
//!   free.
//! - When a registration ends, lookups stop finding it at once. The deletion of its record is then
//!   *owed* to the backend: it goes along with the next writes of anybody, or with
//!   [`flush`](DurableRegistry::flush). [`unregister`](DurableRegistration::unregister) waits for
//!   its own. **A program that ends in good order calls `flush` last**; what is still owed when the
//!   process ends is recovered as if it had been alive.
//! - After a crash [`recovered`](DurableRegistry::recovered) contains the name of every registration
//!   that `register` acknowledged and that had not ended, and of every recovered one that nobody took
//!   over or had forgotten. It may also contain registrations that had ended but whose deletion was
//!   still owed, and registrations that were never acknowledged because the process died, or their
//!   caller gave up, between the record and the acknowledgement. It contains each name once.
//! - A recovered record that somebody tries to take over in vain is put back.
//!
//! A recovered registration has no handle: nobody lives there yet. The application starts what it
//! knows how to start and registers it under the same name, which takes the record over, or has the
//! record [forgotten](DurableRegistry::forget).
//!
//! ```
//! use std::sync::Arc;
//! use foundation::registry::{DurableRegistry, MemoryBackend, Metadata, Name, Registry};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
//! let records = Arc::new(MemoryBackend::default());
//! let registry = DurableRegistry::open(Registry::new(), records.clone()).await?;
//! let name = Name::new("jobs/indexer")?;
//! let held = registry.register(name.clone(), 42, Metadata::from([("model", "small")])).await?;
//! assert_eq!(registry.registry().lookup("jobs/indexer"), Some(42));
//!
//! std::mem::forget(held); // The process dies.
//! let registry = DurableRegistry::<u32>::open(Registry::new(), records).await?;
//! let recovered = registry.recovered();
//! assert_eq!(recovered[0].name, name);
//! assert_eq!(recovered[0].metadata.get("model"), Some("small"));
//! # Ok(())
//! # }
//! ```

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::fmt;
use std::hash::{self, BuildHasher};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{Metadata, Name, Registration, Registry};
use crate::owner::{Kept, OwnerRef};
use crate::sync::{Mutex, lock};

mod backend;
mod error;
#[cfg(feature = "sqlite")]
mod sqlite;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use backend::{Backend, BackendError, MAX_RECORDS, MemoryBackend, Record, Write};
pub use error::{DurableRegisterError, Unflushed};
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteBackend;

/// How many deletions may be owed before a registration has to write them first. Beside these there
/// is at most one for each name that is held or being registered, and what is just being written.
const MAX_OWED: usize = 65_536;

/// How many owed deletions go along with one write.
const PAID_AT_ONCE: usize = 256;

/// A layer over a registry that keeps its registrations on record. Clones share it.
pub struct DurableRegistry<H, S = RandomState> {
    registry: Registry<H, S>,
    book: Arc<Book>,
}

/// Holds a name that is on record. Dropping it gives the name back at once and owes the deletion of
/// its record; [`unregister`](Self::unregister) waits for that.
#[must_use = "dropping a registration gives its name back at once"]
pub struct DurableRegistration<H: Clone, S: BuildHasher = RandomState> {
    /// Dropped before the deletion is owed: whoever sees the debt finds the name free.
    registration: Registration<H, S>,
    record: Debt,
}

/// A receipt for a registration on record that an owner keeps. Dropping it changes nothing.
#[derive(Debug)]
pub struct KeptDurable<H: Clone, S: BuildHasher = RandomState> {
    registry: Registry<H, S>,
    kept: Kept<DurableRegistration<H, S>>,
}

/// What a durable registry knows beside the map.
struct Book {
    backend: Arc<dyn Backend>,
    /// Never held across a call of the backend or code of a user.
    state: Mutex<State>,
}

struct State {
    /// What an earlier process left and nobody took over or had forgotten.
    recovered: BTreeMap<Name, Record>,
    /// Names that are being registered.
    claimed: HashSet<Name, RandomState>,
    /// What nobody is writing, oldest first. The order matters to nobody: each is for one version.
    owed: VecDeque<Write>,
    /// The version of the next record.
    next_version: u64,
}

/// Writes that somebody is responsible for: whoever holds a name, for the deletion of its record;
/// whoever writes, until it is done. Dropping it owes them.
struct Debt {
    book: Arc<Book>,
    writes: Vec<Write>,
}

/// A name that is being registered. Dropping it sets the name free.
struct Claim<'a> {
    book: &'a Book,
    name: &'a Name,
}

impl<H: Clone, S: BuildHasher> DurableRegistry<H, S> {
    /// A layer over `registry` on the records of `backend`, which nobody else writes to.
    ///
    /// Fails if the backend does, or if it holds more than [`MAX_RECORDS`].
    pub async fn open(
        registry: Registry<H, S>,
        backend: Arc<dyn Backend>,
    ) -> Result<Self, BackendError> {
        let records = backend.load().await?;
        if records.len() > MAX_RECORDS {
            return Err(format!("the backend holds more than {MAX_RECORDS} records").into());
        }
        let state = State {
            recovered: records.into_iter().map(|record| (record.name.clone(), record)).collect(),
            claimed: HashSet::default(),
            owed: VecDeque::new(),
            next_version: first_version(),
        };
        Ok(Self { registry, book: Arc::new(Book { backend, state: Mutex::new(state) }) })
    }

    /// The registry below: for lookups, monitors, watches, and for names that need no record.
    pub fn registry(&self) -> &Registry<H, S> {
        &self.registry
    }

    /// What an earlier process left on record and nobody has taken over or had forgotten, in the
    /// order of the names.
    pub fn recovered(&self) -> Vec<Record> {
        lock(&self.book.state).recovered.values().cloned().collect()
    }

    /// Deletes the recovered record of `name`; `false` if there is none. On an error the deletion is
    /// owed.
    pub async fn forget(&self, name: &Name) -> Result<bool, BackendError> {
        let Some(record) = lock(&self.book.state).recovered.remove(name) else { return Ok(false) };
        let Record { name, version, .. } = record;
        Debt::of(&self.book, Write::Delete { name, version }).pay(None).await?;
        Ok(true)
    }

    /// How many writes are owed to the backend and not just being made.
    pub fn owed(&self) -> usize {
        lock(&self.book.state).owed.len()
    }

    /// Makes the writes that were owed when this was called, but for those that another call is
    /// making already. After an error all that was not written is still owed.
    pub async fn flush(&self) -> Result<(), BackendError> {
        let mut left = self.owed();
        while left > 0 {
            Debt::none(&self.book).pay(None).await?;
            left = left.saturating_sub(PAID_AT_ONCE);
        }
        Ok(())
    }

    /// Puts `name` on record and takes it for `handle` until the returned guard is dropped.
    ///
    /// Dropping the future leaves the name free; what was written by then is owed to be undone.
    pub async fn register(
        &self,
        name: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<DurableRegistration<H, S>, DurableRegisterError<H>> {
        let (_claim, handle, record) = self.record(&name, handle, &metadata).await?;
        let registration = self.registry.register(name.clone(), handle, metadata)?;
        Ok(DurableRegistration { registration, record: record.of_registered() })
    }

    /// Puts `name` on record and takes it for `handle` for as long as `owner` lives. When the owner
    /// ends, the name is free before its [`Down`](crate::owner::Down) and the deletion is owed.
    pub async fn register_for(
        &self,
        owner: &OwnerRef,
        name: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<KeptDurable<H, S>, DurableRegisterError<H>>
    where
        H: Send + Sync + 'static,
        S: Send + Sync + 'static,
    {
        let (_claim, handle, record) = self.record(&name, handle, &metadata).await?;
        let wrap =
            |registration| DurableRegistration { registration, record: record.of_registered() };
        let kept = self.registry.hold_for(owner, name.clone(), handle, metadata, wrap)?;
        Ok(KeptDurable { registry: self.registry.clone(), kept })
    }

    /// Claims `name` and puts it on record. From then on to undo that is somebody's debt.
    async fn record<'a>(
        &'a self,
        name: &'a Name,
        handle: H,
        metadata: &Metadata,
    ) -> Result<(Claim<'a>, H, Debt), DurableRegisterError<H>> {
        let Some((claim, version)) = self.book.claim(name) else {
            return Err(DurableRegisterError::Claimed { handle, name: name.clone() });
        };
        // Nobody else on record takes the name from here on: what is refused, is refused before
        // anything is written, but for races with the registry below.
        let handle = self.registry.would_register(name, handle, metadata)?;
        let (recovered, records) = self.book.recovered(name);
        if recovered.is_none() && records + self.registry.len() >= MAX_RECORDS {
            let (name, limit) = (name.clone(), MAX_RECORDS);
            return Err(DurableRegisterError::TooManyRecords { handle, name, limit });
        }
        let failed =
            |handle, source| DurableRegisterError::Backend { handle, name: name.clone(), source };
        // A failing backend must not be owed ever more by those who try again.
        if self.owed() >= MAX_OWED
            && let Err(source) = self.flush().await
        {
            return Err(failed(handle, source));
        }
        let undo = match recovered {
            Some(record) => Write::Replace { version, record },
            None => Write::Delete { name: name.clone(), version },
        };
        let debt = Debt::of(&self.book, undo);
        let record = Record { name: name.clone(), version, metadata: metadata.clone() };
        match Debt::none(&self.book).pay(Some(record)).await {
            Ok(()) => Ok((claim, handle, debt)),
            Err(source) => Err(failed(handle, source)),
        }
    }
}

impl<H: Clone, S: BuildHasher> DurableRegistration<H, S> {
    /// The registration, with its name, id and handle.
    pub fn registration(&self) -> &Registration<H, S> {
        &self.registration
    }

    /// Gives the name back, deletes its record and returns the handle.
    ///
    /// The name is free when this is first polled, whatever becomes of the deletion: after an error,
    /// or if the future is dropped, that is owed.
    pub async fn unregister(self) -> Result<H, Unflushed<H>> {
        let name = self.registration.name().clone();
        let handle = self.registration.unregister();
        match self.record.pay(None).await {
            Ok(()) => Ok(handle),
            Err(source) => Err(Unflushed { handle, name, source }),
        }
    }
}

impl<H, S> KeptDurable<H, S>
where
    H: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Gives the name back, deletes its record and returns the handle; `None` if the owner has ended,
    /// and the name with it. Otherwise like [`DurableRegistration::unregister`].
    pub async fn unregister(self) -> Option<Result<H, Unflushed<H>>> {
        let durable = self.registry.take_back(self.kept, DurableRegistration::registration)?;
        Some(durable.unregister().await)
    }
}

impl Book {
    /// Claims `name` for one registration and gives that its version; `None` if somebody has.
    fn claim<'a>(&'a self, name: &'a Name) -> Option<(Claim<'a>, u64)> {
        let mut state = lock(&self.state);
        if !state.claimed.insert(name.clone()) {
            return None;
        }
        let version = state.next_version;
        state.next_version = version.wrapping_add(1);
        Some((Claim { book: self, name }, version))
    }

    /// The recovered record of `name`, and how many there are of all names.
    fn recovered(&self, name: &Name) -> (Option<Record>, usize) {
        let state = lock(&self.state);
        (state.recovered.get(name).cloned(), state.recovered.len())
    }
}

impl Debt {
    fn none(book: &Arc<Book>) -> Self {
        Self { book: Arc::clone(book), writes: Vec::new() }
    }

    fn of(book: &Arc<Book>, write: Write) -> Self {
        Self { book: Arc::clone(book), writes: vec![write] }
    }

    /// The same once the registration is in the map: from now on its end deletes the record, and what
    /// was recovered under the name is taken over.
    fn of_registered(mut self) -> Self {
        for write in &mut self.writes {
            if let Write::Replace { version, record } = write {
                lock(&self.book.state).recovered.remove(&record.name);
                *write = Write::Delete { name: record.name.clone(), version: *version };
            }
        }
        self
    }

    /// Makes these writes and some that are owed, then puts `record` on record. After an error, or if
    /// the future is dropped, all but the record are owed.
    async fn pay(mut self, record: Option<Record>) -> Result<(), BackendError> {
        {
            let mut state = lock(&self.book.state);
            let along = state.owed.len().min(PAID_AT_ONCE);
            self.writes.extend(state.owed.drain(..along));
        }
        let mut writes = self.writes.clone();
        writes.extend(record.map(Write::Put));
        if !writes.is_empty() {
            self.book.backend.write(writes).await?;
        }
        self.writes.clear();
        Ok(())
    }
}

/// Where the versions of one opening begin: at random, so that no version is used twice by any two
/// openings of one backend. Leaves room for 2^62 of them below the largest that a file can hold.
fn first_version() -> u64 {
    hash::RandomState::new().hash_one(()) >> 2
}

impl Drop for Debt {
    fn drop(&mut self) {
        lock(&self.book.state).owed.extend(self.writes.drain(..));
    }
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        lock(&self.book.state).claimed.remove(self.name);
    }
}

impl<H, S> Clone for DurableRegistry<H, S> {
    fn clone(&self) -> Self {
        Self { registry: self.registry.clone(), book: Arc::clone(&self.book) }
    }
}

impl<H, S> fmt::Debug for DurableRegistry<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableRegistry")
            .field("registry", &self.registry)
            .field("owed", &lock(&self.book.state).owed.len())
            .finish_non_exhaustive()
    }
}

impl<H: Clone, S: BuildHasher> fmt::Debug for DurableRegistration<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DurableRegistration").field(&self.registration).finish()
    }
}
