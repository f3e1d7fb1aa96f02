//! What an agent is handed in its hooks and handlers: itself, as the system sees it.
//!
//! Owns what an agent can ask for itself. Whatever it is given here ends with it, and none of it keeps
//! it alive:
//!
//! | the agent | is given by | ends also |
//! |---|---|---|
//! | [a message later](Context::send_after), [or often](Context::send_every) | `timer` | when it is cancelled |
//! | [a task beside it](Context::spawn) | `tasks` | when it is done or aborted |
//! | [the items of a stream](Context::attach) | `attach` | with the stream |
//! | [the end of another agent](Context::monitor) | `monitors` | when it was heard |
//! | [a link to another agent](Context::link) | `links` | with the other, or when it is undone |
//! | [mail for later](Context::stash) | `stash` | when it is handled |
//!
//! All but the last two are one thing underneath: a `Possession`, which the agent's owner drops at its end and
//! which is taken back where it is done with earlier, so that nothing piles up. Timers and streams are
//! tasks that leave mail (`inward`).

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::oneshot;

use foundation::owner::Reason;

use crate::kernel::cell::Cell;
use crate::kernel::mail::Answered;
use crate::kernel::own::Own;
use crate::{Agent, AgentId, AgentRef, ReplyTo, Spawn};

mod attach;
mod forward;
mod inward;
mod links;
mod monitors;
mod possession;
pub(crate) mod redelivery;
mod stash;
mod tasks;
mod timer;

pub(crate) use links::News;
pub use links::{Link, LinkedExit};
use monitors::Monitors;
use redelivery::Kept;
use stash::Stash;
pub use tasks::Task;
pub use timer::Timer;

/// An agent's own view of itself. Lives as long as the agent; borrowed by the turn in progress.
pub struct Context<A: Agent> {
    own: Own<A>,
    /// Made when it is first needed: most agents have none of it.
    rare: Option<Box<Rare<A>>>,
}

/// What few agents have. A word in those that have none of it.
struct Rare<A: Agent> {
    monitors: Monitors,
    /// What is kept for later.
    stash: Option<Stash<A>>,
    /// Of the message that is being handled, if it may be handled once more.
    kept: Option<Kept<A>>,
}

impl<A: Agent> Context<A> {
    pub(crate) fn new(own: Own<A>) -> Self {
        Self { own, rare: None }
    }

    fn rare(&mut self) -> &mut Rare<A> {
        self.rare.get_or_insert_with(|| {
            Box::new(Rare { monitors: Monitors::default(), stash: None, kept: None })
        })
    }

    /// Lets go what is empty.
    fn tidy(&mut self) {
        self.rare.take_if(|rare| {
            rare.monitors.is_empty() && rare.stash.is_none() && rare.kept.is_none()
        });
    }

    pub(crate) fn cell(&self) -> Arc<Cell<A>> {
        self.own.cell()
    }

    /// Who this is.
    pub fn id(&self) -> AgentId {
        self.cell().id
    }

    /// A handle of this agent, to be handed to others. It keeps the agent alive: one that is kept in
    /// the agent's own state does so for ever.
    pub fn handle(&self) -> AgentRef<A> {
        AgentRef::of(&self.cell())
    }

    /// Ends this agent after the handler that runs now. The first reason counts.
    pub fn stop(&self, reason: Reason) {
        self.cell().ask_to_stop(reason);
    }

    /// Spawns another agent in the same system, as [`System::spawn`](crate::System::spawn). It does
    /// not end with this one, unless nobody else has a handle of it. An agent does not keep its system
    /// alive: once that shuts down, this fails with [`ShutDown`](crate::SpawnError::ShutDown).
    ///
    /// ```
    /// # use mabeam::{Agent, AgentRef, Config, Context, Reason, System};
    /// struct Worker;
    /// impl Agent for Worker {}
    ///
    /// struct Team {
    ///     workers: Vec<AgentRef<Worker>>,
    /// }
    /// impl Agent for Team {
    ///     async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
    ///         for _ in 0..3 {
    ///             let worker = context.spawn_agent(Worker).await;
    ///             self.workers.push(worker.map_err(|error| Reason::Failed(error.to_string().into()))?);
    ///         }
    ///         Ok(())
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let team = system.spawn(Team { workers: Vec::new() }).await?;
    /// assert_eq!(system.agents(), 4);
    /// # drop(team);
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn spawn_agent<B: Agent>(&self, agent: B) -> Spawn<B> {
        Spawn::new(Arc::clone(&self.cell().system), agent)
    }

    /// Ends this handler without an answer: `keep` receives what the answer is to be given to, now or
    /// later, here or elsewhere. The agent goes on with its next message.
    ///
    /// `return context.reply_later(|reply| self.waiting.push(reply)).await` never comes back. If nobody
    /// waits for an answer, what `keep` receives says so ([`ReplyTo::is_wanted`]). If it is dropped, the
    /// caller fails with [`NoReply`](crate::CallError::NoReply).
    ///
    /// # Panics
    ///
    /// If `R` is not the type of this message's reply, or an answer was taken before. As any panic in a
    /// handler, that ends the agent.
    pub async fn reply_later<R: Send + 'static>(&mut self, keep: impl FnOnce(ReplyTo<R>)) -> R {
        keep(self.take_answer());
        self.end_turn().await
    }

    /// Takes over the duty to answer this message. Panics as [`reply_later`](Self::reply_later).
    fn take_answer<R: Send + 'static>(&mut self) -> ReplyTo<R> {
        let cell = self.cell();
        let mut place: Option<oneshot::Sender<Answered<R>>> = None;
        let is_deferred = cell.defer_answer(&mut place);
        assert!(is_deferred, "this message is not answered with a {}", std::any::type_name::<R>());
        ReplyTo::new(cell.id, place)
    }

    /// Ends this turn without an answer.
    async fn end_turn<R>(&mut self) -> R {
        self.let_go();
        poll_fn(|_| {
            self.cell().end_with_poll();
            Poll::Pending
        })
        .await
    }
}
