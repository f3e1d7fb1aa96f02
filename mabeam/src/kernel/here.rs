//! What this thread is doing for an agent.

use std::cell::Cell;

use crate::AgentId;

thread_local! {
    static AGENT: Cell<u64> = const { Cell::new(0) };
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// The agent whose handler runs on this thread now. Also while a caller's thread is lent to it.
///
/// ```
/// assert_eq!(mabeam::current_agent(), None);
/// ```
pub fn current_agent() -> Option<AgentId> {
    AgentId::from_u64(AGENT.get())
}

/// How many turns are being polled on this thread's stack.
#[inline]
pub(crate) fn depth() -> u32 {
    DEPTH.get()
}

/// Until this is dropped, the thread works for an agent.
pub(crate) struct Visit {
    before: u64,
}

impl Visit {
    #[inline]
    pub(crate) fn of(agent: AgentId) -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self { before: AGENT.replace(agent.get()) }
    }
}

impl Drop for Visit {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        AGENT.set(self.before);
    }
}
