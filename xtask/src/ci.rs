//! `cargo xtask ci`: what CI runs, on any machine, in the same order.
//!
//! Owns the list of steps and the rule that the first failure ends the run. Each step is a command
//! that can be run by itself.

use std::time::{Duration, Instant};

use clap::ValueEnum;

use crate::failure::Failure;
use crate::process::Invocation;
use crate::workspace::{self, MODELLED, Workspace};
use crate::{docs, layers, test, tidy};

/// The gate's exit code for verdicts that are inconclusive, and nothing worse.
const INCONCLUSIVE: i32 = 3;

/// What `cargo xtask ci` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run this step only.
    #[arg(long, value_name = "STEP")]
    only: Option<Step>,
}

/// The steps, in order: cheap ones first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Step {
    Fmt,
    Layers,
    Tidy,
    Clippy,
    Docs,
    Test,
    PerfGate,
}

/// How a step ended.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Passed,
    Warned(String),
    Failed(String),
}

/// A step that ran.
struct Done {
    step: Step,
    took: Duration,
    ending: Ending,
}

/// Runs the steps up to the first that fails, then prints what ran.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let steps = arguments.only.as_ref().map_or(Step::value_variants(), std::slice::from_ref);
    let mut done = Vec::new();
    for (at, &step) in steps.iter().enumerate() {
        println!("\n== {} ({} of {})", step.name(), at + 1, steps.len());
        let start = Instant::now();
        let ending =
            step.run(workspace).unwrap_or_else(|failure| Ending::Failed(failure.to_string()));
        let took = start.elapsed();
        println!("== {} took {:.1} s", step.name(), took.as_secs_f64());
        let is_last = matches!(ending, Ending::Failed(_));
        done.push(Done { step, took, ending });
        if is_last {
            break;
        }
    }
    print!("\n{}", summary(steps, &done));
    match done.last() {
        Some(Done { step, ending: Ending::Failed(message), .. }) => Err(Failure::new(format!(
            "{}: {message}\nto run this step only: cargo xtask ci --only {}",
            step.name(),
            step.name()
        ))),
        _ => Ok(()),
    }
}

impl Step {
    /// What `--only` takes.
    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn run(self, workspace: &Workspace) -> Result<Ending, Failure> {
        let xtask = workspace.xtask();
        match self {
            Self::Fmt => workspace.cargo().args(["fmt", "--all", "--check"]).check()?,
            Self::Layers => layers::run(workspace)?,
            Self::Tidy => tidy::run(workspace)?,
            Self::Clippy => clippy(workspace)?,
            Self::Docs => docs::run(workspace, &docs::Arguments::checking())?,
            Self::Test => test::run(workspace, &test::Arguments::once())?,
            Self::PerfGate => {
                let status = xtask.args(["perf-gate", "--quick"]).status()?;
                return Ok(gate_ending(status.code()));
            }
        }
        Ok(Ending::Passed)
    }
}

/// Only a budget that is exceeded or that could not be judged breaks the build.
fn gate_ending(code: Option<i32>) -> Ending {
    match code {
        Some(0) => Ending::Passed,
        Some(INCONCLUSIVE) => Ending::Warned("some budgets are inconclusive".to_owned()),
        Some(1) => Ending::Failed("a budget is exceeded".to_owned()),
        Some(2) => Ending::Failed("a budget could not be judged".to_owned()),
        Some(other) => Ending::Failed(format!("the gate ended with exit code {other}")),
        None => Ending::Failed("the gate was ended by a signal".to_owned()),
    }
}

/// The whole workspace with all features; then each library as its users may take it: alone, with
/// no feature and with each single one, because cargo unifies features across a workspace; then, of
/// each library that has loom models, what is compiled for them only, whose tests are the library's.
fn clippy(workspace: &Workspace) -> Result<(), Failure> {
    let checked = |invocation: Invocation| {
        let invocation = invocation.args(["--", "--deny", "warnings"]);
        println!("{invocation}");
        invocation.check()
    };
    let all = ["clippy", "--workspace", "--all-targets", "--all-features"];
    checked(workspace.cargo().args(all))?;
    let metadata = workspace.metadata()?;
    for library in workspace::libraries(&metadata) {
        let alone = || {
            let cargo = workspace.cargo().args(["clippy", "--quiet"]);
            cargo.args(["--package", library.name.as_str(), "--lib", "--no-default-features"])
        };
        checked(alone())?;
        for feature in library.features.keys().filter(|feature| *feature != "default") {
            checked(alone().args(["--features", feature]))?;
        }
    }
    for library in MODELLED {
        let models =
            ["clippy", "--package", library, "--lib", "--profile", "test", "--all-features"];
        checked(workspace.loom_cargo(library)?.args(models))?;
    }
    Ok(())
}

/// A table of all steps; those that did not run are shown as such.
fn summary(steps: &[Step], done: &[Done]) -> String {
    let row = |step: &Step| {
        let Some(Done { took, ending, .. }) = done.iter().find(|done| done.step == *step) else {
            return format!("{:<10} {:>9}  not run\n", step.name(), "");
        };
        let ending = match ending {
            Ending::Passed => "passed",
            Ending::Warned(why) => &format!("passed, warning: {why}"),
            Ending::Failed(_) => "FAILED",
        };
        format!("{:<10} {:>7.1} s  {ending}\n", step.name(), took.as_secs_f64())
    };
    steps.iter().map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_inconclusive_verdicts_are_a_warning() {
        assert_eq!(gate_ending(Some(0)), Ending::Passed);
        assert!(matches!(gate_ending(Some(3)), Ending::Warned(_)));
        for code in [Some(1), Some(2), Some(101), None] {
            assert!(matches!(gate_ending(code), Ending::Failed(_)), "{code:?}");
        }
    }

    #[test]
    fn the_summary_shows_what_ran_and_what_did_not() {
        let took = Duration::from_millis(1500);
        let done = [
            Done { step: Step::Fmt, took, ending: Ending::Passed },
            Done { step: Step::Layers, took, ending: Ending::Failed("x".to_owned()) },
        ];
        assert_eq!(
            summary(&[Step::Fmt, Step::Layers, Step::Tidy], &done),
            "fmt            1.5 s  passed\nlayers         1.5 s  FAILED\ntidy                  not run\n"
        );
    }
}
