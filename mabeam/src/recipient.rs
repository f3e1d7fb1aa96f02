//! Handles that know a message and not the agent's type.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation::owner::MonitorRef;

use crate::{Agent, AgentId, AgentRef, CallError, CastError, Handler, Message};

/// A future of which the type is not known.
type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A handle of an agent that handles `M`, whatever it is otherwise: for lists of agents of different
/// types, and for messages that say whom to answer.
///
/// Counts as a handle, and so does each clone: it keeps the agent alive. Making one allocates once;
/// a clone is a reference count. A cast costs a virtual call more than through an [`AgentRef`]; a call
/// or a send allocates its future besides. Calls are lent like any other.
///
/// ```
/// use mabeam::{Agent, Config, Context, Handler, Message, Recipient, System};
///
/// struct Tick(u64);
/// impl Message for Tick { type Reply = u64; }
///
/// struct Counter(u64);
/// impl Agent for Counter {}
/// impl Handler<Tick> for Counter {
///     async fn handle(&mut self, Tick(n): Tick, _: &mut Context<Self>) -> u64 { self.0 += n; self.0 }
/// }
///
/// struct Echo;
/// impl Agent for Echo {}
/// impl Handler<Tick> for Echo {
///     async fn handle(&mut self, Tick(n): Tick, _: &mut Context<Self>) -> u64 { n }
/// }
///
/// # let system = System::new(Config::default())?;
/// # system.block_on(async {
/// let counter = system.spawn(Counter(40)).await?;
/// let recipients: [Recipient<Tick>; 2] = [counter.recipient(), system.spawn(Echo).await?.into()];
/// let mut answers = Vec::new();
/// for recipient in &recipients {
///     answers.push(recipient.call(Tick(2)).await?);
/// }
/// assert_eq!(answers, [42, 2]);
/// # Ok::<(), mabeam::Error>(())
/// # })?;
/// # Ok::<(), mabeam::Error>(())
/// ```
pub struct Recipient<M: Message> {
    agent: Arc<dyn Takes<M>>,
}

/// A [`Recipient`] that does not keep its agent alive.
pub struct WeakRecipient<M: Message> {
    id: AgentId,
    upgrade: Arc<dyn Fn() -> Option<Recipient<M>> + Send + Sync>,
}

/// A call or a send through a [`Recipient`], to be given a deadline or awaited. Nothing happens
/// before that. Cancelling is as for the future of an [`AgentRef`].
#[must_use = "nothing is sent unless this is awaited"]
pub struct Through<'a, M: Message, T> {
    agent: &'a dyn Takes<M>,
    message: M,
    deadline: Option<Duration>,
    begin: fn(&'a dyn Takes<M>, M, Option<Duration>) -> Boxed<'a, T>,
}

/// What a recipient asks of a handle.
trait Takes<M: Message>: Send + Sync {
    fn id(&self) -> AgentId;
    fn has_ended(&self) -> bool;
    fn monitor(&self) -> MonitorRef;
    fn downgrade(&self) -> WeakRecipient<M>;
    fn cast(&self, message: M) -> Result<(), CastError<M>>;
    fn try_cast(&self, message: M) -> Result<(), CastError<M>>;
    fn send(&self, message: M, deadline: Option<Duration>) -> Boxed<'_, Result<(), CastError<M>>>;
    fn call(
        &self,
        message: M,
        deadline: Option<Duration>,
    ) -> Boxed<'_, Result<M::Reply, CallError<M>>>;
}

impl<A: Agent> AgentRef<A> {
    /// A handle that knows only that the agent handles `M`.
    pub fn recipient<M: Message>(&self) -> Recipient<M>
    where
        A: Handler<M>,
    {
        self.clone().into()
    }
}

impl<A: Handler<M>, M: Message> From<AgentRef<A>> for Recipient<M> {
    fn from(agent: AgentRef<A>) -> Self {
        Self { agent: Arc::new(agent) }
    }
}

impl<M: Message> Recipient<M> {
    /// Who it is.
    pub fn id(&self) -> AgentId {
        self.agent.id()
    }

    /// Whether it has ended. One that has not may end at any moment.
    pub fn has_ended(&self) -> bool {
        self.agent.has_ended()
    }

    /// As [`AgentRef::monitor`].
    pub fn monitor(&self) -> MonitorRef {
        self.agent.monitor()
    }

    /// A recipient that does not keep the agent alive.
    pub fn downgrade(&self) -> WeakRecipient<M> {
        self.agent.downgrade()
    }

    /// As [`AgentRef::cast`].
    pub fn cast(&self, message: M) -> Result<(), CastError<M>> {
        self.agent.cast(message)
    }

    /// As [`AgentRef::try_cast`].
    pub fn try_cast(&self, message: M) -> Result<(), CastError<M>> {
        self.agent.try_cast(message)
    }

    /// As [`AgentRef::send`]. Allocates the future.
    pub fn send(&self, message: M) -> Through<'_, M, Result<(), CastError<M>>> {
        Through { agent: &*self.agent, message, deadline: None, begin: Takes::send }
    }

    /// As [`AgentRef::call`]. Allocates the future.
    pub fn call(&self, message: M) -> Through<'_, M, Result<M::Reply, CallError<M>>> {
        Through { agent: &*self.agent, message, deadline: None, begin: Takes::call }
    }
}

impl<M: Message> WeakRecipient<M> {
    /// Who it is.
    pub fn id(&self) -> AgentId {
        self.id
    }

    /// A recipient, if there is still a handle.
    pub fn upgrade(&self) -> Option<Recipient<M>> {
        (self.upgrade)()
    }
}

impl<M: Message, T> Through<'_, M, T> {
    /// As [`Call::deadline`](crate::Call::deadline) and
    /// [`Sending::deadline`](crate::Sending::deadline).
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl<'a, M: Message, T> IntoFuture for Through<'a, M, T> {
    type Output = T;
    type IntoFuture = Boxed<'a, T>;

    fn into_future(self) -> Boxed<'a, T> {
        (self.begin)(self.agent, self.message, self.deadline)
    }
}

impl<A: Handler<M>, M: Message> Takes<M> for AgentRef<A> {
    fn id(&self) -> AgentId {
        self.id()
    }

    fn has_ended(&self) -> bool {
        self.has_ended()
    }

    fn monitor(&self) -> MonitorRef {
        self.monitor()
    }

    fn downgrade(&self) -> WeakRecipient<M> {
        let agent = self.downgrade();
        let id = agent.id();
        WeakRecipient { id, upgrade: Arc::new(move || agent.upgrade().map(Recipient::from)) }
    }

    fn cast(&self, message: M) -> Result<(), CastError<M>> {
        self.cast(message)
    }

    fn try_cast(&self, message: M) -> Result<(), CastError<M>> {
        self.try_cast(message)
    }

    fn send(&self, message: M, deadline: Option<Duration>) -> Boxed<'_, Result<(), CastError<M>>> {
        let sending = self.send(message);
        Box::pin(match deadline {
            Some(deadline) => sending.deadline(deadline),
            None => sending,
        })
    }

    fn call(
        &self,
        message: M,
        deadline: Option<Duration>,
    ) -> Boxed<'_, Result<M::Reply, CallError<M>>> {
        let call = self.call(message);
        Box::pin(match deadline {
            Some(deadline) => call.deadline(deadline),
            None => call,
        })
    }
}

impl<M: Message> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Self { agent: Arc::clone(&self.agent) }
    }
}

impl<M: Message> Clone for WeakRecipient<M> {
    fn clone(&self) -> Self {
        Self { id: self.id, upgrade: Arc::clone(&self.upgrade) }
    }
}

impl<M: Message> PartialEq for Recipient<M> {
    /// Whether both are of the same agent.
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl<M: Message> Eq for Recipient<M> {}

impl<M: Message> fmt::Debug for Recipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient({})", self.id())
    }
}

impl<M: Message> fmt::Debug for WeakRecipient<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakRecipient({})", self.id)
    }
}
