//! Cooperating agents: consensus rounds as a pure engine.
//!
//! A [`Round`] puts one proposal to a fixed set of voters and ends in one [`Decision`]. It is told
//! what happened (a ballot, a death, the deadline) and answers what follows; it owns no clock, no
//! mailbox and no thread, so the same engine serves any runtime and every test.

mod round;

pub use round::{Ballot, Decision, Event, ProposeError, Quorum, Refused, Round, Tally};
