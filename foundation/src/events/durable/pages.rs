//! Reading what is committed, a page at a time, from one snapshot each.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::format::{self, COLUMNS, integer, number};
use crate::clock::{Clock, Timestamp};
use crate::events::{Event, Kind, Limits, Page, Query};
use crate::log::Sequence;
use crate::sqlite::{DatabaseError, Readers, Ticket};

/// The right to read pages. Clones share the threads.
#[derive(Clone, Debug)]
pub(super) struct Pages {
    pub(super) readers: Readers,
    pub(super) clock: Clock,
    pub(super) limits: Limits,
}

/// What is searched for in one snapshot.
struct Search<'a> {
    database: &'a Connection,
    query: &'a Query,
    from: u64,
    until: u64,
}

impl Pages {
    /// The moment before which events are too old now.
    pub(super) fn cutoff(&self) -> Timestamp {
        match self.limits.max_age {
            Some(_) => self.limits.cutoff(self.clock.now()),
            None => Timestamp::default(),
        }
    }

    /// Has the page read that `query` asks for, of what was committed before the call and is not
    /// older than `cutoff`, once there is room for it.
    pub(super) async fn read(
        &self,
        query: Query,
        cutoff: Timestamp,
    ) -> Result<Ticket<Page>, DatabaseError> {
        self.readers.read(move |database| page(database, &query, cutoff)).await
    }
}

/// The page of `query` among the events that are kept, those at the beginning that were stamped
/// before `cutoff` left out.
fn page(database: &Connection, query: &Query, cutoff: Timestamp) -> rusqlite::Result<Page> {
    // `+at` keeps the scan in the order of numbers: it ends at the first event that is young enough.
    let (end, first_kept) = database
        .prepare_cached(
            "SELECT next_sequence, coalesce(
                 (SELECT sequence FROM events WHERE +at >= ?1 ORDER BY sequence LIMIT 1),
                 next_sequence)
             FROM store",
        )?
        .query_row([integer(cutoff.as_nanos())], |row| {
            Ok((number(row.get(0)?), number(row.get(1)?)))
        })?;
    let until = query.until.map_or(end, |until| until.get().min(end));
    let asked = query.from.map_or(first_kept, Sequence::get);
    let search = Search { database, query, from: asked.max(first_kept), until };
    let limit = query.limit.max(1);
    let events = search.run(limit)?;
    let next = events.last().map(|last| last.sequence().get() + 1);
    Ok(Page {
        next: next.filter(|next| events.len() == limit && *next < until).map(Sequence::new),
        events,
        first_kept: Sequence::new(first_kept),
        evicted: first_kept.min(until).saturating_sub(asked),
    })
}

impl Search<'_> {
    /// The first `limit` events.
    fn run(mut self, limit: usize) -> rusqlite::Result<Vec<Event>> {
        self.narrow()?;
        if self.from >= self.until {
            return Ok(Vec::new());
        }
        let mut kinds: Vec<Option<&Kind>> = self.query.kinds.iter().map(Some).collect();
        kinds.sort_unstable();
        kinds.dedup();
        if kinds.is_empty() {
            kinds.push(None);
        }
        // Each kind's run is in order by its index; together they have to be sorted.
        let mut events = Vec::new();
        for kind in &kinds {
            self.of_kind(*kind, limit, &mut events)?;
        }
        if kinds.len() > 1 {
            events.sort_unstable_by_key(Event::sequence);
            events.truncate(limit);
        }
        Ok(events)
    }

    /// Narrows the numbers to those between the first and the last event in the asked-for time, by
    /// the index of times alone.
    fn narrow(&mut self) -> rusqlite::Result<()> {
        if (self.query.since, self.query.before) == (None, None) {
            return Ok(());
        }
        let since = self.query.since.map_or(0, Timestamp::as_nanos);
        // A moment past what the file can hold is past every event: those at its end count too.
        let latest = match self.query.before.map(Timestamp::as_nanos) {
            Some(0) => {
                self.until = self.from;
                return Ok(());
            }
            Some(before) => integer(before - 1),
            None => i64::MAX,
        };
        let (first, last) = self
            .database
            .prepare_cached(
                "SELECT min(sequence), max(sequence) FROM events INDEXED BY events_by_time
                 WHERE at BETWEEN ?1 AND ?2",
            )?
            .query_row([integer(since), latest], |row| {
                Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
            })?;
        self.from = self.from.max(first.map_or(u64::MAX, number));
        self.until = self.until.min(last.map_or(0, |last| number(last) + 1));
        Ok(())
    }

    /// Adds the first `limit` events of `kind`, or of any.
    fn of_kind(
        &self,
        kind: Option<&Kind>,
        limit: usize,
        events: &mut Vec<Event>,
    ) -> rusqlite::Result<()> {
        let mut sql = format!("SELECT {COLUMNS} FROM events WHERE sequence >= ? AND sequence < ?");
        let number = |number: u64| Value::Integer(integer(number));
        let mut values = vec![number(self.from), number(self.until)];
        let mut only = |condition: &str, value: Option<Value>| {
            if let Some(value) = value {
                sql.push_str(condition);
                values.push(value);
            }
        };
        let text = |text: &str| Value::Text(text.to_owned());
        only(" AND kind = ?", kind.map(|kind| text(kind.as_str())));
        only(" AND correlation = ?", self.query.correlation.as_deref().map(text));
        // `narrow` used the index of times already.
        only(" AND +at >= ?", self.query.since.map(|since| number(since.as_nanos())));
        let last = self.query.before.map(|before| number(before.as_nanos() - 1));
        only(" AND +at <= ?", last);
        only(" ORDER BY sequence LIMIT ?", Some(number(limit as u64)));
        let mut statement = self.database.prepare_cached(&sql)?;
        let found = statement.query_map(params_from_iter(values), format::event)?;
        for event in found {
            events.push(event?);
        }
        Ok(())
    }
}
