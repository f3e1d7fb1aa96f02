//! A whole set of values at one moment.

use std::fmt;
use std::sync::Arc;

use super::{FromValue, ReadError, Schema, Source, Value};

/// A whole, validated set of values. Never changes.
#[derive(Clone)]
pub struct Snapshot {
    schema: Schema,
    version: u64,
    /// One value a key, in the order of the schema's keys; each obeys its key's rule. Where a key is
    /// not overridden it is the value in `below`, held here too so that a read looks in one place.
    values: Box<[Value]>,
    /// For each key that was set since, where from; such a value stays above what lies `below`.
    overrides: Box<[Option<Source>]>,
    /// What holds without overrides: defaults, files and environment, merged.
    below: Arc<[Held]>,
}

/// A value and where it comes from.
#[derive(Clone, PartialEq)]
pub(super) struct Held {
    pub(super) value: Value,
    pub(super) source: Source,
}

impl Snapshot {
    /// The first set: what lies `below`, nothing overridden.
    pub(super) fn new(schema: Schema, below: Arc<[Held]>) -> Self {
        let values = below.iter().map(|held| held.value.clone()).collect();
        Self { schema, version: 0, values, overrides: below.iter().map(|_| None).collect(), below }
    }

    /// The number of this set: 0 at the start, and one more for each update that changed a value.
    ///
    /// Of two sets with the same number, all values are the same; sources may differ.
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

    /// Where the value at `path` comes from.
    pub fn source(&self, path: &str) -> Result<&Source, ReadError> {
        let Some((at, _)) = self.schema.find(path) else { return Err(self.unknown(path)) };
        let source = self.overrides.get(at).and_then(Option::as_ref);
        let below = || self.below.get(at).map(|held| &held.source);
        Ok(source.or_else(below).unwrap_or(&Source::Default))
    }

    /// Every key's path and value, in the order of the paths.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&'static str, &Value)> {
        self.schema.keys().iter().zip(&self.values).map(|(spec, value)| (spec.path(), value))
    }

    /// The index of the key at `path` and its value, once it is sure that every value can be read.
    pub(super) fn read<T: FromValue>(&self, path: &str) -> Result<(usize, T), ReadError> {
        let Some((at, spec)) = self.schema.find(path) else { return Err(self.unknown(path)) };
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

    /// The keys whose values differ from those of `other`, which has the same schema.
    pub(super) fn changed_from(&self, other: &Self) -> impl Iterator<Item = &'static str> {
        let pairs = self.iter().zip(&other.values);
        pairs.filter(|((_, new), old)| new != old).map(|((path, _), _)| path)
    }

    /// Whether every value comes from where it comes from in `other`, and would come from the same
    /// place if overrides were cleared.
    pub(super) fn has_sources_of(&self, other: &Self) -> bool {
        let below = Arc::ptr_eq(&self.below, &other.below) || self.below == other.below;
        below && self.overrides == other.overrides
    }

    /// Gives this set, which nobody else sees yet, its number.
    pub(super) fn number(&mut self, version: u64) {
        self.version = version;
    }

    /// Overrides the key with index `at`.
    pub(super) fn put(&mut self, at: usize, held: Held) {
        if let (Some(value), Some(over)) = (self.values.get_mut(at), self.overrides.get_mut(at)) {
            *value = held.value;
            *over = Some(held.source);
        }
    }

    /// Lets what lies below hold again for the key with index `at`.
    pub(super) fn clear(&mut self, at: usize) {
        if let Some(over) = self.overrides.get_mut(at) {
            *over = None;
        }
        if let (Some(value), Some(below)) = (self.values.get_mut(at), self.below.get(at)) {
            *value = below.value.clone();
        }
    }

    /// Replaces what lies below; overrides stay above it.
    pub(super) fn rest_on(&mut self, below: Arc<[Held]>) {
        self.below = below;
        for at in 0..self.values.len() {
            if self.overrides.get(at).is_some_and(Option::is_none) {
                self.clear(at);
            }
        }
    }

    #[cold]
    fn unknown(&self, path: &str) -> ReadError {
        ReadError::UnknownKey { path: path.to_owned(), nearest: self.schema.nearest(path) }
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "version {} ", self.version)?;
        f.debug_map().entries(self.iter()).finish()
    }
}
