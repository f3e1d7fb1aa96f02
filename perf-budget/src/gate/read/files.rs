//! Walking result directories and reading single files, within limits.
//!
//! Symbolic links to directories are not followed, so that a walk ends and stays below its root.

use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::{MAX_DEPTH, MAX_FILE_BYTES, Problem, ReadError};

/// A directory and the names of the files in it, in order.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    pub(super) files: Vec<OsString>,
}

impl Directory {
    pub(super) fn has(&self, file: &str) -> bool {
        self.files.iter().any(|name| name.as_os_str() == OsStr::new(file))
    }
}

/// `root` and every directory below it, ordered by path; none if there is no `root`. A directory
/// below `root` that can't be read is an entry of `errors`.
pub(super) fn walk(root: &Path, errors: &mut Vec<ReadError>) -> io::Result<Vec<Directory>> {
    let mut found = Vec::new();
    let mut open = vec![(root.to_path_buf(), 0)];
    while let Some((path, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            errors.push(Problem::TooDeep.at(path));
            continue;
        }
        match list(&path) {
            Ok((files, directories)) => {
                open.extend(directories.into_iter().map(|name| (path.join(name), depth + 1)));
                found.push(Directory { path, files });
            }
            Err(error) if depth > 0 => errors.push(Problem::Io(error).at(path)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    Ok(found)
}

/// The names of the files and of the directories in `path`, each in order.
pub(super) fn list(path: &Path) -> io::Result<(Vec<OsString>, Vec<OsString>)> {
    let (mut files, mut directories) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            directories.push(entry.file_name());
        } else {
            files.push(entry.file_name());
        }
    }
    files.sort();
    directories.sort();
    Ok((files, directories))
}

/// The bytes of the file at `path` and when it was last written.
pub(super) fn read(path: &Path) -> Result<(Vec<u8>, SystemTime), Problem> {
    let file = File::open(path).map_err(Problem::Io)?;
    let modified = file.metadata().and_then(|data| data.modified()).map_err(Problem::Io)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(MAX_FILE_BYTES + 1);
    bounded.read_to_end(&mut bytes).map_err(Problem::Io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Problem::TooLarge);
    }
    Ok((bytes, modified))
}
