//! Names and what stands under them: checked, bounded in number, found without a lock.

use std::sync::Arc;

use arc_swap::ArcSwap;
use rpds::RedBlackTreeMapSync;
use thiserror::Error;

use crate::sync::{Mutex, lock};

/// How many characters of a refused name an error keeps where the name is too long.
const SHOWN_CHARS: usize = 64;

/// Things by name, in the order of the names.
pub(super) type Map<T> = RedBlackTreeMapSync<Arc<str>, T>;

/// Why there is nothing under a name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The name is empty.
    #[error("the name is empty")]
    Empty,
    /// The name is too long.
    #[error("the name is {bytes} bytes long, the limit is {limit}: it begins `{start}`")]
    TooLong {
        /// At most 64 characters of the refused name.
        start: String,
        /// The length of the whole.
        bytes: usize,
        /// [`Limits::max_name_bytes`](super::Limits::max_name_bytes).
        limit: usize,
    },
    /// A control character, or a backslash, which exporters disagree how to write.
    #[error("the name {name:?} has {character:?} at byte {at}")]
    Character {
        /// The refused name.
        name: String,
        /// What it has.
        character: char,
        /// Where it stands, in bytes from the start.
        at: usize,
    },
    /// There are as many names of the kind as there may be.
    #[error("no room for `{name}`: there are {limit} {kind}s, the limit")]
    Full {
        /// The refused name.
        name: String,
        /// `operation`, `counter` or `gauge`.
        kind: &'static str,
        /// The limit, of [`Limits`](super::Limits).
        limit: usize,
    },
    /// All telemetries of the process together use as many cells as there are: a counter takes
    /// one, an operation seven.
    #[error("no room for `{name}`: the process uses {limit} cells, all there are")]
    Cells {
        /// The refused name.
        name: String,
        /// How many cells there are.
        limit: usize,
    },
}

/// The names of one kind.
pub(super) struct Names<T> {
    kind: &'static str,
    limit: usize,
    max_bytes: usize,
    /// Replaced by who holds `turn`; read by anyone.
    map: ArcSwap<Map<T>>,
    turn: Mutex<()>,
}

impl<T: Clone> Names<T> {
    pub(super) fn new(kind: &'static str, limit: usize, max_bytes: usize) -> Self {
        let map = ArcSwap::from_pointee(Map::new_sync());
        Self { kind, limit, max_bytes, map, turn: Mutex::new(()) }
    }

    /// What stands under `name`; made by `make`, which fails if there is no cell left, if nothing
    /// does. Finding takes no lock.
    pub(super) fn resolve(
        &self,
        name: &str,
        make: impl FnOnce(&Arc<str>) -> Option<T>,
    ) -> Result<T, ResolveError> {
        if let Some(found) = self.map.load().get(name) {
            return Ok(found.clone());
        }
        self.check(name)?;
        let _turn = lock(&self.turn);
        let map = self.map.load_full();
        if let Some(found) = map.get(name) {
            return Ok(found.clone());
        }
        if map.size() >= self.limit {
            let (name, kind, limit) = (name.to_owned(), self.kind, self.limit);
            return Err(ResolveError::Full { name, kind, limit });
        }
        let key: Arc<str> = name.into();
        let value = make(&key).ok_or_else(|| ResolveError::Cells {
            name: name.to_owned(),
            limit: super::cells::MAX_CELLS,
        })?;
        self.map.store(Arc::new(map.insert(key, value.clone())));
        Ok(value)
    }

    /// Everything there is, as of now.
    pub(super) fn all(&self) -> Arc<Map<T>> {
        self.map.load_full()
    }

    fn check(&self, name: &str) -> Result<(), ResolveError> {
        let (bytes, limit) = (name.len(), self.max_bytes);
        if bytes == 0 {
            return Err(ResolveError::Empty);
        }
        if bytes > limit {
            let start = name.chars().take(SHOWN_CHARS).collect();
            return Err(ResolveError::TooLong { start, bytes, limit });
        }
        let refused = |&(_, character): &(usize, char)| character.is_control() || character == '\\';
        match name.char_indices().find(refused) {
            Some((at, character)) => {
                Err(ResolveError::Character { name: name.to_owned(), character, at })
            }
            None => Ok(()),
        }
    }
}
