//! The thread that writes: it takes what is queued, commits it at once, publishes and answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::mpsc::{self, error::TrySendError};
use tokio::sync::watch;

use super::DatabaseLimits;
use super::error::{DatabaseError, OpenError, SubmitError};
use super::open::File;
use super::ticket::{Answer, Ticket};
use crate::park::until;

/// What a writer writes. Lives on the writer's thread; a panic in it ends the thread.
///
/// Each transaction is: [`apply`](Self::apply) for each job, [`seal`](Self::seal), COMMIT, then
/// [`committed`](Self::committed). Whatever fails on the way, [`rolled_back`](Self::rolled_back)
/// follows instead. A job may be applied again in a later, smaller transaction.
pub(crate) trait Apply: Send + 'static {
    /// What is handed in.
    type Job: Send + 'static;
    /// What its ticket yields after the commit.
    type Done: Send + 'static;

    /// Writes one job. An error undoes the whole transaction and is the answer of this job alone.
    fn apply(&mut self, database: &Connection, job: &Self::Job) -> rusqlite::Result<Self::Done>;

    /// The last step before the commit, once a transaction. An error is the answer of all its jobs.
    fn seal(&mut self, _database: &Connection) -> rusqlite::Result<()> {
        Ok(())
    }

    /// Everything since the last commit is durable: publish it. Tickets are answered after this. A
    /// panic, which only a waker of a user can raise, goes no further.
    fn committed(&mut self);

    /// Nothing since the last commit took effect: forget it.
    fn rolled_back(&mut self);
}

/// The handing-in side of a writer thread. Clones share the thread, which ends when the last one is
/// gone, or by [`close`](Self::close), and everything queued was answered.
pub(crate) struct Writer<A: Apply> {
    queue: mpsc::Sender<Message<A>>,
    /// Nothing is ever sent: it is closed when the thread has ended and the file is free.
    ended: watch::Receiver<()>,
}

/// A job and the place for its answer.
struct Pending<A: Apply> {
    job: A::Job,
    answer: Answer<A::Done>,
}

enum Message<A: Apply> {
    Job(Pending<A>),
    Close,
}

/// What the thread owns. Dropped in this order: whoever sees `_ended` closed finds the file free.
struct Thread<A: Apply> {
    queue: mpsc::Receiver<Message<A>>,
    apply: A,
    file: File,
    max_batch: usize,
    _ended: watch::Sender<()>,
}

/// Why a transaction came to nothing.
enum Failure {
    /// One of its jobs failed; the others may not.
    Job(rusqlite::Error),
    /// All of it failed.
    Whole(rusqlite::Error),
}

impl<A: Apply> Writer<A> {
    /// Starts the thread that writes to `file`.
    pub(crate) fn start(file: File, apply: A, limits: &DatabaseLimits) -> Result<Self, OpenError> {
        let (sender, queue) = mpsc::channel(limits.max_queued.max(1));
        let (end, ended) = watch::channel(());
        let path = file.path.clone();
        let thread = Thread { queue, apply, file, max_batch: limits.max_batch.max(1), _ended: end };
        thread::Builder::new()
            .name("database-writer".into())
            .spawn(move || thread.run())
            .map_err(|source| OpenError::Io { path, source })?;
        Ok(Self { queue: sender, ended })
    }

    /// Hands in `job` if there is room; never waits.
    pub(crate) fn submit(&self, job: A::Job) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        match self.queue.try_reserve() {
            Ok(room) => Ok(put(room, job)),
            Err(TrySendError::Full(())) => Err(self.full(job)),
            Err(TrySendError::Closed(())) => Err(SubmitError::Closed { job }),
        }
    }

    /// Hands in `job` once there is room. Dropped before, the job is dropped unwritten; dropped
    /// later than that, the ticket is.
    pub(crate) async fn submit_when_room(
        &self,
        job: A::Job,
    ) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        match self.queue.reserve().await {
            Ok(room) => Ok(put(room, job)),
            Err(_) => Err(SubmitError::Closed { job }),
        }
    }

    /// Waits on this thread for room, until `deadline`; then [`SubmitError::Full`].
    pub(crate) fn submit_blocking(
        &self,
        job: A::Job,
        deadline: Instant,
    ) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        match until(deadline, self.queue.reserve()) {
            Some(Ok(room)) => Ok(put(room, job)),
            Some(Err(_)) => Err(SubmitError::Closed { job }),
            None => Err(self.full(job)),
        }
    }

    /// Takes no further jobs, lets the thread answer those that are queued, and waits until it has
    /// ended and another writer may open the file. Dropping the future, once it was polled and there
    /// was room in the queue, gives up only the waiting.
    pub(crate) async fn close(&self) {
        // An error here says that the thread is ending or has ended: what is waited for is the same.
        let _ = self.queue.send(Message::Close).await;
        let _ = self.ended.clone().changed().await;
    }

    fn full(&self, job: A::Job) -> SubmitError<A::Job> {
        SubmitError::Full { job, limit: self.queue.max_capacity() }
    }
}

impl<A: Apply> Clone for Writer<A> {
    fn clone(&self) -> Self {
        Self { queue: self.queue.clone(), ended: self.ended.clone() }
    }
}

impl<A: Apply> Thread<A> {
    fn run(mut self) {
        // A panic of `apply` has been reported by the panic hook, and drops the jobs of its batch.
        quietly(|| self.work());
        // Whoever has got room may be about to use it: receive that too, so that its ticket fails.
        self.queue.close();
        while self.queue.blocking_recv().is_some() {}
    }

    /// Commits what is queued until the queue is closed and empty.
    fn work(&mut self) {
        let mut inbox = Vec::with_capacity(self.max_batch.min(4096));
        while self.queue.blocking_recv_many(&mut inbox, self.max_batch) > 0 {
            let mut jobs = Vec::with_capacity(inbox.len());
            for message in inbox.drain(..) {
                match message {
                    Message::Job(pending) => jobs.push(pending),
                    // What is queued is still received.
                    Message::Close => self.queue.close(),
                }
            }
            if !jobs.is_empty() {
                self.commit(jobs);
            }
        }
    }

    /// Commits `jobs` together; if one of them fails, each half on its own.
    ///
    /// One bad job among n costs about 2 log2 n transactions; recursion is as deep as log2 n.
    fn commit(&mut self, mut jobs: Vec<Pending<A>>) {
        match self.transaction(&jobs) {
            Ok(done) => {
                quietly(|| self.apply.committed());
                for (pending, done) in jobs.into_iter().zip(done) {
                    pending.answer(Ok(done));
                }
            }
            Err(Failure::Job(_)) if jobs.len() > 1 => {
                let second_half = jobs.split_off(jobs.len() / 2);
                self.commit(jobs);
                self.commit(second_half);
            }
            Err(Failure::Job(error) | Failure::Whole(error)) => {
                let error = DatabaseError::from(error);
                for pending in jobs {
                    pending.answer(Err(error.clone()));
                }
            }
        }
    }

    fn transaction(&mut self, jobs: &[Pending<A>]) -> Result<Vec<A::Done>, Failure> {
        let outcome = transaction(&mut self.file.connection, &mut self.apply, jobs);
        if outcome.is_err() {
            self.apply.rolled_back();
        }
        outcome
    }
}

impl<A: Apply> Pending<A> {
    fn answer(self, answer: Result<A::Done, DatabaseError>) {
        // The error of `send` says that nobody waits any more; a panic is that of a user's waker.
        quietly(|| drop(self.answer.send(answer)));
        // The job's destructor is the user's too.
        quietly(|| drop(self.job));
    }
}

/// One transaction; undone, if it fails, by dropping it.
fn transaction<A: Apply>(
    connection: &mut Connection,
    apply: &mut A,
    jobs: &[Pending<A>],
) -> Result<Vec<A::Done>, Failure> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(Failure::Whole)?;
    let mut done = Vec::with_capacity(jobs.len());
    for pending in jobs {
        done.push(apply.apply(&transaction, &pending.job).map_err(Failure::Job)?);
    }
    apply.seal(&transaction).map_err(Failure::Whole)?;
    transaction.commit().map_err(Failure::Whole)?;
    Ok(done)
}

fn put<A: Apply>(room: mpsc::Permit<'_, Message<A>>, job: A::Job) -> Ticket<A::Done> {
    let (answer, ticket) = Ticket::new();
    room.send(Message::Job(Pending { job, answer }));
    ticket
}

/// Runs code whose panic is its own affair: it must not end the thread that serves all the others.
pub(super) fn quietly(work: impl FnOnce()) {
    drop(catch_unwind(AssertUnwindSafe(work)));
}
