//! One consensus round: propose, vote, decide.
//!
//! Owns the counting and its promises:
//!
//! * a round decides **at most once**, and says so in the answer to the event that decided it;
//! * it ends **when it is told that its deadline passed, whatever the voters did**: silence and death
//!   count as no approval;
//! * it decides as early as the remaining voters can't change the outcome, and in the same way
//!   whatever the order in which the ballots come;
//! * an event that does not fit (a stranger, a second ballot) changes nothing and is refused by
//!   name.
//!
//! Leaves to its caller: delivering the proposal, watching the clock, noticing deaths, and acting on
//! the decision.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;

/// How many approvals accept a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quorum {
    /// More than half of all voters. Any two majorities share a voter, so two rival proposals can't
    /// both be accepted by voters who approve one of them at most.
    Majority,
    /// Every voter.
    Unanimous,
    /// This many voters. At half of them or fewer, rival proposals can both be accepted.
    AtLeast(NonZeroUsize),
}

impl Quorum {
    /// The approvals needed among `voters` voters.
    ///
    /// ```
    /// use mabeam::Quorum;
    ///
    /// assert_eq!(Quorum::Majority.of(4), 3);
    /// assert_eq!(Quorum::Unanimous.of(4), 4);
    /// ```
    pub const fn of(self, voters: usize) -> usize {
        match self {
            Self::Majority => voters / 2 + 1,
            Self::Unanimous => voters,
            Self::AtLeast(count) => count.get(),
        }
    }
}

/// What a voter says of the proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ballot {
    /// For it.
    Approve,
    /// Against it.
    Reject,
}

/// What happened to a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event<V> {
    /// A voter cast its ballot.
    Voted(V, Ballot),
    /// A voter died. A ballot that it cast before stands; otherwise its slot is closed.
    Died(V),
    /// The deadline passed: the round ends now.
    DeadlinePassed,
}

/// How a round ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Decision {
    /// The quorum approved.
    Accepted,
    /// The quorum can't be reached any more.
    Rejected,
    /// The deadline passed before either was certain.
    Expired,
}

/// How the slots of a round are filled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Voters who approved.
    pub approved: usize,
    /// Voters who rejected.
    pub rejected: usize,
    /// Voters who died without a ballot.
    pub died: usize,
    /// Voters not heard of.
    pub silent: usize,
}

/// Why a proposal was not put to the vote; gives the proposal back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProposeError<P, V> {
    /// There is nobody to ask.
    NoVoters(P),
    /// A voter is listed twice, and would be counted twice.
    VoterTwice(P, V),
    /// The quorum asks for more approvals than there are voters.
    QuorumOutOfReach {
        /// The proposal.
        proposal: P,
        /// Approvals asked for.
        needed: usize,
        /// Voters listed.
        voters: usize,
    },
}

/// Why an event changed nothing; gives the voter back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused<V> {
    /// Not a voter of this round.
    Stranger(V),
    /// A second ballot of one voter; the first one stands.
    Duplicate {
        /// The voter.
        voter: V,
        /// The ballot that counts.
        first: Ballot,
    },
    /// A ballot of a voter whose death was reported before.
    Dead(V),
    /// A ballot that came after the decision.
    Late(V, Decision),
}

/// A proposal in front of its voters.
///
/// ```
/// use mabeam::{Ballot, Decision, Event, Quorum, Round};
///
/// let mut round = Round::propose("use a larger batch", ["ada", "bob", "cyd"], Quorum::Majority)?;
/// assert_eq!(round.handle(Event::Voted("ada", Ballot::Approve)), Ok(None));
/// assert_eq!(round.handle(Event::Died("bob")), Ok(None));
/// assert_eq!(round.handle(Event::Voted("cyd", Ballot::Approve)), Ok(Some(Decision::Accepted)));
/// assert_eq!(round.into_proposal(), "use a larger batch");
/// # Ok::<(), mabeam::ProposeError<&str, &str>>(())
/// ```
///
/// An event costs one search among the voters, O(log n), and allocates nothing.
///
/// Not `Clone`: two copies of a round could decide differently.
#[derive(Debug)]
pub struct Round<P, V> {
    proposal: P,
    slots: BTreeMap<V, Slot>,
    needed: usize,
    tally: Tally,
    decision: Option<Decision>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Slot {
    Silent,
    Filled(Ballot),
    Closed,
}

impl<P, V: Ord> Round<P, V> {
    /// Puts `proposal` to `voters`.
    ///
    /// # Errors
    /// If there are no voters, if one is listed twice, or if the quorum is larger than their number.
    pub fn propose(
        proposal: P,
        voters: impl IntoIterator<Item = V>,
        quorum: Quorum,
    ) -> Result<Self, ProposeError<P, V>> {
        let mut slots = BTreeMap::new();
        for voter in voters {
            if slots.contains_key(&voter) {
                return Err(ProposeError::VoterTwice(proposal, voter));
            }
            slots.insert(voter, Slot::Silent);
        }
        let voters = slots.len();
        if voters == 0 {
            return Err(ProposeError::NoVoters(proposal));
        }
        let needed = quorum.of(voters);
        if needed > voters {
            return Err(ProposeError::QuorumOutOfReach { proposal, needed, voters });
        }
        let tally = Tally { silent: voters, ..Tally::default() };
        Ok(Self { proposal, slots, needed, tally, decision: None })
    }

    /// Takes in what happened; returns the decision if this event made it.
    ///
    /// A death or a deadline that comes after the decision changes nothing and is no error: both
    /// are facts that nobody can hold back.
    ///
    /// # Errors
    /// If the event does not fit. The round is then as it was before.
    pub fn handle(&mut self, event: Event<V>) -> Result<Option<Decision>, Refused<V>> {
        match event {
            Event::Voted(voter, ballot) => self.vote(voter, ballot),
            Event::Died(voter) => self.bury(voter),
            Event::DeadlinePassed => Ok(self.decide(Some(Decision::Expired))),
        }
    }

    fn vote(&mut self, voter: V, ballot: Ballot) -> Result<Option<Decision>, Refused<V>> {
        match (self.slots.get_mut(&voter), self.decision) {
            (None, _) => return Err(Refused::Stranger(voter)),
            (Some(Slot::Filled(first)), _) => {
                let first = *first;
                return Err(Refused::Duplicate { voter, first });
            }
            (Some(Slot::Closed), _) => return Err(Refused::Dead(voter)),
            (Some(Slot::Silent), Some(decision)) => return Err(Refused::Late(voter, decision)),
            (Some(slot @ Slot::Silent), None) => *slot = Slot::Filled(ballot),
        }
        self.tally.silent -= 1;
        match ballot {
            Ballot::Approve => self.tally.approved += 1,
            Ballot::Reject => self.tally.rejected += 1,
        }
        Ok(self.decide(self.certain()))
    }

    fn bury(&mut self, voter: V) -> Result<Option<Decision>, Refused<V>> {
        match self.slots.get_mut(&voter) {
            None => return Err(Refused::Stranger(voter)),
            Some(slot @ Slot::Silent) if self.decision.is_none() => *slot = Slot::Closed,
            Some(_) => return Ok(None),
        }
        self.tally.silent -= 1;
        self.tally.died += 1;
        Ok(self.decide(self.certain()))
    }

    /// The outcome that no further ballot can change, if there is one.
    fn certain(&self) -> Option<Decision> {
        if self.tally.approved >= self.needed {
            Some(Decision::Accepted)
        } else if self.tally.approved + self.tally.silent < self.needed {
            Some(Decision::Rejected)
        } else {
            None
        }
    }

    /// Takes `decision` if there is none yet: the only place where one is made.
    fn decide(&mut self, decision: Option<Decision>) -> Option<Decision> {
        if self.decision.is_some() {
            return None;
        }
        self.decision = decision;
        decision
    }
}

impl<P, V> Round<P, V> {
    /// What is voted on.
    pub const fn proposal(&self) -> &P {
        &self.proposal
    }

    /// Ends the round and gives the proposal back.
    pub fn into_proposal(self) -> P {
        self.proposal
    }

    /// Approvals that accept the proposal.
    pub const fn needed(&self) -> usize {
        self.needed
    }

    /// How the slots are filled; once decided, how they were then.
    pub const fn tally(&self) -> Tally {
        self.tally
    }

    /// How the round ended; `None` while it runs.
    pub const fn decision(&self) -> Option<Decision> {
        self.decision
    }
}

impl<P, V: fmt::Debug> fmt::Display for ProposeError<P, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoVoters(_) => f.write_str("a round needs at least one voter"),
            Self::VoterTwice(_, voter) => write!(f, "voter {voter:?} is listed twice"),
            Self::QuorumOutOfReach { needed, voters, .. } => {
                write!(f, "a quorum of {needed} can't be reached by {voters} voters")
            }
        }
    }
}

impl<V: fmt::Debug> fmt::Display for Refused<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stranger(voter) => write!(f, "{voter:?} is no voter of this round"),
            Self::Duplicate { voter, first } => {
                write!(f, "{voter:?} voted before ({first:?}), and the first ballot stands")
            }
            Self::Dead(voter) => write!(f, "{voter:?} was reported dead before it voted"),
            Self::Late(voter, decision) => {
                write!(f, "{voter:?} voted after the round was decided ({decision:?})")
            }
        }
    }
}

impl<P: fmt::Debug, V: fmt::Debug> std::error::Error for ProposeError<P, V> {}
impl<V: fmt::Debug> std::error::Error for Refused<V> {}

#[cfg(test)]
mod tests;
