//! Why a registration was refused.

use std::fmt;

use super::{Entry, MetadataError, Name};
use crate::owner::{Ended, OwnerId};

/// Why a registration was refused. Gives the handle and the name back.
#[non_exhaustive]
pub enum RegisterError<H> {
    /// The name is held by another registration.
    Taken {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
        /// Who held the name at that moment.
        holder: Entry<H>,
    },
    /// The registry holds as many names and members of groups as it may.
    Full {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
        /// [`Limits::max_names`](super::Limits::max_names).
        limit: usize,
    },
    /// The metadata is too large.
    Metadata {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
        /// Which limit it exceeds.
        problem: MetadataError,
    },
    /// The owner that was to hold the name has ended.
    OwnerEnded {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
        /// Who has ended.
        owner: OwnerId,
    },
}

impl<H> RegisterError<H> {
    /// The owner ended before it could be given `ended`.
    pub(super) fn owner_ended(ended: Ended<Entry<H>>) -> Self {
        let Ended { value: Entry { handle, name, .. }, owner } = ended;
        Self::OwnerEnded { handle, name, owner }
    }

    /// The same about another form of the handles.
    pub fn map<I>(self, mut form: impl FnMut(H) -> I) -> RegisterError<I> {
        match self {
            Self::Taken { handle, name, holder } => {
                RegisterError::Taken { handle: form(handle), name, holder: holder.map(form) }
            }
            Self::Full { handle, name, limit } => {
                RegisterError::Full { handle: form(handle), name, limit }
            }
            Self::Metadata { handle, name, problem } => {
                RegisterError::Metadata { handle: form(handle), name, problem }
            }
            Self::OwnerEnded { handle, name, owner } => {
                RegisterError::OwnerEnded { handle: form(handle), name, owner }
            }
        }
    }

    /// The handle that was refused.
    pub fn into_handle(self) -> H {
        match self {
            Self::Taken { handle, .. }
            | Self::Full { handle, .. }
            | Self::Metadata { handle, .. }
            | Self::OwnerEnded { handle, .. } => handle,
        }
    }
}

impl<H> fmt::Display for RegisterError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { name, holder, .. } => {
                write!(f, "the name `{name}` is held by {}", holder.id)
            }
            Self::Full { name, limit, .. } => {
                write!(
                    f,
                    "no room for `{name}`: the registry holds {limit} registrations, its limit"
                )
            }
            Self::Metadata { name, problem, .. } => {
                write!(f, "the metadata of `{name}` is refused: {problem}")
            }
            Self::OwnerEnded { name, owner, .. } => {
                write!(f, "`{name}` cannot be held by {owner}, which has ended")
            }
        }
    }
}

impl<H> fmt::Debug for RegisterError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RegisterError({self})")
    }
}

impl<H> std::error::Error for RegisterError<H> {}
