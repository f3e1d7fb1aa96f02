//! Records in an `SQLite` file.

use std::path::Path;

use async_trait::async_trait;
use rusqlite::{Connection, params};

use super::super::{Metadata, Name};
use super::{Backend, BackendError, MAX_RECORDS, Record, Write};
use crate::sqlite::{Apply, DatabaseLimits, File, Format, OpenError, Readers, SubmitError, Writer};

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
    readers: Readers,
}

/// The writing of records: nothing is kept beside the file.
struct Records;

impl SqliteBackend {
    /// Opens the file at `path`, which is made if it does not exist. One process at a time.
    ///
    /// Starts a thread that writes and threads that read; they end with the last clone of what was
    /// handed out. Blocks while the file is opened.
    pub fn open(path: &Path, limits: &DatabaseLimits) -> Result<Self, OpenError> {
        let file = File::open(path, &FORMAT, limits.busy_timeout)?;
        file.connection
            .pragma_update(None, "foreign_keys", true)
            .map_err(|error| file.refused(error))?;
        let readers = Readers::start(&file.path, limits)?;
        Ok(Self { writer: Writer::start(file, Records, limits)?, readers })
    }

    /// Takes no further writes and waits until those that were handed in are written and the file
    /// is free.
    pub async fn close(&self) {
        self.writer.close().await;
    }
}

#[async_trait]
impl Backend for SqliteBackend {
    async fn load(&self) -> Result<Vec<Record>, BackendError> {
        let rows = self.readers.read(rows).await?;
        if rows.len() > MAX_RECORDS {
            return Err(format!("the registry's file holds more than {MAX_RECORDS} rows").into());
        }
        let mut records: Vec<Record> = Vec::new();
        let mut pairs: Vec<(String, String)> = Vec::new();
        let mut rows = rows.into_iter().peekable();
        while let Some(Row { name, version, pair }) = rows.next() {
            pairs.extend(pair);
            if rows.peek().is_some_and(|next| next.name == name) {
                continue;
            }
            let version = u64::try_from(version)?;
            records.push(Record {
                name: Name::new(&name)?,
                version,
                metadata: pairs.drain(..).collect::<Metadata>(),
            });
        }
        Ok(records)
    }

    async fn write(&self, writes: Vec<Write>) -> Result<(), BackendError> {
        match self.writer.submit_when_room(writes).await {
            Ok(ticket) => Ok(ticket.await?),
            Err(SubmitError::Full { .. } | SubmitError::Closed { .. }) => {
                Err("the registry's file is closed".into())
            }
        }
    }
}

impl Apply for Records {
    type Job = Vec<Write>;
    type Done = ();

    fn apply(&mut self, database: &Connection, writes: &Vec<Write>) -> rusqlite::Result<()> {
        for write in writes {
            match write {
                Write::Put(record) => put(database, record)?,
                Write::Delete { name, version } => {
                    let sql = "DELETE FROM registration WHERE name = ?1 AND version = ?2";
                    let version = stored(*version)?;
                    database.prepare_cached(sql)?.execute(params![name.as_str(), version])?;
                }
            }
        }
        Ok(())
    }

    fn committed(&mut self) {}

    fn rolled_back(&mut self) {}
}

/// A registration with one of its metadata pairs, or with none.
struct Row {
    name: String,
    version: i64,
    pair: Option<(String, String)>,
}

/// Every registration with each of its pairs, by name; one more than are allowed at most.
fn rows(database: &Connection) -> rusqlite::Result<Vec<Row>> {
    let sql = "SELECT name, version, key, value FROM registration NATURAL LEFT JOIN metadata
               ORDER BY name LIMIT ?1";
    let mut statement = database.prepare(sql)?;
    let limit = i64::try_from(MAX_RECORDS).unwrap_or(i64::MAX).saturating_add(1);
    let row = |row: &rusqlite::Row<'_>| {
        let pair = row.get::<_, Option<String>>(2)?.zip(row.get::<_, Option<String>>(3)?);
        Ok(Row { name: row.get(0)?, version: row.get(1)?, pair })
    };
    statement.query_map([limit], row)?.collect()
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
