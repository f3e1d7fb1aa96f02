//! What a registration says about itself: a few texts, fixed for its lifetime.

use std::sync::Arc;

use thiserror::Error;

use super::Limits;

/// Key-value texts beside a handle, sorted by key. Cloning copies a pointer; empty metadata is not
/// allocated.
///
/// ```
/// use foundation::registry::Metadata;
///
/// let metadata = Metadata::from([("role", "worker"), ("zone", "eu")]);
/// assert_eq!(metadata.get("role"), Some("worker"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(Option<Arc<[Item]>>);

/// A key and its value.
type Item = (Box<str>, Box<str>);

/// Which limit metadata exceeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// Too many keys.
    #[error("the metadata has {entries} entries, the limit is {limit}")]
    Entries {
        /// How many keys there are.
        entries: usize,
        /// [`Limits::max_metadata_entries`].
        limit: usize,
    },
    /// Too much text.
    #[error("the metadata has {bytes} bytes, the limit is {limit}")]
    Bytes {
        /// The length of all keys and values.
        bytes: usize,
        /// [`Limits::max_metadata_bytes`].
        limit: usize,
    },
}

impl Metadata {
    /// Nothing.
    pub const fn new() -> Self {
        Self(None)
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&str> {
        let items = self.items();
        let at = items.binary_search_by(|(found, _)| (**found).cmp(key)).ok()?;
        items.get(at).map(|(_, value)| &**value)
    }

    /// Every key and its value, in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.items().iter().map(|(key, value)| (&**key, &**value))
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.items().len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.0.is_none()
    }

    /// The length of all keys and values in bytes.
    pub fn bytes(&self) -> usize {
        self.iter().map(|(key, value)| key.len() + value.len()).sum()
    }

    /// Whether this stays within `limits`.
    pub(super) fn check(&self, limits: &Limits) -> Result<(), MetadataError> {
        let (entries, limit) = (self.len(), limits.max_metadata_entries);
        if entries > limit {
            return Err(MetadataError::Entries { entries, limit });
        }
        let (bytes, limit) = (self.bytes(), limits.max_metadata_bytes);
        if bytes > limit {
            return Err(MetadataError::Bytes { bytes, limit });
        }
        Ok(())
    }

    fn items(&self) -> &[Item] {
        self.0.as_deref().unwrap_or_default()
    }
}

impl<K: Into<Box<str>>, V: Into<Box<str>>> FromIterator<(K, V)> for Metadata {
    /// The last value of a repeated key counts.
    fn from_iter<I: IntoIterator<Item = (K, V)>>(items: I) -> Self {
        let mut items: Vec<Item> =
            items.into_iter().map(|(key, value)| (key.into(), value.into())).collect();
        // Reversed and sorted stably, the last of equal keys comes first and survives.
        items.reverse();
        items.sort_by(|(one, _), (other, _)| one.cmp(other));
        items.dedup_by(|(one, _), (other, _)| one == other);
        Self((!items.is_empty()).then(|| items.into()))
    }
}

impl<K: Into<Box<str>>, V: Into<Box<str>>, const N: usize> From<[(K, V); N]> for Metadata {
    fn from(items: [(K, V); N]) -> Self {
        items.into_iter().collect()
    }
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use super::*;

    #[test]
    fn keys_are_sorted_and_the_last_value_of_a_key_counts() {
        let metadata = Metadata::from([("b", "1"), ("a", "2"), ("b", "3")]);
        assert_eq!(metadata.iter().collect::<Vec<_>>(), [("a", "2"), ("b", "3")]);
        assert_eq!((metadata.get("b"), metadata.get("c")), (Some("3"), None));
        assert_eq!((metadata.len(), metadata.bytes()), (2, 4));
        assert_eq!(Metadata::from([("", ""); 0]), Metadata::new());
    }
}
