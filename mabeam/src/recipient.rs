//! Handles that know a message and not the agent's type.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use foundation::owner::{MonitorRef, OwnerRef, Reason};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::call::outcome;
use crate::kernel::mail::{Answer, Lent};
use crate::kernel::within::within;
use crate::wait::{FAR, enter};
use crate::{Agent, AgentId, AgentRef, CallError, CastError, Handler, Message, WeakRef};

/// A future of which the type is not known.
pub(crate) type Boxed<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

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
    agent: Arc<dyn Reaches<M>>,
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

/// A call that was delivered.
pub(crate) enum Called<M: Message> {
    /// It was answered at once.
    Given(M::Reply),
    /// It will be answered, or given up at its deadline.
    Later(Boxed<'static, Result<M::Reply, CallError<M>>>),
}

/// What a recipient asks of a handle.
trait Takes<M: Message>: Send + Sync {
    fn id(&self) -> AgentId;
    fn has_ended(&self) -> bool;
    /// What the agent's end takes with it; `None` if it has ended and had nothing.
    fn owner(&self) -> Option<OwnerRef>;
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

/// What a weak recipient asks of a weak handle.
trait Reaches<M: Message>: Send + Sync {
    fn id(&self) -> AgentId;
    fn upgrade(&self) -> Option<Recipient<M>>;
    fn load(&self) -> Option<u32>;
    fn cast(&self, message: M) -> Result<(), CastError<M>>;
    fn try_cast(&self, message: M) -> Result<(), CastError<M>>;
    fn try_call(&self, message: M, deadline: Option<Duration>) -> Result<Called<M>, CastError<M>>;
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

impl<A: Handler<M>, M: Message> From<&AgentRef<A>> for Recipient<M> {
    fn from(agent: &AgentRef<A>) -> Self {
        agent.clone().into()
    }
}

impl<M: Message> From<&Self> for Recipient<M> {
    fn from(recipient: &Self) -> Self {
        recipient.clone()
    }
}

impl<M: Message> Recipient<M> {
    /// What the agent's end takes with it; `None` if it has ended and had nothing.
    pub(crate) fn owner(&self) -> Option<OwnerRef> {
        self.agent.owner()
    }

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
        self.agent.id()
    }

    /// A recipient, if there is still a handle.
    pub fn upgrade(&self) -> Option<Recipient<M>> {
        self.agent.upgrade()
    }

    /// How much there is to do for it: what waits, and one more if it is at work. `None` if it has ended
    /// or there is no place for more.
    pub(crate) fn load(&self) -> Option<u32> {
        self.agent.load()
    }

    /// As [`AgentRef::cast`]; one without any handle has ended.
    pub(crate) fn cast(&self, message: M) -> Result<(), CastError<M>> {
        self.agent.cast(message)
    }

    /// As [`AgentRef::try_cast`].
    pub(crate) fn try_cast(&self, message: M) -> Result<(), CastError<M>> {
        self.agent.try_cast(message)
    }

    /// As [`AgentRef::call`], but does not wait for a place.
    pub(crate) fn try_call(
        &self,
        message: M,
        deadline: Option<Duration>,
    ) -> Result<Called<M>, CastError<M>> {
        self.agent.try_call(message, deadline)
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

    fn owner(&self) -> Option<OwnerRef> {
        self.cell.owner()
    }

    fn downgrade(&self) -> WeakRecipient<M> {
        WeakRecipient { agent: Arc::new(self.downgrade()) }
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

impl<A: Handler<M>, M: Message> Reaches<M> for WeakRef<A> {
    fn id(&self) -> AgentId {
        self.id()
    }

    fn upgrade(&self) -> Option<Recipient<M>> {
        self.upgrade().map(Recipient::from)
    }

    fn load(&self) -> Option<u32> {
        self.upgrade()?.load()
    }

    fn cast(&self, message: M) -> Result<(), CastError<M>> {
        match self.upgrade() {
            Some(agent) => agent.cast(message),
            None => Err(gone(self, message)),
        }
    }

    fn try_cast(&self, message: M) -> Result<(), CastError<M>> {
        match self.upgrade() {
            Some(agent) => agent.try_cast(message),
            None => Err(gone(self, message)),
        }
    }

    fn try_call(&self, message: M, deadline: Option<Duration>) -> Result<Called<M>, CastError<M>> {
        let Some(agent) = self.upgrade() else { return Err(gone(self, message)) };
        let after = deadline.unwrap_or(agent.cell.system.config.call_deadline);
        let receiver = match agent.lend(message) {
            Ok(Lent::Given(reply)) => return Ok(Called::Given(reply)),
            Ok(Lent::Later(receiver)) => receiver,
            Err(message) => match enter(&agent.cell) {
                Ok(has_place) => {
                    let (sender, receiver) = oneshot::channel();
                    let ends = Instant::now() + after.min(FAR);
                    agent.post(message, Answer::To(sender), Some(ends), has_place)?;
                    receiver
                }
                Err(refused) => return Err(refused.error(&agent, message)),
            },
        };
        let system = Arc::clone(&agent.cell.system);
        Ok(Called::Later(Box::pin(async move {
            match within(after, receiver, system).await {
                Some(answer) => outcome(&agent, answer.ok(), after),
                None => Err(CallError::Deadline { agent: agent.id(), after }),
            }
        })))
    }
}

/// An agent without any handle has ended, or does so when it has handled its mail.
fn gone<A: Agent, M>(agent: &WeakRef<A>, message: M) -> CastError<M> {
    CastError::Ended { message, agent: agent.id(), reason: Reason::Normal }
}

impl<M: Message> Clone for Recipient<M> {
    fn clone(&self) -> Self {
        Self { agent: Arc::clone(&self.agent) }
    }
}

impl<M: Message> Clone for WeakRecipient<M> {
    fn clone(&self) -> Self {
        Self { agent: Arc::clone(&self.agent) }
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
        write!(f, "WeakRecipient({})", self.id())
    }
}
