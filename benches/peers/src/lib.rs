//! The same work on mabeam, on the libraries one would take instead, and on bare tokio.
//!
//! Owns the [subjects](subject), the [workloads](workload) and the program that runs every workload
//! on every subject in rotated rounds. Prints one line a figure; `cargo xtask peers` builds it, runs
//! it and makes the tables. `peers.exs` beside it runs the same workloads on BEAM.

pub mod figures;
pub mod host;
pub mod program;
pub mod subject;
pub mod work;
pub mod workload;

pub use crate::program::main;
