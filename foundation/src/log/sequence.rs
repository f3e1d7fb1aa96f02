//! The number of an entry, and where a subscription begins.

use std::fmt;

/// The number of an entry in a log: the first is 1, and there are no gaps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sequence(u64);

/// Where a subscription begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// With the first entry that is appended after the call.
    Next,
    /// With the oldest entry that is still kept.
    Oldest,
    /// With this entry. If it has been evicted, the first read reports how many were missed; if it
    /// does not exist yet, entries before it are skipped.
    At(Sequence),
}

impl Sequence {
    /// The number of the first entry of every log.
    pub const FIRST: Self = Self(1);

    /// The sequence number `number`; 0, which no entry has, stands for the first.
    pub const fn new(number: u64) -> Self {
        if number == 0 { Self::FIRST } else { Self(number) }
    }

    /// The number itself, 1 or more.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Sequence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}
