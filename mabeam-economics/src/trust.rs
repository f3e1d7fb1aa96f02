//! What somebody is worth believing, from what others saw of it.
//!
//! Owns two measures: [`BetaReputation`], from one's own observations of somebody, and
//! [`TrustGraph`], from everybody's opinions about everybody. Leaves to its caller what counts as a
//! satisfactory dealing, and that nobody appears under several names: both measures can be raised by
//! who does.

mod beta;
mod eigentrust;

pub use beta::{BetaReputation, Retention};
pub use eigentrust::{EigenTrust, GlobalTrust, Opinion, PreTrusted, TrustGraph};
