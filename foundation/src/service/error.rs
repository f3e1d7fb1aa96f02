//! Why something could not be done with a service.

use std::time::Duration;

use thiserror::Error;

use super::Report;
use crate::owner::Reason;
use crate::registry::Name;

/// Why a service did not become ready.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another service has the name. The new one did not begin.
    #[error("a service `{name}` exists, {}", .holder.health)]
    Taken {
        /// The name asked for.
        name: Name,
        /// How the other one is.
        holder: Report,
    },
    /// There are as many services as there may be. The new one did not begin.
    #[error("no room for the service `{name}`: there are {limit} services, the limit")]
    Full {
        /// The name asked for.
        name: Name,
        /// [`Limits::max_services`](super::Limits::max_services).
        limit: usize,
    },
    /// All services were stopped for good. The new one did not begin.
    #[error("the service `{name}` was not started: all services were stopped")]
    Closed {
        /// The name asked for.
        name: Name,
    },
    /// It ended before it was ready: it failed, panicked, or gave its guard up without a word
    /// ([`Reason::Normal`]).
    #[error("the service `{name}` ended before it was ready: {reason}")]
    Ended {
        /// The service.
        name: Name,
        /// Its reason.
        reason: Reason,
    },
    /// Somebody stopped it before it was ready.
    #[error("the service `{name}` was asked to stop before it was ready")]
    Stopped {
        /// The service.
        name: Name,
    },
    /// It was not ready by the deadline. It was told to stop, and its name is free.
    #[error("the service `{name}` was not ready within {waited:?}")]
    Deadline {
        /// The service.
        name: Name,
        /// How long it had.
        waited: Duration,
    },
}

/// A service need not be ready any more: it was asked to stop, or its start was given up. It ends by
/// dropping its guard.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the service `{name}` was asked to stop")]
pub struct NotWanted {
    /// The service.
    pub name: Name,
}

/// There are as many watches as there may be.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("no room for a watch of `{name}`: there are {limit} watches of services, the limit")]
pub struct TooManyWatches {
    /// The name asked for.
    pub name: Name,
    /// [`Limits::max_watches`](super::Limits::max_watches).
    pub limit: usize,
}

/// Why a wait for readiness ended without it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ReadyError {
    /// There are as many waits as there may be.
    #[error(transparent)]
    TooManyWatches(#[from] TooManyWatches),
    /// The deadline passed.
    #[error("no service `{name}` was ready by the deadline")]
    Deadline {
        /// The name asked for.
        name: Name,
    },
    /// All services were, or are being, stopped for good.
    #[error("no service `{name}` is ready: all services were stopped")]
    Closed {
        /// The name asked for.
        name: Name,
    },
}

/// Why a service was not stopped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StopError {
    /// No service has the name.
    #[error("there is no service `{name}`")]
    Unknown {
        /// The name asked for.
        name: Name,
    },
    /// It was asked to stop and has not ended yet.
    #[error("the service `{name}` was asked to stop and had not ended by the deadline")]
    Deadline {
        /// The service.
        name: Name,
    },
}
