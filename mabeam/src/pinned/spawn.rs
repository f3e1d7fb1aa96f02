//! The beginning of a pinned agent: its thread, then all that a [`Spawn`] does.

use std::pin::Pin;
use std::sync::Arc;
use std::thread::Builder;
use std::time::Duration;

use foundation::memory::Account;
use foundation::registry::Metadata;

use super::home::{Line, Orders};
use super::{Factory, LocalAgent, Pinned};
use crate::{AgentRef, Mailbox, Spawn, SpawnError, System};

/// A pinned agent that is about to be spawned: say what it is to have, then `.await` it. From
/// [`System::spawn_pinned`].
///
/// Nothing happens before that. Dropping the future while the agent is made or its `init` runs leaves it
/// without a handle; it ends when its `init` has ended.
#[must_use = "a spawn does nothing unless it is awaited"]
pub struct SpawnPinned<A: LocalAgent> {
    spawn: Spawn<Pinned<A>>,
    orders: Orders,
    /// What the thread is called; its agent's id if empty.
    thread_name: String,
    stack_size: Option<usize>,
}

impl System {
    /// Spawns an agent that has a thread of its own: `make` runs there, and so does all that the agent
    /// does, up to the drop of its state. See [`LocalAgent`].
    ///
    /// Costs a thread for each agent, started here and ended with it.
    pub fn spawn_pinned<A: LocalAgent>(
        &self,
        make: impl FnOnce() -> A + Send + 'static,
    ) -> SpawnPinned<A> {
        let (line, orders) = Line::new();
        let home = line.home();
        let mut spawn = Spawn::new(Arc::clone(self.shared()), Pinned::new(Box::new(make), line));
        spawn.extras().home = Some(home);
        SpawnPinned { spawn, orders, thread_name: String::new(), stack_size: None }
    }
}

impl<A: LocalAgent> SpawnPinned<A> {
    /// As [`Spawn::named`]. The thread is called so, too; systems show the first 15 bytes or so.
    pub fn named(mut self, name: &str) -> Self {
        self.thread_name = name.replace('\0', "");
        self.map(|spawn| spawn.named(name))
    }

    /// As [`Spawn::properties`].
    pub fn properties(self, properties: impl Into<Metadata>) -> Self {
        self.map(|spawn| spawn.properties(properties))
    }

    /// As [`Spawn::mailbox`].
    pub fn mailbox(self, mailbox: Mailbox) -> Self {
        self.map(|spawn| spawn.mailbox(mailbox))
    }

    /// How long making the agent and its `init` may take together. An agent that blocks for longer
    /// ends when it comes back.
    pub fn init_deadline(self, deadline: Duration) -> Self {
        self.map(|spawn| spawn.init_deadline(deadline))
    }

    /// As [`Spawn::detached`].
    pub fn detached(self) -> Self {
        self.map(Spawn::detached)
    }

    /// As [`Spawn::span`].
    pub fn span(self, span: tracing::Span) -> Self {
        self.map(|spawn| spawn.span(span))
    }

    /// As [`Spawn::memory`].
    pub fn memory(self, account: Account, limit_bytes: u64) -> Self {
        self.map(|spawn| spawn.memory(account, limit_bytes))
    }

    /// The size of the thread's stack. 2 MiB unless told, as [`std::thread`] has it.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    fn map(self, form: impl FnOnce(Spawn<Pinned<A>>) -> Spawn<Pinned<A>>) -> Self {
        Self { spawn: form(self.spawn), ..self }
    }

    async fn run(self) -> Result<AgentRef<Pinned<A>>, SpawnError<Factory<A>>> {
        let Self { spawn, orders, thread_name, stack_size } = self;
        let thread_name = if thread_name.is_empty() { spawn.id().to_string() } else { thread_name };
        let mut thread = Builder::new().name(thread_name);
        if let Some(bytes) = stack_size {
            thread = thread.stack_size(bytes);
        }
        let system = Arc::clone(spawn.system());
        // Before anybody can hear of the agent: without a thread there is nothing to take back.
        if let Err(problem) =
            orders.start(thread, system.runtime.clone(), Arc::clone(&system.queue))
        {
            return Err(spawn.without_thread(problem).map(Pinned::into_factory));
        }
        spawn.await.map_err(|error| error.map(Pinned::into_factory))
    }
}

impl<A: LocalAgent> IntoFuture for SpawnPinned<A> {
    type Output = Result<AgentRef<Pinned<A>>, SpawnError<Factory<A>>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.run())
    }
}

impl<A: LocalAgent> From<SpawnError<Factory<A>>> for crate::Error {
    fn from(error: SpawnError<Factory<A>>) -> Self {
        Self::Spawn(error.map(drop))
    }
}
