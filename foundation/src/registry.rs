//! Names for whatever lives: one live holder a name, found without a lock.
//!
//! Owns the map from [`Name`] to handle, the guard that holds a name, groups (names that many hold),
//! the index of properties, and the watch. Promises:
//!
//! - a name is held by one registration at most, and only that registration gives it back, or the
//!   end of the [owner](crate::owner) it was made for;
//! - whoever heard of an owner's end finds no name and no membership of that owner;
//! - a lookup never waits for a writer, writes no shared memory and allocates nothing (but for a
//!   thread's first use of the map);
//! - a lookup that begins after `unregister` (or the guard's drop) returned does not find the
//!   registration;
//! - watches see the changes of each name in the order in which the map took them;
//! - no destructor or `clone` of a handle runs under a lock, so both may use the same registry.
//!
//! Leaves to others what a handle means and whether its holder still works. What is registered is
//! forgotten with the process, unless it is registered by way of a [`DurableRegistry`].
//!
//! # What it costs
//!
//! A lookup is one `get` of a concurrent map. Writers take turns; a turn is some hundred nanoseconds,
//! and more for each metadata key, which is indexed in it. The end of an owner costs
//! one turn for each of its registrations, however large the registry is. A name that is given back
//! leaves its text behind until 1,024 others, or an eighth of the registry, were given back after it:
//! a name that comes and goes is cheap for that.
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
use std::sync::atomic::Ordering;

use foldhash::fast::RandomState;
use papaya::Guard;

use crate::owner::MonitorRef;
use lifetime::Lifetime;
use shared::{Held, Shared, Slot};

mod durable;
mod entry;
mod error;
mod group;
mod lifetime;
mod limits;
mod metadata;
mod name;
mod owned;
mod postings;
mod property;
mod registration;
mod shared;
mod streams;
mod vacancies;
mod watch;

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, not(foundation_loom)))]
mod machine;

#[cfg(feature = "sqlite")]
pub use durable::SqliteBackend;
pub use durable::{
    Backend, BackendError, DurableRegisterError, DurableRegistration, DurableRegistry, KeptDurable,
    MAX_RECORDS, MemoryBackend, Record, Unflushed, Write,
};
pub use entry::{Entry, RegistrationId};
pub use error::RegisterError;
pub use group::{Members, Membership};
pub use limits::Limits;
pub use metadata::{Metadata, MetadataError};
pub use name::{MAX_NAME_BYTES, Name, NameError, Namespace};
pub use owned::{KeptMembership, KeptRegistration};
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
        Self { shared: Arc::new(Shared::new(limits, hasher)) }
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
        match self.shared.map.get(name, &guard) {
            Some(Slot::Held(held)) => Some(read(&held.entry)),
            Some(Slot::Vacant(_)) | None => None,
        }
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
        let held = self.shared.map.values(&guard).filter_map(Slot::entry);
        let names = held.map(|entry| &entry.name);
        names.filter(|name| namespace.contains(name)).cloned().collect()
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
    /// Writers take turns; a turn runs no code of a user but for the hasher of
    /// [`with_hasher`](Self::with_hasher). A turn in which the map grows allocates its next
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
        let kept = handle.clone();
        let offer = Entry::offered(name.clone(), handle, metadata, self.limits())?;
        let guard = self.shared.map.guard();
        let inserted = self.shared.insert(Held::name(offer, Lifetime::own()), &guard);
        let (id, rest) = inserted.map_err(|refused| refused.into_error(self.limits()))?;
        // From here on the name has its owner: a waker or a destructor that panics below gives it
        // back.
        let registration = Registration::new(Arc::clone(&self.shared), name, id, kept);
        drop(rest);
        drop(guard);
        Ok(registration)
    }

    /// Gives `handle` back, or what [`register`](Self::register) would refuse it with just now.
    fn would_register(
        &self,
        name: &Name,
        handle: H,
        metadata: &Metadata,
    ) -> Result<H, RegisterError<H>> {
        let offer = Entry::offered(name.clone(), handle, metadata.clone(), self.limits())?;
        let Entry { name, handle, .. } = offer;
        if let Some(holder) = self.entry(&name) {
            return Err(RegisterError::Taken { handle, name, holder });
        }
        if self.shared.is_full() {
            return Err(RegisterError::Full { handle, name, limit: self.limits().max_names });
        }
        Ok(handle)
    }

    /// Monitors the holder of `name`: the owner of the registration, or the registration itself if
    /// it belongs to its guard. If nobody holds the name, the [`Down`](crate::owner::Down) is there
    /// at once, with [`Reason::NoProc`](crate::owner::Reason::NoProc).
    ///
    /// When the `Down` is delivered, the name is free.
    pub fn monitor<Q>(&self, name: &Q) -> MonitorRef
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.shared.map.guard();
        let held = self.shared.map.get(name, &guard).and_then(Slot::held);
        held.map_or_else(MonitorRef::of_nobody, |held| held.lifetime().monitor())
    }

    /// At most `limit` entries in `namespace` whose metadata has all of these keys with these
    /// values, in the order in which they were registered.
    ///
    /// An index answers: the cost grows with the rarest of the properties, not with the registry. No
    /// lock is taken. With no property at all every name of the namespace is wanted, which only a
    /// scan can find, as in [`names_in`](Self::names_in); the order is then any.
    ///
    /// ```
    /// use foundation::registry::{Metadata, Name, Namespace, Registry};
    ///
    /// let registry = Registry::new();
    /// let reads = Metadata::from([("vision", "yes"), ("model", "small")]);
    /// let _held = registry.register(Name::new("production/reader")?, 7, reads)?;
    /// let found = registry.find(&Namespace::new("production")?, &[("vision", "yes")], 10);
    /// assert_eq!(found.iter().map(|entry| entry.handle).collect::<Vec<_>>(), [7]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn find(
        &self,
        namespace: &Namespace,
        properties: &[(&str, &str)],
        limit: usize,
    ) -> Vec<Entry<H>> {
        let guard = self.shared.map.guard();
        let index = self.shared.properties.guard();
        if let Some(having) = self.shared.properties.having(namespace.as_str(), properties, &index)
        {
            let entry = |(id, name)| {
                let entry = self.shared.map.get::<Name>(name, &guard)?.entry()?;
                (entry.id == id).then(|| entry.clone())
            };
            return having.filter_map(entry).take(limit).collect();
        }
        let entries = self.shared.map.values(&guard).filter_map(Slot::entry);
        let inside = entries.filter(|entry| namespace.contains(&entry.name));
        inside.take(limit).cloned().collect()
    }

    /// Every change from now on.
    pub fn watch(&self) -> Watch {
        self.shared.watch()
    }

    /// Every change in `namespace` from now on.
    pub fn watch_namespace(&self, namespace: Namespace) -> Watch {
        self.shared.watch_namespace(namespace)
    }

    /// Frees what this thread removed, as far as no lookup that is under way can still see it.
    ///
    /// Costs about a microsecond. Does nothing while fewer entries are retired than threads are
    /// reading. Never needed for correctness or for a bound; see the
    /// [module's page](self#when-a-handles-destructor-runs).
    pub fn reclaim(&self) {
        self.shared.map.guard().flush();
        self.shared.groups.guard().flush();
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
