//! The beginning of an agent.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use foundation::memory::Account;
use foundation::owner::Reason;
use foundation::registry::{Metadata, Name, NameError, RegisterError};
use pin_project_lite::pin_project;
use thiserror::Error;
use tokio::sync::oneshot::{self, Receiver};

use crate::kernel::cell::{Cell, Extras, Init};
use crate::kernel::mail::{Answer, Answered, Awaited, Lent, post};
use crate::kernel::within::{Within, within};
use crate::living::Refused;
use crate::sync::Ordering;
use crate::system::Shared;
use crate::{Agent, AgentId, AgentRef, Mailbox};

/// An agent that is about to be spawned: say what it is to have, then `.await` it.
///
/// Nothing happens before that. Dropping the future while `init` runs leaves the agent without a
/// handle; it ends when its `init` has ended.
#[must_use = "a spawn does nothing unless it is awaited"]
pub struct Spawn<A: Agent> {
    system: Arc<Shared>,
    id: AgentId,
    agent: A,
    berth: Berth<A>,
    init_deadline: Option<Duration>,
    is_detached: bool,
}

/// What an agent is to have, whoever makes it.
pub(crate) struct Berth<A: Agent> {
    name: Option<Result<Name, NameError>>,
    metadata: Metadata,
    mailbox: Option<Mailbox>,
    extras: Option<Box<Extras<A>>>,
}

/// Failed to spawn an agent. Where it did not come to life, it comes back.
#[derive(Error)]
#[non_exhaustive]
pub enum SpawnError<A = ()> {
    /// The name is none.
    #[error("failed to name an agent: {problem}")]
    Name {
        /// The agent.
        agent: A,
        /// What is wrong with the name.
        problem: NameError,
    },
    /// The name is held by another agent, or the registry refuses it for another reason.
    #[error("failed to name an agent: {problem}")]
    Refused {
        /// The agent.
        agent: A,
        /// Why it was refused.
        problem: RegisterError<()>,
    },
    /// There are as many agents as there may be.
    #[error("failed to spawn an agent: {limit} live already, the limit (`Config::max_agents`)")]
    Full {
        /// The agent.
        agent: A,
        /// [`Config::max_agents`](crate::Config::max_agents).
        limit: usize,
    },
    /// The system is shutting down.
    #[error("failed to spawn an agent: the system is shutting down")]
    ShutDown {
        /// The agent.
        agent: A,
    },
    /// The operating system started no thread for a [pinned](crate::System::spawn_pinned) agent.
    #[error("failed to start a thread for an agent: {problem}")]
    Thread {
        /// What makes the agent.
        agent: A,
        /// What the operating system says.
        problem: io::Error,
    },
    /// `init` failed or panicked: then the agent has ended, and its name is free. Or `init` did not end in
    /// time: then it was killed, which takes effect when it waits.
    #[error("{id} failed in `init`: {reason}")]
    Init {
        /// Who.
        id: AgentId,
        /// Why.
        reason: Reason,
    },
}

pin_project! {
    /// The future of a [`Spawn`].
    #[must_use = "a spawn does nothing unless it is awaited"]
    pub struct Spawning<A: Agent> {
        spawn: Option<Spawn<A>>,
        handle: Option<AgentRef<A>>,
        #[pin]
        init: Option<Within<Receiver<Answered<Result<(), Reason>>>>>,
        failed: Option<Failed>,
    }
}

/// An agent whose `init` failed, until it has ended.
struct Failed {
    id: AgentId,
    reason: Reason,
    down: Pin<Box<dyn Future<Output = ()> + Send>>,
}

/// A handle, and what `init` came to.
type Begun<A> = (AgentRef<A>, Lent<Result<(), Reason>>);

impl<A: Agent> Spawn<A> {
    pub(crate) fn new(system: Arc<Shared>, agent: A) -> Self {
        let (id, berth) = (AgentId::next(), Berth::new());
        Self { system, id, agent, berth, init_deadline: None, is_detached: false }
    }

    /// Registers the agent under a name, `namespace/name` or without a namespace, before its `init`
    /// runs. It holds the name until it ends, and the name keeps it alive.
    pub fn named(mut self, name: &str) -> Self {
        self.berth.name(name);
        self
    }

    /// What the agent can be [found](crate::System::find) by, if it has a name.
    pub fn properties(mut self, properties: impl Into<Metadata>) -> Self {
        self.berth.metadata(properties.into());
        self
    }

    /// How many messages may wait for it.
    pub fn mailbox(mut self, mailbox: Mailbox) -> Self {
        self.berth.mailbox(mailbox);
        self
    }

    /// How long its `init` may take.
    pub fn init_deadline(mut self, deadline: Duration) -> Self {
        self.init_deadline = Some(deadline);
        self
    }

    /// Lets it live until it is stopped, whether or not anybody has a handle.
    pub fn detached(mut self) -> Self {
        self.is_detached = true;
        self
    }

    /// Its turns run in this span.
    pub fn span(mut self, span: tracing::Span) -> Self {
        self.berth.extras().span = Some(span);
        self
    }

    /// Charges what its turns allocate to `account`, and ends it with [`Reason::MemoryLimit`] between
    /// two turns when more than `limit_bytes` are live. Needs
    /// [`Accounting`](foundation::memory::Accounting) as the program's allocator.
    pub fn memory(mut self, account: Account, limit_bytes: u64) -> Self {
        self.berth.extras().memory = Some((account, limit_bytes));
        self
    }

    pub(crate) fn extras(&mut self) -> &mut Extras<A> {
        self.berth.extras()
    }

    /// Who the agent will be.
    pub(crate) fn id(&self) -> AgentId {
        self.id
    }

    pub(crate) fn system(&self) -> &Arc<Shared> {
        &self.system
    }

    /// Gives up: the thread that the agent needs could not be started.
    pub(crate) fn without_thread(self, problem: io::Error) -> SpawnError<A> {
        SpawnError::Thread { agent: self.agent, problem }
    }

    /// Makes the cell, names it and begins `init`.
    fn begin(self) -> Result<Begun<A>, SpawnError<A>> {
        let Self { system, id, agent, berth, is_detached, .. } = self;
        let has_home = berth.extras.as_ref().is_some_and(|extras| extras.home.is_some());
        let handle = berth.settle(&system, id, Some(agent)).map_err(|error| {
            error.map(|agent| agent.unwrap_or_else(|| unreachable!("it never ran")))
        })?;
        if is_detached {
            // Counted, and held by nobody: who lives is listed until it ends.
            handle.cell.handles.fetch_add(1, Ordering::Relaxed);
        }
        let run = |agent: &'static mut A, Init, context: &'static mut crate::Context<A>| async move {
            let result = agent.init(&mut *context).await;
            context.cell().init_ended(&result);
            result
        };
        if !has_home && system.is_lendable::<A, Init>() && system.may_lend() {
            let init = handle.cell.first_turn(Init, run);
            return Ok((handle, init));
        }
        let (sender, receiver) = oneshot::channel();
        let waiter = Awaited { answer: Answer::To(sender), deadline: None };
        handle.cell.begin(post(Init, waiter, run).0);
        Ok((handle, Lent::Later(receiver)))
    }
}

impl<A: Agent> Berth<A> {
    pub(crate) const fn new() -> Self {
        Self { name: None, metadata: Metadata::new(), mailbox: None, extras: None }
    }

    pub(crate) fn name(&mut self, name: &str) {
        self.name = Some(Name::new(name));
    }

    pub(crate) fn metadata(&mut self, metadata: Metadata) {
        self.metadata = metadata;
    }

    pub(crate) fn mailbox(&mut self, mailbox: Mailbox) {
        self.mailbox = Some(mailbox);
    }

    pub(crate) fn extras(&mut self) -> &mut Extras<A> {
        self.extras.get_or_insert_default()
    }

    /// Makes the cell, whose token is the caller's, lists it among the living and names it.
    pub(crate) fn settle(
        mut self,
        system: &Arc<Shared>,
        id: AgentId,
        agent: Option<A>,
    ) -> Result<AgentRef<A>, SpawnError<Option<A>>> {
        let name = match self.name.take().transpose() {
            Ok(name) => name,
            Err(problem) => return Err(SpawnError::Name { agent, problem }),
        };
        if let Some(name) = &name {
            self.extras().name = Some(name.clone());
        }
        let mailbox = self.mailbox.unwrap_or(system.config.mailbox);
        let cell = Cell::new(agent, id, Arc::clone(system), mailbox, self.extras);
        match system.living.add(Arc::clone(&cell) as _) {
            Ok(place) => cell.set_place(place),
            Err(refused) => {
                let agent = cell.dismantle();
                return Err(match refused {
                    Refused::Full => SpawnError::Full { agent, limit: system.config.max_agents },
                    Refused::Closed => SpawnError::ShutDown { agent },
                });
            }
        }
        let handle = AgentRef::counted(cell);
        if let (Some(name), Some(owner)) = (name, handle.cell.owner()) {
            let named = handle.any();
            let held = system.registry.register_for(&owner, name, named.downgrade(), self.metadata);
            if let Err(problem) = held {
                let agent = handle.cell.dismantle();
                drop(system.living.remove(handle.cell.place()));
                system.stop_if_empty();
                return Err(SpawnError::Refused { agent, problem: problem.map(drop) });
            }
            // The name keeps the agent alive, and not its entry: a map frees those when it likes.
            drop(owner.keep(named));
        }
        Ok(handle)
    }
}

impl<A: Agent> IntoFuture for Spawn<A> {
    type Output = Result<AgentRef<A>, SpawnError<A>>;
    type IntoFuture = Spawning<A>;

    fn into_future(self) -> Spawning<A> {
        Spawning { spawn: Some(self), handle: None, init: None, failed: None }
    }
}

impl<A: Agent> Future for Spawning<A> {
    type Output = Result<AgentRef<A>, SpawnError<A>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        if let Some(failed) = this.failed {
            return failed.poll(context).map(Err);
        }
        let answer = if let Some(spawn) = this.spawn.take() {
            let system = Arc::clone(&spawn.system);
            let configured = system.config.init_deadline;
            let init_deadline =
                spawn.init_deadline.unwrap_or_else(|| spawn.agent.init_deadline(configured));
            let (handle, init) = spawn.begin()?;
            *this.handle = Some(handle);
            match init {
                Lent::Given(result) => Some(Ok(Ok(result))),
                Lent::Later(receiver) => {
                    this.init.set(Some(within(init_deadline, receiver, system)));
                    None
                }
            }
        } else {
            None
        };
        let answer = match (answer, this.init.as_pin_mut()) {
            (Some(answer), _) => Some(answer),
            (None, Some(init)) => ready!(init.poll(context)),
            (None, None) => return Poll::Pending,
        };
        let Some(handle) = this.handle.take() else { return Poll::Pending };
        let id = handle.id();
        let reason = match answer {
            Some(Ok(Ok(Ok(())))) => return Poll::Ready(Ok(handle)),
            Some(Ok(Ok(Err(reason)) | Err(reason))) => reason,
            Some(Err(_)) => handle.cell.reason(),
            None => {
                handle.cell.ask_to_die(Reason::Deadline);
                return Poll::Ready(Err(SpawnError::Init { id, reason: Reason::Deadline }));
            }
        };
        let monitor = handle.monitor();
        let down = Box::pin(async move { drop(monitor.down().await) });
        let failed = this.failed.insert(Failed { id, reason, down });
        failed.poll(context).map(Err)
    }
}

impl Failed {
    /// Ready when the agent has ended, and with it its name is free.
    fn poll<A>(&mut self, context: &mut Context<'_>) -> Poll<SpawnError<A>> {
        ready!(self.down.as_mut().poll(context));
        Poll::Ready(SpawnError::Init { id: self.id, reason: self.reason.clone() })
    }
}

impl<A> SpawnError<A> {
    /// The agent, if it did not come to life.
    pub fn into_agent(self) -> Option<A> {
        match self {
            Self::Name { agent, .. }
            | Self::Refused { agent, .. }
            | Self::Full { agent, .. }
            | Self::Thread { agent, .. }
            | Self::ShutDown { agent } => Some(agent),
            Self::Init { .. } => None,
        }
    }

    /// The same about another form of the agent.
    pub fn map<B>(self, form: impl FnOnce(A) -> B) -> SpawnError<B> {
        match self {
            Self::Name { agent, problem } => SpawnError::Name { agent: form(agent), problem },
            Self::Refused { agent, problem } => SpawnError::Refused { agent: form(agent), problem },
            Self::Full { agent, limit } => SpawnError::Full { agent: form(agent), limit },
            Self::Thread { agent, problem } => SpawnError::Thread { agent: form(agent), problem },
            Self::ShutDown { agent } => SpawnError::ShutDown { agent: form(agent) },
            Self::Init { id, reason } => SpawnError::Init { id, reason },
        }
    }
}

impl<A: Agent> From<SpawnError<A>> for crate::Error {
    fn from(error: SpawnError<A>) -> Self {
        Self::Spawn(error.map(drop))
    }
}

impl<A> fmt::Debug for SpawnError<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpawnError({self})")
    }
}
