//! Giving messages to the members of a group.
//!
//! Owns in which order members are tried. Promises that each member of the moment is tried once, and that
//! a message that nobody took comes back. What a full mailbox does is the mailbox's affair.

use std::fmt;
use std::future::poll_fn;
use std::ops::Bound;
use std::sync::atomic::Ordering;
use std::time::Duration;

use thiserror::Error;
use tokio::task::coop;

use super::{Core, Group, Members};
use crate::recipient::{Boxed, Called};
use crate::{CallError, CastError, Message, WeakRecipient};

/// Which member of a group gets a message. Those that have ended or are full are passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dispatch {
    /// The next after the one that got the last, whoever sent it: of as many messages as there are
    /// members each gets one. Costs the logarithm of their number.
    #[default]
    RoundRobin,
    /// The one that has the fewest messages waiting; one at rest before one at work, and of equals the
    /// next in turn. Looks at each member, until one is at rest.
    ///
    /// A mailbox's count follows in small steps under load (at most 32, and an eighth of its limit). One
    /// [without limit](crate::Mailbox::unbounded) counts nothing, and comes after those that do.
    LeastLoaded,
}

/// What became of a [published](Group::publish) message.
#[must_use = "members may have refused the message"]
pub struct Published<M> {
    /// How many members have it in their mailbox.
    pub delivered: usize,
    /// The others: whose mailbox is full, and who ended at this moment, each with the message.
    pub refused: Vec<CastError<M>>,
}

/// No member took a message.
#[derive(Error)]
#[error("no member of the group took the message: {full} are full, {ended} have ended")]
pub struct Undispatched<M> {
    /// The message.
    pub message: M,
    /// How many members have full mailboxes.
    pub full: usize,
    /// How many have ended, and will have left in a moment.
    pub ended: usize,
}

/// Failed to call a member of a group.
#[derive(Error)]
#[non_exhaustive]
pub enum GroupCallError<M> {
    /// No member took the message, which comes back.
    #[error(transparent)]
    Undispatched(#[from] Undispatched<M>),
    /// A member took it and did not answer.
    #[error(transparent)]
    Call(CallError<M>),
}

/// A call of a member of a group, to be given a deadline or awaited. From [`Group::call`].
///
/// Nothing happens before that. Dropping the future is as for a [`Call`](crate::Call).
#[must_use = "a call does nothing unless it is awaited"]
pub struct GroupCall<'a, M: Message> {
    group: &'a Group<M>,
    message: M,
    how: Dispatch,
    deadline: Option<Duration>,
}

impl<M: Message> Group<M> {
    /// [Casts](crate::AgentRef::cast) a clone of the message to each member. Nobody waits for anybody:
    /// a full mailbox does what it does to casts, and who refuses is reported.
    ///
    /// Messages that one sender publishes reach each member in order. Costs a cast and a virtual call or
    /// two for each member.
    pub fn publish(&self, message: &M) -> Published<M>
    where
        M: Clone,
    {
        let members = self.core.members.load_full();
        let mut published = Published { delivered: 0, refused: Vec::new() };
        for member in members.values() {
            match member.cast(message.clone()) {
                Ok(()) => published.delivered += 1,
                Err(refused) => published.refused.push(refused),
            }
        }
        published
    }

    /// Casts the message to one member. If a mailbox has no place the next member gets it; a message
    /// that waits somewhere is never dropped for it.
    pub fn dispatch(&self, message: M, how: Dispatch) -> Result<(), Undispatched<M>> {
        self.core.offer(message, how, WeakRecipient::try_cast)
    }

    /// Calls one member, and waits for its answer, at most the system's
    /// [`call_deadline`](crate::Config::call_deadline) or a [deadline](GroupCall::deadline) of its own.
    /// Waits for no place: if a mailbox has none the next member is called.
    ///
    /// A member that took the message and ends is the caller's affair: it may have done half of it. If
    /// the member is idle and the message known to be cheap, its handler runs on this thread.
    pub fn call(&self, message: M, how: Dispatch) -> GroupCall<'_, M> {
        GroupCall { group: self, message, how, deadline: None }
    }
}

impl<M: Message> GroupCall<'_, M> {
    /// Waits at most so long, from the first poll on. A handler that has not begun by then is skipped.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = Some(deadline);
        self
    }
}

impl<'a, M: Message> IntoFuture for GroupCall<'a, M> {
    type Output = Result<M::Reply, GroupCallError<M>>;
    type IntoFuture = Boxed<'a, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let Self { group, message, how, deadline } = self;
        Box::pin(async move {
            // Who loops over lent calls yields like one that loops over channels.
            poll_fn(coop::poll_proceed).await.made_progress();
            let try_call = |member: &WeakRecipient<M>, message| member.try_call(message, deadline);
            match group.core.offer(message, how, try_call)? {
                Called::Given(reply) => Ok(reply),
                Called::Later(answer) => answer.await.map_err(GroupCallError::Call),
            }
        })
    }
}

impl<M: Message> Core<M> {
    /// Offers a message to one member after the other, until one takes it.
    fn offer<T>(
        &self,
        mut message: M,
        how: Dispatch,
        give: impl Fn(&WeakRecipient<M>, M) -> Result<T, CastError<M>>,
    ) -> Result<T, Undispatched<M>> {
        let members = self.members.load_full();
        let first = match how {
            Dispatch::RoundRobin => self.next_in_turn(&members),
            Dispatch::LeastLoaded => self.least_loaded(&members),
        };
        let (mut full, mut ended) = (0, 0);
        for (agent, member) in members.range(first..).chain(members.range(..first)) {
            message = match give(member, message) {
                Ok(taken) => {
                    // Whoever comes after one that was passed over does not get two for it.
                    let (now, relaxed) = (*agent, Ordering::Relaxed);
                    let _ = self.last.compare_exchange(first, now, relaxed, relaxed);
                    return Ok(taken);
                }
                Err(CastError::Full { message, .. } | CastError::TooLarge { message, .. }) => {
                    full += 1;
                    message
                }
                Err(CastError::Ended { message, .. }) => {
                    ended += 1;
                    message
                }
            };
        }
        Err(Undispatched { message, full, ended })
    }

    /// Whose turn it is. Of those who ask at once each gets another one.
    fn next_in_turn(&self, members: &Members<M>) -> u64 {
        let mut next = 0;
        let advance = |last| {
            next = turns(members, last).next().map_or(last, |(agent, _)| *agent);
            Some(next)
        };
        // Never an error: there is always a next one.
        let _ = self.last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance);
        next
    }

    /// Who has the least to do, and of equals the next in turn.
    fn least_loaded(&self, members: &Members<M>) -> u64 {
        let last = self.last.load(Ordering::Relaxed);
        let (mut fewest, mut who) = (None, last);
        for (agent, member) in turns(members, last) {
            let Some(load) = member.load() else { continue };
            if fewest.is_none_or(|fewest| load < fewest) {
                (fewest, who) = (Some(load), *agent);
            }
            if load == 0 {
                break;
            }
        }
        self.last.store(who, Ordering::Relaxed);
        who
    }
}

/// All members once, beginning with the next after `last`.
fn turns<M: Message>(
    members: &Members<M>,
    last: u64,
) -> impl Iterator<Item = (&u64, &WeakRecipient<M>)> {
    members.range((Bound::Excluded(last), Bound::Unbounded)).chain(members.range(..=last))
}

impl<M> Undispatched<M> {
    /// The same about another form of the message.
    pub fn map<N>(self, form: impl FnOnce(M) -> N) -> Undispatched<N> {
        Undispatched { message: form(self.message), full: self.full, ended: self.ended }
    }
}

impl<M> GroupCallError<M> {
    /// The message, if nobody took it.
    pub fn into_message(self) -> Option<M> {
        match self {
            Self::Undispatched(error) => Some(error.message),
            Self::Call(error) => error.into_message(),
        }
    }
}

impl<M> From<Undispatched<M>> for crate::Error {
    fn from(error: Undispatched<M>) -> Self {
        Self::Undispatched(error.map(drop))
    }
}

impl<M> From<GroupCallError<M>> for crate::Error {
    fn from(error: GroupCallError<M>) -> Self {
        match error {
            GroupCallError::Undispatched(error) => error.into(),
            GroupCallError::Call(error) => error.into(),
        }
    }
}

impl<M> fmt::Debug for Published<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { delivered, refused } = self;
        f.debug_struct("Published").field("delivered", delivered).field("refused", refused).finish()
    }
}

impl<M> fmt::Debug for Undispatched<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Undispatched({self})")
    }
}

impl<M> fmt::Debug for GroupCallError<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupCallError({self})")
    }
}
