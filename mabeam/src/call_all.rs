//! Calling many agents as one operation, with partial results.
//!
//! Owns the order in which that is done and what is waited for. First the agents are gone through:
//! whoever may be lent this thread is, as in a [single call](crate::AgentRef::call), but for at most
//! [`LENDING`] in all; the messages to the rest are queued, so that they spread over the workers. Then
//! the caller is woken once, when as many have answered as it needs (see [`group`]), or by one timer.
//!
//! Promises: the replies are in the order of the agents; each agent has one, whatever becomes of the
//! others; what has begun is never cancelled. Leaves the rules of lending to [`AgentRef::lend`].

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::oneshot::{self, Receiver};
use tokio::task::{coop, unconstrained};
use tokio::time::Instant;

use crate::call::outcome;
use crate::kernel::mail::{Answer, Answered, Lent};
use crate::system::Shared;
use crate::wait::{Deadline, enter};
use crate::{Agent, AgentId, AgentRef, CallError, CastError, Handler, Message};

mod group;
mod replies;

use group::Gathering;
pub use replies::Replies;

/// After this, counted from the first poll, no thread is lent any more: the work is worth spreading.
const LENDING: Duration = Duration::from_micros(50);
/// One unit of the cooperative budget and one look at the clock are for so many agents.
const STRIDE: usize = 8;

/// Calls many agents at the same time: sends each a message that `message` makes for it, and waits for
/// the answers. Agents may stand in the list more than once.
///
/// Waits until every agent has answered or failed, or enough have ([`quorum`](CallAll::quorum)), at most
/// the [deadline](CallAll::deadline). Replies come in the order of the agents, failures among them.
///
/// Agents that are idle handle messages that are known to be cheap on this thread, one after another,
/// for some 50 µs at most; all others run at the same time on the system's threads. An agent whose
/// mailbox is full fails at once, with its message, also where a single call would wait for a place.
///
/// Costs one piece of memory for the replies, and for each agent what a
/// [call](crate::AgentRef::call) costs; the caller is woken once, not for each answer. Every eighth
/// agent uses a unit of tokio's cooperative budget, so a long list lets other tasks run in between.
///
/// ```
/// use mabeam::{Agent, Config, Context, Handler, Message, System, call_all};
///
/// struct Worker(u64);
/// impl Agent for Worker {}
///
/// struct Times(u64);
/// impl Message for Times {
///     type Reply = u64;
/// }
///
/// impl Handler<Times> for Worker {
///     async fn handle(&mut self, Times(n): Times, _: &mut Context<Self>) -> u64 {
///         self.0 * n
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), mabeam::Error> {
/// let system = System::new(Config::default())?;
/// let workers = [system.spawn(Worker(1)).await?, system.spawn(Worker(2)).await?];
///
/// let replies = call_all(&workers, |_| Times(10)).await;
/// assert_eq!(replies.all()?, [10, 20]);
///
/// workers[0].kill();
/// workers[0].monitor().down().await;
/// let replies = call_all(&workers, |_| Times(10)).await;
/// assert_eq!(replies.ok().collect::<Vec<_>>(), [(workers[1].id(), &20)]);
/// # Ok(())
/// # }
/// ```
pub fn call_all<'a, A, M, I, F>(agents: I, message: F) -> CallAll<'a, A, M, I::IntoIter, F>
where
    A: Handler<M>,
    M: Message,
    I: IntoIterator<Item = &'a AgentRef<A>>,
    F: FnMut(&AgentRef<A>) -> M,
{
    CallAll {
        agents: Some(agents.into_iter()),
        message,
        deadline: None,
        began: None,
        may_lend: true,
        answers: Answers { replies: Vec::new(), ok: 0, quorum: usize::MAX, waiting: Vec::new() },
        gathering: None,
    }
}

pin_project! {
    /// Calls that were made together and not awaited yet. From [`call_all`].
    ///
    /// Nothing happens before it is polled. If it is dropped afterwards, handlers that have begun go on,
    /// and those that have not are skipped.
    #[must_use = "calls do nothing unless they are awaited"]
    pub struct CallAll<'a, A: Agent, M: Message, I, F> {
        // Those that nothing was sent to yet.
        agents: Option<I>,
        message: F,
        // Said by the user, or by the first agent's system. Begun when a message is queued.
        #[pin]
        deadline: Option<Deadline>,
        // The time of the first poll.
        began: Option<Instant>,
        may_lend: bool,
        answers: Answers<'a, A, M>,
        // Once there is something to wait for.
        gathering: Option<Gathering>,
    }
}

/// Who, and what it answered.
type Reply<M> = (AgentId, Result<<M as Message>::Reply, CallError<M>>);

/// What has been answered, and what has not.
struct Answers<'a, A: Agent, M: Message> {
    /// In the order of the agents. Who has not answered stands here as having missed the deadline.
    replies: Vec<Reply<M>>,
    /// How many answered without an error.
    ok: usize,
    /// How many of those are enough.
    quorum: usize,
    /// Who has not answered.
    waiting: Vec<Waiting<'a, A, M::Reply>>,
}

/// An agent that has not answered.
struct Waiting<'a, A: Agent, R> {
    agent: &'a AgentRef<A>,
    /// Where its reply stands.
    index: usize,
    receiver: Receiver<Answered<R>>,
}

impl<A: Agent, M: Message, I, F> CallAll<'_, A, M, I, F> {
    /// Waits at most so long, from the first poll on, instead of the `call_deadline` of the first
    /// agent's system. Who has not answered by then fails with [`Deadline`](CallError::Deadline); a
    /// handler that has not begun is skipped.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(Deadline::new(deadline));
        self
    }

    /// Is ready as soon as `enough` agents have answered without an error; at the latest when all have
    /// answered or failed. Who has not answered by then fails with
    /// [`NotAwaited`](CallError::NotAwaited), and is skipped if it has not begun.
    ///
    /// So this is for asking whoever is quickest. What all agents have to hear is not sent with a
    /// quorum: some would never hear it, and the first of the list hear it more often than the last.
    pub fn quorum(mut self, enough: usize) -> Self {
        self.answers.quorum = enough;
        self
    }
}

impl<'a, A, M, I, F> Future for CallAll<'a, A, M, I, F>
where
    A: Handler<M>,
    M: Message,
    I: Iterator<Item = &'a AgentRef<A>>,
    F: FnMut(&AgentRef<A>) -> M,
{
    type Output = Replies<M, M::Reply>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        ready!(self.as_mut().send(context));
        let this = self.project();
        let answers = this.answers;
        if let Some(mut deadline) = this.deadline.as_pin_mut()
            && let Some(system) = answers.system()
        {
            let after = deadline.after();
            if !answers.gather(this.gathering, context, after) {
                ready!(deadline.as_mut().poll(system, context));
            }
            answers.collect(after);
        }
        Poll::Ready(answers.end())
    }
}

impl<'a, A, M, I, F> CallAll<'a, A, M, I, F>
where
    A: Handler<M>,
    M: Message,
    I: Iterator<Item = &'a AgentRef<A>>,
    F: FnMut(&AgentRef<A>) -> M,
{
    /// Goes through the agents, until all were sent their messages or enough have answered.
    fn send(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(agents) = this.agents else { return Poll::Ready(()) };
        let answers = this.answers;
        while !answers.has_quorum() {
            if answers.replies.len() % STRIDE == 0 {
                ready!(coop::poll_proceed(context)).made_progress();
                if let Some(began) = *this.began {
                    *this.may_lend &= began.elapsed() < LENDING;
                } else {
                    *this.began = Some(Instant::now());
                    answers.replies.reserve(agents.size_hint().0);
                }
            }
            let Some(agent) = agents.next() else { break };
            if this.deadline.is_none() {
                let after = agent.cell.system.config.call_deadline;
                this.deadline.set(Some(Deadline::new(after)));
            }
            let Some(deadline) = this.deadline.as_mut().as_pin_mut() else { break };
            let after = deadline.after();
            let message = (this.message)(agent);
            match begin(agent, message, *this.may_lend, deadline) {
                Ok(Lent::Given(reply)) => answers.add(agent, Ok(reply)),
                Ok(Lent::Later(receiver)) => answers.wait_for(agent, receiver, after),
                Err(error) => answers.add(agent, Err(error.into())),
            }
        }
        if answers.has_quorum() {
            let spare = |agent: &AgentRef<A>| CallError::NotAwaited { agent: agent.id() };
            agents.for_each(|agent| answers.add(agent, Err(spare(agent))));
        }
        *this.agents = None;
        Poll::Ready(())
    }
}

impl<'a, A: Agent, M: Message> Answers<'a, A, M> {
    fn add(&mut self, agent: &AgentRef<A>, reply: Result<M::Reply, CallError<M>>) {
        self.ok += usize::from(reply.is_ok());
        self.replies.push((agent.id(), reply));
    }

    fn wait_for(
        &mut self,
        agent: &'a AgentRef<A>,
        receiver: Receiver<Answered<M::Reply>>,
        after: Duration,
    ) {
        self.waiting.push(Waiting { agent, index: self.replies.len(), receiver });
        self.replies.push((agent.id(), Err(CallError::Deadline { agent: agent.id(), after })));
    }

    fn has_quorum(&self) -> bool {
        self.ok >= self.quorum
    }

    /// How many more have to answer before it can be enough, if it is not.
    fn missing(&self) -> Option<usize> {
        let missing = self.quorum.saturating_sub(self.ok).min(self.waiting.len());
        (missing > 0).then_some(missing)
    }

    /// The system of an agent that is waited for, if any is.
    fn system(&self) -> Option<&'a Shared> {
        self.waiting.first().map(|waiting| &*waiting.agent.cell.system)
    }

    /// Takes the answers that have come, once they may be enough. `true` if they are; otherwise the
    /// caller will be woken when they may be.
    fn gather(
        &mut self,
        gathering: &mut Option<Gathering>,
        context: &mut Context<'_>,
        after: Duration,
    ) -> bool {
        if self.missing().is_none() {
            return true;
        }
        let gathering = match gathering {
            Some(gathering) => {
                gathering.set_caller(context.waker());
                gathering
            }
            None => gathering.insert(self.register(context.waker(), after)),
        };
        while let Some(missing) = self.missing() {
            if !gathering.is_past(self.waiting.len(), missing) {
                return false;
            }
            self.collect(after);
        }
        true
    }

    /// Begins to wait for those that have not answered.
    fn register(&mut self, caller: &Waker, after: Duration) -> Gathering {
        let mut gathering = Gathering::new(caller);
        let waker = gathering.waker();
        let mut of_group = Context::from_waker(&waker);
        self.retain(after, |receiver| {
            // Each wake is an answer: none may come from a cooperative budget that is used up.
            let mut receiver = unconstrained(receiver);
            Pin::new(&mut receiver).poll(&mut of_group).map(Result::ok)
        });
        gathering.begin(self.waiting.len());
        gathering
    }

    /// Takes the answers that have come.
    fn collect(&mut self, after: Duration) {
        // Polls nobody, so each keeps its waker.
        self.retain(after, |receiver| match receiver.try_recv() {
            Ok(answer) => Poll::Ready(Some(answer)),
            Err(TryRecvError::Closed) => Poll::Ready(None),
            Err(TryRecvError::Empty) => Poll::Pending,
        });
    }

    /// Takes the answers that `poll` finds, and goes on waiting for the others.
    fn retain(
        &mut self,
        after: Duration,
        mut poll: impl FnMut(&mut Receiver<Answered<M::Reply>>) -> Poll<Option<Answered<M::Reply>>>,
    ) {
        self.waiting.retain_mut(|waiting| {
            let Poll::Ready(answer) = poll(&mut waiting.receiver) else { return true };
            let reply = outcome(waiting.agent, answer, after);
            self.ok += usize::from(reply.is_ok());
            self.replies[waiting.index].1 = reply;
            false
        });
    }

    /// The replies as they are. Who has not answered is not waited for any more.
    fn end(&mut self) -> Replies<M, M::Reply> {
        let has_quorum = self.has_quorum();
        for waiting in self.waiting.drain(..).filter(|_| has_quorum) {
            let agent = waiting.agent.id();
            self.replies[waiting.index].1 = Err(CallError::NotAwaited { agent });
        }
        Replies::new(std::mem::take(&mut self.replies))
    }
}

/// Lends the agent this thread, if it may be, or leaves the message in its inbox.
#[inline]
fn begin<A: Handler<M>, M: Message>(
    agent: &AgentRef<A>,
    message: M,
    may_lend: bool,
    deadline: Pin<&mut Deadline>,
) -> Result<Lent<M::Reply>, CastError<M>> {
    let message = match if may_lend { agent.lend(message) } else { Err(message) } {
        Ok(lent) => return Ok(lent),
        Err(message) => message,
    };
    let has_place = match enter(&agent.cell) {
        Ok(has_place) => has_place,
        Err(refused) => return Err(refused.error(agent, message)),
    };
    let (sender, receiver) = oneshot::channel();
    agent.post(message, Answer::To(sender), Some(deadline.begin()), has_place)?;
    Ok(Lent::Later(receiver))
}
