//! `cargo xtask test`: every test of the workspace, once or many times.
//!
//! Owns what "every test" means: the [programs](suite) that cargo builds with all features, the
//! documentation's examples, and the loom models. Builds once and then runs the programs themselves,
//! so that repeating costs no build and a [tally] can say which test failed how often. A part that
//! hangs is ended and named, and so is one that reports nothing.

mod suite;
mod tally;

use std::io::{self, Write};
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use self::suite::{Part, Suite};
use self::tally::{Outcome, Tally};
use crate::failure::Failure;
use crate::workspace::Workspace;

/// A part that takes longer hangs: the slowest needs seconds.
const DEADLINE: Duration = Duration::from_secs(10 * 60);

/// What `cargo xtask test` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Run every test this many times, the examples of the documentation too, and print the flake
    /// rate. Only the loom models run once: they explore every interleaving, so that a second run
    /// is the same run.
    #[arg(long, value_name = "N", default_value = "1")]
    repeat: NonZeroU32,
}

impl Arguments {
    /// As CI runs it.
    pub(crate) const fn once() -> Self {
        Self { repeat: NonZeroU32::MIN }
    }
}

/// Runs everything; fails if any test failed in any run.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let suite = Suite::build(workspace)?;
    let repeat = arguments.repeat.get();
    let mut tally = Tally::default();
    for run in 1..=repeat {
        let parts = suite.parts(run == 1);
        tally.add_run(run_once(&parts, run == 1)?);
        if repeat > 1 {
            println!("run {run} of {repeat}: {}", tally.last());
        }
    }
    print!("\n{}", tally.summary(repeat > 1));
    if tally.is_clean() {
        Ok(())
    } else {
        Err(Failure::new("tests failed: `cargo xtask test` runs them again"))
    }
}

/// Runs each part and shows what a failing one printed; `shows_parts` announces every part.
fn run_once(parts: &[&Part], shows_parts: bool) -> Result<Outcome, Failure> {
    let mut total = Outcome::default();
    for part in parts {
        if shows_parts {
            print!("{:<44}", part.name);
            let _ = io::stdout().flush();
        }
        let start = Instant::now();
        let child = part.invocation.run_within(DEADLINE)?;
        let printed = String::from_utf8_lossy(&child.printed);
        let mut outcome = Outcome::read(&printed, &part.name, child.ending);
        if part.must_run && outcome.is_empty() {
            outcome.add_failure(format!("{}: there is none, so nothing was checked", part.name));
        }
        if shows_parts {
            println!("{outcome} in {:.1} s", start.elapsed().as_secs_f64());
        }
        if outcome.failed > 0 {
            println!("\n--- {}: `{}`\n{printed}", part.name, part.invocation);
        }
        total.add(outcome);
    }
    Ok(total)
}
