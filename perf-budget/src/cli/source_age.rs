//! How old a result may be: not older than the code it speaks of, nor than what it was built with.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The newest source file of the workspace and when it was changed.
#[derive(Clone, Debug)]
pub(super) struct NewestSource {
    pub(super) path: PathBuf,
    pub(super) changed: SystemTime,
}

/// Looks at `places`: files as they are, folders through all their Rust sources and manifests,
/// leaving out cargo's target directories and what is hidden. What can't be read counts as absent:
/// it can't have been compiled either.
pub(super) fn newest(places: &[PathBuf]) -> Option<NewestSource> {
    let mut newest: Option<NewestSource> = None;
    let mut look_at = |path: PathBuf, changed: SystemTime| {
        if newest.as_ref().is_none_or(|newest| newest.changed < changed) {
            newest = Some(NewestSource { path, changed });
        }
    };
    let (files, mut left): (Vec<PathBuf>, Vec<PathBuf>) =
        places.iter().cloned().partition(|place| place.is_file());
    for file in files {
        if let Ok(changed) = file.metadata().and_then(|about| about.modified()) {
            look_at(file, changed);
        }
    }
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let Ok(about) = entry.metadata() else { continue };
            let hidden = name.to_string_lossy().starts_with('.');
            if about.is_dir() && !hidden && !is_target(&path) {
                left.push(path);
            } else if is_source(&path)
                && let Ok(changed) = about.modified()
            {
                look_at(path, changed);
            }
        }
    }
    newest
}

/// Cargo marks the directories that it fills.
fn is_target(path: &Path) -> bool {
    path.join("CACHEDIR.TAG").exists()
}

fn is_source(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "rs")
        || path.file_name().is_some_and(|name| name == "Cargo.toml")
}
