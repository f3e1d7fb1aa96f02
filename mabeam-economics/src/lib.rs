//! Fair and truthful allocation of resources among agents.
//!
//! An [`Amount`] counts indivisible units of one resource; [`max_min_fair`] divides a capacity
//! among demands so that nobody gains by asking for more than it needs, as long as nobody appears as
//! several claimants. Nothing here knows what the resource is or how an agent is scheduled.

mod agent_id;
mod amount;
pub mod auction;
pub mod cooperation;
pub mod division;
mod invalid;
pub mod laws;
pub mod ledger;
pub mod market;
mod money;
pub mod procurement;
mod seeded;
pub mod trust;
pub mod welfare;

pub use agent_id::AgentId;
pub use amount::Amount;
pub use division::max_min_fair;
pub use invalid::{Invalid, Subject};
pub use money::Money;
