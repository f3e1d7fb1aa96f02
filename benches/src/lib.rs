//! The workloads that are measured: each a function that builds one and returns a closure that runs
//! operation number `n` of it.
//!
//! Owns set-up only. Which of them are timed, counted or loaded, and beside which peer, stands in
//! `programs/`; what they may cost stands in `budgets.toml`. Everything is seeded, so that two
//! processes build the same workload.

#![expect(
    clippy::expect_used,
    clippy::missing_panics_doc,
    reason = "a workload that can not be built must not be measured: its process ends, and says why"
)]

pub mod agents;
pub mod config;
pub mod durable;
pub mod economics;
pub mod events;
pub mod memory;
pub mod plant;
pub mod registry;
pub mod supervision;
pub mod table;
pub mod telemetry;
