//! Opening a database file: whose it is, which version it has, and that nobody else writes to it.

use std::ffi::OsString;
use std::fs::{self, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, TransactionBehavior};

use super::MAX_BUSY_TIMEOUT;
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
    /// resolved; nothing is locked or changed before the file is known to be empty or ours. Reading
    /// a file to know it plays back what its program left half done, as any reader does. Another
    /// hard link to the file is not recognised.
    pub(crate) fn open(
        path: &Path,
        format: &Format,
        busy_timeout: Duration,
    ) -> Result<Self, OpenError> {
        let path = resolved(path)?;
        let recognised = || {
            let connection = connect(&path, OpenFlags::SQLITE_OPEN_READ_WRITE, busy_timeout)?;
            // What is not ours is not folded into its file when we let go of it.
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
            recognise(&connection, format)?;
            Ok(connection)
        };
        let mut connection = recognised().map_err(|refusal: Refusal| refusal.at(&path, format))?;
        let lock = lock(&path)?;
        let mut prepare = || {
            connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
            configure(&connection)?;
            migrate(&mut connection, format)
        };
        prepare().map_err(|refusal| refusal.at(&path, format))?;
        Ok(Self { connection, path, _lock: lock })
    }

    /// What is wrong with this file, as an error that names it.
    pub(crate) fn refused(&self, source: impl Into<DatabaseError>) -> OpenError {
        OpenError::Database { path: self.path.clone(), source: source.into() }
    }
}

/// A connection that cannot write. `path` must be open for writing in this process already, which
/// has checked it.
pub(super) fn open_read_only(path: &Path, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY, busy_timeout)
}

/// A connection to the file at `path`, which is the file itself and no symbolic link.
fn connect(path: &Path, access: OpenFlags, busy_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_NOFOLLOW;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(busy_timeout.min(MAX_BUSY_TIMEOUT))?;
    Ok(connection)
}

/// Why a file is refused, before its path is added.
pub(super) enum Refusal {
    Foreign(String),
    Newer(u32),
    /// `SQLite` goes on in this journal mode instead of WAL.
    Journal(String),
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
    fn at(self, path: &Path, format: &Format) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::Foreign(found) => OpenError::Foreign { path, found, expected: format.name },
            Self::Newer(found) => OpenError::Newer { path, found, known: format.newest() },
            Self::Journal(mode) => {
                let problem = format!("the journal mode stays `{mode}`, `wal` is needed");
                let source = DatabaseError::Refused(Arc::new(io::Error::other(problem)));
                OpenError::Database { path, source }
            }
            Self::Database(source) => OpenError::Database { path, source: source.into() },
        }
    }
}

impl Format {
    fn newest(&self) -> u32 {
        u32::try_from(self.migrations.len()).unwrap_or(u32::MAX)
    }
}

/// The path without symbolic links. The file is made, empty, if it does not exist: only then is it
/// certain where a link leads.
fn resolved(path: &Path) -> Result<PathBuf, OpenError> {
    let mut resolved = fs::canonicalize(path);
    if resolved.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        // By `SQLite`: to close a handle of ours would free the locks of one that is faster.
        drop(Connection::open_with_flags(path, flags).map_err(|error| OpenError::Database {
            path: path.to_owned(),
            source: error.into(),
        })?);
        resolved = fs::canonicalize(path);
    }
    resolved.map_err(|source| OpenError::Io { path: path.to_owned(), source })
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
pub(super) fn configure(connection: &Connection) -> Result<(), Refusal> {
    // A refusal is no error here, only another answer.
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        return Err(Refusal::Journal(mode));
    }
    connection.execute_batch(
        "PRAGMA synchronous = FULL;
         PRAGMA mmap_size = 0;
         PRAGMA trusted_schema = OFF;
         PRAGMA cache_size = -16384;
         PRAGMA wal_autocheckpoint = 8192;
         PRAGMA journal_size_limit = 67108864;",
    )?;
    Ok(())
}

/// Brings the file to the newest version, in one transaction.
fn migrate(connection: &mut Connection, format: &Format) -> Result<(), Refusal> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    // Another program, which knows nothing of our lock, may have been faster.
    recognise(&transaction, format)?;
    let version: u32 = transaction.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if version < format.newest() {
        for migration in format.migrations.iter().skip(version as usize) {
            transaction.execute_batch(migration)?;
        }
        transaction.pragma_update(None, "application_id", format.application_id.cast_signed())?;
        transaction.pragma_update(None, "user_version", format.newest())?;
    }
    transaction.commit()?;
    Ok(())
}
