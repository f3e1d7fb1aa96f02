//! Supervision: children are started, watched, started again and stopped as their specs say.
//!
//! A [`Supervisor`] is an agent that has other agents as its children. What it does when one of them
//! fails is decided by a pure [engine](engine::Engine), with OTP's documented semantics and words.
//!
//! ```
//! # #[cfg(feature = "runtime")]
//! # fn main() -> Result<(), mabeam::Error> {
//! use std::time::Duration;
//! use mabeam::supervision::{Child, Strategy, Supervisor};
//! use mabeam::{Agent, Config, Context, Handler, Message, System};
//!
//! struct Counter { n: u64 }
//! impl Agent for Counter {}
//!
//! /// Adds, but panics on 13.
//! struct Add(u64);
//! impl Message for Add { type Reply = u64; }
//! impl Handler<Add> for Counter {
//!     async fn handle(&mut self, Add(x): Add, _: &mut Context<Self>) -> u64 {
//!         assert_ne!(x, 13, "unlucky");
//!         self.n += x;
//!         self.n
//!     }
//! }
//!
//! let system = System::new(Config::default())?;
//! system.block_on(async {
//!     let supervisor = Supervisor::new(Strategy::OneForOne)
//!         .intensity(3, Duration::from_secs(5))
//!         .child(Child::new(|| Counter { n: 0 }).named("counter"));
//!     let _supervisor = system.spawn(supervisor).await?;
//!
//!     let counter = system.lookup::<Counter>("counter")?;
//!     assert_eq!(counter.call(Add(2)).await?, 2);
//!     assert!(counter.call(Add(13)).await.is_err());
//!     // The same handle reaches the next incarnation, which begins anew.
//!     assert_eq!(counter.call(Add(1)).await?, 1);
//!     Ok(())
//! })
//! # }
//! # #[cfg(not(feature = "runtime"))]
//! # fn main() {}
//! ```
//!
//! # Identity
//!
//! In OTP a restarted process is another one. Here a child keeps its [id](crate::AgentId), handles,
//! names, monitors and unhandled mail through its restarts; each life is an *incarnation*. Monitors hear
//! of its final end. Who calls it while it is being restarted waits. What the message was that it died
//! of is lost, and its caller told ([`Exited`](crate::CallError::Exited)); a cast can be
//! [tried again](crate::Message::ATTEMPTS).
//!
//! A handler that never returns can't be interrupted: its agent is killed when it waits next, and only
//! then is the next incarnation made. So two of them never run at once. A supervisor that was killed is
//! made again when the children that it left have ended.

#[cfg(feature = "runtime")]
mod child;
#[cfg(feature = "runtime")]
mod commands;
#[cfg(feature = "runtime")]
mod driver;
#[cfg(feature = "runtime")]
mod ear;
pub mod engine;
#[cfg(feature = "runtime")]
mod supervisor;

#[cfg(feature = "runtime")]
pub use {
    child::Child,
    commands::{ChildCommandError, ChildInfo, StartChildError, WhichChild},
    engine::{
        AutoShutdown, Backoff, ChildError, ChildId, EndOrder, Restart, Shutdown, Status, Strategy,
    },
    supervisor::Supervisor,
};
