//! Which keys there are.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use foldhash::fast::RandomState;

use super::KeySpec;
use super::error::SchemaError;

/// Every key that a configuration has, put together from the crates that read them. Clones share it.
#[derive(Clone)]
pub struct Schema(Arc<Keys>);

struct Keys {
    /// Sorted by path. A key's index here is its index in every snapshot.
    specs: Box<[KeySpec]>,
    index: HashMap<&'static str, usize, RandomState>,
}

impl Schema {
    /// The schema with the keys of all `parts`, each a constant of the crate that reads them.
    ///
    /// ```
    /// use foundation::config::{self, KeySpec, Schema};
    ///
    /// const OWN: &[KeySpec] = &[KeySpec::bool("shop.open", true).doc("Whether orders are taken.")];
    /// let schema = Schema::new(&[config::KEYS, OWN])?;
    /// # Ok::<(), config::SchemaError>(())
    /// ```
    pub fn new(parts: &[&'static [KeySpec]]) -> Result<Self, SchemaError> {
        let mut specs: Vec<KeySpec> = parts.iter().copied().flatten().copied().collect();
        specs.sort_by_key(KeySpec::path);
        let mut index = HashMap::default();
        for (at, spec) in specs.iter().enumerate() {
            let path = spec.path();
            if !is_path(path) {
                return Err(SchemaError::Path { path });
            }
            if !spec.is_required() {
                spec.check(spec.default_value())
                    .map_err(|violation| SchemaError::Default { path, violation })?;
            }
            if index.insert(path, at).is_some() {
                return Err(SchemaError::Duplicate { path });
            }
        }
        for spec in &specs {
            let path = spec.path();
            for (dot, _) in path.match_indices('.') {
                if let Some((under, _)) = index.get_key_value(&path[..dot]) {
                    return Err(SchemaError::Nested { path, under });
                }
            }
        }
        Ok(Self(Arc::new(Keys { specs: specs.into(), index })))
    }

    /// Every key, in the order of the paths.
    pub fn keys(&self) -> &[KeySpec] {
        &self.0.specs
    }

    /// The key at `path`.
    pub fn key(&self, path: &str) -> Option<&KeySpec> {
        self.find(path).map(|(_, spec)| spec)
    }

    /// The key at `path` with its index.
    pub(super) fn find(&self, path: &str) -> Option<(usize, &KeySpec)> {
        let at = *self.0.index.get(path)?;
        Some((at, self.0.specs.get(at)?))
    }

    /// A key that is written almost like `path`, for an error's hint.
    pub(super) fn nearest(&self, path: &str) -> Option<&'static str> {
        if path.len() > 256 {
            return None;
        }
        let allowed = 2.max(path.len() / 5);
        self.keys()
            .iter()
            .map(|spec| (strsim::levenshtein(path, spec.path()), spec.path()))
            .filter(|(distance, _)| *distance <= allowed)
            .min()
            .map(|(_, path)| path)
    }
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.keys().iter().map(KeySpec::path)).finish()
    }
}

/// Whether `path` is made of words of `a-z` and `0-9`, with a dot or a single `_` between them.
fn is_path(path: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    path.split(['.', '_']).all(|word| !word.is_empty() && word.chars().all(plain))
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_schema_refuses_what_no_file_could_mean() {
        const A: &[KeySpec] = &[KeySpec::bool("a.b", true)];
        const UNDER: &[KeySpec] = &[KeySpec::bool("a.b.c", true)];
        const BETWEEN: &[KeySpec] = &[KeySpec::bool("a.b_c", true), KeySpec::bool("a.b0", true)];
        const PATH: &[KeySpec] = &[KeySpec::bool("a..B", true)];
        const BROKEN: &[KeySpec] = &[KeySpec::integer("n", 0, 1..=5)];
        let refused = |parts: &[&'static [KeySpec]]| Schema::new(parts).unwrap_err().to_string();
        assert_eq!(refused(&[A, A]), "the key `a.b` is described twice");
        assert_eq!(refused(&[A, BETWEEN, UNDER]), "the key `a.b.c` lies under the key `a.b`");
        assert!(refused(&[PATH]).starts_with("the path `a..B` is not made of"));
        for path in ["a__b", "_a.b", "a._b", "a_.b", "a.b_", ""] {
            assert!(!is_path(path), "{path}");
        }
        assert_eq!(
            refused(&[BROKEN]),
            "the default of `n` must be an integer from 1 to 5, but is 0"
        );
        assert!(Schema::new(&[A, BETWEEN]).is_ok());
    }
}
