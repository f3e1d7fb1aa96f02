//! What senders and callers wait for: a place in a mailbox, and a deadline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, Sleep};

use crate::kernel::backlog::Backlog;
use crate::kernel::cell::Cell;
use crate::system::Shared;
use crate::{Agent, AgentRef, CastError};

/// Longer than any wait; the clock cannot count much further.
pub(crate) const FAR: Duration = Duration::from_secs(30 * 365 * 24 * 3600);

pin_project! {
    /// The wait for a place. Those who wait are woken in the order in which they began to; one that is
    /// dropped after it was woken wakes the next.
    #[derive(Default)]
    pub(crate) struct Place<'a> {
        // While there is none: the place among those who wait.
        #[pin]
        freed: Option<Notified<'a>>,
        // Waits also where others who find no place are told so.
        is_patient: bool,
        // A backlog, which alone knows whether a message needs a place, has refused it.
        was_refused: bool,
    }
}

/// Why there is no place.
#[derive(Clone, Copy)]
pub(crate) enum Refused {
    Full,
    Ended,
    /// The message has more bytes than may still wait.
    TooLarge {
        bytes: usize,
    },
}

pin_project! {
    /// A deadline that costs nothing until it has to be waited for.
    pub(crate) struct Deadline {
        after: Duration,
        ends: Option<Instant>,
        #[pin]
        timer: Option<Sleep>,
        // The runtime has ended, and with it the timer.
        has_no_timer: bool,
    }
}

impl<'a> Place<'a> {
    /// For one who waits whatever the mailbox lets its senders do.
    pub(crate) fn patient() -> Self {
        Self { is_patient: true, ..Self::default() }
    }

    /// Takes a place, as [`enter`]; waits for one if the mailbox lets its senders wait.
    pub(crate) fn poll_enter<A: Agent>(
        self: Pin<&mut Self>,
        cell: &'a Cell<A>,
        context: &mut Context<'_>,
    ) -> Poll<Result<bool, Refused>> {
        let this = self.project();
        let (mut freed, is_patient, was_refused) =
            (this.freed, *this.is_patient, *this.was_refused);
        loop {
            // Whoever waits takes part only when it is its turn, and uses its wake-up up: the next
            // one is not woken for the same place.
            if let Some(turn) = freed.as_mut().as_pin_mut() {
                ready!(turn.poll(context));
                freed.set(None);
            }
            if let Some(entered) = look(cell, is_patient, was_refused) {
                return Poll::Ready(entered);
            }
            // Asks for the news before it looks once more.
            freed.set(Some(cell.room.freed()));
            if let Some(turn) = freed.as_mut().as_pin_mut() {
                turn.enable();
                cell.room.announce();
            }
            if let Some(entered) = look(cell, is_patient, was_refused) {
                freed.set(None);
                return Poll::Ready(entered);
            }
        }
    }

    /// A backlog was full for what had [entered](Self::poll_enter): `true` if that is to wait for a place
    /// and to be left once more.
    pub(crate) fn is_to_wait<A: Agent>(self: Pin<&mut Self>, cell: &Cell<A>) -> bool {
        let this = self.project();
        *this.was_refused = true;
        *this.is_patient || cell.room.lets_wait()
    }

    /// Waits no more: whoever is next is woken instead.
    pub(crate) fn leave(self: Pin<&mut Self>) {
        self.project().freed.set(None);
    }
}

/// Takes a place for a message, as [`Room::enter`](crate::kernel::room::Room::enter).
#[inline]
pub(crate) fn enter<A: Agent>(cell: &Cell<A>) -> Result<bool, Refused> {
    match cell.enter_room() {
        Some(has_place) => Ok(has_place),
        // An agent that has ended gives no places back.
        None if cell.is_closed() || cell.room.is_shut() => Err(Refused::Ended),
        None => Err(Refused::Full),
    }
}

/// The same; `None` if a place is to be waited for.
fn look<A: Agent>(
    cell: &Cell<A>,
    is_patient: bool,
    was_refused: bool,
) -> Option<Result<bool, Refused>> {
    let is_full = || cell.backlog().is_some_and(Backlog::is_full);
    if was_refused && !cell.room.is_shut() && is_full() {
        return None;
    }
    match enter(cell) {
        Err(Refused::Full) if is_patient || cell.room.lets_wait() => None,
        entered => Some(entered),
    }
}

impl Refused {
    /// The same to whoever sent `message`.
    pub(crate) fn error<A: Agent, M>(self, agent: &AgentRef<A>, message: M) -> CastError<M> {
        self.at(&agent.cell, message)
    }

    /// The same to whoever sent `message` to the agent in this cell.
    pub(crate) fn at<A: Agent, M>(self, cell: &Cell<A>, message: M) -> CastError<M> {
        let agent = cell.id;
        match self {
            Self::Full => CastError::Full { message, agent, limit: cell.limit() },
            Self::Ended => CastError::Ended { message, agent, reason: cell.why_closed() },
            Self::TooLarge { bytes } => {
                let limit = cell.backlog().map_or(usize::MAX, Backlog::limit_bytes);
                CastError::TooLarge { message, agent, bytes, limit }
            }
        }
    }
}

impl Deadline {
    /// One that is so long after it is begun.
    pub(crate) const fn new(after: Duration) -> Self {
        Self { after, ends: None, timer: None, has_no_timer: false }
    }

    pub(crate) const fn after(&self) -> Duration {
        self.after
    }

    /// Begins it, if it was not begun, and says when it will have passed.
    pub(crate) fn begin(self: Pin<&mut Self>) -> Instant {
        let this = self.project();
        *this.ends.get_or_insert_with(|| Instant::now() + (*this.after).min(FAR))
    }

    /// Ready when it has passed.
    #[expect(clippy::disallowed_methods, reason = "a deadline is the event that is waited for")]
    pub(crate) fn poll(
        mut self: Pin<&mut Self>,
        system: &Shared,
        context: &mut Context<'_>,
    ) -> Poll<()> {
        // With its runtime every agent ends, and fails whoever waits for it. There is no timer any
        // more, and tokio panics at whoever polls one.
        let ends = self.as_mut().begin();
        let mut this = self.project();
        if *this.has_no_timer || system.queue.has_ended() {
            return if Instant::now() >= ends { Poll::Ready(()) } else { Poll::Pending };
        }
        // It may end this very moment.
        let poll = AssertUnwindSafe(|| {
            if this.timer.is_none() {
                let _runtime = system.runtime.enter();
                this.timer.set(Some(tokio::time::sleep_until(ends)));
            }
            this.timer.as_mut().as_pin_mut().map_or(Poll::Pending, |timer| timer.poll(context))
        });
        catch_unwind(poll).unwrap_or_else(|_| {
            *this.has_no_timer = true;
            Poll::Pending
        })
    }
}
