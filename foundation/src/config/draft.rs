//! An update while it is being written.

use std::sync::Arc;

use super::error::{Problem, Rejection, Violation};
use super::snapshot::Held;
use super::{FromValue, KeySpec, ReadError, Schema, Snapshot, Source, Value, file};

/// A set of values in the making. Nobody else sees it before the update is complete.
///
/// What is set here lies above defaults, files and environment, and stays there when they are read
/// again, until it is cleared.
#[derive(Debug)]
pub struct Draft {
    next: Snapshot,
}

impl Draft {
    pub(super) fn new(base: &Snapshot) -> Self {
        Self { next: base.clone() }
    }

    /// The value at `path` as this draft has it.
    pub fn get<T: FromValue>(&self, path: &str) -> Result<T, ReadError> {
        self.next.get(path)
    }

    /// Where the value at `path` comes from, as this draft has it.
    pub fn source(&self, path: &str) -> Result<&Source, ReadError> {
        self.next.source(path)
    }

    /// Sets the value at `path`, if the key exists and its rule allows the value.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) -> Result<(), Problem> {
        let (at, spec) = self.find(path)?;
        let value = spec.check(value.into()).map_err(|violation| problem(path, violation))?;
        self.next.put(at, Held { value, source: Source::Override });
        Ok(())
    }

    /// Takes back what was set at `path`: environment, files or default hold again.
    pub fn clear(&mut self, path: &str) -> Result<(), Problem> {
        let (at, _) = self.find(path)?;
        self.next.clear(at);
        Ok(())
    }

    /// Takes back everything that was set. With [`apply_toml`](Self::apply_toml) after it, a line
    /// that was deleted from the document counts.
    pub fn reset(&mut self) {
        for at in 0..self.schema().keys().len() {
            self.next.clear(at);
        }
    }

    /// Sets every key that the TOML document `text` names; other keys keep their values.
    ///
    /// Sets nothing if anything is wrong with the document. `name` is what errors and sources call
    /// it.
    pub fn apply_toml(&mut self, text: &str, name: &str) -> Result<(), Rejection> {
        for (at, held) in file::read(self.schema(), text, &name.into())? {
            self.next.put(at, held);
        }
        Ok(())
    }

    /// Replaces everything that is not set here.
    pub(super) fn rest_on(&mut self, below: Arc<[Held]>) {
        self.next.rest_on(below);
    }

    /// The set of values that this draft makes.
    pub(super) fn into_snapshot(self) -> Snapshot {
        self.next
    }

    /// The keys.
    pub(super) fn schema(&self) -> &Schema {
        self.next.schema()
    }

    fn find(&self, path: &str) -> Result<(usize, KeySpec), Problem> {
        let schema = self.schema();
        let unknown = || problem(path, Violation::UnknownKey { nearest: schema.nearest(path) });
        schema.find(path).map(|(at, spec)| (at, *spec)).ok_or_else(unknown)
    }
}

fn problem(path: &str, violation: Violation) -> Problem {
    Problem { key: Some(path.to_owned()), source: Source::Override, violation }
}
