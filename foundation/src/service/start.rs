//! The end of whoever waits for a service to be ready.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use super::state::Outcome;
use super::{Shared, StartError, Subscription};
use crate::owner::{OwnerId, OwnerRef};
use crate::registry::Name;

/// A service that is starting. Dropping it gives the start up: unless the service is ready already,
/// it is told to stop, and its name is free.
#[must_use = "dropping a start gives it up"]
pub struct Start {
    shared: Arc<Shared>,
    name: Name,
    id: OwnerId,
    /// Gets one entry: how the start came out.
    outcome: Subscription<Outcome>,
    begun: Instant,
}

impl Start {
    pub(super) fn new(
        shared: Arc<Shared>,
        name: Name,
        id: OwnerId,
        outcome: Subscription<Outcome>,
    ) -> Self {
        Self { shared, name, id, outcome, begun: Instant::now() }
    }

    /// Waits until it is decided whether the service is ready; returns its owner if it is.
    ///
    /// Dropping the future gives the start up. Needs no particular runtime.
    pub async fn wait(mut self) -> Result<OwnerRef, StartError> {
        match self.outcome.next().await {
            Ok(outcome) => outcome,
            // Of a log with one entry, none is missed.
            Err(_) => Err(self.deadline()),
        }
    }

    /// Waits on this thread until it is decided, until `deadline` at the latest; then gives the
    /// start up. The deadline is real time.
    pub fn wait_blocking(mut self, deadline: Instant) -> Result<OwnerRef, StartError> {
        if let Ok(Some(outcome)) = self.outcome.next_blocking(deadline) {
            return outcome;
        }
        if self.give_up() {
            return Err(self.deadline());
        }
        // Whoever decided it first has left the outcome here, in the same step.
        self.outcome.try_next().ok().flatten().unwrap_or_else(|| Err(self.deadline()))
    }

    /// The service's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    fn deadline(&self) -> StartError {
        StartError::Deadline { name: self.name.clone(), waited: self.begun.elapsed() }
    }

    /// Decides the start, unless that was done before; whether it did.
    fn give_up(&self) -> bool {
        let (now, limits) = (self.shared.clock.now(), &self.shared.limits);
        let effects = self.shared.step(|state| state.give_up(&self.name, self.id, now, limits));
        effects.is_some()
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        self.give_up();
    }
}

impl fmt::Debug for Start {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Start").field("name", &self.name).finish_non_exhaustive()
    }
}
