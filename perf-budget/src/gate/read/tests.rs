//! The readers on files that the programs really wrote, and on damaged copies of them.

mod callgrind;
mod criterion;
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

use super::{Problem, ReadError};

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// A copy of a fixture that may be damaged.
fn copy_of(name: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() {
                copy(&entry.path(), &target);
            } else {
                fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    copy(&fixture(name), directory.path());
    directory
}

/// Replaces the first `old` in the file at `path`.
fn edit(path: &Path, old: &str, new: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert!(text.contains(old), "nothing to damage in {}", path.display());
    fs::write(path, text.replacen(old, new, 1)).unwrap();
}

/// Keeps the first half of the file at `path`.
fn truncate(path: &Path) {
    let bytes = fs::read(path).unwrap();
    fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
}

/// The only error among `errors`, and its text without the directory.
fn only(errors: &[ReadError], root: &Path) -> String {
    let [error] = errors else { panic!("not one error: {errors:?}") };
    assert!(error.path.starts_with(root), "{} is elsewhere", error.path.display());
    error.to_string().replace(&format!("{}/", root.display()), "")
}

#[test]
fn a_file_beyond_the_limit_is_refused_before_it_is_parsed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("huge.json");
    fs::File::create(&path).unwrap().set_len(super::MAX_FILE_BYTES + 1).unwrap();
    assert!(matches!(super::files::read(&path), Err(Problem::TooLarge)));
}

#[test]
fn a_tree_deeper_than_the_limit_is_reported_and_not_entered() {
    let directory = tempfile::tempdir().unwrap();
    let mut deep = directory.path().to_path_buf();
    for _ in 0..super::MAX_DEPTH + 5 {
        deep.push("d");
    }
    fs::create_dir_all(&deep).unwrap();
    let mut errors = Vec::new();
    let found = super::files::walk(directory.path(), &mut errors).unwrap();
    assert_eq!(found.len(), super::MAX_DEPTH + 1);
    assert!(matches!(errors.as_slice(), [ReadError { problem: Problem::TooDeep, .. }]));
}
