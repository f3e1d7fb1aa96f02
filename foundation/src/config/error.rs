//! What is wrong with a schema, a value, a file or a read.

use std::fmt;

use thiserror::Error;

use super::file::MAX_PROBLEMS;
use super::{Kind, Value, duration};

/// Why keys make no [`Schema`](super::Schema). All of these are mistakes of the crate that describes
/// the keys.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum SchemaError {
    /// Two keys have the same path.
    #[error("the key `{path}` is described twice")]
    Duplicate {
        /// The path.
        path: &'static str,
    },
    /// One key's path goes through another key, which no file could hold.
    #[error("the key `{path}` lies under the key `{under}`")]
    Nested {
        /// The longer path.
        path: &'static str,
        /// The shorter one.
        under: &'static str,
    },
    /// A path is not made of lowercase letters, digits and `_` between dots.
    #[error("the path `{path}` is not made of lowercase letters, digits and `_` between dots")]
    Path {
        /// The path.
        path: &'static str,
    },
    /// A default breaks its own rule.
    #[error("the default of `{path}` {violation}")]
    Default {
        /// The path.
        path: &'static str,
        /// What is wrong with it.
        violation: Violation,
    },
}

/// One thing wrong with values that were to be set.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The key as it was given; `None` where a file cannot be read as TOML.
    pub key: Option<String>,
    /// Where it stands, if it came from a file.
    pub place: Option<Place>,
    /// What is wrong with it.
    pub violation: Violation,
}

/// A place in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// What the caller called the file.
    pub source: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
}

/// What is wrong with a value or its key.
#[derive(Clone, Debug, PartialEq)]
pub enum Violation {
    /// No key has this path.
    UnknownKey {
        /// A key that is written almost like it.
        nearest: Option<&'static str>,
    },
    /// The value is of another kind.
    Kind {
        /// The key's kind.
        expected: Kind,
        /// The key's rule: what the value must be.
        rule: String,
        /// What was given.
        found: String,
    },
    /// The value breaks the key's rule.
    Rule {
        /// The rule: what the value must be.
        rule: String,
        /// What was given.
        found: Value,
    },
    /// The file is not TOML.
    Syntax {
        /// What the parser says.
        message: String,
    },
    /// The file is too long to be read.
    TooLong {
        /// Its length.
        bytes: usize,
        /// The longest that is read: 1 MiB.
        limit: usize,
    },
}

/// Every problem of an update or a file; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The problems; those of a file in the order of their places, and the first 100 of them.
    pub problems: Vec<Problem>,
    /// How many more problems the file has.
    pub more: usize,
}

/// Why an update changed nothing.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum UpdateError {
    /// Something is wrong with the values.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The edit read a key that cannot be read so.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The update was asked for by the edit of another update of the same configuration.
    #[error("an edit cannot update the configuration that it edits")]
    Nested,
}

/// Why a key cannot be read.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum ReadError {
    /// No key has this path.
    #[error("there is no key `{path}`{}", hint(*.nearest))]
    UnknownKey {
        /// The path asked for.
        path: String,
        /// A key that is written almost like it.
        nearest: Option<&'static str>,
    },
    /// Not every value of the key fits the type asked for.
    #[error("the key `{path}` is {kind} and cannot be read as `{asked}`", kind = described(*.kind))]
    Type {
        /// The path asked for.
        path: String,
        /// The key's kind.
        kind: Kind,
        /// The type asked for.
        asked: &'static str,
    },
}

impl From<Problem> for Rejection {
    fn from(problem: Problem) -> Self {
        Self { problems: vec![problem], more: 0 }
    }
}

impl From<Problem> for UpdateError {
    fn from(problem: Problem) -> Self {
        Self::Rejected(problem.into())
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownKey { nearest } => write!(f, "is no known key{}", hint(*nearest)),
            Self::Kind { expected: Kind::Duration, rule, found } => {
                write!(f, "must be {rule}, written as {}, but is {found}", duration::FORM)
            }
            Self::Kind { rule, found, .. } => write!(f, "must be {rule}, but is {found}"),
            Self::Rule { rule, found } => write!(f, "must be {rule}, but is {found}"),
            Self::Syntax { message } => write!(f, "{message}"),
            Self::TooLong { bytes, limit } => {
                write!(f, "the file has {bytes} bytes, the limit is {limit}")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(Place { source, line, column }) = &self.place {
            write!(f, "{source}:{line}:{column}: ")?;
        }
        if let Some(key) = &self.key {
            write!(f, "`{key}` ")?;
        }
        write!(f, "{}", self.violation)
    }
}

impl std::error::Error for Problem {}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, problem) in self.problems.iter().enumerate() {
            let separator = if at == 0 { "" } else { "\n" };
            write!(f, "{separator}{problem}")?;
        }
        match self.more {
            0 => Ok(()),
            more => write!(f, "\nand {more} more; at most {MAX_PROBLEMS} are listed"),
        }
    }
}

impl std::error::Error for Rejection {}

/// The end of a sentence about a key that was not found.
fn hint(nearest: Option<&str>) -> String {
    nearest.map_or_else(String::new, |nearest| format!("; did you mean `{nearest}`?"))
}

/// The kind in a sentence.
fn described(kind: Kind) -> &'static str {
    match kind {
        Kind::Integer => "an integer",
        Kind::Float => "a float",
        Kind::Bool => "a bool",
        Kind::Text => "a text",
        Kind::Duration => "a duration",
    }
}
