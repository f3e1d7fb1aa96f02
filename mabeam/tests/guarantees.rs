//! The crate's page of guarantees names tests that exist: a promise whose tests were renamed or removed
//! is found here.

use std::fs;
use std::path::Path;

#[test]
fn every_guarantee_names_tests_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(root.join("src/lib.rs")).unwrap();
    let (_, tables) = page.split_once("# Guarantees").unwrap();
    let named: Vec<&str> = tables
        .lines()
        .filter_map(|line| line.strip_prefix("//! | "))
        .flat_map(|row| row.split('`').skip(1).step_by(2))
        .filter(|name| name.starts_with("tests/") || name.starts_with("kernel::"))
        .filter(|name| !name.contains('…'))
        .collect();
    assert!(named.len() > 25, "the table was not found");
    let file = |name: &str| match name.strip_prefix("tests/") {
        Some(_) => root.join(name),
        None => root.join("src").join(name.replace("::", "/")).with_extension("rs"),
    };
    let missing: Vec<_> = named.into_iter().filter(|name| !file(name).is_file()).collect();
    assert_eq!(missing, [""; 0]);
}
