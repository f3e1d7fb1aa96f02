//! What a registry knows about one name.

use std::fmt;

use super::{Limits, Metadata, Name, RegisterError};
use crate::log::Sequence;

/// Who is registered under a name.
#[derive(Clone)]
pub struct Entry<H> {
    /// The name.
    pub name: Name,
    /// Which registration this is: the same name registered anew has another id.
    pub id: RegistrationId,
    /// The handle that lookups return.
    pub handle: H,
    /// What the registration says about itself.
    pub metadata: Metadata,
}

/// Tells registrations and memberships of one registry apart. Never used twice, and larger for a
/// later one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RegistrationId(pub(super) u64);

impl<H> Entry<H> {
    /// What is to be registered: has no id yet, and metadata within the limits.
    pub(super) fn offered(
        name: Name,
        handle: H,
        metadata: Metadata,
        limits: &Limits,
    ) -> Result<Self, RegisterError<H>> {
        match metadata.check(limits) {
            Ok(()) => Ok(Self { name, id: RegistrationId(0), handle, metadata }),
            Err(problem) => Err(RegisterError::Metadata { handle, name, problem }),
        }
    }
}

impl<H> Entry<H> {
    /// The same about another form of the handle.
    pub fn map<I>(self, form: impl FnOnce(H) -> I) -> Entry<I> {
        let Self { name, id, handle, metadata } = self;
        Entry { name, id, handle: form(handle), metadata }
    }
}

impl RegistrationId {
    /// The id as a number.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl From<Sequence> for RegistrationId {
    /// The registration that the change with this number makes.
    fn from(sequence: Sequence) -> Self {
        Self(sequence.get())
    }
}

impl fmt::Display for RegistrationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "registration {}", self.0)
    }
}

impl<H> fmt::Debug for Entry<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entry")
            .field("name", &self.name)
            .field("id", &self.id)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}
