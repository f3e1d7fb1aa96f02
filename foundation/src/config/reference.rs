//! The reference page of a schema.

use std::fmt::Write;

use super::{Kind, Schema, Value, variable};

/// Every key of the schema as Markdown: one section for what stands before the last dot, one table
/// row a key, with the variable that sets it if the environment is read with `prefix`. The same
/// schema and prefix give the same text.
pub fn reference_markdown(schema: &Schema, prefix: &str) -> String {
    let mut page = String::new();
    let mut section = None;
    for key in schema.keys() {
        let (own, name) = key.path().rsplit_once('.').unwrap_or(("", key.path()));
        if section != Some(own) {
            let gap = if section.is_some() { "\n" } else { "" };
            let title = if own.is_empty() { "Top level".to_owned() } else { format!("`{own}`") };
            let _ = write!(
                page,
                "{gap}## {title}\n\n| key | kind | default | must be | variable | meaning |\n\
                 |---|---|---|---|---|---|\n"
            );
            section = Some(own);
        }
        let kind = key.kind();
        let default = match kind {
            Kind::Secret if key.is_required() => "none, must be set".to_owned(),
            Kind::Secret => "never shown".to_owned(),
            _ => format!("`{}`", cell(&shown(&key.default_value()))),
        };
        let (rule, meaning) = (cell(&key.rule().to_string()), cell(key.meaning()));
        let variable = variable(prefix, key.path());
        let _ =
            writeln!(page, "| `{name}` | {kind} | {default} | {rule} | `{variable}` | {meaning} |");
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
