//! How the gate asks a benchmark program to measure: one request in one environment variable, one
//! JSON file back.
//!
//! A program of the [`harness`](crate::harness) answers; any other program can, by writing a
//! [`Catalog`] or a [`Sample`](crate::result::Sample) to [`Request::out`].

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// The environment variable that carries a [`Request`] as JSON.
pub const REQUEST: &str = "PERF_BUDGET_REQUEST";

/// What the gate asks of a benchmark program.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What to do.
    pub task: Task,
    /// The file for the answer; it does not exist yet.
    pub out: PathBuf,
}

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Task {
    /// Write a [`Catalog`].
    List,
    /// Measure one case once and write a [`Sample`](crate::result::Sample).
    Measure(Order),
}

/// An order to measure one case in this process.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Goes into the sample.
    pub run_id: String,
    /// Goes into the sample.
    pub round: u32,
    /// The case.
    pub case: Case,
    /// How long timed and paired cases measure, in nanoseconds, without set-up and warm-up.
    pub duration_ns: f64,
}

/// Everything that a program can measure.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalog {
    /// [`result::SCHEMA`](crate::result::SCHEMA).
    pub schema: u32,
    /// In the order of declaration.
    pub cases: Vec<Case>,
}

/// One measurable case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// The operation.
    pub operation: String,
    /// How it is measured.
    pub method: Method,
}

/// How a case is measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Method {
    /// Back-to-back blocks.
    Timed,
    /// Alternating blocks against a peer.
    Paired {
        /// The peer's name.
        peer: String,
    },
    /// Open-loop load.
    Load {
        /// Operations a second to offer.
        rate_per_s: f64,
        /// How long, in nanoseconds.
        duration_ns: f64,
        /// Operations that start together and are timed as one.
        batch: u64,
    },
    /// Heap traffic.
    Allocations,
    /// Live bytes left behind.
    Growth,
}

impl Case {
    /// Whether `self` and `other` are the same case under the same load. Numbers may have been
    /// written and read in between, so they are compared to nine digits.
    pub fn is_same(&self, other: &Self) -> bool {
        let close = |left: f64, right: f64| (left - right).abs() <= 1e-9 * left.abs();
        self.has_method_of(other)
            && match (&self.method, &other.method) {
                (
                    &Method::Load { rate_per_s, duration_ns, batch },
                    &Method::Load { rate_per_s: rate, duration_ns: duration, batch: others },
                ) => close(rate_per_s, rate) && close(duration_ns, duration) && batch == others,
                _ => true,
            }
    }

    /// Whether `self` and `other` are the same operation, measured in the same way, under whatever
    /// load.
    pub fn has_method_of(&self, other: &Self) -> bool {
        self.operation == other.operation
            && match (&self.method, &other.method) {
                (Method::Paired { peer: left }, Method::Paired { peer: right }) => left == right,
                (left, right) => std::mem::discriminant(left) == std::mem::discriminant(right),
            }
    }

    /// A short description for progress and errors: `lookup / papaya_get`, `lookup under load`.
    pub fn describe(&self) -> String {
        let operation = &self.operation;
        match &self.method {
            Method::Timed => format!("{operation}, back to back"),
            Method::Paired { peer } => format!("{operation} / {peer}"),
            Method::Load { .. } => format!("{operation} under load"),
            Method::Allocations => format!("{operation}, allocations"),
            Method::Growth => format!("{operation}, growth"),
        }
    }
}
