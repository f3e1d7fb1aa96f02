//! `cargo perf-gate`: judges the performance budgets of the workspace it is called in.

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<_> = std::env::args_os().collect();
    // Cargo passes its subcommand's name on.
    if args.get(1).is_some_and(|arg| arg == "perf-gate") {
        args.remove(1);
    }
    perf_budget::cli::main_with(args)
}
