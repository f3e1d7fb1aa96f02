//! Reading values from a TOML document, with the place of everything that is wrong in it.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Place, Problem, Rejection, Violation};
use super::{KeySpec, Kind, Schema, Value, duration};

/// The longest document that is read.
const MAX_DOCUMENT_BYTES: usize = 1 << 20;

/// How many problems of a document are reported; the others are counted.
pub(super) const MAX_PROBLEMS: usize = 100;

/// One document on its way into values.
struct Reading<'a> {
    schema: &'a Schema,
    /// How many parts the path of a key has at most, and how many bytes: a table that lies deeper
    /// holds no key.
    deepest: usize,
    longest: usize,
    found: Vec<(usize, Value)>,
    problems: Vec<Found>,
}

/// A problem and the byte where it stands. Its line is counted, and its hint looked for, only if it
/// is reported.
struct Found {
    at: Option<usize>,
    key: Option<String>,
    violation: Violation,
}

/// The values in `text`, each with the index of its key, or everything that is wrong with it.
pub(super) fn read(
    schema: &Schema,
    text: &str,
    source: &str,
) -> Result<Vec<(usize, Value)>, Rejection> {
    let bytes = text.len();
    if bytes > MAX_DOCUMENT_BYTES {
        let violation = Violation::TooLong { bytes, limit: MAX_DOCUMENT_BYTES };
        let problem = Found { at: Some(0), key: None, violation };
        return Err(rejection(vec![problem], schema, "", source));
    }
    let paths = || schema.keys().iter().map(KeySpec::path);
    let mut reading = Reading {
        schema,
        deepest: paths().map(|path| path.split('.').count()).max().unwrap_or(0),
        longest: paths().map(str::len).max().unwrap_or(0),
        found: Vec::new(),
        problems: Vec::new(),
    };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let at = error.span().map(|span| span.start);
        let violation = Violation::Syntax { message: error.message().to_owned() };
        reading.problems.push(Found { at, key: None, violation });
    }
    // What a parser recovers from broken text is guesswork: its keys are judged only in a document
    // that can be read.
    if reading.problems.is_empty() {
        reading.table("", 1, document.get_ref());
    }
    if reading.problems.is_empty() {
        Ok(reading.found)
    } else {
        Err(rejection(reading.problems, schema, text, source))
    }
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
                    let at = Some(key.span().start);
                    self.problems.push(Found { at, key: Some(path), violation });
                }
            }
        }
    }

    fn value(&mut self, index: usize, spec: &KeySpec, value: &Spanned<DeValue<'_>>) {
        match converted(spec, value.get_ref()).and_then(|value| spec.check(value)) {
            Ok(value) => self.found.push((index, value)),
            Err(violation) => {
                let (at, key) = (Some(value.span().start), Some(spec.path().to_owned()));
                self.problems.push(Found { at, key, violation });
            }
        }
    }
}

/// The first problems, with their places in `text`, and the number of the others.
fn rejection(mut found: Vec<Found>, schema: &Schema, text: &str, source: &str) -> Rejection {
    found.sort_by_key(|problem| problem.at);
    let more = found.len().saturating_sub(MAX_PROBLEMS);
    found.truncate(MAX_PROBLEMS);
    let line_starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let place = |at: usize| {
        let line = line_starts.partition_point(|start| *start <= at);
        let line_start = line_starts.get(line - 1).copied().unwrap_or(0);
        let column = text.get(line_start..at).map_or(0, |before| before.chars().count()) + 1;
        Place { source: source.to_owned(), line, column }
    };
    let problems = found.into_iter().map(|Found { at, key, mut violation }| {
        if let (Violation::UnknownKey { nearest }, Some(key)) = (&mut violation, &key) {
            *nearest = schema.nearest(key);
        }
        Problem { place: at.map(place), key, violation }
    });
    Rejection { problems: problems.collect(), more }
}

/// The path of `key` under `prefix`. A quoted key that is empty or has a dot in it is no part of a
/// path, so it keeps its quotes and is unknown.
fn joined(prefix: &str, key: &str) -> String {
    let quote = if key.is_empty() || key.contains('.') { "\"" } else { "" };
    let dot = if prefix.is_empty() { "" } else { "." };
    format!("{prefix}{dot}{quote}{key}{quote}")
}

/// The TOML value as the key takes it, before its rule is checked.
fn converted(spec: &KeySpec, value: &DeValue<'_>) -> Result<Value, Violation> {
    let read = match value {
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().ok().map(Value::Float),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::String(text) if spec.kind() == Kind::Duration => {
            duration::read(text).map(Value::Duration)
        }
        DeValue::String(text) => Some(Value::Text(text.as_ref().into())),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    read.ok_or_else(|| {
        let found = match value {
            DeValue::Integer(number) => format!("{}, which is out of range", number.as_str()),
            DeValue::String(text) => format!("{text:?}"),
            other => format!("of type {}", other.type_str()),
        };
        spec.wrong_kind(found)
    })
}
