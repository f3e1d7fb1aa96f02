//! Performance budgets: what a promise of speed *is*, how it is measured, and how it is judged.
//!
//! | feature | adds | for |
//! |---|---|---|
//! | *(none)* | [`Budget`], [`Metric`], [`Quantity`], [`Verdict`]: the vocabulary, no dependency, no I/O | everyone |
//! | `results` | `result`: the format of measured results | tools |
//! | `harness` | `harness`: rounds, side-by-side pairs, open-loop load, allocations, growth | benchmarks |
//! | `gate` | `gate`: budgets files, evidence, judgement, reports | CI |
//! | `cli` | the program `cargo perf-gate` | any workspace |
//!
//! This crate stands at the bottom of its workspace: the ruler is not made of what it measures, and
//! who wants only the gate compiles no runtime.

mod budget;
mod metric;
mod quantity;
mod verdict;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "gate")]
pub mod gate;
#[cfg(feature = "harness")]
pub mod harness;
#[cfg(feature = "results")]
pub mod machine;
#[cfg(feature = "results")]
pub mod protocol;
#[cfg(feature = "results")]
pub mod result;

pub use budget::{
    Budget, BudgetError, Date, Limit, MAX_LOAD_NS, MAX_LOAD_PER_S, OfferedLoad, Tier, Waiver,
};
pub use metric::{Metric, Percentile, UnknownMetric};
pub use quantity::{Quantity, QuantityError, Unit};
pub use verdict::{Outcome, Verdict};
