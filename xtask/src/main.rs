//! The commands of this workspace: `cargo xtask COMMAND`.
//!
//! Owns the dispatch. Each command is a module that decides as a pure function and acts through
//! [`process`]. The gate's logic lives in `perf-budget`; here it is only called.

mod ci;
mod docs;
mod failure;
mod layers;
mod markdown;
mod peers;
mod perf_gate;
mod process;
mod prove_gate;
mod test;
mod tidy;
mod workspace;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// The commands of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure the workspace and judge it by its performance budgets.
    #[command(disable_help_flag = true)]
    PerfGate {
        /// Passed on as they are; `--help` lists them.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
    /// Run every test: unit, integration, documentation, and the loom models.
    Test(test::Arguments),
    /// Run what CI runs, in order, up to the first step that fails.
    Ci(ci::Arguments),
    /// Check which crate depends on which.
    Layers,
    /// Check the form of source files and the links of the documentation.
    Tidy,
    /// Build rustdoc and the book, and rewrite the generated pages.
    Docs(docs::Arguments),
    /// Measure mabeam beside its peers and write the tables of the book.
    Peers(peers::Arguments),
    /// Measure the gate's own error rates on unchanged and on slowed code.
    ProveGate(prove_gate::Arguments),
}

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    let workspace = Workspace::find();
    let result = match command {
        Command::PerfGate { arguments } => return perf_gate::run(&workspace, arguments),
        Command::Test(arguments) => test::run(&workspace, &arguments),
        Command::Ci(arguments) => ci::run(&workspace, &arguments),
        Command::Layers => layers::run(&workspace),
        Command::Tidy => tidy::run(&workspace),
        Command::Docs(arguments) => docs::run(&workspace, &arguments),
        Command::Peers(arguments) => peers::run(&workspace, &arguments),
        Command::ProveGate(arguments) => prove_gate::run(&workspace, &arguments),
    };
    report(result)
}

fn report(result: Result<(), Failure>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
