//! Why something could not be done with a table.

use std::fmt;

use thiserror::Error;

use crate::owner::OwnerId;
use crate::registry::Name;

/// The table has ended. This is final for every handle to it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the table `{name}` is gone")]
pub struct TableGone {
    /// The name that the table had.
    pub name: Name,
}

/// Which limit of a table left no room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// [`TableSpec::max_entries`](super::TableSpec::max_entries).
    Entries(usize),
    /// [`TableSpec::max_bytes`](super::TableSpec::max_bytes).
    Bytes(usize),
}

/// Why a write was refused. Gives back what was to be written.
#[derive(Clone, PartialEq, Eq, Error)]
pub enum WriteError<T> {
    /// There is no room, and the table evicts nothing.
    #[error("no room in the table `{name}`: its limit is {limit}")]
    Full {
        /// What was to be written.
        refused: T,
        /// The table.
        name: Name,
        /// The limit that was reached.
        limit: Limit,
    },
    /// The entry alone is larger than the table may be.
    #[error("an entry for the table `{name}` has {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// What was to be written.
        refused: T,
        /// The table.
        name: Name,
        /// What the entry weighs.
        bytes: usize,
        /// [`TableSpec::max_bytes`](super::TableSpec::max_bytes).
        limit: usize,
    },
    /// The table has ended.
    #[error("{gone}")]
    Gone {
        /// What was to be written.
        refused: T,
        /// Which table.
        gone: TableGone,
    },
}

/// Why a table was not made.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CreateError {
    /// Another table has the name.
    #[error("there is a table `{name}` already")]
    Taken {
        /// The name asked for.
        name: Name,
    },
    /// There are as many tables as there may be.
    #[error("no room for the table `{name}`: there are {limit} tables, the limit")]
    Full {
        /// The name asked for.
        name: Name,
        /// [`Limits::max_tables`](super::Limits::max_tables).
        limit: usize,
    },
    /// The owner has ended.
    #[error("the table `{name}` was not made: {owner} has ended")]
    OwnerEnded {
        /// The name asked for.
        name: Name,
        /// Who was to own it.
        owner: OwnerId,
    },
}

/// Why a table was not opened by its name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OpenError {
    /// No table has the name.
    #[error("there is no table `{name}`")]
    Unknown {
        /// The name asked for.
        name: Name,
    },
    /// The table holds something else.
    #[error("the table `{name}` holds {found}, not {asked}")]
    OtherTypes {
        /// The name asked for.
        name: Name,
        /// The types of its keys and values.
        found: &'static str,
        /// The types asked for.
        asked: &'static str,
    },
}

impl<T> WriteError<T> {
    /// What was to be written.
    pub fn into_refused(self) -> T {
        match self {
            Self::Full { refused, .. }
            | Self::TooLarge { refused, .. }
            | Self::Gone { refused, .. } => refused,
        }
    }
}

impl<T> fmt::Debug for WriteError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WriteError({self})")
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Entries(limit) => write!(f, "{limit} entries"),
            Self::Bytes(limit) => write!(f, "{limit} bytes"),
        }
    }
}
