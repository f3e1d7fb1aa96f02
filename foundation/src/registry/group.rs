//! Groups: names that many hold at once.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::Arc;

use papaya::LocalGuard;

use super::postings::List;
use super::shared::{Refused, Rest, Shared, add};
use super::{Change, Entry, Metadata, Name, RegisterError, RegistrationId, Registry};
use crate::owner::{Kept, OwnerRef};

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
pub struct Members<H>(List<Entry<H>>);

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
        let entered = self.shared.enter(offer, &guard);
        let (id, rest) = entered.map_err(|refused| refused.into_error(self.limits()))?;
        let membership = Membership { shared: Arc::clone(&self.shared), group, id };
        drop(rest);
        Ok(membership)
    }

    /// Joins `group` with `handle` for as long as `owner` lives.
    pub fn join_for(
        &self,
        owner: &OwnerRef,
        group: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<Kept<Membership<H, S>>, RegisterError<H>>
    where
        H: Send + Sync + 'static,
        S: Send + Sync + 'static,
    {
        let offer = Entry::offered(group.clone(), handle, metadata, self.limits())?;
        let guard = self.shared.groups.guard();
        let kept = owner.keep_with(offer, |offer| {
            let (id, rest) = self.shared.enter(offer, &guard)?;
            Ok((Membership { shared: Arc::clone(&self.shared), group, id }, rest))
        });
        match kept {
            Ok(Ok((kept, rest))) => {
                drop(rest);
                Ok(kept)
            }
            Ok(Err(refused)) => Err(Refused::into_error(refused, self.limits())),
            Err(ended) => Err(RegisterError::owner_ended(ended)),
        }
    }

    /// The members of `group`, a [`Name`] or a `&str`, as they are now. Takes no lock and copies
    /// nothing, however many there are.
    pub fn members(&self, group: &str) -> Members<H> {
        let guard = self.shared.groups.guard();
        Members(self.shared.groups.list(group, &guard).cloned().unwrap_or_default())
    }
}

impl<H, S> Shared<H, S> {
    /// Adds a member to its group. `guard` is the groups' and older than any lock.
    fn enter<'g>(
        &self,
        offer: Entry<H>,
        guard: &'g LocalGuard<'_>,
    ) -> Result<(RegistrationId, Rest), Refused<'g, H>> {
        let (group, metadata) = (offer.name.clone(), offer.metadata.clone());
        self.change(move |id| {
            let member = Entry { id, ..offer };
            if self.is_full() {
                return Err(Refused::Full { entry: member });
            }
            self.groups.insert(&group, id, member, guard);
            add(&self.members, 1);
            Ok(move || Change::Joined { group, id, metadata })
        })
    }

    /// Takes a member from its group.
    fn leave(&self, group: &Name, id: RegistrationId) {
        let guard = self.groups.guard();
        let changed = self.change(|_| {
            if !self.groups.remove(group, id, &guard) {
                return Err(());
            }
            add(&self.members, -1);
            Ok(|| Change::Left { group: group.clone(), id })
        });
        debug_assert!(changed.is_ok(), "only its guard ends a membership: {group}");
    }
}

impl<H, S> Membership<H, S> {
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
        self.shared.leave(&self.group, self.id);
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
        self.0.values()
    }

    /// The member with this id.
    pub fn get(&self, id: RegistrationId) -> Option<&Entry<H>> {
        self.0.get(&id)
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
