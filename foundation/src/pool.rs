//! A bounded pool of connections that outlives its server.
//!
//! Owns how many connections there are, who gets one next, how long that may take, and when one is
//! closed. Promises: never more slots than `size` and `max_overflow` add up to; callers are served
//! in the order in which they began to wait; a caller that stops waiting, at any point, or a panic
//! while connecting or checking, costs no slot and no connection that was not in its hands; a dead
//! idle connection is replaced, not handed out, as far as [`Connect::check`] can tell. Leaves to
//! the caller what a connection is, and to a connection's destructor how it ends.
//!
//! # How it is built on deadpool
//!
//! deadpool pools *slots*, `size + max_overflow` of them: its semaphore is the queue, its list holds
//! the idle connections. A slot is made empty, at once, so that the time a caller spends in deadpool
//! is waiting and nothing else; checking and connecting happen in the slot, under the caller's own
//! deadline. That makes the queue's length exact and tells the phases of a `get` apart, which
//! deadpool's own timeouts (they need one of its runtime features) and status do not.
//!
//! Overflow is one rule, `open connections ≤ size unless somebody waits`, restored after whatever
//! can break it: a connection that comes back, a caller that leaves the queue. Under pressure
//! a connection goes from hand to hand; as soon as nobody waits, one that comes back above `size` is
//! closed instead of kept, and when the last waiter leaves, what is idle above `size`, longest idle
//! first. Closing the pool is the same rule with zero. deadpool's `close` is not used: it drops
//! connections under its lock, where a destructor that uses the pool would deadlock.
//!
//! A connection that is closed when it comes back keeps its slot until its destructor has run. The
//! slot of an idle one that is closed is free before: for as long as its destructor takes, such
//! a connection can coexist with its successor.
//!
//! # Costs
//!
//! A `get` that finds an idle connection whose check is ready allocates nothing, nor does giving it
//! back, also where it is closed as surplus; both together take a handful of short locks. Waiting
//! allocates nothing either, but for the caller's own future. Closing idle connections, when the last
//! waiter left a surplus, by `maintain` or by `close`, goes through all idle ones under deadpool's
//! lock and allocates a list with room for all slots. The list of idle connections is reserved at the
//! start.
//!
//! # Guarantees, and the tests that hold them
//!
//! | guarantee | held by |
//! |---|---|
//! | counts, hand-outs and their order follow a plain model; the limits hold in every state | `laws::model::a_pool_behaves_like_a_list_with_a_queue` |
//! | cancelled callers lose no slot and no connection | `laws::callers_that_give_up_at_any_point_lose_nothing` |
//! | a newcomer does not overtake a waiter | `laws::a_newcomer_does_not_overtake_a_waiter` |
//! | the deadline covers all phases, the error names the one that ran out | `laws::the_error_names_the_phase_in_which_the_time_ran_out` |
//! | a panic in connect or check loses no slot | `laws::a_panic_while_connecting_or_checking_loses_no_slot` |
//! | closing refuses, tells, closes and resolves with the last connection | `laws::closing::closing_tells_everybody_and_ends_with_the_last_connection` |
//! | the end waits for destructors that still run | `laws::the_end_waits_for_the_destructors` |
//! | a connection whose check was cut short is not used again | `laws::a_connection_whose_check_was_cut_short_is_closed` |
//! | a pool that is closed under load leaves no connection | `laws::closing_in_a_race_ends_with_no_connection_left` |
//! | the end comes also if the pool is closed while a destructor runs | `laws::closing::a_close_while_a_surplus_connection_is_being_closed_finds_its_end` |
//! | nothing is handed out by a poll that begins after the close | `laws::closing::what_was_ready_in_the_moment_of_the_close_is_not_handed_out` |
//! | a connection's destructor may use the pool | `laws::closing::a_connections_destructor_may_use_the_pool` |
//! | a `get` and its return allocate nothing | `tests/pool_allocations.rs` |
//! | a server that dies and comes back costs errors, not the pool | `tests/pool_tcp.rs` |
//!
//! # Example
//!
//! ```
//! use std::convert::Infallible;
//! use foundation::pool::{Connect, GetError, Pool, PoolSettings};
//!
//! struct Numbers;
//!
//! impl Connect for Numbers {
//!     type Connection = Vec<u8>;
//!     type Error = Infallible;
//!
//!     async fn connect(&self) -> Result<Vec<u8>, Infallible> {
//!         Ok(Vec::new())
//!     }
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let settings = PoolSettings { size: 1, max_waiting: 0, ..PoolSettings::default() };
//! let pool = Pool::new(Numbers, settings)?;
//!
//! let mut first = pool.get().await?;
//! first.push(7);
//! assert!(matches!(pool.get().await, Err(GetError::Exhausted { in_use: 1, limit: 0, .. })));
//! drop(first);
//!
//! assert_eq!(*pool.get().await?, [7]);
//! pool.drain(std::time::Duration::from_secs(1)).await?;
//! assert!(matches!(pool.get().await, Err(GetError::Closed)));
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use checkout::{Checkout, later};
use shared::{Shared, State};

mod checkout;
mod connect;
mod error;
mod pooled;
mod settings;
mod shared;
mod slot;
mod status;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use connect::Connect;
pub use error::{DrainError, GetError, Phase};
pub use pooled::Pooled;
pub use settings::{
    MAX_CONNECT_ATTEMPTS, MAX_CONNECTIONS, MIN_DURATION, PoolSettings, Reuse, SettingsError,
};
pub use status::Status;

/// A pool of connections. Clones share it; the idle connections are closed when the last clone and
/// the last [`Pooled`] are dropped.
///
/// Time is tokio's, so a test can pause it.
pub struct Pool<C: Connect> {
    shared: Arc<Shared<C>>,
}

impl<C: Connect> Pool<C> {
    /// A pool without connections; they are made when they are needed.
    ///
    /// An error drops `connect`; [`PoolSettings::validate`] tells beforehand.
    pub fn new(connect: C, settings: PoolSettings) -> Result<Self, SettingsError> {
        settings.validate()?;
        Ok(Self { shared: Arc::new(Shared::new(connect, settings)) })
    }

    /// A connection, within [`PoolSettings::get_timeout`].
    ///
    /// See [`get_within`](Self::get_within).
    pub async fn get(&self) -> Result<Pooled<C>, GetError<C::Error>> {
        self.get_within(self.shared.settings.get_timeout).await
    }

    /// A connection, within `within` from now: an idle one that passes its check, or a new one; if
    /// as many are in use as may be, the next that is given back.
    ///
    /// Cancel-safe: a dropped call leaves the queue, and gives its slot to the next caller. What it
    /// was connecting or checking is closed.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled; and where [`Connect`] panics.
    pub async fn get_within(&self, within: Duration) -> Result<Pooled<C>, GetError<C::Error>> {
        Checkout::new(&self.shared, within).run().await.map(Pooled::new)
    }

    /// A connection without waiting for one: `None` if as many are in use, or promised to those who
    /// wait, as may be. To check an idle one or to make a new one may take
    /// [`PoolSettings::get_timeout`].
    ///
    /// Cancel-safe like [`get_within`](Self::get_within).
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled; and where [`Connect`] panics.
    pub async fn try_get(&self) -> Result<Option<Pooled<C>>, GetError<C::Error>> {
        let checkout = Checkout::new(&self.shared, self.shared.settings.get_timeout);
        Ok(checkout.run_at_once().await?.map(Pooled::new))
    }

    /// Closes the idle connections that are over [`PoolSettings::max_lifetime`] or
    /// [`PoolSettings::idle_timeout`] and says how many they were.
    ///
    /// An expired connection is never handed out, with this or without; a call now and then keeps
    /// it from being held open while nobody asks. Goes through all idle connections under one lock.
    pub fn maintain(&self) -> usize {
        self.shared.maintain()
    }

    /// Closes the pool. Whoever asks, waits, checks or connects is told [`GetError::Closed`]: no poll
    /// that begins after this call gets a connection. Idle connections are closed now, the others when
    /// they are given back.
    ///
    /// Calling it again does nothing.
    pub fn close(&self) {
        self.shared.close();
    }

    /// Whether the pool was closed. Connections may still be in use.
    pub fn is_closed(&self) -> bool {
        self.shared.is_closed()
    }

    /// Resolves when the pool was closed and its last connection is gone. Closes nothing itself.
    ///
    /// Cancel-safe, and needs no particular runtime.
    pub async fn closed(&self) {
        self.shared.reached(State::Closed).await;
    }

    /// Closes the pool and waits until its last connection is gone, `within` from now at most.
    ///
    /// The pool stays closed whether or not that succeeds, and if the call is dropped after its
    /// first poll.
    ///
    /// # Panics
    ///
    /// Outside a tokio runtime with its timer enabled.
    pub async fn drain(&self, within: Duration) -> Result<(), DrainError> {
        self.close();
        let closed = timeout_at(later(Instant::now(), within), self.closed()).await;
        closed.map_err(|_| {
            let Status { created, closed, in_use, .. } = self.status();
            DrainError { open: created.saturating_sub(closed), in_use, within }
        })
    }

    /// How the pool stands.
    pub fn status(&self) -> Status {
        self.shared.status()
    }

    /// The settings given when the pool was made.
    pub fn settings(&self) -> &PoolSettings {
        &self.shared.settings
    }

    /// What makes the connections.
    pub fn connector(&self) -> &C {
        &self.shared.connect
    }
}

impl<C: Connect> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<C: Connect> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("settings", &self.shared.settings)
            .field("status", &self.status())
            .field("closed", &self.is_closed())
            .finish()
    }
}
