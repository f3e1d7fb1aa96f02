//! Why a command was refused. The engine is then as it was before.

use std::error::Error;
use std::fmt;

use super::action::ChildId;

/// A child was not added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AddError {
    /// It is significant and permanent: it would never end by itself.
    SignificantPermanent,
    /// It is significant, and the supervisor's auto-shutdown is `Never`.
    SignificantNever,
    /// There are as many children as there may be.
    Full {
        /// The limit: [`Flags::max_children`](super::Flags::max_children).
        max_children: usize,
    },
    /// The supervisor is ending or has ended.
    Ending,
}

/// A command could not be carried out on a child.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChildError {
    /// No child is called so.
    Unknown,
    /// There is no such child: it never was, was deleted, or was temporary and has ended.
    NotFound(ChildId),
    /// It runs, or has not been stopped yet.
    Running(ChildId),
    /// It does not run, but is about to be started.
    Restarting(ChildId),
    /// The supervisor is ending or has ended.
    Ending,
}

impl fmt::Display for AddError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SignificantPermanent => f.write_str("a significant child can't be permanent"),
            Self::SignificantNever => {
                f.write_str("a significant child needs an auto-shutdown other than `Never`")
            }
            Self::Full { max_children } => {
                write!(f, "the supervisor has {max_children} children, and may have no more")
            }
            Self::Ending => f.write_str("the supervisor is ending"),
        }
    }
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown => f.write_str("there is no such child"),
            Self::NotFound(child) => write!(f, "{child} is not of this supervisor"),
            Self::Running(child) => write!(f, "{child} is running"),
            Self::Restarting(child) => write!(f, "{child} is about to be started"),
            Self::Ending => f.write_str("the supervisor is ending"),
        }
    }
}

impl Error for AddError {}
impl Error for ChildError {}
