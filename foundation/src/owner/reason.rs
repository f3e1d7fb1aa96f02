//! Why a lifetime ended.

use std::fmt;
use std::sync::Arc;

/// Why a lifetime ended. The words are OTP's.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Its work was done.
    Normal,
    /// It was asked to stop.
    Shutdown,
    /// It was ended from outside without being asked.
    Killed,
    /// Its code panicked; the message.
    Panic(Arc<str>),
    /// It gave up; its own words.
    Failed(Arc<str>),
    /// It did not do in time what it was given a time for.
    Deadline,
    /// It kept more memory than it was allowed.
    MemoryLimit,
    /// It had ended before the monitor was set up, or never lived.
    NoProc,
}

impl Reason {
    /// Whether this is an end as intended: [`Normal`](Self::Normal) or [`Shutdown`](Self::Shutdown).
    pub const fn is_intended(&self) -> bool {
        matches!(self, Self::Normal | Self::Shutdown)
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Killed => f.write_str("killed"),
            Self::Panic(message) => write!(f, "panic: {message}"),
            Self::Failed(why) => write!(f, "failed: {why}"),
            Self::Deadline => f.write_str("deadline passed"),
            Self::MemoryLimit => f.write_str("memory limit exceeded"),
            Self::NoProc => f.write_str("noproc"),
        }
    }
}
