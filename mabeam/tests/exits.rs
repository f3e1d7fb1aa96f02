//! Exits: each reason, one `Down` a monitor, and the order in which an agent's end is seen.
#![cfg(feature = "runtime")]
#![expect(clippy::unwrap_used, reason = "in tests")]
#![expect(clippy::similar_names, reason = "`began` and `begun` are the ends of one channel")]

#[path = "support/doer.rs"]
mod support;

#[path = "exits/monitors.rs"]
mod monitors;
#[path = "exits/order.rs"]
mod order;
#[path = "exits/reasons.rs"]
mod reasons;
