//! Reading values from a TOML document, with the place of everything that is wrong in it.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::draft::checked;
use super::error::{Place, Problem, Rejection, Violation};
use super::{Kind, Schema, Value, duration};

/// One document on its way into values.
struct Reading<'a> {
    schema: &'a Schema,
    text: &'a str,
    source: &'a str,
    found: Vec<(usize, Value)>,
    problems: Vec<Problem>,
}

/// The values in `text`, each with the index of its key, or everything that is wrong with it.
pub(super) fn read(
    schema: &Schema,
    text: &str,
    source: &str,
) -> Result<Vec<(usize, Value)>, Rejection> {
    let mut reading = Reading { schema, text, source, found: Vec::new(), problems: Vec::new() };
    let (document, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error.span().map(|span| reading.place(&span));
        let message = error.message().to_owned();
        reading.problems.push(Problem {
            key: None,
            place,
            violation: Violation::Syntax { message },
        });
    }
    // What a parser recovers from broken text is guesswork: its keys are judged only in a document
    // that can be read.
    if reading.problems.is_empty() {
        reading.table("", document.get_ref());
    }
    if reading.problems.is_empty() {
        Ok(reading.found)
    } else {
        let mut problems = reading.problems;
        problems
            .sort_by_key(|problem| problem.place.as_ref().map(|place| (place.line, place.column)));
        Err(Rejection { problems })
    }
}

impl Reading<'_> {
    /// Reads a table whose keys lie under `prefix`. The parser bounds how deep tables nest.
    fn table(&mut self, prefix: &str, table: &DeTable<'_>) {
        for (key, value) in table {
            let path = joined(prefix, key.get_ref());
            match value.get_ref() {
                DeValue::Table(inner) if self.schema.key(&path).is_none() => {
                    self.table(&path, inner);
                }
                _ => self.value(path, &key.span(), value),
            }
        }
    }

    fn value(&mut self, path: String, key_span: &Range<usize>, value: &Spanned<DeValue<'_>>) {
        let (span, violation) = match self.schema.key(&path).map(super::KeySpec::kind) {
            // An unknown key is the key's fault, anything else the value's.
            None => {
                let nearest = self.schema.nearest(&path);
                (key_span.clone(), Violation::UnknownKey { nearest })
            }
            Some(kind) => {
                let checked = converted(kind, value.get_ref())
                    .and_then(|value| checked(self.schema, &path, value));
                match checked {
                    Ok(found) => return self.found.push(found),
                    Err(violation) => (value.span(), violation),
                }
            }
        };
        let place = Some(self.place(&span));
        self.problems.push(Problem { key: Some(path), place, violation });
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place {
            source: self.source.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().chars().count() + 1,
        }
    }
}

/// The path of `key` under `prefix`. A quoted key with a dot in it is no path of two parts, so it
/// keeps its quotes and is unknown.
fn joined(prefix: &str, key: &str) -> String {
    let quote = if key.contains('.') { "\"" } else { "" };
    let dot = if prefix.is_empty() { "" } else { "." };
    format!("{prefix}{dot}{quote}{key}{quote}")
}

/// The TOML value as a key of kind `kind` takes it.
fn converted(kind: Kind, value: &DeValue<'_>) -> Result<Value, Violation> {
    let read = match value {
        DeValue::Integer(number) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(Value::Integer)
        }
        DeValue::Float(number) => number.as_str().parse().ok().map(Value::Float),
        DeValue::Boolean(value) => Some(Value::Bool(*value)),
        DeValue::String(text) if kind == Kind::Duration => {
            duration::read(text).map(Value::Duration)
        }
        DeValue::String(text) => Some(Value::Text(text.as_ref().into())),
        DeValue::Datetime(_) | DeValue::Array(_) | DeValue::Table(_) => None,
    };
    read.ok_or_else(|| {
        let found = match value {
            DeValue::Integer(number) => format!("{}, which is out of range", number.as_str()),
            DeValue::String(text) => format!("{text:?}, which is not {}", duration::FORM),
            other => format!("of type {}", other.type_str()),
        };
        Violation::Kind { expected: kind, found }
    })
}
