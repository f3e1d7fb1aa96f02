//! Reading what a run left on disk, file by file.
//!
//! Owns the walk over result directories and the checks that a file must pass before its numbers
//! count: [`criterion`]'s and [`callgrind`]'s own formats, and the [`samples`] of the harness. A
//! file that fails a check becomes a [`ReadError`] that names it; it hides no other file, and no
//! file is left out in silence. Whether a result is fresh enough, and what it means for a budget,
//! is judged elsewhere.

pub mod callgrind;
pub mod criterion;
pub mod samples;

mod files;

#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::PathBuf;

pub use callgrind::{CallgrindResults, CallgrindRun};
pub use criterion::{CriterionBenchmark, CriterionResults, Estimate, Throughput};
pub use samples::{SampleFile, SampleResults};

/// The largest result file that is read, in bytes.
pub const MAX_FILE_BYTES: u64 = 64 << 20;

/// How many directories may lie within one another below a result directory.
pub const MAX_DEPTH: usize = 32;

/// A result that can't be used.
#[derive(Debug)]
pub struct ReadError {
    /// The file, or the directory.
    pub path: PathBuf,
    /// The operation whose result it would have been, where that much could be read.
    pub operation: Option<String>,
    /// What is wrong with it.
    pub problem: Problem,
}

/// What is wrong with a result file.
#[derive(Debug)]
pub enum Problem {
    /// The system could not read it.
    Io(io::Error),
    /// It is larger than [`MAX_FILE_BYTES`].
    TooLarge,
    /// It holds directories more than [`MAX_DEPTH`] deep.
    TooDeep,
    /// Its text is no JSON, or not of the form that the format prescribes.
    Json {
        /// Line, from 1; 0 where the place is unknown.
        line: usize,
        /// Column in bytes, from 1; 0 at the very start of a line.
        column: usize,
        /// What was found and what was expected.
        reason: String,
    },
    /// A file that a finished measurement leaves is not there.
    Unfinished {
        /// The file's name.
        missing: &'static str,
    },
    /// The form that criterion wrote before 0.3.3.
    OldCriterion,
    /// A version of the format that this reader does not know.
    Version {
        /// The file's version.
        found: String,
        /// The versions that can be read.
        known: &'static str,
    },
    /// A value breaks a rule of the format.
    Value {
        /// Where: `iters[3]`.
        place: String,
        /// What was found.
        found: String,
        /// What the rule asks for.
        rule: &'static str,
    },
    /// A sample of another run.
    Foreign {
        /// The run that it belongs to.
        found: String,
    },
    /// A summary without a new count of instructions.
    NotCounted {
        /// The tools that the summary does speak of.
        tools: Vec<String>,
    },
    /// The run failed by the limits that its own runner was given.
    Regressed {
        /// How many of those limits were broken.
        limits: usize,
    },
}

impl Problem {
    /// A value at `place` that breaks `rule`.
    fn value(place: &str, found: impl fmt::Display, rule: &'static str) -> Self {
        Self::Value { place: place.to_owned(), found: format!("{found}"), rule }
    }

    /// This problem of the file at `path`, when nothing is known of its operation.
    fn at(self, path: impl Into<PathBuf>) -> ReadError {
        ReadError { path: path.into(), operation: None, problem: self }
    }
}

impl From<serde_json::Error> for Problem {
    fn from(error: serde_json::Error) -> Self {
        let (line, column) = (error.line(), error.column());
        let text = error.to_string();
        let place = format!(" at line {line} column {column}");
        let reason = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        Self::Json { line, column, reason }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Problem::Json { line: line @ 1.., column, .. } = self.problem {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.problem)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "{error}"),
            Self::TooLarge => write!(f, "larger than {MAX_FILE_BYTES} bytes"),
            Self::TooDeep => write!(f, "more than {MAX_DEPTH} directories deep"),
            Self::Json { reason, .. } => f.write_str(reason),
            Self::Unfinished { missing } => {
                write!(f, "`{missing}` is missing: the measurement did not finish")
            }
            Self::OldCriterion => f.write_str(
                "written by a criterion before 0.3.3, whose form is not read: measure again with \
                 a newer one",
            ),
            Self::Version { found, known } => {
                write!(f, "version {found} of the format is not read, only {known}")
            }
            Self::Value { place, found, rule } => {
                write!(f, "`{place}` is {found}, but must be {rule}")
            }
            Self::Foreign { found } => write!(f, "belongs to another run, `{found}`"),
            Self::NotCounted { tools } if tools.is_empty() => {
                f.write_str("counted no instructions: no tool ran")
            }
            Self::NotCounted { tools } => {
                write!(f, "counted no instructions: only {} ran", tools.join(", "))
            }
            Self::Regressed { limits } => {
                write!(f, "its runner found limits of its own broken: {limits}")
            }
        }
    }
}

impl std::error::Error for ReadError {}

impl std::error::Error for Problem {}
