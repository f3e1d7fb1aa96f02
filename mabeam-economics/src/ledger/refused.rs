//! Why a ledger refuses an entry.

use crate::{AgentId, Invalid, Money};

use super::{Epoch, TransactionId};

/// Why an entry was not applied. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// An amount is none.
    #[error(transparent)]
    Invalid(#[from] Invalid),
    /// The agent has no account.
    #[error("agent {agent} has no account")]
    UnknownAccount {
        /// Who.
        agent: AgentId,
    },
    /// The agent has an account already.
    #[error("agent {agent} has an account already")]
    AccountExists {
        /// Who.
        agent: AgentId,
    },
    /// There is money in the account that was to be closed.
    #[error("agent {agent} still has money, available or held")]
    AccountInUse {
        /// Who.
        agent: AgentId,
    },
    /// The agent can't spend so much.
    #[error("agent {agent} lacks {lacks} minor units")]
    Overdraft {
        /// Who.
        agent: AgentId,
        /// How much it lacks.
        lacks: i64,
    },
    /// What is paid is not what is taken.
    #[error("the legs add up to {excess} minor units instead of 0")]
    Unbalanced {
        /// What they add up to: paid less taken.
        excess: i128,
    },
    /// The issuer would owe more than [`Money::MIN`].
    #[error("the issuer would owe more than 10^15 minor units")]
    IssuedTooMuch,
    /// There is no such hold: it was never made, or it is settled, released or expired, or named
    /// twice in this entry.
    #[error("transaction {} has no open hold", hold.0)]
    UnknownHold {
        /// The transaction.
        hold: TransactionId,
    },
    /// More was to be drawn than is held, or less than nothing.
    #[error("can't draw {drawn} of the {held} that transaction {} holds", hold.0)]
    HoldExceeded {
        /// The transaction that made the hold.
        hold: TransactionId,
        /// What it holds.
        held: Money,
        /// What was to be drawn.
        drawn: Money,
    },
    /// The epoch has passed.
    #[error("epoch {} has passed: it is epoch {}", until.0, now.0)]
    Expired {
        /// The epoch in the entry.
        until: Epoch,
        /// The ledger's.
        now: Epoch,
    },
    /// Another entry of this id was applied before.
    #[error("another transaction {} was applied before", id.0)]
    TransactionReused {
        /// The id.
        id: TransactionId,
    },
    /// The ledger keeps no more of these.
    #[error("the limit of {most} {limit} is reached")]
    Full {
        /// The name of the limit, a field of [`Limits`](super::Limits).
        limit: &'static str,
        /// Its value.
        most: usize,
    },
}

/// The entry at which a replay stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {place}: {refused}")]
pub struct ReplayError {
    /// Its place among the entries, from 0.
    pub place: usize,
    /// Why it was refused.
    #[source]
    pub refused: Refused,
}
