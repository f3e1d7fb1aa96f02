//! The reference page of a schema.

use std::fmt::Write;

use super::{Schema, Value};

/// Every key of the schema as Markdown: one section for what stands before the last dot, one table
/// row a key. The same schema gives the same text.
pub fn reference_markdown(schema: &Schema) -> String {
    let mut page = String::new();
    let mut section = None;
    for key in schema.keys() {
        let (own, name) = key.path().rsplit_once('.').unwrap_or(("", key.path()));
        if section != Some(own) {
            let gap = if section.is_some() { "\n" } else { "" };
            let title = if own.is_empty() { "Top level".to_owned() } else { format!("`{own}`") };
            let _ = write!(
                page,
                "{gap}## {title}\n\n| key | default | must be | meaning |\n|---|---|---|---|\n"
            );
            section = Some(own);
        }
        let default = cell(&shown(&key.default_value()));
        let (rule, meaning) = (cell(&key.rule().to_string()), cell(key.meaning()));
        let _ = writeln!(page, "| `{name}` | `{default}` | {rule} | {meaning} |");
    }
    page
}

/// The value as it is written in a file, with digits in groups of three.
fn shown(value: &Value) -> String {
    let text = value.to_string();
    let Value::Integer(_) = value else { return text };
    let (sign, digits) = text.strip_prefix('-').map_or(("", &*text), |digits| ("-", digits));
    let mut grouped = String::from(sign);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            grouped.push('_');
        }
        grouped.push(digit);
    }
    grouped
}

/// Text that stays within its table cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}
