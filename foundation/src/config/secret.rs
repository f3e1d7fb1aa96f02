//! Texts that are never shown.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

/// A text that no output of this crate shows: not `Debug` or `Display` of anything that holds it, no
/// error, no change, no reference page. [`expose`](Self::expose) is the one way to it.
///
/// Clones share the text; its memory is overwritten when the last of them is dropped. That is no
/// promise about other copies: the environment of the process, the pages of a file, what the TOML
/// parser makes of an escaped string or keeps of a document that is not TOML, a text that is not a
/// `Secret` yet when it is given to [`Draft::set`](super::Draft::set).
///
/// ```
/// use foundation::config::{Config, KeySpec, Schema, Secret};
///
/// const KEYS: &[KeySpec] = &[KeySpec::secret("db.password").doc("Who may write.")];
/// let config = Config::from_toml(Schema::new(&[KEYS])?, "db.password = 'hunter2'", "app.toml")?;
/// let password: Secret = config.get("db.password")?;
/// assert_eq!(password.expose(), "hunter2");
/// assert!(!format!("{config:?} {password:?} {password}").contains("hunter2"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Default)]
pub struct Secret(Arc<SecretString>);

impl Secret {
    /// The text itself. Whoever calls this answers for where it goes.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }

    /// Whether the text is empty: the key's default, which means that no secret was set.
    pub fn is_empty(&self) -> bool {
        self.expose().is_empty()
    }
}

/// Takes the text over without a copy if it has no spare capacity.
impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Arc::new(text.into()))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self(Arc::new(text.into()))
    }
}

/// Tells whether a reload changed the secret. Takes a time that depends on the texts: not for
/// judging what a stranger sent.
impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(not shown)")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<not shown>")
    }
}
