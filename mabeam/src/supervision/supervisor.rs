//! The supervisor: an agent that drives the engine.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use foundation::owner::Reason;

use super::child::{Child, Plan};
use super::driver::{Driver, Started};
use super::ear::Ear;
use super::engine::{AutoShutdown, ChildId, End, EndOrder, Flags, Intensity, Strategy};
use crate::handle::monitor;
use crate::kernel::revival::Revival;
use crate::system::Shared;
use crate::wait::FAR;
use crate::{Agent, AgentId, Context, ReplyTo};

/// An agent that starts others, its children, and starts them again when they fail: see the
/// [module's page](super).
///
/// Its spawn is answered when all children that it begins with are up, or when one of them could not be
/// started, which ends it. When it ends, its children end before it, in reverse start order. If it is
/// killed they are, too.
///
/// A supervisor can be the child of another, with [`Shutdown::Wait`](super::Shutdown::Wait):
/// `Child::new(|| Supervisor::new(..).child(..))`.
#[must_use = "a supervisor is to be spawned"]
pub struct Supervisor {
    flags: Flags,
    plans: Vec<Box<dyn Plan>>,
    /// From `init` on.
    driver: Option<Driver>,
}

impl Supervisor {
    /// A supervisor without children, which allows one restart in 5 s.
    pub fn new(strategy: Strategy) -> Self {
        let flags = Flags { strategy, ..Flags::default() };
        Self { flags, plans: Vec::new(), driver: None }
    }

    /// One child more, started after those before it.
    pub fn child<A: Agent>(mut self, child: Child<A>) -> Self {
        self.plans.push(Box::new(child));
        self
    }

    /// Ends, with its children, at the restart after the `max_restarts`th within `period`.
    pub fn intensity(mut self, max_restarts: u32, period: Duration) -> Self {
        self.flags.intensity = Intensity { max_restarts, period };
        self
    }

    /// Whether it ends when [significant](Child::significant) children have ended by themselves.
    pub fn auto_shutdown(mut self, auto_shutdown: AutoShutdown) -> Self {
        self.flags.auto_shutdown = auto_shutdown;
        self
    }

    /// In which order its children are stopped when it ends.
    pub fn end_order(mut self, end_order: EndOrder) -> Self {
        self.flags.end_order = end_order;
        self
    }

    /// How many children it may have. 1,000,000 unless this is said.
    pub fn max_children(mut self, max_children: usize) -> Self {
        self.flags.max_children = max_children;
        self
    }

    /// What the jitter of its children's backoffs is made from.
    pub fn seed(mut self, seed: u64) -> Self {
        self.flags.seed = seed;
        self
    }

    pub(super) fn driver(&mut self) -> Option<&mut Driver> {
        self.driver.as_mut()
    }

    /// Tells `reply` when the child, which was just added or is to be restarted, has started.
    pub(super) fn await_start(&mut self, child: ChildId, reply: ReplyTo<Started>) {
        if let Some(driver) = &mut self.driver {
            driver.tell_start(child, reply);
            driver.act();
            driver.set_alarm();
        }
    }

    /// Takes in what it heard and what is due.
    pub(super) fn look(&mut self, context: &Context<Self>) {
        if let Some(driver) = &mut self.driver {
            driver.look();
            self.end_turn(context);
        }
    }

    /// After each turn in which something may have been decided.
    pub(super) fn end_turn(&mut self, context: &Context<Self>) {
        let Some(driver) = &mut self.driver else { return };
        driver.set_alarm();
        if let Some(end) = driver.ended {
            let why = say(driver, end);
            tracing::warn!(supervisor = %context.id(), "a supervisor ends: {why}");
            context.stop(Reason::Shutdown);
        }
    }
}

impl Agent for Supervisor {
    async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
        let cell = context.cell();
        let ear = Arc::new(Ear::new(Arc::downgrade(&cell)));
        let system = Arc::clone(&cell.system);
        if cell.revival().is_some_and(Revival::is_again) {
            await_children_of(cell.id, &system).await;
        }
        let driver = self.driver.insert(Driver::new(self.flags, Arc::clone(&ear), system, cell.id));
        for plan in self.plans.drain(..) {
            driver.add(plan).map_err(|error| Reason::Failed(error.to_string().into()))?;
        }
        driver.start();
        driver.run(|driver| driver.is_ready || driver.ended.is_some()).await;
        if let Some(end) = driver.ended {
            return Err(Reason::Failed(say(driver, end).into()));
        }
        ear.attend();
        self.look(context);
        Ok(())
    }

    async fn on_exit(&mut self, _: &Reason, _: &mut Context<Self>) {
        if let Some(driver) = &mut self.driver {
            driver.shut_down();
            driver.run(|driver| driver.ended.is_some()).await;
        }
    }

    /// As long as its children need, each of which has its own.
    fn init_deadline(&self, _: Duration) -> Duration {
        FAR
    }

    /// As long as its children need, each of which has its own.
    fn exit_deadline(&self, _: Duration) -> Duration {
        FAR
    }
}

/// Waits until nobody lives whom an incarnation before this one started. One that was killed could not
/// wait itself, and a child may be in a handler that computes.
async fn await_children_of(supervisor: AgentId, system: &Shared) {
    let mut left = system.living.all();
    left.retain(|resident| resident.parent() == Some(supervisor));
    for child in left {
        drop(monitor(&*child).down().await);
    }
}

/// Why it ends, in words that name the child.
fn say(driver: &Driver, end: End) -> String {
    match end {
        End::Asked => "it was asked to".to_owned(),
        End::RestartIntensity(child) => {
            let label = driver.label(child);
            format!("{label} failed once more than the restart intensity allows")
        }
        End::AutoShutdown(child) => format!("significant {} ended", driver.label(child)),
        End::StartFailed(child) => {
            format!("{} could not be started: {}", driver.label(child), driver.problem(child))
        }
    }
}

impl fmt::Debug for Supervisor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Supervisor").field("flags", &self.flags).finish_non_exhaustive()
    }
}
