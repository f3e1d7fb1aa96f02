//! The budgets file: performance budgets and waivers, written in TOML.
//!
//! Owns the form of the file, and reports everything that is wrong with one at once, each problem
//! with its place. What a budget means is [`Budget`]'s business; whether it is kept is judged in
//! [`judge`](super::judge).
//!
//! ```toml
//! [[budget]]
//! operation = "service_discovery"
//! metric = "latency_p99"
//! max = "1 ms"                    # or min = "50_000 /s"
//! owner = "foundation"
//! reason = "service level objective"
//! tier = "full"                   # optional: "quick" unless said otherwise
//! rate = "50_000 /s"              # optional, for latency_p* and success_rate, with `duration`
//! duration = "2 s"
//!
//! [[budget]]
//! operation = "lookup"
//! metric = "latency_mean"
//! max = "1.15 x"
//! relative_to = "papaya_get"      # optional: both are measured side by side
//! owner = "foundation"
//! reason = "at most 15 % over the bare map"
//!
//! [[budget]]
//! operation = "lookup"
//! metric = "latency_mean"
//! max = "40 ns"
//! machine = "linux-x86_64"        # optional: the only machine on which the limit holds
//! owner = "foundation"
//! reason = "measured on that machine"
//!
//! [[waiver]]
//! operation = "service_discovery"
//! metric = "latency_p99"
//! ceiling = "1.5 ms"
//! issue = "#12"
//! expires = 2027-01-31            # the last day; after it the budget's own limit is in force
//! ```

mod entries;
mod fields;
mod problem;
mod render;
mod rules;

#[cfg(test)]
mod tests;

use toml::de::{DeTable, DeValue};

use crate::{Budget, Waiver};
use fields::{Entry, unknown_keys};
use problem::{Problems, position};

pub use problem::{BudgetFileErrors, FileProblem};
pub use render::render;

/// The longest text that is read, in bytes.
pub const MAX_TEXT_BYTES: usize = 256 << 10;

/// The content of a budgets file, each entry with its place.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BudgetFile {
    /// Never empty; in the order of the file, and each valid by [`Budget::validate`].
    pub budgets: Vec<Located<Budget>>,
    /// In the order of the file; each speaks of a budget above.
    pub waivers: Vec<Located<Waiver>>,
}

/// An entry and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The line of its header, from 1.
    pub line: usize,
    /// The entry.
    pub value: T,
}

/// Reads the budgets file `text`; `source_name` is the name that problems are reported under.
///
/// ```
/// use perf_budget::gate::budget_file;
///
/// let file = budget_file::parse(
///     r#"
///     [[budget]]
///     operation = "lookup"
///     metric = "latency_mean"
///     max = "40 ns"
///     owner = "foundation"
///     reason = "as fast as the map below it"
///     "#,
///     "budgets.toml",
/// )?;
/// assert_eq!(file.budgets[0].value.operation, "lookup");
/// assert_eq!(file.budgets[0].line, 2);
///
/// let errors = budget_file::parse("[[budget]]\nlimit = \"1 ms\"", "budgets.toml").unwrap_err();
/// assert!(errors.to_string().contains("budgets.toml:2:1: unknown key `limit`, did you mean `max`?"));
/// # Ok::<(), budget_file::BudgetFileErrors>(())
/// ```
///
/// # Errors
/// Every problem of the file. Where the text is no TOML, only the places where it is none, because
/// what was meant by the rest would be a guess.
pub fn parse(text: &str, source_name: &str) -> Result<BudgetFile, BudgetFileErrors> {
    let mut problems = Problems::of(text);
    let mut file = BudgetFile::default();
    if text.len() > MAX_TEXT_BYTES {
        let size = text.len();
        problems.add(0..0, format_args!("{size} bytes, but at most {MAX_TEXT_BYTES} are read"));
        return Err(problems.into_errors(source_name));
    }
    match document(text, &mut problems) {
        Some(root) => read(&root, text, &mut file, &mut problems),
        None => return Err(problems.into_errors(source_name)),
    }
    if problems.is_empty() { Ok(file) } else { Err(problems.into_errors(source_name)) }
}

/// The document in `text`, unless it is no TOML.
fn document<'text>(text: &'text str, problems: &mut Problems<'_>) -> Option<DeTable<'text>> {
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        problems.add(error.span().unwrap_or(0..0), error.message());
    }
    errors.is_empty().then(|| root.into_inner())
}

fn read(root: &DeTable<'_>, text: &str, file: &mut BudgetFile, problems: &mut Problems<'_>) {
    unknown_keys(root, &["budget", "waiver"], problems);
    let mut drafts = Vec::new();
    for entry in entries_of(root, "budget", &entries::BUDGET_KEYS, problems) {
        drafts.push(entries::budget(&entry, problems));
    }
    for entry in entries_of(root, "waiver", &entries::WAIVER_KEYS, problems) {
        let draft = entries::waiver(&entry, problems);
        rules::check_waiver(&draft, &drafts, problems);
        if let Some(value) = draft.whole {
            let (line, _) = position(text, draft.header.start);
            file.waivers.push(Located { line, value });
        }
    }
    rules::check_duplicates(&drafts, text, problems);
    if drafts.is_empty() && !root.contains_key("budget") {
        problems.add_with_help(0..0, "no budget", "add a [[budget]]");
    }
    for draft in drafts {
        if let Some(value) = draft.whole {
            let (line, _) = position(text, draft.header.start);
            file.budgets.push(Located { line, value });
        }
    }
}

/// The entries under `kind`.
fn entries_of<'a, 'text>(
    root: &'a DeTable<'text>,
    kind: &'static str,
    known: &[&str],
    problems: &mut Problems<'_>,
) -> Vec<Entry<'a, 'text>> {
    let Some(found) = root.get(kind) else {
        return Vec::new();
    };
    let DeValue::Array(elements) = found.get_ref() else {
        let message = format!("`{kind}` must be an array of tables");
        problems.add_with_help(found.span(), message, format!("write [[{kind}]]"));
        return Vec::new();
    };
    if elements.is_empty() && kind == "budget" {
        problems.add_with_help(found.span(), "no budget", "add a [[budget]]");
    }
    let mut entries = Vec::with_capacity(elements.len());
    for element in elements {
        match element.get_ref() {
            DeValue::Table(table) => {
                entries.push(Entry::new(table, element.span(), kind, known, problems));
            }
            _ => problems.add(element.span(), format_args!("each `{kind}` must be a table")),
        }
    }
    entries
}
