//! Workers that somebody has to himself.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use tokio::sync::OwnedSemaphorePermit;

use super::worker::Worker;
use super::{AgentPool, Reason};
use crate::{Agent, AgentRef};

/// A worker of a pool that nobody else gives jobs, until this is dropped. From
/// [`AgentPool::check_out`]. Keeps the pool alive.
#[must_use = "the worker is given back when this is dropped"]
pub struct Lease<A: Agent> {
    worker: Arc<Worker<A>>,
    /// Ends with its lease.
    is_further: bool,
    /// Given back after the worker was.
    permit: Option<OwnedSemaphorePermit>,
    _pool: AgentPool<A>,
}

impl<A: Agent> Lease<A> {
    pub(super) fn of(
        pool: AgentPool<A>,
        worker: Arc<Worker<A>>,
        permit: OwnedSemaphorePermit,
        is_further: bool,
    ) -> Self {
        Self { worker, is_further, permit: Some(permit), _pool: pool }
    }
}

impl<A: Agent> Deref for Lease<A> {
    type Target = AgentRef<A>;

    fn deref(&self) -> &AgentRef<A> {
        &self.worker.agent
    }
}

impl<A: Agent> Drop for Lease<A> {
    fn drop(&mut self) {
        if self.is_further {
            self.worker.agent.stop(Reason::Normal);
        } else {
            self.worker.give_back();
        }
        // Whoever waits next finds it.
        drop(self.permit.take());
    }
}

impl<A: Agent> fmt::Debug for Lease<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Lease").field(&self.worker.agent).finish()
    }
}
