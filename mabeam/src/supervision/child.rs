//! What a child is made by, and what it is to have.

use std::any::type_name;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use foundation::memory::Account;
use foundation::registry::Metadata;

use super::engine::{Backoff, Restart, Shutdown, Spec};
use crate::kernel::revival::{Keeper, Make, Revival};
use crate::spawn::Berth;
use crate::system::Shared;
use crate::{Agent, AgentId, AnyAgent, Mailbox, SpawnError};

/// A child of a [`Supervisor`](super::Supervisor): its factory, and what it is to have.
///
/// The factory is called for each incarnation. Names, handles, monitors and mail that was not begun
/// stay with the child from one incarnation to the next; its state, timers, tasks, links and its own
/// monitors don't.
///
/// ```
/// use std::time::Duration;
/// use mabeam::Agent;
/// use mabeam::supervision::{Backoff, Child, Restart, Shutdown};
///
/// struct Worker { id: u32 }
/// impl Agent for Worker {}
///
/// let child = Child::new(|| Worker { id: 7 })
///     .label("seven")
///     .named("workers/seven")
///     .restart(Restart::Transient)
///     .shutdown(Shutdown::Within(Duration::from_secs(1)));
/// ```
#[must_use = "a child is nothing until a supervisor has it"]
pub struct Child<A: Agent> {
    make: Make<A>,
    label: Option<Arc<str>>,
    name: Option<String>,
    metadata: Metadata,
    mailbox: Option<Mailbox>,
    memory: Option<(Account, u64)>,
    sleeps_after: Option<Duration>,
    spec: Spec,
}

/// A child whose agent's type is not known.
pub(super) trait Plan: Send {
    fn spec(&self) -> Spec;

    /// What the child is called among its siblings.
    fn label(&self) -> Option<&Arc<str>>;

    /// The name of its type, for people.
    fn type_name(&self) -> &'static str;

    /// After how long without a message it is put to sleep.
    fn sleeps_after(&self) -> Option<Duration>;

    /// Makes an identity without a state, whose token is the caller's.
    fn settle(
        &self,
        system: &Arc<Shared>,
        parent: AgentId,
        keeper: Arc<dyn Keeper>,
    ) -> Result<AnyAgent, SpawnError>;
}

impl<A: Agent> Child<A> {
    /// A child that `make` makes, which is [permanent](Restart::Permanent) and has 5 s to shut down.
    ///
    /// A factory that panics has failed to start the child.
    pub fn new(make: impl FnMut() -> A + Send + 'static) -> Self {
        Self {
            make: Arc::new(Mutex::new(make)),
            label: None,
            name: None,
            metadata: Metadata::new(),
            mailbox: None,
            memory: None,
            sleeps_after: None,
            spec: Spec::default(),
        }
    }

    /// What the child is called among its siblings, of whom no two are called the same.
    pub fn label(self, label: impl Into<Arc<str>>) -> Self {
        Self { label: Some(label.into()), ..self }
    }

    /// Registers the child under a name, as [`Spawn::named`](crate::Spawn::named), also while it is
    /// being restarted.
    pub fn named(self, name: impl Into<String>) -> Self {
        Self { name: Some(name.into()), ..self }
    }

    /// What the child can be [found](crate::System::find) by, if it has a name.
    pub fn properties(self, properties: impl Into<Metadata>) -> Self {
        Self { metadata: properties.into(), ..self }
    }

    /// How many messages may wait for it, also while it is being restarted.
    pub fn mailbox(self, mailbox: Mailbox) -> Self {
        Self { mailbox: Some(mailbox), ..self }
    }

    /// Its account and limit, as [`Spawn::memory`](crate::Spawn::memory). An incarnation that goes above
    /// it ends with [`MemoryLimit`](crate::Reason::MemoryLimit), which is a failure.
    pub fn memory(self, account: Account, limit_bytes: u64) -> Self {
        Self { memory: Some((account, limit_bytes)), ..self }
    }

    /// When it is started again.
    pub fn restart(mut self, restart: Restart) -> Self {
        self.spec.restart = restart;
        self
    }

    /// How it is stopped.
    pub fn shutdown(mut self, shutdown: Shutdown) -> Self {
        self.spec.shutdown = shutdown;
        self
    }

    /// Its end counts for the supervisor's [`AutoShutdown`](super::AutoShutdown).
    pub fn significant(mut self) -> Self {
        self.spec.significant = true;
        self
    }

    /// Puts it to sleep when it has handled nothing for `idle` to twice `idle`: its `on_exit` runs and its
    /// state is dropped. It keeps its names and handles, and is made anew for its next message: what is to
    /// outlast its sleep, `on_exit` has to store and the factory or `init` to fetch. No restart is
    /// counted.
    pub fn sleep_after(self, idle: Duration) -> Self {
        Self { sleeps_after: Some(idle), ..self }
    }

    /// How long to wait before it is restarted.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.spec.backoff = Some(backoff);
        self
    }
}

impl<A: Agent> Plan for Child<A> {
    fn spec(&self) -> Spec {
        self.spec
    }

    fn label(&self) -> Option<&Arc<str>> {
        self.label.as_ref()
    }

    fn type_name(&self) -> &'static str {
        type_name::<A>()
    }

    fn sleeps_after(&self) -> Option<Duration> {
        self.sleeps_after
    }

    fn settle(
        &self,
        system: &Arc<Shared>,
        parent: AgentId,
        keeper: Arc<dyn Keeper>,
    ) -> Result<AnyAgent, SpawnError> {
        let mut berth = Berth::new();
        if let Some(name) = &self.name {
            berth.name(name);
        }
        berth.metadata(self.metadata.clone());
        if let Some(mailbox) = self.mailbox {
            berth.mailbox(mailbox);
        }
        let extras = berth.extras();
        extras.memory.clone_from(&self.memory);
        extras.revival = Some(Revival::new(Arc::clone(&self.make), keeper, parent));
        let agent = berth.settle(system, AgentId::next(), None).map_err(|error| error.map(drop))?;
        Ok(agent.any())
    }
}

impl<A: Agent> fmt::Debug for Child<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("type", &self.type_name())
            .field("label", &self.label)
            .field("name", &self.name)
            .field("spec", &self.spec)
            .finish_non_exhaustive()
    }
}
