//! What the writer's thread writes: numbers, rows, retention; and what it tells subscribers.

use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};

use super::format::{self, integer, number};
use crate::clock::{Clock, Timestamp};
use crate::events::id::Ids;
use crate::events::{Event, Limits, NewEvent};
use crate::log::{Log, Sequence};
use crate::sqlite::Apply;

/// How many events one transaction evicts at most, unless it brings more than a quarter of that or
/// as many bytes need more to make room for them.
const MAX_EVICTED: usize = 1024;

/// How many events that became too old one step of opening a file evicts.
const EXPIRED_AT_ONCE: usize = 1 << 16;

/// An event on its way to the writer.
pub(super) struct Stamped {
    pub(super) at: Timestamp,
    pub(super) event: NewEvent,
}

/// The writer's view of the store.
pub(super) struct Ledger {
    limits: Limits,
    clock: Clock,
    ids: Ids,
    /// As of the last commit.
    committed: Totals,
    /// As of the transaction that is open.
    present: Totals,
    /// The events of the transaction that is open.
    fresh: Vec<Event>,
    /// Where subscribers read. The one owner: when the thread ends, the log is closed.
    live: Arc<Log<Event>>,
}

/// Which events there are, and how long they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Totals {
    /// The number of the oldest event, or `next` if there is none.
    pub(super) first: u64,
    /// The number of the next event.
    pub(super) next: u64,
    /// The bytes of their texts.
    text_bytes: u64,
}

impl Totals {
    fn bytes(self) -> u64 {
        let count = self.next - self.first;
        self.text_bytes.saturating_add(count.saturating_mul(size_of::<Event>() as u64))
    }

    fn is_over(self, limits: &Limits) -> bool {
        let (count, bytes) = (self.next - self.first, self.bytes());
        count > 1 && (count > limits.max_events as u64 || bytes > limits.max_bytes as u64)
    }
}

impl Ledger {
    /// Goes on where the file in `database` ends; `Err` says what in it does not fit together.
    pub(super) fn read(
        database: &Connection,
        limits: Limits,
        clock: Clock,
        live: impl FnOnce(Sequence) -> Arc<Log<Event>>,
    ) -> rusqlite::Result<Result<Self, String>> {
        let (next, text_bytes, latest_ms) = database.query_row(
            "SELECT next_sequence, text_bytes, latest_ms FROM store",
            [],
            |row| Ok((number(row.get(0)?), number(row.get(1)?), number(row.get(2)?))),
        )?;
        let (first, last) = database.query_row(
            "SELECT (SELECT min(sequence) FROM events), (SELECT max(sequence) FROM events)",
            [],
            |row| Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?)),
        )?;
        if last.is_some_and(|last| number(last) + 1 != next) {
            let last = last.unwrap_or_default();
            return Ok(Err(format!(
                "the last event is #{last}, but the next one would be #{next}"
            )));
        }
        let totals = Totals { first: first.map_or(next, number), next, text_bytes };
        Ok(Ok(Self {
            limits,
            clock,
            ids: Ids::after(latest_ms),
            committed: totals,
            present: totals,
            fresh: Vec::new(),
            live: live(Sequence::new(next)),
        }))
    }

    /// Evicts what became too old while the file was closed, in steps that are commits each, so that
    /// no read has to walk over it.
    pub(super) fn expire(&mut self, database: &mut Connection) -> rusqlite::Result<()> {
        let by_age = Limits { max_events: usize::MAX, max_bytes: usize::MAX, ..self.limits };
        loop {
            let step = database.transaction_with_behavior(TransactionBehavior::Immediate)?;
            self.evict(&step, &by_age, EXPIRED_AT_ONCE)?;
            if self.present.first == self.committed.first {
                return Ok(());
            }
            self.note(&step)?;
            step.commit()?;
            self.committed = self.present;
        }
    }

    /// Evicts the oldest events as far as `limits` ask for it: up to `most` of them, and more only
    /// until they have as many bytes as the fresh ones. So a store above its limits shrinks, or at
    /// least does not grow.
    fn evict(
        &mut self,
        database: &Connection,
        limits: &Limits,
        most: usize,
    ) -> rusqlite::Result<()> {
        let cutoff = integer(limits.cutoff(self.clock.now()).as_nanos());
        let before = self.present.first;
        let most = before.saturating_add(most as u64);
        let bytes_before = self.committed.bytes();
        let mut oldest = database.prepare_cached(
            "SELECT at, octet_length(kind) + coalesce(octet_length(correlation), 0)
                 + coalesce(octet_length(payload), 0)
             FROM events ORDER BY sequence",
        )?;
        let mut rows = oldest.query([])?;
        while self.present.first < most || self.present.bytes() > bytes_before {
            let Some(row) = rows.next()? else { break };
            if !self.present.is_over(limits) && row.get::<_, i64>(0)? >= cutoff {
                break;
            }
            let text_bytes = number(row.get(1)?);
            self.present.first += 1;
            self.present.text_bytes = self.present.text_bytes.saturating_sub(text_bytes);
        }
        drop(rows);
        if self.present.first > before {
            database
                .prepare_cached("DELETE FROM events WHERE sequence < ?1")?
                .execute([integer(self.present.first)])?;
        }
        Ok(())
    }

    /// Writes down what the rows do not say.
    fn note(&self, database: &Connection) -> rusqlite::Result<()> {
        database
            .prepare_cached("UPDATE store SET next_sequence = ?1, text_bytes = ?2, latest_ms = ?3")?
            .execute([
                integer(self.present.next),
                integer(self.present.text_bytes),
                integer(self.ids.latest_ms()),
            ])?;
        Ok(())
    }
}

impl Apply for Ledger {
    type Job = Stamped;
    type Done = Event;

    fn apply(&mut self, database: &Connection, job: &Stamped) -> rusqlite::Result<Event> {
        let sequence = Sequence::new(self.present.next);
        let id = self.ids.next(sequence, job.at);
        let event = Event::new(sequence, job.at, id, job.event.clone());
        format::insert(database, &event)?;
        self.present.next += 1;
        self.present.text_bytes += event.told().text_bytes() as u64;
        self.fresh.push(event.clone());
        Ok(event)
    }

    fn seal(&mut self, database: &Connection) -> rusqlite::Result<()> {
        let limits = self.limits;
        self.evict(database, &limits, MAX_EVICTED.max(self.fresh.len().saturating_mul(4)))?;
        self.note(database)
    }

    fn committed(&mut self) {
        self.committed = self.present;
        // All of them are appended before anybody is woken: a waker may panic.
        let append = |event| self.live.append_quietly(event).1;
        let aftermaths: Vec<_> = self.fresh.drain(..).map(append).collect();
        // Memory holds nothing that the file no longer does.
        let gone = |event: &Event| event.sequence().get() < self.committed.first;
        self.live.evict_while(gone);
        drop(aftermaths);
    }

    fn rolled_back(&mut self) {
        self.present = self.committed;
        self.fresh.clear();
    }
}
