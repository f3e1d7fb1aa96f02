//! The crate's page of guarantees names tests that exist: a promise whose test was renamed or removed
//! is found here.

use std::fs;
use std::path::Path;

/// What `//!` tables of the crate's page name between backticks in their last column.
fn named_tests(page: &str) -> Vec<&str> {
    let rows = page.lines().filter_map(|line| line.strip_prefix("//! |"));
    let held_by = rows.filter_map(|row| row.trim_end_matches('|').rsplit_once('|'));
    held_by
        .flat_map(|(_, column)| column.split('`').skip(1).step_by(2))
        .filter(|name| name.contains("::") || name.contains("tests/"))
        .collect()
}

/// Whether the module or the test that `path` names is there.
fn exists(root: &Path, path: &str) -> bool {
    if path.starts_with("tests/") {
        return root.join(path).is_file();
    }
    let parts: Vec<&str> = path.split("::").collect();
    let file = |parts: &[&str]| root.join("src").join(parts.join("/")).with_extension("rs");
    let Some((test, module)) = parts.split_last() else { return false };
    let has_test = |text: String| {
        text.contains(&format!("fn {test}(")) || text.contains(&format!("fn {test}<"))
    };
    file(&parts).is_file() || fs::read_to_string(file(module)).is_ok_and(has_test)
}

#[test]
fn every_guarantee_names_a_test_that_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let named = named_tests(&page);
    assert!(named.len() > 30, "the tables were not found");
    let missing: Vec<_> = named.into_iter().filter(|name| !exists(root, name)).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn a_test_that_is_not_there_is_noticed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    assert!(exists(root, "log::laws") && exists(root, "tests/guarantees.rs"));
    assert!(exists(root, "log::laws::a_log_behaves_like_a_vec_with_a_moving_start"));
    assert!(!exists(root, "log::laws::a_log_keeps_everything_for_ever"));
    assert!(!exists(root, "tests/wishes.rs"));
}
