//! Mail that its agent died of, and that its next incarnation has once more.
//!
//! Owns the copy that is kept of such a message while it is handled: only of casts of messages that
//! [allow it](Message::ATTEMPTS), to agents that have a keeper. The turn lets it go when it is over; if the
//! incarnation ends before, it goes back into the mailbox, or is shown as a dead letter if the attempt
//! was the last.

use std::any::type_name;
use std::sync::Mutex;

use foundation::owner::Reason;

use crate::kernel::cell::Cell;
use crate::kernel::mail::{Mail, Nobody, post};
use crate::{Agent, Context, Handler, Message};

/// What is kept of a message while it is handled. The lock is never waited for: a turn may lend its
/// context to several threads, which have nothing to do with this.
pub(super) struct Kept<A: Agent> {
    /// `None` at the last attempt.
    again: Mutex<Option<Mail<A>>>,
    message: &'static str,
}

/// The first attempt at a message.
pub(crate) fn first<A, M>(
    agent: &'static mut A,
    message: M,
    context: &'static mut Context<A>,
) -> impl Future<Output = M::Reply> + Send
where
    A: Handler<M>,
    M: Message,
{
    attempt(1, agent, message, context)
}

async fn attempt<A, M>(
    number: u32,
    agent: &'static mut A,
    message: M,
    context: &'static mut Context<A>,
) -> M::Reply
where
    A: Handler<M>,
    M: Message,
{
    if context.cell().revival().is_some() {
        let again = if number < M::ATTEMPTS { message.again() } else { None };
        let again = Mutex::new(again.map(|message| next::<A, M>(number + 1, message)));
        context.rare().kept = Some(Kept { again, message: type_name::<M>() });
    }
    let reply = agent.handle(message, &mut *context).await;
    context.let_go();
    reply
}

/// A message for a further attempt.
fn next<A: Handler<M>, M: Message>(number: u32, message: M) -> Mail<A> {
    post(message, Nobody, move |agent, message, context| attempt(number, agent, message, context)).0
}

impl<A: Agent> Context<A> {
    /// The message needs not be handled once more.
    pub(super) fn let_go(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.kept = None;
            self.tidy();
        }
    }

    /// Says what is to become of the message that was being handled when the incarnation ended. Returns
    /// it if it is to be handled once more. The caller holds the token.
    pub(crate) fn take_kept(&mut self, cell: &Cell<A>, reason: &Reason) -> Option<Mail<A>> {
        let kept = self.rare.as_mut()?.kept.take()?;
        if reason.is_intended() {
            return None;
        }
        let again = kept.again.into_inner().unwrap_or_default();
        if again.is_none() {
            cell.give_up_on(&cell.label().into(), kept.message, reason);
        }
        again
    }
}
