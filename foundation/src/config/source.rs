//! Where a value comes from.

use std::fmt;
use std::sync::Arc;

/// Where a value, or what is wrong with one, comes from. Cloning costs one reference count at most.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Source {
    /// The key's own description.
    Default,
    /// A TOML document.
    File {
        /// The file as it was named to the configuration.
        path: Arc<str>,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
    },
    /// A variable of the environment.
    Environment {
        /// The variable's whole name.
        variable: Arc<str>,
    },
    /// The running program: [`Draft::set`](super::Draft::set).
    Override,
}

impl Source {
    /// The beginning of the document `path`: the place of what concerns the document as a whole.
    pub(super) fn document(path: Arc<str>) -> Self {
        Self::File { path, line: 1, column: 1 }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File { path, line, column } => write!(f, "{path}:{line}:{column}"),
            Self::Environment { variable } => f.write_str(variable),
            Self::Override => f.write_str("the running program"),
        }
    }
}
