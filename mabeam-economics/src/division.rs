//! Dividing resources by fairness: nobody pays, nobody can be made to.

mod max_min;

pub use max_min::max_min_fair;
