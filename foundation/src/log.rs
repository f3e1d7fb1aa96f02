//! One bounded broadcast log: what the registry's watches, the configuration's change notices and
//! the event store are made of.
//!
//! Owns numbering, retention, wake-ups and the accounts of what a slow reader missed. Promises:
//! numbers without gaps, the same order for every subscriber, no lost wake-up, at most one wake-up
//! for each time a task began to wait and only for an append or the close (what was appended may be
//! evicted by the time the task looks), and no destructor, waker or other code of a user under its
//! lock (but for `T::clone`, see [`Log`]). Leaves durability to others: entries live in memory.
//!
//! While nobody waits, appending costs one uncontended lock and no allocation beyond the growth of
//! the storage, which follows the entries and never reserves the whole bound ahead. Who waits adds
//! the price of its wake-up, and the list of those who wait is allocated anew after each append that
//! woke somebody.
//!
//! A panicking waker keeps nobody else from being woken: the panic goes on in the appender once all
//! are. A destructor of an entry must not panic. If it appends to the same log, the append nests in
//! the one that evicted it: entries whose destructors evict one another nest as deep as their chain
//! is long.

use std::convert::Infallible;
use std::fmt;

use crate::sync::{Arc, Mutex, lock};
use state::State;

mod aftermath;
mod sequence;
mod state;
mod subscription;
mod waiters;

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, foundation_loom))]
mod models;

pub(crate) use aftermath::Aftermath;
pub use sequence::{Sequence, Start};
pub use subscription::{Lagged, NextError, Subscription};

/// The writing end of a log. Clones write to the same log; when the last one is gone, subscribers
/// read what is left and then see [`NextError::Closed`].
///
/// A subscriber receives a clone of each entry, made under the log's lock: `T::clone` must be cheap
/// and must not use the same log. An `Arc` or a few of them are right.
///
/// ```
/// use foundation::log::{Log, Retention, Sequence, Start};
///
/// let log = Log::new(Retention { max_entries: 1000, ..Retention::default() });
/// let mut readings = log.subscribe(Start::Next);
/// assert_eq!(log.append(21.5), Sequence::FIRST);
/// assert_eq!(readings.try_next()?, Some(21.5));
/// assert_eq!(readings.try_next()?, None);
/// # Ok::<(), foundation::log::NextError>(())
/// ```
pub struct Log<T> {
    core: Arc<Core<T>>,
}

/// How much a log keeps. The oldest entries go first; the newest one is kept whatever it weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// At most this many entries; 0 counts as 1.
    pub max_entries: usize,
    /// At most this many bytes, as the log's owner weighs entries. Entries of a log that was made
    /// with [`Log::new`] weigh nothing.
    pub max_bytes: usize,
    /// Keep entries only while somebody is subscribed, for logs that are read live or not at all.
    pub only_while_subscribed: bool,
}

/// How many entries are evicted before writers go on.
#[cfg(feature = "events")]
const CHUNK: usize = 256;

/// What writers and subscribers share.
struct Core<T> {
    retention: Retention,
    /// Weighs an entry. Runs under the lock; gives the same answer for the same entry.
    size_of: fn(&T) -> usize,
    state: Mutex<State<T>>,
}

/// One step's place in the order, handed to [`Log::append_with`].
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    /// The number that the entry gets.
    pub(crate) sequence: Sequence,
    /// Whether the entry will be kept. If not, it need not be built.
    pub(crate) wanted: bool,
}

/// How far one [`Log::scan`] came.
#[cfg(feature = "events")]
pub(crate) struct Scan {
    /// The oldest entry that was kept.
    pub(crate) first_kept: Sequence,
    /// The first number that was not looked at.
    pub(crate) stopped_at: Sequence,
}

impl Default for Retention {
    /// 1,024 entries of any weight, kept for later subscribers.
    fn default() -> Self {
        Self { max_entries: 1024, max_bytes: usize::MAX, only_while_subscribed: false }
    }
}

impl<T> Log<T> {
    /// An empty log.
    pub fn new(retention: Retention) -> Self {
        Self::with_sizes(retention, |_| 0)
    }

    /// An empty log whose entries weigh what `size_of` says.
    pub(crate) fn with_sizes(retention: Retention, size_of: fn(&T) -> usize) -> Self {
        Self::starting_at(Sequence::FIRST, retention, size_of)
    }

    /// An empty log whose first entry gets the number `first`: one that goes on where an earlier one
    /// ended. Whoever asks for entries before `first` is told that they were evicted.
    pub(crate) fn starting_at(
        first: Sequence,
        retention: Retention,
        size_of: fn(&T) -> usize,
    ) -> Self {
        let state = Mutex::new(State::starting_at(first));
        Self { core: Arc::new(Core { retention, size_of, state }) }
    }

    /// Appends an entry and wakes the subscribers that wait.
    pub fn append(&self, entry: T) -> Sequence {
        let (sequence, aftermath) = self.append_quietly(entry);
        drop(aftermath);
        sequence
    }

    /// Appends an entry and leaves the waking, and the dropping of what was evicted, to the caller.
    pub(crate) fn append_quietly(&self, entry: T) -> (Sequence, Aftermath<T>) {
        // An entry that nobody wants stays here and is dropped after the lock is released.
        let mut entry = Some(entry);
        let step = |turn: Turn| Ok::<_, Infallible>(if turn.wanted { entry.take() } else { None });
        let Ok(appended) = self.append_with(step);
        appended
    }

    /// Takes `step` under the log's lock and appends what it yields, so that a change elsewhere and
    /// its number are one step. An error leaves the log as it was. The caller drops the aftermath
    /// once it holds nothing that a waker or a destructor could ask for.
    ///
    /// `step` yields `None` only if its turn is not wanted; it runs no code of a user.
    pub(crate) fn append_with<E>(
        &self,
        step: impl FnOnce(Turn) -> Result<Option<T>, E>,
    ) -> Result<(Sequence, Aftermath<T>), E> {
        let mut state = lock(&self.core.state);
        let sequence = Sequence::new(state.next);
        let wanted = !(self.core.retention.only_while_subscribed && state.waiters.is_empty());
        let entry = step(Turn { sequence, wanted })?;
        let evicted = state.push(entry, self.core.retention, self.core.size_of);
        let waiting = state.waiters.take_all();
        drop(state);
        Ok((sequence, Aftermath::new(waiting, evicted)))
    }

    /// Takes `step` between two appends: what it does and what any append does are one after the
    /// other. `step` runs no code of a user and does not use the log.
    pub(crate) fn between_appends<R>(&self, step: impl FnOnce() -> R) -> R {
        let _state = lock(&self.core.state);
        step()
    }

    /// Whether anybody is subscribed.
    pub(crate) fn is_watched(&self) -> bool {
        !lock(&self.core.state).waiters.is_empty()
    }

    /// A reader that begins at `start`.
    pub fn subscribe(&self, start: Start) -> Subscription<T> {
        let mut state = lock(&self.core.state);
        let cursor = match start {
            Start::Next => state.next,
            Start::Oldest => state.oldest(),
            Start::At(sequence) => sequence.get(),
        };
        let place = state.waiters.join();
        drop(state);
        Subscription::new(Arc::clone(&self.core), place, cursor)
    }

    /// The number of the oldest kept entry, or of the next entry if none is kept.
    pub fn first_kept(&self) -> Sequence {
        Sequence::new(lock(&self.core.state).oldest())
    }

    /// The number that the next entry gets.
    pub fn next_sequence(&self) -> Sequence {
        Sequence::new(lock(&self.core.state).next)
    }
}

#[cfg(feature = "events")]
impl<T> Log<T> {
    /// Evicts the oldest entries as long as `unwanted` says so of the oldest, in steps of 256 between
    /// which writers go on. `unwanted` runs under the lock and no code of a user; what was evicted is
    /// dropped after each step.
    pub(crate) fn evict_while(&self, unwanted: impl Fn(&T) -> bool) {
        let mut more = true;
        while more {
            let mut state = lock(&self.core.state);
            let first = state.oldest();
            let evicted = state.evict_while(self.core.size_of, CHUNK, &unwanted);
            more = state.oldest() - first == CHUNK as u64;
            drop(state);
            drop(evicted);
        }
    }
}

#[cfg(feature = "events")]
impl<T: Clone> Log<T> {
    /// Looks at no more than `limit` entries in `from..until` and adds those that `matches` accepts
    /// to `found`, up to `room` of them. The lock is held for one such chunk.
    pub(crate) fn scan(
        &self,
        (from, until): (Sequence, Sequence),
        limit: usize,
        room: usize,
        matches: impl Fn(&T) -> bool,
        found: &mut Vec<T>,
    ) -> Scan {
        let state = lock(&self.core.state);
        let first_kept = state.oldest();
        let end = until.get().min(state.next);
        let mut at = from.get().max(first_kept);
        let mut room = room;
        for entry in state.from(at, limit) {
            if at >= end || room == 0 {
                break;
            }
            at += 1;
            if matches(entry) {
                found.push(entry.clone());
                room -= 1;
            }
        }
        Scan { first_kept: Sequence::new(first_kept), stopped_at: Sequence::new(at) }
    }
}

impl<T> Clone for Log<T> {
    fn clone(&self) -> Self {
        lock(&self.core.state).writers += 1;
        Self { core: Arc::clone(&self.core) }
    }
}

impl<T> Drop for Log<T> {
    fn drop(&mut self) {
        let mut state = lock(&self.core.state);
        state.writers -= 1;
        let waiting = if state.writers == 0 { state.waiters.take_all() } else { Vec::new() };
        drop(state);
        aftermath::wake_all(waiting);
    }
}

impl<T> fmt::Debug for Log<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Log")
            .field("first_kept", &self.first_kept())
            .field("next", &self.next_sequence())
            .finish_non_exhaustive()
    }
}
