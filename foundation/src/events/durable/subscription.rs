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
use crate::clock::Timestamp;
use crate::events::{Event, Page, Query};
use crate::log::{self, Lagged, Log, NextError, Sequence, Start};
use crate::park::until;
use crate::sqlite::{DatabaseError, Ticket};

/// How many events are read from the file at once.
const PAGE: usize = 256;

/// A reader of a durable store's events, with a position of its own.
///
/// Every subscription sees the same events in the same order, each once, and only what is committed.
/// What is no longer in memory is read from the file; what is no longer in the file was missed, and
/// the subscription is told how much, once for each gap. What is too old counts as missed, too. A
/// subscription keeps at most 256 events in memory, which it hands out although they were evicted
/// since, and holds up no writer.
pub struct DurableSubscription {
    pages: Pages,
    /// Where committed events are published; gone once the store is closed.
    live: Weak<Log<Event>>,
    /// The number of the next event.
    cursor: Sequence,
    /// Whether the subscription begins with whatever is the oldest, and has not begun yet: it has
    /// neither read a page nor waited for the next event.
    from_oldest: bool,
    source: Source,
}

/// Where the next event comes from.
enum Source {
    /// A page of the file; when it ends, from memory if it is there. What was too old when it was
    /// read, before the given moment, is in it because an event before it holds it back.
    Page(vec::IntoIter<Event>, Timestamp),
    /// The file, once there is room to read it. This owns a place in the queue: it must not outlive
    /// the wait.
    Queueing(Queueing, Asked),
    /// The file, which is being read.
    Reading(Ticket<Page>, Asked),
    /// Memory: `cursor` is the position of this subscription.
    Live(log::Subscription<Event>),
}

type Queueing = Pin<Box<dyn Future<Output = Result<Ticket<Page>, DatabaseError>> + Send>>;

/// What was the case when a page was asked for.
#[derive(Clone, Copy)]
struct Asked {
    /// Whether the store was closed, so that an empty page is the end.
    closed: bool,
    /// What was stamped before this was too old.
    cutoff: Timestamp,
}

/// A wait for the next event. Given up, it leaves the line before the file.
struct Wait<'a>(&'a mut DurableSubscription);

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
        let source = Source::nothing();
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
        let wait = Wait(self);
        poll_fn(|context| wait.0.poll_next(context)).await
    }

    /// Waits on this thread for the next event, until `deadline` at the latest; `Ok(None)` says that
    /// it passed. For plain threads; a task uses [`next`](Self::next).
    pub fn next_blocking(&mut self, deadline: Instant) -> Result<Option<Event>, DurableNextError> {
        let next = until(deadline, self.next());
        if let (None, Source::Live(live)) = (&next, &self.source) {
            live.unpark();
        }
        next.transpose()
    }

    /// How many events were committed that this subscription has not read, evicted ones included;
    /// `None` once the store is closed.
    pub fn lag(&self) -> Option<u64> {
        let log = self.live.upgrade()?;
        Some(log.next_sequence().get().saturating_sub(self.cursor.get()))
    }

    /// The next event, or registers the task to be woken once there may be one.
    ///
    /// Whoever gives up after [`Poll::Pending`] should drop the subscription: it may stand in line to
    /// read the file. [`next`](Self::next) leaves the line by itself.
    pub fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Event, DurableNextError>> {
        loop {
            match &mut self.source {
                Source::Page(events, checked) => match events.next() {
                    Some(event) => {
                        let checked = *checked;
                        if let Some(event) = self.take(event, checked) {
                            return Poll::Ready(Ok(event));
                        }
                    }
                    None => self.source = self.after_page(),
                },
                Source::Live(live) => match live.poll_next(context) {
                    Poll::Ready(Ok(event)) => {
                        if let Some(event) = self.take(event, Timestamp::default()) {
                            return Poll::Ready(Ok(event));
                        }
                    }
                    Poll::Ready(Err(NextError::Lagged(_))) => self.source = self.reading(),
                    Poll::Ready(Err(NextError::Closed)) => {
                        return Poll::Ready(Err(DurableNextError::Closed));
                    }
                    Poll::Pending => {
                        self.from_oldest = false;
                        return Poll::Pending;
                    }
                },
                Source::Queueing(queueing, asked) => {
                    let (ticket, asked) = (ready!(queueing.as_mut().poll(context)), *asked);
                    self.source = Source::nothing();
                    self.source = Source::Reading(ticket?, asked);
                }
                Source::Reading(ticket, asked) => {
                    let (page, asked) = (ready!(Pin::new(ticket).poll(context)), *asked);
                    self.source = Source::nothing();
                    self.turn_to(page?, asked)?;
                }
            }
        }
    }

    /// The event at the cursor, which moves behind it; `None` if it became too old since `checked`:
    /// the file says then whether it is still kept.
    fn take(&mut self, event: Event, checked: Timestamp) -> Option<Event> {
        if (checked..self.pages.cutoff()).contains(&event.at()) {
            self.source = self.reading();
            return None;
        }
        self.cursor = Sequence::new(event.sequence().get() + 1);
        self.from_oldest = false;
        Some(event)
    }

    /// The newest events are in memory, unless the store is closed.
    fn after_page(&self) -> Source {
        match self.live.upgrade() {
            Some(log) => Source::Live(log.subscribe(Start::At(self.cursor))),
            None => self.reading(),
        }
    }

    fn reading(&self) -> Source {
        let asked = Asked { closed: self.live.strong_count() == 0, cutoff: self.pages.cutoff() };
        let pages = self.pages.clone();
        let query = Query { from: Some(self.cursor), limit: PAGE, ..Query::default() };
        Source::Queueing(Box::pin(async move { pages.read(query, asked.cutoff).await }), asked)
    }

    /// Goes on with `page`, which was asked for at the cursor.
    fn turn_to(&mut self, page: Page, asked: Asked) -> Result<(), DurableNextError> {
        let missed = page.first_kept.get().saturating_sub(self.cursor.get());
        self.cursor = self.cursor.max(page.first_kept);
        let ended = asked.closed && page.events.is_empty();
        self.source = Source::Page(page.events.into_iter(), asked.cutoff);
        if !std::mem::take(&mut self.from_oldest) && missed > 0 {
            return Err(Lagged { missed, resumes_at: self.cursor }.into());
        }
        if ended { Err(DurableNextError::Closed) } else { Ok(()) }
    }
}

impl Source {
    /// An empty page: the next look decides.
    fn nothing() -> Self {
        Self::Page(Vec::new().into_iter(), Timestamp::default())
    }
}

impl Drop for Wait<'_> {
    fn drop(&mut self) {
        if matches!(self.0.source, Source::Queueing(..)) {
            self.0.source = Source::nothing();
        }
    }
}

impl fmt::Debug for DurableSubscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DurableSubscription")
            .field("position", &self.cursor)
            .finish_non_exhaustive()
    }
}
