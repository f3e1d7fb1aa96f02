//! An update while it is being written.

use std::sync::Arc;

use super::error::{Problem, Rejection, Violation};
use super::{FromValue, ReadError, Schema, Snapshot, Value, file};

/// A set of values in the making. Nobody else sees it before the update is complete.
#[derive(Debug)]
pub struct Draft {
    base: Arc<Snapshot>,
    values: Box<[Value]>,
}

impl Draft {
    pub(super) fn new(base: Arc<Snapshot>) -> Self {
        let values = base.values().into();
        Self { base, values }
    }

    /// The value at `path` as this draft has it.
    pub fn get<T: FromValue>(&self, path: &str) -> Result<T, ReadError> {
        let (at, before) = self.base.read(path)?;
        Ok(self.values.get(at).and_then(T::from_value).unwrap_or(before))
    }

    /// Sets the value at `path`, if the key exists and its rule allows the value.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), Problem> {
        match checked(self.schema(), path, value.into()) {
            Ok(found) => {
                self.put(found);
                Ok(())
            }
            Err(violation) => Err(Problem { key: Some(path.to_owned()), place: None, violation }),
        }
    }

    /// Sets every key to its default. With [`apply_toml`](Self::apply_toml) after it, a file says
    /// everything and a line that was deleted from it counts.
    pub fn reset(&mut self) {
        self.values = self.schema().defaults();
    }

    /// Sets every key that the TOML document `text` names; other keys keep their values.
    ///
    /// Sets nothing if anything is wrong with the document. `source` is what errors call it.
    pub fn apply_toml(&mut self, text: &str, source: &str) -> Result<(), Rejection> {
        for found in file::read(self.schema(), text, source)? {
            self.put(found);
        }
        Ok(())
    }

    /// The keys whose values differ from the snapshot that the draft began with.
    pub(super) fn changed(&self) -> impl Iterator<Item = &'static str> {
        let pairs = self.values.iter().zip(self.base.iter());
        pairs.filter(|(new, (_, old))| new != old).map(|(_, (path, _))| path)
    }

    /// The draft as the snapshot that is to follow the one it began with.
    pub(super) fn into_snapshot(self, version: u64) -> Snapshot {
        self.base.with_values(version, self.values)
    }

    fn schema(&self) -> &Schema {
        self.base.schema()
    }

    fn put(&mut self, (at, value): (usize, Value)) {
        if let Some(place) = self.values.get_mut(at) {
            *place = value;
        }
    }
}

/// The index of the key at `path` and `value` as that key holds it.
pub(super) fn checked(
    schema: &Schema,
    path: &str,
    value: Value,
) -> Result<(usize, Value), Violation> {
    match schema.find(path) {
        Some((at, spec)) => Ok((at, spec.check(value)?)),
        None => Err(Violation::UnknownKey { nearest: schema.nearest(path) }),
    }
}
