//! Settings that are declared, checked as a whole, and changed while the program runs.
//!
//! Owns which keys there are ([`KeySpec`], [`Schema`]), the present values ([`Config`]), reading
//! them fast ([`Key`]) and telling of changes ([`Config::changes`]). Promises:
//!
//! - a reader sees a whole set of values that all obey their rules, never half of an update;
//! - an update takes effect completely or not at all; its version is one more than the last;
//! - a bad file changes nothing, and its error names every problem with key, place and rule;
//! - reads never wait; updates take turns, and each of them gets one.
//!
//! Leaves to others where files come from and when they are read again.

use std::fmt;
use std::sync::Arc;

use crate::log::{Log, Retention, Start, Subscription};

mod draft;
mod duration;
mod error;
mod file;
mod key;
pub(crate) mod keys;
mod published;
mod reference;
mod schema;
mod snapshot;
mod spec;
mod value;
mod writer;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use draft::Draft;
pub use error::{Place, Problem, ReadError, Rejection, SchemaError, UpdateError, Violation};
pub use key::Key;
pub use keys::KEYS;
pub use reference::reference_markdown;
pub use schema::Schema;
pub use snapshot::Snapshot;
pub use spec::{KeySpec, Rule};
pub use value::{FromValue, Kind, Value};

use published::Published;
use writer::Writers;

/// How many changes are kept for a subscriber that has not read them.
const CHANGES_KEPT: usize = 1024;

/// The present values of a schema's keys. Clones share them.
///
/// ```
/// use foundation::config::{Config, KeySpec, Schema};
///
/// const KEYS: &[KeySpec] = &[
///     KeySpec::integer("fetch.retries", 3, 0..=10).doc("How often a fetch is tried again."),
///     KeySpec::one_of("fetch.mode", "fast", &["fast", "safe"]).doc("What comes first."),
/// ];
/// let config = Config::from_toml(Schema::new(&[KEYS])?, "[fetch]\nretries = 5", "app.toml")?;
/// assert_eq!(config.get::<u32>("fetch.retries")?, 5);
///
/// config.update(|draft| {
///     draft.set("fetch.retries", 0)?;
///     draft.set("fetch.mode", "safe")?;
///     Ok(())
/// })?;
/// let refused = config.apply_toml("[fetch]\nretries = 99\nmod = 1", "app.toml").unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "app.toml:2:11: `fetch.retries` must be an integer from 0 to 10, but is 99\n\
///      app.toml:3:1: `fetch.mod` is no known key; did you mean `fetch.mode`?",
/// );
/// assert_eq!(config.get::<u32>("fetch.retries")?, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Config {
    /// The present snapshot. Stored only in a writer's turn; its version is the number of the last
    /// entry of `changes`. Shared with keys, which must not keep `changes` open.
    current: Arc<Published<Snapshot>>,
    /// Who may store.
    writers: Writers,
    /// Numbers the versions and tells subscribers.
    changes: Log<Change>,
}

/// An update took effect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The version that it made.
    pub version: u64,
    /// The keys whose values changed, in the order of the paths; at least one.
    pub keys: Arc<[&'static str]>,
}

impl Config {
    /// Every key at its default.
    pub fn new(schema: Schema) -> Self {
        Self::starting_with(Snapshot::defaults(schema))
    }

    /// The defaults and, above them, what the TOML document `text` sets. `source` is what errors
    /// call it.
    pub fn from_toml(schema: Schema, text: &str, source: &str) -> Result<Self, Rejection> {
        let mut draft = Draft::new(Arc::new(Snapshot::defaults(schema)));
        draft.apply_toml(text, source)?;
        Ok(Self::starting_with(draft.into_snapshot(0)))
    }

    fn starting_with(snapshot: Snapshot) -> Self {
        let retention = Retention {
            max_entries: CHANGES_KEPT,
            only_while_subscribed: true,
            ..Retention::default()
        };
        Self {
            current: Arc::new(Published::new(snapshot)),
            writers: Writers::default(),
            changes: Log::new(retention),
        }
    }

    /// The value at `path` as a `T`. Hashes the path; a hot path uses a [`Key`].
    ///
    /// Two calls may see two versions. Values that belong together are read from one
    /// [`snapshot`](Self::snapshot).
    pub fn get<T: FromValue>(&self, path: &str) -> Result<T, ReadError> {
        self.current.with(|snapshot| snapshot.get(path))
    }

    /// The present set of values.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        self.current.load()
    }

    /// A fast reader of the key at `path`. That every value of the key fits `T` is checked here, so
    /// the reader never fails.
    pub fn key<T: FromValue>(&self, path: &str) -> Result<Key<T>, ReadError> {
        Key::new(Arc::clone(&self.current), path)
    }

    /// Changes values as one step and returns the version that then holds.
    ///
    /// `edit` writes a draft of the present values. If it fails, or panics, nothing changes. Updates
    /// take turns and `edit` runs in its turn, so adding to a value that was read from the draft
    /// loses nothing; other writers, but no readers, wait for it. An edit that updates this very
    /// configuration gets [`UpdateError::Nested`]; it must not wait for another thread that does.
    /// An update that leaves every value as it was makes no version.
    pub fn update(
        &self,
        edit: impl FnOnce(&mut Draft) -> Result<(), UpdateError>,
    ) -> Result<u64, UpdateError> {
        let Some(turn) = self.writers.enter() else { return Err(UpdateError::Nested) };
        let base = self.snapshot();
        let mut draft = Draft::new(Arc::clone(&base));
        edit(&mut draft)?;
        let keys: Arc<[&'static str]> = draft.changed().collect();
        if keys.is_empty() {
            return Ok(base.version());
        }
        let version = base.version() + 1;
        self.current.publish(draft.into_snapshot(version));
        let (number, aftermath) = self.changes.append_quietly(Change { version, keys });
        debug_assert_eq!(number.get(), version, "a version is the number of its change");
        // Wakers are the executor's code and may update this configuration: the turn ends first.
        drop(turn);
        drop(aftermath);
        Ok(version)
    }

    /// Sets every key that the TOML document `text` names; other keys keep their values. If anything
    /// is wrong with the document, nothing changes. `source` is what errors call it.
    pub fn apply_toml(&self, text: &str, source: &str) -> Result<u64, UpdateError> {
        self.update(|draft| Ok(draft.apply_toml(text, source)?))
    }

    /// Every change from now on. Closed once the last clone of this configuration is gone.
    pub fn changes(&self) -> Subscription<Change> {
        self.changes.subscribe(Start::Next)
    }
}

impl fmt::Debug for Config {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Config").field(&self.snapshot()).finish()
    }
}
