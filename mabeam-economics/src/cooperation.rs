//! What a coalition earns and who earned it; who is matched with whom.
//!
//! Owns the Shapley value, exact and sampled, and deferred acceptance. Players, proposers and
//! receivers are their places in the input. Leaves to its caller what a coalition is worth and who
//! prefers whom.

mod matching;
mod shapley;

pub use matching::{Matching, Receiver, deferred_acceptance};
pub use shapley::sampled::{Estimate, Sampling, shapley_sampled};
pub use shapley::{Coalition, MOST_PLAYERS, ShapleyValue, shapley_value};
