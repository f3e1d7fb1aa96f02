//! Values from variables of the environment.

use std::collections::HashMap;
use std::ffi::OsString;

use secrecy::zeroize::Zeroizing;
use toml::Spanned;
use toml::de::DeValue;

use super::error::{Problem, Rejection, Violation};
use super::snapshot::Held;
use super::{KeySpec, Kind, Schema, Source, file};

/// What stands between the parts of a variable's name. No part of a path contains it.
const SEPARATOR: &str = "__";

/// The variable that sets the key at `path`: the prefix and the parts of the path in capitals, with
/// `__` between them.
///
/// ```
/// use foundation::config::variable;
///
/// assert_eq!(variable("SHOP", "fetch.max_retries"), "SHOP__FETCH__MAX_RETRIES");
/// ```
pub fn variable(prefix: &str, path: &str) -> String {
    format!("{prefix}{SEPARATOR}{}", path.replace('.', SEPARATOR).to_ascii_uppercase())
}

/// The values among `variables`, each with the index of its key, or everything that is wrong with
/// those whose names begin with `prefix`.
pub(super) fn read(
    schema: &Schema,
    prefix: &str,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Vec<(usize, Held)>, Rejection> {
    let specs = schema.keys().iter().enumerate();
    let keys: HashMap<String, (usize, &KeySpec)> =
        specs.map(|(at, spec)| (variable(prefix, spec.path()), (at, spec))).collect();
    let start = format!("{prefix}{SEPARATOR}");
    let mut found = Vec::new();
    let mut rejection = Rejection::none();
    for (name, text) in variables {
        let name = name.to_string_lossy();
        let Some(rest) = name.strip_prefix(&start) else { continue };
        // It may be a secret, so its memory is overwritten.
        let text = Zeroizing::new(text.into_encoded_bytes());
        let source = Source::Environment { variable: (&*name).into() };
        let Some((at, spec)) = keys.get(&*name) else {
            let path = rest.replace(SEPARATOR, ".").to_ascii_lowercase();
            let violation = Violation::UnknownKey { nearest: schema.nearest(&path) };
            rejection.add(Problem { key: Some(path), source, violation });
            continue;
        };
        match value(spec, &text) {
            Ok(value) => found.push((*at, Held { value, source })),
            Err(violation) => {
                rejection.add(Problem { key: Some(spec.path().to_owned()), source, violation });
            }
        }
    }
    rejection.or(found)
}

/// The value that `text` means for the key: a text, a duration or a secret as it stands, everything
/// else as it is written in TOML.
fn value(spec: &KeySpec, text: &[u8]) -> Result<super::Value, Violation> {
    let Ok(text) = str::from_utf8(text) else {
        return Err(spec.wrong_kind(|| "not UTF-8".to_owned()));
    };
    let value = match spec.kind() {
        Kind::Text | Kind::Duration | Kind::Secret => None,
        Kind::Integer | Kind::Float | Kind::Bool => DeValue::parse(text.trim()).ok(),
    };
    let value = value.map_or_else(|| DeValue::String(text.into()), Spanned::into_inner);
    file::converted(spec, &value).and_then(|value| spec.check(value))
}
