//! Settings that are declared, checked as a whole, and changed while the program runs.
//!
//! Owns which keys there are ([`KeySpec`], [`Schema`]), the present values ([`Config`]), reading
//! them fast ([`Key`]), telling of changes ([`Config::changes`]) and where values come from:
//!
//! | layer, lowest first | set by |
//! |---|---|
//! | defaults | the crate that reads the key: [`KeySpec`] |
//! | documents, files and directories of files, in the order given | [`Builder::file`] and others |
//! | environment | [`Builder::environment`] |
//! | overrides | the running program: [`Config::update`], [`Draft::set`], [`Draft::clear`] |
//!
//! Promises:
//!
//! - a reader sees a whole set of values that all obey their rules, never half of an update;
//! - an update or a reload takes effect completely or not at all; its version is one more than the
//!   last;
//! - a bad file changes nothing, and its error names every problem with key, source and rule;
//! - every value knows its [`Source`]; overrides stay above files that are read again;
//! - a [`Secret`] is never shown;
//! - reads never wait; updates take turns, and each of them gets one.
//!
//! Files are read when [`Builder::build`] or [`Config::reload`] is called and, with the feature
//! `watch`, when they change: `Config::watch`.
//!
//! This module has its own layers because its schema is closed: unknown keys are errors with a hint,
//! and every error has line and column. The `config` crate merges untyped maps, in which a value's
//! place is lost before a type is asked for.

use std::fmt;
use std::sync::Arc;

use crate::log::{Log, Retention, Start, Subscription};

mod disk;
mod draft;
mod duration;
mod environment;
mod error;
mod file;
mod key;
pub(crate) mod keys;
mod origin;
mod published;
mod reference;
mod schema;
mod secret;
mod snapshot;
mod source;
mod spec;
mod value;
#[cfg(feature = "watch")]
mod watch;
mod writer;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use draft::Draft;
pub use environment::variable;
pub use error::{Problem, ReadError, Rejection, SchemaError, UpdateError, Violation};
pub use key::Key;
pub use keys::KEYS;
pub use origin::Builder;
pub use reference::reference_markdown;
pub use schema::Schema;
pub use secret::Secret;
pub use snapshot::Snapshot;
pub use source::Source;
pub use spec::{KeySpec, Rule};
pub use value::{FromValue, Kind, Value};
#[cfg(feature = "watch")]
pub use watch::{Outcome, WatchError, WatchLimits, Watcher};

use origin::Origin;
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
    /// What a reload reads.
    origin: Arc<Origin>,
    /// Who may store.
    writers: Writers,
    /// Numbers the versions and tells subscribers.
    changes: Log<Change>,
}

/// What an update or a reload changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The version that holds since.
    pub version: u64,
    /// The keys whose values changed, in the order of the paths. Those who are told of changes are
    /// told of at least one key.
    pub keys: Arc<[&'static str]>,
}

impl Config {
    /// Every key at its default. Nothing else is read, so a [required](KeySpec::required_secret) secret
    /// is empty: [`builder`](Self::builder) refuses that.
    pub fn new(schema: Schema) -> Self {
        let defaults = origin::defaults(&schema).into();
        Self::starting_with(Snapshot::new(schema, defaults), Origin::default())
    }

    /// The defaults and, above them, what the TOML document `text` sets. `name` is what errors and
    /// sources call it.
    pub fn from_toml(schema: Schema, text: &str, name: &str) -> Result<Self, Rejection> {
        Self::builder(schema).document(name, text).build()
    }

    /// A configuration with files and environment above the defaults.
    ///
    /// ```
    /// use foundation::config::{self, Config, Schema, Source};
    ///
    /// let config = Config::builder(Schema::new(&[config::KEYS])?)
    ///     .optional_file("/nonexistent/app.toml")
    ///     .environment("SHOP", [("SHOP__FOUNDATION__REGISTRY__MAX_NAMES", "5")])
    ///     .build()?;
    /// assert_eq!(config.get::<usize>("foundation.registry.max_names")?, 5);
    /// let snapshot = config.snapshot();
    /// let source = snapshot.source("foundation.registry.max_names")?;
    /// assert!(matches!(source, Source::Environment { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn builder(schema: Schema) -> Builder {
        Builder::new(schema)
    }

    fn starting_with(snapshot: Snapshot, origin: Origin) -> Self {
        let retention = Retention {
            max_entries: CHANGES_KEPT,
            only_while_subscribed: true,
            ..Retention::default()
        };
        Self {
            current: Arc::new(Published::new(snapshot)),
            origin: Arc::new(origin),
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
    /// `edit` writes a draft of the present values. If it fails, or panics, nothing changes; for a
    /// failure of its own it returns [`UpdateError::aborted`]. Updates
    /// take turns and `edit` runs in its turn, so adding to a value that was read from the draft
    /// loses nothing; other writers, but no readers, wait for it. An edit that updates this very
    /// configuration gets [`UpdateError::Nested`]; it must not wait for another thread that does.
    /// An update that leaves every value as it was makes no version.
    pub fn update(
        &self,
        edit: impl FnOnce(&mut Draft) -> Result<(), UpdateError>,
    ) -> Result<u64, UpdateError> {
        Ok(self.write(edit)?.version)
    }

    /// Sets every key that the TOML document `text` names; other keys keep their values. If anything
    /// is wrong with the document, nothing changes. `name` is what errors and sources call it.
    pub fn apply_toml(&self, text: &str, name: &str) -> Result<u64, UpdateError> {
        self.update(|draft| Ok(draft.apply_toml(text, name)?))
    }

    /// Reads every file again, as one step, and tells what that changed.
    ///
    /// If anything is wrong with any file, nothing changes. Environment and overrides stay above the
    /// files. Files are read on this thread, in its turn: other writers, but no readers, wait.
    pub fn reload(&self) -> Result<Change, UpdateError> {
        self.write(|draft| {
            draft.rest_on(self.origin.read(draft.schema(), Rejection::none())?);
            Ok(())
        })
    }

    /// Takes a turn, lets `edit` write a draft and puts it in force.
    fn write(
        &self,
        edit: impl FnOnce(&mut Draft) -> Result<(), UpdateError>,
    ) -> Result<Change, UpdateError> {
        let Some(turn) = self.writers.enter() else { return Err(UpdateError::Nested) };
        let base = self.snapshot();
        let mut draft = Draft::new(&base);
        edit(&mut draft)?;
        let mut next = draft.into_snapshot();
        let keys: Arc<[&'static str]> = next.changed_from(&base).collect();
        if keys.is_empty() {
            // The same version, because every value is the same: nobody has to look again.
            if !next.has_sources_of(&base) {
                self.current.publish(next);
            }
            return Ok(Change { version: base.version(), keys });
        }
        let change = Change { version: base.version() + 1, keys };
        next.number(change.version);
        self.current.publish(next);
        let (number, aftermath) = self.changes.append_quietly(change.clone());
        debug_assert_eq!(number.get(), change.version, "a version is the number of its change");
        // Wakers are the executor's code and may update this configuration: the turn ends first.
        drop(turn);
        drop(aftermath);
        Ok(change)
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
