//! Services that say when they are ready, and whoever waits for that is told: no polling, no guessed
//! pauses.
//!
//! Owns the states of services by name, and the decisions between them. Promises:
//!
//! - of ready, failure, deadline and stop, the first one decides a start, and whoever waits for the
//!   start hears exactly that one;
//! - a name is held by one service at a time, from [`begin`](Services::begin) until the service has
//!   ended; only a start that was given up frees its name earlier;
//! - a service lives as long as its [`ServiceGuard`]: when that is dropped, by a panic too, the service
//!   is [`Stopping`](Health::Stopping) at once, then what its [owner](crate::owner) keeps is dropped,
//!   then it is [`Stopped`](Health::Stopped) and its name free, then monitors hear of it;
//! - wakers run under no lock, and no thread is needed: what waits is a future for any executor or
//!   parks its thread until a deadline.
//!
//! Leaves to others how a service runs (a thread, a task, nothing at all) and when it is started
//! again. Nothing here can end code that does not listen: a stop is a request, and a service that
//! ignores it stays [`Stopping`](Health::Stopping), with its name, because that is the truth.
//!
//! # States
//!
//! ```text
//! begin ─► Starting ──► Ready ◄─► Degraded ──► Stopping ──► Stopped
//!             │                                   ▲            ▲
//!             ├── stop, failed, guard dropped ────┘            │
//!             └── start given up ──────────────────────────────┘
//! ```
//!
//! Ready and degraded services can be stopped, or end by themselves, at any time. Who knows
//! `sd_notify` finds `READY=1` in [`ServiceGuard::ready`], `STATUS=` in [`ServiceGuard::degraded`],
//! `STOPPING=1` in [`ServiceGuard::ending`]; who knows Kubernetes finds the readiness probe in
//! [`Health::is_serving`]; who knows OTP finds `proc_lib:init_ack` in [`ServiceGuard::ready`].
//!
//! ```
//! use std::thread;
//! use std::time::{Duration, Instant};
//! use foundation::owner::Reason;
//! use foundation::registry::Name;
//! use foundation::service::Services;
//!
//! let services = Services::default();
//! let soon = || Instant::now() + Duration::from_secs(10);
//! let name = Name::new("app/config_server")?;
//!
//! services.start_blocking(name.clone(), soon(), |service| {
//!     thread::spawn(move || {
//!         // ... opens its files ...
//!         let mut stop = service.stop_signal();
//!         if service.ready().is_ok() {
//!             while !stop.requested_blocking(soon()) { /* ... looks after itself ... */ }
//!         }
//!         service.end(Reason::Shutdown);
//!     });
//! })?;
//! // It is ready, for certain.
//! assert_eq!(services.stop_blocking(&name, soon())?, Reason::Shutdown);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use crate::clock::Clock;
use crate::log::{Start as StartAt, Subscription};
use crate::owner::{MonitorRef, OwnerRef, Reason};
use crate::park::until;
use crate::registry::Name;
use crate::sync::{Mutex, lock};
use state::State;

mod error;
mod guard;
mod health;
mod limits;
mod start;
mod state;
mod watch;

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, not(foundation_loom)))]
mod machine;
#[cfg(all(test, not(foundation_loom)))]
mod races;

pub use error::{NotWanted, ReadyError, StartError, StopError, TooManyWatches};
pub use guard::{ServiceGuard, StopSignal};
pub use health::{Health, Listing, Report};
pub use limits::Limits;
pub use start::Start;
pub use watch::Watch;

/// A directory of services. Clones share it; cloning costs one reference count.
///
/// Every operation takes the directory's one lock for a moment: services start and stop rarely.
#[derive(Clone)]
pub struct Services {
    shared: Arc<Shared>,
}

/// What a directory, its guards and its watches share.
struct Shared {
    limits: Limits,
    clock: Clock,
    /// Every change is a step under this lock, and what has to be done for it outside (waking,
    /// dropping) is returned as [`state::Effects`]. Taken before the locks of logs and owners.
    state: Mutex<State>,
}

/// What [`Services::stop_all`] achieved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StopReport {
    /// Who has ended and why, in the order in which they were stopped.
    pub stopped: Vec<(Name, Reason)>,
    /// Who was asked to stop and had not ended by the deadline.
    pub late: Vec<Name>,
}

impl Services {
    /// An empty directory on the system's clock.
    pub fn new(limits: Limits) -> Self {
        Self::with_clock(limits, Clock::system())
    }

    /// An empty directory whose reports are stamped by `clock`.
    pub fn with_clock(limits: Limits, clock: Clock) -> Self {
        Self { shared: Arc::new(Shared { limits, clock, state: Mutex::default() }) }
    }

    /// Takes `name` for a service that begins now. The guard is the service's end, for wherever it
    /// runs; the start is the end of whoever waits for it to be ready.
    ///
    /// [`start`](Self::start) and [`start_blocking`](Self::start_blocking) are this and the wait in
    /// one.
    pub fn begin(&self, name: Name) -> Result<(ServiceGuard, Start), StartError> {
        let Shared { limits, clock, .. } = &*self.shared;
        let now = clock.now();
        let guard = ServiceGuard::new(Arc::clone(&self.shared), name.clone());
        let (outcome, effects) =
            self.shared.step(|state| state.begin(&name, &guard.owner, now, limits))?;
        let start = Start::new(Arc::clone(&self.shared), name, guard.owner.id(), outcome);
        // Guard and start exist: a waker that panics here ends the service instead of losing it.
        drop(effects);
        Ok((guard, start))
    }

    /// Starts a service and waits until it is ready; returns its owner, to monitor it or to give it
    /// something to keep.
    ///
    /// `body` gets the guard, passes it to the thread or task that is the service, and returns. It
    /// does not run if the name is refused. Dropping the future before it is done gives the start
    /// up, as [`StartError::Deadline`] does: the service is told to stop, and its name is free.
    /// There is no deadline but what the caller puts around it.
    pub async fn start(
        &self,
        name: Name,
        body: impl FnOnce(ServiceGuard),
    ) -> Result<OwnerRef, StartError> {
        let (guard, start) = self.begin(name)?;
        body(guard);
        start.wait().await
    }

    /// Starts a service and waits on this thread until it is ready, until `deadline` at the latest.
    /// See [`start`](Self::start). The deadline is real time; it does not interrupt `body`, which
    /// runs on this thread.
    pub fn start_blocking(
        &self,
        name: Name,
        deadline: Instant,
        body: impl FnOnce(ServiceGuard),
    ) -> Result<OwnerRef, StartError> {
        let (guard, start) = self.begin(name)?;
        body(guard);
        start.wait_blocking(deadline)
    }

    /// Waits until the service called `name` is ready or degraded, whether or not it was started
    /// yet. If it fails meanwhile, the wait goes on: it may be started again.
    ///
    /// Once all services are being stopped for good, one that is not ready is not waited for. Dropping
    /// the future ends the wait and leaves nothing behind.
    pub async fn ready(&self, name: &Name) -> Result<Report, ReadyError> {
        let mut watch = self.watch(name)?;
        let mut closing = lock(&self.shared.state).closing();
        let ready = poll_fn(|context| {
            while let Poll::Ready(report) = watch.poll_next(context) {
                if report.health.is_serving() {
                    return Poll::Ready(Some(report));
                }
            }
            closing.poll_next(context).map(|_| None)
        });
        ready.await.ok_or_else(|| ReadyError::Closed { name: name.clone() })
    }

    /// Waits on this thread as [`ready`](Self::ready) does, until `deadline` at the latest.
    pub fn ready_blocking(&self, name: &Name, deadline: Instant) -> Result<Report, ReadyError> {
        let late = || Err(ReadyError::Deadline { name: name.clone() });
        until(deadline, self.ready(name)).unwrap_or_else(late)
    }

    /// How the service called `name` is, or how it ended if that is remembered
    /// ([`Limits::max_remembered`]).
    pub fn health(&self, name: &Name) -> Option<Report> {
        lock(&self.shared.state).report(name).cloned()
    }

    /// The health of whatever is called `name`, now and each time it changes, over restarts and also
    /// before the first start.
    pub fn watch(&self, name: &Name) -> Result<Watch, TooManyWatches> {
        let reports = lock(&self.shared.state).watch(name, &self.shared.limits)?;
        Ok(Watch::new(Arc::clone(&self.shared), name.clone(), reports))
    }

    /// The owner of the service that is called `name` now: to monitor it, or to give it something to
    /// keep.
    pub fn owner(&self, name: &Name) -> Option<OwnerRef> {
        lock(&self.shared.state).owner(name).cloned()
    }

    /// Every service, by name, and those that ended and are remembered.
    pub fn list(&self) -> Vec<Listing> {
        lock(&self.shared.state).list()
    }

    /// Asks the service to stop and waits until it has ended and its name is free; returns why it
    /// ended. One that is still starting is stopped too.
    ///
    /// Dropping the future ends the wait; the request stands.
    pub async fn stop(&self, name: &Name) -> Result<Reason, StopError> {
        let down = self.ask_to_stop(name)?.down().await;
        Ok(down.map_or(Reason::NoProc, |down| down.reason))
    }

    /// Asks the service to stop and waits on this thread until it has ended, until `deadline` at the
    /// latest. A service that does not end by then stays [`Stopping`](Health::Stopping).
    pub fn stop_blocking(&self, name: &Name, deadline: Instant) -> Result<Reason, StopError> {
        match self.ask_to_stop(name)?.down_blocking(deadline) {
            Some(down) => Ok(down.reason),
            None => Err(StopError::Deadline { name: name.clone() }),
        }
    }

    /// Stops every service, one after the other, in the reverse of the order in which they became
    /// ready: what was built on another goes before it. Those that were never ready go first. No
    /// service can be started from now on.
    ///
    /// Dropping the future leaves those that were not reached running. Calling it again goes on with
    /// them; those that were asked before are waited for last, so that one that does not listen keeps
    /// nobody from being asked.
    pub async fn stop_all(&self) -> StopReport {
        let mut report = StopReport::default();
        for name in self.close() {
            if let Ok(reason) = self.stop(&name).await {
                report.stopped.push((name, reason));
            }
        }
        report
    }

    /// Stops every service as [`stop_all`](Self::stop_all) does, and waits on this thread until
    /// `deadline` at the latest. Once it has passed, the others are asked and not waited for.
    pub fn stop_all_blocking(&self, deadline: Instant) -> StopReport {
        let mut report = StopReport::default();
        for name in self.close() {
            match self.stop_blocking(&name, deadline) {
                Ok(reason) => report.stopped.push((name, reason)),
                Err(StopError::Deadline { name }) => report.late.push(name),
                // It ended before its turn came.
                Err(StopError::Unknown { .. }) => {}
            }
        }
        report
    }

    /// The limits given when the directory was made.
    pub fn limits(&self) -> &Limits {
        &self.shared.limits
    }

    /// Asks the service to stop. The monitor was there before the service's end could be announced.
    fn ask_to_stop(&self, name: &Name) -> Result<MonitorRef, StopError> {
        let now = self.shared.clock.now();
        let asked = self.shared.step(|state| state.ask_to_stop(name, now));
        let (monitor, effects) = asked.ok_or_else(|| StopError::Unknown { name: name.clone() })?;
        drop(effects);
        Ok(monitor)
    }

    /// Refuses further starts; returns who runs, in the order in which they are to be stopped.
    fn close(&self) -> Vec<Name> {
        let (order, effects) = self.shared.step(State::close);
        drop(effects);
        order
    }
}

impl Shared {
    /// Changes the state in one step. The caller drops the effects, which are no longer under the
    /// lock.
    fn step<R>(&self, step: impl FnOnce(&mut State) -> R) -> R {
        step(&mut lock(&self.state))
    }

    /// `why`, cut to the limit on its length.
    fn bounded(&self, why: &str) -> Arc<str> {
        let mut end = why.len().min(self.limits.max_why_bytes);
        while !why.is_char_boundary(end) {
            end -= 1;
        }
        Arc::from(&why[..end])
    }
}

impl Default for Services {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Services {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Services")
            .field("services", &self.list())
            .field("limits", self.limits())
            .finish_non_exhaustive()
    }
}
