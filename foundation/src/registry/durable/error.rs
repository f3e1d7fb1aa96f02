//! Why a registration on record was refused, and what becomes of one whose record stays.

use std::fmt;

use super::super::{Name, RegisterError};
use super::BackendError;

/// Why a registration on record was refused. Gives the handle and the name back.
#[non_exhaustive]
pub enum DurableRegisterError<H> {
    /// The registry refuses it.
    Refused(RegisterError<H>),
    /// Somebody else is registering the name at this moment.
    Claimed {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
    },
    /// As many names are on record as may be.
    TooManyRecords {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
        /// [`MAX_RECORDS`](super::MAX_RECORDS).
        limit: usize,
    },
    /// The backend failed. Whether the record was written is not known; to undo it is owed.
    Backend {
        /// The refused handle.
        handle: H,
        /// The name asked for.
        name: Name,
        /// What the backend said.
        source: BackendError,
    },
}

/// A registration ended and its handle is here, but its record could not be deleted. The deletion is
/// owed and will be tried again with the next write.
pub struct Unflushed<H> {
    /// The handle that was registered.
    pub handle: H,
    /// The name, which is free.
    pub name: Name,
    /// What the backend said.
    pub source: BackendError,
}

impl<H> DurableRegisterError<H> {
    /// The handle that was refused.
    pub fn into_handle(self) -> H {
        match self {
            Self::Refused(refused) => refused.into_handle(),
            Self::Claimed { handle, .. }
            | Self::TooManyRecords { handle, .. }
            | Self::Backend { handle, .. } => handle,
        }
    }
}

impl<H> From<RegisterError<H>> for DurableRegisterError<H> {
    fn from(refused: RegisterError<H>) -> Self {
        Self::Refused(refused)
    }
}

impl<H> fmt::Display for DurableRegisterError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refused) => refused.fmt(f),
            Self::Claimed { name, .. } => write!(f, "the name `{name}` is just being registered"),
            Self::TooManyRecords { name, limit, .. } => {
                write!(f, "no room for `{name}`: {limit} names are on record, the limit")
            }
            Self::Backend { name, source, .. } => {
                write!(f, "`{name}` could not be put on record: {source}")
            }
        }
    }
}

impl<H> fmt::Debug for DurableRegisterError<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableRegisterError({self})")
    }
}

impl<H> std::error::Error for DurableRegisterError<H> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Backend { source, .. } => Some(&**source),
            Self::Refused(_) | Self::Claimed { .. } | Self::TooManyRecords { .. } => None,
        }
    }
}

impl<H> fmt::Display for Unflushed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the record of `{}` could not be deleted yet: {}", self.name, self.source)
    }
}

impl<H> fmt::Debug for Unflushed<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unflushed({self})")
    }
}

impl<H> std::error::Error for Unflushed<H> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.source)
    }
}
