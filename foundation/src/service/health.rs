//! How a service is.

use std::fmt;
use std::sync::Arc;

use crate::clock::Timestamp;
use crate::owner::{OwnerId, Reason};
use crate::registry::Name;

/// How a service is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It has not said yet that it is ready.
    Starting,
    /// It works.
    Ready,
    /// It works, but not as it should; its own words.
    Degraded(Arc<str>),
    /// It was asked to stop, or said why it ends.
    Stopping,
    /// It has ended.
    Stopped(Reason),
}

/// The health of a service since a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How it is.
    pub health: Health,
    /// Since when.
    pub since: Timestamp,
    /// Which service it is: another one of the same name has another owner.
    pub owner: OwnerId,
}

/// A service as its directory lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its name.
    pub name: Name,
    /// How it is.
    pub report: Report,
}

impl Health {
    /// Whether the service does its work: ready or degraded.
    pub const fn is_serving(&self) -> bool {
        matches!(self, Self::Ready | Self::Degraded(_))
    }
}

impl fmt::Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Starting => f.write_str("starting"),
            Self::Ready => f.write_str("ready"),
            Self::Degraded(why) => write!(f, "degraded: {why}"),
            Self::Stopping => f.write_str("stopping"),
            Self::Stopped(reason) => write!(f, "stopped: {reason}"),
        }
    }
}
