//! Allocation among agents, each beside something plainer where that says more than a time.

pub mod combinatorial;
pub mod division;
pub mod market;
mod numbers;
pub mod trust;
pub mod welfare;
