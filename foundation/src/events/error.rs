//! Why an event is refused.

use thiserror::Error;

use super::{Limits, NewEvent};

/// Why an event was refused. Gives the event back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum AppendError {
    /// The kind is empty.
    #[error("the kind of the event is empty")]
    EmptyKind {
        /// The refused event.
        event: NewEvent,
    },
    /// The kind is too long.
    #[error("the kind of the event has {bytes} bytes, the limit is {limit}")]
    Kind {
        /// The refused event.
        event: NewEvent,
        /// The length of its kind.
        bytes: usize,
        /// [`Limits::max_kind_bytes`].
        limit: usize,
    },
    /// The correlation is too long.
    #[error(
        "the correlation of a `{}` event has {bytes} bytes, the limit is {limit}",
        .event.kind()
    )]
    Correlation {
        /// The refused event.
        event: NewEvent,
        /// The length of its correlation.
        bytes: usize,
        /// [`Limits::max_correlation_bytes`].
        limit: usize,
    },
    /// The payload is too long.
    #[error("the payload of a `{}` event has {bytes} bytes, the limit is {limit}", .event.kind())]
    Payload {
        /// The refused event.
        event: NewEvent,
        /// The length of its payload as JSON.
        bytes: usize,
        /// [`Limits::max_payload_bytes`].
        limit: usize,
    },
}

/// The event, if each of its parts is within `limits`.
pub(super) fn checked(event: NewEvent, limits: &Limits) -> Result<NewEvent, AppendError> {
    let bytes = event.kind().as_str().len();
    if bytes == 0 {
        return Err(AppendError::EmptyKind { event });
    }
    let limit = limits.max_kind_bytes;
    if bytes > limit {
        return Err(AppendError::Kind { event, bytes, limit });
    }
    let bytes = event.correlation.as_ref().map_or(0, |correlation| correlation.len());
    let limit = limits.max_correlation_bytes;
    if bytes > limit {
        return Err(AppendError::Correlation { event, bytes, limit });
    }
    let (bytes, limit) = (event.payload_json().len(), limits.max_payload_bytes);
    if bytes > limit {
        return Err(AppendError::Payload { event, bytes, limit });
    }
    Ok(event)
}
