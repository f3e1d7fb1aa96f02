//! A lifetime with an end that others hear of: what registrations, tables and services belong to.
//!
//! Owns the order in which a lifetime ends. Promises:
//!
//! 1. from the moment an owner is *marked* as ended, nothing more can be given to it;
//! 2. then everything that it keeps is dropped, what came last first, at a cost of what it keeps and
//!    of nothing else: registrations give their names back, tables are freed;
//! 3. then each monitor receives its one [`Down`].
//!
//! So whoever received the `Down` finds no trace of the owner. A monitor that comes too late receives
//! its `Down` at once, with [`Reason::NoProc`]. Destructors and callbacks run in the thread that ends
//! the owner, under no lock; a panic in one of them keeps no other from running and goes on at the
//! end.
//!
//! Leaves to others what lives so long: an agent, a connection, a test, a scope.
//!
//! ```
//! use foundation::owner::{Owner, Reason};
//! use foundation::registry::{Metadata, Name, Registry};
//!
//! let registry = Registry::new();
//! let worker = Owner::new();
//! let name = Name::new("jobs/indexer")?;
//! registry.register_for(&worker.handle(), name, 42, Metadata::new())?;
//!
//! let mut monitor = registry.monitor("jobs/indexer");
//! worker.end(Reason::Shutdown);
//! let down = monitor.try_down().ok_or("still alive")?;
//! assert_eq!(down.reason, Reason::Shutdown);
//! assert_eq!(registry.lookup("jobs/indexer"), None);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::any::Any;
use std::convert::Infallible;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::thread;

use thiserror::Error;

use crate::panics::FirstPanic;
use crate::sync::{Arc, Mutex, lock};
use shelf::Shelf;

mod id;
mod kept;
mod monitor;
mod reason;
mod shelf;

#[cfg(all(test, not(foundation_loom)))]
mod laws;
#[cfg(all(test, foundation_loom))]
mod models;

pub use id::{MonitorId, OwnerId};
pub use kept::Kept;
pub use monitor::{Down, MonitorRef};
pub use reason::Reason;

/// The owning end of a lifetime. Dropping it ends the lifetime: with [`Reason::Normal`], or with
/// [`Reason::Panic`] if the thread is unwinding.
#[derive(Debug)]
pub struct Owner(OwnerRef);

/// Names a lifetime without prolonging it: a clone can outlive the end. Costs a reference count.
#[derive(Clone)]
pub struct OwnerRef(Arc<Cell>);

/// A value could not be given to an owner that had ended.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{owner} has ended and can be given nothing more")]
pub struct Ended<T> {
    /// What was to be kept.
    pub value: T,
    /// Who has ended.
    pub owner: OwnerId,
}

struct Cell {
    id: OwnerId,
    life: Mutex<Life>,
}

/// What a lifetime's lock protects. No code of a user runs under it.
#[derive(Default)]
struct Life {
    phase: Phase,
    /// What is dropped at the end, by [`Kept`]'s key. Empty unless the owner is alive.
    kept: Shelf<Box<dyn Any + Send>>,
    /// Who is told of the end. Empty once it has ended.
    monitors: Shelf<Callback>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Phase {
    #[default]
    Alive,
    /// What was kept is being dropped; monitors can still join those that will be told.
    Ending,
    Ended,
}

type Callback = Box<dyn FnOnce(Down) + Send>;

/// What became of a step to keep something: the owner had ended; or the step failed; or it is kept.
type Keeping<T, R, E, G> = Result<Result<(Kept<T>, R), E>, Ended<G>>;

impl Owner {
    /// A lifetime that begins now.
    pub fn new() -> Self {
        Self(OwnerRef::new())
    }

    /// Which lifetime this is.
    pub fn id(&self) -> OwnerId {
        self.0.id()
    }

    /// A handle for those who give something to this owner or monitor it.
    pub fn handle(&self) -> OwnerRef {
        self.0.clone()
    }

    /// Ends the lifetime: drops what it keeps, then tells its monitors.
    ///
    /// # Panics
    ///
    /// If a destructor or a monitor's callback panicked, after all of them ran.
    #[expect(clippy::needless_pass_by_value, reason = "the owner's end is handed its reason")]
    pub fn end(self, reason: Reason) {
        self.0.end(&reason);
    }
}

impl OwnerRef {
    /// A lifetime that only [`OwnerRef::end`] ends.
    pub(crate) fn new() -> Self {
        Self(Arc::new(Cell { id: OwnerId::next(), life: Mutex::default() }))
    }

    /// Which lifetime this is.
    pub fn id(&self) -> OwnerId {
        self.0.id
    }

    /// Whether the owner has been marked as ended. One that is alive now may end at any moment.
    pub fn has_ended(&self) -> bool {
        lock(&self.0.life).phase != Phase::Alive
    }

    /// Gives `value` to the owner, which drops it when it ends. Allocates a box for it.
    pub fn keep<T: Send + 'static>(&self, value: T) -> Result<Kept<T>, Ended<T>> {
        match self.keep_with(value, |value| Ok::<_, Infallible>((value, ()))) {
            Ok(Ok((kept, ()))) => Ok(kept),
            Err(ended) => Err(ended),
        }
    }

    /// Takes `step` with `given` while the owner cannot end, and gives the owner what it yields.
    ///
    /// `step` runs under the owner's lock: no code of a user, no other owner's lock. What it returns
    /// besides is for the caller to drop.
    pub(crate) fn keep_with<G, T: Send + 'static, R, E>(
        &self,
        given: G,
        step: impl FnOnce(G) -> Result<(T, R), E>,
    ) -> Keeping<T, R, E, G> {
        let mut life = lock(&self.0.life);
        if life.phase != Phase::Alive {
            drop(life);
            return Err(Ended { value: given, owner: self.id() });
        }
        Ok(step(given).map(|(value, rest)| {
            let key = life.kept.put(Box::new(value));
            (Kept::new(self.clone(), key), rest)
        }))
    }

    /// Waits for the end. See [`MonitorRef`].
    pub fn monitor(&self) -> MonitorRef {
        MonitorRef::new(self)
    }

    /// Calls `on_down` once, when the owner has ended; at once, with [`Reason::NoProc`], if it has
    /// ended already.
    ///
    /// `on_down` runs in the thread that ends the owner, before that thread goes on: it should do no
    /// more than pass the `Down` on.
    pub fn monitor_with(&self, on_down: impl FnOnce(Down) + Send + 'static) -> MonitorId {
        let mut life = lock(&self.0.life);
        if life.phase == Phase::Ended {
            let monitor = MonitorId { owner: self.id(), key: life.monitors.skip() };
            drop(life);
            on_down(Down { owner: self.id(), monitor, reason: Reason::NoProc });
            return monitor;
        }
        MonitorId { owner: self.id(), key: life.monitors.put(Box::new(on_down)) }
    }

    /// Takes a monitor back. `false` if its `Down` was delivered or is being delivered, or if it is a
    /// monitor of another owner.
    pub fn demonitor(&self, monitor: MonitorId) -> bool {
        if monitor.owner != self.id() {
            return false;
        }
        let callback = lock(&self.0.life).monitors.take(monitor.key);
        callback.is_some()
    }

    /// Ends the lifetime, unless somebody else did or does.
    pub(crate) fn end(&self, reason: &Reason) {
        let kept = {
            let mut life = lock(&self.0.life);
            if life.phase != Phase::Alive {
                return;
            }
            life.phase = Phase::Ending;
            std::mem::take(&mut life.kept)
        };
        let mut panics = FirstPanic::default();
        for (_, value) in kept.into_all().rev() {
            panics.catch(|| drop(value));
        }
        let monitors = {
            let mut life = lock(&self.0.life);
            life.phase = Phase::Ended;
            life.monitors.take_all()
        };
        for (key, on_down) in monitors.into_all() {
            let monitor = MonitorId { owner: self.id(), key };
            let down = Down { owner: self.id(), monitor, reason: reason.clone() };
            panics.catch(|| on_down(down));
        }
    }

    /// Takes back what was given to the owner, after `step` with it while the owner cannot end.
    /// `step` runs under the owner's lock, as in [`keep_with`](Self::keep_with).
    fn take_back<R>(
        &self,
        key: u64,
        step: impl FnOnce(&(dyn Any + Send)) -> R,
    ) -> Option<(Box<dyn Any + Send>, R)> {
        let mut life = lock(&self.0.life);
        let value = life.kept.take(key)?;
        let result = step(&*value);
        drop(life);
        Some((value, result))
    }
}

impl Default for Owner {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        let reason = if thread::panicking() {
            Reason::Panic("the owner was dropped during a panic".into())
        } else {
            Reason::Normal
        };
        self.0.end(&reason);
    }
}

impl PartialEq for OwnerRef {
    /// Whether both name the same lifetime.
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl Eq for OwnerRef {}

impl Hash for OwnerRef {
    fn hash<S: Hasher>(&self, state: &mut S) {
        self.id().hash(state);
    }
}

impl fmt::Debug for OwnerRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OwnerRef").field(&self.id().get()).finish()
    }
}

impl<T> fmt::Debug for Ended<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ended").field("owner", &self.owner).finish_non_exhaustive()
    }
}
