//! Opening a database file: whose it is, which version it has, and that nobody else writes to it.

use std::ffi::OsString;
use std::fs::{self, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::error::{DatabaseError, OpenError};

/// What a kind of database file is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Format {
    /// What errors call it: `"an event store"`.
    pub(crate) name: &'static str,
    /// `SQLite`'s `application_id`: a number of this format's own, not 0.
    pub(crate) application_id: u32,
    /// The SQL that makes version n + 1 of a file of version n. Never changed once released; a new
    /// version appends one. Version 0 is the empty file.
    pub(crate) migrations: &'static [&'static str],
}

/// A database file that is open for writing by nobody else. Owns the right to write as long as it
/// lives.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) connection: Connection,
    pub(crate) path: PathBuf,
    /// Locked while we live. Dropped after the connection, so that the next owner finds it closed.
    _lock: fs::File,
}

impl File {
    /// Opens the file at `path`, which is made if it does not exist, and brings it to the newest
    /// version of `format` in one transaction. Waits up to `busy_timeout` for programs that read or
    /// write meanwhile.
    ///
    /// The right to write is the lock on `<path>.lock`, the path taken with its symbolic links
    /// resolved. Another hard link to the file is not recognised.
    pub(crate) fn open(
        path: &Path,
        format: &Format,
        busy_timeout: Duration,
    ) -> Result<Self, OpenError> {
        let path = resolved(path)?;
        let lock = lock(&path)?;
        // Nothing is created before the lock is ours, and nothing is changed before the file is
        // known to be empty or ours.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let prepared = Connection::open_with_flags(&path, flags).map_err(Refusal::from);
        let prepared = prepared.and_then(|mut connection| {
            connection.busy_timeout(busy_timeout)?;
            recognise(&connection, format)?;
            configure(&connection)?;
            migrate(&mut connection, format)?;
            Ok(connection)
        });
        match prepared {
            Ok(connection) => Ok(Self { connection, path, _lock: lock }),
            Err(refusal) => Err(refusal.at(path, format)),
        }
    }

    /// What is wrong with this file, as an error that names it.
    pub(crate) fn refused(&self, source: impl Into<DatabaseError>) -> OpenError {
        OpenError::Database { path: self.path.clone(), source: source.into() }
    }
}

/// A connection that cannot write. `path` must be open for writing in this process already, which
/// has checked it.
pub(super) fn open_read_only(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout)?;
    Ok(connection)
}

/// Why a file is refused, before its path is added.
enum Refusal {
    Foreign(String),
    Newer(u32),
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::Foreign("no database".into()),
            _ => Self::Database(error),
        }
    }
}

impl Refusal {
    fn at(self, path: PathBuf, format: &Format) -> OpenError {
        match self {
            Self::Foreign(found) => OpenError::Foreign { path, found, expected: format.name },
            Self::Newer(found) => OpenError::Newer { path, found, known: format.newest() },
            Self::Database(source) => OpenError::Database { path, source: source.into() },
        }
    }
}

impl Format {
    fn newest(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }
}

/// The path without symbolic links; the file itself need not exist.
fn resolved(path: &Path) -> Result<PathBuf, OpenError> {
    let resolve = || match (fs::canonicalize(path), path.parent(), path.file_name()) {
        (Ok(resolved), _, _) => Ok(resolved),
        (Err(_), Some(parent), Some(name)) => {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            Ok(fs::canonicalize(parent)?.join(name))
        }
        (Err(error), _, _) => Err(error),
    };
    resolve().map_err(|source| OpenError::Io { path: path.to_owned(), source })
}

/// Takes the right to write. The database itself cannot carry the lock: closing any handle of it
/// would free the locks that `SQLite` holds there.
fn lock(path: &Path) -> Result<fs::File, OpenError> {
    let mut name = OsString::from(path);
    name.push(".lock");
    let at = PathBuf::from(name);
    let opened = fs::File::options().create(true).truncate(false).write(true).open(&at);
    let file = opened.map_err(|source| OpenError::Io { path: at.clone(), source })?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse { path: path.to_owned(), lock: at }),
        Err(TryLockError::Error(source)) => Err(OpenError::Io { path: at, source }),
    }
}

/// Refuses what is neither empty nor of this format, without changing it.
fn recognise(connection: &Connection, format: &Format) -> Result<(), Refusal> {
    let (application_id, version, objects) = connection.query_row(
        "SELECT application_id, user_version, (SELECT count(*) FROM sqlite_schema)
         FROM pragma_application_id, pragma_user_version",
        [],
        |row| Ok((row.get::<_, i32>(0)?, row.get::<_, i32>(1)?, row.get::<_, i64>(2)?)),
    )?;
    let (application_id, version) = (application_id.cast_unsigned(), version.cast_unsigned());
    if (application_id, version, objects) == (0, 0, 0) {
        return Ok(());
    }
    if application_id != format.application_id {
        return Err(Refusal::Foreign(format!(
            "a database with application id {application_id:#x}"
        )));
    }
    if version > format.newest() { Err(Refusal::Newer(version)) } else { Ok(()) }
}

/// Durability and concurrency of the connection that writes. The log is folded into the database
/// when it has 32 MiB: pages that batch after batch changes are then synced there once.
fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA mmap_size = 0;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 8192;
         PRAGMA journal_size_limit = 67108864;",
    )
}

/// Brings the file to the newest version, in one transaction.
fn migrate(connection: &mut Connection, format: &Format) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let version: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version < format.newest() {
        for migration in format.migrations.iter().skip(version as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", format.application_id.cast_signed())?;
        transaction.pragma_update(None, "user_version", format.newest())?;
    }
    transaction.commit()
}
