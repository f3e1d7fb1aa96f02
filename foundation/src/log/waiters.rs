//! Who waits for the next entry: one place a subscriber, and the wakers of those who wait side by
//! side. Registering, replacing and removing a waker take constant time; taking them all costs the
//! number of those who wait, however many subscribers there are or were.
//!
//! Everything here runs under the log's lock, so nothing here clones, drops or wakes a waker: wakers
//! are moved in and out, and the caller drops or wakes them once the lock is released.

use std::task::Waker;

/// The subscribers of one log.
#[derive(Default)]
pub(super) struct Waiters {
    /// Who waits, in no particular order.
    waiting: Vec<Waiter>,
    /// One place a subscriber: where its waker stands in `waiting`, while it waits.
    places: Vec<Option<usize>>,
    /// Places that no subscriber owns. Nobody waits there.
    free: Vec<usize>,
}

/// A subscriber that waits.
pub(super) struct Waiter {
    place: usize,
    pub(super) waker: Waker,
}

impl Waiters {
    /// A place for a new subscriber.
    pub(super) fn join(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            self.places.len() - 1
        })
    }

    /// Gives the place back, and with it a waker that still stood there.
    pub(super) fn leave(&mut self, place: usize) -> Option<Waker> {
        self.free.push(place);
        self.unpark(place)
    }

    /// Whether there is no subscriber.
    pub(super) fn is_empty(&self) -> bool {
        self.free.len() == self.places.len()
    }

    /// Registers `waker` at `place`; returns the waker that it replaces.
    pub(super) fn park(&mut self, place: usize, waker: Waker) -> Option<Waker> {
        let at = self.places.get_mut(place)?;
        if let Some(waiter) = at.and_then(|at| self.waiting.get_mut(at)) {
            return Some(std::mem::replace(&mut waiter.waker, waker));
        }
        *at = Some(self.waiting.len());
        self.waiting.push(Waiter { place, waker });
        None
    }

    /// Takes the waker from `place`.
    pub(super) fn unpark(&mut self, place: usize) -> Option<Waker> {
        let at = self.places.get_mut(place)?.take()?;
        let waiter = self.waiting.swap_remove(at);
        if let Some(moved) = self.waiting.get(at) {
            self.places[moved.place] = Some(at);
        }
        Some(waiter.waker)
    }

    /// Takes everyone who waits. Costs one branch while nobody does.
    pub(super) fn take_all(&mut self) -> Vec<Waiter> {
        for waiter in &self.waiting {
            self.places[waiter.place] = None;
        }
        std::mem::take(&mut self.waiting)
    }
}
