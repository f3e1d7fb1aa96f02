//! The phrases that every form of a report shares, so that all of them say the same.
//!
//! Owns how a measured value, a headroom, a count of verdicts and the confidence are worded, and
//! how text from files is made fit for one line. Leaves escaping to the forms: each has its own.

use std::borrow::Cow;

use super::{Estimate, Report, Row};
use crate::{Outcome, Quantity, Unit, Verdict};

/// Every verdict, in the order in which they are counted.
pub(super) const VERDICTS: [Verdict; 6] = [
    Verdict::Pass,
    Verdict::Fail,
    Verdict::Inconclusive,
    Verdict::Invalid,
    Verdict::Waived,
    Verdict::Skipped,
];

/// What stands where there is no value.
pub(super) const NOTHING: &str = "-";

/// `text` on one line and without characters that act on a terminal or reorder what follows: a run
/// of whitespace becomes one space, any other such character U+FFFD.
pub(super) fn one_line(text: &str) -> Cow<'_, str> {
    let steers =
        |c: char| c.is_control() || matches!(c, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}');
    if !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_whitespace() && line.ends_with(' ') => {}
            c if c.is_whitespace() => line.push(' '),
            c if steers(c) => line.push('\u{FFFD}'),
            c => line.push(c),
        }
    }
    Cow::Owned(line.trim().to_owned())
}

/// A value in `unit`; `-` if it is not finite.
pub(super) fn value(value: f64, unit: Unit) -> String {
    Quantity::new(value, unit).map_or_else(|| NOTHING.to_owned(), |quantity| quantity.to_string())
}

/// `812 ns ± 2.1 %`; an exact value alone; `0 B to 96.0 B` where a share has no meaning.
pub(super) fn measured(estimate: Option<&Estimate>) -> String {
    let Some(estimate) = estimate else { return NOTHING.to_owned() };
    let center = value(estimate.value, estimate.unit);
    if estimate.low.to_bits() == estimate.high.to_bits() {
        center
    } else if estimate.value == 0.0 {
        interval(estimate)
    } else {
        let percent = 100.0 * estimate.relative_half_width();
        let decimals = match percent {
            wide if wide >= 0.095 => 1,
            narrow if narrow >= 0.0095 => 2,
            _ => 4,
        };
        format!("{center} ± {percent:.decimals$} %")
    }
}

/// `count` with a comma behind each group of three digits: `250,000`.
pub(super) fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `795 ns to 829 ns`.
pub(super) fn interval(estimate: &Estimate) -> String {
    format!("{} to {}", value(estimate.low, estimate.unit), value(estimate.high, estimate.unit))
}

/// `+12.3 %` left, or `-180 %` beyond; `-` where the limit is zero or nothing was measured.
pub(super) fn headroom(row: &Row) -> String {
    match row.headroom.map(|share| 100.0 * share) {
        Some(percent) if percent.abs() < 99.95 => format!("{percent:+.1} %"),
        Some(percent) if percent.is_finite() => format!("{percent:+.0} %"),
        _ => NOTHING.to_owned(),
    }
}

/// One line that says what became of the budget: its explanation, introduced by the budget's name
/// unless the explanation names it itself.
pub(super) fn sentence(row: &Row) -> String {
    let named = row.explanation.contains(&row.operation)
        && row.explanation.contains(row.metric.name())
        && row.relative_to.as_ref().is_none_or(|peer| row.explanation.contains(peer));
    let introduction =
        if named { String::new() } else { format!("{} of {}: ", row.metric, row.subject()) };
    one_line(&format!("{introduction}{}", row.explanation)).into_owned()
}

/// `12 passed, 0 failed, 1 inconclusive`: passed and failed always, the others where there are any.
pub(super) fn counts(report: &Report) -> String {
    let counts = VERDICTS.into_iter().filter_map(|verdict| {
        let count = report.count(verdict);
        let always = matches!(verdict, Verdict::Pass | Verdict::Fail);
        (count > 0 || always).then(|| format!("{count} {}", earned(verdict)))
    });
    counts.collect::<Vec<_>>().join(", ")
}

/// The word behind a count.
pub(super) const fn earned(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Fail => "failed",
        Verdict::Inconclusive => "inconclusive",
        Verdict::Invalid => "invalid",
        Verdict::Waived => "waived",
        Verdict::Skipped => "skipped",
    }
}

/// What this quick run left out, if anything: `7 budgets left to the full tier`.
pub(super) fn left_out(report: &Report) -> Option<String> {
    match report.left_to_full {
        0 => None,
        1 => Some("1 budget left to the full tier".to_owned()),
        many => Some(format!("{many} budgets left to the full tier")),
    }
}

/// How the run ends, as a sentence without its full stop.
pub(super) fn outcome(report: &Report) -> &'static str {
    match report.outcome {
        Outcome::Passed => "Every budget that was judged is kept",
        Outcome::Exceeded => "A budget is exceeded",
        Outcome::CouldNotJudge if report.rows.is_empty() => "Nothing was judged",
        Outcome::CouldNotJudge => "Not everything could be judged",
        Outcome::Inconclusive => "Some verdicts are open",
    }
}

/// What the intervals promise, as a sentence.
pub(super) fn confidence(report: &Report) -> String {
    let confidence = &report.confidence;
    let counted = |count: u64, noun: &str| match count {
        1 => format!("1 {noun}"),
        many => format!("{many} {noun}s"),
    };
    format!(
        "All intervals of this run hold their true values with a probability of at least {}: {}, \
         {} at each, so every single interval is made for {}.",
        value(confidence.family, Unit::Fraction),
        counted(confidence.budgets as u64, "budget"),
        counted(u64::from(confidence.looks), "look"),
        value(confidence.each, Unit::Fraction),
    )
}

/// The machine in one line.
pub(super) fn machine(report: &Report) -> String {
    let machine = &report.machine;
    let plural = if machine.processors == 1 { "" } else { "s" };
    let text = format!(
        "{}, {} processor{plural}, {}",
        machine.processor, machine.processors, machine.platform
    );
    one_line(&text).into_owned()
}

/// The commit that was measured.
pub(super) fn commit(report: &Report) -> &str {
    report.run.commit.as_deref().unwrap_or("unknown")
}

/// A sign for the verdict that needs no color.
pub(super) const fn sign(verdict: Verdict) -> char {
    match verdict {
        Verdict::Pass => '✓',
        Verdict::Fail => '✗',
        Verdict::Inconclusive => '?',
        Verdict::Invalid => '!',
        Verdict::Skipped => '○',
        Verdict::Waived => '~',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_steers_a_terminal_does_not_pass() {
        assert_eq!(one_line("plain | text"), "plain | text");
        assert_eq!(one_line("a\r\n\tb"), "a b");
        assert_eq!(one_line("a\u{1b}[31mb\u{202e}c"), "a\u{fffd}[31mb\u{fffd}c");
    }

    #[test]
    fn counts_are_grouped_from_the_right() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }

    #[test]
    fn an_interval_is_a_share_where_a_share_has_a_meaning() {
        let estimate =
            |low, value, high| Some(Estimate { low, value, high, unit: Unit::Nanoseconds });
        assert_eq!(measured(estimate(790.0, 800.0, 810.0).as_ref()), "800 ns ± 1.2 %");
        assert_eq!(measured(estimate(0.0, 0.0, 12.0).as_ref()), "0 ns to 12.0 ns");
        assert_eq!(measured(Some(&Estimate::exact(7.0, Unit::Count))), "7");
        assert_eq!(measured(None), "-");
    }

    #[test]
    fn a_sentence_names_its_budget_once() {
        let report = super::super::sample::sample_report();
        for row in &report.rows {
            let sentence = sentence(row);
            assert!(sentence.contains(row.metric.name()), "{sentence}");
            assert!(!sentence.contains('\n'), "{sentence}");
        }
    }
}
