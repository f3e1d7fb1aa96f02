//! The threads that read: each with a connection of its own, all with one queue.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rusqlite::Connection;
use tokio::sync::mpsc;

use super::DatabaseLimits;
use super::error::{DatabaseError, OpenError};
use super::open::open_read_only;
use super::ticket::Ticket;
use crate::panics::quietly;

/// The right to read a database. Clones share the threads, which end when the last one is gone and
/// what is queued was answered.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    queue: mpsc::Sender<Read>,
}

/// A read looks after this many steps of `SQLite`'s machine, some 100 us, whether anybody still waits
/// for it.
const STEPS: i32 = 10_000;

/// One read, its answer included.
type Read = Box<dyn FnOnce(&mut Connection) + Send>;

impl Readers {
    /// Starts the threads on the database at `path`, which this process has open for writing.
    pub(crate) fn start(path: &Path, limits: &DatabaseLimits) -> Result<Self, OpenError> {
        let at = || path.to_owned();
        let limits = limits.clamped();
        let (queue, reads) = mpsc::channel::<Read>(limits.max_queued_reads);
        let reads = Arc::new(Mutex::new(reads));
        for _ in 0..limits.readers {
            let mut connection = open_read_only(path, limits.busy_timeout)
                .map_err(|error| OpenError::Database { path: at(), source: error.into() })?;
            let reads = Arc::clone(&reads);
            // One thread at a time waits for the next read; it lets go before it works.
            let next = move || reads.lock().unwrap_or_else(PoisonError::into_inner).blocking_recv();
            thread::Builder::new()
                .name("database-reader".into())
                .spawn(move || {
                    while let Some(read) = next() {
                        quietly(|| read(&mut connection));
                    }
                })
                .map_err(|source| OpenError::Io { path: at(), source })?;
        }
        Ok(Self { queue })
    }

    /// Queues `read` once there is room; the ticket yields what it finds in one snapshot of what is
    /// committed. Dropping the ticket cancels the read, whether or not it has begun. A panic of
    /// `read` is [`DatabaseError::Stopped`].
    ///
    /// Room is given in the order in which it was asked for: a future that is neither polled nor
    /// dropped keeps the place that it was given from the others.
    pub(crate) async fn read<T: Send + Sync + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<Ticket<T>, DatabaseError> {
        let (answer, ticket) = Ticket::new();
        let work: Read = Box::new(move |connection| {
            let answer = Arc::new(answer);
            let asked = Arc::downgrade(&answer);
            // Also true of a read that is over, so that this one may stay until the next.
            let unwanted = move || asked.upgrade().is_none_or(|answer| answer.is_closed());
            if unwanted() {
                return;
            }
            // Ended by dropping it: a snapshot has nothing to commit.
            let found = connection
                .progress_handler(STEPS, Some(unwanted))
                .and_then(|()| connection.transaction())
                .and_then(|snapshot| read(&snapshot));
            if let Some(answer) = Arc::into_inner(answer) {
                // Nobody waits any more if this fails.
                let _ = answer.send(found.map_err(DatabaseError::from));
            }
        });
        self.queue.send(work).await.map_err(|_| DatabaseError::Stopped)?;
        Ok(ticket)
    }
}
