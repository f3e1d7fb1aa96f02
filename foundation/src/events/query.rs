//! Asking for events of the past.

use std::sync::Arc;

use super::{Event, Kind};
use crate::clock::Timestamp;
use crate::log::Sequence;

/// Which events to read. The default asks for the first thousand that are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    /// Only events of these kinds; all kinds if empty.
    pub kinds: Vec<Kind>,
    /// Only events that are part of this.
    pub correlation: Option<Arc<str>>,
    /// Only events from this number on; from the oldest kept one if `None`.
    pub from: Option<Sequence>,
    /// Only events before this number.
    pub until: Option<Sequence>,
    /// Only events at this time or later.
    pub since: Option<Timestamp>,
    /// Only events before this time.
    pub before: Option<Timestamp>,
    /// At most this many events; 0 counts as 1.
    pub limit: usize,
}

/// What a query found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The events, in the order of their numbers.
    pub events: Vec<Event>,
    /// Where to go on, as [`Query::from`], if the limit was reached before the end.
    pub next: Option<Sequence>,
    /// The oldest event that the store still held.
    pub first_kept: Sequence,
    /// How many numbers the query asked for that the store no longer held, whatever their kinds and
    /// times were. 0 says that nothing is missing from the page.
    pub evicted: u64,
}

impl Default for Query {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            correlation: None,
            from: None,
            until: None,
            since: None,
            before: None,
            limit: 1000,
        }
    }
}

impl Query {
    /// Whether the query asks for `event`, its number aside.
    pub(super) fn matches(&self, event: &Event) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(event.kind()))
            && self.correlation.as_deref().is_none_or(|part| event.correlation() == Some(part))
            && self.since.is_none_or(|since| event.at() >= since)
            && self.before.is_none_or(|before| event.at() < before)
    }
}
