//! Reading values from a TOML document, with the place of everything that is wrong in it.

use std::sync::Arc;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Problem, Rejection, Violation};
use super::snapshot::Held;
use super::{KeySpec, Kind, Schema, Source, Value, duration};

/// The longest document that is read.
pub(super) const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// One document on its way into values.
struct Reading<'a> {
    schema: &'a Schema,
    /// How many parts the path of a key has at most, and how many bytes: a table that lies deeper
    /// holds no key.
    deepest: usize,
    longest: usize,
    lines: Lines<'a>,
    found: Vec<(usize, Held)>,
    problems: Vec<Found>,
}

/// Where the lines of a document begin.
struct Lines<'a> {
    path: &'a Arc<str>,
    text: &'a str,
    starts: Vec<usize>,
}

/// A problem and the byte where it stands. Its line is counted, and its hint looked for, only if it
/// is reported.
struct Found {
    at: usize,
    key: Option<String>,
    violation: Violation,
}

/// The values in the document `text`, called `path`, each with the index of its key, or everything
/// that is wrong with it.
pub(super) fn read(
    schema: &Schema,
    text: &str,
    path: &Arc<str>,
) -> Result<Vec<(usize, Held)>, Rejection> {
    let bytes = text.len();
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(whole(path, too_long(bytes)));
    }
    let paths = || schema.keys().iter().map(KeySpec::path);
    let mut reading = Reading {
        schema,
        deepest: paths().map(|path| path.split('.').count()).max().unwrap_or(0),
        longest: paths().map(str::len).max().unwrap_or(0),
        lines: Lines::new(path, text),
        found: Vec::new(),
        problems: Vec::new(),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        // The message alone: the whole error quotes the line, which may hold a secret.
        let violation = Violation::Syntax { message: error.message().to_owned() };
        let at = error.span().map_or(0, |span| span.start);
        reading.problems.push(Found { at, key: None, violation });
    }
    // What a parser recovers from broken text is guesswork: its keys are judged only in a document
    // that can be read.
    if reading.problems.is_empty() {
        reading.table("", 1, document.get_ref());
    }
    reading.finish()
}

/// What is wrong with a document of so many bytes.
pub(super) fn too_long(bytes: usize) -> Violation {
    Violation::TooLong { bytes, limit: MAX_DOCUMENT_BYTES }
}

/// A problem of the document `path` as a whole.
pub(super) fn whole(path: &Arc<str>, violation: Violation) -> Rejection {
    Problem { key: None, source: Source::document(Arc::clone(path)), violation }.into()
}

impl Reading<'_> {
    /// Reads a table whose keys lie under `prefix` and have paths of `depth` parts.
    fn table(&mut self, prefix: &str, depth: usize, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = joined(prefix, key.get_ref());
            match (self.schema.find(&path), value.get_ref()) {
                (Some((index, spec)), _) => self.value(index, spec, value),
                (None, DeValue::Table(inner))
                    if depth < self.deepest && path.len() < self.longest =>
                {
                    self.table(&path, depth + 1, inner);
                }
                (None, _) => {
                    // An unknown key is the key's fault, anything else the value's.
                    let violation = Violation::UnknownKey { nearest: None };
                    let at = key.span().start;
                    self.problems.push(Found { at, key: Some(path), violation });
                }
            }
        }
    }

    fn value(&mut self, index: usize, spec: &KeySpec, value: &Spanned<DeValue<'_>>) {
        let at = value.span().start;
        match converted(spec, value.get_ref()).and_then(|value| spec.check(value)) {
            Ok(value) => {
                self.found.push((index, Held { value, source: self.lines.source(at) }));
            }
            Err(violation) => {
                self.problems.push(Found { at, key: Some(spec.path().to_owned()), violation });
            }
        }
    }

    /// What was found, or the problems in the order of their places.
    fn finish(mut self) -> Result<Vec<(usize, Held)>, Rejection> {
        let mut rejection = Rejection::none();
        self.problems.sort_by_key(|problem| problem.at);
        for Found { at, key, mut violation } in self.problems {
            if rejection.is_full() {
                rejection.more += 1;
                continue;
            }
            if let (Violation::UnknownKey { nearest }, Some(key)) = (&mut violation, &key) {
                *nearest = self.schema.nearest(key);
            }
            rejection.add(Problem { key, source: self.lines.source(at), violation });
        }
        rejection.or(self.found)
    }
}

impl<'a> Lines<'a> {
    fn new(path: &'a Arc<str>, text: &'a str) -> Self {
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self { path, text, starts: std::iter::once(0).chain(starts).collect() }
    }

    /// The place of the byte `at`.
    fn source(&self, at: usize) -> Source {
        let line = self.starts.partition_point(|start| *start <= at);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = self.text.get(start..at).map_or(0, |before| before.chars().count()) + 1;
        Source::File { path: Arc::clone(self.path), line, column }
    }
}

/// The path of `key` under `prefix`. A quoted key that is empty or has a dot in it is no part of a
/// path, so it keeps its quotes and is unknown.
fn joined(prefix: &str, key: &str) -> String {
    let quote = if key.is_empty() || key.contains('.') { "\"" } else { "" };
    let dot = if prefix.is_empty() { "" } else { "." };
    format!("{prefix}{dot}{quote}{key}{quote}")
}

/// The TOML value as the key takes it, before its rule is checked.
pub(super) fn converted(spec: &KeySpec, value: &DeValue<'_>) -> Result<Value, Violation> {
    let read = match value {
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().ok().map(Value::Float),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::String(text) if spec.kind() == Kind::Duration => {
            duration::read(text).map(Value::Duration)
        }
        // At once: memory that held it as a mere text would be given back as it is.
        DeValue::String(text) if spec.kind() == Kind::Secret => {
            Some(Value::Secret(text.as_ref().into()))
        }
        DeValue::String(text) => Some(Value::Text(text.as_ref().into())),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    let found = || match value {
        DeValue::Integer(number) => format!("{}, which is out of range", number.as_str()),
        DeValue::String(text) => format!("{text:?}"),
        other => format!("of type {}", other.type_str()),
    };
    read.ok_or_else(|| spec.wrong_kind(found))
}
