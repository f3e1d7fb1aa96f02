//! Selling to whoever bids: what is sold to whom, and what it pays.
//!
//! Sealed bids are checked and put in order once, by [`Bids`] (one each) or [`UnitBids`] (several
//! identical units); the clocks ask instead, one [`Question`] at a time. Every auction answers with a
//! [`Sale`]. They agree on this much: a bid that equals the reserve price wins, ties go to the lowest
//! id, nobody pays more than it bid or accepted, and nobody is paid.
//!
//! | for sale | auction | stating one's values is best |
//! |---|---|---|
//! | one good | [`first_price`] | no |
//! | | [`second_price`] | yes |
//! | | [`AscendingClock::english`] | yes, and obviously so |
//! | | [`DescendingClock::dutch`] | no |
//! | identical units | [`pay_as_bid`], [`DescendingClock`] | no |
//! | | [`uniform_price`] | for who wants one unit, at the highest losing bid |
//! | | [`vickrey`] | yes |
//! | | [`AscendingClock::clinching`] | yes, if the others answer truthfully as well |
//! | positions | [`position::gsp`] | no |
//! | | [`position::vcg`] | yes |
//!
//! All of it holds for a fixed set of bidders who do not collude. Who they are is for the caller to
//! establish.

mod ascending;
mod bids;
mod clock;
pub mod combinatorial;
mod descending;
mod pay_as_bid;
pub mod position;
mod sale;
mod uniform_price;
mod vickrey;

pub use ascending::AscendingClock;
pub use bids::{Bid, Bids, UnitBids};
pub use clock::Question;
pub use descending::DescendingClock;
pub use pay_as_bid::{first_price, pay_as_bid};
pub use sale::{Award, Sale};
pub use uniform_price::{ClearingPrice, uniform_price};
pub use vickrey::{second_price, vickrey};

#[cfg(test)]
mod laws;
