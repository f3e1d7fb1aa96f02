//! Who takes part.

use std::fmt;

/// Tells those who take part in a mechanism apart: bidders, traders, workers. Ties go to the lowest.
///
/// Identities are the caller's affair: several mechanisms can be manipulated by whoever appears under
/// two ids, and say so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AgentId(pub u64);

impl fmt::Display for AgentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
