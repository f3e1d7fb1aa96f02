//! The snapshot in force, and a version number that tells readers in one load whether it changed.
//!
//! # Orderings
//!
//! A writer, in its turn, first announces the version and then stores the snapshot. Whoever has
//! loaded a snapshot has its version's announcement behind it, so it also sees that version or a
//! later one: a [`Key`](super::Key) never shows an older value than a snapshot that its thread read
//! before. A reader that looks between the two stores finds the snapshot of before; it remembers
//! the *snapshot's* version, so the next look differs again and it reads once more, until the
//! snapshot is there. No update is missed, and none is seen to go back.
//!
//! The version itself orders nothing, so its loads and stores are relaxed; the pointer's store
//! releases and its load acquires.

use std::sync::Arc;

use super::Snapshot;
use crate::sync::{AtomicU64, Ordering};

/// What can be published: a value that knows its version.
pub(super) trait Versioned {
    /// Never smaller for a later value. The same for one that readers need not look at.
    fn version(&self) -> u64;
}

/// The value in force.
pub(super) struct Published<T> {
    /// Stored only in a writer's turn; loaded by anyone.
    current: slot::Slot<T>,
    /// The version of `current`, or of the next one while a writer is between its two stores.
    version: AtomicU64,
}

impl<T: Versioned> Published<T> {
    pub(super) fn new(value: T) -> Self {
        let version = AtomicU64::new(value.version());
        Self { current: slot::Slot::new(value), version }
    }

    /// The version in force: one load, of a line that only updates write.
    #[inline]
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// The value in force.
    pub(super) fn load(&self) -> Arc<T> {
        self.current.load()
    }

    /// What `read` makes of the value in force, without a reference count.
    pub(super) fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
        self.current.with(read)
    }

    /// Puts `next` in force. One writer at a time.
    pub(super) fn publish(&self, next: T) {
        self.version.store(next.version(), Ordering::Relaxed);
        self.current.store(next);
    }
}

impl Versioned for Snapshot {
    fn version(&self) -> u64 {
        Self::version(self)
    }
}

/// `arc_swap`, which loom can't see into.
#[cfg(not(foundation_loom))]
mod slot {
    use std::sync::Arc;

    use arc_swap::ArcSwap;

    pub(super) struct Slot<T>(ArcSwap<T>);

    impl<T> Slot<T> {
        pub(super) fn new(value: T) -> Self {
            Self(ArcSwap::from_pointee(value))
        }

        pub(super) fn load(&self) -> Arc<T> {
            self.0.load_full()
        }

        pub(super) fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
            read(&self.0.load())
        }

        pub(super) fn store(&self, value: T) {
            self.0.store(Arc::new(value));
        }
    }
}

/// A lock in its place in models. It models that a load sees one whole value, that loads and stores
/// of the pointer have one order, and that a load sees what came before the store it reads from. It
/// does not model what is inside `arc_swap`, and it is stronger than its orderings: a lock also
/// orders a load before the stores that follow it, so a model can't find a bug that needs that order
/// to be missing.
#[cfg(foundation_loom)]
mod slot {
    use std::sync::Arc;

    use crate::sync::{Mutex, lock};

    pub(super) struct Slot<T>(Mutex<Arc<T>>);

    impl<T> Slot<T> {
        pub(super) fn new(value: T) -> Self {
            Self(Mutex::new(Arc::new(value)))
        }

        pub(super) fn load(&self) -> Arc<T> {
            Arc::clone(&lock(&self.0))
        }

        pub(super) fn with<R>(&self, read: impl FnOnce(&T) -> R) -> R {
            read(&self.load())
        }

        pub(super) fn store(&self, value: T) {
            *lock(&self.0) = Arc::new(value);
        }
    }
}

#[cfg(all(test, foundation_loom))]
mod models {
    use loom::sync::Arc;
    use loom::thread;

    use super::{Published, Versioned};

    impl Versioned for u64 {
        fn version(&self) -> u64 {
            *self
        }
    }

    /// A key in small: remembers the version of what it read last.
    fn refresh(published: &Published<u64>, seen: &mut u64) {
        if published.version() != *seen {
            *seen = *published.load();
        }
    }

    #[test]
    fn loom_a_reader_never_goes_back_and_misses_nothing() {
        loom::model(|| {
            let published = Arc::new(Published::new(0_u64));
            let writers = Arc::clone(&published);
            let writer = thread::spawn(move || {
                writers.publish(1);
                writers.publish(2);
            });
            let mut seen = 0;
            for _ in 0..2 {
                let before = seen;
                refresh(&published, &mut seen);
                assert!(seen >= before, "{seen} after {before}");
            }
            writer.join().unwrap();
            refresh(&published, &mut seen);
            assert_eq!(seen, 2, "an update that returned is seen");
        });
    }

    #[test]
    fn loom_a_key_is_never_behind_a_snapshot_that_was_read_before() {
        loom::model(|| {
            let published = Arc::new(Published::new(0_u64));
            let writers = Arc::clone(&published);
            let writer = thread::spawn(move || writers.publish(1));
            let (snapshot, mut seen) = (*published.load(), 0);
            refresh(&published, &mut seen);
            assert!(seen >= snapshot, "{seen} after {snapshot}");
            writer.join().unwrap();
        });
    }
}
