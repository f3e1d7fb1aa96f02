//! `cargo xtask peers`: mabeam and what one would take instead, measured in one run, as tables.
//!
//! Builds and runs the workspace of its own in `benches/peers`: once with the peers' default
//! features, once without those that ractor and kameo recommend to leave out for speed, and its
//! script for BEAM where `elixir` is installed. [`page`] makes the tables. A whole run rewrites
//! `docs/peers.md`; a quick one, or one of a single workload, must not pass for it and is written
//! below the target directory.

mod page;

use std::path::Path;
use std::time::Duration;

use clap::builder::PossibleValuesParser;
use perf_budget::machine::{self, Machine};

use self::page::{Circumstances, Row};
use crate::failure::Failure;
use crate::process::{Ending, Invocation};
use crate::workspace::{self, Workspace};

/// Where everything that is measured lies, from the root.
const PEERS: &str = "benches/peers";
/// The page of a whole run, from the root.
const PAGE: &str = "docs/peers.md";
/// The peers whose versions are told.
const VERSIONS_OF: &[&str] = &["tokio", "xtra", "actix", "kameo", "ractor"];
/// As many schedulers as the runtime of the others has workers, and room for a million processes.
const BEAM_FLAGS: &str = "+S 2:2 +P 2000000";
/// For a program that only says what it is.
const DEADLINE: Duration = Duration::from_secs(60);

/// What `cargo xtask peers` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Show in a minute that everything works; the figures mean little.
    #[arg(long)]
    quick: bool,
    /// Run this workload only.
    #[arg(long, value_name = "WORKLOAD", value_parser = PossibleValuesParser::new(page::names()))]
    only: Option<String>,
}

/// Builds, runs, prints the tables and writes them.
pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<(), Failure> {
    let target = workspace.metadata()?.target_directory.join("peers").into_std_path_buf();
    let lean = target.join("lean");
    // Before the compiler adds to it.
    let load_average = machine::load_average();
    // Both before anything is measured.
    build(workspace, &target, &[])?;
    build(workspace, &lean, &["--no-default-features"])?;

    let mut rows = arguments.rows(Invocation::new(program(&target), workspace.root()))?;
    rows.extend(arguments.rows(Invocation::new(program(&lean), workspace.root()))?);
    let beam = beam(workspace);
    if beam.is_some() {
        let script = workspace.path(PEERS).join("peers.exs");
        rows.extend(arguments.rows(
            Invocation::new("elixir", workspace.root()).args(["--erl", BEAM_FLAGS]).arg(script),
        )?);
    }

    let circumstances = Circumstances {
        machine: Machine::this(),
        load_average,
        commit: first_line(
            &Invocation::new("git", workspace.root()).args(["describe", "--always", "--dirty"]),
        ),
        compiler: first_line(&Invocation::new("rustc", workspace.root()).arg("--version")),
        versions: versions(&workspace.read(&format!("{PEERS}/Cargo.lock"))?),
        beam,
        command: arguments.command(),
        is_quick: arguments.quick,
    };
    let page = page::page(&rows, &circumstances);
    print!("{page}");
    let is_whole = !arguments.quick && arguments.only.is_none();
    let path = if is_whole { workspace.path(PAGE) } else { target.join("peers.md") };
    workspace::write(&path, &page)?;
    println!("\nwritten to {}", path.display());
    Ok(())
}

impl Arguments {
    /// Runs a program that measures, passing on what was typed.
    fn rows(&self, measures: Invocation) -> Result<Vec<Row>, Failure> {
        let only = self.only.iter().flat_map(|workload| ["--only", workload.as_str()]);
        let measures = measures.args(self.quick.then_some("--quick")).args(only);
        eprintln!("{measures}");
        let printed = measures.stdout()?;
        let read = Row::read_all(&String::from_utf8_lossy(&printed));
        read.map_err(|problem| Failure::new(format!("`{measures}` printed {problem}")))
    }

    fn command(&self) -> String {
        let quick = if self.quick { " --quick" } else { "" };
        let only = self.only.as_ref().map_or_else(String::new, |name| format!(" --only {name}"));
        format!("cargo xtask peers{quick}{only}")
    }
}

fn build(workspace: &Workspace, target: &Path, features: &[&str]) -> Result<(), Failure> {
    let manifest = workspace.path(PEERS).join("Cargo.toml");
    let cargo = workspace.cargo().args(["build", "--release", "--manifest-path"]).arg(manifest);
    let cargo = cargo.arg("--target-dir").arg(target).args(features);
    eprintln!("{cargo}");
    cargo.check()
}

fn program(target: &Path) -> std::path::PathBuf {
    target.join("release").join(format!("peers{}", std::env::consts::EXE_SUFFIX))
}

/// The version of BEAM and Elixir, if they are installed.
fn beam(workspace: &Workspace) -> Option<String> {
    let words = ["--eval", "IO.puts(\"Elixir #{System.version()}, OTP #{System.otp_release()}\")"];
    let version = first_line(&Invocation::new("elixir", workspace.root()).args(words));
    version.starts_with("Elixir").then_some(version)
}

/// What a program prints first; `unknown` if there is no such program, or if it fails.
fn first_line(program: &Invocation) -> String {
    let run = program.run_within(DEADLINE).ok();
    let run = run.filter(|run| matches!(run.ending, Ending::Exited(status) if status.success()));
    let printed = run.map(|run| String::from_utf8_lossy(&run.printed).into_owned());
    let first = printed.iter().flat_map(|printed| printed.lines()).next();
    first.map_or_else(|| "unknown".to_owned(), |line| line.trim().to_owned())
}

/// The versions that a lock file names.
fn versions(lock: &str) -> Vec<(String, String)> {
    let quoted = |line: &str, key: &str| {
        let value = line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')?;
        Some(value.to_owned())
    };
    let lines: Vec<&str> = lock.lines().collect();
    let locked = lines
        .windows(2)
        .filter_map(|pair| Some((quoted(pair[0], "name")?, quoted(pair[1], "version")?)));
    locked.filter(|(name, _)| VERSIONS_OF.contains(&name.as_str())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_peers_versions_are_those_of_their_lock_file() {
        let lock = "[[package]]\nname = \"kameo\"\nversion = \"0.22.2\"\n\n\
                    [[package]]\nname = \"kameo_macros\"\nversion = \"0.21.1\"\n";
        assert_eq!(versions(lock), [("kameo".to_owned(), "0.22.2".to_owned())]);
    }

    #[test]
    fn the_command_is_told_as_it_was_typed() {
        let arguments = Arguments { quick: true, only: Some("call".to_owned()) };
        assert_eq!(arguments.command(), "cargo xtask peers --quick --only call");
    }
}
