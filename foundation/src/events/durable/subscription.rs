//! Reading events in order from the file, and then as they are committed.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll, ready};
use std::time::Instant;
use std::vec;

use thiserror::Error;

use super::pages::Pages;
use crate::events::{Event, Page, Query};
use crate::log::{self, Lagged, Log, NextError, Sequence, Start};
use crate::park::until;
use crate::sqlite::DatabaseError;

/// How many events are read from the file at once.
const PAGE: usize = 256;

/// A reader of a durable store's events, with a position of its own.
///
/// Every subscription sees the same events in the same order, each once, and only what is committed.
/// What is no longer in memory is read from the file; what is no longer in the file was missed, and
/// the subscription is told how much, once for each gap. A subscription keeps at most 256 events in
/// memory and holds up no writer.
pub struct DurableSubscription {
    pages: Pages,
    /// Where committed events are published; gone once the store is closed.
    live: Weak<Log<Event>>,
    /// The number of the next event.
    cursor: Sequence,
    /// Whether the subscription begins with whatever is the oldest, and has not begun yet.
    from_oldest: bool,
    source: Source,
}

/// Where the next event comes from.
enum Source {
    /// A page of the file; when it ends, from memory if it is there.
    Page(vec::IntoIter<Event>),
    /// The file, which is being read; whether the store was closed when that began, so that an empty
    /// page is the end.
    Reading(Reading, bool),
    /// Memory: `cursor` is the position of this subscription.
    Live(log::Subscription<Event>),
}

type Reading = Pin<Box<dyn Future<Output = Result<Page, DatabaseError>> + Send>>;

/// Why there is no next event.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DurableNextError {
    /// Events were evicted before they were read. Reading goes on with the next call.
    #[error(transparent)]
    Lagged(#[from] Lagged),
    /// The store is closed and everything in it was read. This is final.
    #[error("the store is closed and everything in it was read")]
    Closed,
    /// The file could not be read. The next call tries again.
    #[error(transparent)]
    Database(#[from] DatabaseError),
}

impl DurableSubscription {
    pub(super) fn new(pages: Pages, live: Weak<Log<Event>>, start: Start) -> Self {
        let cursor = match start {
            Start::Next => {
                live.upgrade().map_or(Sequence::new(u64::MAX), |log| log.next_sequence())
            }
            Start::Oldest => Sequence::FIRST,
            Start::At(sequence) => sequence,
        };
        let source = Source::Page(Vec::new().into_iter());
        Self { pages, live, cursor, from_oldest: start == Start::Oldest, source }
    }

    /// The number of the event that the next read tries.
    pub fn position(&self) -> Sequence {
        self.cursor
    }

    /// Waits for the next event.
    ///
    /// Cancel-safe: an event is taken only in the poll that returns it, and a page that is being
    /// read is kept. Needs no particular runtime.
    pub async fn next(&mut self) -> Result<Event, DurableNextError> {
        poll_fn(|context| self.poll_next(context)).await
    }

    /// Waits on this thread for the next event, until `deadline` at the latest; `Ok(None)` says that
    /// it passed. For plain threads; a task uses [`next`](Self::next).
    pub fn next_blocking(&mut self, deadline: Instant) -> Result<Option<Event>, DurableNextError> {
        until(deadline, self.next()).transpose()
    }

    /// The next event, or registers the task to be woken once there may be one.
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Event, DurableNextError>> {
        loop {
            match &mut self.source {
                Source::Page(events) => match events.next() {
                    Some(event) => return Poll::Ready(Ok(self.take(event))),
                    None => self.source = self.after_page(),
                },
                Source::Live(live) => match ready!(live.poll_next(context)) {
                    Ok(event) => return Poll::Ready(Ok(self.take(event))),
                    Err(NextError::Lagged(_)) => self.source = self.reading(false),
                    Err(NextError::Closed) => return Poll::Ready(Err(DurableNextError::Closed)),
                },
                Source::Reading(page, closed) => {
                    let closed = *closed;
                    let page = ready!(page.as_mut().poll(context));
                    self.source = Source::Page(Vec::new().into_iter());
                    self.turn_to(page?, closed)?;
                }
            }
        }
    }

    fn take(&mut self, event: Event) -> Event {
        self.cursor = Sequence::new(event.sequence().get() + 1);
        self.from_oldest = false;
        event
    }

    /// The newest events are in memory, unless the store is closed.
    fn after_page(&self) -> Source {
        match self.live.upgrade() {
            Some(log) => Source::Live(log.subscribe(Start::At(self.cursor))),
            None => self.reading(true),
        }
    }

    fn reading(&self, closed: bool) -> Source {
        let pages = self.pages.clone();
        let query = Query { from: Some(self.cursor), limit: PAGE, ..Query::default() };
        Source::Reading(Box::pin(async move { pages.read(query).await }), closed)
    }

    /// Goes on with `page`, which was asked for at the cursor.
    fn turn_to(&mut self, page: Page, closed: bool) -> Result<(), DurableNextError> {
        let missed = page.first_kept.get().saturating_sub(self.cursor.get());
        self.cursor = self.cursor.max(page.first_kept);
        let ended = closed && page.events.is_empty();
        self.source = Source::Page(page.events.into_iter());
        if missed > 0 && !std::mem::take(&mut self.from_oldest) {
            return Err(Lagged { missed, resumes_at: self.cursor }.into());
        }
        if ended { Err(DurableNextError::Closed) } else { Ok(()) }
    }
}

impl fmt::Debug for DurableSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableSubscription")
            .field("position", &self.cursor)
            .finish_non_exhaustive()
    }
}
