//! A cell whose agent's type is not known.

use std::any::Any;
use std::sync::Arc;

use foundation::owner::{OwnerRef, Reason};
use foundation::registry::Name;

use super::cell::{Barrier, Cell, Noted};
use super::queue::Runnable;
use super::revival::Revival;
use crate::context::News;
use crate::sync::AtomicUsize;
use crate::{Agent, AgentId, AgentInfo};

/// What can be asked of any agent.
pub(crate) trait Resident: Runnable {
    fn id(&self) -> AgentId;
    fn label(&self) -> String;
    /// The name that it was spawned with.
    fn name(&self) -> Option<&Name>;
    /// What can be seen of it without its token. Runs no code of a user, and waits for nothing.
    fn look(&self) -> AgentInfo;
    fn owner(&self) -> Option<OwnerRef>;
    /// What gives the possessions and links of the present incarnation their place.
    fn belongings(&self) -> Option<OwnerRef>;
    /// Notes that an agent to which `incarnation` of this one is linked has ended. Runs no code of a user.
    fn note_exit(&self, incarnation: &OwnerRef, news: News) -> Noted;
    /// Sees to an exit that matters. Called under no lock.
    fn heed_exit(self: Arc<Self>);
    fn is_closed(&self) -> bool;
    fn handles(&self) -> &AtomicUsize;
    fn handled(&self) -> u64;
    fn stop(self: Arc<Self>, reason: Reason);
    fn kill(self: Arc<Self>, reason: Reason);
    fn orphan(self: Arc<Self>);
    /// Lets no more mail in, and ends it when it has handled what it has.
    fn drain(self: Arc<Self>);
    /// Whether there is nothing to do for it at this moment.
    fn is_idle(&self) -> bool;
    /// Ready when it has handled what it has, or ends.
    fn barrier(self: Arc<Self>) -> Barrier;
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn type_name(&self) -> &'static str;
    /// Who decides what becomes of it, if anybody does.
    fn parent(&self) -> Option<AgentId>;
    /// How often it came to life, if it can more than once.
    fn incarnation(&self) -> Option<u32>;
    /// Makes it once more. The caller holds the token of one without a state, and hands it over.
    fn revive(self: Arc<Self>);
    /// Ends its incarnation if it is idle and can be made again for its next message. `false` if not.
    fn doze(self: Arc<Self>) -> bool;
    /// Ends it for good. The caller holds the token of one without a state, which ends.
    fn bury(self: Arc<Self>);
}

impl<A: Agent> Resident for Cell<A> {
    fn id(&self) -> AgentId {
        self.id
    }

    fn label(&self) -> String {
        self.label()
    }

    fn name(&self) -> Option<&Name> {
        self.name()
    }

    fn look(&self) -> AgentInfo {
        self.look()
    }

    fn owner(&self) -> Option<OwnerRef> {
        self.owner()
    }

    fn belongings(&self) -> Option<OwnerRef> {
        self.belongings()
    }

    fn note_exit(&self, incarnation: &OwnerRef, news: News) -> Noted {
        self.note_exit(incarnation, news)
    }

    fn heed_exit(self: Arc<Self>) {
        Self::heed_exit(&self);
    }

    fn is_closed(&self) -> bool {
        self.is_closed()
    }

    fn handles(&self) -> &AtomicUsize {
        &self.handles
    }

    fn handled(&self) -> u64 {
        self.handled()
    }

    fn stop(self: Arc<Self>, reason: Reason) {
        self.ask_to_stop(reason);
    }

    fn kill(self: Arc<Self>, reason: Reason) {
        self.ask_to_die(reason);
    }

    fn orphan(self: Arc<Self>) {
        self.lose_last_handle();
    }

    fn drain(self: Arc<Self>) {
        self.ask_to_drain();
    }

    fn is_idle(&self) -> bool {
        self.is_idle()
    }

    fn barrier(self: Arc<Self>) -> Barrier {
        Self::barrier(&self)
    }

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<A>()
    }

    fn parent(&self) -> Option<AgentId> {
        self.revival().map(|revival| revival.parent)
    }

    fn incarnation(&self) -> Option<u32> {
        self.revival().map(Revival::incarnation)
    }

    fn revive(self: Arc<Self>) {
        Self::revive(&self);
    }

    fn doze(self: Arc<Self>) -> bool {
        Self::doze(&self)
    }

    fn bury(self: Arc<Self>) {
        Self::bury(&self, self.reason());
    }
}
