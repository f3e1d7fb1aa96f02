//! A key that is read all the time.

use std::fmt;
use std::sync::Arc;

use super::published::Published;
use super::{FromValue, ReadError, Snapshot};

/// A reader of one key that remembers the value, for hot paths.
///
/// [`get`](Self::get) costs one load and one compare while nothing changed: no hashing, no reference
/// count, no allocation. It notices every update, also one of other keys, and reads its value anew
/// then. Each task or thread has its own, which is why reading takes `&mut self`; a clone is
/// independent. It keeps no snapshot alive.
///
/// ```
/// use foundation::config::{self, Config, Schema};
///
/// let config = Config::new(Schema::new(&[config::KEYS])?);
/// let mut names = config.key::<usize>("foundation.registry.max_names")?;
/// config.update(|draft| Ok(draft.set("foundation.registry.max_names", 10)?))?;
/// assert_eq!(*names.get(), 10);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Key<T> {
    published: Arc<Published<Snapshot>>,
    /// The version of the snapshot that `value` was read from.
    seen: u64,
    index: usize,
    value: T,
}

impl<T: FromValue> Key<T> {
    /// A reader of the key at `path`; fails if the key's values do not all fit `T`.
    pub(super) fn new(published: Arc<Published<Snapshot>>, path: &str) -> Result<Self, ReadError> {
        let snapshot = published.load();
        let (index, value) = snapshot.read(path)?;
        Ok(Self { published, seen: snapshot.version(), index, value })
    }

    /// The present value.
    #[inline]
    pub fn get(&mut self) -> &T {
        if self.published.version() != self.seen {
            self.read_again();
        }
        &self.value
    }

    #[cold]
    #[inline(never)]
    fn read_again(&mut self) {
        let snapshot = self.published.load();
        self.seen = snapshot.version();
        // Always there: `new` made sure that every value of this key fits.
        if let Some(value) = snapshot.value_at(self.index) {
            self.value = value;
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key").field("value", &self.value).finish_non_exhaustive()
    }
}
