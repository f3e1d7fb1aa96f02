//! Hearing of registrations as they come and go.

use std::task::{Context, Poll};
use std::time::Instant;

use super::{Metadata, Name, Namespace, RegistrationId};
use crate::log::{NextError, Subscription};

/// How many changes of other namespaces one poll skips before it lets other tasks go on.
const MAX_SKIPPED: usize = 128;

/// A name was registered or unregistered.
///
/// Changes carry no handle: a change that waits in the bounded log must not keep a handle alive.
#[derive(Clone, Debug, PartialEq, Eq)]
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
}

/// The changes of a registry from the call that made this on, in the order in which they happened.
///
/// To follow a set of names, start the watch first and then read the registry: whatever changes in
/// between is in the watch, and ids tell what the reading already contained. After
/// [`NextError::Lagged`], whose count includes the changes of all namespaces, read the registry
/// again.
///
/// A watch of a namespace reads the changes of all of them and skips the others'.
#[derive(Debug)]
pub struct Watch {
    changes: Subscription<Change>,
    /// Only changes in this namespace, if there is one.
    namespace: Option<Namespace>,
}

impl Change {
    /// The name that changed hands.
    pub fn name(&self) -> &Name {
        match self {
            Self::Registered { name, .. } | Self::Unregistered { name, .. } => name,
        }
    }

    /// The registration that took the name or gave it back.
    pub fn id(&self) -> RegistrationId {
        match self {
            Self::Registered { id, .. } | Self::Unregistered { id, .. } => *id,
        }
    }

    /// What the change counts for in [`Limits::watch_bytes`](super::Limits::watch_bytes).
    pub(super) fn bytes(&self) -> usize {
        let metadata = match self {
            Self::Registered { metadata, .. } => metadata.bytes(),
            Self::Unregistered { .. } => 0,
        };
        self.name().as_str().len() + metadata
    }
}

impl Watch {
    pub(super) fn new(changes: Subscription<Change>, namespace: Option<Namespace>) -> Self {
        Self { changes, namespace }
    }

    /// The next change if there is one; never waits.
    ///
    /// Reads no more changes than there were unread ones when it was called, so that the changes of
    /// other namespaces, however fast they come, can't keep it from returning.
    pub fn try_next(&mut self) -> Result<Option<Change>, NextError> {
        for _ in 0..self.lag().max(1) {
            match self.changes.try_next()? {
                Some(change) if !self.concerns(&change) => {}
                found => return Ok(found),
            }
        }
        Ok(None)
    }

    /// Waits for the next change. Cancel-safe.
    ///
    /// [`NextError::Closed`] once the registry is gone, its registrations included.
    pub async fn next(&mut self) -> Result<Change, NextError> {
        std::future::poll_fn(|context| self.poll_next(context)).await
    }

    /// The next change, or registers the task to be woken once there is one.
    ///
    /// After 128 changes of other namespaces it asks to be polled again, so that other tasks get
    /// their turn.
    pub fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<Result<Change, NextError>> {
        for _ in 0..MAX_SKIPPED {
            match self.changes.poll_next(context) {
                Poll::Ready(Ok(change)) if !self.concerns(&change) => {}
                other => return other,
            }
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }

    /// Waits on this thread for the next change, until `deadline` at the latest (`Ok(None)`).
    ///
    /// The deadline is real time, whatever [`Clock`](crate::clock::Clock) the program uses. It also
    /// ends the skipping of other namespaces' changes: what is behind them is read by the next call.
    pub fn next_blocking(&mut self, deadline: Instant) -> Result<Option<Change>, NextError> {
        loop {
            match self.changes.next_blocking(deadline)? {
                Some(change) if self.concerns(&change) => return Ok(Some(change)),
                Some(_) if Instant::now() < deadline => {}
                Some(_) | None => return Ok(None),
            }
        }
    }

    /// How many changes of all namespaces this watch has not read.
    pub fn lag(&self) -> u64 {
        self.changes.lag()
    }

    fn concerns(&self, change: &Change) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| namespace.contains(change.name()))
    }
}
