//! Annotations for a GitHub workflow: one workflow command for each budget that did not pass.
//!
//! GitHub shows ten errors and ten warnings a step; the commands come in the report's order, so the
//! ten most urgent are the ones shown.

use std::fmt::Write as _;

use super::text;
use super::{Report, Row};
use crate::Verdict;

/// The workflow commands, one a line: `error` for what failed or could not be judged, `warning` for
/// what is open or waived and for the run's notes, `notice` for what was skipped.
///
/// `budgets_file_lines` yields the line of a row's budget in that file, from 1; where it knows none, the
/// annotation stands at no file.
pub fn github(report: &Report, budgets_file_lines: &dyn Fn(&Row) -> Option<usize>) -> String {
    let mut out = String::new();
    for row in &report.rows {
        let command = match row.verdict {
            Verdict::Pass => continue,
            Verdict::Fail | Verdict::Invalid => "error",
            Verdict::Inconclusive | Verdict::Waived => "warning",
            Verdict::Skipped => "notice",
        };
        let place = budgets_file_lines(row).map_or_else(String::new, |line| {
            format!("file={},line={line},", property(&report.run.budgets))
        });
        let title = format!("{}: {} of {}", row.verdict, row.metric, row.subject());
        let title = text::one_line(&title);
        let message = message(&text::sentence(row));
        let _ = writeln!(out, "::{command} {place}title={}::{message}", property(&title));
    }
    for warning in &report.warnings {
        let _ = writeln!(
            out,
            "::warning title=Performance gate::{}",
            message(&text::one_line(warning))
        );
    }
    out
}

/// Escapes the text behind the second `::`.
fn message(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes the value of a property, where `:` and `,` end it too.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::sample::{empty_report, sample_report};
    use super::*;

    #[test]
    fn every_row_that_did_not_pass_is_annotated_once() {
        let report = sample_report();
        let text = github(&report, &|row| (row.verdict == Verdict::Fail).then_some(12));
        let open = report.rows.iter().filter(|row| row.verdict != Verdict::Pass).count();
        assert_eq!(text.lines().count(), open + report.warnings.len());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn properties_and_messages_are_escaped_as_the_runner_reads_them() {
        assert_eq!(message("50 %\r\na:b,c"), "50 %25%0D%0Aa:b,c");
        assert_eq!(property("50 %\r\na:b,c"), "50 %25%0D%0Aa%3Ab%2Cc");
    }

    #[test]
    fn an_empty_report_annotates_nothing() {
        assert_eq!(github(&empty_report(), &|_| None), "");
    }
}
