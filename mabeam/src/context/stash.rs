//! Messages that are kept for later, with the duty to answer them.
//!
//! Owns the stash: mail that was begun, and put back into its first stage. It goes back into the mailbox,
//! before all that waits there, by [`Context::unstash`] and at the end of the incarnation: so the next
//! one has it, and if there is none it fails its callers as other mail does.

use std::any::type_name;
use std::mem;

use foundation::owner::Reason;

use super::redelivery;
use crate::kernel::backlog::Backlog;
use crate::kernel::cell::Cell;
use crate::kernel::mail::{Answer, Awaited, Mail, Nobody, post};
use crate::sync::{Mutex, lock};
use crate::{Agent, Context, Handler, Message};

/// What an agent keeps for later, in order. Touched in its turns, and at their end: the lock is never
/// waited for, and is there because a turn may lend its context to several threads.
pub(super) struct Stash<A: Agent> {
    mail: Mutex<Vec<Mail<A>>>,
    /// How large the messages are, if that matters to the mailbox.
    bytes: usize,
}

impl<A: Agent> Context<A> {
    /// Ends this handler and keeps the message for later, with the duty to answer its caller:
    /// [`unstash`](Self::unstash) lets it be handled once more, as if it had just come. The agent goes on
    /// with its next message.
    ///
    /// `return context.stash(message).await` never comes back.
    ///
    /// As many messages, and bytes, are kept as may wait in the [mailbox](crate::Mailbox), beside those that
    /// wait. One more is dropped, whatever the mailbox does when it is full: its caller fails with [`NoReply`](crate::CallError::NoReply), and it is a
    /// [dead letter](crate::System::dead_letters) whose reason says so. The caller's deadline goes on as
    /// it was; a message whose caller has given up is skipped when its turn comes.
    ///
    /// When the agent ends, what it keeps fails as mail that waits does. When it is restarted, the next
    /// incarnation has that first. [Attempts](Message::ATTEMPTS) are counted anew. Costs as much as a cast.
    ///
    /// ```
    /// # use mabeam::{Agent, Config, Context, Handler, Message, System};
    /// struct Query(u64);
    /// impl Message for Query { type Reply = u64; }
    ///
    /// struct Open(u64);
    /// impl Message for Open { type Reply = (); }
    ///
    /// struct Database {
    ///     offset: Option<u64>,
    /// }
    /// impl Agent for Database {}
    /// impl Handler<Query> for Database {
    ///     async fn handle(&mut self, Query(key): Query, context: &mut Context<Self>) -> u64 {
    ///         let Some(offset) = self.offset else { return context.stash(Query(key)).await };
    ///         key + offset
    ///     }
    /// }
    /// impl Handler<Open> for Database {
    ///     async fn handle(&mut self, Open(offset): Open, context: &mut Context<Self>) {
    ///         self.offset = Some(offset);
    ///         context.unstash();
    ///     }
    /// }
    /// # let system = System::new(Config::default())?;
    /// # system.block_on(async {
    /// let database = system.spawn(Database { offset: None }).await?;
    /// let asks = async { database.call(Query(40)).await };
    /// let opens = async { database.call(Open(2)).await };
    /// let (answer, opened) = tokio::join!(asks, opens);
    /// assert_eq!((answer?, opened?), (42, ()));
    /// # Ok::<(), mabeam::Error>(())
    /// # })?;
    /// # Ok::<(), mabeam::Error>(())
    /// ```
    ///
    /// # Panics
    ///
    /// As [`reply_later`](Self::reply_later): if `M::Reply` is not the type of this message's reply,
    /// or an answer was taken before.
    pub async fn stash<M: Message>(&mut self, message: M) -> M::Reply
    where
        A: Handler<M>,
    {
        self.keep_for_later(message);
        self.end_turn().await
    }

    /// Lets all that was [kept](Self::stash) be handled, in the order in which it was kept, before the
    /// mail that waits. Returns how much that is. Begins after this handler.
    pub fn unstash(&mut self) -> usize {
        let mail = self.take_stash();
        let count = mail.len();
        self.cell().put_first(mail);
        count
    }

    /// How many messages are kept for later.
    pub fn stashed(&self) -> usize {
        let stash = self.rare.as_ref().and_then(|rare| rare.stash.as_ref());
        stash.map_or(0, |stash| lock(&stash.mail).len())
    }

    /// Takes what is kept, for the mailbox.
    pub(crate) fn take_stash(&mut self) -> Vec<Mail<A>> {
        let stash = self.rare.as_mut().and_then(|rare| rare.stash.take());
        self.tidy();
        stash.map_or_else(Vec::new, |stash| mem::take(&mut *lock(&stash.mail)))
    }

    fn keep_for_later<M: Message>(&mut self, message: M)
    where
        A: Handler<M>,
    {
        let cell = self.cell();
        let reply = self.take_answer::<M::Reply>();
        let bytes = cell.weigh(&message).map_or(0, |weight| weight.bytes);
        let stash = self.rare().stash.get_or_insert_default();
        if let Err(full) = stash.make_room(&cell, bytes) {
            let (name, reason) = (cell.label(), Reason::Failed(full.into()));
            return cell.give_up_on(&name.into(), type_name::<M>(), &reason);
        }
        let mail = match reply.into_sender() {
            Some(sender) => {
                let waiter = Awaited { answer: Answer::To(sender), deadline: None };
                post(message, waiter, Handler::handle).0
            }
            None if const { M::ATTEMPTS > 1 } => post(message, Nobody, redelivery::first).0,
            None => post(message, Nobody, Handler::handle).0,
        };
        lock(&stash.mail).push(mail);
    }
}

impl<A: Agent> Stash<A> {
    /// Counts a message of so many bytes, or says why there is no place for it.
    fn make_room(&mut self, cell: &Cell<A>, bytes: usize) -> Result<(), String> {
        let limit = cell.limit();
        if limit > 0 && lock(&self.mail).len() >= limit as usize {
            let name = cell.label();
            return Err(format!("the stash of {name} is full: {limit} messages are kept"));
        }
        let limit = cell.backlog().map_or(usize::MAX, Backlog::limit_bytes);
        let sum = self.bytes.saturating_add(bytes);
        if sum > limit {
            let name = cell.label();
            return Err(format!(
                "the stash of {name} is full: {sum} bytes, and {limit} may be kept"
            ));
        }
        self.bytes = sum;
        Ok(())
    }
}

impl<A: Agent> Default for Stash<A> {
    fn default() -> Self {
        Self { mail: Mutex::new(Vec::new()), bytes: 0 }
    }
}
