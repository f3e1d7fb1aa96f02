//! A cell whose agent's type is not known.

use std::any::Any;
use std::sync::Arc;

use foundation::owner::{OwnerRef, Reason};

use super::cell::Cell;
use super::queue::Runnable;
use crate::sync::AtomicUsize;
use crate::{Agent, AgentId};

/// What can be asked of any agent.
pub(crate) trait Resident: Runnable {
    fn id(&self) -> AgentId;
    fn label(&self) -> String;
    fn owner(&self) -> Option<OwnerRef>;
    fn is_closed(&self) -> bool;
    fn handles(&self) -> &AtomicUsize;
    fn handled(&self) -> u64;
    fn stop(self: Arc<Self>, reason: Reason);
    fn kill(self: Arc<Self>, reason: Reason);
    fn orphan(self: Arc<Self>);
    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync>;
    fn type_name(&self) -> &'static str;
}

impl<A: Agent> Resident for Cell<A> {
    fn id(&self) -> AgentId {
        self.id
    }

    fn label(&self) -> String {
        self.label()
    }

    fn owner(&self) -> Option<OwnerRef> {
        self.owner()
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

    fn as_any(self: Arc<Self>) -> Arc<dyn Any + Send + Sync> {
        self
    }

    fn type_name(&self) -> &'static str {
        std::any::type_name::<A>()
    }
}
