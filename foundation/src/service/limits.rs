//! The bounds of a directory of services.

/// The bounds of a directory of services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many services at a time, 1,024 by default. One that was told to stop counts
    /// until it has ended, except when its start was given up.
    pub max_services: usize,
    /// At most this many watches and waits for readiness at a time, 4,096 by default.
    pub max_watches: usize,
    /// How many ended services keep their last report, 64 by default; the one that ended first is
    /// forgotten first. One that is watched is not counted and not forgotten.
    pub max_remembered: usize,
    /// How many bytes of a reason's text are kept, 1,024 by default. The rest is cut off.
    pub max_why_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_services: 1024, max_watches: 4096, max_remembered: 64, max_why_bytes: 1024 }
    }
}
