//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand};

use crate::Tier;

/// Judges the performance budgets of a workspace.
///
/// Builds its benches, runs them in fresh processes, compares what they measure with the budgets
/// file, and reports. Exit codes: 0 every judged budget is kept, 1 a budget is exceeded, 2 something
/// could not be judged, 3 inconclusive only.
#[derive(Debug, Parser)]
#[command(name = "cargo perf-gate", bin_name = "cargo perf-gate", version)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,

    /// Judge only the quick tier, with fewer and shorter rounds.
    #[arg(long)]
    pub(super) quick: bool,

    /// Judge only the budgets of this operation; may be repeated.
    #[arg(long, value_name = "OPERATION")]
    pub(super) only: Vec<String>,

    /// The budgets file [default: benches/budgets.toml, else perf-budgets.toml, in the workspace].
    #[arg(long, value_name = "FILE", global = true)]
    pub(super) budgets: Option<PathBuf>,

    /// Where reports and results go [default: perf-gate in the target directory].
    #[arg(long, value_name = "DIR", global = true)]
    pub(super) out: Option<PathBuf>,

    /// Treat budgets that a missing tool leaves unjudged as an error (exit code 2).
    #[arg(long, env = "CI", value_parser = clap::builder::FalseyValueParser::new(),
          action = clap::ArgAction::SetTrue)]
    pub(super) strict: bool,

    /// Run nothing: read the results that are there.
    #[arg(long, global = true)]
    pub(super) no_run: bool,

    /// A Cargo.toml of the workspace.
    #[arg(long, value_name = "PATH", global = true)]
    pub(super) manifest_path: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Propose a budgets file from what the benches measure now.
    Init {
        /// Replace a file that exists.
        #[arg(long)]
        force: bool,
    },
    /// List every operation and how it can be measured.
    List,
    /// Print this machine's fingerprint, for a budget's `machine` key.
    Machine,
}

impl Args {
    pub(super) const fn tier(&self) -> Tier {
        if self.quick { Tier::Quick } else { Tier::Full }
    }
}
