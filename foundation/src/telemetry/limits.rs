//! The bounds of a telemetry, and what an operation may cost in memory.

use std::time::Duration;

/// The bounds of a [`Telemetry`](super::Telemetry).
///
/// An operation that was never recorded takes some 3 KB. Recording adds 37 KB for each stripe that
/// is recorded into (as many as the machine has cores, to the next power of two, and no more than 16),
/// 37 KB for turning the windows, and 18 KB for each of their up to 22 slices, each when it is used
/// for the first time: 0.5 to 1 MB for an operation that goes on all the time. A counter takes 8 bytes
/// for each thread that counts, an operation 56.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many operations; 256 by default.
    pub max_operations: usize,
    /// At most this many counters; 1,024 by default.
    pub max_counters: usize,
    /// At most this many gauges; 1,024 by default.
    pub max_gauges: usize,
    /// At most this many bytes a name; 128 by default.
    pub max_name_bytes: usize,
    /// The lengths of the sliding windows; 10 seconds and 1 minute by default. Each is cut into ten
    /// slices of at least a millisecond.
    pub windows: [Duration; 2],
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_operations: 256,
            max_counters: 1024,
            max_gauges: 1024,
            max_name_bytes: 128,
            windows: [Duration::from_secs(10), Duration::from_secs(60)],
        }
    }
}
