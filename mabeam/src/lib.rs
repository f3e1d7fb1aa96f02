//! Cooperating agents: a runtime whose calls lend the caller's thread, and consensus rounds.

mod round;

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
mod error;
#[cfg(feature = "runtime")]
mod handle;
#[cfg(feature = "runtime")]
mod id;
#[cfg(feature = "runtime")]
mod kernel;
#[cfg(feature = "runtime")]
mod living;
#[cfg(feature = "runtime")]
mod pinned;
#[cfg(feature = "runtime")]
mod recipient;
#[cfg(feature = "runtime")]
mod reply;
#[cfg(feature = "runtime")]
mod send;
#[cfg(feature = "runtime")]
mod settings;
#[cfg(feature = "runtime")]
mod spawn;
#[cfg(feature = "runtime")]
mod sync;
#[cfg(feature = "runtime")]
mod system;
#[cfg(feature = "runtime")]
mod wait;

pub use round::{Ballot, Decision, Event, ProposeError, Quorum, Refused, Round, Tally};
#[cfg(feature = "runtime")]
pub use {
    agent::{Agent, Handler, Message},
    call::Call,
    call_all::{CallAll, Replies, call_all},
    context::{Context, Task, Timer},
    dead_letters::DeadLetter,
    directory::LookupError,
    error::{CallError, CastError, Error},
    foundation::owner::{Down, MonitorId, MonitorRef, Reason},
    handle::{AgentRef, AnyAgent, WeakRef},
    id::AgentId,
    kernel::here::current_agent,
    pinned::{Factory, LocalAgent, LocalHandler, Pinned, SpawnPinned},
    recipient::{Recipient, Through, WeakRecipient},
    reply::ReplyTo,
    send::Sending,
    settings::{Config, Mailbox, WhenFull},
    spawn::{Spawn, SpawnError, Spawning},
    system::{ShutdownError, StartError, System},
};
