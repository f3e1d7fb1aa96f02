//! Fair and truthful allocation of resources among agents.
//!
//! An [`Amount`] counts indivisible units of one resource; [`max_min_fair`] divides a capacity
//! among demands so that nobody gains by asking for more than it needs, as long as nobody appears as
//! several claimants. Nothing here knows what the resource is or how an agent is scheduled.

mod amount;
mod fair_share;

pub use amount::Amount;
pub use fair_share::max_min_fair;
