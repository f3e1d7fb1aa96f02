//! Names for whatever lives: one live holder a name, found without a lock.
//!
//! Owns the map from [`Name`] to handle, the guard that holds a name, and the watch. Promises:
//!
//! - a name is held by one registration at most, and only that registration gives it back;
//! - a lookup never waits for a writer, writes no shared memory and allocates nothing (but for a
//!   thread's first use of the map);
//! - a lookup that begins after `unregister` (or the guard's drop) returned does not find the
//!   registration;
//! - watches see the changes of each name in the order in which the map took them;
//! - no destructor or `clone` of a handle runs under a lock, so both may use the same registry.
//!
//! Leaves to others what a handle means and whether its holder still works.
//!
//! # When a handle's destructor runs
//!
//! A lookup may still be reading an entry that is being removed, so the registry's own clone of a
//! handle is not dropped with the registration. Each thread collects what it removed in a batch (32
//! entries, or the machine's number of cores as a power of two if that is more) and frees the batch
//! once no lookup that was under way can see it: usually when the thread that filled the batch leaves
//! the registry, at times at the end of a lookup on another thread, and at the latest with the
//! registry. Until then a thread that stops removing keeps less than a batch, and besides it what it
//! removed while the map was being resized: that stays until the resize is complete and the old table
//! is retired, which takes further writes. [`Registry::reclaim`] frees the calling thread's batch
//! early, but does nothing while the batch holds fewer entries than threads are reading. With no
//! lookup and no resize under way, single-threaded churn leaves no entry behind it.
//!
//! What follows for handles:
//!
//! - a destructor must not panic: it may run in any thread that uses the registry;
//! - a handle whose destructor tells others that it is gone (a channel's sender, a socket) tells
//!   them late, by as much as is said above. Use it as a handle only where that does not matter;
//! - a handle that owns its own [`Registration`] or a clone of the registry makes a cycle: neither
//!   is ever freed. Hold a `Weak` of an `Arc<Registry>` instead;
//! - a [`Registration`] must not live in a thread-local: it may be destroyed after what the map
//!   keeps for the thread, and giving the name back may panic then.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use papaya::{Guard, HashMap, LocalGuard};

use crate::log::{Aftermath, Log, Retention, Start};

mod entry;
mod error;
mod limits;
mod metadata;
mod name;
mod registration;
mod watch;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use entry::{Entry, RegistrationId};
pub use error::RegisterError;
pub use limits::Limits;
pub use metadata::{Metadata, MetadataError};
pub use name::{MAX_NAME_BYTES, Name, NameError, Namespace};
pub use registration::Registration;
pub use watch::{Change, Watch};

/// A map from names to handles. Clones share it; cloning costs one reference count.
///
/// `H` is what a lookup clones, so it should be cheap to clone: an `Arc`, an id, or a channel's sender
/// if nobody relies on when its last clone is dropped (see
/// [when a handle's destructor runs](self#when-a-handles-destructor-runs)).
///
/// ```
/// use foundation::registry::{Metadata, Name, Registry};
///
/// let registry = Registry::new();
/// let name = Name::new("production/config_server")?;
/// let held = registry.register(name.clone(), "handle", Metadata::new())?;
/// assert_eq!(registry.lookup(&name), Some("handle"));
/// assert_eq!(registry.lookup("production/config_server"), Some("handle"));
///
/// let refused = registry.register(name, "other", Metadata::new()).unwrap_err();
/// assert_eq!(refused.to_string(), "the name `production/config_server` is held by registration 1");
///
/// drop(held);
/// assert_eq!(registry.lookup("production/config_server"), None);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Registry<H, S = RandomState> {
    shared: Arc<Shared<H, S>>,
}

/// What clones of a registry and its registrations share.
struct Shared<H, S> {
    limits: Limits,
    /// Entries come and go only in a step of `changes`, hence by one thread at a time; read by
    /// anyone. Whoever walks the whole map while it is being resized may help to move entries to
    /// the new table, outside of any step.
    map: HashMap<Name, Entry<H>, S>,
    /// How many names the map holds. Written only in a step of `changes`, whose lock orders the
    /// writes; relaxed, because a reader gets a count and nothing that it would have to be in order
    /// with.
    names: AtomicUsize,
    /// The one lock of the registry: its steps change the map and number the change.
    changes: Log<Change>,
}

/// Why a step refused an entry, which it gives back. `'g` is the life of the map's guard.
enum Refused<'g, H> {
    Taken { entry: Entry<H>, holder: &'g Entry<H> },
    Full { entry: Entry<H> },
}

impl<H: Clone> Registry<H> {
    /// An empty registry with [`Limits::default`].
    pub fn new() -> Self {
        Self::with_limits(Limits::default())
    }

    /// An empty registry with these limits.
    pub fn with_limits(limits: Limits) -> Self {
        Self::with_hasher(limits, RandomState::default())
    }
}

impl<H: Clone, S: BuildHasher> Registry<H, S> {
    /// An empty registry that hashes names with `hasher`, for instance with a fixed seed where
    /// instructions are counted.
    ///
    /// The hasher runs under the registry's lock and must not use the registry.
    pub fn with_hasher(limits: Limits, hasher: S) -> Self {
        let retention = Retention {
            max_entries: limits.watch_capacity,
            max_bytes: limits.watch_bytes,
            only_while_subscribed: true,
        };
        Self {
            shared: Arc::new(Shared {
                limits,
                map: HashMap::with_hasher(hasher),
                names: AtomicUsize::new(0),
                changes: Log::with_sizes(retention, Change::bytes),
            }),
        }
    }

    /// The handle registered under `name`, a [`Name`] or a `&str`.
    ///
    /// Never waits, allocates nothing, writes no shared memory. A text that is no valid name is
    /// simply not found.
    #[inline]
    pub fn lookup<Q>(&self, name: &Q) -> Option<H>
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lookup_with(name, |entry| entry.handle.clone())
    }

    /// What `read` makes of the entry under `name`, without cloning it.
    ///
    /// While `read` runs, nothing that any thread removes from this registry is freed: keep it
    /// short.
    #[inline]
    pub fn lookup_with<Q, R>(&self, name: &Q, read: impl FnOnce(&Entry<H>) -> R) -> Option<R>
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.shared.map.guard();
        self.shared.map.get(name, &guard).map(read)
    }

    /// A clone of the whole entry under `name`.
    pub fn entry<Q>(&self, name: &Q) -> Option<Entry<H>>
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.lookup_with(name, Entry::clone)
    }

    /// The names in `namespace`, in no particular order.
    ///
    /// Scans the whole registry: for tools and for catching up, not for a request's path. Names
    /// that come or go meanwhile may be in the result or not. It may have to help a resize of the
    /// map to its end first, which allocates and may wait for other threads that help; and nothing
    /// that any thread removes is freed while it runs.
    pub fn names_in(&self, namespace: &Namespace) -> Vec<Name> {
        let guard = self.shared.map.guard();
        self.shared.map.keys(&guard).filter(|name| namespace.contains(name)).cloned().collect()
    }

    /// How many names are held.
    pub fn len(&self) -> usize {
        self.shared.names.load(Ordering::Relaxed)
    }

    /// Whether no name is held.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The limits given when the registry was made.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Takes `name` for `handle` until the returned guard is dropped.
    ///
    /// Writers take turns; a turn is a few hundred nanoseconds and runs no code of a user but for the
    /// hasher of [`with_hasher`](Self::with_hasher). A turn in which the map grows allocates its next
    /// table, and the writers behind it wait for that; lookups don't. A held name is reported as
    /// [`Taken`](RegisterError::Taken) even if the registry is also full.
    ///
    /// Wakes the watches that wait. If one of their wakers panics, the others are woken, the name is
    /// given back, and the panic goes on.
    pub fn register(
        &self,
        name: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<Registration<H, S>, RegisterError<H>> {
        if let Err(problem) = metadata.check(&self.shared.limits) {
            return Err(RegisterError::Metadata { handle, name, problem });
        }
        let kept = handle.clone();
        let guard = self.shared.map.guard();
        let (id, aftermath) = self.shared.insert(&name, handle, metadata, &guard)?;
        // From here on the name has its owner: a waker or a destructor that panics below gives it
        // back.
        let registration = Registration::new(Arc::clone(&self.shared), name, id, kept);
        drop(aftermath);
        drop(guard);
        Ok(registration)
    }

    /// Every change from now on.
    pub fn watch(&self) -> Watch {
        Watch::new(self.shared.changes.subscribe(Start::Next), None)
    }

    /// Every change in `namespace` from now on.
    pub fn watch_namespace(&self, namespace: Namespace) -> Watch {
        Watch::new(self.shared.changes.subscribe(Start::Next), Some(namespace))
    }

    /// Frees what this thread removed, as far as no lookup that is under way can still see it.
    ///
    /// Costs about a microsecond. Does nothing while fewer entries are retired than threads are
    /// reading. Never needed for correctness or for a bound; see the
    /// [module's page](self#when-a-handles-destructor-runs).
    pub fn reclaim(&self) {
        self.shared.map.guard().flush();
    }
}

impl<H: Clone, S: BuildHasher> Shared<H, S> {
    /// Takes the name in one step of the change log.
    ///
    /// The guard is older than the lock and outlives it: dropping a guard runs destructors of
    /// handles that were removed earlier, and while this guard is alive the map can only queue them.
    fn insert(
        &self,
        name: &Name,
        handle: H,
        metadata: Metadata,
        guard: &LocalGuard<'_>,
    ) -> Result<(RegistrationId, Aftermath<Change>), RegisterError<H>> {
        let entry = Entry { name: name.clone(), id: RegistrationId(0), handle, metadata };
        let taken = self.changes.append_with(|turn| {
            let entry = Entry { id: RegistrationId(turn.sequence.get()), ..entry };
            let names = self.names.load(Ordering::Relaxed);
            if names >= self.limits.max_names {
                return Err(match self.map.get(name, guard) {
                    Some(holder) => Refused::Taken { entry, holder },
                    None => Refused::Full { entry },
                });
            }
            match self.map.try_insert(name.clone(), entry, guard) {
                Ok(entry) => {
                    self.names.store(names + 1, Ordering::Relaxed);
                    Ok(turn.wanted.then(|| Change::Registered {
                        name: name.clone(),
                        id: entry.id,
                        metadata: entry.metadata.clone(),
                    }))
                }
                Err(taken) => {
                    Err(Refused::Taken { entry: taken.not_inserted, holder: taken.current })
                }
            }
        });
        match taken {
            Ok((sequence, aftermath)) => Ok((RegistrationId(sequence.get()), aftermath)),
            Err(Refused::Taken { entry, holder }) => Err(RegisterError::Taken {
                handle: entry.handle,
                name: entry.name,
                holder: holder.clone(),
            }),
            Err(Refused::Full { entry }) => Err(RegisterError::Full {
                handle: entry.handle,
                name: entry.name,
                limit: self.limits.max_names,
            }),
        }
    }

    /// Gives the name back if it is held by registration `id`. The guard outlives the lock, as in
    /// [`insert`](Self::insert), and the waking.
    fn remove(&self, name: &Name, id: RegistrationId) {
        let guard = self.map.guard();
        let removed = self.changes.append_with(|turn| {
            match self.map.remove_if(name, |_, entry| entry.id == id, &guard) {
                Ok(Some(_)) => {}
                Ok(None) | Err(_) => return Err(()),
            }
            let names = self.names.load(Ordering::Relaxed);
            self.names.store(names - 1, Ordering::Relaxed);
            Ok(turn.wanted.then(|| Change::Unregistered { name: name.clone(), id }))
        });
        debug_assert!(removed.is_ok(), "only its guard removes a registration: {name}");
    }
}

impl<H: Clone> Default for Registry<H> {
    fn default() -> Self {
        Self::new()
    }
}

impl<H, S> Clone for Registry<H, S> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<H, S> fmt::Debug for Registry<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("names", &self.shared.names.load(Ordering::Relaxed))
            .field("limits", &self.shared.limits)
            .finish_non_exhaustive()
    }
}
