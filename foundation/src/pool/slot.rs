//! A slot: the right to one connection, and the connection in it.
//!
//! Owns what happens at the end of a slot, however it ends: a connection is kept or closed, the
//! right goes to the next in the queue, and the pool is put in order.

use std::convert::Infallible;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool::managed::{Manager, Metrics, Object, RecycleResult};
use tokio::time::Instant;

use super::status::tally;
use super::{Connect, PoolSettings, Shared};

/// A connection and its dates.
pub(super) struct Live<T> {
    pub(super) connection: T,
    born: Instant,
    idle_since: Instant,
}

/// What deadpool manages: slots that begin empty. Making one never waits and never fails, so that
/// deadpool's part of a `get` is its queue and nothing else.
pub(super) struct Slots<T>(PhantomData<fn() -> T>);

/// A slot in the hands of a caller. Dropped, it is given back.
pub(super) struct Slot<C: Connect> {
    shared: Arc<Shared<C>>,
    /// `None` only while the slot is being given back.
    object: Option<Object<Slots<C::Connection>>>,
    /// Whether the connection may be used again. Not while it is being checked: a check that is cut
    /// short leaves a connection that nobody can vouch for.
    pub(super) fit: bool,
}

impl<T> Live<T> {
    pub(super) fn new(connection: T) -> Self {
        let now = Instant::now();
        Self { connection, born: now, idle_since: now }
    }

    /// Whether the connection is too old, or was idle for too long, to be handed out.
    pub(super) fn is_expired(&self, settings: &PoolSettings, now: Instant) -> bool {
        let over = |since: Instant, limit: Option<Duration>| {
            limit.is_some_and(|limit| now.saturating_duration_since(since) >= limit)
        };
        over(self.born, settings.max_lifetime) || over(self.idle_since, settings.idle_timeout)
    }
}

impl<T> Slots<T> {
    pub(super) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T: Send> Manager for Slots<T> {
    type Type = Option<Live<T>>;
    type Error = Infallible;

    async fn create(&self) -> Result<Option<Live<T>>, Infallible> {
        Ok(None)
    }

    async fn recycle(&self, _: &mut Option<Live<T>>, _: &Metrics) -> RecycleResult<Infallible> {
        Ok(())
    }
}

impl<C: Connect> Slot<C> {
    pub(super) fn new(shared: &Arc<Shared<C>>, object: Object<Slots<C::Connection>>) -> Self {
        shared.books.in_use.fetch_add(1, Ordering::Relaxed);
        Self { shared: Arc::clone(shared), object: Some(object), fit: false }
    }

    /// The connection in the slot.
    pub(super) fn live(&self) -> Option<&Live<C::Connection>> {
        self.object.as_deref().and_then(Option::as_ref)
    }

    /// The connection in the slot.
    pub(super) fn live_mut(&mut self) -> Option<&mut Live<C::Connection>> {
        self.object.as_deref_mut().and_then(Option::as_mut)
    }

    /// Puts a new connection into the slot and declares it fit.
    pub(super) fn fill(&mut self, connection: C::Connection) {
        tally(&self.shared.books.created);
        if let Some(object) = &mut self.object {
            **object = Some(Live::new(connection));
        }
        self.fit = true;
    }

    /// Takes the connection out of the slot, for the caller to keep.
    pub(super) fn detach(&mut self) -> Option<C::Connection> {
        let live = self.object.as_deref_mut().and_then(Option::take)?;
        tally(&self.shared.books.closed);
        Some(live.connection)
    }

    /// Closes the connection in the slot, if there is one.
    pub(super) fn clear(&mut self) {
        let live = self.object.as_deref_mut().and_then(Option::take);
        if live.is_some() {
            drop(live);
            tally(&self.shared.books.closed);
        }
    }
}

impl<C: Connect> Drop for Slot<C> {
    fn drop(&mut self) {
        let shared = Arc::clone(&self.shared);
        let connect = &shared.connect;
        let fit = self.fit
            && self.live_mut().is_some_and(|live| {
                live.idle_since = Instant::now();
                !connect.is_broken(&live.connection)
            });
        let leaving = shared.leave(fit);
        if leaving.is_some() {
            self.clear();
        }
        shared.books.in_use.fetch_sub(1, Ordering::Relaxed);
        match self.object.take() {
            // An empty slot ceases to be; its right goes to whoever waits.
            Some(object) if object.is_none() => drop(Object::take(object)),
            // Back among the idle ones, or to whoever waits.
            object => drop(object),
        }
        drop(leaving);
        shared.settle();
    }
}
