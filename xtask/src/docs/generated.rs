//! The pages that are made from sources other than prose.

use std::fs;

use super::budgets;
use crate::failure::Failure;
use crate::perf_gate::BUDGETS;
use crate::workspace::{self, Workspace};

/// What the page of the settings says before the tables that the schema prints.
const CONFIGURATION: &str = "# Configuration\n\n\
    Generated from the schema of `foundation` by `cargo xtask docs`; change the schema, not this\n\
    page. A key is written with its table: `foundation.registry.max_names`.\n\n";

/// A page and where it stands.
pub(super) struct Page {
    /// From the root.
    path: &'static str,
    content: String,
}

/// Makes every page anew.
pub(super) fn pages(workspace: &Workspace) -> Result<Vec<Page>, Failure> {
    let file = perf_budget::gate::budget_file::parse(&workspace.read(BUDGETS)?, BUDGETS)
        .map_err(|error| Failure::new(format!("the budgets file is malformed:\n{error}")))?;
    let stated: Vec<_> = file.budgets.iter().map(|budget| &budget.value).collect();
    let waivers: Vec<_> = file.waivers.iter().map(|waiver| &waiver.value).collect();
    let budgets = budgets::page(BUDGETS, &stated, &waivers);

    // The crate that owns the schema prints it; xtask depends on no runtime crate.
    let configuration = workspace
        .cargo()
        .args(["run", "--quiet", "--package", "foundation", "--example", "config_reference"])
        .stdout()?;
    let configuration = format!("{CONFIGURATION}{}", String::from_utf8_lossy(&configuration));

    Ok(vec![
        Page { path: "docs/reference/budgets.md", content: budgets },
        Page { path: "docs/reference/configuration.md", content: configuration },
    ])
}

/// Writes the pages that are not current.
pub(super) fn write(workspace: &Workspace, pages: &[Page]) -> Result<(), Failure> {
    for page in pages {
        let path = workspace.path(page.path);
        if fs::read_to_string(&path).is_ok_and(|present| present == page.content) {
            continue;
        }
        workspace::write(&path, &page.content)?;
        println!("rewrote {}", page.path);
    }
    Ok(())
}

/// Fails if a page is missing or not current, with its first different line.
pub(super) fn check(workspace: &Workspace, pages: &[Page]) -> Result<(), Failure> {
    let stale: Vec<String> = pages
        .iter()
        .filter_map(|page| {
            let present = fs::read_to_string(workspace.path(page.path)).unwrap_or_default();
            first_difference(&present, &page.content)
                .map(|difference| format!("  {}, {difference}", page.path))
        })
        .collect();
    if stale.is_empty() {
        return Ok(());
    }
    Err(Failure::new(format!(
        "generated pages are not current; `cargo xtask docs` rewrites them:\n{}",
        stale.join("\n")
    )))
}

/// Where two texts part, if they do.
fn first_difference(present: &str, expected: &str) -> Option<String> {
    if present == expected {
        return None;
    }
    let (mut present, mut expected) = (present.split('\n'), expected.split('\n'));
    let mut line = 1;
    loop {
        match (present.next(), expected.next()) {
            (Some(is), Some(ought)) if is == ought => line += 1,
            (is, ought) => {
                let shown =
                    |text: Option<&str>| text.map_or("nothing".to_owned(), |it| format!("`{it}`"));
                let (is, ought) = (shown(is), shown(ought));
                return Some(format!("line {line}: is {is}, should be {ought}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_different_line_is_shown() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
        let hint = first_difference("a\nb\n", "a\nc\n");
        assert_eq!(hint.as_deref(), Some("line 2: is `b`, should be `c`"));
        let hint = first_difference("a", "a\nb");
        assert_eq!(hint.as_deref(), Some("line 2: is nothing, should be `b`"));
    }
}
