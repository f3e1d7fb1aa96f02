//! How old a result may be: not older than the code it speaks of.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The newest source file of the workspace and when it was changed.
#[derive(Clone, Debug)]
pub(super) struct NewestSource {
    pub(super) path: PathBuf,
    pub(super) changed: SystemTime,
}

/// Looks through Rust sources and manifests below `folders`, leaving out `target` and what is
/// hidden. Unreadable folders count as empty: they can't have been compiled either.
pub(super) fn newest(folders: &[PathBuf], target: &Path) -> Option<NewestSource> {
    let mut newest: Option<NewestSource> = None;
    let mut left: Vec<PathBuf> = folders.to_vec();
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(about) = entry.metadata() else { continue };
            let hidden = name.to_string_lossy().starts_with('.');
            if about.is_dir() && !hidden && path != target {
                left.push(path);
            } else if is_source(&path)
                && let Ok(changed) = about.modified()
                && newest.as_ref().is_none_or(|newest| newest.changed < changed)
            {
                newest = Some(NewestSource { path, changed });
            }
        }
    }
    newest
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
        || path.file_name().is_some_and(|name| name == "Cargo.toml")
}
