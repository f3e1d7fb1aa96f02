//! The service's own end: what it says about itself, and how it learns that it is to stop.

use std::convert::Infallible;
use std::fmt;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Instant;

use super::state::Effects;
use super::{Health, NotWanted, Shared, Subscription};
use crate::log::NextError;
use crate::owner::{OwnerId, OwnerRef, Reason};
use crate::panics::FirstPanic;
use crate::registry::Name;

/// Is the life of a service: whoever has it says how the service is, and dropping it ends the
/// service.
///
/// Can be sent to any thread or task, and shared. Dropped without a word it ends the service with
/// [`Reason::Normal`], or with [`Reason::Panic`] while the thread is unwinding.
#[must_use = "dropping the guard of a service ends the service at once"]
pub struct ServiceGuard {
    shared: Arc<Shared>,
    name: Name,
    pub(super) owner: OwnerRef,
    /// Why it ends, once that was said.
    reason: OnceLock<Reason>,
}

/// Comes when a service is asked to stop, or says why it ends. Stays: whoever looks later sees it
/// too.
#[derive(Debug)]
pub struct StopSignal {
    /// Of a log without entries, which closes when the signal comes.
    asked: Subscription<Infallible>,
}

/// The last thing that the owner of a service drops: says that the service has ended. What the
/// service keeps is gone by then, and its monitors have not heard yet.
struct Farewell {
    shared: Arc<Shared>,
    name: Name,
    id: OwnerId,
}

impl ServiceGuard {
    /// A guard whose service the directory does not know yet.
    pub(super) fn new(shared: Arc<Shared>, name: Name) -> Self {
        let owner = OwnerRef::new();
        let farewell = Farewell { shared: Arc::clone(&shared), name: name.clone(), id: owner.id() };
        // The owner is new: it has not ended, and nobody gave it anything before this.
        drop(owner.keep(farewell));
        Self { shared, name, owner, reason: OnceLock::new() }
    }

    /// Says that the service works: that it is ready, or that it has recovered.
    pub fn ready(&self) -> Result<(), NotWanted> {
        self.serve(Health::Ready)
    }

    /// Says that the service works, but not as it should. One that starts like this is ready as far
    /// as its start is concerned. `why` is cut to [`Limits::max_why_bytes`](super::Limits).
    pub fn degraded(&self, why: &str) -> Result<(), NotWanted> {
        self.serve(Health::Degraded(self.shared.bounded(why)))
    }

    /// Ends the service because it could not start or go on. `why` is cut to
    /// [`Limits::max_why_bytes`](super::Limits).
    pub fn failed(self, why: &str) {
        self.finish(Reason::Failed(why.into()));
    }

    /// Ends the service. The texts of [`Reason::Failed`] and [`Reason::Panic`] are cut to
    /// [`Limits::max_why_bytes`](super::Limits).
    pub fn end(self, reason: Reason) {
        self.finish(reason);
    }

    /// Says why the service ends; the first reason counts. From now on it is
    /// [`Stopping`](Health::Stopping), its start is decided and its stop signal has come. It ends, for
    /// this reason, when the guard is dropped: so one of several threads that share a guard ends them
    /// all. The reason's text is cut as in [`end`](Self::end).
    pub fn ending(&self, reason: Reason) {
        let effects = self.say_why(reason).1;
        drop(effects);
    }

    /// A signal that comes when the service is asked to stop, by [`Services::stop`](super::Services)
    /// or because its start was given up, or says itself why it ends.
    pub fn stop_signal(&self) -> StopSignal {
        let asked = self.shared.step(|state| state.stop_signal(&self.name, self.owner.id()));
        StopSignal { asked }
    }

    /// The service as an owner: what it is given to keep is dropped when the service ends, before
    /// its name is free.
    pub fn owner(&self) -> OwnerRef {
        self.owner.clone()
    }

    /// The service's name.
    pub fn name(&self) -> &Name {
        &self.name
    }

    fn serve(&self, health: Health) -> Result<(), NotWanted> {
        let now = self.shared.clock.now();
        let effects =
            self.shared.step(|state| state.serve(&self.name, self.owner.id(), health, now))?;
        drop(effects);
        Ok(())
    }

    /// Ends the service, also if a waker panics; does nothing if it has ended.
    fn finish(&self, reason: Reason) {
        let (reason, effects) = self.say_why(reason);
        let mut panics = FirstPanic::default();
        panics.catch(|| drop(effects));
        panics.catch(|| self.owner.end(reason));
    }

    /// Notes why the service ends, unless it has said so before; returns the reason that counts.
    fn say_why(&self, reason: Reason) -> (&Reason, Effects) {
        let reason = self.reason.get_or_init(|| match reason {
            Reason::Failed(why) => Reason::Failed(self.shared.bounded(&why)),
            Reason::Panic(message) => Reason::Panic(self.shared.bounded(&message)),
            other => other,
        });
        let (id, now) = (self.owner.id(), self.shared.clock.now());
        (reason, self.shared.step(|state| state.set_reason(&self.name, id, reason, now)))
    }
}

impl StopSignal {
    /// Whether the signal has come; never waits.
    pub fn is_requested(&mut self) -> bool {
        self.asked.try_next() == Err(NextError::Closed)
    }

    /// Waits for the signal. Cancel-safe; needs no particular runtime.
    pub async fn requested(&mut self) {
        while self.asked.next().await != Err(NextError::Closed) {}
    }

    /// Waits on this thread for the signal, until `deadline` at the latest; whether it came.
    pub fn requested_blocking(&mut self, deadline: Instant) -> bool {
        self.asked.next_blocking(deadline) == Err(NextError::Closed)
    }
}

impl Drop for ServiceGuard {
    fn drop(&mut self) {
        self.finish(if thread::panicking() {
            Reason::Panic("the service was dropped during a panic".into())
        } else {
            Reason::Normal
        });
    }
}

impl Drop for Farewell {
    fn drop(&mut self) {
        let (now, limits) = (self.shared.clock.now(), &self.shared.limits);
        let effects = self.shared.step(|state| state.end(&self.name, self.id, now, limits));
        drop(effects);
    }
}

impl fmt::Debug for ServiceGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceGuard")
            .field("name", &self.name)
            .field("owner", &self.owner)
            .finish_non_exhaustive()
    }
}
