//! Why a command failed, in words for the person who typed it.

use std::fmt;
use std::path::Path;

/// A complete message. Commands have no caller that branches on a cause, so there is only text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Failure(String);

impl Failure {
    /// A failure with this message.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// An operation on a file that failed; `doing` completes "while …".
    pub(crate) fn file(doing: &str, path: &Path, error: &impl fmt::Display) -> Self {
        Self(format!("while {doing} {}: {error}", path.display()))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
