//! Events, before and after they have a number.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::EventId;
use crate::clock::Timestamp;
use crate::log::Sequence;

/// What an event without a payload carries.
const NO_PAYLOAD: &str = "null";

/// What sort of event something is: `"config.changed"`. Cloning copies a pointer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Kind(Arc<str>);

/// An event that was appended. Cloning copies pointers and allocates nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    sequence: Sequence,
    at: Timestamp,
    id: EventId,
    told: NewEvent,
}

/// An event to be appended. Its payload is serialised once; a clone of it can be appended any number
/// of times without serialising or allocating again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    pub(super) kind: Kind,
    pub(super) correlation: Option<Arc<str>>,
    pub(super) causation: Option<EventId>,
    /// JSON; `None` stands for `null`.
    pub(super) payload: Option<Arc<str>>,
}

/// A payload could not be written as JSON. Gives the event back as it was.
#[derive(Debug, Error)]
#[error("the payload of a `{}` event is no JSON: {source}", .event.kind)]
pub struct PayloadError {
    /// The event without the payload.
    pub event: NewEvent,
    /// What is wrong with the payload.
    pub source: serde_json::Error,
}

impl Kind {
    /// The kind as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<T: Into<Arc<str>>> From<T> for Kind {
    fn from(text: T) -> Self {
        Self(text.into())
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl NewEvent {
    /// An event of this kind whose payload is `null`.
    pub fn new(kind: impl Into<Kind>) -> Self {
        Self { kind: kind.into(), correlation: None, causation: None, payload: None }
    }

    /// The same event as part of what `correlation` names: a request, a run, a conversation.
    #[must_use]
    pub fn correlation(self, correlation: impl Into<Arc<str>>) -> Self {
        Self { correlation: Some(correlation.into()), ..self }
    }

    /// The same event as a consequence of `cause`, an event of any store.
    #[must_use]
    pub fn causation(self, cause: EventId) -> Self {
        Self { causation: Some(cause), ..self }
    }

    /// The same event with `payload`, written as JSON now.
    pub fn payload<T: Serialize + ?Sized>(self, payload: &T) -> Result<Self, PayloadError> {
        match serde_json::to_string(payload) {
            Ok(json) => Ok(Self { payload: Some(json.into()), ..self }),
            Err(source) => Err(PayloadError { event: self, source }),
        }
    }

    /// The kind.
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// What the event will be part of.
    pub fn part_of(&self) -> Option<&str> {
        self.correlation.as_deref()
    }

    /// The event that this one follows from.
    pub fn cause(&self) -> Option<EventId> {
        self.causation
    }

    /// The payload as JSON.
    pub fn payload_json(&self) -> &str {
        self.payload.as_deref().unwrap_or(NO_PAYLOAD)
    }

    /// The bytes of its texts.
    pub(super) fn text_bytes(&self) -> usize {
        let length = |text: &Option<Arc<str>>| text.as_ref().map_or(0, |text| text.len());
        self.kind.0.len() + length(&self.correlation) + length(&self.payload)
    }
}

impl Event {
    /// `told` as it stands in the store.
    pub(super) fn new(sequence: Sequence, at: Timestamp, id: EventId, told: NewEvent) -> Self {
        Self { sequence, at, id, told }
    }

    /// The event's number in its store.
    pub fn sequence(&self) -> Sequence {
        self.sequence
    }

    /// The store's clock when `append` was called.
    pub fn at(&self) -> Timestamp {
        self.at
    }

    /// The event's name, by which other events, and other stores, refer to it.
    pub fn id(&self) -> EventId {
        self.id
    }

    /// The kind.
    pub fn kind(&self) -> &Kind {
        &self.told.kind
    }

    /// What the event is part of.
    pub fn correlation(&self) -> Option<&str> {
        self.told.correlation.as_deref()
    }

    /// The event that this one follows from.
    pub fn causation(&self) -> Option<EventId> {
        self.told.causation
    }

    /// The payload as a `T`, which may borrow from the event.
    pub fn payload<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.payload_json())
    }

    /// The payload as JSON.
    pub fn payload_json(&self) -> &str {
        self.told.payload_json()
    }

    /// What the event counts for in [`Limits::max_bytes`](super::Limits::max_bytes): its own size
    /// and that of its texts, as if it shared them with no other event.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.told.text_bytes()
    }

    /// What was appended.
    #[cfg(any(feature = "sqlite", test))]
    pub(super) fn told(&self) -> &NewEvent {
        &self.told
    }
}
