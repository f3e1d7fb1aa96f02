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
use papaya::{HashMap, LocalGuard};

use super::lifetime::Lifetime;
use super::postings::Postings;
use super::property::{Properties, Property, PropertySet};
use super::streams::Streams;
use super::vacancies::{Stamp, Vacancies};
use super::{Change, Entry, Limits, Name, Namespace, RegisterError, RegistrationId, Watch};
use crate::log::{Aftermath, Log, Retention, Start};
use crate::panics::FirstPanic;

/// The inside of a registry.
pub(super) struct Shared<H, S = RandomState> {
    pub(super) limits: Limits,
    /// Slots change only in a step of `changes`, hence by one thread at a time; read by anyone.
    /// Whoever walks the whole map while it is being resized may help to move entries to the new
    /// table, outside of any step.
    pub(super) map: HashMap<Name, Slot<H>, S>,
    /// How many slots are held. Written only in a step of `changes`, whose lock orders the writes;
    /// relaxed, because a reader gets a count and nothing that it would have to be in order with.
    pub(super) names: AtomicUsize,
    /// The names whose slots are vacant. Changed only in a step of `changes`.
    vacancies: Vacancies<Name>,
    /// The names by property. Changed only in a step of `changes`.
    pub(super) properties: Properties,
    /// The members of groups. Changed only in a step of `changes`.
    pub(super) groups: Postings<Name, Held<H>>,
    /// How many members the groups have together. Access as to `names`.
    pub(super) members: AtomicUsize,
    /// The one lock of the registry: its steps change what is above and number the change.
    changes: Log<Change>,
    /// The logs of namespaces that are watched by themselves.
    pub(super) streams: Arc<Streams>,
}

/// What stands under a name.
pub(super) enum Slot<H> {
    /// A registration.
    Held(Held<H>),
    /// Nothing any more: see [`Vacancies`].
    Vacant(Stamp),
}

/// A registration or a membership. What a lookup does not need stands elsewhere, so that what it needs
/// is in as few cache lines as may be: beside each other they made a lookup 6 % slower.
pub(super) struct Held<H> {
    pub(super) entry: Entry<H>,
    rest: Box<Cold>,
}

/// What is needed when a registration begins, ends or is monitored.
struct Cold {
    lifetime: Lifetime,
    /// What the index holds of a registration; empty for a membership.
    properties: PropertySet,
}

/// What a step leaves to be done when no lock is held: waking whoever waits for changes, and telling
/// whoever monitors what ended. A panic in one keeps no other from being done.
#[must_use = "whoever waits is woken when this is dropped"]
pub(super) struct Rest<'g> {
    all: Option<Aftermath<Change>>,
    namespace: Option<Aftermath<Change>>,
    ended: Option<&'g Lifetime>,
}

/// Why a step refused an entry, which it gives back. `'g` is the life of the map's guard.
pub(super) enum Refused<'g, H> {
    Taken { entry: Entry<H>, holder: &'g Entry<H> },
    Full { entry: Entry<H> },
}

impl<H> Slot<H> {
    /// The registration, if the name is held.
    pub(super) fn held(&self) -> Option<&Held<H>> {
        match self {
            Self::Held(held) => Some(held),
            Self::Vacant(_) => None,
        }
    }

    /// What lookups see.
    pub(super) fn entry(&self) -> Option<&Entry<H>> {
        self.held().map(|held| &held.entry)
    }
}

impl<H> Held<H> {
    /// A registration that is offered, with all that can be prepared outside of a step.
    pub(super) fn name(entry: Entry<H>, lifetime: Lifetime) -> Self {
        let properties = Property::of(&entry.name, &entry.metadata);
        Self { entry, rest: Box::new(Cold { lifetime, properties }) }
    }

    /// A membership that is offered.
    pub(super) fn member(entry: Entry<H>, lifetime: Lifetime) -> Self {
        let properties = PropertySet::default();
        Self { entry, rest: Box::new(Cold { lifetime, properties }) }
    }

    /// To whom it belongs.
    pub(super) fn lifetime(&self) -> &Lifetime {
        &self.rest.lifetime
    }

    /// The same with its id.
    pub(super) fn numbered(self, id: RegistrationId) -> Self {
        Self { entry: Entry { id, ..self.entry }, ..self }
    }
}

impl<H, S> Shared<H, S> {
    /// An empty registry.
    pub(super) fn new(limits: Limits, hasher: S) -> Self
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
            vacancies: Vacancies::new(),
            properties: Properties::new(),
            groups: Postings::new(),
            members: AtomicUsize::new(0),
            changes: Log::with_sizes(retention, Change::bytes),
            streams: Arc::new(Streams::new(retention)),
        }
    }

    /// Takes `step` with the id that is next. It yields how to tell of the change, for when somebody
    /// listens; an error leaves everything as it was.
    pub(super) fn change<'g, C: FnOnce() -> Change, E>(
        &self,
        step: impl FnOnce(RegistrationId) -> Result<C, E>,
    ) -> Result<(RegistrationId, Rest<'g>), E> {
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
        Ok((RegistrationId::from(sequence), Rest { all: Some(all), namespace, ended: None }))
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
        offer: Held<H>,
        guard: &'g LocalGuard<'_>,
    ) -> Result<(RegistrationId, Rest<'g>), Refused<'g, H>> {
        let name = offer.entry.name.clone();
        self.change(|id| {
            if let Some(holder) = self.map.get(&name, guard).and_then(Slot::entry) {
                return Err(Refused::Taken { entry: offer.entry, holder });
            }
            if self.is_full() {
                return Err(Refused::Full { entry: offer.entry });
            }
            let offer = offer.numbered(id);
            let metadata = offer.entry.metadata.clone();
            self.properties.insert(&offer.rest.properties, id, &name);
            self.map.insert(name.clone(), Slot::Held(offer), guard);
            add(&self.names, 1);
            Ok(move || Change::Registered { name, id, metadata })
        })
    }

    /// Gives the name back if it is held by registration `id`; `None` if it is not. `guard` is the
    /// map's and older than any lock.
    pub(super) fn remove<'g>(
        &self,
        name: &Name,
        id: RegistrationId,
        guard: &'g LocalGuard<'_>,
    ) -> Option<Rest<'g>>
    where
        H: 'g,
    {
        let mut ended = None;
        let changed = self.change(|_| {
            let slot = self.map.get(name, guard).and_then(Slot::held);
            let Some(held) = slot.filter(|held| held.entry.id == id) else { return Err(()) };
            add(&self.names, -1);
            self.vacancies.give_up(
                name.clone(),
                self.names.load(Ordering::Relaxed),
                |stamp| {
                    self.map.insert(name.clone(), Slot::Vacant(stamp), guard);
                },
                |name, stamp| {
                    let is_vacant =
                        |_: &Name, slot: &Slot<H>| matches!(slot, Slot::Vacant(at) if *at == stamp);
                    // An error says that the name was taken again.
                    let _ = self.map.remove_if(name, is_vacant, guard);
                },
            );
            self.properties.remove(&held.rest.properties, id);
            ended = Some(held.lifetime());
            Ok(|| Change::Unregistered { name: name.clone(), id })
        });
        Some(changed.ok()?.1.of_end(ended?))
    }
}

impl<'g> Rest<'g> {
    /// What is left to be done when something of this lifetime ended.
    pub(super) fn of_end(mut self, ended: &'g Lifetime) -> Self {
        self.ended = Some(ended);
        self
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        let mut panics = FirstPanic::default();
        panics.catch(|| drop(self.all.take()));
        panics.catch(|| drop(self.namespace.take()));
        if let Some(lifetime) = self.ended {
            panics.catch(|| lifetime.end());
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
