//! The bounds of an event store, with their configuration keys.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::config::{Config, ReadError, keys};

const MAX_CORRELATION_BYTES_DEFAULT: usize = 128;

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
    /// At most this many bytes a correlation. Default 128.
    pub max_correlation_bytes: usize,
    /// Events older than this by the store's clock are evicted, the newest one included; `None`, the
    /// default, keeps them however old they are. An event that was stamped later than one behind it
    /// holds that one back: what is kept has no gaps.
    pub max_age: Option<Duration>,
}

impl Limits {
    /// The limits that `config` holds now; what has no key is at its default.
    ///
    /// Fails only if the schema of `config` does not contain [`config::KEYS`](crate::config::KEYS).
    pub fn from_config(config: &Config) -> Result<Self, ReadError> {
        Ok(Self {
            max_events: config.get(keys::EVENTS_MAX_EVENTS.path())?,
            max_bytes: config.get(keys::EVENTS_MAX_BYTES.path())?,
            max_payload_bytes: config.get(keys::EVENTS_MAX_PAYLOAD_BYTES.path())?,
            max_kind_bytes: config.get(keys::EVENTS_MAX_KIND_BYTES.path())?,
            ..Self::default()
        })
    }

    /// The moment before which events are too old at `now`; the beginning of time if none is.
    pub(super) fn cutoff(&self, now: Timestamp) -> Timestamp {
        let epoch = Timestamp::from_nanos(0);
        let age = self.max_age.map_or(u64::MAX, |age| epoch.saturating_add(age).as_nanos());
        Timestamp::from_nanos(now.as_nanos().saturating_sub(age))
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_events: keys::EVENTS_MAX_EVENTS_DEFAULT,
            max_bytes: keys::EVENTS_MAX_BYTES_DEFAULT,
            max_payload_bytes: keys::EVENTS_MAX_PAYLOAD_BYTES_DEFAULT,
            max_kind_bytes: keys::EVENTS_MAX_KIND_BYTES_DEFAULT,
            max_correlation_bytes: MAX_CORRELATION_BYTES_DEFAULT,
            max_age: None,
        }
    }
}
