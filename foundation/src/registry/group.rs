//! Groups: names that many hold at once.

use std::borrow::Borrow;
use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use papaya::LocalGuard;

use super::lifetime::Lifetime;
use super::postings::List;
use super::shared::{Held, Refused, Rest, Shared, add};
use super::{Change, Entry, Metadata, Name, Namespace, RegisterError, RegistrationId, Registry};
use crate::owner::MonitorRef;

/// Holds a place in a group; dropping it leaves the group.
///
/// What is said of a [`Registration`](super::Registration)'s place and destructor holds here too.
#[must_use = "dropping a membership leaves the group at once"]
pub struct Membership<H, S = foldhash::fast::RandomState> {
    shared: Arc<Shared<H, S>>,
    group: Name,
    id: RegistrationId,
}

/// The members of a group at one moment, in the order in which they joined. Cloning copies a
/// pointer. Keeps the handles of these members alive.
pub struct Members<H>(List<Held<H>>);

impl<H: Clone, S: BuildHasher> Registry<H, S> {
    /// Joins `group` with `handle` until the returned guard is dropped.
    ///
    /// Groups and names are apart: a group may be called like a name, and its members are found by
    /// [`members`](Self::members), not by [`find`](Self::find). Names and members together are
    /// limited by [`Limits::max_names`](super::Limits::max_names). Costs the logarithm of the
    /// group's size in allocations.
    ///
    /// ```
    /// use foundation::registry::{Metadata, Name, Registry};
    ///
    /// let registry = Registry::new();
    /// let group = Name::new("jobs/indexers")?;
    /// let first = registry.join(group.clone(), "one", Metadata::new())?;
    /// let _second = registry.join(group, "two", Metadata::new())?;
    /// drop(first);
    /// let members = registry.members("jobs/indexers");
    /// let handles: Vec<_> = members.iter().map(|member| member.handle).collect();
    /// assert_eq!(handles, ["two"]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn join(
        &self,
        group: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<Membership<H, S>, RegisterError<H>> {
        let offer = Entry::offered(group.clone(), handle, metadata, self.limits())?;
        let guard = self.shared.groups.guard();
        let entered = self.shared.enter(Held::member(offer, Lifetime::own()), &guard);
        let (id, rest) = entered.map_err(|refused| refused.into_error(self.limits()))?;
        let membership = Membership::new(Arc::clone(&self.shared), group, id);
        drop(rest);
        Ok(membership)
    }

    /// The members of `group`, a [`Name`] or a `&str`, as they are now. Takes no lock and copies
    /// nothing, however many there are; writes one reference count, which all who call this for the
    /// same group share. [`for_each_member`](Self::for_each_member) does not.
    pub fn members<Q>(&self, group: &Q) -> Members<H>
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.shared.groups.guard();
        Members(self.shared.groups.list(group, &guard).cloned().unwrap_or_default())
    }

    /// Shows `visit` each member of `group`, in the order in which they joined. Writes no shared
    /// memory.
    ///
    /// Until it is done, nothing that leaves any group is freed: keep it short.
    pub fn for_each_member<Q>(&self, group: &Q, visit: impl FnMut(&Entry<H>))
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.shared.groups.guard();
        let members = self.shared.groups.list(group, &guard).into_iter().flat_map(List::values);
        members.map(|held| &held.entry).for_each(visit);
    }

    /// The groups in `namespace` that have members, in no particular order. A scan of all groups, as
    /// [`names_in`](Self::names_in) is of names.
    pub fn groups_in(&self, namespace: &Namespace) -> Vec<Name> {
        let guard = self.shared.groups.guard();
        let groups = self.shared.groups.keys(&guard);
        groups.filter(|group| namespace.contains(group)).cloned().collect()
    }

    /// How many members all groups have together. They count in
    /// [`Limits::max_names`](super::Limits::max_names).
    pub fn member_count(&self) -> usize {
        self.shared.members.load(Ordering::Relaxed)
    }

    /// Monitors a member of `group`: its owner, or the membership itself if it belongs to its guard.
    /// If there is no such member, the [`Down`](crate::owner::Down) is there at once, with
    /// [`Reason::NoProc`](crate::owner::Reason::NoProc).
    pub fn monitor_member<Q>(&self, group: &Q, id: RegistrationId) -> MonitorRef
    where
        Name: Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let guard = self.shared.groups.guard();
        let held = self.shared.groups.list(group, &guard).and_then(|list| list.get(&id));
        held.map_or_else(MonitorRef::of_nobody, |held| held.lifetime().monitor())
    }
}

impl<H, S> Shared<H, S> {
    /// Adds a member to its group. `guard` is the groups' and older than any lock.
    pub(super) fn enter<'g>(
        &self,
        offer: Held<H>,
        guard: &'g LocalGuard<'_>,
    ) -> Result<(RegistrationId, Rest<'g>), Refused<'g, H>> {
        let (group, metadata) = (offer.entry.name.clone(), offer.entry.metadata.clone());
        self.change(move |id| {
            if self.is_full() {
                return Err(Refused::Full { entry: offer.entry });
            }
            self.groups.insert(&group, id, offer.numbered(id), guard);
            add(&self.members, 1);
            Ok(move || Change::Joined { group, id, metadata })
        })
    }

    /// Takes a member from its group; `None` if it is not there. `guard` is the groups' and older
    /// than any lock.
    pub(super) fn leave<'g>(
        &self,
        group: &Name,
        id: RegistrationId,
        guard: &'g LocalGuard<'_>,
    ) -> Option<Rest<'g>>
    where
        H: 'g,
    {
        let mut ended = None;
        let changed = self.change(|_| {
            let Some(held) = self.groups.remove(group, id, guard) else { return Err(()) };
            ended = Some(held.lifetime());
            add(&self.members, -1);
            Ok(|| Change::Left { group: group.clone(), id })
        });
        Some(changed.ok()?.1.of_end(ended?))
    }
}

impl<H, S> Membership<H, S> {
    pub(super) fn new(shared: Arc<Shared<H, S>>, group: Name, id: RegistrationId) -> Self {
        Self { shared, group, id }
    }

    /// The group.
    pub fn group(&self) -> &Name {
        &self.group
    }

    /// Which membership this is.
    pub fn id(&self) -> RegistrationId {
        self.id
    }
}

impl<H, S> Drop for Membership<H, S> {
    fn drop(&mut self) {
        let guard = self.shared.groups.guard();
        let rest = self.shared.leave(&self.group, self.id, &guard);
        drop(rest);
    }
}

impl<H> Members<H> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.size()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each member, in the order in which they joined.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Entry<H>> + DoubleEndedIterator {
        self.0.values().map(|held| &held.entry)
    }

    /// The member with this id.
    pub fn get(&self, id: RegistrationId) -> Option<&Entry<H>> {
        self.0.get(&id).map(|held| &held.entry)
    }
}

impl<H> Clone for Members<H> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<H> fmt::Debug for Members<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<H, S> fmt::Debug for Membership<H, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Membership")
            .field("group", &self.group)
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}
