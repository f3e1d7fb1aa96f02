//! Pools: a number of like agents that share work.
//!
//! Owns who gets which job, and who may have a worker to itself. The workers are children of a
//! [`Supervisor`] of the pool's own: one that fails is restarted there, and keeps its handle and the mail
//! that it had not begun. Choosing a worker reads a snapshot of the list, and waits for nobody.

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use foldhash::fast::FixedState;
use tokio::sync::Semaphore;

use crate::drain::{self, Drained};
use crate::kernel::within::within;
use crate::supervision::{Child, Restart, Supervisor};
use crate::{Agent, AgentRef, CallError, CastError, Handler, Message, Reason};

mod builder;
mod lease;
mod worker;

pub use builder::{PoolBuilder, PoolError, Routing};
pub use lease::Lease;
use worker::{Worker, jump};

/// A number of like agents, its workers, that share work. Clones are the same pool; when the last one is
/// dropped, and every [`Lease`], its workers end.
///
/// | a job is given by | to |
/// |---|---|
/// | [`call`](Self::call), [`cast`](Self::cast) | the worker that the pool's [`Routing`] chooses |
/// | [`call_keyed`](Self::call_keyed), [`cast_keyed`](Self::cast_keyed) | always the same worker for a key |
/// | [`check_out`](Self::check_out) | a worker that nobody else gives jobs meanwhile |
///
/// A job goes to a worker that somebody has to itself only if all are taken so: then it waits there.
///
/// ```
/// use mabeam::{Agent, AgentPool, Config, Context, Handler, Message, System};
///
/// struct Worker;
/// impl Agent for Worker {}
///
/// struct Square(u64);
/// impl Message for Square { type Reply = u64; }
/// impl Handler<Square> for Worker {
///     async fn handle(&mut self, Square(side): Square, _: &mut Context<Self>) -> u64 { side * side }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let system = System::new(Config::default())?;
/// system.block_on(async {
///     let pool = AgentPool::builder(|| Worker).workers(4).start(&system).await?;
///     assert_eq!(pool.call(Square(12)).await?, 144);
///
///     let worker = pool.check_out().await?;
///     assert_eq!(worker.call(Square(2)).await?, 4);
///     drop(worker);
///     pool.resize(2).await?;
///     Ok(())
/// })
/// # }
/// ```
pub struct AgentPool<A: Agent>(Arc<Shared<A>>);

/// What the clones of a pool share.
struct Shared<A: Agent> {
    make: Arc<dyn Fn() -> A + Send + Sync>,
    settings: builder::Settings,
    supervisor: AgentRef<Supervisor>,
    workers: ArcSwap<Vec<Arc<Worker<A>>>>,
    /// Where the next job is looked for a worker.
    turn: AtomicUsize,
    /// A permit for each worker, and for each that may be started beside them, that nobody has to
    /// himself.
    free: Arc<Semaphore>,
    /// Held while workers are added or taken away.
    resizing: tokio::sync::Mutex<()>,
}

/// What a pool looks like at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PoolStatus {
    /// Its workers, without those that were started because all were taken.
    pub workers: usize,
    /// Those of them that somebody has to himself.
    pub checked_out: usize,
    /// Jobs that wait or are being done, of workers with a limited mailbox.
    pub waiting: usize,
    /// Jobs that were done.
    pub handled: u64,
}

impl<A: Agent> AgentPool<A> {
    /// A pool of workers that `make` makes.
    pub fn builder(make: impl Fn() -> A + Send + Sync + 'static) -> PoolBuilder<A> {
        PoolBuilder::new(make)
    }

    /// Gives a worker a job and waits for its answer, as [`AgentRef::call`].
    ///
    /// If the worker dies of it, that is [`Exited`](CallError::Exited), and the worker restarted; see
    /// [`call_again`](Self::call_again) for trying elsewhere.
    pub async fn call<M: Message>(&self, job: M) -> Result<M::Reply, CallError<M>>
    where
        A: Handler<M>,
    {
        let workers = self.0.workers.load_full();
        self.choose(&workers).agent.call(job).await
    }

    /// The same, but a job whose worker dies of it is made again and given to another, at most
    /// `attempts` times in all. So it may be done more than once.
    pub async fn call_again<M: Message>(
        &self,
        attempts: u32,
        mut job: impl FnMut() -> M,
    ) -> Result<M::Reply, CallError<M>>
    where
        A: Handler<M>,
    {
        let mut attempt = 1;
        loop {
            match self.call(job()).await {
                Err(CallError::Exited { reason, .. })
                    if attempt < attempts && !reason.is_intended() =>
                {
                    attempt += 1;
                }
                outcome => return outcome,
            }
        }
    }

    /// The same, to always the same worker for a key, as long as the pool has the same size; if it is
    /// resized, few keys move.
    pub async fn call_keyed<M: Message>(
        &self,
        key: impl Hash,
        job: M,
    ) -> Result<M::Reply, CallError<M>>
    where
        A: Handler<M>,
    {
        let workers = self.0.workers.load_full();
        keyed(&workers, key).agent.call(job).await
    }

    /// Gives a worker a job and waits for nothing, as [`AgentRef::cast`].
    pub fn cast<M: Message>(&self, job: M) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        self.choose(&self.0.workers.load()).agent.cast(job)
    }

    /// The same, to always the same worker for a key: see [`call_keyed`](Self::call_keyed).
    pub fn cast_keyed<M: Message>(&self, key: impl Hash, job: M) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        keyed(&self.0.workers.load(), key).agent.cast(job)
    }

    /// Waits for a worker that nobody has to himself, in the order of asking, and takes it until the
    /// lease is dropped. If all are taken and the pool may [overflow](PoolBuilder::overflow), it is a
    /// further one, which ends with its lease.
    pub async fn check_out(&self) -> Result<Lease<A>, PoolError> {
        // Closed when the pool drains.
        let permit =
            Arc::clone(&self.0.free).acquire_owned().await.map_err(|_| PoolError::Ended)?;
        let workers = self.0.workers.load_full();
        if let Some(worker) = workers.iter().find(|worker| worker.take()) {
            return Ok(Lease::of(self.clone(), Arc::clone(worker), permit, false));
        }
        let child = self.0.child().restart(Restart::Temporary);
        let agent = self.0.supervisor.start_child(child).await?;
        let worker = Arc::new(Worker::new(agent));
        worker.take();
        Ok(Lease::of(self.clone(), worker, permit, true))
    }

    /// Changes how many workers there are, 1 at least. Those that are too many are taken from the end of
    /// the list, get no further jobs, and [drain](AgentRef::drain) when nobody has them to himself any
    /// more, each for as long as its [shutdown](PoolBuilder::shutdown) says.
    pub async fn resize(&self, workers: usize) -> Result<(), PoolError> {
        let shared = &*self.0;
        let _resizing = shared.resizing.lock().await;
        let before = shared.workers.load_full();
        let mut list = Vec::clone(&before);
        let surplus = list.split_off(workers.max(1).min(list.len()));
        shared.workers.store(Arc::new(list.clone()));
        for worker in surplus {
            // As many leases as there are workers; whoever waits longest is served first.
            let permit = shared.free.acquire().await.map_err(|_| PoolError::Ended)?;
            permit.forget();
            match shared.settings.drains() {
                Some(time) => shared.supervisor.drain_child(&worker.agent, time).await?,
                None => shared.supervisor.remove_child(&worker.agent).await?,
            }
        }
        while list.len() < workers {
            list.push(Arc::new(Worker::new(shared.supervisor.start_child(shared.child()).await?)));
            shared.workers.store(Arc::new(list.clone()));
            shared.free.add_permits(1);
        }
        Ok(())
    }

    /// Lets the workers do the jobs that they have, and ends the pool. Each is [drained](AgentRef::drain)
    /// from the moment at which the pool's supervisor hears of it, also one that somebody has to himself;
    /// nobody can check one out any more. At the deadline those that are left are killed. Dropping this
    /// takes nothing back.
    pub async fn drain(&self, deadline: Duration) -> Drained {
        let shared = &*self.0;
        shared.free.close();
        let _resizing = shared.resizing.lock().await;
        let workers = shared.workers.load_full();
        let agents = || workers.iter().map(|worker| &worker.agent);
        let system = &shared.supervisor.cell.system;
        let tally = system.dead_letters.tally(agents().map(AgentRef::id));
        // One that fails has no supervisor any more, and has ended with it.
        let drains = agents().map(|agent| shared.supervisor.drain_child(agent, deadline));
        let grace = deadline.saturating_add(system.config.exit_deadline);
        within(grace, drain::all(drains), Arc::clone(system)).await;
        let ended = shared.supervisor.monitor();
        self.stop();
        within(system.config.exit_deadline, ended.down(), Arc::clone(system)).await;
        let killed = agents().filter(|&agent| drain::was_killed(agent));
        Drained { left: tally.left(), killed: killed.map(|agent| agent.cell.label()).collect() }
    }

    /// What the pool looks like at the moment.
    pub fn status(&self) -> PoolStatus {
        let workers = self.0.workers.load();
        let waiting = |worker: &Arc<Worker<A>>| worker.load().unwrap_or(0) as usize;
        PoolStatus {
            workers: workers.len(),
            checked_out: workers.iter().filter(|worker| worker.is_taken()).count(),
            waiting: workers.iter().map(waiting).sum(),
            handled: workers.iter().map(|worker| worker.agent.cell.handled()).sum(),
        }
    }

    /// The supervisor of its workers.
    pub fn supervisor(&self) -> &AgentRef<Supervisor> {
        &self.0.supervisor
    }

    /// Ends the pool: its workers get no further jobs, and end as their shutdown says.
    pub fn stop(&self) {
        self.0.supervisor.stop(Reason::Shutdown);
    }

    /// The worker for the next job.
    fn choose<'a>(&self, workers: &'a [Arc<Worker<A>>]) -> &'a Worker<A> {
        let turn = self.0.turn.fetch_add(1, Ordering::Relaxed);
        let after = |offset: usize| &*workers[turn.wrapping_add(offset) % workers.len()];
        match self.0.settings.routing {
            Routing::RoundRobin => worker::first_free(workers.len(), after),
            Routing::LeastLoaded => worker::lighter(workers.len(), turn, after),
        }
    }
}

/// The worker for a key.
fn keyed<A: Agent>(workers: &[Arc<Worker<A>>], key: impl Hash) -> &Worker<A> {
    &workers[jump(FixedState::default().hash_one(key), workers.len())]
}

impl<A: Agent> Shared<A> {
    /// A further worker.
    fn child(&self) -> Child<A> {
        self.settings.child(&self.make)
    }
}

impl<A: Agent> Clone for AgentPool<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<A: Agent> fmt::Debug for AgentPool<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("AgentPool").field(&self.status()).finish()
    }
}
