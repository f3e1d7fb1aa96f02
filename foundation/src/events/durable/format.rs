//! The file format of a durable event store: its tables, its versions, and rows as events.

use std::sync::Arc;

use rusqlite::{Connection, Row};

use crate::clock::Timestamp;
use crate::events::{Event, EventId, Kind, NewEvent};
use crate::log::Sequence;
use crate::sqlite::Format;

/// What a durable event store's file is.
pub(super) const FORMAT: Format = Format {
    name: "an event store",
    // "fEvt" in ASCII.
    application_id: 0x6645_7674,
    migrations: &[VERSION_1],
};

/// The rows of `events` are a run of numbers without gaps that ends below `store.next_sequence`.
/// `readable` is for people: nothing here reads it.
const VERSION_1: &str = "
CREATE TABLE events (
    sequence    INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL, -- nanoseconds since 1970-01-01 00:00 UTC
    id          BLOB NOT NULL,    -- UUID, version 7
    kind        TEXT NOT NULL,
    correlation TEXT,
    causation   BLOB,             -- id of an event
    payload     TEXT              -- JSON; NULL stands for null
) STRICT;
CREATE INDEX events_by_kind ON events (kind);
CREATE INDEX events_by_correlation ON events (correlation) WHERE correlation IS NOT NULL;
CREATE INDEX events_by_time ON events (at);
CREATE TABLE store (
    one           INTEGER PRIMARY KEY CHECK (one = 1),
    next_sequence INTEGER NOT NULL, -- number of the next event
    text_bytes    INTEGER NOT NULL, -- length of all kinds, correlations and payloads
    latest_ms     INTEGER NOT NULL  -- milliseconds in the latest id
) STRICT;
INSERT INTO store VALUES (1, 1, 0, 0);
CREATE VIEW readable AS SELECT
    sequence,
    strftime('%Y-%m-%dT%H:%M:%S', at / 1000000000, 'unixepoch')
        || printf('.%09dZ', at % 1000000000) AS time,
    lower(printf('%s-%s-%s-%s-%s', substr(hex(id), 1, 8), substr(hex(id), 9, 4),
        substr(hex(id), 13, 4), substr(hex(id), 17, 4), substr(hex(id), 21))) AS id,
    kind,
    correlation,
    CASE WHEN causation IS NOT NULL THEN
        lower(printf('%s-%s-%s-%s-%s', substr(hex(causation), 1, 8), substr(hex(causation), 9, 4),
            substr(hex(causation), 13, 4), substr(hex(causation), 17, 4),
            substr(hex(causation), 21))) END AS causation,
    coalesce(payload, 'null') AS payload
FROM events;
";

/// The columns that [`event`] reads, in its order.
pub(super) const COLUMNS: &str = "sequence, at, id, kind, correlation, causation, payload";

/// A number as `SQLite` holds it. Numbers and moments (until the year 2262) fit; what does not counts
/// as the greatest that does.
pub(super) fn integer(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// The inverse of [`integer`]. What is negative was not written here and counts as 0.
pub(super) fn number(integer: i64) -> u64 {
    u64::try_from(integer).unwrap_or(0)
}

/// The moment, or the last one that the file can hold.
pub(super) fn storable(at: Timestamp) -> Timestamp {
    Timestamp::from_nanos(number(integer(at.as_nanos())))
}

/// Writes `event` behind the last one.
pub(super) fn insert(database: &Connection, event: &Event) -> rusqlite::Result<()> {
    let told = event.told();
    let statement = "INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
    database.prepare_cached(statement)?.execute((
        integer(event.sequence().get()),
        integer(event.at().as_nanos()),
        event.id().to_bytes(),
        told.kind().as_str(),
        told.correlation.as_deref(),
        told.causation.map(EventId::to_bytes),
        told.payload.as_deref(),
    ))?;
    Ok(())
}

/// The event in `row`, whose columns are [`COLUMNS`].
pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let told = NewEvent {
        kind: Kind::from(row.get::<_, Arc<str>>(3)?),
        correlation: row.get(4)?,
        causation: row.get::<_, Option<[u8; 16]>>(5)?.map(EventId::from_bytes),
        payload: row.get(6)?,
    };
    let sequence = Sequence::new(number(row.get(0)?));
    let at = Timestamp::from_nanos(number(row.get(1)?));
    Ok(Event::new(sequence, at, EventId::from_bytes(row.get(2)?), told))
}
