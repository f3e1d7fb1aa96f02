//! Agents that can be made again: by what, and who decides whether they are.
//!
//! Owns what such an agent has besides its cell: its factory, the count of its incarnations, and what
//! the present one owns. The cell itself is the identity: names, monitors, handles and mail that was
//! not begun stay with it from one incarnation to the next.
//!
//! Between two incarnations the agent's token is a value, [`Downed`]: whoever holds it revives the
//! agent, or ends it for good by dropping it. So no agent is left behind by a keeper that dies.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, PoisonError};

use foundation::owner::{Owner, OwnerRef, Reason};

use super::resident::Resident;
use crate::AgentId;
use crate::sync::{Mutex, lock};

/// Makes an agent. Called under this lock, which nobody else takes meanwhile: an agent is made by the
/// holder of its token, and its keeper has one identity of it at a time.
pub(crate) type Make<A> = Arc<std::sync::Mutex<dyn FnMut() -> A + Send>>;

/// See the module's page.
pub(crate) struct Revival<A> {
    make: Make<A>,
    keeper: Arc<dyn Keeper>,
    /// Who the keeper is.
    pub(crate) parent: AgentId,
    /// How often the agent came to life. Written by the holder of its token.
    incarnation: AtomicU32,
    /// How often it was made, or was to be. Written by the holder of its token.
    made: AtomicU32,
    /// What the present incarnation owns; `None` between two of them.
    belongings: Mutex<Option<Owner>>,
}

/// Who decides what becomes of an agent whose incarnation is over. Called by the holder of the agent's
/// token; does no more than pass on what it hears.
pub(crate) trait Keeper: Send + Sync {
    /// The agent has come to life: its `init` said ready.
    fn up(&self);

    /// Its incarnation is over, or never came to life.
    fn down(&self, downed: Downed, reason: Reason);
}

/// An agent without a state: its token, and with it the duty to decide. Dropping it ends the agent.
pub(crate) struct Downed(Option<Arc<dyn Resident>>);

impl<A> Revival<A> {
    /// Of an agent that was never made.
    pub(crate) fn new(make: Make<A>, keeper: Arc<dyn Keeper>, parent: AgentId) -> Self {
        let (incarnation, belongings) = (AtomicU32::new(0), Mutex::default());
        Self { make, keeper, parent, incarnation, made: AtomicU32::new(0), belongings }
    }

    /// Makes the agent for its next incarnation. Runs code of a user, which may panic.
    pub(crate) fn make(&self) -> A {
        self.made.fetch_add(1, Ordering::Relaxed);
        *lock(&self.belongings) = Some(Owner::new());
        let mut make = self.make.lock().unwrap_or_else(PoisonError::into_inner);
        make()
    }

    /// The agent has come to life.
    pub(crate) fn is_up(&self) {
        self.incarnation.fetch_add(1, Ordering::Relaxed);
        self.keeper.up();
    }

    /// How often it came to life.
    pub(crate) fn incarnation(&self) -> u32 {
        self.incarnation.load(Ordering::Relaxed)
    }

    /// Whether the present incarnation is not the first.
    pub(crate) fn is_again(&self) -> bool {
        self.made.load(Ordering::Relaxed) > 1
    }

    /// What gives the possessions and links of the present incarnation their place.
    pub(crate) fn belongings(&self) -> Option<OwnerRef> {
        lock(&self.belongings).as_ref().map(Owner::handle)
    }

    /// Ends what the incarnation owned. Runs code of a user, which may panic.
    pub(crate) fn end(&self, reason: Reason) {
        let belongings = lock(&self.belongings).take();
        if let Some(belongings) = belongings {
            belongings.end(reason);
        }
    }

    /// Leaves the agent, which has no state any more, to its keeper.
    pub(crate) fn leave(&self, resident: Arc<dyn Resident>, reason: Reason) {
        self.keeper.down(Downed::new(resident), reason);
    }
}

impl Downed {
    /// The token of an agent without a state is the caller's, and handed over.
    pub(crate) fn new(resident: Arc<dyn Resident>) -> Self {
        Self(Some(resident))
    }

    /// Makes the agent once more.
    pub(crate) fn revive(mut self) {
        if let Some(resident) = self.0.take() {
            resident.revive();
        }
    }
}

impl Drop for Downed {
    fn drop(&mut self) {
        if let Some(resident) = self.0.take() {
            resident.bury();
        }
    }
}
