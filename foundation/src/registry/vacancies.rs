//! Keys that were given up, kept for a while in case they are taken again.
//!
//! The map underneath never uses the place of a removed key again until it rebuilds its table, and it
//! rebuilds when one probe sequence is full of such places. Taking and giving up one and the same name
//! again and again, as a restarting agent does, would rebuild the whole table every hundred times
//! (measured: 31 µs a registration beside a million others). So a key that is given up stays in the
//! map, marked vacant, and is taken again in place. Only the keys that were given up longest ago are
//! really removed: at random places, whose rebuilding is paid by as many removals as there are keys.

use std::collections::VecDeque;

use crate::sync::{Mutex, lock};

/// At least this many keys are kept vacant.
const LEAST: usize = 1024;

/// Beyond [`LEAST`], one key is kept vacant for so many that are taken.
const TAKEN_FOR_ONE: usize = 8;

/// The keys that were given up last. Used in a step only, so its lock is never waited for.
pub(super) struct Vacancies<K>(Mutex<Queue<K>>);

struct Queue<K> {
    /// Oldest first. A key that was taken again, and perhaps given up again, stays where it is: its
    /// stamp tells.
    keys: VecDeque<(K, Stamp)>,
    next: u64,
}

/// Tells one giving-up of a key from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64);

impl<K> Vacancies<K> {
    pub(super) fn new() -> Self {
        Self(Mutex::new(Queue { keys: VecDeque::new(), next: 0 }))
    }

    /// Notes that a key is given up, under the stamp that `mark` puts into the map, which holds
    /// `taken` keys that are not. Calls `remove` with what is to be removed for it: keys that are to
    /// go if they are still vacant with that very stamp.
    pub(super) fn give_up(
        &self,
        key: K,
        taken: usize,
        mark: impl FnOnce(Stamp),
        mut remove: impl FnMut(&K, Stamp),
    ) {
        let mut queue = lock(&self.0);
        let stamp = Stamp(queue.next);
        queue.next += 1;
        mark(stamp);
        queue.keys.push_back((key, stamp));
        let most = LEAST.max(taken / TAKEN_FOR_ONE);
        // Two at most, so that a step stays short: the queue shrinks to a smaller bound all the same.
        for _ in 0..2 {
            if queue.keys.len() <= most {
                break;
            }
            let Some((key, stamp)) = queue.keys.pop_front() else { break };
            remove(&key, stamp);
        }
    }
}
