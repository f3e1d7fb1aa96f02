//! The ends of other agents, heard of as turns.
//!
//! Owns which monitors an agent has. A monitor is a callback at the other's owner, which leaves mail
//! here, and a [`Possession`] which takes that callback back when this agent ends. The agent hears of
//! an end only if the monitor is still in its list when the mail is begun, so one that it took back is
//! silent from then on, whatever is on its way.

use std::collections::BTreeMap;
use std::sync::Arc;

use foundation::owner::{Down, MonitorId, OwnerRef};

use super::possession::Possession;
use crate::handle::lifetime;
use crate::kernel::mail::{Nobody, post};
use crate::{Agent, AnyAgent, Context};

/// The monitors of an agent that it has neither heard of nor taken back. Touched in its turns only.
#[derive(Default)]
pub(super) struct Monitors(BTreeMap<MonitorId, Possession<Watch>>);

/// A callback at the owner of another agent. Dropping this takes it back.
struct Watch {
    other: OwnerRef,
    id: MonitorId,
}

impl Monitors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<A: Agent> Context<A> {
    /// Monitors another agent, of any type: [`on_down`](Agent::on_down) hears of its end, once. If it
    /// has ended already, that comes at once, with [`Reason::NoProc`](crate::Reason::NoProc).
    ///
    /// The `Down` comes after the other's names have gone. It needs no place in the mailbox, and overtakes
    /// what waits there. Each call is a monitor of its own. Neither agent keeps the other alive. What is
    /// left of the monitor at the other agent goes when this agent ends.
    ///
    /// ```
    /// # use mabeam::{Agent, AgentRef, Config, Context, Down, MonitorId, Reason, System};
    /// struct Worker;
    /// impl Agent for Worker {}
    ///
    /// struct Boss {
    ///     worker: AgentRef<Worker>,
    ///     monitor: Option<MonitorId>,
    /// }
    /// impl Agent for Boss {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
    ///         self.monitor = Some(context.monitor(&self.worker));
    ///         Ok(())
    ///     }
    ///
    ///     async fn on_down(&mut self, down: Down, context: &mut Context<Self>) {
    ///         assert_eq!(Some(down.monitor), self.monitor);
    ///         context.stop(down.reason);
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let worker = system.spawn(Worker).await?;
    /// let boss = system.spawn(Boss { worker: worker.clone(), monitor: None }).await?;
    /// let end = boss.monitor();
    /// worker.kill();
    /// assert_eq!(end.down().await.map(|down| down.reason), Some(Reason::Killed));
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn monitor(&mut self, other: impl Into<AnyAgent>) -> MonitorId {
        let other = lifetime(&*other.into().0);
        let cell = self.cell();
        let weak = Arc::downgrade(&cell);
        let id = other.monitor_with(move |down| {
            if let Some(cell) = weak.upgrade() {
                // One that has ended does not want to know.
                drop(cell.signal(post(down, Nobody, hear).0));
            }
        });
        let watch = Possession::of(&cell, Watch { other, id });
        // Whatever came in between waits for the end of this turn.
        self.rare().monitors.0.insert(id, watch);
        id
    }

    /// Takes a monitor back: [`on_down`](Agent::on_down) will not hear of it, not even if its `Down`
    /// waits in the mailbox already. `false` if that was heard or the monitor taken back before.
    pub fn demonitor(&mut self, monitor: MonitorId) -> bool {
        let watch = self.rare.as_mut().and_then(|rare| rare.monitors.0.remove(&monitor));
        self.tidy();
        watch.is_some()
    }
}

/// The turn of a `Down`.
async fn hear<A: Agent>(agent: &'static mut A, down: Down, context: &'static mut Context<A>) {
    if context.demonitor(down.monitor) {
        agent.on_down(down, context).await;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.other.demonitor(self.id);
    }
}
