//! Messages that are passed on, with the duty to answer them.

use std::any::type_name;

use foundation::owner::Reason;

use super::inward::leave;
use crate::kernel::mail::{Answer, Awaited};
use crate::wait::Refused;
use crate::{Agent, AgentRef, Context, DeadLetter, Handler, Message, ReplyTo};

impl<A: Agent> Context<A> {
    /// Ends this handler and leaves the answer to another agent: `message` is passed on to `target`,
    /// whose handler answers the caller directly. This agent goes on with its next message at once.
    ///
    /// `return context.forward(&target, message).await` never comes back.
    ///
    /// If the target has ended, or ends before it answers, the caller fails with
    /// [`Exited`](crate::CallError::Exited) and the target's reason, under the name of the agent that
    /// it called: it knows no other. If the target's mailbox is full, or the message too large for it, the caller fails with
    /// [`NoReply`](crate::CallError::NoReply) at once, whatever the mailbox lets its senders do: an
    /// agent that waited here would hold up its own mail. If nobody waits for an answer, what cannot
    /// be passed on is a [dead letter](crate::System::dead_letters).
    ///
    /// The caller's deadline goes on as it was. When it passes, the caller fails with
    /// [`Deadline`](crate::CallError::Deadline); if the target has not begun the message by then, it
    /// skips it. Costs as much as a cast; never runs the target's handler on this thread.
    ///
    /// ```
    /// # use mabeam::{Agent, AgentRef, Config, Context, Handler, Message, System};
    /// struct Square(u64);
    /// impl Message for Square { type Reply = u64; }
    ///
    /// struct Worker;
    /// impl Agent for Worker {}
    /// impl Handler<Square> for Worker {
    ///     async fn handle(&mut self, Square(side): Square, _: &mut Context<Self>) -> u64 {
    ///         side * side
    ///     }
    /// }
    ///
    /// struct Desk {
    ///     worker: AgentRef<Worker>,
    /// }
    /// impl Agent for Desk {}
    /// impl Handler<Square> for Desk {
    ///     async fn handle(&mut self, square: Square, context: &mut Context<Self>) -> u64 {
    ///         context.forward(&self.worker, square).await
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let worker = system.spawn(Worker).await?;
    /// let desk = system.spawn(Desk { worker }).await?;
    /// assert_eq!(desk.call(Square(12)).await?, 144);
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`reply_later`](Self::reply_later): if `M::Reply` is not the type of this message's reply,
    /// or an answer was taken before.
    pub async fn forward<B, M>(&mut self, target: &AgentRef<B>, message: M) -> M::Reply
    where
        B: Handler<M>,
        M: Message,
    {
        self.reply_later(|reply| pass_on(target, message, reply)).await
    }
}

/// Leaves the message and the duty to answer with `target`, or tells whoever waits that there will be
/// no answer.
fn pass_on<B, M>(target: &AgentRef<B>, message: M, reply: ReplyTo<M::Reply>)
where
    B: Handler<M>,
    M: Message,
{
    let cell = &target.cell;
    let answer = reply.into_sender().map_or(Answer::Nobody, Answer::To);
    let is_awaited = matches!(answer, Answer::To(_));
    // Nobody vacates the places of an agent that has ended.
    let has_place = if target.has_ended() { Some(false) } else { cell.enter_room() };
    let refused = match has_place {
        // Dropping the answer is the caller's `NoReply`.
        None => Some(Reason::Failed(target.full(()).to_string().into())),
        Some(has_place) => {
            let run = |agent: &'static mut B, message, context| agent.handle(message, context);
            leave(cell, message, Awaited { answer, deadline: None }, has_place, run).err().map(
                |(refused, mail)| match refused {
                    Refused::Ended => {
                        let reason = cell.reason();
                        mail.fail(&reason);
                        reason
                    }
                    Refused::Full | Refused::TooLarge { .. } => {
                        drop(mail);
                        Reason::Failed(refused.at(cell, ()).to_string().into())
                    }
                },
            )
        }
    };
    if let Some(reason) = refused.filter(|_| !is_awaited) {
        let (name, message) = (cell.label().into(), type_name::<M>());
        cell.system.dead_letters.add(DeadLetter { agent: cell.id, name, message, reason });
    }
}
