//! What can go wrong with a database: opening it, handing in work, and the work itself.

use std::error::Error;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use thiserror::Error;

/// Why a database file was not opened. The file is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another store, in this process or another, writes to the file.
    #[error("`{}` is in use: its lock file `{}` is held", .path.display(), .lock.display())]
    InUse {
        /// The database.
        path: PathBuf,
        /// The file whose lock says so.
        lock: PathBuf,
    },
    /// The file is no database or belongs to another program.
    #[error("`{}` was written by something else: {found}, not {expected}", .path.display())]
    Foreign {
        /// The database.
        path: PathBuf,
        /// What the file is.
        found: String,
        /// What it was opened as.
        expected: &'static str,
    },
    /// The file was written by a newer version of this program.
    #[error("`{}` has version {found}, the newest that is known here is {known}", .path.display())]
    Newer {
        /// The database.
        path: PathBuf,
        /// The version of the file.
        found: u32,
        /// The newest version that this program knows.
        known: u32,
    },
    /// The file contradicts itself.
    #[error("`{}` is damaged: {problem}", .path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What does not fit.
        problem: String,
    },
    /// The operating system refused a file or a thread.
    #[error("`{}`: {source}", .path.display())]
    Io {
        /// The database or its lock file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The database refused a step of opening it.
    #[error("`{}`: {source}", .path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What the database said.
        source: DatabaseError,
    },
}

/// Why work that was handed to a database came to nothing.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// The database refused. What a refused job would have written is not there.
    #[error("the database refused: {0}")]
    Refused(#[source] Arc<dyn Error + Send + Sync>),
    /// The thread that works on the database has ended. Whether a job that waited for its answer
    /// took effect is seen when the file is opened again.
    #[error("the thread that works on the database has ended")]
    Stopped,
    /// No answer came before the deadline.
    #[error("the deadline passed before the database answered")]
    Deadline,
}

/// Why a job was not taken. Gives it back.
#[derive(Debug, Error)]
pub(crate) enum SubmitError<J> {
    /// As many jobs as may wait are waiting.
    #[error("{limit} jobs wait for the database already")]
    Full {
        /// The job.
        job: J,
        /// [`DatabaseLimits::max_queued`](super::DatabaseLimits::max_queued).
        limit: usize,
    },
    /// The writer was closed, or has died.
    #[error("the database is closed")]
    Closed {
        /// The job.
        job: J,
    },
}

impl From<rusqlite::Error> for DatabaseError {
    fn from(source: rusqlite::Error) -> Self {
        Self::Refused(Arc::new(source))
    }
}
