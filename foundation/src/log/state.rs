//! What the lock of a log protects: the kept entries, their numbers, and who waits. Pure data
//! structure, no locking.

use std::collections::VecDeque;

use super::subscription::{Lagged, NextError};
use super::waiters::Waiters;
use super::{Retention, Sequence};

/// The inside of a log.
pub(super) struct State<T> {
    /// The newest entries, oldest first: the numbers `next - kept.len() .. next`.
    kept: VecDeque<T>,
    /// What the kept entries weigh.
    bytes: usize,
    /// The number that the next entry gets.
    pub(super) next: u64,
    /// How many `Log` handles are alive. At 0 the log is closed.
    pub(super) writers: usize,
    /// The subscribers.
    pub(super) waiters: Waiters,
}

/// Entries on their way out. Dropped by the caller after the lock is released, because their
/// destructors belong to the user.
pub(super) struct Evicted<T> {
    /// In the steady state an append evicts one entry; no list is allocated for it.
    one: Option<T>,
    more: VecDeque<T>,
}

impl<T> State<T> {
    /// Nothing kept; the first entry will get the number `first`.
    pub(super) fn starting_at(first: Sequence) -> Self {
        Self {
            kept: VecDeque::new(),
            bytes: 0,
            next: first.get(),
            writers: 1,
            waiters: Waiters::default(),
        }
    }

    /// The number of the oldest kept entry; `next` if none is kept.
    pub(super) fn oldest(&self) -> u64 {
        self.next - self.kept.len() as u64
    }

    /// Numbers one entry. `None` numbers an entry that nobody wants; what is kept goes too then, so
    /// that the kept entries stay without a gap.
    pub(super) fn push(
        &mut self,
        entry: Option<T>,
        retention: Retention,
        size_of: fn(&T) -> usize,
    ) -> Evicted<T> {
        self.next += 1;
        let Some(entry) = entry else { return self.clear() };
        self.bytes = self.bytes.saturating_add(size_of(&entry));
        self.kept.push_back(entry);
        let mut evicted = Evicted { one: None, more: VecDeque::new() };
        while self.kept.len() > 1
            && (self.kept.len() > retention.max_entries || self.bytes > retention.max_bytes)
        {
            self.evict_oldest(size_of, &mut evicted);
        }
        evicted
    }

    /// Takes out the oldest entries as long as `unwanted` says so of the oldest, `limit` at most.
    #[cfg(feature = "events")]
    pub(super) fn evict_while(
        &mut self,
        size_of: fn(&T) -> usize,
        limit: usize,
        unwanted: impl Fn(&T) -> bool,
    ) -> Evicted<T> {
        let mut evicted = Evicted { one: None, more: VecDeque::new() };
        let end = self.oldest().saturating_add(limit as u64);
        while self.oldest() < end && self.kept.front().is_some_and(&unwanted) {
            self.evict_oldest(size_of, &mut evicted);
        }
        evicted
    }

    fn evict_oldest(&mut self, size_of: fn(&T) -> usize, evicted: &mut Evicted<T>) {
        let Some(oldest) = self.kept.pop_front() else { return };
        self.bytes = self.bytes.saturating_sub(size_of(&oldest));
        match evicted.one {
            None => evicted.one = Some(oldest),
            Some(_) => evicted.more.push_back(oldest),
        }
    }

    /// Takes out every kept entry.
    pub(super) fn clear(&mut self) -> Evicted<T> {
        self.bytes = 0;
        Evicted { one: None, more: std::mem::take(&mut self.kept) }
    }

    /// The kept entries from number `from` on, at most `limit` of them.
    pub(super) fn from(&self, from: u64, limit: usize) -> impl Iterator<Item = &T> {
        let skipped = from.saturating_sub(self.oldest());
        let skipped = usize::try_from(skipped).unwrap_or(usize::MAX).min(self.kept.len());
        self.kept.range(skipped..).take(limit)
    }
}

impl<T: Clone> State<T> {
    /// The entry at `cursor`, which moves behind it; `None` if it does not exist yet.
    pub(super) fn read(&self, cursor: &mut u64) -> Option<Result<T, NextError>> {
        let oldest = self.oldest();
        if *cursor < oldest {
            let missed = oldest - *cursor;
            *cursor = oldest;
            return Some(Err(NextError::Lagged(Lagged {
                missed,
                resumes_at: Sequence::new(oldest),
            })));
        }
        if *cursor < self.next {
            let entry = self.from(*cursor, 1).next()?.clone();
            *cursor += 1;
            return Some(Ok(entry));
        }
        (self.writers == 0).then_some(Err(NextError::Closed))
    }
}
