//! Buying work from those who state their cost.
//!
//! Owns two truthful ways to buy: what is worth most within a budget, and the cheapest path through
//! a network. Sellers are their places in the input. Leaves to its caller that nobody sells under
//! several names, and to pay.

mod budget;
mod path;

pub use budget::{Offer, Purchase, buy_within_budget};
pub use path::{Link, PathError, PathPurchase, buy_path};
