//! What can go wrong between agents.

use std::fmt;
use std::time::Duration;

use foundation::owner::Reason;
use thiserror::Error;

use crate::AgentId;

/// Failed to cast or send a message. It was not delivered, and comes back.
#[derive(Error)]
pub enum CastError<M> {
    /// The mailbox is full.
    #[error("the mailbox of {agent} is full: {limit} messages wait")]
    Full {
        /// The message.
        message: M,
        /// Whose mailbox.
        agent: AgentId,
        /// Its limit.
        limit: u32,
    },
    /// The message is too large for the mailbox, or for what is left of it.
    #[error("{bytes} bytes find no place in the mailbox of {agent}: {limit} may wait")]
    TooLarge {
        /// The message.
        message: M,
        /// Whose mailbox.
        agent: AgentId,
        /// How large the message is.
        bytes: usize,
        /// How many bytes may wait in all.
        limit: usize,
    },
    /// The agent has ended, or lets nothing in because it is being [drained](crate::AgentRef::drain): then
    /// the reason says so.
    #[error("{agent} has ended: {reason}")]
    Ended {
        /// The message.
        message: M,
        /// Who has ended.
        agent: AgentId,
        /// Why.
        reason: Reason,
    },
}

/// Failed to call an agent.
#[derive(Error)]
#[non_exhaustive]
pub enum CallError<M> {
    /// The message was not delivered, and comes back.
    #[error(transparent)]
    Undelivered(#[from] CastError<M>),
    /// The agent ended before it answered.
    #[error("{agent} ended before it answered: {reason}")]
    Exited {
        /// Who.
        agent: AgentId,
        /// Why.
        reason: Reason,
    },
    /// There was no answer in time. If the handler had not begun, it will not; if it had, it goes on,
    /// and its answer is dropped.
    #[error("{agent} did not answer within {after:?}")]
    Deadline {
        /// Who.
        agent: AgentId,
        /// The deadline.
        after: Duration,
    },
    /// The handler had taken the answer upon itself and gave none.
    #[error("{agent} gave no answer")]
    NoReply {
        /// Who.
        agent: AgentId,
    },
    /// Of agents that were called [together](crate::call_all), enough others had answered. If the
    /// handler had not begun, it will not; if it had, it goes on, and its answer is dropped.
    #[error("{agent} was not waited for: enough others had answered")]
    NotAwaited {
        /// Who.
        agent: AgentId,
    },
    /// A thread of the runtime cannot be blocked: await the call instead.
    #[error("a blocking call to {agent} within async code")]
    WithinAsync {
        /// The message.
        message: M,
        /// Who was called.
        agent: AgentId,
    },
}

/// Anything that this crate's operations can fail with, without the messages: for `main` and the like.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// See [`StartError`](crate::StartError).
    #[error(transparent)]
    Start(#[from] crate::StartError),
    /// See [`SpawnError`](crate::SpawnError).
    #[error(transparent)]
    Spawn(crate::SpawnError),
    /// See [`ShutdownError`](crate::ShutdownError).
    #[error(transparent)]
    Shutdown(#[from] crate::ShutdownError),
    /// See [`LookupError`](crate::LookupError).
    #[error(transparent)]
    Lookup(#[from] crate::LookupError),
    /// See [`CastError`].
    #[error(transparent)]
    Cast(CastError<()>),
    /// See [`CallError`].
    #[error(transparent)]
    Call(CallError<()>),
    /// See [`GroupError`](crate::GroupError).
    #[error(transparent)]
    Group(#[from] crate::GroupError),
    /// See [`JoinError`](crate::JoinError).
    #[error(transparent)]
    Join(#[from] crate::JoinError),
    /// See [`Undispatched`](crate::Undispatched).
    #[error(transparent)]
    Undispatched(crate::Undispatched<()>),
}

impl<M> CastError<M> {
    /// The message that was not delivered.
    pub fn into_message(self) -> M {
        match self {
            Self::Full { message, .. }
            | Self::TooLarge { message, .. }
            | Self::Ended { message, .. } => message,
        }
    }

    /// The same about another form of the message.
    pub fn map<N>(self, form: impl FnOnce(M) -> N) -> CastError<N> {
        match self {
            Self::Full { message, agent, limit } => {
                CastError::Full { message: form(message), agent, limit }
            }
            Self::TooLarge { message, agent, bytes, limit } => {
                CastError::TooLarge { message: form(message), agent, bytes, limit }
            }
            Self::Ended { message, agent, reason } => {
                CastError::Ended { message: form(message), agent, reason }
            }
        }
    }
}

impl<M> CallError<M> {
    /// The message, if it was not delivered.
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Undelivered(error) => Some(error.into_message()),
            Self::WithinAsync { message, .. } => Some(message),
            Self::Exited { .. }
            | Self::Deadline { .. }
            | Self::NoReply { .. }
            | Self::NotAwaited { .. } => None,
        }
    }

    /// The same about another form of the message.
    pub fn map<N>(self, form: impl FnOnce(M) -> N) -> CallError<N> {
        match self {
            Self::Undelivered(error) => CallError::Undelivered(error.map(form)),
            Self::Exited { agent, reason } => CallError::Exited { agent, reason },
            Self::Deadline { agent, after } => CallError::Deadline { agent, after },
            Self::NoReply { agent } => CallError::NoReply { agent },
            Self::NotAwaited { agent } => CallError::NotAwaited { agent },
            Self::WithinAsync { message, agent } => {
                CallError::WithinAsync { message: form(message), agent }
            }
        }
    }
}

impl<M> From<CastError<M>> for Error {
    fn from(error: CastError<M>) -> Self {
        Self::Cast(error.map(drop))
    }
}

impl<M> From<CallError<M>> for Error {
    fn from(error: CallError<M>) -> Self {
        Self::Call(error.map(drop))
    }
}

impl<M> fmt::Debug for CastError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CastError({self})")
    }
}

impl<M> fmt::Debug for CallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CallError({self})")
    }
}
