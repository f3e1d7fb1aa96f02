//! What many agents answered.

use std::fmt;
use std::{slice, vec};

use crate::{AgentId, CallError};

/// What many agents answered, in the order in which they were given. From
/// [`call_all`](crate::call_all).
#[must_use = "some agents may have failed"]
pub struct Replies<M, R> {
    replies: Vec<(AgentId, Result<R, CallError<M>>)>,
}

impl<M, R> Replies<M, R> {
    pub(super) fn new(replies: Vec<(AgentId, Result<R, CallError<M>>)>) -> Self {
        Self { replies }
    }

    /// How many agents were called.
    pub fn len(&self) -> usize {
        self.replies.len()
    }

    /// Whether no agent was called.
    pub fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    /// What each answered, in order.
    pub fn iter(&self) -> slice::Iter<'_, (AgentId, Result<R, CallError<M>>)> {
        self.replies.iter()
    }

    /// What each that did not fail answered, in order.
    pub fn ok(&self) -> impl Iterator<Item = (AgentId, &R)> {
        self.replies.iter().filter_map(|(agent, reply)| Some((*agent, reply.as_ref().ok()?)))
    }

    /// How many did not fail. Goes through them.
    pub fn count_ok(&self) -> usize {
        self.ok().count()
    }

    /// Why those that failed did, in order.
    pub fn failed(&self) -> impl Iterator<Item = (AgentId, &CallError<M>)> {
        self.replies.iter().filter_map(|(agent, reply)| Some((*agent, reply.as_ref().err()?)))
    }

    /// All answers in order, or the first failure.
    pub fn all(self) -> Result<Vec<R>, CallError<M>> {
        self.replies.into_iter().map(|(_, reply)| reply).collect()
    }
}

impl<M, R> IntoIterator for Replies<M, R> {
    type Item = (AgentId, Result<R, CallError<M>>);
    type IntoIter = vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.replies.into_iter()
    }
}

impl<'a, M, R> IntoIterator for &'a Replies<M, R> {
    type Item = &'a (AgentId, Result<R, CallError<M>>);
    type IntoIter = slice::Iter<'a, (AgentId, Result<R, CallError<M>>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<M, R: fmt::Debug> fmt::Debug for Replies<M, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.replies.iter().map(|(agent, reply)| (agent, reply))).finish()
    }
}
