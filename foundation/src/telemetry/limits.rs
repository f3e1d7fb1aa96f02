//! The bounds of a telemetry, and what an operation may cost in memory.

use std::time::Duration;

/// The bounds of a [`Telemetry`](super::Telemetry).
///
/// A value beyond the hard bounds below is taken for the bound itself;
/// [`Telemetry::limits`](super::Telemetry::limits) tells what came of it.
///
/// An operation that was never recorded takes some 3 KB. Recording adds 37 KB for each stripe that
/// is recorded into (as many as the machine has cores, to the next power of two, and no more than 16),
/// 37 KB for turning the windows, and 18 KB for each of their up to 22 slices, each when it is used
/// for the first time: 0.5 to 1 MB for an operation that goes on all the time. A counter takes 8 bytes
/// for each thread that counts, an operation 56. All telemetries of a process share 65,472 cells, of
/// which a counter takes one and an operation seven.
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
    /// slices.
    pub windows: [Duration; 2],
}

impl Limits {
    /// No telemetry has more operations, counters or gauges than this, of each.
    pub const MAX_NAMES: usize = 65_536;

    /// No name has more bytes than this.
    pub const MAX_NAME_BYTES: usize = 4_096;

    /// No window is shorter: a slice is a millisecond then.
    pub const MIN_WINDOW: Duration = Duration::from_millis(10);

    /// No window is longer. A window forgets 2^32 durations if it has so many in one bucket of its
    /// histogram: in an hour 1.2 million a second, all equally long.
    pub const MAX_WINDOW: Duration = Duration::from_secs(60 * 60);

    /// The limits within the hard bounds.
    pub(super) fn clamped(self) -> Self {
        Self {
            max_operations: self.max_operations.min(Self::MAX_NAMES),
            max_counters: self.max_counters.min(Self::MAX_NAMES),
            max_gauges: self.max_gauges.min(Self::MAX_NAMES),
            max_name_bytes: self.max_name_bytes.min(Self::MAX_NAME_BYTES),
            windows: self.windows.map(|span| span.clamp(Self::MIN_WINDOW, Self::MAX_WINDOW)),
        }
    }
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
