//! A whole set of values at one moment.

use std::fmt;

use super::{FromValue, ReadError, Schema, Value};

/// A whole, validated set of values. Never changes.
pub struct Snapshot {
    schema: Schema,
    version: u64,
    /// One value a key, in the order of the schema's keys; each obeys its key's rule.
    values: Box<[Value]>,
}

impl Snapshot {
    /// Every key at its default.
    pub(super) fn defaults(schema: Schema) -> Self {
        Self { version: 0, values: schema.defaults(), schema }
    }

    /// These values under a new number.
    pub(super) fn with_values(&self, version: u64, values: Box<[Value]>) -> Self {
        Self { schema: self.schema.clone(), version, values }
    }

    /// The number of this set: 0 at the start, and one more for each update that changed something.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The keys.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The value at `path` as a `T`.
    pub fn get<T: FromValue>(&self, path: &str) -> Result<T, ReadError> {
        let (_, value) = self.read(path)?;
        Ok(value)
    }

    /// Every key's path and value, in the order of the paths.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Value)> {
        self.schema.keys().iter().zip(&self.values).map(|(spec, value)| (spec.path(), value))
    }

    /// The index of the key at `path` and its value, once it is sure that every value can be read.
    pub(super) fn read<T: FromValue>(&self, path: &str) -> Result<(usize, T), ReadError> {
        let Some((at, spec)) = self.schema.find(path) else {
            let nearest = self.schema.nearest(path);
            return Err(ReadError::UnknownKey { path: path.to_owned(), nearest });
        };
        let value = if T::reads(spec) { self.value_at(at) } else { None };
        value.map(|value| (at, value)).ok_or_else(|| ReadError::Type {
            path: path.to_owned(),
            kind: spec.kind(),
            asked: T::TYPE,
        })
    }

    /// The value of the key with index `at`.
    pub(super) fn value_at<T: FromValue>(&self, at: usize) -> Option<T> {
        self.values.get(at).and_then(T::from_value)
    }

    /// Every value, in the order of the schema's keys.
    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} ", self.version)?;
        f.debug_map().entries(self.iter()).finish()
    }
}
