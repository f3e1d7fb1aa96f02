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
//! - When a registration ends, lookups stop finding it at once. Its record is then *owed* to the
//!   backend: it is deleted with the next write of anybody, by
//!   [`unregister`](DurableRegistration::unregister), which waits for it, or by
//!   [`flush`](DurableRegistry::flush).
//! - After a crash [`recovered`](DurableRegistry::recovered) contains every registration that
//!   `register` acknowledged and that had not ended. It may also contain registrations that had
//!   ended but whose deletion was still owed, and registrations that were never acknowledged
//!   because the process died, or their caller gave up, between the record and the acknowledgement.
//!   It contains each name once.
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

use std::collections::{BTreeMap, HashSet};
use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::{Metadata, Name, RegisterError, Registration, Registry};
use crate::owner::{Ended, Kept, OwnerRef};
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
/// is at most one for each name that is held or being registered.
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
    /// Dropped before the record is owed: whoever sees the debt finds the name free.
    registration: Registration<H, S>,
    record: Debt,
}

/// A receipt for a registration on record that an owner keeps.
#[derive(Debug)]
pub struct KeptDurable<H: Clone, S: BuildHasher = RandomState> {
    registration: Kept<Registration<H, S>>,
    record: Kept<Debt>,
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
    /// Deletions that nobody is writing. Their order does not matter: each is of one version.
    owed: Vec<Write>,
    /// The version of the next record, larger than any on record.
    next_version: u64,
}

/// Deletions that somebody is responsible for: whoever holds a name, for its record; whoever writes
/// some, until they are written. Dropping it owes them.
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
        let last = records.iter().map(|record| record.version).max().unwrap_or(0);
        let state = State {
            recovered: records.into_iter().map(|record| (record.name.clone(), record)).collect(),
            claimed: HashSet::default(),
            owed: Vec::new(),
            next_version: last.saturating_add(1),
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
        Debt::of(&self.book, record.name, record.version).pay(None).await?;
        Ok(true)
    }

    /// How many deletions are owed to the backend and not just being written.
    pub fn owed(&self) -> usize {
        lock(&self.book.state).owed.len()
    }

    /// Writes what is owed, but for what another call is writing already. After an error all that
    /// was not written is still owed.
    pub async fn flush(&self) -> Result<(), BackendError> {
        let mut left = self.owed();
        while left > 0 {
            let debt = Debt::taken(&self.book);
            left = left.saturating_sub(PAID_AT_ONCE);
            debt.pay(None).await?;
        }
        Ok(())
    }

    /// Puts `name` on record and takes it for `handle` until the returned guard is dropped.
    ///
    /// Dropping the future leaves the name free; the deletion of what was written by then is owed.
    pub async fn register(
        &self,
        name: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<DurableRegistration<H, S>, DurableRegisterError<H>> {
        let (_claim, handle, record) = self.record(&name, handle, &metadata).await?;
        let registration = self.registry.register(name.clone(), handle, metadata)?;
        Ok(DurableRegistration { registration, record })
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
        // What an owner was given last goes first: the name, then the record.
        let record = match owner.keep(record) {
            Ok(kept) => kept,
            Err(Ended { owner, .. }) => {
                return Err(RegisterError::OwnerEnded { handle, name: name.clone(), owner }.into());
            }
        };
        match self.registry.register_for(owner, name.clone(), handle, metadata) {
            Ok(registration) => Ok(KeptDurable { registration, record }),
            Err(refused) => {
                drop(record.take());
                Err(refused.into())
            }
        }
    }

    /// Claims `name` and puts it on record. From then on a deletion is somebody's debt.
    async fn record<'a>(
        &'a self,
        name: &'a Name,
        handle: H,
        metadata: &Metadata,
    ) -> Result<(Claim<'a>, H, Debt), DurableRegisterError<H>> {
        let handle = self.registry.would_register(name, handle, metadata)?;
        let Some((claim, version)) = self.book.claim(name) else {
            return Err(DurableRegisterError::Claimed { handle, name: name.clone() });
        };
        let failed =
            |handle, source| DurableRegisterError::Backend { handle, name: name.clone(), source };
        // A failing backend must not be owed ever more by those who try again.
        if self.owed() >= MAX_OWED
            && let Err(source) = self.flush().await
        {
            return Err(failed(handle, source));
        }
        let debt = Debt::of(&self.book, name.clone(), version);
        let record = Record { name: name.clone(), version, metadata: metadata.clone() };
        if let Err(source) = Debt::taken(&self.book).pay(Some(record)).await {
            return Err(failed(handle, source));
        }
        lock(&self.book.state).recovered.remove(name);
        Ok((claim, handle, debt))
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
        let handle = self.registration.unregister();
        match self.record.pay(None).await {
            Ok(()) => Ok(handle),
            Err(source) => Err(Unflushed { handle, source }),
        }
    }
}

impl<H, S> KeptDurable<H, S>
where
    H: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Takes the registration back from the owner; `None` if the owner has ended.
    pub fn take(self) -> Option<DurableRegistration<H, S>> {
        let registration = self.registration.take()?;
        match self.record.take() {
            Some(record) => Some(DurableRegistration { registration, record }),
            // The owner ends at this moment: the record goes with it, and the name must too.
            None => None,
        }
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
        state.next_version = version.saturating_add(1);
        Some((Claim { book: self, name }, version))
    }
}

impl Debt {
    /// The deletion of one record.
    fn of(book: &Arc<Book>, name: Name, version: u64) -> Self {
        Self { book: Arc::clone(book), writes: vec![Write::Delete { name, version }] }
    }

    /// Some of what is owed.
    fn taken(book: &Arc<Book>) -> Self {
        let mut state = lock(&book.state);
        let from = state.owed.len().saturating_sub(PAID_AT_ONCE);
        let writes = state.owed.split_off(from);
        Self { book: Arc::clone(book), writes }
    }

    /// Writes the deletions, then `record`. After an error, or if the future is dropped, the
    /// deletions are owed.
    async fn pay(mut self, record: Option<Record>) -> Result<(), BackendError> {
        let mut writes = self.writes.clone();
        writes.extend(record.map(Write::Put));
        self.book.backend.write(writes).await?;
        self.writes.clear();
        Ok(())
    }
}

impl Drop for Debt {
    fn drop(&mut self) {
        lock(&self.book.state).owed.append(&mut self.writes);
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
