//! The beginning of a pool.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use arc_swap::ArcSwap;
use thiserror::Error;
use tokio::sync::Semaphore;

use super::worker::Worker;
use super::{AgentPool, Shared};
use crate::supervision::{
    Child, ChildCommandError, Shutdown, StartChildError, Strategy, Supervisor,
};
use crate::wait::FAR;
use crate::{Agent, Mailbox, SpawnError, System};

/// A pool that is about to be started: say what it is to have, then [`start`](Self::start) it.
#[must_use = "a pool is nothing until it is started"]
pub struct PoolBuilder<A: Agent> {
    make: Arc<dyn Fn() -> A + Send + Sync>,
    workers: usize,
    intensity: (u32, Duration),
    settings: Settings,
}

/// Which worker gets a job that nobody chose one for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Routing {
    /// The next in turn if it is idle; otherwise the one of it and another that has less to do.
    #[default]
    LeastLoaded,
    /// The next in turn.
    RoundRobin,
}

/// Failed to start, resize or use a pool.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PoolError {
    /// Its supervisor could not be started.
    #[error(transparent)]
    Supervisor(#[from] SpawnError),
    /// A worker could not be started.
    #[error("failed to start a worker: {0}")]
    Start(#[from] StartChildError),
    /// A worker could not be stopped.
    #[error("failed to stop a worker: {0}")]
    Stop(#[from] ChildCommandError),
    /// The pool has ended.
    #[error("the pool has ended")]
    Ended,
}

/// What each worker of a pool has, and how it is chosen.
#[derive(Clone, Copy)]
pub(super) struct Settings {
    overflow: usize,
    pub(super) routing: Routing,
    mailbox: Option<Mailbox>,
    shutdown: Shutdown,
    sleep_after: Option<Duration>,
}

impl<A: Agent> PoolBuilder<A> {
    pub(super) fn new(make: impl Fn() -> A + Send + Sync + 'static) -> Self {
        let settings = Settings {
            overflow: 0,
            routing: Routing::default(),
            mailbox: None,
            shutdown: Shutdown::default(),
            sleep_after: None,
        };
        let intensity = (1_000, Duration::from_secs(5));
        Self { make: Arc::new(make), workers: 1, intensity, settings }
    }

    /// How many workers there are, 1 at least. 1 unless this is said.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = workers.max(1);
        self
    }

    /// How many further workers may be started for those who
    /// [check one out](AgentPool::check_out) when all are taken. None unless this is said.
    pub fn overflow(mut self, overflow: usize) -> Self {
        self.settings.overflow = overflow;
        self
    }

    /// Which worker gets a job that nobody chose one for.
    pub fn routing(mut self, routing: Routing) -> Self {
        self.settings.routing = routing;
        self
    }

    /// The mailbox of each worker.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.settings.mailbox = Some(mailbox);
        self
    }

    /// How workers are stopped. Within 5 s unless this is said.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.settings.shutdown = shutdown;
        self
    }

    /// Puts workers to sleep that have nothing to do: see [`Child::sleep_after`].
    pub fn sleep_after(mut self, idle: Duration) -> Self {
        self.settings.sleep_after = Some(idle);
        self
    }

    /// How many restarts of workers are allowed, of all together: one more ends the pool. 1,000 in 5 s
    /// unless this is said.
    pub fn intensity(mut self, max_restarts: u32, period: Duration) -> Self {
        self.intensity = (max_restarts, period);
        self
    }

    /// Starts the pool, and returns it when its workers are up.
    pub async fn start(self, system: &System) -> Result<AgentPool<A>, PoolError> {
        let (max_restarts, period) = self.intensity;
        let supervisor = Supervisor::new(Strategy::OneForOne).intensity(max_restarts, period);
        let supervisor = system.spawn(supervisor).await.map_err(|error| error.map(drop))?;
        let mut workers = Vec::with_capacity(self.workers);
        for _ in 0..self.workers {
            let agent = supervisor.start_child(self.settings.child(&self.make)).await?;
            workers.push(Arc::new(Worker::new(agent)));
        }
        let permits = workers.len().saturating_add(self.settings.overflow);
        Ok(AgentPool(Arc::new(Shared {
            make: self.make,
            settings: self.settings,
            supervisor,
            workers: ArcSwap::from_pointee(workers),
            turn: AtomicUsize::new(0),
            free: Arc::new(Semaphore::new(permits.min(Semaphore::MAX_PERMITS))),
            resizing: tokio::sync::Mutex::new(()),
        })))
    }
}

impl Settings {
    /// How long a worker that is taken away may go on with its jobs.
    pub(super) const fn drains(&self) -> Option<Duration> {
        match self.shutdown {
            Shutdown::Kill => None,
            Shutdown::Within(time) => Some(time),
            Shutdown::Wait => Some(FAR),
        }
    }

    /// A worker.
    pub(super) fn child<A: Agent>(&self, make: &Arc<dyn Fn() -> A + Send + Sync>) -> Child<A> {
        let make = Arc::clone(make);
        let mut child = Child::new(move || make()).shutdown(self.shutdown);
        if let Some(mailbox) = self.mailbox {
            child = child.mailbox(mailbox);
        }
        if let Some(idle) = self.sleep_after {
            child = child.sleep_after(idle);
        }
        child
    }
}
