//! Who lives in a system.
//!
//! Owns the list of living agents, in shards so that spawns do not meet at one lock. Joining and
//! leaving cost the same however many live.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_utils::CachePadded;
use slab::Slab;

use crate::kernel::resident::Resident;
use crate::sync::{Mutex, lock};

const SHARDS: usize = 16;
/// How many are looked at while the locks are held.
const CHUNK: usize = 256;

/// See the module's page.
pub(crate) struct Living {
    shards: [CachePadded<Mutex<Shard>>; SHARDS],
    next: AtomicUsize,
    count: AtomicUsize,
    limit: usize,
}

#[derive(Default)]
struct Shard {
    residents: Slab<Arc<dyn Resident>>,
    is_closed: bool,
}

/// Why an agent could not join.
pub(crate) enum Refused {
    Full,
    Closed,
}

impl Living {
    pub(crate) fn new(limit: usize) -> Self {
        let shards = std::array::from_fn(|_| CachePadded::default());
        Self { shards, next: AtomicUsize::new(0), count: AtomicUsize::new(0), limit }
    }

    /// Adds an agent, and returns its place.
    pub(crate) fn add(&self, resident: Arc<dyn Resident>) -> Result<usize, Refused> {
        let index = self.next.fetch_add(1, Ordering::Relaxed) % SHARDS;
        let mut shard = lock(&self.shards[index]);
        if shard.is_closed {
            return Err(Refused::Closed);
        }
        // Never counts anybody who does not join: who closes the list waits for the count to be 0.
        let more = |count| (count < self.limit).then_some(count + 1);
        if self.count.fetch_update(Ordering::SeqCst, Ordering::SeqCst, more).is_err() {
            return Err(Refused::Full);
        }
        Ok(shard.residents.insert(resident) * SHARDS + index)
    }

    /// Removes the agent at a place that [`add`](Self::add) returned.
    pub(crate) fn remove(&self, place: usize) -> Option<Arc<dyn Resident>> {
        let resident = lock(&self.shards[place % SHARDS]).residents.try_remove(place / SHARDS)?;
        self.count.fetch_sub(1, Ordering::SeqCst);
        Some(resident)
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.count.load(Ordering::SeqCst)
    }

    /// Lets nobody more in.
    pub(crate) fn close(&self) {
        for shard in &self.shards {
            lock(shard).is_closed = true;
        }
    }

    /// Shows each that lives from before to after this call, and maybe some that come or go meanwhile.
    /// Whoever comes or goes waits for [`CHUNK`] looks at most; `look` runs no code of a user.
    ///
    /// Goes through the shards side by side: agents that were spawned one after another are most often
    /// shown so, which is the order in which they lie in memory, and that of their ids.
    pub(crate) fn visit(&self, mut look: impl FnMut(&dyn Resident)) {
        const STEP: usize = CHUNK / SHARDS;
        for first in (0..).step_by(STEP) {
            // Nobody else takes more than one of these locks.
            let shards: [_; SHARDS] = std::array::from_fn(|index| lock(&self.shards[index]));
            for place in first..first + STEP {
                let residents = shards.iter().filter_map(|shard| shard.residents.get(place));
                residents.for_each(|resident| look(&**resident));
            }
            if shards.iter().all(|shard| shard.residents.capacity() <= first + STEP) {
                break;
            }
        }
    }

    /// Those that live now; some may have ended when this returns.
    pub(crate) fn all(&self) -> Vec<Arc<dyn Resident>> {
        let shard = |shard: &CachePadded<Mutex<Shard>>| {
            let shard = lock(shard);
            shard.residents.iter().map(|(_, resident)| Arc::clone(resident)).collect::<Vec<_>>()
        };
        self.shards.iter().flat_map(shard).collect()
    }
}
