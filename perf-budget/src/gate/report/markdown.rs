//! `report.md`: the report for a pull request or a GitHub step summary.
//!
//! At most [`LIMIT`] bytes, which is what GitHub takes: what does not fit is left out from the end,
//! the least urgent first, and counted. Text from budgets and benchmarks is escaped, so that it can
//! neither break the table nor bring markup of its own.

use std::fmt::Write as _;

use super::text;
use super::{Report, Row};

/// The most bytes that [`render`] yields: 1 MiB, GitHub's limit for a step summary.
pub const LIMIT: usize = 1 << 20;
/// Kept free for the sentence on what was left out.
const RESERVE: usize = 256;

/// The report as GitHub-flavored Markdown.
pub fn render(report: &Report) -> String {
    bounded(report, LIMIT)
}

fn bounded(report: &Report, limit: usize) -> String {
    let mut page = Page { text: String::new(), limit: limit.saturating_sub(RESERVE) };
    page.push(&title(report));
    for warning in &report.warnings {
        page.push(&format!("> {}\n\n", escaped(warning)));
    }
    page.push(&circumstances(report));
    let mut left_out = 0;
    if !report.rows.is_empty() {
        page.push("| | operation | metric | measured | budget | headroom | verdict |\n");
        page.push("|:-:|:--|:--|--:|--:|--:|:--|\n");
        // A table with a hole would hide which rows are missing: stop at the first that is too long.
        let shown = report.rows.iter().take_while(|row| page.push(&table_row(row))).count();
        left_out = report.rows.len() - shown;
    }
    if left_out == 0
        && !report.rows.is_empty()
        && page.push("\n<details><summary>Details</summary>\n")
    {
        let shown = report.rows.iter().take_while(|row| page.push(&details(row))).count();
        left_out = report.rows.len() - shown;
        page.text.push_str("\n</details>\n");
    }
    if left_out > 0 {
        let _ = writeln!(
            page.text,
            "\n{left_out} more of {} budgets do not fit here: see report.html.",
            report.rows.len()
        );
    }
    page.text
}

/// Text that refuses what would make it too long.
struct Page {
    text: String,
    limit: usize,
}

impl Page {
    /// Appends all of `part`, or nothing and `false`.
    fn push(&mut self, part: &str) -> bool {
        let fits = self.text.len() + part.len() <= self.limit;
        if fits {
            self.text.push_str(part);
        }
        fits
    }
}

fn title(report: &Report) -> String {
    let left_out = text::left_out(report).map_or_else(String::new, |left| format!("; {left}"));
    format!(
        "## Performance budgets: {}\n\n**{}**{left_out}.\n\n",
        text::outcome(report).to_lowercase(),
        text::counts(report)
    )
}

/// What was measured, where, and how sure the verdicts are.
fn circumstances(report: &Report) -> String {
    let run = &report.run;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "Commit {}, {} run {} of {} ({:.1} s), budgets of {}.  ",
        escaped(text::commit(report)),
        run.tier,
        escaped(&run.id),
        escaped(&run.started),
        run.seconds,
        escaped(&run.budgets),
    );
    let _ = writeln!(out, "Machine: {}.  ", escaped(&text::machine(report)));
    let _ = writeln!(out, "{}\n", escaped(&text::confidence(report)));
    out
}

fn table_row(row: &Row) -> String {
    format!(
        "| {} | {} | {} | {} | {} | {} | {} |\n",
        text::sign(row.verdict),
        escaped(&row.subject()),
        escaped(row.metric.name()),
        escaped(&text::measured(row.estimate.as_ref())),
        row.limit,
        text::headroom(row),
        row.verdict,
    )
}

fn details(row: &Row) -> String {
    let mut out = format!(
        "\n**{} {}: {}, {}**\n\n",
        text::sign(row.verdict),
        row.verdict,
        escaped(&row.subject()),
        escaped(row.metric.name()),
    );
    let _ = writeln!(out, "- {}", escaped(&text::sentence(row)));
    if let Some(estimate) = row.estimate.as_ref().filter(|estimate| estimate.low < estimate.high) {
        let _ = writeln!(out, "- interval: {}", escaped(&text::interval(estimate)));
    }
    for (name, value) in [("basis", &row.basis), ("reason", &row.reason), ("owner", &row.owner)] {
        if !value.is_empty() {
            let _ = writeln!(out, "- {name}: {}", escaped(value));
        }
    }
    out
}

/// `text` on one line, with every character that means something to Markdown or HTML made plain.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text::one_line(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '$' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty_report, sample_report};
    use super::*;

    #[test]
    fn the_sample_as_markdown() {
        insta::assert_snapshot!(render(&sample_report()));
    }

    #[test]
    fn hostile_text_stays_in_its_cell() {
        let report = sample_report();
        let text = render(&report);
        assert!(!text.contains("<script>"), "{text}");
        let table: Vec<_> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(table.len(), report.rows.len() + 2);
        for line in table {
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(bars, 8, "{line}");
        }
    }

    #[test]
    fn what_does_not_fit_is_counted() {
        let mut report = sample_report();
        let row = report.rows[0].clone();
        report.rows.extend(std::iter::repeat_n(row, 400));
        let (rows, limit) = (report.rows.len(), 16 * 1024);
        let text = bounded(&report, limit);
        assert!(text.len() <= limit, "{}", text.len());
        assert!(text.contains(&format!("more of {rows} budgets do not fit here")), "{text}");
    }

    #[test]
    fn a_row_of_a_megabyte_does_not_break_the_limit() {
        let mut report = sample_report();
        report.rows[1].reason = "|".repeat(LIMIT);
        report.warnings.push("|".repeat(LIMIT));
        let text = render(&report);
        assert!(text.len() <= LIMIT);
        assert!(text.starts_with("## Performance budgets: a budget is exceeded\n"));
        assert!(text.contains("</details>") && text.contains("do not fit here"));
    }

    #[test]
    fn an_empty_report_has_no_table() {
        let text = render(&empty_report());
        assert!(text.starts_with("## Performance budgets: nothing was judged\n"), "{text}");
        assert!(!text.contains("| operation |"), "{text}");
    }
}
