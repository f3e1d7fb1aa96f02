//! Dividing resources by fairness: nobody pays, nobody can be made to.

mod asset;
pub mod ceei;
pub mod drf;
mod elimination;
mod fixed;
mod max_min;
pub mod nash;
mod network;
pub mod proportional;
mod rounding;

pub use asset::asset_fair;
pub use fixed::Fixed;
pub use max_min::{Claim, max_min_fair, weighted_max_min_fair};
pub use network::network_max_min_fair;
pub use rounding::largest_remainder;
