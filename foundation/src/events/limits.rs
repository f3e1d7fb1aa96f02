//! The bounds of an event store, with their configuration keys.

use crate::config::{Config, ReadError, keys};

/// The bounds of an event store. [`Limits::default`] holds the defaults of the configuration keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many events are kept (`foundation.events.max_events`).
    pub max_events: usize,
    /// At most this many bytes of events are kept, as [`Event::bytes`](super::Event::bytes) counts
    /// them (`foundation.events.max_bytes`). The newest event is kept whatever its size.
    pub max_bytes: usize,
    /// At most this many bytes of JSON an event (`foundation.events.max_payload_bytes`).
    pub max_payload_bytes: usize,
    /// At most this many bytes a kind (`foundation.events.max_kind_bytes`).
    pub max_kind_bytes: usize,
}

impl Limits {
    /// The limits that `config` holds now.
    ///
    /// Fails only if the schema of `config` does not contain [`config::KEYS`](crate::config::KEYS).
    pub fn from_config(config: &Config) -> Result<Self, ReadError> {
        Ok(Self {
            max_events: config.get(keys::EVENTS_MAX_EVENTS.path())?,
            max_bytes: config.get(keys::EVENTS_MAX_BYTES.path())?,
            max_payload_bytes: config.get(keys::EVENTS_MAX_PAYLOAD_BYTES.path())?,
            max_kind_bytes: config.get(keys::EVENTS_MAX_KIND_BYTES.path())?,
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_events: keys::EVENTS_MAX_EVENTS_DEFAULT,
            max_bytes: keys::EVENTS_MAX_BYTES_DEFAULT,
            max_payload_bytes: keys::EVENTS_MAX_PAYLOAD_BYTES_DEFAULT,
            max_kind_bytes: keys::EVENTS_MAX_KIND_BYTES_DEFAULT,
        }
    }
}
