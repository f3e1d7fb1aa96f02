//! All books there are: opened for new accounts, retired with their last handle, opened again once
//! settled.
//!
//! Owns the bound on their number. Promises that books are never open for two accounts, and that
//! those of an ended account are not opened again while a block is charged to them. Books are made
//! 1,024 at a time (64 KiB), when they are first needed, and are never given back.

use std::collections::VecDeque;

use super::books::Books;
use crate::sync::{Mutex, lock};

/// How many books are made at a time.
const CHUNK: usize = 1024;

/// How many retired books are looked at before fresh ones are taken: enough to reuse most, few
/// enough to make an account cheap while many ended ones are not settled.
const PROBES: usize = 4;

/// A bounded set of books.
pub(super) struct Table {
    /// At most this many books are made.
    limit: usize,
    /// Taken to open and to retire books, never by the allocator itself: what the lists allocate
    /// under it comes from there.
    state: Mutex<State>,
}

struct State {
    /// All that were made. Keeps them reachable, for those who look for leaks.
    made: Vec<&'static [Books]>,
    /// Those that were made and never opened.
    fresh: &'static [Books],
    /// Those whose last handle is gone, settled or not.
    retired: VecDeque<&'static Books>,
}

impl Table {
    #[cfg(not(foundation_loom))]
    pub(super) const fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::new(State::new()) }
    }

    #[cfg(foundation_loom)]
    pub(super) fn new(limit: usize) -> Self {
        Self { limit, state: Mutex::new(State::new()) }
    }

    /// Books with zero in every figure and one handle, or `None` if all there may be are in use.
    ///
    /// At the limit this looks at every retired book, otherwise at a few.
    pub(super) fn open(&self) -> Option<&'static Books> {
        let mut state = lock(&self.state);
        let books = state
            .settled(PROBES)
            .or_else(|| state.fresh(self.limit))
            .or_else(|| state.settled(usize::MAX))?;
        books.open();
        Some(books)
    }

    /// Takes back books whose last handle is gone.
    pub(super) fn retire(&self, books: &'static Books) {
        lock(&self.state).retired.push_back(books);
    }
}

impl State {
    const fn new() -> Self {
        Self { made: Vec::new(), fresh: &[], retired: VecDeque::new() }
    }

    /// The first of the `probes` longest retired books that is settled.
    fn settled(&mut self, probes: usize) -> Option<&'static Books> {
        for _ in 0..probes.min(self.retired.len()) {
            let books = self.retired.pop_front()?;
            if books.is_settled() {
                return Some(books);
            }
            self.retired.push_back(books);
        }
        None
    }

    /// Books that were never opened.
    fn fresh(&mut self, limit: usize) -> Option<&'static Books> {
        if self.fresh.is_empty() {
            let made: usize = self.made.iter().map(|chunk| chunk.len()).sum();
            let count = CHUNK.min(limit - made);
            if count == 0 {
                return None;
            }
            self.fresh = (0..count).map(|_| Books::new()).collect::<Vec<_>>().leak();
            self.made.push(self.fresh);
        }
        let (first, rest) = self.fresh.split_first()?;
        self.fresh = rest;
        Some(first)
    }
}
