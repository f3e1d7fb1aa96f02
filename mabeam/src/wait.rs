//! What senders and callers wait for: a place in a mailbox, and a deadline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::futures::Notified;
use tokio::time::{Instant, Sleep};

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
    }
}

/// Why there is no place.
pub(crate) enum Refused {
    Full,
    Ended,
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
        let (mut freed, is_patient) = (this.freed, *this.is_patient);
        loop {
            // Whoever waits takes part only when it is its turn, and uses its wake-up up: the next
            // one is not woken for the same place.
            if let Some(turn) = freed.as_mut().as_pin_mut() {
                ready!(turn.poll(context));
                freed.set(None);
            }
            if let Some(entered) = look(cell, is_patient) {
                return Poll::Ready(entered);
            }
            // Asks for the news before it looks once more.
            freed.set(Some(cell.room.freed()));
            if let Some(turn) = freed.as_mut().as_pin_mut() {
                turn.enable();
                cell.room.announce();
            }
            if let Some(entered) = look(cell, is_patient) {
                freed.set(None);
                return Poll::Ready(entered);
            }
        }
    }

    /// Waits no more: whoever is next is woken instead.
    pub(crate) fn leave(self: Pin<&mut Self>) {
        self.project().freed.set(None);
    }
}

/// Takes a place for a message, as [`Room::enter`](crate::kernel::room::Room::enter).
#[inline]
pub(crate) fn enter<A: Agent>(cell: &Cell<A>) -> Result<bool, Refused> {
    match cell.room.enter() {
        Some(has_place) => Ok(has_place),
        // An agent that has ended gives no places back.
        None if cell.is_closed() => Err(Refused::Ended),
        None => Err(Refused::Full),
    }
}

/// The same; `None` if a place is to be waited for.
fn look<A: Agent>(cell: &Cell<A>, is_patient: bool) -> Option<Result<bool, Refused>> {
    match enter(cell) {
        Err(Refused::Full) if is_patient || cell.room.lets_wait() => None,
        entered => Some(entered),
    }
}

impl Refused {
    /// The same to whoever sent `message`.
    pub(crate) fn error<A: Agent, M>(self, agent: &AgentRef<A>, message: M) -> CastError<M> {
        match self {
            Self::Full => agent.full(message),
            Self::Ended => agent.ended(message),
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
