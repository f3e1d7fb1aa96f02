//! The system: what all agents of it share, and its beginning and end.

use std::fmt;
use std::future::poll_fn;
use std::io;
use std::panic::catch_unwind;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::task::Poll;
use std::time::Duration;

use foundation::log::Subscription;
use foundation::owner::Reason;
use foundation::registry::{Limits, Registry};
use thiserror::Error;
use tokio::runtime::{Builder, Handle, Runtime, RuntimeFlavor, worker_index};
use tokio::sync::Notify;
use tokio::task::try_id;

use crate::dead_letters::DeadLetters;
use crate::group::Groups;
use crate::inspect::Events;
use crate::kernel::chooser::Chooser;
use crate::kernel::cost::{self, Costs};
use crate::kernel::here;
use crate::kernel::queue::{RunQueue, Runnable};
use crate::kernel::resident::Resident;
use crate::kernel::warden::Watch;
use crate::kernel::within::within;
use crate::living::Living;
use crate::sync::{Mutex, Ordering, lock};
use crate::{Agent, Config, DeadLetter, Spawn, WeakAny};

/// A system of agents. Clones are the same system; when the last one is dropped, its agents end with
/// [`Reason::Shutdown`], each after the handler that it is in. One that waits for ever is not ended by
/// that: [`shutdown`](Self::shutdown) kills what is left at its deadline.
///
/// It runs on the tokio runtime that is current where it is made, or makes one of its own if there is
/// none, for a plain `main` ([`block_on`](Self::block_on)). A runtime of its own ends with the system,
/// in the background: dropping the system is allowed anywhere, also in async code. To let agents finish
/// their `on_exit`, call [`shutdown`](Self::shutdown) first.
///
/// On a `current_thread` runtime everything works; agents then run on its one thread. A `LocalSet` and
/// `block_in_place` work as for any task: see the [crate's page](crate#where-it-runs).
#[derive(Clone)]
pub struct System {
    shared: Arc<Shared>,
    /// Shared by the clones of the system, and by nothing else.
    _hold: Arc<Hold>,
}

/// Failed to make a system.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// A runtime could not be started.
    #[error("failed to start a runtime: {0}")]
    Runtime(#[from] std::io::Error),
    /// The current runtime has no timers: build it with `enable_time` or `enable_all`.
    #[error("the current runtime has no timers: build it with `enable_time` or `enable_all`")]
    NoTimers,
}

/// Agents did not end in time.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{left} agents had not ended after {after:?}; one of them is {example}")]
pub struct ShutdownError {
    /// How many.
    pub left: usize,
    /// The name or id of one.
    pub example: String,
    /// How long was waited.
    pub after: Duration,
}

/// What the agents of a system share.
pub(crate) struct Shared {
    pub(crate) queue: Arc<RunQueue<dyn Runnable>>,
    pub(crate) costs: Costs,
    pub(crate) dead_letters: DeadLetters,
    pub(crate) events: Events,
    pub(crate) registry: Registry<WeakAny>,
    pub(crate) groups: Arc<Groups>,
    pub(crate) config: Config,
    pub(crate) runtime: Handle,
    runtime_id: tokio::runtime::Id,
    pub(crate) living: Living,
    /// Set once, before the last agents are asked to stop.
    is_closing: AtomicBool,
    emptied: Notify,
}

/// Ends the system when it is dropped.
struct Hold {
    shared: Arc<Shared>,
    runtime: Mutex<Option<Runtime>>,
}

impl System {
    /// A system on the current tokio runtime, or with one of its own if there is none.
    pub fn new(config: Config) -> Result<Self, StartError> {
        let runtime = match Handle::try_current() {
            Ok(_) => None,
            Err(_) => Some(own_runtime(config.worker_threads)?),
        };
        let handle = match &runtime {
            Some(runtime) => runtime.handle().clone(),
            None => Handle::current(),
        };
        check_timers(&handle)?;
        let workers = match handle.runtime_flavor() {
            RuntimeFlavor::CurrentThread => 1,
            _ => handle.metrics().num_workers(),
        };
        let shared = Shared::new(config, handle, workers);
        let weak = Arc::downgrade(&shared);
        let on_end: Arc<dyn Fn() + Send + Sync> = Arc::new(move || {
            if let Some(shared) = weak.upgrade() {
                shared.abandon();
            }
        });
        let weak = Arc::downgrade(&shared);
        let on_held = move |agent, held| {
            if let Some(shared) = weak.upgrade() {
                shared.worker_is_held(agent, held);
            }
        };
        let watch = Watch { mark: shared.config.long_turn, on_held: Box::new(on_held) };
        shared.queue.start(&shared.runtime, &on_end, watch)?;
        let hold = Arc::new(Hold { shared: Arc::clone(&shared), runtime: Mutex::new(runtime) });
        Ok(Self { shared, _hold: hold })
    }

    /// Spawns an agent: `system.spawn(agent).await`, or with a name and other wishes in between.
    pub fn spawn<A: Agent>(&self, agent: A) -> Spawn<A> {
        Spawn::new(Arc::clone(&self.shared), agent)
    }

    /// Runs a future on this thread, with the system's runtime, until it is ready.
    ///
    /// # Panics
    ///
    /// Within async code, as tokio's `block_on`; and if `future` panics.
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.shared.runtime.block_on(future)
    }

    /// How many agents live.
    pub fn agents(&self) -> usize {
        self.shared.living.count()
    }

    /// How many accepted messages were not handled.
    pub fn dead_letter_count(&self) -> u64 {
        self.shared.dead_letters.count()
    }

    /// The dead letters that are kept, then those that come.
    pub fn dead_letters(&self) -> Subscription<DeadLetter> {
        self.shared.dead_letters.subscribe()
    }

    /// What the agents of the system share.
    pub(crate) fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    /// Asks every agent to end and waits until all have, `deadline` at most. Agents that are left then
    /// are killed; a handler that never returns cannot be, and is reported. Nothing can be spawned any
    /// more.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), ShutdownError> {
        self.shared.close();
        if within(deadline, self.shared.empty(), Arc::clone(&self.shared)).await.is_some() {
            return Ok(());
        }
        let left = self.shared.living.all();
        let example = left.first().map(|resident| resident.label()).unwrap_or_default();
        let count = left.len();
        for resident in left {
            resident.kill(Reason::Killed);
        }
        if count == 0 {
            return Ok(());
        }
        Err(ShutdownError { left: count, example, after: deadline })
    }
}

impl Shared {
    /// What they share before there are any, with nobody who runs them yet.
    pub(crate) fn new(config: Config, runtime: Handle, workers: usize) -> Arc<Self> {
        let chooser = config.witness.as_ref().map(|witness| Chooser::new(witness.seed));
        Arc::new(Self {
            queue: Arc::new(RunQueue::new(workers).drawn(chooser)),
            costs: Costs::new(config.lendable),
            dead_letters: DeadLetters::new(config.dead_letters),
            events: Events::new(config.events),
            groups: Arc::default(),
            registry: Registry::with_limits(Limits {
                max_names: config.max_agents,
                ..Limits::default()
            }),
            runtime_id: runtime.id(),
            runtime,
            living: Living::new(config.max_agents),
            is_closing: AtomicBool::new(false),
            emptied: Notify::new(),
            config,
        })
    }

    /// Whether a payload is known to be handled so fast that its caller may do it.
    #[inline]
    pub(crate) fn is_lendable<A: Agent, T: 'static>(&self) -> bool {
        self.costs.is_lendable(self.costs.known(cost::place::<A, T>()))
    }

    /// Whether a call may run its handler on this thread: it works for a task of this system's runtime,
    /// and is not too deep in lent calls already.
    #[inline]
    pub(crate) fn may_lend(&self) -> bool {
        here::depth() < self.config.max_lend_depth
            && (try_id().is_some() || worker_index().is_some())
            && Handle::try_current().is_ok_and(|handle| handle.id() == self.runtime_id)
    }

    /// Lets nobody more in and asks all to stop.
    pub(crate) fn close(&self) {
        self.end_all(|resident, reason| {
            // Supervisors stop their own children, in order.
            if resident.parent().is_none() {
                resident.stop(reason);
            }
        });
    }

    /// The runtime has ended: nobody is run any more, whatever they wait for.
    fn abandon(&self) {
        self.end_all(Resident::kill);
    }

    fn end_all(&self, end: fn(Arc<dyn Resident>, Reason)) {
        self.living.close();
        self.is_closing.store(true, Ordering::SeqCst);
        for resident in self.living.all() {
            end(resident, Reason::Shutdown);
        }
        self.stop_if_empty();
    }

    /// After an agent has ended: whether it was the last.
    pub(crate) fn stop_if_empty(&self) {
        if self.is_closing.load(Ordering::SeqCst) && self.living.count() == 0 {
            self.queue.stop();
            self.emptied.notify_waiters();
        }
    }

    /// Waits until no agent lives.
    pub(crate) async fn empty(&self) {
        let mut emptied = pin!(self.emptied.notified());
        poll_fn(|context| match emptied.as_mut().poll(context) {
            Poll::Pending if self.living.count() > 0 => Poll::Pending,
            _ => Poll::Ready(()),
        })
        .await;
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.close();
        if let Some(runtime) = lock(&self.runtime).take() {
            // Also if all its carriers are held up by handlers that do not return.
            self.shared.queue.close();
            self.shared.abandon();
            runtime.shutdown_background();
        }
    }
}

/// A runtime for a plain `main`, with so many workers, or one for each core.
fn own_runtime(workers: usize) -> io::Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    if workers > 0 {
        builder.worker_threads(workers);
    }
    builder.enable_all().thread_name("mabeam").build()
}

/// Deadlines need timers, and a runtime says only by a panic that it has none.
#[expect(clippy::disallowed_methods, reason = "nobody waits for it")]
fn check_timers(runtime: &Handle) -> Result<(), StartError> {
    let _within = runtime.enter();
    let timer = catch_unwind(|| drop(tokio::time::sleep(Duration::ZERO)));
    timer.map_err(|_| StartError::NoTimers)
}

impl fmt::Debug for System {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("System").field("agents", &self.agents()).finish_non_exhaustive()
    }
}
