//! Instruction counts: valgrind, the runner that fits the library of the workspace, and one run of
//! a program under both.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::plan::Program;
use super::workspace::{CallgrindLibrary, Tool, Workspace};
use super::{found, process};
use crate::gate::evidence::{Failure, Results};

/// How long one program may run under callgrind, some fifty times slower than without.
const DEADLINE: Duration = Duration::from_secs(900);
/// How long building the runner may take.
const BUILDING: Duration = Duration::from_secs(900);

/// Whether and how instructions can be counted here.
#[derive(Debug)]
pub(super) enum Callgrind {
    /// With the runner in this folder.
    Ready { runner_dir: PathBuf },
    /// Not, for a reason that says what to install.
    Missing(String),
    /// Nobody asks for it, or no bench counts instructions.
    Unused,
}

impl Callgrind {
    /// Looks for valgrind and the runner, and builds the runner if it is missing.
    pub(super) fn prepare(workspace: &Workspace) -> Self {
        let benches = workspace.benches_of(Tool::Callgrind).next();
        let (Some(library), Some(_)) = (&workspace.callgrind, benches) else {
            return Self::Unused;
        };
        if let Some(missing) = Self::missing_valgrind() {
            return missing;
        }
        let root = workspace.target.join("perf-gate-tools").join(format!(
            "{}-{}",
            library.runner(),
            library.version
        ));
        let runner_dir = root.join("bin");
        if runner_dir.join(library.runner()).exists() {
            return Self::Ready { runner_dir };
        }
        eprintln!("building {} {} (once)", library.runner(), library.version);
        match process::run(&mut library.install(&root), BUILDING) {
            Ok(_) => Self::Ready { runner_dir },
            Err(why) => {
                let (runner, version) = (library.runner(), &library.version);
                Self::Missing(format!("{runner} {version} could not be built: {why}"))
            }
        }
    }

    /// `Missing` where valgrind is not installed.
    pub(super) fn missing_valgrind() -> Option<Self> {
        let version =
            process::run(Command::new("valgrind").arg("--version"), Duration::from_secs(30));
        version.err().map(|_| {
            Self::Missing(
                "valgrind is not installed: install the package `valgrind` of your system to count \
                 instructions"
                    .into(),
            )
        })
    }

    /// Runs `program` and reads the counts that it leaves below `home`.
    pub(super) fn run(&self, program: &Program, home: &Path) -> Results {
        let Self::Ready { runner_dir } = self else {
            return Results::default();
        };
        let mut command = program.command();
        // Options of the user's own runs would count something else.
        let options = std::env::vars_os().map(|(name, _)| name).filter(|name| {
            let name = name.to_string_lossy();
            name.starts_with("GUNGRAUN_") || name.starts_with("IAI_CALLGRIND_")
        });
        for option in options {
            command.env_remove(option);
        }
        command.arg("--bench").env("PATH", with_first(runner_dir));
        for (prefix, folder) in [("GUNGRAUN", "gungraun"), ("IAI_CALLGRIND", "iai")] {
            command.env(format!("{prefix}_HOME"), home.join(folder));
            command.env(format!("{prefix}_SAVE_SUMMARY"), "json");
        }
        let ran = fs::create_dir_all(home)
            .map_err(|error| format!("{} can't be made: {error}", home.display()))
            .and_then(|()| process::run(&mut command, DEADLINE));
        match ran {
            Ok(_) => found::callgrind(home, None),
            Err(why) => {
                Results { failures: vec![Failure { operation: None, why }], ..Results::default() }
            }
        }
    }
}

impl CallgrindLibrary {
    /// The program that the library hands its benchmarks to.
    fn runner(&self) -> String {
        format!("{}-runner", self.name)
    }

    fn install(&self, root: &Path) -> Command {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(cargo);
        // Its own target directory, so that no flag of the workspace leaks into the build, and no
        // optimisation: the runner's speed is not measured.
        command
            .args(["install", &self.runner(), "--locked", "--debug"])
            .args(["--version", &format!("={}", self.version), "--root"])
            .arg(root)
            .env("CARGO_TARGET_DIR", root.join("build"))
            .env_remove("RUSTFLAGS");
        command
    }
}

/// `PATH` with `folder` in front.
fn with_first(folder: &Path) -> OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::iter::once(folder.to_owned()).chain(std::env::split_paths(&path));
    // A folder whose name holds the separator can't be in PATH at all.
    std::env::join_paths(folders).unwrap_or(path)
}
