//! Who waits for the next entry: one place a subscriber, so that registering, replacing and
//! removing a waker take constant time.
//!
//! Everything here runs under the log's lock, so nothing here clones, drops or wakes a waker: wakers
//! are moved in and out, and the caller drops or wakes them once the lock is released.

use std::task::Waker;

/// The subscribers of one log.
#[derive(Default)]
pub(super) struct Waiters {
    /// One place a subscriber, holding its waker while it waits.
    places: Vec<Option<Waker>>,
    /// Places that no subscriber owns. They hold no waker.
    free: Vec<usize>,
    /// How many places hold a waker.
    waiting: usize,
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
        let replaced = self.places.get_mut(place)?.replace(waker);
        self.waiting += usize::from(replaced.is_none());
        replaced
    }

    /// Takes the waker from `place`.
    pub(super) fn unpark(&mut self, place: usize) -> Option<Waker> {
        let waker = self.places.get_mut(place)?.take();
        self.waiting -= usize::from(waker.is_some());
        waker
    }

    /// Takes every waker. Costs one branch while nobody waits.
    pub(super) fn take_all(&mut self) -> Vec<Waker> {
        if self.waiting == 0 {
            return Vec::new();
        }
        self.waiting = 0;
        self.places.iter_mut().filter_map(Option::take).collect()
    }
}
