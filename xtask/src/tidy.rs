//! `cargo xtask tidy`: the form that every file has.
//!
//! Owns which files are checked and where links lead; [what is checked of each file](rules) is pure.
//! Leaves formatting to rustfmt and code to clippy.

mod files;
mod rules;

use std::fs;
use std::path::{Component, Path, PathBuf};

use self::rules::Finding;
use crate::failure::Failure;
use crate::markdown;
use crate::workspace::Workspace;

/// Directories of other people's files, kept for tests as they are.
const UNCHECKED: &str = "fixtures";

/// Checks every Rust and Markdown file.
pub(crate) fn run(workspace: &Workspace) -> Result<(), Failure> {
    let files = files::list(workspace)?;
    let mut findings = Vec::new();
    let mut checked = 0;
    for file in &files {
        let name = file.strip_prefix(workspace.root()).unwrap_or(file);
        let is_unchecked = name.components().any(|part| part.as_os_str() == UNCHECKED);
        let name = name.to_string_lossy().replace('\\', "/");
        let kind = file.extension().and_then(|extension| extension.to_str());
        if is_unchecked || !matches!(kind, Some("rs" | "md")) {
            continue;
        }
        checked += 1;
        let text =
            fs::read_to_string(file).map_err(|error| Failure::file("reading", file, &error))?;
        if kind == Some("rs") {
            findings.extend(rules::check_rust(&name, &text));
        } else {
            findings.extend(rules::check_markdown(&name, &text, |target, anchor| {
                resolves(workspace.root(), &files, file, target, anchor)
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

/// Whether a link in `from` leads to a file of the workspace (or a directory that holds one), and
/// its anchor to a heading.
fn resolves(
    root: &Path,
    files: &[PathBuf],
    from: &Path,
    target: &str,
    anchor: Option<&str>,
) -> bool {
    let path = match (target, from.parent()) {
        ("", _) => from.to_path_buf(),
        (_, Some(directory)) => normalised(&directory.join(target)),
        (_, None) => return false,
    };
    let exists = path.starts_with(root) && files.iter().any(|file| file.starts_with(&path));
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
        let resolves = |target| resolves(Path::new("/w"), &files, from, target, None);
        assert!(resolves("../benches/budgets.toml"));
        assert!(resolves("../benches"));
        assert!(resolves(".."));
        assert!(!resolves("budgets.toml"));
        assert!(!resolves("b.md"));
    }

    #[test]
    fn a_link_stays_inside_the_repository() {
        let files = [PathBuf::from("/home/w/a.md")];
        let leads = |target| {
            resolves(Path::new("/home/w"), &files, Path::new("/home/w/a.md"), target, None)
        };
        assert!(leads("."));
        for target in ["..", "../..", "/", "/home", "../../../../.."] {
            assert!(!leads(target), "{target}");
        }
    }
}
