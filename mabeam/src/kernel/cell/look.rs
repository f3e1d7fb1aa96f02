//! What can be seen of an agent without its token, and what is said of it to those who look after the
//! system.

use super::{Cell, stage};
use crate::sync::Ordering;
use crate::{Agent, AgentInfo, AgentState, SystemEvent};

impl<A: Agent> Cell<A> {
    /// Takes a place for a message, as [`Room::enter`](crate::kernel::room::Room::enter).
    #[inline]
    pub(crate) fn enter_room(&self) -> Option<bool> {
        self.room.enter(|| self.warn_of_mail())
    }

    /// So many messages wait that it is worth a warning.
    #[cold]
    pub(super) fn warn_of_mail(&self) {
        let (agent, name, mark) = (self.id, self.name().cloned(), self.room.mark());
        self.system.announce(SystemEvent::MailboxHigh { agent, name, waiting: mark });
    }

    /// What can be seen of it: of each figure what it is at the moment, not of all at the same one.
    pub(crate) fn look(&self) -> AgentInfo {
        let extras = self.extras.as_ref();
        let backlog =
            self.backlog().map(|backlog| u32::try_from(backlog.len()).unwrap_or(u32::MAX));
        let memory = extras.and_then(|extras| extras.memory.as_ref());
        let revival = self.revival();
        AgentInfo {
            id: self.id,
            name: self.name().cloned(),
            type_name: std::any::type_name::<A>(),
            state: self.state(),
            waiting: backlog.or_else(|| self.room.taken()),
            handled: self.handled(),
            busy: std::time::Duration::from_nanos(self.busy_ns.load(Ordering::Relaxed)),
            live_bytes: memory.and_then(|(account, ..)| account.live()),
            restarts: revival.map_or(0, |revival| revival.incarnation().saturating_sub(1)),
            parent: revival.map(|revival| revival.parent),
        }
    }

    fn state(&self) -> AgentState {
        match self.stage.load(Ordering::Relaxed) {
            stage::INIT => AgentState::Starting,
            stage::ALIVE if self.inbox.is_idle() => AgentState::Idle,
            stage::ALIVE if self.phase.is_suspended() => AgentState::Waiting,
            stage::ALIVE => AgentState::Active,
            stage::DOWN => AgentState::Down,
            stage::ASLEEP => AgentState::Asleep,
            _ => AgentState::Exiting,
        }
    }
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use super::*;

    struct Small;
    impl Agent for Small {}

    #[test]
    fn an_agent_takes_less_than_400_bytes_at_rest() {
        let counts = 2 * size_of::<usize>();
        let bytes = counts + size_of::<Cell<Small>>();
        assert!(bytes < 400, "{bytes}");
    }
}
