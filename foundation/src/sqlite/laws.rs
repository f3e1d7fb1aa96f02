//! Laws of the writer, the readers and the opening of files, on real files. A ledger of numbers
//! stands for what is written; its jobs can be told to fail.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic, in its own functions too")]

use std::fs;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::park::until;

const FORMAT: Format = Format {
    name: "a list of numbers",
    application_id: 0x7e57,
    migrations: &["CREATE TABLE numbers (place INTEGER PRIMARY KEY, number INTEGER NOT NULL)"],
};

/// What a job does.
enum Job {
    Write(i64),
    /// Writes, and then fails.
    Fail,
    /// Says that it runs, then waits for the other end to go away. Writes nothing.
    Block(Sender<()>, Receiver<()>),
    Panic,
    /// Fails as a job does when the disk does.
    BrokenDisk,
    /// Has the commit of its batch fail.
    FailCommit,
}

/// Writes numbers behind one another; the answer to a job is its place.
#[derive(Default)]
struct Numbers {
    /// The last place that is committed, and the last one of the open transaction.
    committed: i64,
    last: i64,
    fresh: Vec<i64>,
    fails: bool,
    published: Arc<Mutex<Vec<i64>>>,
}

impl Apply for Numbers {
    type Job = Job;
    type Done = i64;

    fn apply(&mut self, database: &Connection, job: &Job) -> rusqlite::Result<i64> {
        let number = match job {
            Job::Write(number) => *number,
            Job::Fail => -1,
            Job::Block(running, end) => {
                running.send(()).unwrap();
                assert!(end.recv().is_err());
                return Ok(0);
            }
            Job::Panic => panic!("a job that panics"),
            Job::BrokenDisk => {
                let error = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR);
                return Err(rusqlite::Error::SqliteFailure(error, None));
            }
            Job::FailCommit => {
                self.fails = true;
                return Ok(0);
            }
        };
        self.last += 1;
        let mut insert = database.prepare_cached("INSERT INTO numbers VALUES (?1, ?2)")?;
        insert.execute([self.last, number])?;
        if matches!(job, Job::Fail) {
            return Err(rusqlite::Error::InvalidQuery);
        }
        self.fresh.push(number);
        Ok(self.last)
    }

    fn seal(&mut self, _: &Connection) -> rusqlite::Result<()> {
        if self.fails { Err(rusqlite::Error::InvalidQuery) } else { Ok(()) }
    }

    fn committed(&mut self) {
        self.committed = self.last;
        self.published.lock().unwrap().append(&mut self.fresh);
    }

    fn rolled_back(&mut self) {
        self.last = self.committed;
        self.fresh.clear();
        self.fails = false;
    }
}

/// A database of numbers in a directory of its own.
struct Fixture {
    directory: TempDir,
    limits: DatabaseLimits,
    writer: Writer<Numbers>,
    published: Arc<Mutex<Vec<i64>>>,
}

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

fn open(directory: &TempDir, format: &Format) -> Result<File, OpenError> {
    File::open(&directory.path().join("db"), format, Duration::from_secs(30))
}

impl Fixture {
    fn new(limits: DatabaseLimits, prepare: impl FnOnce(&Connection)) -> Self {
        let directory = TempDir::new().unwrap();
        let file = open(&directory, &FORMAT).unwrap();
        file.connection.busy_timeout(limits.busy_timeout).unwrap();
        prepare(&file.connection);
        let numbers = Numbers::default();
        let published = Arc::clone(&numbers.published);
        let writer = Writer::start(file, numbers, &limits).unwrap();
        Self { directory, limits, writer, published }
    }

    fn submit(&self, job: Job) -> Ticket<i64> {
        self.writer.submit(job).map_err(|error| error.to_string()).unwrap()
    }

    /// Keeps the writer busy until the sender is dropped.
    fn block(&self) -> Sender<()> {
        let (running, runs) = channel();
        let (end, ended) = channel();
        drop(self.submit(Job::Block(running, ended)));
        runs.recv().unwrap();
        end
    }

    /// What another connection sees.
    fn written(&self) -> Vec<i64> {
        let connection = Connection::open(self.directory.path().join("db")).unwrap();
        let mut select = connection.prepare("SELECT place, number FROM numbers").unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let rows: Vec<(i64, i64)> = rows.map(Result::unwrap).collect();
        assert!(rows.iter().map(|row| row.0).eq((1..).take(rows.len())), "a place is missing");
        rows.into_iter().map(|row| row.1).collect()
    }

    fn published(&self) -> Vec<i64> {
        self.published.lock().unwrap().clone()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn a_job_that_fails_fails_alone_whatever_the_batches_are(
        jobs in proptest::collection::vec(any::<bool>(), 0..40),
        max_batch in 0_usize..40,
    ) {
        let limits = DatabaseLimits { max_batch, ..DatabaseLimits::default() };
        let fixture = Fixture::new(limits, |_| ());
        let blocked = fixture.block();
        let job = |(number, fails): (i64, &bool)| match fails {
            true => Job::Fail,
            false => Job::Write(number),
        };
        let tickets: Vec<_> =
            (0..).zip(&jobs).map(|told| fixture.submit(job(told))).collect();
        drop(blocked);
        let mut places = 0;
        for (mut ticket, fails) in tickets.into_iter().zip(&jobs) {
            let answer = ticket.wait(soon());
            if *fails {
                prop_assert!(matches!(answer, Err(DatabaseError::Refused(_))));
            } else {
                places += 1;
                prop_assert_eq!(answer.unwrap(), places);
            }
        }
        let expected: Vec<_> =
            (0..).zip(&jobs).filter(|job| !job.1).map(|job| job.0).collect();
        prop_assert_eq!(&fixture.published(), &expected);
        prop_assert_eq!(fixture.written(), expected);
    }
}

#[test]
fn a_commit_that_fails_fails_its_whole_batch_and_publishes_nothing() {
    let fixture = Fixture::new(DatabaseLimits::default(), |_| ());
    let blocked = fixture.block();
    let jobs = [Job::Write(1), Job::FailCommit, Job::Write(2)];
    let tickets = jobs.map(|job| fixture.submit(job));
    drop(blocked);
    for mut ticket in tickets {
        assert!(matches!(ticket.wait(soon()), Err(DatabaseError::Refused(_))));
    }
    assert_eq!((fixture.published(), fixture.written()), (vec![], vec![]));
    assert_eq!(fixture.submit(Job::Write(3)).wait(soon()).unwrap(), 1);
    assert_eq!((fixture.published(), fixture.written()), (vec![3], vec![3]));
}

#[test]
fn a_broken_disk_fails_the_whole_batch_at_once() {
    let fixture = Fixture::new(DatabaseLimits::default(), |_| ());
    let blocked = fixture.block();
    let jobs = [Job::Write(1), Job::BrokenDisk, Job::Write(2)];
    let tickets = jobs.map(|job| fixture.submit(job));
    drop(blocked);
    for mut ticket in tickets {
        assert!(matches!(ticket.wait(soon()), Err(DatabaseError::Refused(_))));
    }
    assert_eq!((fixture.published(), fixture.written()), (vec![], vec![]));
}

#[test]
fn a_full_disk_refuses_what_does_not_fit_and_keeps_what_does() {
    // Two pages: one of the schema, one of numbers, which holds a few hundred.
    let fixture = Fixture::new(DatabaseLimits::default(), |connection| {
        connection.pragma_update(None, "max_page_count", 2).unwrap();
    });
    let tickets: Vec<_> = (0..2000).map(|number| fixture.submit(Job::Write(number))).collect();
    let answers: Vec<_> = tickets.into_iter().map(|mut ticket| ticket.wait(soon())).collect();
    let fitting = answers.iter().take_while(|answer| answer.is_ok()).count();
    assert!((100..1000).contains(&fitting), "{fitting}");
    for refused in &answers[fitting..] {
        let refused = refused.as_ref().unwrap_err().to_string();
        assert_eq!(refused, "the database refused: database or disk is full");
    }
    assert!(fixture.written().into_iter().eq((0..).take(fitting)));
}

#[test]
fn a_full_queue_gives_the_job_back_and_lets_it_in_once_there_is_room() {
    let limits = DatabaseLimits { max_queued: 2, ..DatabaseLimits::default() };
    let fixture = Fixture::new(limits, |_| ());
    let blocked = fixture.block();
    let _queued = [1, 2].map(|number| fixture.submit(Job::Write(number)));
    let refused = fixture.writer.submit(Job::Write(3));
    assert!(matches!(refused, Err(SubmitError::Full { job: Job::Write(3), limit: 2 })));
    let refused = fixture.writer.submit_blocking(Job::Write(3), Instant::now());
    assert!(matches!(refused, Err(SubmitError::Full { job: Job::Write(3), limit: 2 })));
    let mut waiting = Box::pin(fixture.writer.submit_when_room(Job::Write(3)));
    assert!(waiting.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(blocked);
    let Some(Ok(mut third)) = until(soon(), waiting) else { panic!("there is room") };
    assert_eq!(third.wait(soon()).unwrap(), 3);
    let Ok(mut fourth) = fixture.writer.submit_blocking(Job::Write(4), soon()) else {
        panic!("there is room")
    };
    assert_eq!(fourth.wait(soon()).unwrap(), 4);
}

#[test]
fn the_death_of_the_writer_fails_every_ticket_and_frees_the_file() {
    let fixture = Fixture::new(DatabaseLimits { max_batch: 2, ..Default::default() }, |_| ());
    let blocked = fixture.block();
    let jobs = [Job::Write(1), Job::Panic, Job::Write(2), Job::Write(3)];
    let tickets = jobs.map(|job| fixture.submit(job));
    drop(blocked);
    for mut ticket in tickets {
        assert!(matches!(ticket.wait(soon()), Err(DatabaseError::Stopped)));
    }
    until(soon(), fixture.writer.close()).unwrap();
    let refused = fixture.writer.submit(Job::Write(4));
    assert!(matches!(refused, Err(SubmitError::Closed { job: Job::Write(4) })));
    assert!(open(&fixture.directory, &FORMAT).is_ok());
    assert_eq!(fixture.written(), [] as [i64; 0]);
}

#[test]
fn whoever_hands_in_a_job_while_the_writer_dies_is_told() {
    for _ in 0..20 {
        let limits = DatabaseLimits { max_queued: 4, ..DatabaseLimits::default() };
        let fixture = Fixture::new(limits, |_| ());
        let writer = &fixture.writer;
        thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(|| {
                    let hand_in = || writer.submit_blocking(Job::Write(1), soon());
                    let tickets: Vec<_> = std::iter::from_fn(|| hand_in().ok()).collect();
                    for mut ticket in tickets {
                        let answer = ticket.wait(soon());
                        assert!(!matches!(answer, Err(DatabaseError::Deadline)), "nobody answers");
                    }
                });
            }
            scope.spawn(|| drop(writer.submit_blocking(Job::Panic, soon())));
        });
    }
}

#[test]
fn closing_answers_everything_that_was_taken_and_frees_the_file() {
    let fixture = Fixture::new(DatabaseLimits::default(), |_| ());
    let blocked = fixture.block();
    let mut tickets: Vec<_> = (0..700).map(|number| fixture.submit(Job::Write(number))).collect();
    let closings = [fixture.writer.clone(), fixture.writer.clone()];
    let closings = closings.map(|writer| thread::spawn(move || until(soon(), writer.close())));
    // What was not awaited is written all the same.
    tickets.truncate(600);
    drop(blocked);
    for closing in closings {
        assert_eq!(closing.join().unwrap(), Some(()));
    }
    for (mut ticket, place) in tickets.into_iter().zip(1..) {
        assert_eq!(ticket.wait(Instant::now()).unwrap(), place);
    }
    assert!(matches!(fixture.writer.submit(Job::Panic), Err(SubmitError::Closed { .. })));
    assert!(open(&fixture.directory, &FORMAT).is_ok());
    assert!(fixture.written().into_iter().eq(0..700));
}

#[test]
fn closing_takes_effect_at_once_and_waits_for_nobody_who_has_a_place_and_does_not_use_it() {
    let limits = DatabaseLimits { max_queued: 1, ..DatabaseLimits::default() };
    let fixture = Fixture::new(limits, |_| ());
    let blocked = fixture.block();
    let mut queued = fixture.submit(Job::Write(1));
    let mut unpolled = Box::pin(fixture.writer.submit_when_room(Job::Write(2)));
    assert!(unpolled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    // The deadline passes while the queue is full.
    assert!(until(Instant::now(), fixture.writer.close()).is_none());
    let refused = fixture.writer.submit(Job::Write(3));
    assert!(matches!(refused, Err(SubmitError::Closed { job: Job::Write(3) })));
    drop(blocked);
    assert_eq!(until(soon(), fixture.writer.close()), Some(()));
    assert_eq!(queued.wait(soon()).unwrap(), 1);
    let refused = until(soon(), unpolled).unwrap();
    assert!(matches!(refused, Err(SubmitError::Closed { job: Job::Write(2) })));
    // Room was given, and not used, before the closing began.
    let fixture = Fixture::new(limits, |_| ());
    let blocked = fixture.block();
    let mut queued = fixture.submit(Job::Write(1));
    let mut unpolled = Box::pin(fixture.writer.submit_when_room(Job::Write(2)));
    assert!(unpolled.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
    drop(blocked);
    assert_eq!(queued.wait(soon()).unwrap(), 1);
    assert_eq!(until(soon(), fixture.writer.close()), Some(()));
    assert!(matches!(until(soon(), unpolled).unwrap(), Err(SubmitError::Closed { .. })));
}

#[test]
fn bounds_beyond_their_ranges_count_as_the_ends() {
    let limits = DatabaseLimits {
        max_queued: usize::MAX,
        max_batch: usize::MAX,
        readers: 0,
        max_queued_reads: usize::MAX,
        busy_timeout: Duration::MAX,
    };
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("db");
    let file = File::open(&path, &FORMAT, limits.busy_timeout).unwrap();
    let readers = Readers::start(&path, &limits).unwrap();
    let writer = Writer::start(file, Numbers::default(), &limits).unwrap();
    let Ok(mut ticket) = writer.submit(Job::Write(1)) else { panic!("there is room") };
    assert_eq!(ticket.wait(soon()).unwrap(), 1);
    assert_eq!(read(&readers, count).unwrap(), 1);
    assert_eq!(DatabaseLimits { readers: usize::MAX, ..limits }.clamped().readers, 256);
}

#[test]
fn a_read_that_nobody_waits_for_any_more_ends() {
    let directory = TempDir::new().unwrap();
    let file = open(&directory, &FORMAT).unwrap();
    let limits = DatabaseLimits { readers: 1, ..DatabaseLimits::default() };
    let readers = Readers::start(&file.path, &limits).unwrap();
    let (running, runs) = channel();
    let endless = readers.read(move |connection| {
        running.send(()).unwrap();
        let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
                   SELECT count(*) FROM n";
        connection.query_row(sql, [], |row| row.get::<_, i64>(0))
    });
    let ticket = until(soon(), endless).unwrap().unwrap();
    runs.recv().unwrap();
    drop(ticket);
    assert_eq!(read(&readers, count).unwrap(), 0);
    let panics = |_: &Connection| -> rusqlite::Result<()> { panic!("a read that panics") };
    assert!(matches!(read(&readers, panics), Err(DatabaseError::Stopped)));
    assert_eq!(read(&readers, count).unwrap(), 0);
}

#[test]
fn the_last_writer_to_go_leaves_everything_written() {
    let mut fixture = Fixture::new(DatabaseLimits::default(), |_| ());
    let blocked = fixture.block();
    let mut tickets: Vec<_> = (0..300).map(|number| fixture.submit(Job::Write(number))).collect();
    let other = Fixture::new(DatabaseLimits::default(), |_| ());
    drop(std::mem::replace(&mut fixture.writer, other.writer));
    drop(blocked);
    assert_eq!(tickets.pop().unwrap().wait(soon()).unwrap(), 300);
}

/// What `work` finds.
fn read<T: Send + Sync + 'static>(
    readers: &Readers,
    work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, DatabaseError> {
    until(soon(), readers.read(work)).unwrap()?.wait(soon())
}

fn count(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT count(*) FROM numbers", [], |row| row.get(0))
}

/// Panics when it is woken, and what it panics with does when it is dropped.
struct Bomb;

impl Wake for Bomb {
    fn wake(self: Arc<Self>) {
        std::panic::panic_any(Fragment);
    }
}

struct Fragment;

impl Drop for Fragment {
    fn drop(&mut self) {
        panic!("a panic whose remains panic");
    }
}

#[test]
fn a_panicking_waker_costs_nobody_else_an_answer() {
    let fixture = Fixture::new(DatabaseLimits::default(), |_| ());
    let blocked = fixture.block();
    let mut tickets = [1, 2, 3].map(|number| fixture.submit(Job::Write(number)));
    let bomb = Waker::from(Arc::new(Bomb));
    let polled = std::pin::Pin::new(&mut tickets[0]).poll(&mut Context::from_waker(&bomb));
    assert!(matches!(polled, Poll::Pending));
    drop(blocked);
    // The first one last: asking for it replaces the waker.
    for (mut ticket, place) in tickets.into_iter().zip([1, 2, 3]).rev() {
        assert_eq!(ticket.wait(soon()).unwrap(), place);
    }
    assert_eq!(fixture.submit(Job::Write(4)).wait(soon()).unwrap(), 4);
}

#[test]
fn a_ticket_at_its_deadline_can_be_awaited_again() {
    let fixture = Fixture::new(DatabaseLimits::default(), |_| ());
    let blocked = fixture.block();
    let mut ticket = fixture.submit(Job::Write(1));
    assert!(matches!(ticket.wait(Instant::now()), Err(DatabaseError::Deadline)));
    drop(blocked);
    assert_eq!(ticket.wait(soon()).unwrap(), 1);
    assert!(matches!(ticket.wait(soon()), Err(DatabaseError::Stopped)));
}

#[test]
fn a_reader_waits_for_no_writer_and_the_writer_for_a_lock_only_so_long() {
    let limits = DatabaseLimits { busy_timeout: Duration::ZERO, ..DatabaseLimits::default() };
    let fixture = Fixture::new(limits, |_| ());
    let path = fixture.directory.path().join("db");
    fixture.submit(Job::Write(7)).wait(soon()).unwrap();
    let readers = Readers::start(&path, &fixture.limits).unwrap();
    let shell = Connection::open(&path).unwrap();
    shell.execute_batch("BEGIN IMMEDIATE; INSERT INTO numbers VALUES (2, 8)").unwrap();
    let refused = fixture.submit(Job::Write(9)).wait(soon()).unwrap_err();
    assert_eq!(refused.to_string(), "the database refused: database is locked");
    assert_eq!(read(&readers, count).unwrap(), 1);
    shell.execute_batch("ROLLBACK").unwrap();
    // While our writer is in a transaction, too.
    let blocked = fixture.block();
    assert_eq!(read(&readers, count).unwrap(), 1);
    drop(blocked);
    assert_eq!(fixture.submit(Job::Write(9)).wait(soon()).unwrap(), 2);
    let write = |connection: &Connection| connection.execute("DELETE FROM numbers", []);
    assert!(matches!(read(&readers, write), Err(DatabaseError::Refused(_))));
}

#[test]
fn a_file_has_one_writer_whatever_path_leads_to_it() {
    let directory = TempDir::new().unwrap();
    let first = open(&directory, &FORMAT).unwrap();
    let refused = open(&directory, &FORMAT).unwrap_err();
    assert!(matches!(&refused, OpenError::InUse { path, .. } if *path == first.path));
    #[cfg(unix)]
    {
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&first.path, &link).unwrap();
        let refused = File::open(&link, &FORMAT, Duration::ZERO).unwrap_err();
        assert!(matches!(refused, OpenError::InUse { .. }));
        let [link, target] = ["dangling", "target"].map(|name| directory.path().join(name));
        std::os::unix::fs::symlink(&target, &link).unwrap();
        let by_link = File::open(&link, &FORMAT, Duration::ZERO).unwrap();
        assert_eq!(by_link.path, fs::canonicalize(&target).unwrap());
        for path in [&link, &target] {
            let refused = File::open(path, &FORMAT, Duration::ZERO).unwrap_err();
            assert!(matches!(refused, OpenError::InUse { .. }));
        }
    }
    drop(first);
    assert!(open(&directory, &FORMAT).is_ok());
}

#[test]
fn a_file_of_something_else_or_of_a_newer_version_is_refused_untouched() {
    let foreign = "CREATE TABLE numbers (place, number)";
    let other = "PRAGMA application_id = 5; CREATE TABLE a (b)";
    let newer = "PRAGMA application_id = 0x7e57; PRAGMA user_version = 2";
    let cases = [
        (foreign, "written by something else: a database with application id 0x0, not a list"),
        (other, "written by something else: a database with application id 0x5, not a list"),
        (newer, "has version 2, the newest that is known here is 1"),
        ("", "written by something else: no database, not a list of numbers"),
    ];
    for (sql, expected) in cases {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("db");
        if sql.is_empty() {
            fs::write(&path, "a letter, not a database; long enough to have a header".repeat(9))
                .unwrap();
        } else {
            Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        }
        let before = fs::read(&path).unwrap();
        let refused = open(&directory, &FORMAT).unwrap_err().to_string();
        assert!(refused.contains(expected) && refused.contains("db`"), "{refused}");
        assert_eq!(fs::read(&path).unwrap(), before);
        assert!(!directory.path().join("db.lock").exists());
    }
}

#[test]
fn the_log_of_a_refused_file_is_not_folded_into_it() {
    let directory = TempDir::new().unwrap();
    let other = directory.path().join("other");
    let connection = Connection::open(&other).unwrap();
    let sql = "PRAGMA application_id = 5; PRAGMA journal_mode = WAL; CREATE TABLE a (b)";
    connection.execute_batch(sql).unwrap();
    // As if its program had died.
    let [path, log] = ["db", "db-wal"].map(|name| directory.path().join(name));
    fs::copy(&other, &path).unwrap();
    fs::copy(directory.path().join("other-wal"), &log).unwrap();
    let before = [&path, &log].map(|path| fs::read(path).unwrap());
    assert!(matches!(open(&directory, &FORMAT), Err(OpenError::Foreign { .. })));
    assert_eq!([&path, &log].map(|path| fs::read(path).unwrap()), before);
}

#[test]
fn a_database_that_cannot_have_a_log_is_refused() {
    let connection = Connection::open_in_memory().unwrap();
    assert!(super::open::configure(&connection).is_err());
}

#[test]
fn an_older_file_is_brought_to_the_newest_version_or_left_as_it_was() {
    // The first is not run again: it would fail.
    const NEWER: Format = Format { migrations: &["no SQL", ADD_ONE], ..FORMAT };
    const BROKEN: Format = Format { migrations: &["no SQL", ADD_ONE, "no SQL"], ..FORMAT };
    const ADD_ONE: &str = "UPDATE numbers SET number = number + 1";
    let directory = TempDir::new().unwrap();
    let by_hand = "PRAGMA application_id = 0x7e57; PRAGMA user_version = 1;
         CREATE TABLE numbers (place INTEGER PRIMARY KEY, number INTEGER NOT NULL);
         INSERT INTO numbers VALUES (1, 41)";
    Connection::open(directory.path().join("db")).unwrap().execute_batch(by_hand).unwrap();
    let refused = open(&directory, &BROKEN).unwrap_err();
    assert!(matches!(refused, OpenError::Database { .. }));
    let read = |file: &File| {
        let connection = &file.connection;
        let version = connection.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
        let number = connection.query_row("SELECT number FROM numbers", [], |row| row.get(0));
        (version, number.unwrap())
    };
    for _ in 0..2 {
        let file = open(&directory, &NEWER).unwrap();
        assert_eq!(read(&file), (2, 42));
    }
}

#[test]
fn a_file_that_is_open_has_the_durability_that_is_promised() {
    let directory = TempDir::new().unwrap();
    let file = open(&directory, &FORMAT).unwrap();
    let pragma = |name: &str| {
        let value = |row: &rusqlite::Row<'_>| row.get::<_, rusqlite::types::Value>(0);
        let value = file.connection.query_row(&format!("PRAGMA {name}"), [], value).unwrap();
        match value {
            rusqlite::types::Value::Text(text) => text,
            rusqlite::types::Value::Integer(number) => number.to_string(),
            other => format!("{other:?}"),
        }
    };
    assert_eq!(pragma("journal_mode"), "wal");
    assert_eq!(pragma("synchronous"), "2");
    assert_eq!(pragma("busy_timeout"), "30000");
}
