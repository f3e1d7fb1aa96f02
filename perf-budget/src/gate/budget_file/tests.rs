//! What a budgets file may say, what is wrong with it, and how that is reported.

use std::fmt::Write as _;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use proptest::prelude::*;

use super::{MAX_TEXT_BYTES, parse, render};
use crate::{Budget, Date, Limit, Metric, OfferedLoad, Percentile, Quantity, Tier};

const COMPLETE: &str = r##"# The promises.
[[budget]]
operation = "service_discovery"
metric    = "latency_p99"
max       = "1 ms"
owner     = "foundation"
reason    = "service level objective"
rate      = "50_000 /s"
duration  = "2 s"

[[budget]]
operation   = "lookup"
metric      = "latency_mean"
max         = "1.15 x"
relative_to = "papaya_get"
owner       = "foundation"
reason      = "at most 15 % over the bare map"
tier        = "full"

[[budget]]
operation = "lookup"
metric    = "throughput"
min       = "20 M/s"
machine   = "linux-x86_64"
owner     = "foundation"
reason    = "measured there"

[[waiver]]
operation   = "lookup"
metric      = "latency_mean"
relative_to = "papaya_get"
ceiling     = "1.3 x"
issue       = "#12"
expires     = 2027-01-31
"##;

/// A budget with nothing wrong in it, without its header.
const BODY: &str = "operation = \"a\"\nmetric = \"latency_mean\"\nmax = \"1 ms\"\nowner = \"o\"\n\
                    reason = \"r\"\n";

fn lines(text: &str) -> Vec<String> {
    let errors = parse(text, "budgets.toml").expect_err("the text should be refused");
    assert_eq!(errors.problems().len(), errors.to_string().lines().count());
    errors.to_string().lines().map(str::to_owned).collect()
}

/// What is wrong with a budget made of `body`, which starts in line 2.
fn wrong(body: &str) -> Vec<String> {
    lines(&format!("[[budget]]\n{body}"))
}

/// What is wrong with [`BODY`] after replacing one line of it.
fn wrong_with(old: &str, new: &str) -> Vec<String> {
    assert!(BODY.contains(old));
    wrong(&BODY.replace(old, new))
}

#[test]
fn a_complete_file_is_read_with_the_lines_of_its_entries() {
    let file = parse(COMPLETE, "budgets.toml").unwrap();
    let places: Vec<usize> = file.budgets.iter().map(|budget| budget.line).collect();
    assert_eq!(places, [2, 11, 20]);

    let [first, second, third] = &*file.budgets else { panic!("three budgets") };
    assert_eq!(first.value.metric, Metric::Latency(Percentile::P99));
    assert_eq!(first.value.limit, Limit::Max("1 ms".parse().unwrap()));
    assert_eq!(first.value.tier, Tier::Quick);
    let load = OfferedLoad { rate_per_s: 50_000.0, duration_ns: 2e9 };
    assert_eq!(first.value.load, Some(load));
    assert_eq!(second.value.relative_to.as_deref(), Some("papaya_get"));
    assert_eq!(second.value.tier, Tier::Full);
    assert_eq!(third.value.limit, Limit::Min("20 M/s".parse().unwrap()));
    assert_eq!(third.value.machine.as_deref(), Some("linux-x86_64"));

    let [waiver] = &*file.waivers else { panic!("one waiver") };
    assert_eq!(waiver.line, 28);
    assert_eq!(waiver.value.expires, Date { year: 2027, month: 1, day: 31 });
    assert!(second.value.is_waived_by(&waiver.value));
}

#[test]
fn every_problem_is_reported_at_once_in_the_order_of_the_file() {
    let text = "[[budget]]\noperation = 5\nmetric = \"latency_p98\"\nlimit = \"1 ms\"\n\
                owner = \" \"\n\n[[waiver]]\nexpires = \"2027-01-31\"\n\n[buget]\n";
    assert_eq!(
        lines(text),
        [
            "budgets.toml:1:1: this budget has no `max` and no `min`",
            "budgets.toml:1:1: this budget has no `reason`",
            "budgets.toml:2:13: `operation` must be a string, found the integer 5",
            "budgets.toml:3:10: unknown metric `latency_p98`, did you mean `latency_p90`?",
            "budgets.toml:4:1: unknown key `limit`, did you mean `max`?",
            "budgets.toml:5:9: `owner` is empty",
            "budgets.toml:7:1: this waiver has no `operation`",
            "budgets.toml:7:1: this waiver has no `metric`",
            "budgets.toml:7:1: this waiver has no `ceiling`",
            "budgets.toml:7:1: this waiver has no `issue`",
            "budgets.toml:8:11: `expires` must be a date, found a string",
            "budgets.toml:10:2: unknown key `buget`, did you mean `budget`?",
        ]
    );
}

#[test]
fn a_file_without_a_budget_promises_nothing_and_is_refused() {
    for text in ["", "# nothing yet\n", "budget = []\n"] {
        let problems = lines(text);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].ends_with(": no budget"), "{problems:?}");
    }
    assert_eq!(
        lines(&format!("[budget]\n{BODY}")),
        ["budgets.toml:1:1: `budget` must be an array of tables"]
    );
    assert_eq!(lines("budget = [1]"), ["budgets.toml:1:11: each `budget` must be a table"]);
}

#[test]
fn a_budget_has_one_of_max_and_min() {
    assert_eq!(
        wrong_with("max", "min = \"1 ns\"\nmax"),
        ["budgets.toml:4:7: both `max` and `min`: a budget has one of them"]
    );
    assert_eq!(
        wrong_with("max = \"1 ms\"\n", ""),
        ["budgets.toml:1:1: this budget has no `max` and no `min`"]
    );
}

#[test]
fn limits_must_be_quantities_of_the_metric() {
    assert_eq!(
        wrong_with("\"1 ms\"", "120"),
        ["budgets.toml:4:7: `max` must be a string, found the integer 120"]
    );
    assert_eq!(
        wrong_with("\"1 ms\"", "\"4 KiB\""),
        ["budgets.toml:4:7: latency_mean is limited by a time such as \"1 ms\", not by `4.00 KiB`"]
    );
    assert_eq!(
        wrong_with("\"1 ms\"", "\"fast\""),
        ["budgets.toml:4:7: `max`: `fast` does not start with a finite number"]
    );
    assert!(wrong_with("\"1 ms\"", "\"1 parsec\"")[0].contains("unknown unit `parsec`"));
    assert!(wrong_with("\"1 ms\"", "\"-1 ms\"")[0].contains("is negative"));
}

#[test]
fn the_rules_of_a_budget_blame_the_key_that_breaks_them() {
    let with = |line: &str| wrong(&format!("{BODY}{line}\n"));
    assert!(
        with("relative_to = \"b\"")[0].starts_with("budgets.toml:4:7: latency_mean is limited")
    );
    let ratio = |line: &str| wrong(&format!("{}{line}\n", BODY.replace("1 ms", "1.1 x")));
    assert_eq!(ratio("relative_to = \"a\""), ["budgets.toml:7:15: `a` is relative to itself"]);
    assert!(
        ratio("relative_to = \"b\"\nmachine = \"m\"")[0]
            .starts_with("budgets.toml:8:11: a ratio holds on every machine")
    );
    assert_eq!(with("rate = \"5 /s\""), ["budgets.toml:7:8: `rate` needs `duration` beside it"]);
    assert_eq!(
        with("duration = \"5 s\""),
        ["budgets.toml:7:12: `duration` needs `rate` beside it"]
    );
    assert_eq!(
        with("rate = \"5 s\"\nduration = \"5 s\""),
        ["budgets.toml:7:8: `rate` is a rate such as \"50_000 /s\", not `5.00 s`"]
    );
    assert!(
        with("rate = \"5 /s\"\nduration = \"5 s\"")[0]
            .starts_with("budgets.toml:7:8: latency_mean is not measured under load")
    );
    assert_eq!(
        with("tier = \"slow\""),
        ["budgets.toml:7:8: unknown tier `slow`; known are quick and full"]
    );
    assert_eq!(with("machine = \"\""), ["budgets.toml:7:11: `machine` is empty"]);
}

#[test]
fn the_same_promise_twice_is_refused_and_different_ones_are_not() {
    let twice = format!("[[budget]]\n{BODY}\n[[budget]]\n{BODY}");
    assert_eq!(
        lines(&twice),
        ["budgets.toml:8:1: latency_mean of `a` is ≤ 1.00 ms already, in line 1"]
    );
    for different in [
        BODY.replace("max", "min"),
        BODY.replace("1 ms", "2 us"),
        BODY.replace("latency_mean", "latency_p50"),
        format!("{BODY}machine = \"m\""),
        BODY.replace("1 ms\"", "2 x\"\nrelative_to = \"b\""),
    ] {
        parse(&format!("[[budget]]\n{BODY}\n[[budget]]\n{different}"), "").unwrap();
    }
    let loaded = BODY.replace("latency_mean", "latency_p99") + "duration = \"1 s\"\n";
    parse(&format!("[[budget]]\n{loaded}rate = \"5 /s\"\n[[budget]]\n{loaded}rate = \"9 /s\""), "")
        .unwrap();
}

fn waiver(lines: &str) -> String {
    format!(
        "[[waiver]]\noperation = \"a\"\nmetric = \"latency_mean\"\nissue = \"#1\"\n\
         expires = 2027-01-31\n{lines}\n\n[[budget]]\n{BODY}"
    )
}

#[test]
fn a_waiver_speaks_of_a_budget_and_is_looser() {
    parse(&waiver("ceiling = \"2 ms\""), "").unwrap();
    parse(&waiver("ceiling = \"1 ms\""), "").unwrap();
    assert_eq!(
        lines(&waiver("ceiling = \"900 us\"")),
        ["budgets.toml:6:11: the ceiling 900 µs is tighter than the budget, ≤ 1.00 ms"]
    );
    let at_least = waiver("ceiling = \"2 ms\"").replace("max", "min");
    assert!(lines(&at_least)[0].contains("is tighter than the budget, ≥ 1.00 ms"));
    // Of two limits on the same operation, the ceiling is for the one that it loosens.
    let both =
        format!("{}\n[[budget]]\n{}", waiver("ceiling = \"2 ms\""), BODY.replace("max", "min"));
    parse(&both, "").unwrap();
    assert_eq!(
        lines(&waiver("ceiling = \"2 x\"\nrelative_to = \"b\"")),
        ["budgets.toml:1:1: no budget limits latency_mean of `a` relative to `b`"]
    );
    assert_eq!(
        lines(&waiver("ceiling = \"2 B\"")),
        ["budgets.toml:6:11: latency_mean is limited by a time such as \"1 ms\", not by `2.00 B`"]
    );
}

#[test]
fn a_broken_budget_does_not_make_its_waiver_look_lost() {
    let text = waiver("ceiling = \"2 ms\"").replace("owner = \"o\"\n", "");
    assert_eq!(lines(&text), ["budgets.toml:8:1: this budget has no `owner`"]);
    let text =
        waiver("ceiling = \"2 ms\"").replacen("[[budget]]\noperation = \"a\"", "[[budget]]", 1);
    assert_eq!(lines(&text), ["budgets.toml:8:1: this budget has no `operation`"]);
}

#[test]
fn only_a_date_is_a_date() {
    let with = |expires: &str| {
        waiver("ceiling = \"2 ms\"")
            .replace("expires = 2027-01-31", &format!("expires = {expires}"))
    };
    for (written, found) in [
        ("\"2027-01-31\"", "a string"),
        ("2027-01-31T10:00:00Z", "the date or time 2027-01-31T10:00:00Z"),
        ("10:00:00", "the date or time 10:00:00"),
        ("20270131", "the integer 20270131"),
    ] {
        assert_eq!(
            lines(&with(written)),
            [format!("budgets.toml:5:11: `expires` must be a date, found {found}")]
        );
    }
    for impossible in ["2027-02-30", "2027-13-01", "2027-00-10", "2026-02-29"] {
        assert!(parse(&with(impossible), "").is_err(), "{impossible}");
    }
    parse(&with("2028-02-29"), "").unwrap();
}

#[test]
fn text_that_is_no_toml_is_reported_by_its_places_only() {
    let problems = lines("[[budget]]\nmax = 1 ms\nowner = \"x\nreason == 3\n");
    assert!(problems.len() >= 3, "{problems:?}");
    for (problem, line) in problems.iter().zip([2, 3, 4]) {
        assert!(problem.starts_with(&format!("budgets.toml:{line}:")), "{problems:?}");
    }
    assert!(lines("a = 1\na = 2\n")[0].starts_with("budgets.toml:2:1: duplicate key"));
}

#[test]
fn quoted_text_can_not_break_a_line() {
    let problems = wrong_with("\"latency_mean\"", "\"a\\nb\\u001b[31m\"");
    assert_eq!(problems, ["budgets.toml:3:10: unknown metric `a\\nb\\u{1b}[31m`"]);
}

#[test]
fn columns_count_characters() {
    let text = format!("[[budget]]\n{BODY}\"größe\" = 1\n");
    assert!(lines(&text)[0].starts_with("budgets.toml:7:1: unknown key `größe`"));
    let inline = "budget = [{ reason = \"µµµ\", limit = 1 }]";
    assert!(lines(inline).iter().any(|line| line.starts_with("budgets.toml:1:29: unknown key")));
}

#[test]
fn a_text_beyond_the_limit_is_refused() {
    let problems = lines(&" ".repeat(MAX_TEXT_BYTES + 1));
    assert!(problems[0].contains("at most 262144 are read"));
}

#[test]
fn a_hopeless_file_is_told_in_part() {
    let errors = parse(&"[[budget]]\n".repeat(30), "budgets.toml").unwrap_err();
    assert_eq!(errors.problems().len(), 100);
    assert!(errors.to_string().ends_with("\nbudgets.toml: problems beyond these: 50"));
}

#[test]
fn a_terminal_is_shown_the_lines_to_blame() {
    let errors = parse(&format!("[[budget]]\n{BODY}limit = 3\n"), "budgets.toml").unwrap_err();
    assert_eq!(errors.related().unwrap().count(), 1);
    let mut shown = String::new();
    GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .render_report(&mut shown, &errors)
        .unwrap();
    for part in ["budgets.toml:7:1", "limit = 3", "did you mean `max`?", "known keys are operation"]
    {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
}

#[test]
fn rendered_budgets_are_written_as_a_person_would() {
    let file = parse(COMPLETE, "").unwrap();
    let text = render(&[file.budgets[0].value.clone(), file.budgets[1].value.clone()]);
    insta::assert_snapshot!(text, @r#"
    [[budget]]
    operation = "service_discovery"
    metric = "latency_p99"
    max = "1 ms"
    owner = "foundation"
    reason = "service level objective"
    rate = "50_000 /s"
    duration = "2 s"

    [[budget]]
    operation = "lookup"
    metric = "latency_mean"
    max = "1.15 x"
    relative_to = "papaya_get"
    owner = "foundation"
    reason = "at most 15 % over the bare map"
    tier = "full"
    "#);
}

fn limit_text(metric: Metric, relative: bool) -> BoxedStrategy<String> {
    use crate::Unit;
    let unit = if relative { Unit::Ratio } else { metric.unit() };
    let suffixes: &'static [&'static str] = match unit {
        Unit::Nanoseconds => &["ns", "us", "ms", "s", "min"],
        Unit::PerSecond => &["/s", "k/s", "M/s"],
        Unit::Ratio => &["x"],
        Unit::Count => &[""],
        Unit::Bytes => &["B", "kB", "MB", "GB", "KiB", "MiB", "GiB"],
        Unit::Fraction => &["%"],
    };
    (any::<u32>(), 0_u32..1_000_000, prop::sample::select(suffixes))
        .prop_map(|(whole, parts, suffix)| format!("{whole}.{parts:06} {suffix}"))
        .boxed()
}

fn budget() -> impl Strategy<Value = Budget> {
    let words = ("\\PC{0,12}[a-z]", "[^\u{0}]{0,12}[a-z]", ".{0,20}[a-z]", any::<bool>());
    let choices = (any::<bool>(), any::<bool>(), any::<bool>(), any::<bool>());
    (prop::sample::select(&Metric::ALL[..]), words, choices).prop_flat_map(
        |(metric, (operation, owner, reason, full), (max, related, machine, loaded))| {
            let related = related && metric.can_be_relative();
            limit_text(metric, related).prop_map(move |limit| {
                let limit: Quantity = limit.parse().expect(&limit);
                let load = OfferedLoad { rate_per_s: 1234.5, duration_ns: 2.5e9 };
                Budget {
                    operation: operation.clone(),
                    metric,
                    limit: if max { Limit::Max(limit) } else { Limit::Min(limit) },
                    relative_to: related.then(|| format!("{operation} peer")),
                    owner: owner.clone(),
                    reason: reason.clone(),
                    tier: if full { Tier::Full } else { Tier::Quick },
                    machine: (machine && !related).then(|| "linux \"x\" \\ '".to_owned()),
                    load: (loaded && metric.needs_load()).then_some(load),
                }
            })
        },
    )
}

/// Lines that look like those of a budgets file, in any order.
fn likely_text() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        Just("[[budget]]".to_owned()),
        Just("[[waiver]]".to_owned()),
        Just("[budget]".to_owned()),
        Just("budget = [{}, 1]".to_owned()),
        "(operation|metric|max|min|rate|duration|expires|ceiling|tier|owner) = \
         (\"(a|1 ms|0|1 x|latency_p99|throughput|5 /s)\"|1|2027-01-31|\\[\\]|\"|'''|\\{)",
        ".{0,30}",
    ];
    prop::collection::vec(line, 0..20).prop_map(|lines| {
        lines.iter().fold(String::new(), |mut text, line| {
            let _ = writeln!(text, "{line}");
            text
        })
    })
}

proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in ".*") {
        let _ = parse(&text, "budgets.toml").map_err(|errors| errors.to_string());
    }

    #[test]
    fn problems_lie_within_the_text_and_stay_on_their_lines(text in likely_text()) {
        if let Err(errors) = parse(&text, "budgets.toml") {
            prop_assert!(!errors.problems().is_empty());
            prop_assert_eq!(errors.problems().len(), errors.to_string().lines().count());
            for problem in errors.problems() {
                prop_assert!(problem.line >= 1 && problem.line <= text.split('\n').count());
            }
            let mut shown = String::new();
            let handler = GraphicalReportHandler::new_themed(GraphicalTheme::none());
            prop_assert!(handler.render_report(&mut shown, &errors).is_ok());
        }
    }

    #[test]
    fn a_rendered_budget_is_read_back(budget in budget()) {
        let text = render(std::slice::from_ref(&budget));
        let file = parse(&text, "rendered.toml");
        let file = file.map_err(|errors| TestCaseError::fail(format!("{errors}\n{text}")))?;
        prop_assert_eq!(&file.budgets[0].value, &budget);
        prop_assert_eq!(file.budgets.len(), 1);
    }
}
