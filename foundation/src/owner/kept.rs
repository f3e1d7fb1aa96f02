//! What an owner keeps, seen by whoever gave it.

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
        self.owner.take_back(self.key)?.downcast().ok().map(|value| *value)
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("owner", &self.owner.id()).finish_non_exhaustive()
    }
}
