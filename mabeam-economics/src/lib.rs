//! Fair and truthful allocation of resources among agents: mechanisms as pure functions on validated
//! integers, usable without any agent.
//!
//! ```
//! use mabeam_economics::division::max_min_fair;
//! use mabeam_economics::Amount;
//!
//! let demands = [20, 26, 40, 50].map(Amount::new);
//! assert_eq!(max_min_fair(Amount::new(100), &demands), [20, 26, 27, 27].map(Amount::new));
//! ```
//!
//! | to | use |
//! |---|---|
//! | share one or many resources, nobody pays | [`division`]: max-min, dominant resources, proportional fairness, equal incomes, Nash welfare |
//! | share by what it is worth, nobody lies | [`welfare`]: linear and 0/1 programs, assignment, knapsacks of few resources |
//! | sell | [`auction`]: sealed bids, clocks, many units, positions, packages |
//! | let many buy from many | [`market`]: call market, double auctions, order book, market maker, posted prices |
//! | divide what was earned together, match | [`cooperation`]: Shapley values, stable matching |
//! | buy work | [`procurement`]: within a budget, along a path |
//! | know whom to believe | [`trust`]: beta reputation, [`EigenTrust`](trust::EigenTrust) |
//! | keep the money | [`ledger`]: double entry, escrow, replay |
//! | check a mechanism of one's own for lies that pay | [`laws`] |
//!
//! The same everywhere: [`Amount`] counts indivisible units and [`Money`] minor units, in checked integers;
//! ties go to the lowest id; a zero weight gets nothing; shares are rounded by largest remainder; a bid
//! equal to the reserve wins. Bad input is an [`Invalid`], which names whose value it is, the field and the
//! rule; degenerate input (nothing to share, nobody there) has its defined answer. No clock, thread or
//! random source is used, but seeds that the caller gives. Floats appear only in the continuous solvers
//! ([`division::proportional`], [`division::ceei`], [`trust`]), with stated tolerances.
//!
//! Each mechanism's page says what it guarantees, what it does **not**, its source, its cost and its tie
//! rule. No mechanism here is proof against one who appears under several ids, unless its page says so: who
//! the agents are is for the caller to establish.

#![cfg_attr(
    not(feature = "solvers"),
    allow(
        rustdoc::broken_intra_doc_links,
        reason = "pages speak of the solvers, which are absent"
    )
)]

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
