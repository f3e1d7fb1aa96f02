//! Hearing of registrations as they come and go.

use std::task::{Context, Poll};
use std::time::Instant;

use super::streams::Lease;
use super::{Metadata, Name, RegistrationId};
use crate::log::{NextError, Subscription};

/// A registration came or went.
///
/// Changes carry no handle: a change that waits in the bounded log must not keep a handle alive.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Change {
    /// A registration took the name.
    Registered {
        /// The name.
        name: Name,
        /// Which registration took it.
        id: RegistrationId,
        /// What it says about itself.
        metadata: Metadata,
    },
    /// The registration gave the name back.
    Unregistered {
        /// The name.
        name: Name,
        /// Which registration gave it back.
        id: RegistrationId,
    },
    /// A member joined the group.
    Joined {
        /// The group's name.
        group: Name,
        /// Which membership it is.
        id: RegistrationId,
        /// What the member says about itself.
        metadata: Metadata,
    },
    /// A member left the group.
    Left {
        /// The group's name.
        group: Name,
        /// Which membership ended.
        id: RegistrationId,
    },
}

/// The changes of a registry, or of one namespace of it, from the call that made this on, in the
/// order in which they happened.
///
/// To follow a set of names, start the watch first and then read the registry: whatever changes in
/// between is in the watch, and ids tell what the reading already contained. After
/// [`NextError::Lagged`] read the registry again.
///
/// A watch of a namespace neither wakes for the changes of others nor counts them.
#[derive(Debug)]
pub struct Watch {
    /// Dropped before the lease, which looks whether the log has other subscribers.
    changes: Subscription<Change>,
    /// For a watch of one namespace.
    _lease: Option<Lease>,
}

impl Change {
    /// The name that changed hands, or the group's.
    pub fn name(&self) -> &Name {
        match self {
            Self::Registered { name, .. }
            | Self::Unregistered { name, .. }
            | Self::Joined { group: name, .. }
            | Self::Left { group: name, .. } => name,
        }
    }

    /// The registration or membership that began or ended.
    pub fn id(&self) -> RegistrationId {
        match self {
            Self::Registered { id, .. }
            | Self::Unregistered { id, .. }
            | Self::Joined { id, .. }
            | Self::Left { id, .. } => *id,
        }
    }

    /// What the change counts for in [`Limits::watch_bytes`](super::Limits::watch_bytes).
    pub(super) fn bytes(&self) -> usize {
        let metadata = match self {
            Self::Registered { metadata, .. } | Self::Joined { metadata, .. } => metadata.bytes(),
            Self::Unregistered { .. } | Self::Left { .. } => 0,
        };
        self.name().as_str().len() + metadata
    }
}

impl Watch {
    pub(super) fn new(changes: Subscription<Change>, lease: Option<Lease>) -> Self {
        Self { changes, _lease: lease }
    }

    /// The next change if there is one; never waits.
    pub fn try_next(&mut self) -> Result<Option<Change>, NextError> {
        self.changes.try_next()
    }

    /// Waits for the next change. Cancel-safe.
    ///
    /// [`NextError::Closed`] once the registry is gone, its registrations included.
    pub async fn next(&mut self) -> Result<Change, NextError> {
        self.changes.next().await
    }

    /// The next change, or registers the task to be woken once there is one.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Change, NextError>> {
        self.changes.poll_next(context)
    }

    /// Waits on this thread for the next change, until `deadline` at the latest (`Ok(None)`). The
    /// deadline is real time, whatever [`Clock`](crate::clock::Clock) the program uses.
    pub fn next_blocking(&mut self, deadline: Instant) -> Result<Option<Change>, NextError> {
        self.changes.next_blocking(deadline)
    }

    /// How many changes this watch has not read.
    pub fn lag(&self) -> u64 {
        self.changes.lag()
    }
}
