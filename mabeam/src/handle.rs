//! Handles of agents: what others hold.

use std::fmt;
use std::sync::{Arc, Weak};

use foundation::owner::{MonitorRef, Owner, OwnerRef, Reason};
use tokio::time::Instant;

use crate::context::redelivery;
use crate::kernel::backlog::Weight;
use crate::kernel::cell::Cell;
use crate::kernel::mail::{Answer, Awaited, Lent, Nobody, Waiter};
use crate::kernel::resident::Resident;
use crate::sync::{AtomicUsize, Ordering};
use crate::wait::{Refused, enter};
use crate::{Agent, AgentId, Call, CastError, Handler, Message};

/// A handle of an agent, which can be sent messages through it. Cloning costs two reference counts.
///
/// Handles keep an agent alive: when the last one is dropped, it handles the mail that it has and ends
/// with [`Reason::Normal`]. [Names](crate::Spawn::named) and [recipients](crate::Recipient) count as
/// handles; [`WeakRef`]s, its own timers and whatever it attached do not.
pub struct AgentRef<A: Agent> {
    pub(crate) cell: Arc<Cell<A>>,
}

/// A handle that does not keep its agent alive.
pub struct WeakRef<A: Agent> {
    cell: Weak<Cell<A>>,
    id: AgentId,
}

/// A handle of an agent of any type.
pub struct AnyAgent(pub(crate) Arc<dyn Resident>);

/// A handle of an agent of any type that does not keep it alive: what the
/// [registry](crate::System::registry) holds.
#[derive(Clone)]
pub struct WeakAny {
    resident: Weak<dyn Resident>,
    id: AgentId,
}

impl<A: Agent> AgentRef<A> {
    /// A handle that counts; the cell already counts it.
    pub(crate) fn counted(cell: Arc<Cell<A>>) -> Self {
        Self { cell }
    }

    /// One more handle of an agent that is running.
    pub(crate) fn of(cell: &Arc<Cell<A>>) -> Self {
        cell.handles.fetch_add(1, Ordering::Relaxed);
        Self { cell: Arc::clone(cell) }
    }

    /// Who it is.
    pub fn id(&self) -> AgentId {
        self.cell.id
    }

    /// Whether it has ended. One that has not may end at any moment.
    pub fn has_ended(&self) -> bool {
        self.cell.is_closed()
    }

    /// Sends a message and waits for nothing. Fails, and gives the message back, if the agent has ended
    /// or its mailbox is full.
    ///
    /// Messages of one sender are handled in order. The handler never runs on this thread before this
    /// returns. Costs a piece of memory of this thread's and one compare-and-swap.
    pub fn cast<M: Message>(&self, message: M) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        match enter(&self.cell) {
            Ok(has_place) => self.leave(message, Nobody, has_place),
            Err(refused) => Err(refused.error(self, message)),
        }
    }

    /// As [`cast`](Self::cast), whatever the mailbox does when it is full: one that would drop a
    /// message to make room does not do it for this one.
    pub fn try_cast<M: Message>(&self, message: M) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        let weight = self.cell.weigh(&message).map(Weight::gentle);
        match enter(&self.cell) {
            Ok(has_place) => self.leave_weighed(message, weight, Nobody, has_place),
            Err(refused) => Err(refused.error(self, message)),
        }
    }

    /// Calls the agent: sends a message and waits for the answer, at most the system's
    /// [`call_deadline`](crate::Config::call_deadline) or a [deadline](Call::deadline) of its own.
    ///
    /// If the agent is idle and the message known to be cheap, its handler runs on this thread.
    pub fn call<M: Message>(&self, message: M) -> Call<'_, A, M>
    where
        A: Handler<M>,
    {
        Call::new(self, message)
    }

    /// Asks the agent to end, after the message that it handles now. Mail that it has not begun fails.
    pub fn stop(&self, reason: Reason) {
        self.cell.ask_to_stop(reason);
    }

    /// Ends the agent at once, in the middle of an `.await` of its handler if it waits in one. A
    /// handler that computes is waited for. `on_exit` does not run.
    pub fn kill(&self) {
        self.cell.ask_to_die(Reason::Killed);
    }

    /// Waits for the agent's end: one [`Down`](crate::Down), after its names have gone.
    pub fn monitor(&self) -> MonitorRef {
        monitor(&*self.cell)
    }

    /// A handle that does not keep the agent alive.
    pub fn downgrade(&self) -> WeakRef<A> {
        WeakRef { cell: Arc::downgrade(&self.cell), id: self.id() }
    }

    /// A handle that does not say what type of agent it is.
    pub fn any(&self) -> AnyAgent {
        AnyAgent::of(Arc::clone(&self.cell) as Arc<dyn Resident>)
    }

    /// How much there is to do for it: what waits, and one more if it is at work. `None` if it has ended
    /// or there is no place for more.
    pub(crate) fn load(&self) -> Option<u32> {
        let waiting = self.cell.waiting().filter(|_| !self.has_ended())?;
        Some(waiting.saturating_add(u32::from(!self.cell.is_idle())))
    }

    /// Runs the handler on this thread if that is allowed. The message comes back if it is not.
    #[inline]
    pub(crate) fn lend<M: Message>(&self, message: M) -> Result<Lent<M::Reply>, M>
    where
        A: Handler<M>,
    {
        let system = &self.cell.system;
        if !system.is_lendable::<A, M>() || !system.may_lend() {
            return Err(message);
        }
        self.cell.lend(message, Handler::handle)
    }

    /// Leaves a message in the inbox.
    pub(crate) fn post<M: Message>(
        &self,
        message: M,
        answer: Answer<M::Reply>,
        deadline: Option<Instant>,
        has_place: bool,
    ) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        self.leave(message, Awaited { answer, deadline }, has_place)
    }

    /// Leaves a message in the inbox, with whoever waits for its answer.
    #[inline]
    pub(crate) fn leave<M: Message>(
        &self,
        message: M,
        waiter: impl Waiter<M::Reply>,
        has_place: bool,
    ) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        let weight = self.cell.weigh(&message);
        self.leave_weighed(message, weight, waiter, has_place)
    }

    #[inline]
    fn leave_weighed<M: Message, W: Waiter<M::Reply>>(
        &self,
        message: M,
        weight: Option<Weight>,
        waiter: W,
        has_place: bool,
    ) -> Result<(), CastError<M>>
    where
        A: Handler<M>,
    {
        let left = if const { M::ATTEMPTS > 1 && !W::IS_AWAITED } {
            self.cell.admit(message, weight, has_place, waiter, redelivery::first)
        } else {
            self.cell.admit(message, weight, has_place, waiter, Handler::handle)
        };
        left.or_else(|(refused, mail, typed)| match typed.withdraw(mail) {
            Some(message) => Err(refused.error(self, message)),
            None => Ok(()),
        })
    }

    pub(crate) fn full<M>(&self, message: M) -> CastError<M> {
        Refused::Full.error(self, message)
    }
}

/// A monitor of an agent; of one that has ended, its `Down` is there at once.
pub(crate) fn monitor(resident: &dyn Resident) -> MonitorRef {
    lifetime(resident).monitor()
}

/// What gives an agent's monitors their place; of one that has ended, a lifetime that has, too.
pub(crate) fn lifetime(resident: &dyn Resident) -> OwnerRef {
    or_ended(resident.owner())
}

/// A lifetime, or one that has ended.
pub(crate) fn or_ended(lifetime: Option<OwnerRef>) -> OwnerRef {
    lifetime.unwrap_or_else(|| {
        let ended = Owner::new();
        let handle = ended.handle();
        ended.end(Reason::NoProc);
        handle
    })
}

impl<A: Agent> Clone for AgentRef<A> {
    fn clone(&self) -> Self {
        Self::of(&self.cell)
    }
}

impl<A: Agent> Drop for AgentRef<A> {
    fn drop(&mut self) {
        if let_go(&self.cell.handles) {
            self.cell.lose_last_handle();
        }
    }
}

impl<A: Agent> WeakRef<A> {
    /// Who it is.
    pub fn id(&self) -> AgentId {
        self.id
    }

    /// A handle, if there is still another one.
    pub fn upgrade(&self) -> Option<AgentRef<A>> {
        let cell = self.cell.upgrade()?;
        take_one_more(&cell.handles).then(|| AgentRef::counted(cell))
    }
}

impl<A: Agent> Clone for WeakRef<A> {
    fn clone(&self) -> Self {
        Self { cell: Weak::clone(&self.cell), id: self.id }
    }
}

impl AnyAgent {
    /// One more handle.
    pub(crate) fn of(resident: Arc<dyn Resident>) -> Self {
        resident.handles().fetch_add(1, Ordering::Relaxed);
        Self(resident)
    }

    /// A handle that does not keep the agent alive.
    pub fn downgrade(&self) -> WeakAny {
        WeakAny { resident: Arc::downgrade(&self.0), id: self.id() }
    }

    /// Who it is.
    pub fn id(&self) -> AgentId {
        self.0.id()
    }

    /// Whether it has ended. One that has not may end at any moment.
    pub fn has_ended(&self) -> bool {
        self.0.is_closed()
    }

    /// The name of its type, for people.
    pub fn type_name(&self) -> &'static str {
        self.0.type_name()
    }

    /// How many turns it has ended.
    pub fn handled(&self) -> u64 {
        self.0.handled()
    }

    /// A handle of its type, if it is an `A`.
    pub fn downcast<A: Agent>(&self) -> Option<AgentRef<A>> {
        let cell = Arc::clone(&self.0).as_any().downcast::<Cell<A>>().ok()?;
        Some(AgentRef::of(&cell))
    }

    /// As [`AgentRef::stop`].
    pub fn stop(&self, reason: Reason) {
        Arc::clone(&self.0).stop(reason);
    }

    /// As [`AgentRef::kill`].
    pub fn kill(&self) {
        Arc::clone(&self.0).kill(Reason::Killed);
    }

    /// As [`AgentRef::monitor`].
    pub fn monitor(&self) -> MonitorRef {
        monitor(&*self.0)
    }
}

impl<A: Agent> From<&AgentRef<A>> for AnyAgent {
    fn from(agent: &AgentRef<A>) -> Self {
        agent.any()
    }
}

impl From<&Self> for AnyAgent {
    fn from(agent: &Self) -> Self {
        agent.clone()
    }
}

impl WeakAny {
    /// Who it is.
    pub fn id(&self) -> AgentId {
        self.id
    }

    /// A handle, if there is still another one.
    pub fn upgrade(&self) -> Option<AnyAgent> {
        let resident = self.resident.upgrade()?;
        take_one_more(resident.handles()).then(|| AnyAgent(resident))
    }
}

impl Clone for AnyAgent {
    fn clone(&self) -> Self {
        Self::of(Arc::clone(&self.0))
    }
}

impl Drop for AnyAgent {
    fn drop(&mut self) {
        if let_go(self.0.handles()) {
            Arc::clone(&self.0).orphan();
        }
    }
}

/// Counts a further handle, if there is one: the last one's drop is final.
fn take_one_more(handles: &AtomicUsize) -> bool {
    let more = |handles| (handles > 0).then_some(handles + 1);
    handles.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok()
}

/// Counts a handle that is dropped. `true` if it was the last one.
fn let_go(handles: &AtomicUsize) -> bool {
    // What was done through other handles comes before what follows the last one's drop.
    handles.fetch_sub(1, Ordering::AcqRel) == 1
}

impl<A: Agent> PartialEq for AgentRef<A> {
    /// Whether both are of the same agent.
    fn eq(&self, other: &Self) -> bool {
        self.id() == other.id()
    }
}

impl<A: Agent> Eq for AgentRef<A> {}

impl<A: Agent> fmt::Debug for AgentRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AgentRef({})", self.cell.label())
    }
}

impl<A: Agent> fmt::Debug for WeakRef<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakRef({})", self.id)
    }
}

impl fmt::Debug for WeakAny {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeakAny({})", self.id)
    }
}

impl fmt::Debug for AnyAgent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyAgent({})", self.0.label())
    }
}
