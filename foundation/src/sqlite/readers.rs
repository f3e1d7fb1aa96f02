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
use super::writer::quietly;

/// The right to read a database. Clones share the threads, which end when the last one is gone and
/// what is queued was answered.
#[derive(Clone, Debug)]
pub(crate) struct Readers {
    queue: mpsc::Sender<Read>,
}

/// One read, its answer included.
type Read = Box<dyn FnOnce(&mut Connection) + Send>;

impl Readers {
    /// Starts the threads on the database at `path`, which this process has open for writing.
    pub(crate) fn start(path: &Path, limits: &DatabaseLimits) -> Result<Self, OpenError> {
        let at = || path.to_owned();
        let (queue, reads) = mpsc::channel::<Read>(limits.max_queued_reads.max(1));
        let reads = Arc::new(Mutex::new(reads));
        for _ in 0..limits.readers.max(1) {
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

    /// What `read` finds in one snapshot of what is committed. Waits for room in the queue, then for
    /// the answer. Dropping the future cancels a read that has not begun. A panic of `read` is
    /// [`DatabaseError::Stopped`].
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, DatabaseError> {
        let (answer, ticket) = Ticket::new();
        let work: Read = Box::new(move |connection| {
            if answer.is_closed() {
                return;
            }
            // Ended by dropping it: a snapshot has nothing to commit.
            let found = connection.transaction().and_then(|snapshot| read(&snapshot));
            // Nobody waits any more if this fails.
            let _ = answer.send(found.map_err(DatabaseError::from));
        });
        self.queue.send(work).await.map_err(|_| DatabaseError::Stopped)?;
        ticket.await
    }
}
