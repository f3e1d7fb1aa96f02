//! Names of events that hold outside their store, and how a store makes them.

use std::borrow::Cow;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::log::Sequence;

/// The name of an event: a UUID of version 7 (RFC 9562), so that sorting names sorts the events of
/// a store by number, and those of several stores by the millisecond.
///
/// ```
/// use foundation::events::EventId;
///
/// let id: EventId = "01900000-0000-7000-8000-000112345678".parse()?;
/// assert_eq!(id.to_string(), "01900000-0000-7000-8000-000112345678");
/// assert!("01900000".parse::<EventId>().is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

/// A text is not the name of an event.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("`{text}` is no event id: {source}")]
pub struct ParseIdError {
    /// The text.
    pub text: String,
    /// What is wrong with it.
    pub source: uuid::Error,
}

/// Makes the ids of one store, without a system call and without a lock.
///
/// An id is 48 bits of milliseconds, then the low 42 bits of the event's number, then 32 random bits
/// of the store: unique inside the store by the number, across stores by chance (two stores have to
/// share the random bits, the number and the millisecond).
#[derive(Debug)]
pub(super) struct Ids {
    random: u32,
    /// The milliseconds of the latest id. They never go back, even if the clock does, because the
    /// number alone does not order ids of different milliseconds. Read and written by whoever has
    /// the turn to number an event, so relaxed ordering is enough: the turn orders it.
    latest_ms: AtomicU64,
}

impl EventId {
    /// The id as 16 bytes, the most significant first.
    pub fn to_bytes(self) -> [u8; 16] {
        self.0.into_bytes()
    }

    /// The id that is written as these bytes.
    pub fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(Uuid::from_bytes(bytes))
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for EventId {
    type Err = ParseIdError;

    fn from_str(text: &str) -> Result<Self, ParseIdError> {
        let parsed = Uuid::try_parse(text).map(Self);
        parsed.map_err(|source| ParseIdError { text: text.to_owned(), source })
    }
}

/// As text.
impl Serialize for EventId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// From text.
impl<'de> Deserialize<'de> for EventId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Cow::<str>::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

impl Ids {
    /// Ids that are later than `latest_ms` milliseconds, or as late.
    pub(super) fn after(latest_ms: u64) -> Self {
        // The hash of nothing by a new key from the system's randomness.
        let random = RandomState::new().hash_one(()).to_be_bytes();
        let random = u32::from_be_bytes([random[0], random[1], random[2], random[3]]);
        Self { random, latest_ms: AtomicU64::new(latest_ms) }
    }

    /// The id of event `sequence`, stamped `at`. Called in the turn of that number.
    pub(super) fn next(&self, sequence: Sequence, at: Timestamp) -> EventId {
        let ms = (at.as_nanos() / 1_000_000).max(self.latest_ms());
        self.latest_ms.store(ms, Ordering::Relaxed);
        // Field widths of RFC 9562, 5.7: 48 time, 4 version, 12, 2 variant, 62.
        let counter = sequence.get();
        let high = (ms << 16) | (7 << 12) | ((counter >> 30) & 0xfff);
        let low = (0b10 << 62) | ((counter & 0x3fff_ffff) << 32) | u64::from(self.random);
        EventId(Uuid::from_u64_pair(high, low))
    }

    /// The milliseconds of the latest id.
    pub(super) fn latest_ms(&self) -> u64 {
        self.latest_ms.load(Ordering::Relaxed)
    }
}
