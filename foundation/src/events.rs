//! What happened, in order: a bounded event store in memory.
//!
//! Owns events, their retention and the queries over them. Promises numbers without gaps, the same
//! order for every reader, a bound on count and bytes, and that a reader who asks for evicted events
//! is told so. An event is in the store when [`EventStore::append`] returns; it does not outlive the
//! process. Leaves the meaning of kinds and payloads to the caller.
//!
//! An append takes one lock and, with a payload that is already written and while nobody waits,
//! allocates nothing beyond the growth of the store.

use std::convert::Infallible;

use thiserror::Error;

use crate::clock::Clock;
use crate::log::{Log, Retention, Sequence, Start, Subscription, Turn};

mod event;
mod limits;
mod query;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use event::{Event, Kind, NewEvent, PayloadError};
pub use limits::Limits;
pub use query::{Page, Query};

/// How many events a query looks at before it lets writers go on.
const CHUNK: usize = 256;

/// A bounded store of events. Clones share it.
///
/// ```
/// use foundation::events::{EventStore, Limits, NewEvent, Query};
/// use foundation::log::Start;
///
/// let store = EventStore::new(Limits::default());
/// let mut live = store.subscribe(Start::Next);
/// let number = store.append(NewEvent::new("agent.started").payload(&("worker", 7))?)?;
///
/// let page = store.query(&Query { from: Some(number), ..Query::default() });
/// assert_eq!(page.events[0].payload::<(&str, u32)>()?, ("worker", 7));
/// assert_eq!(live.try_next()?.as_ref(), page.events.first());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct EventStore {
    log: Log<Event>,
    clock: Clock,
    limits: Limits,
}

/// Why an event was refused. Gives the event back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
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

impl EventStore {
    /// An empty store on the system's clock.
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, Clock::system())
    }

    /// An empty store whose events are stamped by `clock`.
    pub fn with_clock(limits: Limits, clock: Clock) -> Self {
        let retention = Retention {
            max_entries: limits.max_events,
            max_bytes: limits.max_bytes,
            only_while_subscribed: false,
        };
        Self { log: Log::with_sizes(retention, Event::bytes), clock, limits }
    }

    /// Appends `event` and returns its number.
    ///
    /// The event is stamped before it takes its turn: numbers are the order, times may differ from
    /// it by the length of a race, and by any length where the system's clock is set.
    pub fn append(&self, event: NewEvent) -> Result<Sequence, AppendError> {
        let event = self.checked(event)?;
        let at = self.clock.now();
        let step = |turn: Turn| Ok::<_, Infallible>(Some(Event::new(turn.sequence, at, event)));
        let Ok((sequence, aftermath)) = self.log.append_with(step);
        drop(aftermath);
        Ok(sequence)
    }

    /// The events that `query` asks for, among those that were appended before the call.
    ///
    /// Looks at every kept event in the asked-for range until the limit is reached, 256 at a time
    /// between which writers go on.
    pub fn query(&self, query: &Query) -> Page {
        let end = self.log.next_sequence();
        let until = query.until.map_or(end, |until| until.min(end));
        let mut at = query.from.unwrap_or_else(|| self.log.first_kept());
        let limit = query.limit.max(1);
        let mut events = Vec::new();
        let mut evicted = 0;
        loop {
            let room = limit - events.len();
            let matches = |event: &Event| query.matches(event);
            let scan = self.log.scan((at, until), CHUNK, room, matches, &mut events);
            // What was evicted within the range since the last chunk, or before the first.
            let resumed = scan.first_kept.min(until);
            evicted += resumed.get().saturating_sub(at.get());
            at = scan.stopped_at;
            if at >= until || events.len() == limit {
                let next = (at < until).then_some(at);
                return Page { events, next, first_kept: scan.first_kept, evicted };
            }
        }
    }

    /// A reader of events that begins at `start` and is told of what it missed.
    pub fn subscribe(&self, start: Start) -> Subscription<Event> {
        self.log.subscribe(start)
    }

    /// The number that the next event gets.
    pub fn next_sequence(&self) -> Sequence {
        self.log.next_sequence()
    }

    /// The limits given when the store was made.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    fn checked(&self, event: NewEvent) -> Result<NewEvent, AppendError> {
        let bytes = event.kind().as_str().len();
        if bytes == 0 {
            return Err(AppendError::EmptyKind { event });
        }
        let limit = self.limits.max_kind_bytes;
        if bytes > limit {
            return Err(AppendError::Kind { event, bytes, limit });
        }
        let (bytes, limit) = (event.payload_json().len(), self.limits.max_payload_bytes);
        if bytes > limit {
            return Err(AppendError::Payload { event, bytes, limit });
        }
        Ok(event)
    }
}

impl Default for EventStore {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}
