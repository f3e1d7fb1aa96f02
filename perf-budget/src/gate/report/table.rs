//! The report on a terminal: a table, a sentence on everything that did not pass, a closing line.
//!
//! Uses no color unless asked, and never exceeds the width it is given as long as a word fits it.

use comfy_table::presets::NOTHING as NO_LINES;
use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Table};

use super::text;
use super::{Report, Row};
use crate::{Outcome, Verdict};

/// Sentences are not wrapped narrower than this.
const NARROWEST: usize = 30;
/// The columns' titles. A line's verdict is found by where the last one starts.
const HEADER: [&str; 6] = ["operation", "metric", "measured", "budget", "headroom", "verdict"];
/// Spaces between columns: one of padding, one for the line that is not drawn.
const GAP: usize = 2;

/// The report as text, each line at most `width` columns wide (`None`: as wide as it comes), with
/// ANSI colors if `color`.
pub fn render(report: &Report, width: Option<usize>, color: bool) -> String {
    let mut out = String::new();
    if !report.rows.is_empty() {
        let table = grid(report, width);
        for line in painted(&table, color) {
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out.push('\n');
    }
    for row in report.rows.iter().filter(|row| row.verdict != Verdict::Pass) {
        let name = row.verdict.name();
        let label = paint(name, style_of(row.verdict), color);
        push_wrapped(&mut out, &label, name.len(), &text::sentence(row), width);
    }
    for warning in &report.warnings {
        let label = paint("Note", "33", color);
        push_wrapped(&mut out, &label, 4, &text::one_line(warning), width);
    }
    if !out.is_empty() && !out.ends_with("\n\n") {
        out.push('\n');
    }
    let left_out = text::left_out(report).map_or_else(String::new, |left| format!("; {left}"));
    let closing = format!("{}{left_out}", text::counts(report));
    let style = match report.outcome {
        Outcome::Passed => "32",
        Outcome::Exceeded | Outcome::CouldNotJudge => "31",
        Outcome::Inconclusive => "33",
    };
    let outcome = text::outcome(report);
    push_wrapped(&mut out, &paint(outcome, style, color), outcome.len(), &closing, width);
    out
}

/// The table without colors.
fn grid(report: &Report, width: Option<usize>) -> Table {
    let mut table = Table::new();
    table.load_style(NO_LINES.header_separator(LineStyle::none().fill('─').junction('─')));
    table.set_header(HEADER);
    let lines: Vec<_> = report.rows.iter().map(cells).collect();
    let room = width.map_or(usize::MAX, |width| first_column(&lines, width));
    for [operation, cells @ ..] in lines {
        table.add_row(std::iter::once(broken(&operation, room)).chain(cells).collect::<Vec<_>>());
    }
    if let Some(width) = width {
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
    }
    for (index, column) in table.column_iter_mut().enumerate() {
        column.set_padding((0, u16::from(index + 1 < HEADER.len())));
        if (2..=4).contains(&index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
        if index > 0 {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
    }
    table
}

fn cells(row: &Row) -> [String; 6] {
    [
        text::one_line(&row.subject()).into_owned(),
        row.metric.to_string(),
        text::measured(row.estimate.as_ref()),
        row.limit.to_string(),
        text::headroom(row),
        row.verdict.to_string(),
    ]
}

/// What the other columns leave of `width` for the first one.
fn first_column(lines: &[[String; 6]], width: usize) -> usize {
    let widest = |column: usize| {
        let cells = lines.iter().map(|cells| cells[column].chars().count());
        cells.chain([HEADER[column].len()]).max().unwrap_or(0)
    };
    let others: usize = (1..HEADER.len()).map(|column| widest(column) + GAP).sum();
    width.saturating_sub(others).max(HEADER[0].len())
}

/// `name` in lines of at most `room`, broken behind its separators where it has any.
fn broken(name: &str, room: usize) -> String {
    let (mut out, mut column) = (String::new(), 0);
    for part in name.split_inclusive([' ', '_', ':', '/', '.', '-']) {
        let length = part.trim_end().chars().count();
        if column > 0 && column + length > room {
            out.push('\n');
            column = 0;
        }
        for c in part.chars() {
            if column == room {
                out.push('\n');
                column = 0;
            }
            out.push(c);
            column += 1;
        }
    }
    out
}

/// The table's lines, each verdict in its color.
fn painted(table: &Table, color: bool) -> Vec<String> {
    let lines: Vec<String> = table.lines().collect();
    // Every line is equally wide and the last column is ASCII, so it starts equally far from the
    // end in bytes, whatever the other columns hold.
    let from_end = lines.first().and_then(|head| head.rfind(HEADER[5]).map(|at| head.len() - at));
    let Some(from_end) = from_end.filter(|_| color) else { return lines };
    let paint_one = |line: String| {
        let split = line.len().checked_sub(from_end).and_then(|at| line.split_at_checked(at));
        let Some((before, cell)) = split else { return line };
        let verdict = text::VERDICTS.into_iter().find(|verdict| verdict.name() == cell.trim());
        match verdict {
            Some(verdict) => format!("{before}{}", paint(verdict.name(), style_of(verdict), true)),
            None => line,
        }
    };
    lines.into_iter().map(paint_one).collect()
}

/// The verdict's SGR parameters.
const fn style_of(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "32",
        Verdict::Fail | Verdict::Invalid => "1;31",
        Verdict::Inconclusive => "33",
        Verdict::Waived => "36",
        Verdict::Skipped => "2",
    }
}

fn paint(text: &str, style: &str, color: bool) -> String {
    if color { format!("\u{1b}[{style}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// Writes `label: text.`, later lines indented by two. `label_width` is the label's width without
/// its color.
fn push_wrapped(
    out: &mut String,
    label: &str,
    label_width: usize,
    text: &str,
    width: Option<usize>,
) {
    let width = width.map_or(usize::MAX, |width| width.max(NARROWEST));
    let full_stop = if text.ends_with(['.', '!', '?']) { "" } else { "." };
    out.push_str(label);
    out.push(':');
    let mut column = label_width + 1;
    for word in format!("{text}{full_stop}").split_whitespace() {
        let length = word.chars().count();
        if column + 1 + length > width {
            out.push_str("\n ");
            column = 1;
        }
        out.push(' ');
        out.push_str(word);
        column += 1 + length;
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty_report, sample_report};
    use super::*;

    #[test]
    fn the_sample_at_120_columns() {
        insta::assert_snapshot!(render(&sample_report(), Some(120), false));
    }

    #[test]
    fn the_sample_at_80_columns() {
        insta::assert_snapshot!(render(&sample_report(), Some(80), false));
    }

    #[test]
    fn no_line_is_wider_than_asked() {
        for width in [80, 100, 120] {
            let text = render(&sample_report(), Some(width), false);
            let widest = text.lines().map(|line| line.chars().count()).max();
            assert!(widest <= Some(width), "{widest:?} > {width}:\n{text}");
        }
    }

    #[test]
    fn a_width_that_nothing_fits_still_shows_every_verdict() {
        for width in [0, 1, 20, 100_000] {
            let text = render(&sample_report(), Some(width), true);
            assert_eq!(text.matches("Inconclusive:").count(), 0, "the label is colored");
            assert_eq!(text.matches("Inconclusive\u{1b}[0m:").count(), 2, "{text}");
        }
    }

    #[test]
    fn names_break_behind_their_separators() {
        assert_eq!(broken("registry_lookup / papaya_get", 11), "registry_\nlookup / \npapaya_get");
        assert_eq!(broken("abcdefgh", 3), "abc\ndef\ngh");
        assert_eq!(broken("short", 9), "short");
    }

    #[test]
    fn color_changes_nothing_but_color() {
        let plain = render(&sample_report(), Some(100), false);
        let colored = render(&sample_report(), Some(100), true);
        assert!(!plain.contains('\u{1b}'));
        assert!(colored.contains("\u{1b}[1;31mFail\u{1b}[0m\n"), "{colored}");
        let mut stripped = colored.replace("\u{1b}[0m", "");
        for style in ["1;31", "31", "32", "33", "36", "2"] {
            stripped = stripped.replace(&format!("\u{1b}[{style}m"), "");
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn an_empty_report_says_so() {
        insta::assert_snapshot!(
            render(&empty_report(), Some(80), false),
            @"Nothing was judged: 0 passed, 0 failed."
        );
    }
}
