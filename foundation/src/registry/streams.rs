//! One log of changes for each namespace that is watched, beside the registry's own.
//!
//! A watch of one namespace neither wakes for nor counts what happens in others. A namespace's log
//! exists while somebody watches it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Weak};

use foldhash::fast::RandomState;

use super::{Change, Namespace};
use crate::log::{Aftermath, Log, Retention, Start, Subscription};
use crate::sync::{Mutex, lock};

/// The logs of the watched namespaces.
pub(super) struct Streams {
    retention: Retention,
    logs: Mutex<HashMap<Namespace, Log<Change>, RandomState>>,
    /// How many logs there are, so that a registry whose namespaces nobody watches takes no second
    /// lock. Raised only between two appends to the registry's log and read only in one, so an append
    /// after the beginning of a watch sees it; relaxed, because that log's lock orders it. Lowered
    /// under the lock of `logs` at any moment: a stale larger number costs a look at `logs`.
    watched: AtomicUsize,
}

/// A watch's part in a namespace's log: the log goes with the last of them.
#[derive(Debug)]
pub(super) struct Lease {
    /// Weak, because the log is closed when the registry goes, whoever still watches.
    streams: Weak<Streams>,
    namespace: Namespace,
}

impl Streams {
    pub(super) fn new(retention: Retention) -> Self {
        Self { retention, logs: Mutex::default(), watched: AtomicUsize::new(0) }
    }

    /// Begins a watch of `namespace`, between two appends to the registry's log.
    pub(super) fn watch(self: &Arc<Self>, namespace: Namespace) -> (Subscription<Change>, Lease) {
        let mut logs = lock(&self.logs);
        let log = logs
            .entry(namespace.clone())
            .or_insert_with(|| Log::with_sizes(self.retention, Change::bytes));
        let subscription = log.subscribe(Start::Next);
        self.watched.store(logs.len(), Ordering::Relaxed);
        (subscription, Lease { streams: Arc::downgrade(self), namespace })
    }

    /// Whether any namespace may be watched. `false` is certain in a step of the registry's log.
    pub(super) fn may_want(&self) -> bool {
        self.watched.load(Ordering::Relaxed) > 0
    }

    /// Appends `change` to its namespace's log if somebody watches it. In a step of the registry's
    /// log, whose order the namespace's log thus follows.
    pub(super) fn append(&self, change: &Change) -> Option<Aftermath<Change>> {
        let logs = lock(&self.logs);
        let log = logs.get(change.name().namespace())?;
        Some(log.append_quietly(change.clone()).1)
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(streams) = self.streams.upgrade() else { return };
        let mut logs = lock(&streams.logs);
        let unwatched = match logs.get(&self.namespace) {
            Some(log) if !log.is_watched() => logs.remove(&self.namespace),
            _ => None,
        };
        streams.watched.store(logs.len(), Ordering::Relaxed);
        drop(logs);
        drop(unwatched);
    }
}
