//! Records in an `SQLite` file.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::types::Type;
use rusqlite::{Connection, params};

use super::super::{Metadata, Name};
use super::{Backend, BackendError, MAX_RECORDS, Record, Write};
use crate::sqlite::{Apply, DatabaseLimits, File, Format, OpenError, SubmitError, Writer};

/// What a registry's file is. A released migration is never changed: a new version appends one.
const FORMAT: Format = Format {
    name: "a registry",
    application_id: 0x4d41_5247, // "MARG"
    migrations: &["
        CREATE TABLE registration (
            name TEXT PRIMARY KEY NOT NULL,
            version INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE metadata (
            name TEXT NOT NULL REFERENCES registration (name) ON DELETE CASCADE,
            key TEXT NOT NULL,
            value TEXT NOT NULL,
            PRIMARY KEY (name, key)
        ) STRICT, WITHOUT ROWID;
    "],
};

/// Records in an `SQLite` file: write-ahead log, synced at each commit, many writes a commit.
///
/// Look at it with the shell, also while it is in use: `sqlite3 -readonly registry.db 'SELECT * FROM
/// registration NATURAL LEFT JOIN metadata'`.
pub struct SqliteBackend {
    writer: Writer<Records>,
}

/// The writing and reading of records: nothing is kept beside the file.
struct Records;

/// What the thread of the file is asked for.
enum Job {
    Load,
    Write(Vec<Write>),
}

impl SqliteBackend {
    /// Opens the file at `path`, which is made if it does not exist. One process at a time.
    ///
    /// Starts a thread for the file, which ends with the backend. Blocks while the file is opened.
    pub fn open(path: &Path, limits: &DatabaseLimits) -> Result<Self, OpenError> {
        let file = File::open(path, &FORMAT, limits.busy_timeout)?;
        file.connection
            .pragma_update(None, "foreign_keys", true)
            .map_err(|error| file.refused(error))?;
        Ok(Self { writer: Writer::start(file, Records, limits)? })
    }

    /// Takes no further writes and waits until those that were handed in are written and the file
    /// is free.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    /// What the thread of the file answers.
    async fn ask(&self, job: Job) -> Result<Vec<Record>, BackendError> {
        match self.writer.submit_when_room(job).await {
            Ok(ticket) => Ok(ticket.await?),
            Err(SubmitError::Full { .. } | SubmitError::Closed { .. }) => {
                Err("the registry's file is closed".into())
            }
        }
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn load(&self) -> Result<Vec<Record>, BackendError> {
        self.ask(Job::Load).await
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), BackendError> {
        self.ask(Job::Write(writes)).await.map(drop)
    }
}

impl Apply for Records {
    type Job = Job;
    type Done = Vec<Record>;

    fn apply(&mut self, database: &Connection, job: &Job) -> rusqlite::Result<Vec<Record>> {
        let Job::Write(writes) = job else { return load(database) };
        for write in writes {
            match write {
                Write::Put(record) => put(database, record)?,
                Write::Delete { name, version } => drop(delete(database, name, *version)?),
                Write::Replace { version, record } => {
                    if delete(database, &record.name, *version)? {
                        put(database, record)?;
                    }
                }
            }
        }
        Ok(Vec::new())
    }

    fn committed(&mut self) {}

    fn rolled_back(&mut self) {}
}

/// Every record, in the order of the names; one more than may be at most.
fn load(database: &Connection) -> rusqlite::Result<Vec<Record>> {
    let sql = "SELECT name, version, key, value FROM registration NATURAL LEFT JOIN metadata
               ORDER BY name, key";
    let mut statement = database.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut records: Vec<Record> = Vec::new();
    let mut pairs: Vec<(String, String)> = Vec::new();
    while let Some(row) = rows.next()? {
        let name = row.get_ref(0)?.as_str()?;
        // A record's rows follow each other.
        if records.last().is_none_or(|last| last.name.as_str() != name) {
            if records.len() > MAX_RECORDS {
                break;
            }
            complete(&mut records, &mut pairs);
            let name = Name::new(name).map_err(|error| unreadable(0, error))?;
            let version = row.get::<_, i64>(1)?;
            let version = u64::try_from(version).map_err(|error| unreadable(1, error))?;
            records.push(Record { name, version, metadata: Metadata::new() });
        }
        pairs.extend(row.get::<_, Option<String>>(2)?.zip(row.get::<_, Option<String>>(3)?));
    }
    complete(&mut records, &mut pairs);
    Ok(records)
}

/// Gives the pairs that were read to the record that was read last.
fn complete(records: &mut [Record], pairs: &mut Vec<(String, String)>) {
    if let Some(record) = records.last_mut() {
        record.metadata = pairs.drain(..).collect();
    }
}

fn unreadable(
    column: usize,
    error: impl std::error::Error + Send + Sync + 'static,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(column, Type::Text, Box::new(error))
}

/// Deletes the record of a name if it has this version; says whether it did.
fn delete(database: &Connection, name: &Name, version: u64) -> rusqlite::Result<bool> {
    let sql = "DELETE FROM registration WHERE name = ?1 AND version = ?2";
    let deleted =
        database.prepare_cached(sql)?.execute(params![name.as_str(), stored(version)?])?;
    Ok(deleted > 0)
}

/// Replaces the record of a name.
fn put(database: &Connection, record: &Record) -> rusqlite::Result<()> {
    let name = record.name.as_str();
    // The metadata of an earlier record goes with it.
    database.prepare_cached("DELETE FROM registration WHERE name = ?1")?.execute([name])?;
    database
        .prepare_cached("INSERT INTO registration (name, version) VALUES (?1, ?2)")?
        .execute(params![name, stored(record.version)?])?;
    let sql = "INSERT INTO metadata (name, key, value) VALUES (?1, ?2, ?3)";
    let mut insert = database.prepare_cached(sql)?;
    for (key, value) in record.metadata.iter() {
        insert.execute(params![name, key, value])?;
    }
    Ok(())
}

/// A version as the file keeps it.
fn stored(version: u64) -> rusqlite::Result<i64> {
    let too_large = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
    i64::try_from(version).map_err(too_large)
}
