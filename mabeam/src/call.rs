//! A call: a message, and the wait for its answer.
//!
//! A call that is lent this thread and answered at once never becomes more than its message. Only one
//! that has to wait allocates what it waits with, so a call takes little room in the future that
//! awaits it.

use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use foundation::owner::Reason;
use pin_project_lite::pin_project;
use tokio::sync::oneshot::{self, Receiver};
use tokio::task::coop;

use crate::kernel::mail::{Answer, Answered, Lent};
use crate::wait::{Deadline, Place};
use crate::{Agent, AgentRef, CallError, CastError, Handler, Message};

/// A call that was made and not awaited yet. From [`AgentRef::call`].
///
/// Nothing happens before it is polled. Dropping it before it is polled sends nothing; afterwards a
/// handler that has begun goes on, and one that has not is skipped.
#[must_use = "a call does nothing unless it is awaited"]
pub struct Call<'a, A: Handler<M>, M: Message> {
    agent: &'a AgentRef<A>,
    after: Duration,
    stage: Stage<'a, A, M>,
}

enum Stage<'a, A: Handler<M>, M: Message> {
    /// It was not polled.
    Made(M),
    /// It was not answered at once.
    Waits(Pin<Box<Wait<'a, A, M>>>),
    Over,
}

pin_project! {
    /// A call that is delivered, and the wait for its answer.
    pub(crate) struct Wait<'a, A: Handler<M>, M: Message> {
        agent: &'a AgentRef<A>,
        // Until it was delivered.
        message: Option<M>,
        // Once it was delivered.
        receiver: Option<Receiver<Answered<M::Reply>>>,
        #[pin]
        place: Place<'a>,
        #[pin]
        deadline: Deadline,
    }
}

impl<'a, A: Handler<M>, M: Message> Call<'a, A, M> {
    #[inline]
    pub(crate) fn new(agent: &'a AgentRef<A>, message: M) -> Self {
        let after = agent.cell.system.config.call_deadline;
        Self { agent, after, stage: Stage::Made(message) }
    }

    /// Waits at most so long, from the first poll on, for a place in the mailbox and the answer. A
    /// handler that has not begun by then is skipped.
    #[inline]
    pub fn deadline(self, deadline: Duration) -> Self {
        Self { after: deadline, ..self }
    }
}

/// Nothing in a call is pinned but what stands in its box.
impl<A: Handler<M>, M: Message> Unpin for Call<'_, A, M> {}

impl<A: Handler<M>, M: Message> Future for Call<'_, A, M> {
    type Output = Result<M::Reply, CallError<M>>;

    #[inline]
    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        if let Stage::Made(_) = this.stage {
            // A caller that loops over lent calls yields like one that loops over channels.
            let coop = ready!(coop::poll_proceed(context));
            let Stage::Made(message) = mem::replace(&mut this.stage, Stage::Over) else {
                return Poll::Pending;
            };
            coop.made_progress();
            let mut wait = match this.agent.lend(message) {
                Ok(Lent::Given(reply)) => return Poll::Ready(Ok(reply)),
                Ok(Lent::Later(receiver)) => Wait::of(this.agent, this.after, None, Some(receiver)),
                Err(message) => Wait::of(this.agent, this.after, Some(message), None),
            };
            wait.as_mut().project().deadline.begin();
            this.stage = Stage::Waits(wait);
        }
        let Stage::Waits(wait) = &mut this.stage else { return Poll::Pending };
        let result = ready!(wait.as_mut().poll(context));
        this.stage = Stage::Over;
        Poll::Ready(result)
    }
}

impl<'a, A: Handler<M>, M: Message> Wait<'a, A, M> {
    /// A message that is to be delivered; or, if it was, where the answer comes.
    #[cold]
    fn of(
        agent: &'a AgentRef<A>,
        after: Duration,
        message: Option<M>,
        receiver: Option<Receiver<Answered<M::Reply>>>,
    ) -> Pin<Box<Self>> {
        let (place, deadline) = (Place::default(), Deadline::new(after));
        Box::pin(Self { agent, message, receiver, place, deadline })
    }

    /// A message that is to be delivered, by whoever keeps the time by other means.
    pub(crate) fn new(agent: &'a AgentRef<A>, message: M, after: Duration) -> Pin<Box<Self>> {
        Self::of(agent, after, Some(message), None)
    }

    fn poll(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<M::Reply, CallError<M>>> {
        if let Poll::Ready(result) = self.as_mut().poll_untimed(context) {
            return Poll::Ready(result);
        }
        let this = self.as_mut().project();
        ready!(this.deadline.poll(&this.agent.cell.system, context));
        Poll::Ready(Err(self.give_up()))
    }

    /// Delivers the message if it was not, and looks for the answer.
    pub(crate) fn poll_untimed(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Result<M::Reply, CallError<M>>> {
        let mut this = self.project();
        let agent = *this.agent;
        while this.message.is_some() {
            let entered = ready!(this.place.as_mut().poll_enter(&agent.cell, context));
            let Some(message) = this.message.take() else { return Poll::Pending };
            match entered {
                Ok(has_place) => {
                    let (sender, receiver) = oneshot::channel();
                    *this.receiver = Some(receiver);
                    let ends = this.deadline.as_mut().begin();
                    match agent.post(message, Answer::To(sender), Some(ends), has_place) {
                        // Refused by a backlog after it entered, it waits for a place.
                        Err(CastError::Full { message, .. })
                            if this.place.as_mut().is_to_wait(&agent.cell) =>
                        {
                            *this.message = Some(message);
                        }
                        left => left?,
                    }
                }
                Err(refused) => return Poll::Ready(Err(refused.error(agent, message).into())),
            }
        }
        let Some(receiver) = this.receiver else { return Poll::Pending };
        let answer = ready!(Pin::new(receiver).poll(context));
        Poll::Ready(outcome(agent, answer.ok(), this.deadline.after()))
    }

    /// The deadline has passed: takes back what was not delivered.
    pub(crate) fn give_up(self: Pin<&mut Self>) -> CallError<M> {
        let this = self.project();
        let agent = *this.agent;
        this.place.leave();
        match this.message.take() {
            Some(message) => agent.full(message).into(),
            None => CallError::Deadline { agent: agent.id(), after: this.deadline.after() },
        }
    }
}

/// What an answer comes to for the caller, whose deadline was so long.
pub(crate) fn outcome<A: Agent, M, R>(
    agent: &AgentRef<A>,
    answer: Option<Answered<R>>,
    after: Duration,
) -> Result<R, CallError<M>> {
    let id = agent.id();
    match answer {
        Some(Ok(reply)) => Ok(reply),
        Some(Err(Reason::Deadline)) if !agent.has_ended() => {
            Err(CallError::Deadline { agent: id, after })
        }
        Some(Err(reason)) => Err(CallError::Exited { agent: id, reason }),
        None => Err(CallError::NoReply { agent: id }),
    }
}
