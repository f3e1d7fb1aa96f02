//! Taking the fields of one entry of a budgets file out of its table, each with its place; what is
//! wrong with a field is noted, and reading goes on.

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

use toml::de::{DeTable, DeValue};

use super::problem::Problems;
use crate::gate::similar::similar;
use crate::{Date, Quantity};

/// Words that people write for a key.
const OTHER_WORDS: [(&str, &str); 22] = [
    ("limit", "max"),
    ("maximum", "max"),
    ("at_most", "max"),
    ("upper", "max"),
    ("minimum", "min"),
    ("at_least", "min"),
    ("lower", "min"),
    ("name", "operation"),
    ("op", "operation"),
    ("benchmark", "operation"),
    ("measure", "metric"),
    ("team", "owner"),
    ("why", "reason"),
    ("comment", "reason"),
    ("peer", "relative_to"),
    ("baseline", "relative_to"),
    ("host", "machine"),
    ("until", "expires"),
    ("expiry", "expires"),
    ("ticket", "issue"),
    ("budgets", "budget"),
    ("waivers", "waiver"),
];

/// A value and the bytes that it was read from.
#[derive(Clone, Debug)]
pub(super) struct Placed<T> {
    pub(super) value: T,
    pub(super) span: Range<usize>,
}

/// A field is wrong, and that is noted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Noted;

/// One `[[budget]]` or `[[waiver]]`.
pub(super) struct Entry<'a, 'text> {
    table: &'a DeTable<'text>,
    /// The header, which is blamed for what is missing.
    pub(super) header: Range<usize>,
    /// `budget` or `waiver`.
    kind: &'static str,
}

impl<'a, 'text> Entry<'a, 'text> {
    /// The entry in `table`; keys that are not in `known` are noted.
    pub(super) fn new(
        table: &'a DeTable<'text>,
        header: Range<usize>,
        kind: &'static str,
        known: &[&str],
        problems: &mut Problems<'_>,
    ) -> Self {
        unknown_keys(table, known, problems);
        Self { table, header, kind }
    }

    /// Whether the entry has `key`, right or wrong.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// The bytes of the value of `key`, or of the header.
    pub(super) fn place(&self, key: &str) -> Range<usize> {
        self.table.get(key).map_or_else(|| self.header.clone(), toml::Spanned::span)
    }

    /// The text of `key`, if there is one and it is not empty.
    pub(super) fn text(
        &self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Placed<&'a str>> {
        let found = self.table.get(key)?;
        match found.get_ref() {
            DeValue::String(text) if text.trim().is_empty() => {
                problems.add(found.span(), format_args!("`{key}` is empty"));
                None
            }
            DeValue::String(text) => Some(Placed { value: text, span: found.span() }),
            other => {
                let message = format!("`{key}` must be a string, found {}", described(other));
                problems.add_with_help(found.span(), message, format!("write {key} = {example}"));
                None
            }
        }
    }

    /// The text of `key`, read as a `T`.
    pub(super) fn parsed<T>(
        &self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Placed<T>>
    where
        T: FromStr<Err: fmt::Display>,
    {
        let Placed { value, span } = self.text(key, example, problems)?;
        match value.parse() {
            Ok(value) => Some(Placed { value, span }),
            Err(error) => {
                problems.add(span, format_args!("`{key}`: {error}"));
                None
            }
        }
    }

    /// The text of `key`, which the entry may leave out.
    pub(super) fn optional(
        &self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Result<Option<String>, Noted> {
        match self.text(key, "\"…\"", problems) {
            Some(text) => Ok(Some(text.value.to_owned())),
            None if self.has(key) => Err(Noted),
            None => Ok(None),
        }
    }

    /// The text of `key`, which the entry must have.
    pub(super) fn required(
        &self,
        key: &'static str,
        problems: &mut Problems<'_>,
    ) -> Option<String> {
        self.require(key, "\"…\"", problems);
        self.text(key, "\"…\"", problems).map(|text| text.value.to_owned())
    }

    /// The quantity of `key`.
    pub(super) fn quantity(
        &self,
        key: &'static str,
        example: &str,
        problems: &mut Problems<'_>,
    ) -> Option<Placed<Quantity>> {
        self.parsed(key, example, problems)
    }

    /// The date of `key`.
    pub(super) fn date(&self, key: &'static str, problems: &mut Problems<'_>) -> Option<Date> {
        let found = self.table.get(key)?;
        let date = match found.get_ref() {
            DeValue::Datetime(moment) if moment.time.is_none() => moment.date,
            _ => None,
        };
        if date.is_none() {
            let message = format!("`{key}` must be a date, found {}", described(found.get_ref()));
            let help = format!("write {key} = 2027-01-31, without quotes and without a time");
            problems.add_with_help(found.span(), message, help);
        }
        date.map(|date| Date { year: date.year, month: date.month, day: date.day })
    }

    /// Notes that `key` is missing, unless the entry has it.
    pub(super) fn require(&self, key: &str, example: &str, problems: &mut Problems<'_>) {
        if !self.has(key) {
            let message = format!("this {} has no `{key}`", self.kind);
            problems.add_with_help(self.header.clone(), message, format!("add {key} = {example}"));
        }
    }
}

/// Notes every key of `table` that is not in `known`.
pub(super) fn unknown_keys(table: &DeTable<'_>, known: &[&str], problems: &mut Problems<'_>) {
    for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
        let word = key.get_ref();
        let message = match nearest(word, known) {
            Some(meant) => format!("unknown key `{word}`, did you mean `{meant}`?"),
            None => format!("unknown key `{word}`"),
        };
        let help = format!("known keys are {}", known.join(", "));
        problems.add_with_help(key.span(), message, help);
    }
}

/// A value in a sentence: "the integer 120".
fn described(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(_) => "a string".to_owned(),
        DeValue::Integer(number) => format!("the integer {number}"),
        DeValue::Float(number) => format!("the float {number}"),
        DeValue::Boolean(value) => format!("the boolean {value}"),
        DeValue::Datetime(moment) => format!("the date or time {moment}"),
        DeValue::Array(_) => "an array".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// The word of `known` that `word` most likely stands for.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let synonym = OTHER_WORDS.iter().find(|(other, _)| *other == lower);
    if let Some((_, meant)) = synonym
        && let Some(found) = known.iter().find(|candidate| *candidate == meant)
    {
        return Some(found);
    }
    similar(&lower, known.iter().copied())
}
