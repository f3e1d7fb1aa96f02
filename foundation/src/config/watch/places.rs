//! Which directories are watched for a configuration's files, and which events concern them.
//!
//! A path is walked from the root, as the operating system does: a link on the way is a name that
//! can change its meaning, and so is the first part that does not exist. The directories in which
//! these names and the file itself stand are watched. A directory on the way that is no link and is
//! renamed is not noticed.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use crate::config::disk;
use crate::config::origin::Files;
use crate::sync::{Mutex, lock};

/// How many links a path may lead through, as on Linux.
const MOST_LINKS: usize = 40;

/// The places of one watch: the listener asks, the reader changes them. The lock is not held while
/// the operating system is asked for a watch, because its answer can wait for the listener.
#[derive(Default)]
pub(super) struct Places(Mutex<Found>);

/// What a walk along every path found. No path in here leads through a link.
#[derive(Clone, Default, PartialEq)]
pub(super) struct Found {
    /// The directories to watch.
    pub(super) watched: BTreeSet<PathBuf>,
    /// Those of them in which every TOML file counts.
    collections: BTreeSet<PathBuf>,
    /// The names whose meaning counts: files, links, and what does not exist yet.
    names: BTreeSet<PathBuf>,
}

impl Places {
    /// Whether an event at these paths can change what the files say.
    pub(super) fn concern(&self, paths: &[PathBuf]) -> bool {
        let found = lock(&self.0);
        paths.iter().any(|path| found.concerns(path))
    }

    /// Puts `found` in the place of what was found before, and returns that.
    pub(super) fn replace(&self, found: Found) -> Found {
        std::mem::replace(&mut *lock(&self.0), found)
    }
}

impl Found {
    #[cfg(all(test, not(foundation_loom)))]
    pub(super) fn with_name(name: &str) -> Self {
        Self { names: BTreeSet::from([name.into()]), ..Self::default() }
    }

    /// Walks along the path of every file as the disk has it now.
    pub(super) fn on_disk<'a>(files: impl Iterator<Item = &'a Files>) -> Self {
        let mut found = Self::default();
        for files in files {
            let Some(end) = found.walk(&files.path) else { continue };
            if files.is_directory {
                // What cannot be listed is reported by the reload.
                for name in disk::toml_files(&end, true).unwrap_or_default() {
                    found.walk(&end.join(name));
                }
                found.watched.insert(end.clone());
                found.collections.insert(end);
            }
        }
        found
    }

    fn concerns(&self, path: &Path) -> bool {
        let in_collection = || {
            disk::is_toml_file(path)
                && path.parent().is_some_and(|directory| self.collections.contains(directory))
        };
        self.names.contains(path) || self.watched.contains(path) || in_collection()
    }

    /// Notes every name on the way along `path`, and returns what it leads to if that exists.
    fn walk(&mut self, path: &Path) -> Option<PathBuf> {
        let mut reached = PathBuf::new();
        let mut links = 0;
        // What is still to walk, the next part last.
        let mut ahead = parts(path);
        while let Some(part) = ahead.pop() {
            match Path::new(&part).components().next() {
                Some(Component::ParentDir) => {
                    reached.pop();
                    continue;
                }
                Some(Component::Normal(_)) => {}
                // A root or a drive.
                _ => {
                    reached.push(part);
                    continue;
                }
            }
            let name = reached.join(part);
            let kind = name.symlink_metadata().map(|metadata| metadata.file_type());
            if ahead.is_empty() || !kind.as_ref().is_ok_and(std::fs::FileType::is_dir) {
                self.watched.insert(reached.clone());
                self.names.insert(name.clone());
            }
            if !kind.ok()?.is_symlink() {
                reached = name;
                continue;
            }
            links += 1;
            let target = name.read_link().ok().filter(|_| links <= MOST_LINKS)?;
            ahead.extend(parts(&target));
        }
        Some(reached)
    }
}

/// The parts of a path, the first one last.
fn parts(path: &Path) -> Vec<OsString> {
    let parts = path.components().filter(|part| !matches!(part, Component::CurDir));
    parts.rev().map(|part| part.as_os_str().to_owned()).collect()
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use std::fs;

    use super::*;
    use crate::config::{Builder, Config, Schema};

    /// Whether events at these paths below `root` concern the files that `build` names.
    #[expect(clippy::unwrap_used, reason = "for tests")]
    fn concerning(
        root: &Path,
        build: impl FnOnce(Builder) -> Builder,
        paths: &[&str],
    ) -> Vec<bool> {
        let config = build(Config::builder(Schema::new(&[]).unwrap())).build().unwrap();
        let places = Places::default();
        places.replace(Found::on_disk(config.origin.files()));
        paths.iter().map(|path| places.concern(&[root.join(path)])).collect()
    }

    #[test]
    fn of_a_directory_only_the_toml_files_that_are_not_hidden_and_itself_count() {
        let directory = tempfile::TempDir::new().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir(root.join("conf.d")).unwrap();
        fs::write(root.join("conf.d/a.toml"), "").unwrap();
        let collection = |builder: Builder| builder.directory(root.join("conf.d"));
        let counts = ["conf.d", "conf.d/a.toml", "conf.d/new.toml"];
        assert_eq!(concerning(&root, collection, &counts), [true; 3]);
        let none = ["app.log", "a.toml", "conf.d/a.toml~", "conf.d/.a.toml", "conf.d/deep/a.toml"];
        assert_eq!(concerning(&root, collection, &none), [false; 5]);
    }

    #[test]
    fn of_a_file_its_own_name_and_that_of_each_missing_part_count() {
        let directory = tempfile::TempDir::new().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::write(root.join("app.toml"), "").unwrap();
        let files = |builder: Builder| {
            builder.file(root.join("app.toml")).optional_file(root.join("etc/app/local.toml"))
        };
        assert_eq!(concerning(&root, files, &["app.toml", "etc"]), [true; 2]);
        let none = ["app.log", "other.toml", "app.toml~", "etc/app", "etc/app/local.toml"];
        assert_eq!(concerning(&root, files, &none), [false; 5]);
    }

    #[cfg(unix)]
    #[test]
    fn every_link_on_the_way_and_what_it_leads_to_count() {
        use std::os::unix::fs::symlink;

        let directory = tempfile::TempDir::new().unwrap();
        let root = directory.path().canonicalize().unwrap();
        fs::create_dir(root.join("..1")).unwrap();
        fs::write(root.join("..1/app.toml"), "").unwrap();
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/app.toml", root.join("app.toml")).unwrap();
        let file = |builder: Builder| builder.file(root.join("app.toml"));
        let counts = ["app.toml", "..data", "..1/app.toml"];
        assert_eq!(concerning(&root, file, &counts), [true; 3]);
        // The operating system names what is behind a link by the directory that is watched.
        let none = ["..tmp", "..1/other.toml", "..2/app.toml", "..data/app.toml", "other.toml"];
        assert_eq!(concerning(&root, file, &none), [false; 5]);
    }
}
