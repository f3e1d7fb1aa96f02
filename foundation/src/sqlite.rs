//! One database file with one writer: what the durable parts of this crate stand on.
//!
//! Public are the answers, the errors and the bounds that those parts share: [`Ticket`],
//! [`DatabaseError`], [`OpenError`], [`DatabaseLimits`]. Behind them this module owns how a file is
//! opened and whose it is, the thread that writes and commits many jobs at once, and the threads that
//! read. Promises:
//!
//! - a file of another program, of a newer version or in use by another writer is refused, untouched
//!   but for what any reader does: it plays back what its program left half done, and a `-shm` of a
//!   file in WAL mode may stay beside it;
//! - an answer comes after the commit, and the commit is synced: it outlives the loss of power, as
//!   far as the disk keeps its own promises;
//! - a job that fails fails alone; a commit that fails fails its jobs and publishes nothing;
//! - whatever happens to a thread here, nobody who holds a ticket waits for ever;
//! - a reader never waits for the writer, nor the writer for a reader.
//!
//! Leaves to others what is written: tables, numbers and what is published.
//!
//! The file is in WAL mode, which needs shared memory: it must not be on a network file system.
//! Beside it stand `SQLite`'s `-wal` and `-shm` and our `.lock`; the latter stays when all is closed.
//! A commit that fails may still be found in the file if the process dies right then, as with any
//! database: what is certain is that nobody was told of it before.
#![cfg_attr(
    not(feature = "events"),
    allow(
        dead_code,
        unused_imports,
        reason = "the registry needs no readers, and waits for room in one of the ways"
    )
)]

use std::time::Duration;

mod error;
mod open;
mod readers;
mod ticket;
mod writer;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub(crate) use error::SubmitError;
pub use error::{DatabaseError, OpenError};
pub(crate) use open::{File, Format};
pub(crate) use readers::Readers;
pub use ticket::Ticket;
pub(crate) use writer::{Apply, Writer};

/// The bounds of a database's threads. What is beyond the range of a bound counts as its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DatabaseLimits {
    /// At most this many jobs wait for the writer, 1 to 2^28. Default 4,096.
    pub max_queued: usize,
    /// At most this many jobs are committed at once, 1 to 2^28. Default 256.
    pub max_batch: usize,
    /// How many threads read, each with a connection of its own, 1 to 256. Default 2.
    pub readers: usize,
    /// At most this many reads wait for a thread, 1 to 2^28. Default 64. Whoever comes then waits
    /// for room.
    pub max_queued_reads: usize,
    /// How long the writer waits for another program that holds the database's lock, such as a
    /// shell in a transaction, up to 24 days. Default 5 s.
    pub busy_timeout: Duration,
}

impl Default for DatabaseLimits {
    fn default() -> Self {
        Self {
            max_queued: 4096,
            max_batch: 256,
            readers: 2,
            max_queued_reads: 64,
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// The most jobs and reads that may be queued: what the queues can count on every target.
const MAX_QUEUED: usize = 1 << 28;
const MAX_READERS: usize = 256;
/// What `SQLite` can count, in milliseconds of 31 bits.
const MAX_BUSY_TIMEOUT: Duration = Duration::from_millis(i32::MAX as u64);

impl DatabaseLimits {
    /// The same bounds, each within its range.
    fn clamped(&self) -> Self {
        Self {
            max_queued: self.max_queued.clamp(1, MAX_QUEUED),
            max_batch: self.max_batch.clamp(1, MAX_QUEUED),
            readers: self.readers.clamp(1, MAX_READERS),
            max_queued_reads: self.max_queued_reads.clamp(1, MAX_QUEUED),
            busy_timeout: self.busy_timeout.min(MAX_BUSY_TIMEOUT),
        }
    }
}
