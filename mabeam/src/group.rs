//! Groups: publish to all members, dispatch to one.
//!
//! Owns who is a member and whose turn it is. Promises:
//!
//! - whoever received the [`Down`](crate::Down) of an agent finds it in no group; nothing is left of a
//!   membership that has ended;
//! - a group keeps no agent alive;
//! - who publishes or dispatches takes no lock and waits for nobody, whoever joins, leaves or is full;
//!   it sees the members of one moment;
//! - a message that nobody takes comes back.
//!
//! Leaves the mailboxes to their agents, and to the caller what to do about a refusal.
//!
//! The groups of the [registry](foundation::registry::Registry::join) hold handles that know no message,
//! for those who look for agents by name and watch them come and go. A group here is of one type of
//! message, so it can be sent one. Its members are a tree that is replaced as a whole and shares its
//! nodes, as the registry's: joining and leaving cost the logarithm of their number.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Weak};

use arc_swap::ArcSwap;
use foldhash::fast::RandomState;
use foundation::owner::Kept;
use rpds::RedBlackTreeMapSync;
use thiserror::Error;

use crate::sync::{Mutex, lock};
use crate::{AgentId, Message, Recipient, WeakRecipient};

mod deliver;
mod named;

pub use deliver::{Dispatch, GroupCall, GroupCallError, Published, Undispatched};
pub use named::GroupError;
pub(crate) use named::Groups;

/// A set of agents, of any types, that handle `M`. Clones are the same group; cloning costs a reference
/// count.
///
/// An agent is a member from [`join`](Self::join) until it ends or [leaves](Self::leave). A restart
/// ends no membership. The group keeps nobody alive: one that nobody else holds a handle of ends as if
/// there were no group; [`detached`](crate::Spawn::detached) agents live in a group alone.
///
/// [`System::group`](crate::System::group) finds a group by a name.
///
/// ```
/// use mabeam::{Agent, Config, Context, Dispatch, Group, Handler, Message, System};
///
/// #[derive(Clone)]
/// struct Learn(f64);
/// impl Message for Learn { type Reply = f64; }
///
/// struct Learner { rate: f64 }
/// impl Agent for Learner {}
/// impl Handler<Learn> for Learner {
///     async fn handle(&mut self, Learn(rate): Learn, _: &mut Context<Self>) -> f64 {
///         std::mem::replace(&mut self.rate, rate)
///     }
/// }
///
/// # let system = System::new(Config::default())?;
/// # system.block_on(async {
/// let (one, two) = (system.spawn(Learner { rate: 0.5 }).await?, system.spawn(Learner { rate: 0.5 }).await?);
/// let learners = Group::new();
/// learners.join(&one)?;
/// learners.join(&two)?;
///
/// // To all: none waits for another, and who refuses is reported, with its message.
/// let published = learners.publish(&Learn(0.1));
/// assert_eq!(published.delivered, 2);
/// assert!(published.refused.is_empty());
///
/// // To one.
/// learners.dispatch(Learn(0.2), Dispatch::LeastLoaded)?;
/// let rate = learners.call(Learn(0.3), Dispatch::RoundRobin).await?;
/// assert!(rate == 0.1 || rate == 0.2);
/// # Ok::<(), mabeam::Error>(())
/// # })?;
/// # Ok::<(), mabeam::Error>(())
/// ```
pub struct Group<M: Message> {
    core: Arc<Core<M>>,
}

/// Failed to join a group.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// There are as many members as there may be.
    #[error("failed to join a group: it has {limit} members already, its limit")]
    Full {
        /// The limit.
        limit: usize,
    },
    /// The agent has ended.
    #[error("failed to join a group: {agent} has ended")]
    Ended {
        /// Who.
        agent: AgentId,
    },
}

/// What the handles of a group share.
struct Core<M: Message> {
    members: ArcSwap<Members<M>>,
    /// Where each member keeps its [`Seat`]. Members and seats change together, under this lock. Code of
    /// a user never runs under it; the locks of the members' owners are taken under it.
    seats: Mutex<HashMap<u64, Kept<Seat<M>>, RandomState>>,
    /// Who was dispatched to last. Only a hint: it orders nothing.
    last: AtomicU64,
    limit: usize,
    /// What lists the group by its name, if it has one.
    listing: Option<named::Listing>,
}

/// Members by their ids, and thereby in the order in which they were spawned.
type Members<M> = RedBlackTreeMapSync<u64, WeakRecipient<M>>;

/// What a member keeps. Dropping it ends the membership.
struct Seat<M: Message> {
    group: Weak<Core<M>>,
    agent: u64,
    /// Members keep a group that has a name.
    _hold: Option<Arc<Core<M>>>,
}

impl<M: Message> Group<M> {
    /// The limit of [`new`](Self::new) and of groups with a name: 65,536 members.
    pub const DEFAULT_LIMIT: usize = 1 << 16;

    /// An empty group for at most [`DEFAULT_LIMIT`](Self::DEFAULT_LIMIT) members.
    pub fn new() -> Self {
        Self::with_limit(Self::DEFAULT_LIMIT)
    }

    /// An empty group for at most `limit` members.
    pub fn with_limit(limit: usize) -> Self {
        Self::listed(limit, None)
    }

    fn listed(limit: usize, listing: Option<named::Listing>) -> Self {
        Self {
            core: Arc::new(Core {
                members: ArcSwap::from_pointee(Members::new_sync()),
                seats: Mutex::default(),
                last: AtomicU64::new(0),
                limit,
                listing,
            }),
        }
    }

    /// Makes an agent a member until it ends or [leaves](Self::leave). `false` if it was one before: it
    /// still is one, once.
    ///
    /// Costs the logarithm of the number of members in allocations, and waits for others who join or
    /// leave this group.
    pub fn join(&self, agent: impl Into<Recipient<M>>) -> Result<bool, JoinError> {
        // Older than the lock: it may be the last handle of its agent.
        let recipient = agent.into();
        let (id, agent) = (recipient.id(), recipient.id().get());
        let Some(owner) = recipient.owner() else { return Err(JoinError::Ended { agent: id }) };
        let (core, member) = (&self.core, recipient.downgrade());
        let mut seats = lock(&core.seats);
        if seats.contains_key(&agent) {
            return Ok(false);
        }
        if seats.len() >= core.limit {
            return Err(JoinError::Full { limit: core.limit });
        }
        let hold = core.listing.is_some().then(|| Arc::clone(core));
        // Whoever ends the agent from here on drops its seat, and waits for this lock.
        match owner.keep(Seat { group: Arc::downgrade(core), agent, _hold: hold }) {
            Ok(seat) => {
                seats.insert(agent, seat);
                core.members.store(Arc::new(core.members.load().insert(agent, member)));
                Ok(true)
            }
            Err(ended) => {
                drop(seats);
                drop(ended);
                Err(JoinError::Ended { agent: id })
            }
        }
    }

    /// Ends the membership of an agent. `false` if it was no member. What is published from now on does
    /// not reach it; what was before is in its mailbox.
    pub fn leave(&self, agent: AgentId) -> bool {
        let Some(seat) = self.core.remove(agent.get()) else { return false };
        if let Some(mut seat) = seat.take() {
            // The agent may have joined again.
            seat.group = Weak::new();
        }
        true
    }

    /// Whether an agent is a member.
    pub fn contains(&self, agent: AgentId) -> bool {
        self.core.members.load().contains_key(&agent.get())
    }

    /// How many members there are.
    pub fn len(&self) -> usize {
        self.core.members.load().size()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.core.members.load().is_empty()
    }

    /// The members, in the order in which they were spawned, but for those of whom there is no other
    /// handle any more. Allocates for each.
    pub fn members(&self) -> Vec<Recipient<M>> {
        self.core.members.load_full().values().filter_map(WeakRecipient::upgrade).collect()
    }
}

impl<M: Message> Core<M> {
    /// Ends a membership; what the member still keeps of it comes back.
    fn remove(&self, agent: u64) -> Option<Kept<Seat<M>>> {
        let mut seats = lock(&self.seats);
        let seat = seats.remove(&agent)?;
        self.members.store(Arc::new(self.members.load().remove(&agent)));
        Some(seat)
    }
}

impl<M: Message> Drop for Core<M> {
    /// Nothing of a group that is gone stays with its members.
    fn drop(&mut self) {
        for (_, seat) in lock(&self.seats).drain() {
            drop(seat.take());
        }
        if let Some(listing) = &self.listing {
            listing.forget();
        }
    }
}

impl<M: Message> Drop for Seat<M> {
    fn drop(&mut self) {
        if let Some(core) = self.group.upgrade() {
            drop(core.remove(self.agent));
        }
    }
}

impl<M: Message> Clone for Group<M> {
    fn clone(&self) -> Self {
        Self { core: Arc::clone(&self.core) }
    }
}

impl<M: Message> Default for Group<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: Message> fmt::Debug for Group<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("members", &self.len()).finish_non_exhaustive()
    }
}
