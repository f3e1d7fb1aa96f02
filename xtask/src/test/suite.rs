//! What is run: the test programs, the documentation's examples, the loom models.

use std::path::Path;

use cargo_metadata::{Artifact, Message, TargetKind};

use crate::failure::Failure;
use crate::process::Invocation;
use crate::workspace::Workspace;

/// The cfg under which the synchronisation words of `foundation` are loom's.
const LOOM_CFG: &str = "--cfg foundation_loom";

/// Everything that is tested, built.
pub(super) struct Suite {
    repeated: Vec<Part>,
    once: Vec<Part>,
}

/// One program that runs tests.
pub(super) struct Part {
    /// What it tests, for people.
    pub(super) name: String,
    /// How it is started.
    pub(super) invocation: Invocation,
    /// Whether running no test at all is a failure.
    pub(super) must_run: bool,
}

impl Suite {
    /// Builds every test program; cargo's progress is shown.
    pub(super) fn build(workspace: &Workspace) -> Result<Self, Failure> {
        let metadata = workspace.metadata()?;
        let repeated = programs(&test_build(workspace), false, &[])?;
        // Its own target directory: other flags would throw the main cache away.
        let loom_directory = metadata.target_directory.join("loom");
        let loom = loom_build(workspace, loom_directory.as_std_path());
        let mut once = programs(&loom, true, &["loom_"])?;
        for part in &mut once {
            part.name = format!("{}, loom models", part.name);
        }
        once.push(Part {
            name: "examples of the documentation".to_owned(),
            invocation: documentation(workspace),
            must_run: false,
        });
        Ok(Self { repeated, once })
    }

    /// The parts of one run.
    pub(super) fn parts(&self, is_first: bool) -> Vec<&Part> {
        let once = self.once.iter().filter(|_| is_first);
        self.repeated.iter().chain(once).collect()
    }
}

/// cargo's own choice of targets, because only with it are the examples built as the programs that
/// integration tests start.
fn test_build(workspace: &Workspace) -> Invocation {
    workspace
        .cargo()
        .args(["test", "--workspace", "--all-features"])
        .args(["--no-run", "--message-format=json-render-diagnostics"])
}

fn loom_build(workspace: &Workspace, target_directory: &Path) -> Invocation {
    workspace
        .cargo()
        .args(["test", "--package", "foundation", "--all-features", "--release", "--lib"])
        .args(["--no-run", "--message-format=json-render-diagnostics"])
        .env_flag("RUSTFLAGS", LOOM_CFG)
        .env("CARGO_TARGET_DIR", target_directory)
}

fn documentation(workspace: &Workspace) -> Invocation {
    workspace.cargo().args([
        "test",
        "--workspace",
        "--all-features",
        "--doc",
        "--no-fail-fast",
        "--quiet",
    ])
}

/// Runs a build and returns its test programs, in cargo's order.
fn programs(build: &Invocation, must_run: bool, filter: &[&str]) -> Result<Vec<Part>, Failure> {
    eprintln!("{build}");
    let messages = build.stdout()?;
    let mut parts = Vec::new();
    for message in Message::parse_stream(messages.as_slice()) {
        let message =
            message.map_err(|error| Failure::new(format!("reading cargo's messages: {error}")))?;
        if let Message::CompilerArtifact(artifact) = message {
            parts.extend(part(&artifact, must_run, filter));
        }
    }
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(parts)
}

/// The test program among a build's artifacts; it runs in its package's directory, as under cargo.
fn part(artifact: &Artifact, must_run: bool, filter: &[&str]) -> Option<Part> {
    let executable = artifact.executable.as_ref().filter(|_| artifact.profile.test)?;
    let directory = artifact.manifest_path.parent()?;
    let package = directory.file_name()?;
    let target = &artifact.target;
    let name = match target.kind.first() {
        Some(TargetKind::Test) => format!("{package}, test {}", target.name),
        Some(TargetKind::Bin) => format!("{package}, program {}", target.name),
        _ => package.to_owned(),
    };
    let invocation = Invocation::new(executable, directory.as_std_path())
        .args(filter)
        .env("CARGO_MANIFEST_DIR", directory.as_str());
    Some(Part { name, invocation, must_run })
}
