//! Registrations and memberships that owners keep.
//!
//! Owns the order between an owner's lock and a step of the registry: a name is taken, and given back
//! early, while its owner cannot end. So at no moment does a name outlive its owner's
//! [`Down`](crate::owner::Down), whoever races.

use std::hash::BuildHasher;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::lifetime::Lifetime;
use super::shared::{Held, Refused, Rest};
use super::{Entry, Membership, Metadata, Name, RegisterError, Registration, Registry};
use crate::owner::{Ended, Kept, OwnerId, OwnerRef};

/// A receipt for a name that an owner holds. Dropping it changes nothing.
#[derive(Debug)]
pub struct KeptRegistration<H: Clone, S: BuildHasher = RandomState> {
    registry: Registry<H, S>,
    kept: Kept<Registration<H, S>>,
}

/// A receipt for an owner's place in a group. Dropping it changes nothing.
#[derive(Debug)]
pub struct KeptMembership<H, S = RandomState> {
    registry: Registry<H, S>,
    kept: Kept<Membership<H, S>>,
}

impl<H, S> Registry<H, S>
where
    H: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Takes `name` for `handle` for as long as `owner` lives.
    ///
    /// The receipt gives the name back early. Once the owner's [`Down`](crate::owner::Down) has been
    /// delivered to anybody, no lookup finds the name any more. Beside what
    /// [`register`](Self::register) costs, this costs a box; the owner's end costs what the owner
    /// holds and no scan.
    pub fn register_for(
        &self,
        owner: &OwnerRef,
        name: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<KeptRegistration<H, S>, RegisterError<H>> {
        let kept = self.hold_for(owner, name, handle, metadata, |registration| registration)?;
        Ok(KeptRegistration { registry: self.clone(), kept })
    }

    /// Joins `group` with `handle` for as long as `owner` lives.
    pub fn join_for(
        &self,
        owner: &OwnerRef,
        group: Name,
        handle: H,
        metadata: Metadata,
    ) -> Result<KeptMembership<H, S>, RegisterError<H>> {
        let offer = Entry::offered(group.clone(), handle, metadata, self.limits())?;
        let guard = self.shared.groups.guard();
        let outcome = owner.keep_with(offer, |offer| {
            let offer = Held::member(offer, Lifetime::Owned(owner.clone()));
            let (id, rest) = self.shared.enter(offer, &guard)?;
            Ok((Membership::new(Arc::clone(&self.shared), group, id), rest))
        });
        match outcome {
            Ok(Ok((kept, rest))) => {
                Ok(KeptMembership { registry: self.clone(), kept: settled(kept, rest) })
            }
            Ok(Err(refused)) => Err(Refused::into_error(refused, self.limits())),
            Err(ended) => Err(RegisterError::owner_ended(ended)),
        }
    }

    /// Takes `name` for `handle`, and lets `owner` keep what `wrap` makes of the registration. `wrap`
    /// runs under the owner's lock.
    pub(super) fn hold_for<T: Send + 'static>(
        &self,
        owner: &OwnerRef,
        name: Name,
        handle: H,
        metadata: Metadata,
        wrap: impl FnOnce(Registration<H, S>) -> T,
    ) -> Result<Kept<T>, RegisterError<H>> {
        let kept = handle.clone();
        let offer = Entry::offered(name.clone(), handle, metadata, self.limits())?;
        let guard = self.shared.map.guard();
        // A refused `kept` is dropped behind the owner's lock.
        let outcome = owner.keep_with((offer, kept), |(offer, kept)| {
            let offer = Held::name(offer, Lifetime::Owned(owner.clone()));
            match self.shared.insert(offer, &guard) {
                Ok((id, rest)) => {
                    let shared = Arc::clone(&self.shared);
                    Ok((wrap(Registration::new(shared, name, id, kept)), rest))
                }
                Err(refused) => Err((refused, kept)),
            }
        });
        match outcome {
            Ok(Ok((kept, rest))) => Ok(settled(kept, rest)),
            Ok(Err((refused, _))) => Err(refused.into_error(self.limits())),
            Err(Ended { value: (offer, _), owner }) => {
                Err(RegisterError::owner_ended(Ended { value: offer, owner }))
            }
        }
    }

    /// Takes back what [`hold_for`](Self::hold_for) gave to an owner, its name given back already;
    /// `None` if the owner has ended.
    pub(super) fn take_back<T: Send + 'static>(
        &self,
        kept: Kept<T>,
        registration: impl FnOnce(&T) -> &Registration<H, S>,
    ) -> Option<T> {
        let guard = self.shared.map.guard();
        let (value, rest) = kept.take_after(|value| {
            let registration = registration(value);
            self.shared.remove(registration.name(), registration.id(), &guard)
        })?;
        drop(rest);
        Some(value)
    }
}

impl<H, S> KeptRegistration<H, S>
where
    H: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Who holds the name.
    pub fn owner(&self) -> OwnerId {
        self.kept.owner()
    }

    /// Gives the name back and returns the handle; `None` if the owner has ended, and the name with
    /// it.
    pub fn unregister(self) -> Option<H> {
        let registration = self.registry.take_back(self.kept, |registration| registration)?;
        Some(registration.unregister())
    }
}

impl<H, S> KeptMembership<H, S>
where
    H: Clone + Send + Sync + 'static,
    S: BuildHasher + Send + Sync + 'static,
{
    /// Who is the member.
    pub fn owner(&self) -> OwnerId {
        self.kept.owner()
    }

    /// Leaves the group; `false` if the owner has ended, and left it.
    pub fn leave(self) -> bool {
        let shared = &self.registry.shared;
        let guard = shared.groups.guard();
        let left = |membership: &Membership<H, S>| {
            shared.leave(membership.group(), membership.id(), &guard)
        };
        self.kept.take_after(left).is_some()
    }
}

/// Does what is left of a step. If a waker panics, what was kept is taken back, and the panic goes on:
/// whoever gets no receipt holds nothing.
fn settled<T: Send + 'static>(kept: Kept<T>, rest: Rest<'_>) -> Kept<T> {
    match catch_unwind(AssertUnwindSafe(|| drop(rest))) {
        Ok(()) => kept,
        Err(panic) => {
            drop(kept.take());
            resume_unwind(panic)
        }
    }
}
