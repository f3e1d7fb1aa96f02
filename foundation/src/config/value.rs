//! Values and the types they are read as.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{KeySpec, Secret, duration};

/// The value of a key. Whole numbers of every type become one; those above `i64::MAX` become floats,
/// which no integer key takes. Cloning costs one reference count at most.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A whole number.
    Integer(i64),
    /// A number; never NaN or infinite once it passed its key's rule.
    Float(f64),
    /// Yes or no.
    Bool(bool),
    /// A text.
    Text(Arc<str>),
    /// A length of time.
    Duration(Duration),
    /// A text that is never shown.
    Secret(Secret),
}

/// What sort of value a key has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// [`Value::Integer`].
    Integer,
    /// [`Value::Float`].
    Float,
    /// [`Value::Bool`].
    Bool,
    /// [`Value::Text`].
    Text,
    /// [`Value::Duration`].
    Duration,
    /// [`Value::Secret`].
    Secret,
}

/// A type that a key can be read as.
///
/// Whether it can is decided by the key's rule, not by its present value, so that a read cannot
/// start to fail when a value changes.
pub trait FromValue: Sized {
    /// The type's name in an error.
    const TYPE: &'static str;

    /// Whether every value that the key's rule allows can be read as this type.
    fn reads(key: &KeySpec) -> bool;

    /// The value as this type: `Some` for every value of every key that [`reads`](Self::reads)
    /// accepts.
    fn from_value(value: &Value) -> Option<Self>;
}

impl Value {
    /// What sort of value this is.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Integer(_) => Kind::Integer,
            Self::Float(_) => Kind::Float,
            Self::Bool(_) => Kind::Bool,
            Self::Text(_) => Kind::Text,
            Self::Duration(_) => Kind::Duration,
            Self::Secret(_) => Kind::Secret,
        }
    }
}

impl fmt::Display for Value {
    /// As it is written in a TOML file, but for a secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Integer(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::Duration(value) => write!(f, "\"{}\"", duration::shown(*value)),
            Self::Secret(secret) => write!(f, "{secret}"),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Integer => "integer",
            Self::Float => "float",
            Self::Bool => "bool",
            Self::Text => "text",
            Self::Duration => "duration",
            Self::Secret => "secret",
        })
    }
}

macro_rules! into_value {
    ($($from:ty => |$value:ident| $into:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($value: $from) -> Self {
                $into
            }
        }
    )*};
}

into_value! {
    i8 => |value| Self::Integer(value.into());
    i16 => |value| Self::Integer(value.into());
    i32 => |value| Self::Integer(value.into());
    i64 => |value| Self::Integer(value);
    u8 => |value| Self::Integer(value.into());
    u16 => |value| Self::Integer(value.into());
    u32 => |value| Self::Integer(value.into());
    u64 => |value| i64::try_from(value).map_or(Self::Float(value as f64), Self::Integer);
    isize => |value| Self::Integer(value as i64);
    usize => |value| Self::from(value as u64);
    f64 => |value| Self::Float(value);
    bool => |value| Self::Bool(value);
    &str => |value| Self::Text(value.into());
    String => |value| Self::Text(value.into());
    Arc<str> => |value| Self::Text(value);
    Duration => |value| Self::Duration(value);
    Secret => |value| Self::Secret(value);
}

macro_rules! integers {
    ($($type:ty)*) => {$(
        impl FromValue for $type {
            const TYPE: &'static str = stringify!($type);

            fn reads(key: &KeySpec) -> bool {
                key.integer_range().is_some_and(|(min, max)| {
                    <$type>::try_from(min).is_ok() && <$type>::try_from(max).is_ok()
                })
            }

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::Integer(value) => Self::try_from(*value).ok(),
                    _ => None,
                }
            }
        }
    )*};
}

integers! { i8 i16 i32 i64 isize u8 u16 u32 u64 usize }

macro_rules! others {
    ($($type:ty, $kind:ident, |$value:ident| $read:expr;)*) => {$(
        impl FromValue for $type {
            const TYPE: &'static str = stringify!($type);

            fn reads(key: &KeySpec) -> bool {
                key.kind() == Kind::$kind
            }

            fn from_value(value: &Value) -> Option<Self> {
                match value {
                    Value::$kind($value) => Some($read),
                    _ => None,
                }
            }
        }
    )*};
}

others! {
    f64, Float, |value| *value;
    bool, Bool, |value| *value;
    Arc<str>, Text, |value| Arc::clone(value);
    String, Text, |value| value.as_ref().to_owned();
    Duration, Duration, |value| *value;
    Secret, Secret, |value| value.clone();
}
