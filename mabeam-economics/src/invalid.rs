//! What a mechanism refuses, and how it says so.

use std::fmt;

/// An input that no mechanism can take: whose it is, which field, which value, and the rule that it
/// breaks. Nothing was computed and nothing was changed.
///
/// ```
/// use mabeam_economics::{Invalid, Subject};
///
/// let refused = Invalid::new(Subject::Agent(7), "demand", f64::NAN, "must be a finite number");
/// assert_eq!(refused.to_string(), "agent 7: demand is NaN: must be a finite number");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{subject}: {field} is {value}: {rule}")]
#[non_exhaustive]
pub struct Invalid {
    /// Whose value it is.
    pub subject: Subject,
    /// Which of its values.
    pub field: &'static str,
    /// The value, as it would be printed.
    pub value: String,
    /// What the value must be.
    pub rule: &'static str,
}

/// Whose value was refused. Numbers are ids where a mechanism has ids, and places in the input where
/// an agent is its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Subject {
    /// A value of an agent: bidder, claimant, worker, player.
    Agent(u64),
    /// A value of a resource, a good, a position, a link.
    Resource(u64),
    /// A value of one bid or order.
    Bid(u64),
    /// A line of a file that was read.
    Line(u64),
    /// A value of the whole problem.
    Problem,
}

impl Invalid {
    /// A refusal. For mechanisms of one's own.
    pub fn new(
        subject: Subject,
        field: &'static str,
        value: impl fmt::Display,
        rule: &'static str,
    ) -> Self {
        Self { subject, field, value: value.to_string(), rule }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Agent(id) => write!(f, "agent {id}"),
            Self::Resource(id) => write!(f, "resource {id}"),
            Self::Bid(id) => write!(f, "bid {id}"),
            Self::Line(line) => write!(f, "line {line}"),
            Self::Problem => f.write_str("the problem"),
        }
    }
}
