//! Many buyers and many sellers: who trades with whom, at which price.
//!
//! Owns the markets: all orders at once ([`call_market`], and for one unit each the rules of
//! [`double_auction`]), one order after the other ([`order_book`]), against a market maker that always
//! quotes ([`lmsr`]), and at a price that stands before anybody asks ([`posted_price`]). They say who
//! trades what at which price; moving the money and the goods is left to a ledger, and so is the check
//! that traders have what they offer.
//!
//! No market does everything. With private values none is truthful, individually rational, budget
//! balanced and efficient at once (R. Myerson and M. Satterthwaite, *Efficient mechanisms for bilateral
//! trading*, JET 29, 1983):
//!
//! | | efficient | truthful | the operator's money |
//! |---|---|---|---|
//! | [`call_market`], [`double_auction::k_double_auction`] | yes | no | nothing left, nothing added |
//! | [`double_auction::mcafee`], [`double_auction::trade_reduction`] | but for one pair | yes | may keep some |
//! | [`double_auction::vcg`] | yes | yes | **adds** some |
//! | [`double_auction::posted_price`] | no | yes | nothing left, nothing added |

mod call_market;
pub mod double_auction;
pub mod lmsr;
pub mod order_book;
pub mod posted_price;
mod price_weight;

pub use call_market::{Clearing, LimitOrder, call_market};
pub use price_weight::PriceWeight;
