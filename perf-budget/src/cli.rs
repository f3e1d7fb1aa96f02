//! The program `cargo perf-gate`: builds the benches of a workspace, runs them in fresh processes,
//! judges its budgets, reports.
//!
//! Everything that has an effect is here, and every decision is [`gate`](crate::gate)'s. Exit codes:
//! 0 every judged budget is kept; 1 a budget is exceeded; 2 something could not be judged; 3 some
//! verdicts are inconclusive, and nothing worse.

mod args;
mod callgrind;
mod compile;
mod found;
mod init;
mod measure;
mod plan;
mod process;
mod progress;
mod results_dir;
mod run;
mod source_age;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use self::args::{Args, Command};
use crate::Outcome;
use crate::machine::Machine;

/// Runs the program with `args`, the program's own name first. Prints to standard output and error;
/// never exits the process.
pub fn main_with(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version go to standard output and are no failure.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { could_not_judge() } else { 0 });
        }
    };
    let done = match &args.command {
        None => run::run(&args),
        Some(Command::Init { force }) => init::run(&args, *force),
        Some(Command::List) => run::list(&args),
        Some(Command::Machine) => {
            println!("{}", Machine::this().fingerprint);
            Ok(Outcome::Passed)
        }
    };
    match done {
        Ok(outcome) => ExitCode::from(outcome.exit_code()),
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::from(could_not_judge())
        }
    }
}

const fn could_not_judge() -> u8 {
    Outcome::CouldNotJudge.exit_code()
}
