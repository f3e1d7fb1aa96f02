//! Dividing resources by the sum of what they are worth: linear and 0/1 programs, assignment.
//!
//! Everything here maximises the sum of the agents' worths as they state them, and proves it: a bound
//! computed in integers comes with each result. Nothing here is fair, and without payments the truth
//! need not pay.
//!
//! * [`knapsack`]: many divisible requests for few resources;
#![cfg_attr(feature = "solvers", doc = "* [`assignment`]: pairs of agents and tasks;")]
#![cfg_attr(
    feature = "solvers",
    doc = "* [`program`]: any linear constraints, whole or divisible."
)]

#[cfg(feature = "solvers")]
pub mod assignment;
pub(crate) mod fixed;
pub mod knapsack;
#[cfg(feature = "solvers")]
pub mod program;
