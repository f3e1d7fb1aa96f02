//! Bounded reads from the disk, whose failures are violations.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use secrecy::zeroize::Zeroizing;

use super::error::Violation;
use super::file::{MAX_DOCUMENT_BYTES, too_long};

/// How many files of a directory are read at most.
const MAX_FILES: usize = 256;

/// The text of the file at `path`; empty if it is missing and may be. A link that leads nowhere is not
/// missing. It may hold secrets, so its memory is overwritten.
pub(super) fn text(path: &Path, optional: bool) -> Result<Zeroizing<String>, Violation> {
    // Opening a pipe would wait for its writer.
    let missing_ok = optional.then_some(path);
    let Some(metadata) = unless_missing(fs::metadata(path).map(Some), missing_ok)? else {
        return Ok(Zeroizing::default());
    };
    if !metadata.is_file() {
        return Err(unreadable(&"it is no regular file"));
    }
    let bytes = usize::try_from(metadata.len()).unwrap_or(usize::MAX);
    if bytes > MAX_DOCUMENT_BYTES {
        return Err(too_long(bytes));
    }
    // Room for all of it: a text that is moved leaves a copy behind. One byte more than the limit
    // shows that the file grew.
    let mut text = Zeroizing::new(String::with_capacity(bytes + 1));
    let file = unless_missing(File::open(path).map(Some), missing_ok)?;
    if let Some(file) = file {
        let mut file = file.take(MAX_DOCUMENT_BYTES as u64 + 1);
        file.read_to_string(&mut text).map_err(|error| unreadable(&error))?;
    }
    Ok(text)
}

/// The names of the TOML files in the directory at `path`, in order; none if it is missing and may
/// be.
pub(super) fn toml_files(path: &Path, optional: bool) -> Result<Vec<OsString>, Violation> {
    let mut names = Vec::new();
    let entries = unless_missing(fs::read_dir(path).map(Some), optional.then_some(path))?;
    for entry in entries.into_iter().flatten() {
        let name = entry.map_err(|error| unreadable(&error))?.file_name();
        if is_toml_file(Path::new(&name)) {
            names.push(name);
        }
        if names.len() > MAX_FILES {
            return Err(Violation::TooManyFiles { limit: MAX_FILES });
        }
    }
    names.sort();
    Ok(names)
}

/// Whether the name of a file says that it is one of a directory's. A hidden file is an editor's.
pub(super) fn is_toml_file(path: &Path) -> bool {
    let hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    !hidden && path.extension().is_some_and(|extension| extension == "toml")
}

/// What was read; nothing if it was not found and nothing, not even a link, is at `missing_ok`.
fn unless_missing<T: Default>(
    read: io::Result<T>,
    missing_ok: Option<&Path>,
) -> Result<T, Violation> {
    let is_missing = |error: &io::Error| error.kind() == ErrorKind::NotFound;
    let nothing_at = |path: &Path| path.symlink_metadata().is_err_and(|error| is_missing(&error));
    match read {
        Err(error) if is_missing(&error) && missing_ok.is_some_and(nothing_at) => Ok(T::default()),
        read => read.map_err(|error| unreadable(&error)),
    }
}

fn unreadable(reason: &dyn ToString) -> Violation {
    Violation::Unreadable { reason: reason.to_string() }
}
