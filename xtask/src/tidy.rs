//! `cargo xtask tidy`: the form that every file has.
//!
//! Owns the walk over the files that people write; [what is checked of each](rules) is pure. Leaves
//! formatting to rustfmt and code to clippy.

mod rules;

use std::fs;
use std::path::{Component, Path, PathBuf};

use self::rules::Finding;
use crate::failure::Failure;
use crate::markdown;
use crate::workspace::Workspace;

/// Directories that hold no text of ours: built things, and other people's files kept for tests.
const SKIPPED: &[&str] = &["target", ".git", "fixtures", "node_modules"];

/// Checks every Rust and Markdown file.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let mut files = Vec::new();
    collect(workspace.root(), &mut files)?;
    files.sort();
    let mut findings = Vec::new();
    let mut checked = 0;
    for file in &files {
        let name = file.strip_prefix(workspace.root()).unwrap_or(file);
        let name = name.to_string_lossy().replace('\\', "/");
        let kind = file.extension().and_then(|extension| extension.to_str());
        if !matches!(kind, Some("rs" | "md")) {
            continue;
        }
        checked += 1;
        let text =
            fs::read_to_string(file).map_err(|error| Failure::file("reading", file, &error))?;
        if kind == Some("rs") {
            findings.extend(rules::check_rust(&name, &text));
        } else {
            findings.extend(rules::check_markdown(&name, &text, |target, anchor| {
                resolves(&files, file, target, anchor)
            }));
        }
    }
    if findings.is_empty() {
        println!("{checked} files are tidy");
        return Ok(());
    }
    let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
    Err(Failure::new(format!("files are not tidy:\n  {}", lines.join("\n  "))))
}

fn collect(directory: &Path, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let failed = |error| Failure::file("listing", directory, &error);
    for entry in fs::read_dir(directory).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_skipped = path.file_name().is_some_and(|name| SKIPPED.iter().any(|s| *s == name));
        if is_skipped {
            continue;
        }
        if path.is_dir() {
            collect(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a link in `from` leads to a file of the workspace (or a directory that holds one), and
/// its anchor to a heading.
fn resolves(files: &[PathBuf], from: &Path, target: &str, anchor: Option<&str>) -> bool {
    let path = match (target, from.parent()) {
        ("", _) => from.to_path_buf(),
        (_, Some(directory)) => normalised(&directory.join(target)),
        (_, None) => return false,
    };
    let exists = files.iter().any(|file| file.starts_with(&path));
    let is_markdown = path.extension().is_some_and(|extension| extension == "md");
    match anchor {
        Some(anchor) if exists && is_markdown => fs::read_to_string(&path)
            .is_ok_and(|text| markdown::anchors(&text).iter().any(|known| known == anchor)),
        _ => exists,
    }
}

/// `path` without its `.` and `..`, by its words alone.
fn normalised(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                plain.pop();
            }
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_resolve_by_path_and_not_by_luck() {
        let files = [PathBuf::from("/w/docs/a.md"), PathBuf::from("/w/benches/budgets.toml")];
        let from = Path::new("/w/docs/a.md");
        assert!(resolves(&files, from, "../benches/budgets.toml", None));
        assert!(resolves(&files, from, "../benches", None));
        assert!(!resolves(&files, from, "budgets.toml", None));
        assert!(!resolves(&files, from, "b.md", None));
    }
}
