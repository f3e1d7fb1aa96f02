//! What is worth a warning, for those who look after a system.

use std::time::Duration;

use foundation::log::{Log, Retention, Start, Subscription};
use foundation::memory::unaccounted;
use foundation::owner::Reason;
use foundation::panics::quietly;
use foundation::registry::Name;

use crate::system::Shared;
use crate::{AgentId, System};

/// Something that whoever looks after a system may want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SystemEvent {
    /// So many messages wait for an agent that its mailbox is filled to its
    /// [mark](crate::Config::mailbox_mark). Said once, by the sender that filled it, and again only after
    /// no more than half as many have waited. Mailboxes without a limit on messages have no mark.
    MailboxHigh {
        /// Whose mailbox.
        agent: AgentId,
        /// The agent's name.
        name: Option<Name>,
        /// How many wait: the mark.
        waiting: u32,
    },
    /// A handler ran for longer than [`Config::long_turn`](crate::Config::long_turn) without waiting.
    ///
    /// Said after that, of what was timed: the first message of each type, those whose type is known to
    /// be dear, and some of the others. Not said of [pinned](crate::System::spawn_pinned) agents, which
    /// may block.
    TurnLong {
        /// Whose handler.
        agent: AgentId,
        /// The agent's name.
        name: Option<Name>,
        /// The type of the message; of `init` and `on_exit`, one of the runtime's own.
        message: &'static str,
        /// How long.
        taken: Duration,
    },
    /// An agent runs, and has for longer than [`Config::long_turn`](crate::Config::long_turn): its handler
    /// computes or blocks, and the worker that it is on runs nothing else. Said while it does so, and
    /// again each time that `held` has doubled. What it lends its thread to counts as its own.
    ///
    /// Seen on runtimes of several workers only, and not of calls by tasks that lend their thread: these
    /// are for what is known to be cheap.
    WorkerHeld {
        /// Who runs.
        agent: AgentId,
        /// The agent's name.
        name: Option<Name>,
        /// For how long at least.
        held: Duration,
    },
    /// An agent was started again by its supervisor.
    Restarted {
        /// Who.
        agent: AgentId,
        /// Its name.
        name: Option<Name>,
        /// How often it has come to life.
        incarnation: u32,
        /// Why the one before ended.
        reason: Reason,
    },
}

/// Shows events.
pub(crate) struct Events(Log<SystemEvent>);

impl System {
    /// The [events](SystemEvent) that are kept, then those that come. At most
    /// [`Config::events`](crate::Config::events) are kept: who reads too slowly is told how many it
    /// missed.
    ///
    /// ```
    /// use mabeam::{Agent, Config, Context, Handler, Message, System, SystemEvent};
    ///
    /// struct Digger;
    /// impl Agent for Digger {}
    ///
    /// struct Dig;
    /// impl Message for Dig { type Reply = (); }
    /// impl Handler<Dig> for Digger {
    ///     async fn handle(&mut self, _: Dig, _: &mut Context<Self>) { /* computes */ }
    /// }
    ///
    /// let mut config = Config::default();
    /// // Everything is long.
    /// config.long_turn = std::time::Duration::ZERO;
    /// let system = System::new(config)?;
    /// system.block_on(async {
    ///     let mut events = system.events();
    ///     let digger = system.spawn(Digger).await?;
    ///     digger.call(Dig).await?;
    ///     while let Ok(event) = events.next().await {
    ///         if let SystemEvent::TurnLong { agent, message, taken, .. } = event {
    ///             println!("{agent} took {taken:?} for a {message}");
    ///             break;
    ///         }
    ///     }
    ///     Ok::<(), mabeam::Error>(())
    /// })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn events(&self) -> Subscription<SystemEvent> {
        self.shared().events.subscribe()
    }
}

impl Events {
    pub(crate) fn new(kept: usize) -> Self {
        Self(Log::new(Retention { max_entries: kept.max(1), ..Retention::default() }))
    }

    fn subscribe(&self) -> Subscription<SystemEvent> {
        self.0.subscribe(Start::Oldest)
    }
}

impl Shared {
    /// Shows an event to those who subscribed. Their wakers run, whose panics end nobody.
    pub(crate) fn announce(&self, event: SystemEvent) {
        // Whoever is the cause does not pay for it.
        unaccounted(|| {
            quietly(|| {
                self.events.0.append(event);
            });
        });
    }

    /// A carrier runs an agent, and has for so long.
    pub(crate) fn worker_is_held(&self, agent: AgentId, held: Duration) {
        let mut name = None;
        self.living.visit(|resident| {
            if resident.id() == agent {
                name = resident.name().cloned();
            }
        });
        self.announce(SystemEvent::WorkerHeld { agent, name, held });
    }
}
