//! Mailboxes that do more than count: what they drop, replace and refuse.
#![cfg(feature = "runtime")]
#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "policies/edges.rs"]
mod edges;
#[path = "support/keeper.rs"]
mod keeper;
#[path = "policies/laws.rs"]
mod laws;
#[path = "policies/many.rs"]
mod many;
#[path = "policies/model.rs"]
mod model;
#[path = "policies/reader.rs"]
mod reader;
