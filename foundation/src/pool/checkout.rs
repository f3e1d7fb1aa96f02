//! One caller's way to a connection: a slot, then what is in it, or a new connection.
//!
//! Owns the deadline and the answer to which step it ended. Every step is a future that can be
//! dropped: the place in the queue, the slot and a half-checked connection each clean up after
//! themselves.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::shared::{Shared, State};
use super::slot::Slot;
use super::status::tally;
use super::{Connect, GetError, Phase};

/// Longer than any program waits, and short enough to be added to any instant.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// One call of `get`.
pub(super) struct Checkout<'a, C: Connect> {
    shared: &'a Arc<Shared<C>>,
    within: Duration,
    deadline: Instant,
}

/// What ended a step before it was done.
#[derive(Clone, Copy)]
enum Cut {
    Closed,
    Late,
}

impl<'a, C: Connect> Checkout<'a, C> {
    pub(super) fn new(shared: &'a Arc<Shared<C>>, within: Duration) -> Self {
        Self { shared, within, deadline: later(Instant::now(), within) }
    }

    /// A slot with a connection that is fit for use.
    pub(super) async fn run(&self) -> Result<Slot<C>, GetError<C::Error>> {
        self.open()?;
        let slot = match self.shared.try_slot().await {
            Some(slot) => slot,
            None => self.wait().await?,
        };
        self.ready(slot).await
    }

    /// The same without the queue: `None` if every slot is taken or promised.
    pub(super) async fn run_at_once(&self) -> Result<Option<Slot<C>>, GetError<C::Error>> {
        self.open()?;
        match self.shared.try_slot().await {
            Some(slot) => self.ready(slot).await.map(Some),
            None => Ok(None),
        }
    }

    fn open(&self) -> Result<(), GetError<C::Error>> {
        if self.shared.is_closed() { Err(GetError::Closed) } else { Ok(()) }
    }

    /// Puts a connection that is fit for use into the slot.
    async fn ready(&self, mut slot: Slot<C>) -> Result<Slot<C>, GetError<C::Error>> {
        // The pool counts the slot by now: if it is closed, its end waits for this one.
        self.open()?;
        if !self.reuse(&mut slot).await? {
            slot.clear();
            self.connect(&mut slot).await?;
        }
        // What was done counts even if the pool was closed before this poll, but is not handed out:
        // the slot closes it.
        self.open()?;
        Ok(slot)
    }

    /// Waits in the queue for a slot.
    async fn wait(&self) -> Result<Slot<C>, GetError<C::Error>> {
        let Some(_place) = self.shared.queue() else {
            tally(&self.shared.books.rejected);
            let status = self.shared.status();
            let limit = self.shared.settings.max_waiting;
            let (in_use, waiting) = (status.in_use, status.waiting);
            return Err(GetError::Exhausted { in_use, waiting, limit });
        };
        match self.until(self.deadline, self.shared.slots.get()).await {
            Ok(Ok(object)) => Ok(Slot::new(self.shared, object)),
            // Slots are made without fail; the only error that deadpool has left is its own close.
            Ok(Err(_)) => Err(GetError::Closed),
            Err(cut) => Err(self.failed(Phase::Waiting, cut)),
        }
    }

    /// Whether the slot holds a connection that may be handed out.
    async fn reuse(&self, slot: &mut Slot<C>) -> Result<bool, GetError<C::Error>> {
        let Shared { connect, settings, books, .. } = &**self.shared;
        let Some(live) = slot.live_mut() else {
            return Ok(false);
        };
        let now = Instant::now();
        if live.is_expired(settings, now) {
            tally(&books.expired);
            return Ok(false);
        }
        let limit = later(now, settings.check_timeout);
        let check = connect.check(&mut live.connection);
        let error = match self.until(limit.min(self.deadline), check).await {
            Ok(Ok(())) => {
                slot.fit = true;
                return Ok(true);
            }
            Ok(Err(error)) => Some(error),
            Err(Cut::Late) if limit < self.deadline => None,
            Err(cut) => return Err(self.failed(Phase::Checking, cut)),
        };
        tally(&books.failed_checks);
        connect.check_failed(error);
        Ok(false)
    }

    /// Puts a new connection into the slot.
    async fn connect(&self, slot: &mut Slot<C>) -> Result<(), GetError<C::Error>> {
        let mut attempts = 0;
        loop {
            let connect = self.shared.connect.connect();
            attempts += 1;
            match self.until(self.deadline, connect).await {
                Ok(Ok(connection)) => {
                    slot.fill(connection);
                    return Ok(());
                }
                Ok(Err(source)) => {
                    tally(&self.shared.books.failed_connects);
                    if attempts >= self.shared.settings.connect_attempts {
                        return Err(GetError::Connect { attempts, source });
                    }
                }
                Err(cut) => return Err(self.failed(Phase::Connecting, cut)),
            }
        }
    }

    /// Runs `work` until it is done, the pool is closed or `limit` has come. What is done counts,
    /// even if it is done late.
    async fn until<T>(&self, limit: Instant, work: impl Future<Output = T>) -> Result<T, Cut> {
        let mut work = pin!(timeout_at(limit, work));
        let mut closing = pin!(self.shared.reached(State::Closing));
        poll_fn(|context| match work.as_mut().poll(context) {
            Poll::Ready(done) => Poll::Ready(done.map_err(|_| Cut::Late)),
            Poll::Pending => closing.as_mut().poll(context).map(|()| Err(Cut::Closed)),
        })
        .await
    }

    fn failed(&self, phase: Phase, cut: Cut) -> GetError<C::Error> {
        match cut {
            Cut::Closed => GetError::Closed,
            Cut::Late => {
                tally(&self.shared.books.timeouts);
                let status = self.shared.status();
                let (in_use, waiting) = (status.in_use, status.waiting);
                GetError::Timeout { phase, within: self.within, in_use, waiting }
            }
        }
    }
}

/// The instant `delay` after `begin`.
pub(super) fn later(begin: Instant, delay: Duration) -> Instant {
    begin + delay.min(FOREVER)
}
