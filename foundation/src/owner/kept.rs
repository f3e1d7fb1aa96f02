//! What an owner keeps, seen by whoever gave it.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;

use super::{OwnerId, OwnerRef};

/// A receipt for a value that an owner keeps. Dropping the receipt leaves the value where it is.
pub struct Kept<T> {
    owner: OwnerRef,
    /// Where the owner keeps the value. No other receipt has this key.
    key: u64,
    /// The receipt holds no `T`, and can be sent wherever `OwnerRef` can.
    value: PhantomData<fn() -> T>,
}

impl<T: Send + 'static> Kept<T> {
    pub(super) fn new(owner: OwnerRef, key: u64) -> Self {
        Self { owner, key, value: PhantomData }
    }

    /// Who keeps the value.
    pub fn owner(&self) -> OwnerId {
        self.owner.id()
    }

    /// Takes the value back from the owner; `None` if the owner has ended.
    pub fn take(self) -> Option<T> {
        Some(self.take_after(|_| ())?.0)
    }

    /// Takes the value back after `step` with it, while the owner cannot end. `step` runs under the
    /// owner's lock: no code of a user, no other owner's lock.
    pub(crate) fn take_after<R>(self, step: impl FnOnce(&T) -> R) -> Option<(T, R)> {
        let step = |value: &(dyn Any + Send)| value.downcast_ref().map(step);
        let (value, result) = self.owner.take_back(self.key, step)?;
        // Only a value of this type was given the key.
        Some((*value.downcast().ok()?, result?))
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("owner", &self.owner.id()).finish_non_exhaustive()
    }
}
