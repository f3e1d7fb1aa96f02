//! What is checked of one file; pure.

use std::fmt;

use crate::markdown;

/// A file longer than this is asking to be taken apart.
const LINES_AT_MOST: usize = 600;

/// Files that may be longer, each with its reason.
const MAY_BE_LONGER: &[(&str, &str)] = &[];

/// The files that may contain `unsafe` code, each with its reason.
const MAY_BE_UNSAFE: &[(&str, &str)] = &[
    ("foundation/src/memory/accounting.rs", "an allocator can't be written without"),
    ("foundation/tests/config_secrets.rs", "an allocator that looks at what is freed"),
    ("mabeam/src/kernel/block.rs", "raw memory, kept in lists"),
    ("mabeam/src/kernel/cell.rs", "what the token protects is reached through cells"),
    ("mabeam/src/kernel/cell/end.rs", "what an agent leaves is taken out by the token's holder"),
    ("mabeam/src/kernel/cell/turn.rs", "turns are polled by the token's holder"),
    ("mabeam/src/kernel/inbox.rs", "items are linked through raw pointers"),
    ("mabeam/src/kernel/mail.rs", "futures that borrow their neighbour, in raw memory"),
    ("mabeam/src/kernel/models.rs", "items in raw lists; a state that only a token protects"),
    ("mabeam/src/pinned/local.rs", "what is not `Send` stays on its thread, which is checked"),
    ("mabeam/src/kernel/own.rs", "a pointer to where it stands"),
    ("benches/src/memory.rs", "passes the calls of an allocator on to the one that is measured"),
];

// Put together from parts, so that this file does not find itself.
const LETS_UNSAFE: &str = concat!("(unsafe", "_code");
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("to", "do!(")];

/// A broken rule and its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Finding {
    path: String,
    line: usize,
    message: String,
}

/// Checks a Rust file.
pub(super) fn check_rust(path: &str, text: &str) -> Vec<Finding> {
    let finding = |line: usize, message: String| Finding { path: path.to_owned(), line, message };
    let mut findings = Vec::new();
    let opening = text.lines().next().and_then(|line| line.strip_prefix("//!"));
    if opening.is_none_or(|words| words.trim().is_empty()) {
        findings.push(finding(
            1,
            "does not start with `//!` and text: say what the file owns".to_owned(),
        ));
    }
    if path == "mod.rs" || path.ends_with("/mod.rs") {
        findings.push(finding(1, "is a `mod.rs`: call it by the module's name".to_owned()));
    }
    let lines: Vec<&str> = text.lines().collect();
    let may_be_longer = MAY_BE_LONGER.iter().any(|(name, _)| *name == path);
    if lines.len() > LINES_AT_MOST && !may_be_longer {
        let message = format!("has {} lines, at most {LINES_AT_MOST} are allowed", lines.len());
        findings.push(finding(lines.len(), message));
    }
    let may_be_unsafe = MAY_BE_UNSAFE.iter().any(|(name, _)| *name == path);
    for (at, line) in lines.iter().enumerate() {
        if line.contains(LETS_UNSAFE) && !may_be_unsafe {
            findings.push(finding(at + 1, "only listed files may contain unsafe code".to_owned()));
        }
        if let Some(word) = UNFINISHED.iter().find(|word| line.contains(**word)) {
            findings.push(finding(at + 1, format!("`{word}`: finish it, or write an issue")));
        }
    }
    findings
}

/// Checks the links of a Markdown file; `resolves` is asked for a path (empty: the file itself) and
/// an anchor.
pub(super) fn check_markdown(
    path: &str,
    text: &str,
    resolves: impl Fn(&str, Option<&str>) -> bool,
) -> Vec<Finding> {
    let links = markdown::links(text).into_iter();
    links
        .filter(|link| !is_external(&link.target))
        .filter_map(|link| {
            let (target, anchor) = match link.target.split_once('#') {
                Some((target, anchor)) => (target, Some(anchor)),
                None => (link.target.as_str(), None),
            };
            (!resolves(target, anchor)).then(|| Finding {
                path: path.to_owned(),
                line: link.line,
                message: format!("links to `{}`, which is not in this repository", link.target),
            })
        })
        .collect()
}

fn is_external(target: &str) -> bool {
    target.contains("://") || target.starts_with("mailto:")
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        check_rust(path, text).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_tidy_file_has_no_findings() {
        assert_eq!(found("a/src/b.rs", "//! B.\n\nfn b() {}\n"), [""; 0]);
    }

    #[test]
    fn a_file_says_first_what_it_owns() {
        for text in ["use std::fmt;\n", "//!\n//! A.\n", "//! \n", "\n//! A.\n", ""] {
            let expected = "a.rs:1: does not start with `//!` and text: say what the file owns";
            assert_eq!(found("a.rs", text), [expected], "{text:?}");
        }
    }

    #[test]
    fn a_module_file_has_the_module_s_name() {
        assert_eq!(found("a/src/b/mod.rs", "//! B.\n").len(), 1);
        assert_eq!(found("a/src/comod.rs", "//! B.\n").len(), 0);
    }

    #[test]
    fn the_bound_on_lines_is_exact() {
        let text = |lines| format!("//! Long.\n{}", "\n".repeat(lines - 1));
        assert_eq!(found("a.rs", &text(LINES_AT_MOST)).len(), 0);
        assert_eq!(found("a.rs", &text(LINES_AT_MOST + 1)).len(), 1);
    }

    #[test]
    fn unfinished_work_is_found_in_comments_and_in_code() {
        for word in UNFINISHED {
            assert_eq!(found("a.rs", &format!("//! A.\n// {word}\n")).len(), 1, "{word}");
        }
    }

    #[test]
    fn unsafe_code_is_found_outside_of_the_listed_files() {
        let text = format!("//! A.\n#[allow{LETS_UNSAFE}, reason = \"fast\")]\n");
        assert_eq!(found("a.rs", &text), ["a.rs:2: only listed files may contain unsafe code"]);
        assert_eq!(found(MAY_BE_UNSAFE[0].0, &text).len(), 0);
    }

    #[test]
    fn a_broken_link_is_named_with_its_line() {
        let text = "# T\n\n[a](a.md) [b](b.md#c) [x](https://example.com)\n[d](#d)\n";
        let findings = check_markdown("docs/T.md", text, |path, _| path == "a.md");
        let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "docs/T.md:3: links to `b.md#c`, which is not in this repository",
                "docs/T.md:4: links to `#d`, which is not in this repository"
            ]
        );
    }
}
