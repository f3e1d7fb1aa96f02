//! Events that outlive the process: the same store on an `SQLite` file.
//!
//! Owns the file's tables, retention in it, and reading it. What it promises beyond the store in
//! memory: an event whose ticket was answered is in the file for good, is seen by queries and
//! subscribers only then, and numbers go on without a gap when the file is opened again, even if
//! everything was evicted. Leaves threads, transactions and locks to [`crate::sqlite`].
//!
//! Appends of any number of threads and tasks share commits, so what counts is how many of them are
//! on their way: one who waits for each ticket pays a sync to disk an event, one who appends on and
//! looks at the tickets later pays a fraction of it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::Instant;

use thiserror::Error;

use super::error::checked;
use super::{AppendError, Event, Limits, NewEvent, Page, Query};
use crate::clock::Clock;
use crate::log::{Log, Retention, Sequence, Start};
use crate::park::until;
use crate::sqlite::{
    DatabaseError, DatabaseLimits, File, OpenError, Readers, SubmitError, Ticket, Writer,
};

mod format;
mod ledger;
mod pages;
mod subscription;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use subscription::{DurableNextError, DurableSubscription};

use format::FORMAT;
use ledger::{Ledger, Stamped};
use pages::Pages;

/// A bounded store of events in a file. Clones share it; the last one to go ends its threads, once
/// what was appended is written.
///
/// One store at a time has the file open. Anybody may look into it meanwhile, with times and ids as
/// text: `sqlite3 -readonly events.db 'SELECT * FROM readable ORDER BY sequence DESC LIMIT 20'`.
///
/// ```
/// use std::time::{Duration, Instant};
/// use foundation::events::{DurableEventStore, DurableLimits, NewEvent, Query};
/// use foundation::log::{Sequence, Start};
///
/// # let directory = tempfile::tempdir()?;
/// # let path = directory.path().join("events.db");
/// let deadline = Instant::now() + Duration::from_secs(30);
/// let store = DurableEventStore::open(&path, DurableLimits::default())?;
/// let mut first = store.append(NewEvent::new("run.started").correlation("run 7"))?;
/// let started = first.wait(deadline)?; // or: first.await?
/// let ended = NewEvent::new("run.ended").correlation("run 7").causation(started.id());
/// store.append(ended)?.wait(deadline)?;
/// store.close_blocking(deadline)?;
///
/// let store = DurableEventStore::open(&path, DurableLimits::default())?;
/// let run = Query { correlation: Some("run 7".into()), ..Query::default() };
/// let page = store.query_blocking(run, deadline)?;
/// assert_eq!(page.events[1].causation(), Some(page.events[0].id()));
/// let mut all = store.subscribe(Start::At(Sequence::FIRST));
/// assert_eq!(all.next_blocking(deadline)?, Some(started));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct DurableEventStore {
    writer: Writer<Ledger>,
    pages: Pages,
    /// Where the writer publishes. Its only owner is the writer's thread, so that subscribers see
    /// the end when that ends.
    live: Weak<Log<Event>>,
    path: Arc<PathBuf>,
    limits: DurableLimits,
}

/// The bounds of a durable event store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DurableLimits {
    /// What is kept in the file, and how large an event may be. Bytes are those of the events, as
    /// [`Event::bytes`] counts them, not of the file, which takes up to three times as much with its
    /// indexes and keeps its length when events are evicted. Every commit evicts what is beyond the
    /// limits: at most 1,024 events or four times as many as it brings, and beyond that only until
    /// they have as many bytes as those, so that a file above its limits never grows. Opening evicts
    /// what is too old. No read returns what is too old, whether or not it is evicted.
    pub events: Limits,
    /// At most this many of the newest events are also in memory, for subscribers; 0 counts as 1.
    /// Default 4,096. Whoever is further behind reads the file.
    pub max_live_events: usize,
    /// At most this many bytes of them. Default 16 MiB.
    pub max_live_bytes: usize,
    /// The bounds of the threads and their queues.
    pub database: DatabaseLimits,
}

/// Why an event was not taken. Gives it back.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DurableAppendError {
    /// A part of the event is out of bounds.
    #[error(transparent)]
    Refused(#[from] AppendError),
    /// As many events as may wait for the writer are waiting.
    #[error("{limit} events wait to be written already")]
    Full {
        /// The event.
        event: NewEvent,
        /// [`DatabaseLimits::max_queued`].
        limit: usize,
    },
    /// The store was closed, or its writer has died.
    #[error("the store is closed")]
    Closed {
        /// The event.
        event: NewEvent,
    },
}

impl DurableEventStore {
    /// Opens the store at `path` on the system's clock; makes it if there is none.
    ///
    /// Blocks for as long as the disk takes, also to evict what became too old. Starts one thread that writes and
    /// [`DatabaseLimits::readers`] that read.
    pub fn open(path: impl AsRef<Path>, limits: DurableLimits) -> Result<Self, OpenError> {
        Self::open_with_clock(path, limits, Clock::system())
    }

    /// Opens the store at `path`, whose events are stamped by `clock`.
    pub fn open_with_clock(
        path: impl AsRef<Path>,
        limits: DurableLimits,
        clock: Clock,
    ) -> Result<Self, OpenError> {
        let mut file = File::open(path.as_ref(), &FORMAT, limits.database.busy_timeout)?;
        let retention = Retention {
            max_entries: limits.max_live_events,
            max_bytes: limits.max_live_bytes,
            only_while_subscribed: false,
        };
        let mut live = Weak::new();
        let log = |next| {
            let log = Arc::new(Log::starting_at(next, retention, Event::bytes));
            live = Arc::downgrade(&log);
            log
        };
        let mut ledger = Ledger::read(&file.connection, limits.events, clock.clone(), log)
            .map_err(|error| file.refused(error))?
            .map_err(|problem| OpenError::Damaged { path: file.path.clone(), problem })?;
        if let Err(error) = ledger.expire(&mut file.connection) {
            return Err(file.refused(error));
        }
        let path = Arc::new(file.path.clone());
        let readers = Readers::start(&path, &limits.database)?;
        let writer = Writer::start(file, ledger, &limits.database)?;
        let pages = Pages { readers, clock, limits: limits.events };
        Ok(Self { writer, pages, live, path, limits })
    }

    /// Hands `event` to the writer; never waits. The ticket is answered with the event, its number
    /// and its id, once it is committed and published.
    ///
    /// Events of one thread are numbered in the order of its calls. An event that the database
    /// refuses takes no number.
    pub fn append(&self, event: NewEvent) -> Result<Ticket<Event>, DurableAppendError> {
        Ok(self.writer.submit(self.stamped(event)?)?)
    }

    /// Hands `event` to the writer as soon as there is room.
    ///
    /// Dropping the future drops the event if there was no room yet; otherwise it is written. Room is
    /// given in the order in which it was asked for: a future that is neither polled nor dropped
    /// keeps the place that it was given from the others.
    pub async fn append_when_room(
        &self,
        event: NewEvent,
    ) -> Result<Ticket<Event>, DurableAppendError> {
        Ok(self.writer.submit_when_room(self.stamped(event)?).await?)
    }

    /// Hands `event` to the writer; waits on this thread for room, until `deadline`, then gives up
    /// with [`DurableAppendError::Full`].
    pub fn append_blocking(
        &self,
        event: NewEvent,
        deadline: Instant,
    ) -> Result<Ticket<Event>, DurableAppendError> {
        Ok(self.writer.submit_blocking(self.stamped(event)?, deadline)?)
    }

    /// The events that `query` asks for, among those that were committed before the call. Never
    /// waits for the writer. Dropping the future ends the search. One that is neither
    /// polled nor dropped while it waits for room keeps its place in the queue from the others.
    ///
    /// Numbers, one kind and a correlation are found by an index each, several kinds by one search a
    /// kind. A time costs a walk through the index of times over all that it spans, for each page.
    pub async fn query(&self, query: Query) -> Result<Page, DatabaseError> {
        self.pages.read(query, self.pages.cutoff()).await?.await
    }

    /// [`query`](Self::query) on a plain thread, until `deadline`.
    pub fn query_blocking(&self, query: Query, deadline: Instant) -> Result<Page, DatabaseError> {
        until(deadline, self.query(query)).unwrap_or(Err(DatabaseError::Deadline))
    }

    /// A reader of events that begins at `start`, however long ago that was, and is told of what
    /// was evicted.
    pub fn subscribe(&self, start: Start) -> DurableSubscription {
        DurableSubscription::new(self.pages.clone(), Weak::clone(&self.live), start)
    }

    /// The number of the next event that is committed; `None` once the store is closed.
    pub fn next_sequence(&self) -> Option<Sequence> {
        self.live.upgrade().map(|log| log.next_sequence())
    }

    /// Takes no further events from the first poll on, has those that were taken written, and frees the file, which can be
    /// opened again when this returns. Queries and subscriptions still find what is in it.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// [`close`](Self::close) on a plain thread. [`DatabaseError::Deadline`] says that it goes on; the
    /// store takes no events any more.
    pub fn close_blocking(&self, deadline: Instant) -> Result<(), DatabaseError> {
        until(deadline, self.close()).ok_or(DatabaseError::Deadline)
    }

    /// Where the file is, symbolic links resolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The limits given when the store was opened.
    pub fn limits(&self) -> &DurableLimits {
        &self.limits
    }

    fn stamped(&self, event: NewEvent) -> Result<Stamped, AppendError> {
        let event = checked(event, &self.limits.events)?;
        Ok(Stamped { at: format::storable(self.pages.clock.now()), event })
    }
}

impl Default for DurableLimits {
    fn default() -> Self {
        Self {
            events: Limits::default(),
            max_live_events: 4096,
            max_live_bytes: 16 << 20,
            database: DatabaseLimits::default(),
        }
    }
}

impl From<SubmitError<Stamped>> for DurableAppendError {
    fn from(error: SubmitError<Stamped>) -> Self {
        match error {
            SubmitError::Full { job, limit } => Self::Full { event: job.event, limit },
            SubmitError::Closed { job } => Self::Closed { event: job.event },
        }
    }
}

impl fmt::Debug for DurableEventStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableEventStore").field("path", &self.path).finish_non_exhaustive()
    }
}
