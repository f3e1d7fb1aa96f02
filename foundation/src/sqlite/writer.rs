//! The thread that writes: it takes what is queued, commits it at once, publishes and answers.

use std::sync::Arc;
use std::thread;
use std::time::Instant;

use rusqlite::{Connection, ErrorCode, TransactionBehavior};
use tokio::sync::mpsc::{self, error::SendError};
use tokio::sync::{Semaphore, TryAcquireError, watch};

use super::DatabaseLimits;
use super::error::{DatabaseError, OpenError, SubmitError};
use super::open::File;
use super::ticket::{Answer, Ticket};
use crate::panics::quietly;
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

    /// Writes one job. An error undoes the whole transaction and is the answer of this job alone,
    /// unless it is the database's: see [`Failure::of_job`].
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
///
/// What is queued was let in by `room`, whose places the thread gives back as it receives. The queue
/// itself has no bound: a place that was given to a future which nobody polls holds up whoever waits
/// for room, but neither the thread nor its end.
pub(crate) struct Writer<A: Apply> {
    queue: mpsc::UnboundedSender<Message<A>>,
    /// The places in the queue; closed when no more jobs are taken.
    room: Arc<Semaphore>,
    max_queued: usize,
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
    /// The last message of those that count: what is behind it was handed in during the closing.
    Close,
}

/// What the thread owns. Dropped in this order: whoever sees `_ended` closed finds the file free.
struct Thread<A: Apply> {
    queue: mpsc::UnboundedReceiver<Message<A>>,
    room: Arc<Semaphore>,
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
        let DatabaseLimits { max_queued, max_batch, .. } = limits.clamped();
        let (sender, queue) = mpsc::unbounded_channel();
        let room = Arc::new(Semaphore::new(max_queued));
        let (end, ended) = watch::channel(());
        let path = file.path.clone();
        let thread = Thread { queue, room: Arc::clone(&room), apply, file, max_batch, _ended: end };
        thread::Builder::new()
            .name("database-writer".into())
            .spawn(move || thread.run())
            .map_err(|source| OpenError::Io { path, source })?;
        Ok(Self { queue: sender, room, max_queued, ended })
    }

    /// Hands in `job` if there is room; never waits.
    pub(crate) fn submit(&self, job: A::Job) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        match self.room.try_acquire() {
            Ok(place) => {
                place.forget();
                self.put(job)
            }
            Err(TryAcquireError::NoPermits) => Err(self.full(job)),
            Err(TryAcquireError::Closed) => Err(SubmitError::Closed { job }),
        }
    }

    /// Hands in `job` once there is room. Dropped before, the job is dropped unwritten; dropped
    /// later than that, the ticket is.
    ///
    /// Room is given in the order in which it was asked for: a future that is neither polled nor
    /// dropped keeps the place that it was given from the others.
    pub(crate) async fn submit_when_room(
        &self,
        job: A::Job,
    ) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        match self.room.acquire().await {
            Ok(place) => {
                place.forget();
                self.put(job)
            }
            Err(_) => Err(SubmitError::Closed { job }),
        }
    }

    /// Waits on this thread for room, until `deadline`; then [`SubmitError::Full`].
    pub(crate) fn submit_blocking(
        &self,
        job: A::Job,
        deadline: Instant,
    ) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        match until(deadline, self.room.acquire()) {
            Some(Ok(place)) => {
                place.forget();
                self.put(job)
            }
            Some(Err(_)) => Err(SubmitError::Closed { job }),
            None => Err(self.full(job)),
        }
    }

    /// Takes no further jobs from the first poll on, lets the thread answer those that are queued,
    /// and waits until it has ended and another writer may open the file. Dropping the future, once
    /// it was polled, gives up only the waiting.
    pub(crate) async fn close(&self) {
        if !self.room.is_closed() {
            self.room.close();
            // An error here says that the thread is ending: what is waited for is the same.
            let _ = self.queue.send(Message::Close);
        }
        let _ = self.ended.clone().changed().await;
    }

    /// Queues `job`, for which room was given.
    fn put(&self, job: A::Job) -> Result<Ticket<A::Done>, SubmitError<A::Job>> {
        let (answer, ticket) = Ticket::new();
        let sent = self.queue.send(Message::Job(Pending { job, answer }));
        if let Err(SendError(Message::Job(Pending { job, .. }))) = sent {
            return Err(SubmitError::Closed { job });
        }
        Ok(ticket)
    }

    fn full(&self, job: A::Job) -> SubmitError<A::Job> {
        SubmitError::Full { job, limit: self.max_queued }
    }
}

impl<A: Apply> Clone for Writer<A> {
    fn clone(&self) -> Self {
        Self {
            queue: self.queue.clone(),
            room: Arc::clone(&self.room),
            max_queued: self.max_queued,
            ended: self.ended.clone(),
        }
    }
}

impl<A: Apply> Thread<A> {
    fn run(mut self) {
        // A panic of `apply` has been reported by the panic hook, and drops the jobs of its batch.
        quietly(|| self.work());
        // Whoever has got room may be about to use it: from here on that fails, or is received, so
        // that its ticket fails.
        self.room.close();
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
            self.room.add_permits(jobs.len());
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

impl Failure {
    /// A failure of the database itself, such as a disk that does not answer, is not the job's: to
    /// try the others alone would only repeat it. A full disk is the job's, as far as those before
    /// it may fit.
    fn of_job(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(
                ErrorCode::SystemIoFailure
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::NotADatabase
                | ErrorCode::OutOfMemory
                | ErrorCode::CannotOpen
                | ErrorCode::ReadOnly,
            ) => Self::Whole(error),
            _ => Self::Job(error),
        }
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
        done.push(apply.apply(&transaction, &pending.job).map_err(Failure::of_job)?);
    }
    apply.seal(&transaction).map_err(Failure::Whole)?;
    transaction.commit().map_err(Failure::Whole)?;
    Ok(done)
}
