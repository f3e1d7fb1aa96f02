//! What is written into a ledger: plain values, to be kept, sent and applied again.

use std::hash::{DefaultHasher, Hash, Hasher};

use crate::{AgentId, Money};

/// Tells transactions apart. Chosen by who writes the entry, once for each intent: trying again
/// uses the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct TransactionId(pub u128);

/// Time as the ledger knows it: a number that never decreases, and that only an entry moves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Epoch(pub u64);

/// A transaction and its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Entry {
    /// Its name. An entry is applied once, however often it arrives.
    pub id: TransactionId,
    /// What it does.
    pub action: Action,
}

/// What a transaction does, as a whole or not at all.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Action {
    /// Opens an account with nothing in it.
    Open {
        /// Whose.
        #[cfg_attr(feature = "serde", serde(with = "super::plain::agent"))]
        agent: AgentId,
    },
    /// Closes an account that has nothing in it and nothing held.
    Close {
        /// Whose.
        #[cfg_attr(feature = "serde", serde(with = "super::plain::agent"))]
        agent: AgentId,
    },
    /// Moves money: all legs add up to 0, and no agent ends below 0. What the legs of one account
    /// come to is what counts.
    Transfer {
        /// What each account gains, or loses where it is negative.
        legs: Vec<Leg>,
    },
    /// Sets money aside. The hold is known by the id of this transaction.
    Hold {
        /// Whose money.
        #[cfg_attr(feature = "serde", serde(with = "super::plain::agent"))]
        payer: AgentId,
        /// How much; above 0.
        #[cfg_attr(feature = "serde", serde(with = "super::plain::money"))]
        amount: Money,
        /// The last epoch in which it can be settled; then it goes back.
        until: Epoch,
    },
    /// Pays out of holds and closes them, both sides in one step: what is drawn is what is paid, and
    /// what is not drawn goes back to the payers.
    Settle {
        /// What is drawn from each hold, each named once.
        draws: Vec<Draw>,
        /// Who is paid how much; above 0 each.
        payments: Vec<Leg>,
    },
    /// Closes a hold; all of it goes back to the payer.
    Release {
        /// The transaction that made it.
        hold: TransactionId,
    },
    /// Moves the clock, and releases the holds whose last epoch has passed.
    Advance {
        /// The new epoch; not before the current one.
        to: Epoch,
    },
}

/// Where money is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Account {
    /// Where all money comes from and can go back to: the only one that owes.
    Issuer,
    /// The account of an agent.
    Agent(#[cfg_attr(feature = "serde", serde(with = "super::plain::agent"))] AgentId),
}

/// One account's part in a transaction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Leg {
    /// Whose balance changes.
    pub account: Account,
    /// By how much.
    #[cfg_attr(feature = "serde", serde(with = "super::plain::money"))]
    pub amount: Money,
}

/// What is spent of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Draw {
    /// The transaction that made it.
    pub hold: TransactionId,
    /// How much; 0 to all of it.
    #[cfg_attr(feature = "serde", serde(with = "super::plain::money"))]
    pub amount: Money,
}

impl Action {
    /// Moves `amount` from one account to another; `None` if it is negative.
    pub fn transfer(from: Account, to: Account, amount: Money) -> Option<Self> {
        let taken = Money::ZERO.checked_sub(amount).filter(|taken| *taken <= Money::ZERO)?;
        let legs = vec![Leg { account: from, amount: taken }, Leg { account: to, amount }];
        Some(Self::Transfer { legs })
    }
}

impl Entry {
    /// Tells entries of the same id apart, but for one chance in 2^64. The same within one process.
    pub(super) fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}
