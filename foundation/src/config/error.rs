//! What is wrong with a schema, a value, a file or a read.

use std::fmt;
use std::sync::Arc;

use thiserror::Error;

use super::{Kind, Source, Value, duration};

/// How many problems of a rejection are listed; the others are counted.
const MAX_PROBLEMS: usize = 100;

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
    /// A path is not made of lowercase letters, digits and single `_` within its parts. A `__`, or a
    /// `_` at the edge of a part, would make two keys one variable of the environment.
    #[error(
        "the path `{path}` is not made of lowercase letters and digits, with a dot or a single `_` \
         between them"
    )]
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

/// One thing wrong with values that were to be set. Shows no value of a [`Secret`](super::Secret).
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// The key as it was given; `None` where a whole document cannot be read.
    pub key: Option<String>,
    /// Where the value comes from.
    pub source: Source,
    /// What is wrong with it.
    pub violation: Violation,
}

/// What is wrong with a value or its key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
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
    /// Nothing sets the key, which has no default.
    Missing {
        /// The key's rule: what the value must be.
        rule: String,
        /// The variable that sets it, if the environment is read.
        variable: Option<String>,
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
    /// The file or directory cannot be read.
    Unreadable {
        /// What the operating system says.
        reason: String,
    },
    /// The directory has too many files.
    TooManyFiles {
        /// How many are read at most: 256.
        limit: usize,
    },
}

/// Every problem of an update or of what was read; at least one.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejection {
    /// The problems, at most 100: those of documents and of the environment, then those of files in
    /// the order in which they are read; those of one text in the order of their places. What is
    /// missing is looked for when nothing else is wrong.
    pub problems: Vec<Problem>,
    /// How many more problems there are.
    pub more: usize,
}

/// Why an update changed nothing.
#[derive(Clone, Debug, Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// Something is wrong with the values.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The edit read a key that cannot be read so.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The update or reload was asked for by the edit of an update of the same configuration.
    #[error("an edit cannot update the configuration that it edits")]
    Nested,
    /// The edit gave up for a reason of its own: [`UpdateError::aborted`].
    #[error(transparent)]
    Aborted(Arc<dyn std::error::Error + Send + Sync>),
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

impl Rejection {
    /// One in the making: see [`or`](Self::or).
    pub(super) const fn none() -> Self {
        Self { problems: Vec::new(), more: 0 }
    }

    /// Whether one more problem would only be counted.
    pub(super) fn is_full(&self) -> bool {
        self.problems.len() >= MAX_PROBLEMS
    }

    /// Lists one more problem, or counts it.
    pub(super) fn add(&mut self, problem: Problem) {
        if self.is_full() {
            self.more += 1;
        } else {
            self.problems.push(problem);
        }
    }

    /// What was read; nothing, and its problems here, if it was refused.
    pub(super) fn accept<T: Default>(&mut self, read: Result<T, Self>) -> T {
        read.unwrap_or_else(|refused| {
            self.more += refused.more;
            for problem in refused.problems {
                self.add(problem);
            }
            T::default()
        })
    }

    /// `value`, if nothing is wrong.
    pub(super) fn or<T>(self, value: T) -> Result<T, Self> {
        if self.problems.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl UpdateError {
    /// What an edit returns to give up for a reason of its own: an error or a text.
    ///
    /// ```
    /// use foundation::config::{self, Config, Schema, UpdateError};
    ///
    /// let config = Config::new(Schema::new(&[config::KEYS])?);
    /// let refused = config.update(|draft| {
    ///     draft.set("foundation.registry.max_names", 5)?;
    ///     Err(UpdateError::aborted("the disk is full"))
    /// });
    /// assert_eq!(refused.unwrap_err().to_string(), "the disk is full");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn aborted(reason: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Aborted(reason.into().into())
    }
}

impl PartialEq for UpdateError {
    /// A reason of an edit's own is equal to its clones only.
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Rejected(left), Self::Rejected(right)) => left == right,
            (Self::Read(left), Self::Read(right)) => left == right,
            (Self::Nested, Self::Nested) => true,
            (Self::Aborted(left), Self::Aborted(right)) => Arc::ptr_eq(left, right),
            _ => false,
        }
    }
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
            Self::Missing { rule, variable } => {
                write!(f, "must be {rule}, but is not set; it can be set in a file")?;
                let Some(variable) = variable else { return Ok(()) };
                write!(f, " or by the variable {variable}")
            }
            Self::Syntax { message } => write!(f, "{message}"),
            Self::TooLong { bytes, limit } => {
                write!(f, "the file has {bytes} bytes, the limit is {limit}")
            }
            Self::Unreadable { reason } => write!(f, "cannot be read: {reason}"),
            Self::TooManyFiles { limit } => {
                write!(f, "the directory has more files than the limit of {limit}")
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let source @ (Source::File { .. } | Source::Environment { .. }) = &self.source {
            write!(f, "{source}: ")?;
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
        Kind::Secret => "a secret",
    }
}
