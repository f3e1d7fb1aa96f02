//! Events that outlive the process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use foundation::events::{DurableEventStore, DurableLimits};
use tempfile::TempDir;

use crate::events::event;

/// Events of one operation, on both sides.
pub const EVENTS: usize = 256;

/// `durable_group_commit`: [`EVENTS`] events are handed in, then all are awaited.
pub fn grouped() -> impl FnMut(u64) + Clone + Send + 'static {
    let store = Store::new();
    move |_| {
        let append = |_| store.events.append(event()).expect("there is room");
        let tickets: Vec<_> = (0..EVENTS).map(append).collect();
        for mut ticket in tickets {
            ticket.wait(soon()).expect("it is committed");
        }
    }
}

/// The peer of [`grouped`]: each event is awaited before the next is handed in.
pub fn one_by_one() -> impl FnMut(u64) + Clone + Send + 'static {
    let store = Store::new();
    move |_| {
        for _ in 0..EVENTS {
            let mut ticket = store.events.append(event()).expect("there is room");
            ticket.wait(soon()).expect("it is committed");
        }
    }
}

/// A store in a folder that goes with it.
struct Store {
    events: DurableEventStore,
    _folder: TempDir,
}

impl Store {
    /// The folder is beside the program: one for temporary files may be in memory.
    fn new() -> Arc<Self> {
        let program = std::env::current_exe().expect("the program knows where it is");
        let beside = program.parent().expect("a file is in a folder");
        let folder = tempfile::tempdir_in(beside).expect("the target folder can be written to");
        let path = folder.path().join("events.db");
        let events = DurableEventStore::open(path, DurableLimits::default()).expect("a new file");
        Arc::new(Self { events, _folder: folder })
    }
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(60)
}
