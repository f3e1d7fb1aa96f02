//! Answers that are given later.

use std::fmt;

use tokio::sync::oneshot;

use crate::AgentId;
use crate::kernel::mail::Answered;

/// Where the answer to a message goes that its handler did not answer. From
/// [`Context::reply_later`](crate::Context::reply_later).
///
/// Dropping it leaves the caller with [`NoReply`](crate::CallError::NoReply), at once.
#[must_use = "dropping it leaves the caller without an answer"]
pub struct ReplyTo<R> {
    agent: AgentId,
    /// `None` if nobody waits.
    sender: Option<oneshot::Sender<Answered<R>>>,
}

impl<R> ReplyTo<R> {
    pub(crate) fn new(agent: AgentId, sender: Option<oneshot::Sender<Answered<R>>>) -> Self {
        Self { agent, sender }
    }

    /// Answers. The answer comes back if nobody waits for it.
    pub fn send(self, reply: R) -> Result<(), R> {
        let Some(sender) = self.sender else { return Err(reply) };
        sender.send(Ok(reply)).map_err(|error| match error {
            Ok(reply) => reply,
            Err(_) => unreachable!("an answer was sent"),
        })
    }

    /// Whether somebody waits for the answer. Who waits now may give up at any moment.
    pub fn is_wanted(&self) -> bool {
        self.sender.as_ref().is_some_and(|sender| !sender.is_closed())
    }

    pub(crate) fn into_sender(self) -> Option<oneshot::Sender<Answered<R>>> {
        self.sender
    }
}

impl<R> fmt::Debug for ReplyTo<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyTo")
            .field("agent", &self.agent)
            .field("is_wanted", &self.is_wanted())
            .finish_non_exhaustive()
    }
}
