//! `report.html`: the report for a person with a browser.
//!
//! One file that needs nothing else: no script, no font, no picture from elsewhere. It follows the
//! reader's choice of light or dark, and can be printed. Everything that came from a file is escaped
//! by the template; pictures are drawn by [`plot`], which escapes its own text.

use askama::Template;

use super::text;
use super::{Report, Row, plot};
use crate::Verdict;

/// The page, as `templates/report.html` wants it.
#[derive(Template)]
#[template(path = "report.html")]
struct Page<'a> {
    report: &'a Report,
    outcome: &'static str,
    /// The verdict whose color the outcome takes.
    tone: &'static str,
    tallies: Vec<Tally>,
    left_out: Option<String>,
    commit: &'a str,
    machine: String,
    confidence: String,
    cards: Vec<Card<'a>>,
}

/// How many budgets earned a verdict.
struct Tally {
    word: &'static str,
    class: String,
    count: usize,
}

/// A row, worded.
struct Card<'a> {
    row: &'a Row,
    number: usize,
    /// The verdict as a class name.
    class: String,
    sign: char,
    subject: String,
    measured: String,
    interval: Option<String>,
    limit: String,
    headroom: String,
    /// The used share of the limit in percent, for the table's small bar.
    used: Option<String>,
    sentence: String,
    plot: Option<String>,
}

/// The report as one HTML document.
///
/// # Errors
/// None that a [`Report`] can cause today; the template engine's are passed on.
pub fn render(report: &Report) -> askama::Result<String> {
    let tallies = text::VERDICTS.into_iter().filter_map(|verdict| {
        let count = report.count(verdict);
        (count > 0).then(|| Tally { word: text::earned(verdict), class: class(verdict), count })
    });
    let page = Page {
        report,
        outcome: text::outcome(report),
        tone: match report.outcome {
            crate::Outcome::Passed => "pass",
            crate::Outcome::Exceeded => "fail",
            crate::Outcome::CouldNotJudge => "invalid",
            crate::Outcome::Inconclusive => "inconclusive",
        },
        tallies: tallies.collect(),
        left_out: text::left_out(report),
        commit: text::commit(report),
        machine: text::machine(report),
        confidence: text::confidence(report),
        cards: report.rows.iter().enumerate().map(|(index, row)| card(row, index + 1)).collect(),
    };
    page.render()
}

fn card(row: &Row, number: usize) -> Card<'_> {
    let estimate = row.estimate.as_ref();
    Card {
        row,
        number,
        class: class(row.verdict),
        sign: text::sign(row.verdict),
        subject: text::one_line(&row.subject()).into_owned(),
        measured: text::measured(estimate),
        interval: estimate.filter(|estimate| estimate.low < estimate.high).map(text::interval),
        limit: row.limit.to_string(),
        headroom: text::headroom(row),
        used: row.headroom.map(|room| format!("{:.0}", (100.0 * (1.0 - room)).clamp(0.0, 100.0))),
        sentence: text::sentence(row),
        plot: plot::svg(row),
    }
}

fn class(verdict: Verdict) -> String {
    verdict.name().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::super::sample::{assert_well_formed, empty_report, sample_report};
    use super::*;

    /// The document as XML: the template writes no void element but these.
    fn as_xml(html: &str) -> String {
        html.replace("<meta charset=\"utf-8\">", "").replace("&nbsp;", " ")
    }

    #[test]
    fn the_page_is_well_formed_and_needs_nothing_else() {
        for report in [sample_report(), empty_report()] {
            let html = render(&report).unwrap();
            assert_well_formed(&as_xml(&html));
            for foreign in ["<script", "<link", "src=", "@import", "url(", "href=\"http"] {
                assert!(!html.contains(foreign), "`{foreign}` in the page");
            }
        }
    }

    #[test]
    fn every_row_has_a_line_and_a_card() {
        let report = sample_report();
        let html = render(&report).unwrap();
        for number in 1..=report.rows.len() {
            assert_eq!(html.matches(&format!("href=\"#b{number}\"")).count(), 1);
            assert_eq!(html.matches(&format!("id=\"b{number}\"")).count(), 1);
        }
        let pictures = report.rows.iter().filter(|row| row.estimate.is_some()).count();
        assert_eq!(html.matches("<svg").count(), pictures);
    }

    #[test]
    fn hostile_text_is_text() {
        let html = render(&sample_report()).unwrap();
        assert!(html.contains("&#60;script&#62;"), "escaped where it is shown");
        assert!(!html.contains('\u{1b}'));
    }
}
