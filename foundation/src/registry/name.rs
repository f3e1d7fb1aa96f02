//! Names: `namespace/name`, or `name` alone, checked once when they are made.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use thiserror::Error;

/// The longest name in bytes, its namespace and the separator included.
pub const MAX_NAME_BYTES: usize = 255;

/// How many characters of a refused text an error keeps where the text may be long or unreadable.
const SHOWN_CHARS: usize = 64;

/// A registered name: `namespace/name`, or `name` alone.
///
/// The namespace ends at the first `/`; what follows may contain more of them. A name without any is
/// in the root namespace, whose text is empty. Cloning copies a
/// pointer. Compares, orders and hashes like its text, so a map keyed by names is searched with a
/// `&str` as well.
///
/// ```
/// use foundation::registry::Name;
///
/// let name = Name::new("production/config_server")?;
/// assert_eq!((name.namespace(), name.local()), ("production", "config_server"));
/// let name = Name::new("counter")?;
/// assert_eq!((name.namespace(), name.local()), ("", "counter"));
/// # Ok::<(), foundation::registry::NameError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

/// The part of a name before the first `/`; the empty one, the root, for names without any.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(Arc<str>);

/// Why a text is no [`Name`] or [`Namespace`]. Holds the text, or the start of one that is too long or
/// not printable.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum NameError {
    /// Nothing stands before the `/`.
    #[error("the namespace in `{text}` is empty")]
    EmptyNamespace {
        /// The refused text.
        text: String,
    },
    /// Nothing stands behind the `/`, or nothing at all.
    #[error("the name in `{text}` is empty")]
    EmptyName {
        /// The refused text.
        text: String,
    },
    /// A namespace, or a name in the root namespace, with a `/` in it.
    #[error("`{text}`, which is a namespace or in the root namespace, contains `/`")]
    Separator {
        /// The refused text.
        text: String,
    },
    /// More than [`MAX_NAME_BYTES`].
    #[error("the name is {bytes} bytes long, the limit is {MAX_NAME_BYTES}: it begins `{start}`")]
    TooLong {
        /// At most 64 characters of the refused text.
        start: String,
        /// The length of the whole.
        bytes: usize,
    },
    /// A control character.
    #[error("the name of {bytes} bytes that begins {start:?} has a control character at byte {at}")]
    Control {
        /// At most 64 characters of the refused text.
        start: String,
        /// The length of the whole.
        bytes: usize,
        /// Where it stands, in bytes from the start.
        at: usize,
    },
}

impl Name {
    /// Checks `text` and makes it a name. Allocates once.
    pub fn new(text: &str) -> Result<Self, NameError> {
        check_text(text)?;
        let refused = || text.to_owned();
        let local = match text.split_once('/') {
            Some(("", _)) => return Err(NameError::EmptyNamespace { text: refused() }),
            Some((_, local)) => local,
            None => text,
        };
        if local.is_empty() {
            return Err(NameError::EmptyName { text: refused() });
        }
        Ok(Self(Arc::from(text)))
    }

    /// The name as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the first `/`; empty if there is none.
    pub fn namespace(&self) -> &str {
        self.0.split_once('/').map_or("", |(namespace, _)| namespace)
    }

    /// What stands behind the first `/`; all of it if there is none.
    pub fn local(&self) -> &str {
        self.0.split_once('/').map_or(self.as_str(), |(_, local)| local)
    }
}

impl Namespace {
    /// Checks `text` and makes it a namespace; an empty one is the root. Allocates once.
    pub fn new(text: &str) -> Result<Self, NameError> {
        check_text(text)?;
        if text.contains('/') {
            return Err(NameError::Separator { text: text.to_owned() });
        }
        Ok(Self(Arc::from(text)))
    }

    /// The namespace as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name `local` in this namespace.
    pub fn name(&self, local: &str) -> Result<Name, NameError> {
        match self.as_str() {
            "" if local.contains('/') => Err(NameError::Separator { text: local.to_owned() }),
            "" => Name::new(local),
            namespace => Name::new(&format!("{namespace}/{local}")),
        }
    }

    /// Whether `name` belongs to this namespace.
    pub fn contains(&self, name: &Name) -> bool {
        name.namespace() == self.as_str()
    }
}

/// What names and namespaces have in common.
fn check_text(text: &str) -> Result<(), NameError> {
    let bytes = text.len();
    let start = || text.chars().take(SHOWN_CHARS).collect();
    if bytes > MAX_NAME_BYTES {
        return Err(NameError::TooLong { start: start(), bytes });
    }
    match text.find(char::is_control) {
        Some(at) => Err(NameError::Control { start: start(), bytes, at }),
        None => Ok(()),
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for Namespace {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for Name {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl FromStr for Namespace {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::new(text)
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Name({:?})", &*self.0)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Namespace({:?})", &*self.0)
    }
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use std::hash::BuildHasher;

    use super::*;

    #[test]
    fn every_broken_rule_is_named() {
        let refused = |text: &str| Name::new(text).expect_err(text);
        assert!(matches!(refused(""), NameError::EmptyName { .. }));
        assert!(matches!(refused("/x"), NameError::EmptyNamespace { .. }));
        assert!(matches!(refused("a/"), NameError::EmptyName { .. }));
        assert!(matches!(refused("a/b\nc"), NameError::Control { at: 3, .. }));
        let root = Namespace::new("").unwrap();
        assert!(matches!(root.name("a/b"), Err(NameError::Separator { .. })));
        assert!(matches!(Namespace::new("a/b"), Err(NameError::Separator { .. })));
        let long = refused(&format!("a/{}", "b".repeat(MAX_NAME_BYTES - 1)));
        assert_eq!(
            long.to_string(),
            format!(
                "the name is 256 bytes long, the limit is 255: it begins `a/{}`",
                "b".repeat(62)
            )
        );
        assert!(matches!(refused(&"é".repeat(500)), NameError::TooLong { bytes: 1000, .. }));
    }

    #[test]
    fn the_longest_name_and_further_separators_are_accepted() {
        let longest = format!("a/{}", "b".repeat(MAX_NAME_BYTES - 2));
        assert_eq!(Name::new(&longest).unwrap().as_str(), longest);
        let alone = Namespace::new("").unwrap().name("alone").unwrap();
        assert_eq!((alone.namespace(), alone.local(), alone.as_str()), ("", "alone", "alone"));
        let nested = Name::new("a/b/c").unwrap();
        assert_eq!((nested.namespace(), nested.local()), ("a", "b/c"));
        assert!(Namespace::new("a").unwrap().contains(&nested));
        assert_eq!(Namespace::new("a").unwrap().name("b/c").unwrap(), nested);
    }

    #[test]
    fn a_name_hashes_like_its_text() {
        let hasher = foldhash::fast::RandomState::default();
        assert_eq!(hasher.hash_one(Name::new("a/b").unwrap()), hasher.hash_one("a/b"));
    }
}
