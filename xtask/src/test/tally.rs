//! Counting: what a test program printed, what a run came to, how often each test failed.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use crate::process::Ending;

/// What one or more test programs came to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Outcome {
    pub(super) passed: u64,
    pub(super) failed: u64,
    pub(super) ignored: u64,
    failing: Vec<String>,
}

/// The outcomes of all runs so far.
#[derive(Debug, Default)]
pub(super) struct Tally {
    runs: u64,
    failed_runs: u64,
    total: Outcome,
    last: Outcome,
}

impl Outcome {
    /// Reads what the program `name` printed in libtest's form. A program that failed without
    /// naming a test (it crashed, or did not compile), that reports no result or that did not end
    /// counts as one failure of its own.
    pub(super) fn read(printed: &str, name: &str, ending: Ending) -> Self {
        let mut outcome = Self::default();
        let mut has_result = false;
        for line in printed.lines() {
            if let Some(counts) = line.strip_prefix("test result: ") {
                has_result = true;
                outcome.passed += count(counts, "passed");
                outcome.failed += count(counts, "failed");
                outcome.ignored += count(counts, "ignored");
            } else if let Some(test) = failing_test(line) {
                outcome.failing.push(format!("{name}: {test}"));
            }
        }
        outcome.failing.sort();
        outcome.failing.dedup();
        match ending {
            Ending::Overdue(deadline) => {
                let seconds = deadline.as_secs();
                outcome
                    .add_failure(format!("{name}: it did not end and was ended after {seconds} s"));
            }
            Ending::Exited(status) if !status.success() && outcome.failed == 0 => {
                outcome.add_failure(format!("{name}: the program ended with {status}"));
            }
            Ending::Exited(status) if status.success() && !has_result => {
                outcome.add_failure(format!("{name}: the program ended without a test result"));
            }
            Ending::Exited(_) => {}
        }
        outcome
    }

    /// Counts one more failure.
    pub(super) fn add_failure(&mut self, name: String) {
        self.failed += 1;
        self.failing.push(name);
    }

    /// Whether nothing ran.
    pub(super) const fn is_empty(&self) -> bool {
        self.passed == 0 && self.failed == 0
    }

    /// Adds another program's or run's counts.
    pub(super) fn add(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.ignored += other.ignored;
        self.failing.extend(other.failing);
    }
}

impl Tally {
    /// Adds the outcome of a whole run.
    pub(super) fn add_run(&mut self, outcome: Outcome) {
        self.runs += 1;
        self.failed_runs += u64::from(outcome.failed > 0);
        self.last = outcome.clone();
        self.total.add(outcome);
    }

    /// The outcome of the run that was added last.
    pub(super) const fn last(&self) -> &Outcome {
        &self.last
    }

    /// Whether at least one test ran and none failed in any run.
    pub(super) const fn is_clean(&self) -> bool {
        self.failed_runs == 0 && self.total.passed > 0
    }

    /// The failing tests with how often each failed, the flake rate where runs were repeated, and
    /// the counts alone on the last line.
    pub(super) fn summary(&self, is_repeated: bool) -> String {
        let mut times = BTreeMap::<&str, u64>::new();
        for name in &self.total.failing {
            *times.entry(name).or_default() += 1;
        }
        let mut text = String::new();
        for (name, times) in times {
            let _ = writeln!(text, "failed in {times} of {} runs: {name}", self.runs);
        }
        if self.total.ignored > 0 {
            let _ = writeln!(text, "{} ignored", self.total.ignored);
        }
        if is_repeated {
            let rate = 100.0 * self.failed_runs as f64 / self.runs.max(1) as f64;
            let _ = writeln!(
                text,
                "{} runs, {} with a failure (flake rate {rate:.1} %); the loom models, which explore \
                 every interleaving, ran once",
                self.runs, self.failed_runs
            );
        }
        let _ = writeln!(text, "{} passed, {} failed", self.total.passed, self.total.failed);
        text
    }
}

/// The number before `word` in `ok. 12 passed; 0 failed; …`; 0 if there is none.
fn count(counts: &str, word: &str) -> u64 {
    let words: Vec<&str> = counts.split([' ', ';', '.']).filter(|word| !word.is_empty()).collect();
    let pair = words.windows(2).find(|pair| pair[1] == word);
    pair.and_then(|pair| pair[0].parse().ok()).unwrap_or(0)
}

/// The name in `test NAME ... FAILED` (a message may follow), or in the list of failures that is
/// all that `--quiet` prints.
fn failing_test(line: &str) -> Option<&str> {
    let named = line.strip_prefix("test ").and_then(|rest| {
        let (name, verdict) = rest.split_once(" ... ")?;
        verdict.starts_with("FAILED").then_some(name)
    });
    let titled = || line.strip_prefix("---- ")?.strip_suffix(" stdout ----");
    named.or_else(titled).map(|name| name.trim_end_matches(" - should panic"))
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::*;

    const MIXED: &str = "
running 3 tests
test registry::names ... ok
test registry::watch - should panic ... FAILED
test slow ... ignored, takes an hour

failures:

---- registry::watch stdout ----
note: test did not panic as expected

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 4 filtered out; finished in 0.00s
";

    fn exited(program: &str) -> Ending {
        Ending::Exited(Command::new(program).status().expect(program))
    }

    #[test]
    fn libtest_s_output_is_counted_and_the_failing_test_named_once() {
        let outcome = Outcome::read(MIXED, "foundation", exited("false"));
        assert_eq!((outcome.passed, outcome.failed, outcome.ignored), (1, 1, 1));
        assert_eq!(outcome.failing, ["foundation: registry::watch"]);
    }

    #[test]
    fn a_program_that_dies_is_a_failure() {
        let outcome = Outcome::read("running 3 tests\n", "benches", exited("false"));
        assert_eq!((outcome.passed, outcome.failed), (0, 1));
        assert!(outcome.failing[0].starts_with("benches: the program ended with"));
    }

    #[test]
    fn a_program_that_succeeds_without_a_result_is_a_failure() {
        let outcome = Outcome::read("running 3 tests\n", "benches", exited("true"));
        assert_eq!(outcome.failing, ["benches: the program ended without a test result"]);
        let empty = "test result: ok. 0 passed; 0 failed; 0 ignored";
        assert_eq!(Outcome::read(empty, "benches", exited("true")).failed, 0);
    }

    #[test]
    fn a_program_that_hangs_is_a_failure_beside_those_of_its_tests() {
        let ending = Ending::Overdue(Duration::from_secs(600));
        let outcome = Outcome::read("test slow ... ok\n", "benches", ending);
        assert_eq!(outcome.failing, ["benches: it did not end and was ended after 600 s"]);
        assert_eq!(Outcome::read(MIXED, "benches", ending).failed, 2);
    }

    #[test]
    fn the_flake_rate_counts_runs_and_names_each_test_with_its_frequency() {
        let mut tally = Tally::default();
        for run in 0..4 {
            let text = if run == 2 { MIXED } else { "test result: ok. 2 passed; 0 failed;" };
            let program = if run == 2 { "false" } else { "true" };
            tally.add_run(Outcome::read(text, "a", exited(program)));
        }
        assert!(!tally.is_clean());
        assert_eq!(
            tally.summary(true),
            "failed in 1 of 4 runs: a: registry::watch\n1 ignored\n\
             4 runs, 1 with a failure (flake rate 25.0 %); the loom models, which explore every \
             interleaving, ran once\n7 passed, 1 failed\n"
        );
    }

    #[test]
    fn nothing_run_is_not_clean() {
        let mut tally = Tally::default();
        tally.add_run(Outcome::default());
        assert!(!tally.is_clean());
    }
}
