//! What happened, in order: a bounded event store in memory, and the same on a file.
//!
//! Owns events, their names ([`EventId`]), their retention and the queries over them. Promises
//! numbers without gaps, the same order for every reader, a bound on count, bytes and, if asked for,
//! age, and that a reader who asks for evicted events is told so. Leaves the meaning of kinds,
//! correlations and payloads to the caller.
//!
//! | store | an event is in it | appends a second |
//! |---|---|---|
//! | [`EventStore`] | when `append` returns; not after the process | millions |
//! | `DurableEventStore` (feature `sqlite`) | when its ticket is answered; after the process, too | as many as are on their way when the disk syncs |
//!
//! An append in memory takes one lock (two if there is a greatest age) and, with a payload that is
//! already written and while nobody waits, allocates nothing beyond the growth of the store.

use std::convert::Infallible;
use std::sync::Arc;

use crate::clock::Clock;
use crate::log::{Log, Retention, Sequence, Start, Subscription, Turn};

#[cfg(feature = "sqlite")]
mod durable;
mod error;
mod event;
mod id;
mod limits;
mod query;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

#[cfg(feature = "sqlite")]
pub use durable::{
    DurableAppendError, DurableEventStore, DurableLimits, DurableNextError, DurableSubscription,
};
pub use error::AppendError;
pub use event::{Event, Kind, NewEvent, PayloadError};
pub use id::{EventId, ParseIdError};
pub use limits::Limits;
pub use query::{Page, Query};

use id::Ids;

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
    ids: Arc<Ids>,
    clock: Clock,
    limits: Limits,
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
        let log = Log::with_sizes(retention, Event::bytes);
        Self { log, ids: Arc::new(Ids::after(0)), clock, limits }
    }

    /// Appends `event` and returns its number.
    ///
    /// The event is stamped before it takes its turn: numbers are the order, times may differ from
    /// it by the length of a race, and by any length where the system's clock is set.
    pub fn append(&self, event: NewEvent) -> Result<Sequence, AppendError> {
        let event = error::checked(event, &self.limits)?;
        let at = self.clock.now();
        let step = |Turn { sequence, .. }: Turn| {
            let id = self.ids.next(sequence, at);
            Ok::<_, Infallible>(Some(Event::new(sequence, at, id, event)))
        };
        let Ok((sequence, aftermath)) = self.log.append_with(step);
        drop(aftermath);
        self.expire();
        Ok(sequence)
    }

    /// The events that `query` asks for, among those that were appended before the call.
    ///
    /// Looks at every kept event in the asked-for range until the limit is reached, 256 at a time
    /// between which writers go on.
    pub fn query(&self, query: &Query) -> Page {
        self.expire();
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
    ///
    /// What is too old is evicted when somebody appends, queries or subscribes; a reader may still
    /// get it until then.
    pub fn subscribe(&self, start: Start) -> Subscription<Event> {
        self.expire();
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

    /// Evicts what is too old.
    fn expire(&self) {
        if self.limits.max_age.is_some() {
            let cutoff = self.limits.cutoff(self.clock.now());
            self.log.evict_while(|event| event.at() < cutoff);
        }
    }
}

impl Default for EventStore {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}
