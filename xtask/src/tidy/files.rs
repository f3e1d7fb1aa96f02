//! Which files the repository is made of: git's answer, or a walk where there is no git.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::failure::Failure;
use crate::process::Invocation;
use crate::workspace::Workspace;

const DEADLINE: Duration = Duration::from_secs(60);

/// The regular files, sorted; what git ignores is not among them.
pub(super) fn list(workspace: &Workspace) -> Result<Vec<PathBuf>, Failure> {
    let root = workspace.root();
    let mut files = from_git(root);
    if files.is_empty() {
        walk(root, &root.join("target"), &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::new(format!("there is no file in {}", root.display())));
    }
    files.sort();
    Ok(files)
}

/// What git tracks or would track; nothing outside a checkout or without git.
fn from_git(root: &Path) -> Vec<PathBuf> {
    let listing = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    let Ok(git) = Invocation::new("git", root).args(listing).run_within(DEADLINE) else {
        return Vec::new();
    };
    let names = git.printed.split(|byte| *byte == 0).filter(|name| !name.is_empty());
    let paths = names.map(|name| root.join(String::from_utf8_lossy(name).as_ref()));
    paths.filter(|path| is_regular(path)).collect()
}

/// Leaves out hidden directories, symbolic links and `built`.
fn walk(directory: &Path, built: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::file("listing", directory, &error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let path = entry.path();
        let kind = entry.file_type().map_err(failed)?;
        let is_hidden = entry.file_name().to_string_lossy().starts_with('.');
        if kind.is_file() {
            files.push(path);
        } else if kind.is_dir() && !is_hidden && path != built {
            walk(&path, built, files)?;
        }
    }
    Ok(())
}

/// Whether it is there (git lists a deleted file until the deletion is committed; its messages are no
/// files either) and no link.
fn is_regular(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_walk_finds_sources_and_nothing_built_or_hidden() {
        let workspace = Workspace::find();
        let root = workspace.root();
        let mut walked = Vec::new();
        walk(root, &root.join("target"), &mut walked).expect("the workspace can be read");
        assert!(walked.contains(&root.join("xtask/src/tidy/files.rs")));
        assert!(walked.iter().all(|path| !path.starts_with(root.join("target"))));
        assert!(walked.iter().all(|path| !path.starts_with(root.join(".git"))));
    }
}
