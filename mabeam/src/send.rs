//! Sending with a wait for a place in the mailbox.
//!
//! Owns [`Sending`]; the wait itself is [`crate::wait`]'s, which calls share.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::task::coop;

use crate::kernel::mail::Nobody;
use crate::wait::{Deadline, Place};
use crate::{Agent, AgentRef, CastError, Handler, Message};

pin_project! {
    /// A message that waits for a place. From [`AgentRef::send`].
    ///
    /// Nothing happens before it is polled. The message is sent when this is ready with `Ok`, and not
    /// before: dropping this until then sends nothing, and whoever waits next for a place is woken
    /// instead.
    #[must_use = "nothing is sent unless this is awaited"]
    pub struct Sending<'a, A: Handler<M>, M: Message> {
        agent: &'a AgentRef<A>,
        // Until it was sent or given back.
        message: Option<M>,
        #[pin]
        place: Place<'a>,
        #[pin]
        deadline: Deadline,
    }
}

impl<A: Agent> AgentRef<A> {
    /// Sends a message and waits for a place in the mailbox, but for no answer: at most the system's
    /// [`call_deadline`](crate::Config::call_deadline) or a [deadline](Sending::deadline) of its own.
    ///
    /// Fails, and gives the message back, with [`Full`](CastError::Full) if there was no place by
    /// then, or at once if the mailbox [rejects](crate::WhenFull::Reject); with
    /// [`Ended`](CastError::Ended) if the agent ended meanwhile. While there is a place this costs as
    /// much as a [`cast`](Self::cast).
    ///
    /// Those who wait are woken in the order in which they began to, one for each place. A cast that
    /// comes at the same moment may be quicker; then who was woken waits again, behind the others.
    /// Messages of one sender are handled in order if each is sent before the next one is begun.
    ///
    /// ```
    /// # use mabeam::{Agent, Config, Context, Handler, Mailbox, Message, System};
    /// # struct Writer(Vec<String>);
    /// # impl Agent for Writer {}
    /// # struct Line(String);
    /// # impl Message for Line { type Reply = (); }
    /// # impl Handler<Line> for Writer {
    /// #     async fn handle(&mut self, Line(line): Line, _: &mut Context<Self>) { self.0.push(line) }
    /// # }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let writer = system.spawn(Writer(Vec::new())).mailbox(Mailbox::bounded(2)).await?;
    /// for number in 0..100 {
    ///     writer.send(Line(format!("line {number}"))).await?;
    /// }
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    pub fn send<M: Message>(&self, message: M) -> Sending<'_, A, M>
    where
        A: Handler<M>,
    {
        let deadline = Deadline::new(self.cell.system.config.call_deadline);
        Sending { agent: self, message: Some(message), place: Place::default(), deadline }
    }
}

impl<A: Handler<M>, M: Message> Sending<'_, A, M> {
    /// Waits at most so long, from the first poll on.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Deadline::new(deadline);
        self
    }
}

impl<A: Handler<M>, M: Message> Future for Sending<'_, A, M> {
    type Output = Result<(), CastError<M>>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        // Who loops over sends yields like one that loops over channels.
        let coop = ready!(coop::poll_proceed(context));
        let mut this = self.project();
        let agent = *this.agent;
        loop {
            let entered = match this.place.as_mut().poll_enter(&agent.cell, context) {
                Poll::Ready(entered) => Some(entered),
                Poll::Pending => {
                    ready!(this.deadline.as_mut().poll(&agent.cell.system, context));
                    this.place.as_mut().leave();
                    None
                }
            };
            let Some(message) = this.message.take() else { return Poll::Pending };
            let sent = match entered {
                Some(Ok(has_place)) => agent.leave(message, Nobody, has_place),
                Some(Err(refused)) => Err(refused.error(agent, message)),
                None => Err(agent.full(message)),
            };
            // Refused by a backlog after it entered, a message waits for a place.
            match sent {
                Err(CastError::Full { message, .. })
                    if entered.is_some() && this.place.as_mut().is_to_wait(&agent.cell) =>
                {
                    *this.message = Some(message);
                }
                sent => {
                    coop.made_progress();
                    return Poll::Ready(sent);
                }
            }
        }
    }
}
