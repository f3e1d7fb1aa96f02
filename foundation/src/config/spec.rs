//! What a key is: its path, its default, the rule its values obey, and its meaning in a sentence.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::Violation;
use super::{Kind, Secret, Value, duration};

/// A key, as the crate that reads it describes it. Made in constants.
///
/// ```
/// use foundation::config::KeySpec;
///
/// const RETRIES: KeySpec =
///     KeySpec::integer("fetch.retries", 3, 0..=10).doc("How often a fetch is tried again.");
/// assert_eq!(RETRIES.rule().to_string(), "an integer from 0 to 10");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    path: &'static str,
    doc: &'static str,
    shape: Shape,
}

/// The rule of a key, for display: it completes the sentence "must be …".
#[derive(Clone, Copy, Debug)]
pub struct Rule(Shape);

/// The kind of a key with its default and its bounds, both inclusive.
#[derive(Clone, Copy, Debug)]
enum Shape {
    Integer { default: i64, min: i64, max: i64 },
    Float { default: f64, min: f64, max: f64 },
    Bool { default: bool },
    Text { default: &'static str, may_be_empty: bool },
    OneOf { default: &'static str, allowed: &'static [&'static str] },
    Duration { default: Duration, min: Duration, max: Duration },
    Secret { required: bool },
}

impl KeySpec {
    const fn new(path: &'static str, shape: Shape) -> Self {
        Self { path, doc: "", shape }
    }

    /// A key for a whole number within `range`.
    pub const fn integer(path: &'static str, default: i64, range: RangeInclusive<i64>) -> Self {
        Self::new(path, Shape::Integer { default, min: *range.start(), max: *range.end() })
    }

    /// A key for a finite number within `range`.
    pub const fn float(path: &'static str, default: f64, range: RangeInclusive<f64>) -> Self {
        Self::new(path, Shape::Float { default, min: *range.start(), max: *range.end() })
    }

    /// A key for yes or no.
    pub const fn bool(path: &'static str, default: bool) -> Self {
        Self::new(path, Shape::Bool { default })
    }

    /// A key for any text.
    pub const fn text(path: &'static str, default: &'static str) -> Self {
        Self::new(path, Shape::Text { default, may_be_empty: true })
    }

    /// A key for a text that is not empty.
    pub const fn non_empty_text(path: &'static str, default: &'static str) -> Self {
        Self::new(path, Shape::Text { default, may_be_empty: false })
    }

    /// A key for one of a few texts.
    pub const fn one_of(
        path: &'static str,
        default: &'static str,
        allowed: &'static [&'static str],
    ) -> Self {
        Self::new(path, Shape::OneOf { default, allowed })
    }

    /// A key for a length of time within `range`.
    pub const fn duration(
        path: &'static str,
        default: Duration,
        range: RangeInclusive<Duration>,
    ) -> Self {
        Self::new(path, Shape::Duration { default, min: *range.start(), max: *range.end() })
    }

    /// A key for a text that is never shown, read as a [`Secret`]. Empty until one is set.
    pub const fn secret(path: &'static str) -> Self {
        Self::new(path, Shape::Secret { required: false })
    }

    /// The same for one that must be set, and to a text that is not empty: a configuration that is
    /// built or read again without it is refused. [`Config::new`](super::Config::new), which reads
    /// nothing, leaves it empty.
    pub const fn required_secret(path: &'static str) -> Self {
        Self::new(path, Shape::Secret { required: true })
    }

    /// The same key with its meaning, a sentence or two of Markdown for the reference page.
    #[must_use]
    pub const fn doc(mut self, doc: &'static str) -> Self {
        self.doc = doc;
        self
    }

    /// The whole path: `foundation.registry.max_names`.
    pub const fn path(&self) -> &'static str {
        self.path
    }

    /// The meaning.
    pub const fn meaning(&self) -> &'static str {
        self.doc
    }

    /// What sort of value the key has.
    pub const fn kind(&self) -> Kind {
        match self.shape {
            Shape::Integer { .. } => Kind::Integer,
            Shape::Float { .. } => Kind::Float,
            Shape::Bool { .. } => Kind::Bool,
            Shape::Text { .. } | Shape::OneOf { .. } => Kind::Text,
            Shape::Duration { .. } => Kind::Duration,
            Shape::Secret { .. } => Kind::Secret,
        }
    }

    /// The value that holds until another one is set.
    pub fn default_value(&self) -> Value {
        match self.shape {
            Shape::Integer { default, .. } => Value::Integer(default),
            Shape::Float { default, .. } => Value::Float(default),
            Shape::Bool { default } => Value::Bool(default),
            Shape::Text { default, .. } | Shape::OneOf { default, .. } => {
                Value::Text(default.into())
            }
            Shape::Duration { default, .. } => Value::Duration(default),
            Shape::Secret { .. } => Value::Secret(Secret::default()),
        }
    }

    /// Whether the key has no default and must be set: [`required_secret`](Self::required_secret).
    pub const fn is_required(&self) -> bool {
        matches!(self.shape, Shape::Secret { required: true })
    }

    /// What every value of the key obeys.
    pub const fn rule(&self) -> Rule {
        Rule(self.shape)
    }

    /// The smallest and the largest value of an integer key.
    pub const fn integer_range(&self) -> Option<(i64, i64)> {
        match self.shape {
            Shape::Integer { min, max, .. } => Some((min, max)),
            _ => None,
        }
    }

    /// The value if it obeys the rule. A whole number given for a float is taken as one, and a text
    /// given for a secret as one.
    pub fn check(&self, value: Value) -> Result<Value, Violation> {
        let value = match (value, self.kind()) {
            #[expect(clippy::cast_precision_loss, reason = "a float key has a float's precision")]
            (Value::Integer(whole), Kind::Float) => Value::Float(whole as f64),
            (Value::Text(text), Kind::Secret) => Value::Secret((&*text).into()),
            (value, _) => value,
        };
        let obeys = match (&value, self.shape) {
            (Value::Integer(value), Shape::Integer { min, max, .. }) => (min..=max).contains(value),
            (Value::Float(value), Shape::Float { min, max, .. }) => {
                value.is_finite() && (min..=max).contains(value)
            }
            (Value::Bool(_), Shape::Bool { .. }) => true,
            (Value::Secret(secret), Shape::Secret { required }) => !required || !secret.is_empty(),
            (Value::Text(value), Shape::Text { may_be_empty, .. }) => {
                may_be_empty || !value.is_empty()
            }
            (Value::Text(value), Shape::OneOf { allowed, .. }) => allowed.contains(&&**value),
            (Value::Duration(value), Shape::Duration { min, max, .. }) => {
                (min..=max).contains(value)
            }
            _ => {
                return Err(self.wrong_kind(|| format!("{} {value}", value.kind())));
            }
        };
        if obeys {
            Ok(value)
        } else {
            Err(Violation::Rule { rule: self.rule().to_string(), found: value })
        }
    }

    /// What is wrong with what was `found`, which is of another kind. What was meant to be a secret is
    /// not written out.
    pub(super) fn wrong_kind(&self, found: impl FnOnce() -> String) -> Violation {
        let found = match self.kind() {
            Kind::Secret => "something else, which is not shown".to_owned(),
            _ => found(),
        };
        Violation::Kind { expected: self.kind(), rule: self.rule().to_string(), found }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Shape::Integer { min, max: i64::MAX, .. } => write!(f, "an integer of {min} or more"),
            Shape::Integer { min, max, .. } => write!(f, "an integer from {min} to {max}"),
            Shape::Float { min, max, .. } => write!(f, "a number from {min} to {max}"),
            Shape::Bool { .. } => f.write_str("true or false"),
            Shape::Text { may_be_empty: true, .. } | Shape::Secret { required: false } => {
                f.write_str("a text")
            }
            Shape::Text { .. } | Shape::Secret { .. } => f.write_str("a text that is not empty"),
            Shape::OneOf { allowed, .. } => {
                f.write_str("one of ")?;
                for (at, text) in allowed.iter().enumerate() {
                    let separator = if at == 0 { "" } else { ", " };
                    write!(f, "{separator}{text:?}")?;
                }
                Ok(())
            }
            Shape::Duration { min, max: Duration::MAX, .. } => {
                write!(f, "a duration of {} or more", duration::shown(min))
            }
            Shape::Duration { min, max, .. } => {
                let (min, max) = (duration::shown(min), duration::shown(max));
                write!(f, "a duration from {min} to {max}")
            }
        }
    }
}
