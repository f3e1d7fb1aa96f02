//! What clones of a registry and its registrations share, and the steps that change it.
//!
//! Every change is one step of the change log, under its lock: it takes effect in the map, in the
//! index and in the order of changes at once. Guards of maps that hold handles are older than the
//! lock and outlive it: dropping a guard runs destructors of handles that were removed earlier, and
//! while a guard is alive its map can only queue them.

use std::hash::BuildHasher;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use foldhash::fast::RandomState;
use papaya::{HashMap, LocalGuard, OccupiedError};

use super::lifetime::Lifetime;
use super::postings::Postings;
use super::property::Properties;
use super::streams::Streams;
use super::{Change, Entry, Limits, Name, Namespace, RegisterError, RegistrationId, Watch};
use crate::log::{Aftermath, Log, Retention, Sequence, Start};
use crate::panics::FirstPanic;

/// The inside of a registry.
pub(super) struct Shared<H, S = RandomState> {
    pub(super) limits: Limits,
    /// Slots come and go only in a step of `changes`, hence by one thread at a time; read by
    /// anyone. Whoever walks the whole map while it is being resized may help to move entries to
    /// the new table, outside of any step.
    pub(super) map: HashMap<Name, Slot<H>, S>,
    /// How many names the map holds. Written only in a step of `changes`, whose lock orders the
    /// writes; relaxed, because a reader gets a count and nothing that it would have to be in order
    /// with.
    pub(super) names: AtomicUsize,
    /// The names by property. Changed only in a step of `changes`.
    pub(super) properties: Properties,
    /// The members of groups. Changed only in a step of `changes`.
    pub(super) groups: Postings<Name, Entry<H>>,
    /// How many members the groups have together. Access as to `names`.
    pub(super) members: AtomicUsize,
    /// The one lock of the registry: its steps change what is above and number the change.
    changes: Log<Change>,
    /// The logs of namespaces that are watched by themselves.
    pub(super) streams: Arc<Streams>,
}

/// What stands under a name.
pub(super) struct Slot<H> {
    pub(super) entry: Entry<H>,
    pub(super) lifetime: Lifetime,
}

/// What a step leaves to be done when no lock is held: waking whoever waits for changes.
#[must_use = "whoever waits is woken when this is dropped"]
pub(super) struct Rest {
    _all: Aftermath<Change>,
    _namespace: Option<Aftermath<Change>>,
}

/// Why a step refused an entry, which it gives back. `'g` is the life of the map's guard.
pub(super) enum Refused<'g, H> {
    Taken { entry: Entry<H>, holder: &'g Entry<H> },
    Full { entry: Entry<H> },
}

impl<H, S> Shared<H, S> {
    /// An empty registry whose first registration gets the number `first`.
    pub(super) fn new(limits: Limits, hasher: S, first: Sequence) -> Self
    where
        S: BuildHasher,
    {
        let retention = Retention {
            max_entries: limits.watch_capacity,
            max_bytes: limits.watch_bytes,
            only_while_subscribed: true,
        };
        Self {
            limits,
            map: HashMap::with_hasher(hasher),
            names: AtomicUsize::new(0),
            properties: Properties::new(),
            groups: Postings::new(),
            members: AtomicUsize::new(0),
            changes: Log::starting_at(first, retention, Change::bytes),
            streams: Arc::new(Streams::new(retention)),
        }
    }

    /// Takes `step` with the id that is next. It yields how to tell of the change, for when somebody
    /// listens; an error leaves everything as it was.
    pub(super) fn change<C: FnOnce() -> Change, E>(
        &self,
        step: impl FnOnce(RegistrationId) -> Result<C, E>,
    ) -> Result<(RegistrationId, Rest), E> {
        let mut namespace = None;
        let (sequence, all) = self.changes.append_with(|turn| {
            let change = step(RegistrationId::from(turn.sequence))?;
            if !turn.wanted && !self.streams.may_want() {
                return Ok(None);
            }
            let change = change();
            namespace = self.streams.append(&change);
            Ok(turn.wanted.then_some(change))
        })?;
        Ok((RegistrationId::from(sequence), Rest { _all: all, _namespace: namespace }))
    }

    pub(super) fn watch(&self) -> Watch {
        Watch::new(self.changes.subscribe(Start::Next), None)
    }

    pub(super) fn watch_namespace(&self, namespace: Namespace) -> Watch {
        let begin = || self.streams.watch(namespace);
        let (changes, lease) = self.changes.between_appends(begin);
        Watch::new(changes, Some(lease))
    }

    /// Whether one more name or member is too many; certain in a step.
    pub(super) fn is_full(&self) -> bool {
        let names = self.names.load(Ordering::Relaxed);
        let members = self.members.load(Ordering::Relaxed);
        names + members >= self.limits.max_names
    }
}

impl<H, S: BuildHasher> Shared<H, S> {
    /// Takes the name, unless it is held. `guard` is the map's and older than any lock.
    pub(super) fn insert<'g>(
        &self,
        offer: Entry<H>,
        lifetime: Lifetime,
        guard: &'g LocalGuard<'_>,
    ) -> Result<(RegistrationId, Rest), Refused<'g, H>> {
        let name = offer.name.clone();
        self.change(|id| {
            let slot = Slot { entry: Entry { id, ..offer }, lifetime };
            if self.is_full() {
                return Err(match self.map.get(&name, guard) {
                    Some(holder) => Refused::Taken { entry: slot.entry, holder: &holder.entry },
                    None => Refused::Full { entry: slot.entry },
                });
            }
            match self.map.try_insert(name.clone(), slot, guard) {
                Ok(Slot { entry, .. }) => {
                    add(&self.names, 1);
                    self.properties.insert(&name, id, &entry.metadata);
                    let metadata = &entry.metadata;
                    Ok(move || Change::Registered { name, id, metadata: metadata.clone() })
                }
                Err(OccupiedError { current, not_inserted }) => {
                    Err(Refused::Taken { entry: not_inserted.entry, holder: &current.entry })
                }
            }
        })
    }

    /// Gives the name back if it is held by registration `id`, and tells whoever monitors the
    /// registration by itself.
    pub(super) fn remove(&self, name: &Name, id: RegistrationId) {
        let guard = self.map.guard();
        let mut removed = None;
        let changed = self.change(|_| {
            let own = |_: &Name, slot: &Slot<H>| slot.entry.id == id;
            let Ok(Some((_, slot))) = self.map.remove_if(name, own, &guard) else { return Err(()) };
            add(&self.names, -1);
            self.properties.remove(name, id, &slot.entry.metadata);
            removed = Some(slot);
            Ok(|| Change::Unregistered { name: name.clone(), id })
        });
        debug_assert!(changed.is_ok(), "only its guard removes a registration: {name}");
        let mut panics = FirstPanic::default();
        panics.catch(|| drop(changed));
        if let Some(slot) = removed {
            panics.catch(|| slot.lifetime.end());
        }
    }
}

impl<H: Clone> Refused<'_, H> {
    /// The same for the caller. Clones a handle: under no lock.
    pub(super) fn into_error(self, limits: &Limits) -> RegisterError<H> {
        match self {
            Self::Taken { entry: Entry { handle, name, .. }, holder } => {
                RegisterError::Taken { handle, name, holder: holder.clone() }
            }
            Self::Full { entry: Entry { handle, name, .. } } => {
                RegisterError::Full { handle, name, limit: limits.max_names }
            }
        }
    }
}

/// Changes a count in a step, whose lock makes the load and the store one.
pub(super) fn add(count: &AtomicUsize, by: isize) {
    let now = count.load(Ordering::Relaxed).saturating_add_signed(by);
    count.store(now, Ordering::Relaxed);
}
