//! Cooperating agents: each has its state to itself, handles one message at a time, and is reached by
//! calls that lend it the caller's thread.
//!
//! ```
//! use mabeam::{Agent, Config, Context, Handler, Message, System};
//!
//! struct Counter { n: u64 }
//! impl Agent for Counter {}
//!
//! struct Add(u64);
//! impl Message for Add { type Reply = u64; }
//! impl Handler<Add> for Counter {
//!     async fn handle(&mut self, Add(x): Add, _: &mut Context<Self>) -> u64 { self.n += x; self.n }
//! }
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), mabeam::Error> {
//! let system = System::new(Config::default())?;
//! let counter = system.spawn(Counter { n: 0 }).named("counter").await?;
//! counter.cast(Add(1))?;
//! assert_eq!(counter.call(Add(2)).await?, 3);
//! # Ok(())
//! # }
//! ```
//!
//! | to | use |
//! |---|---|
//! | begin | [`System::spawn`], [`Spawn`]; [`System::spawn_pinned`] for what is not `Send` or blocks |
//! | send | [`AgentRef::cast`], [`AgentRef::send`] (waits for a place in the [`Mailbox`]) |
//! | ask | [`AgentRef::call`], [`call_all`] (many as one operation), [`AgentRef::call_blocking`] |
//! | find | [`System::lookup`], [`System::find`], [`Recipient`] (knows a message, not the agent's type) |
//! | hear of an end | [`AgentRef::monitor`], [`Context::monitor`] with [`Agent::on_down`] |
//! | end together | [`Context::link`], [`Context::trap_exits`] with [`Agent::on_linked_exit`] |
//! | reach many | [`Group`]: publish to all members, dispatch to one |
//! | end | [`Context::stop`], [`AgentRef::stop`], [`AgentRef::kill`], [`System::shutdown`] |
//! | end when all is done | [`AgentRef::drain`], [`AgentPool::drain`], [`System::drain`] |
//! | answer later | [`Context::reply_later`], [`Context::forward`], [`Context::stash`] |
//! | act in time | [`Context::send_after`], [`Context::send_every`], [`Context::attach`], [`Context::spawn`] |
//! | see what was lost | [`System::dead_letters`] |
//! | see who does what | [`System::inspect`], [`System::events`] |
//!
//! Without its default feature `runtime` the crate is [`Round`] alone, a pure engine: one proposal, a
//! fixed set of voters, one [`Decision`]; told what happened, it answers what follows.
//!
//! # Lending
//!
//! A caller waits for its answer anyway. If the agent is idle and its message is known to be cheap, the
//! caller's task polls the handler itself: no task is switched, nothing is woken, nothing is allocated.
//! What is observable of it:
//!
//! - Only a task of the system's own runtime lends. The future of `block_on` on a runtime of several
//!   threads, another executor and a foreign thread work, and are answered by a worker.
//! - What a message costs is learnt by its worst recent poll, for each type of message and agent: the
//!   first is never lent, nor is what took longer than [`Config::lendable`]. Of the lent calls of a
//!   thread one in 31 is timed: by it a type that has become dear is noticed.
//! - While lent, [`current_agent`], the agent's [span](Spawn::span) and its [account](Spawn::memory) are
//!   its own. tokio's task id, task-locals and cooperative budget are the caller's: a loop over lent
//!   calls yields like one over a channel.
//! - Lent calls nest at most [`Config::max_lend_depth`] deep; deeper ones are queued.
//!
//! # The last handle
//!
//! [`AgentRef`]s, [`Recipient`]s, [`AnyAgent`]s and names keep an agent alive. When the last is gone it
//! handles the mail that it has and ends with [`Reason::Normal`]. [`WeakRef`]s, timers, streams and tasks
//! of its own do not keep it. [`Spawn::detached`] agents live until they are stopped.
//!
//! # Where it runs
//!
//! On the tokio runtime that is current at [`System::new`], or on one of its own. On a `current_thread`
//! runtime agents run on its thread. In a `LocalSet` tasks call and lend as anywhere. A handler may use
//! `block_in_place`; as long as fewer than twice as many as there are workers do so, other agents run, so
//! what blocks for long belongs to [`System::spawn_pinned`]. A handler that never returns can't
//! be ended: a kill takes effect when it waits, and [`System::shutdown`] names it. When the runtime is
//! dropped, every agent ends with [`Reason::Shutdown`], without `on_exit`, and its callers are told.
//!
//! # Guarantees, and the tests that hold them
//!
//! `tests/…` are integration tests; modules named `models` are loom's, over every interleaving within
//! their bounds.
//!
//! | guarantee | held by |
//! |---|---|
//! | an agent runs in one place at a time; of racing claims, wakes and orders one gets the token | `kernel::models::inbox`, `kernel::models::phase`, `kernel::models::cell`, `tests/lending/order.rs` |
//! | messages of each sender are handled in order | `tests/lending/order.rs`, `tests/mailbox.rs`, `kernel::models::inbox` |
//! | a cast never runs a handler on the sender's stack | `tests/lending/order.rs` |
//! | only an idle agent is lent a thread; a handler that waits is polled by its own wake alone | `tests/lending/idle.rs` |
//! | dropping a caller cancels nothing half way; expired and abandoned calls are skipped | `tests/lending/ownership.rs` |
//! | dear and unknown work is not lent; what was called together runs in parallel | `tests/lending/cost.rs`, `tests/call_all.rs` |
//! | an agent that was sent a cast runs while its sender computes | `tests/lending/cost.rs` |
//! | lent calls nest within a limit; chains of 10,000 calls are answered; circles end by deadline | `tests/lending/depth.rs` |
//! | a loop over lent calls yields | `tests/lending/turns.rs` |
//! | callers outside of the runtime are answered | `tests/lending/outside.rs`, `tests/blocking.rs` |
//! | a dropped runtime ends every agent and leaves nobody hanging | `tests/lending/runtime_gone.rs` |
//! | a panic anywhere ends the agent, never its caller | `tests/lending/panics.rs` |
//! | a kill, a stop, a wake and the last handle's drop are never lost | `tests/lending/kill.rs`, `tests/lending/handles.rs`, `kernel::models::cell` |
//! | the end comes in order: closed, turn, state, mail, names, `Down`; each monitor hears once | `tests/exits/order.rs`, `tests/exits/monitors.rs`, `kernel::models::exit` |
//! | each call has one outcome | `kernel::models::reply` |
//! | whoever is queued is run, and nobody sleeps beside work | `kernel::models::rest` |
//! | mailboxes keep their limit exactly; who waits is woken in turn | `tests/mailbox.rs` |
//! | policies drop, replace and refuse as a plain queue has it; nothing else is lost | `tests/policies.rs`, `kernel::models::policy` |
//! | an agent above its memory limit ends between two polls | `tests/memory_limit.rs` |
//! | a name leads to a living agent or to nobody; a lookup allocates nothing | `tests/directory.rs`, `tests/directory_allocations.rs` |
//! | what an agent began ends with it and leaves nothing behind | `tests/context.rs`, `tests/context_memory.rs` |
//! | a membership of a group ends before its agent's `Down` is delivered; a group keeps nobody alive, and nothing is left of it | `tests/groups.rs`, `tests/groups_memory.rs` |
//! | linked incarnations end together, once and for one reason, and no others do | `tests/links.rs`, `tests/links_memory.rs` |
//! | what is kept for later stays in order, is answered, and outlives a restart | `tests/stash.rs` |
//! | who lives throughout a snapshot is in it once; a worker that is held is told of while it is | `tests/inspect.rs` |
//! | a pinned agent is made, run and dropped on its own thread | `tests/pinned.rs` |
//! | a drain lets nothing more in, and loses nothing that was let in | `tests/drain.rs` |
//! | in a test, a seed has one schedule, and neither a panic nor a leak goes unseen | `tests/testkit.rs` |
//!
//! What a system is not for, and how it differs from OTP, ractor and kameo: the guides in the book.

#![cfg_attr(
    not(feature = "runtime"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "this page speaks of the runtime, which is absent"
    )
)]

mod mix;
mod round;
pub mod supervision;

#[cfg(feature = "runtime")]
mod agent;
#[cfg(feature = "runtime")]
mod blocking;
#[cfg(feature = "runtime")]
mod call;
#[cfg(feature = "runtime")]
mod call_all;
#[cfg(feature = "runtime")]
mod context;
#[cfg(feature = "runtime")]
mod dead_letters;
#[cfg(feature = "runtime")]
mod directory;
#[cfg(feature = "runtime")]
mod drain;
#[cfg(feature = "runtime")]
mod error;
#[cfg(feature = "runtime")]
mod group;
#[cfg(feature = "runtime")]
mod handle;
#[cfg(feature = "runtime")]
mod id;
#[cfg(feature = "runtime")]
mod inspect;
#[cfg(feature = "runtime")]
mod kernel;
#[cfg(feature = "runtime")]
mod living;
#[cfg(feature = "runtime")]
mod pinned;
#[cfg(feature = "runtime")]
mod pool;
#[cfg(feature = "runtime")]
mod recipient;
#[cfg(feature = "runtime")]
mod reply;
#[cfg(feature = "runtime")]
mod send;
#[cfg(feature = "runtime")]
mod settings;
#[cfg(feature = "signal")]
pub mod signal;
#[cfg(feature = "runtime")]
mod spawn;
#[cfg(feature = "runtime")]
mod sync;
#[cfg(feature = "runtime")]
mod system;
#[cfg(feature = "testkit")]
pub mod testkit;
#[cfg(feature = "runtime")]
mod wait;
#[cfg(feature = "runtime")]
mod witness;

pub use round::{Ballot, Decision, Event, ProposeError, Quorum, Refused, Round, Tally};
#[cfg(feature = "runtime")]
pub use {
    agent::{Agent, Handler, MemoryShort, Message},
    call::Call,
    call_all::{CallAll, Replies, call_all},
    context::{Context, Link, LinkedExit, Task, Timer},
    dead_letters::DeadLetter,
    directory::LookupError,
    drain::Drained,
    error::{CallError, CastError, Error},
    foundation::owner::{Down, MonitorId, MonitorRef, Reason},
    group::{
        Dispatch, Group, GroupCall, GroupCallError, GroupError, JoinError, Published, Undispatched,
    },
    handle::{AgentRef, AnyAgent, WeakAny, WeakRef},
    id::AgentId,
    inspect::{AgentInfo, AgentState, Snapshot, SystemEvent, Tree},
    kernel::here::current_agent,
    pinned::{Factory, LocalAgent, LocalHandler, Pinned, SpawnPinned},
    pool::{AgentPool, Lease, PoolBuilder, PoolError, PoolStatus, Routing},
    recipient::{Recipient, Through, WeakRecipient},
    reply::ReplyTo,
    send::Sending,
    settings::{Config, Mailbox, WhenFull},
    spawn::{Spawn, SpawnError, Spawning},
    system::{ShutdownError, StartError, System},
};
