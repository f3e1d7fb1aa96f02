//! `junit.xml`: the report for whatever shows test results.
//!
//! One test case a budget: `classname` is the owner, `name` the operation and metric. `Fail` is a
//! failure and `Invalid` an error; `Inconclusive` and `Skipped` count as skipped, because a test
//! that is neither passed nor failed has no other place there; `Waived` passes and says so in
//! `system-out`.

use std::time::Duration;

use quick_junit::{
    NonSuccessKind, Property, Report as Suites, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::text;
use super::{Report, Row};
use crate::Verdict;

/// What both the document and its one suite are called.
const NAME: &str = "performance budgets";

/// The report as `JUnit` XML.
///
/// # Errors
/// None that a [`Report`] can cause today; the serializer's are passed on.
pub fn render(report: &Report) -> Result<String, SerializeError> {
    let mut suite = TestSuite::new(NAME);
    let run = &report.run;
    let time = Duration::try_from_secs_f64(run.seconds).ok();
    suite.time = time;
    suite.timestamp = run.started.parse().ok();
    suite.add_property(Property::new("run", run.id.as_str()));
    suite.add_property(Property::new("commit", text::commit(report)));
    suite.add_property(Property::new("tier", run.tier.to_string()));
    suite.add_property(Property::new("machine", report.machine.fingerprint.as_str()));
    suite.add_test_cases(report.rows.iter().map(test_case));
    let mut suites = Suites::new(NAME);
    suites.time = time;
    suites.add_test_suite(suite);
    suites.to_string()
}

fn test_case(row: &Row) -> TestCase {
    let sentence = text::sentence(row);
    let mut status = match row.verdict {
        Verdict::Pass | Verdict::Waived => TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::Invalid => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::Inconclusive | Verdict::Skipped => TestCaseStatus::skipped(),
    };
    status.set_message(sentence.as_str());
    status.set_type(row.verdict.name());
    if row.verdict == Verdict::Fail {
        status.set_description(format!(
            "basis: {}\nreason: {}",
            text::one_line(&row.basis),
            text::one_line(&row.reason)
        ));
    }
    let mut case =
        TestCase::new(format!("{} {}", text::one_line(&row.subject()), row.metric), status);
    case.set_classname(&*text::one_line(&row.owner));
    case.add_property(Property::new("limit", row.limit.to_string()));
    case.add_property(Property::new("measured", text::measured(row.estimate.as_ref())));
    case.add_property(Property::new("headroom", text::headroom(row)));
    if row.verdict == Verdict::Waived {
        case.set_system_out(sentence.as_str());
    }
    case
}

#[cfg(test)]
mod tests {
    use super::super::sample::{assert_well_formed, empty_report, sample_report};
    use super::*;

    #[test]
    fn the_sample_as_junit() {
        let xml = render(&sample_report()).unwrap();
        assert_well_formed(&xml);
        insta::assert_snapshot!(xml);
    }

    #[test]
    fn verdicts_are_counted_where_a_reader_looks_for_them() {
        let report = sample_report();
        let xml = render(&report).unwrap();
        for (tag, verdicts) in [
            ("<failure ", vec![Verdict::Fail]),
            ("<error ", vec![Verdict::Invalid]),
            ("<skipped ", vec![Verdict::Inconclusive, Verdict::Skipped]),
            ("<system-out>", vec![Verdict::Waived]),
        ] {
            let expected: usize = verdicts.iter().map(|&verdict| report.count(verdict)).sum();
            assert_eq!(xml.matches(tag).count(), expected, "{tag}");
        }
    }

    #[test]
    fn a_time_that_is_none_is_left_out() {
        let mut report = empty_report();
        report.run.seconds = f64::NAN;
        report.run.started = "yesterday".to_owned();
        let xml = render(&report).unwrap();
        assert_well_formed(&xml);
        assert!(!xml.contains("timestamp"), "{xml}");
    }
}
