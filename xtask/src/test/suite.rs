//! What is run: the test programs, the documentation's examples, the loom models.

use cargo_metadata::{Artifact, Message, TargetKind};

use crate::failure::Failure;
use crate::process::Invocation;
use crate::workspace::{self, MODELLED, Workspace};

/// Everything that is tested, built.
pub(super) struct Suite {
    repeated: Vec<Part>,
    /// The loom models: each run explores every interleaving, so that a second is the first again.
    models: Vec<Part>,
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
        let mut repeated = programs(&test_build(workspace), &[])?;
        for library in workspace::libraries(&metadata) {
            require(&mut repeated, &library.name)?;
        }
        repeated.push(Part {
            name: "examples of the documentation".to_owned(),
            invocation: documentation(workspace),
            must_run: true,
        });
        let mut models = Vec::new();
        for library in MODELLED {
            models.extend(programs(&loom_build(workspace, library)?, &["loom_"])?);
            require(&mut models, library)?;
        }
        for part in &mut models {
            part.name = format!("{}, loom models", part.name);
        }
        Ok(Self { repeated, models })
    }

    /// The parts of one run.
    pub(super) fn parts(&self, is_first: bool) -> Vec<&Part> {
        let models = self.models.iter().filter(|_| is_first);
        self.repeated.iter().chain(models).collect()
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

fn loom_build(workspace: &Workspace, library: &str) -> Result<Invocation, Failure> {
    let cargo = workspace.loom_cargo(library)?;
    Ok(cargo
        .args(["test", "--package", library, "--all-features", "--release", "--lib"])
        .args(["--no-run", "--message-format=json-render-diagnostics"]))
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
fn programs(build: &Invocation, filter: &[&str]) -> Result<Vec<Part>, Failure> {
    eprintln!("{build}");
    let messages = build.stdout()?;
    let mut parts = Vec::new();
    for message in Message::parse_stream(messages.as_slice()) {
        let message =
            message.map_err(|error| Failure::new(format!("reading cargo's messages: {error}")))?;
        if let Message::CompilerArtifact(artifact) = message {
            parts.extend(part(&artifact, filter));
        }
    }
    parts.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(parts)
}

/// The test program among a build's artifacts; it runs in its package's directory, as under cargo.
fn part(artifact: &Artifact, filter: &[&str]) -> Option<Part> {
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
    Some(Part { name, invocation, must_run: false })
}

/// Marks the unit tests of `library` as a part that must have tests.
fn require(parts: &mut [Part], library: &str) -> Result<(), Failure> {
    let unit_tests = parts.iter_mut().find(|part| part.name == library);
    let part = unit_tests.ok_or_else(|| {
        Failure::new(format!("cargo built no unit tests of {library}, which must have some"))
    })?;
    part.must_run = true;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_library_without_a_test_program_is_refused() {
        let part = |name: &str| Part {
            name: name.to_owned(),
            invocation: Invocation::new("true", Path::new("/")),
            must_run: false,
        };
        let mut parts = [part("foundation, test allocations"), part("foundation")];
        assert_eq!(require(&mut parts, "foundation"), Ok(()));
        assert_eq!(parts.map(|part| part.must_run), [false, true]);
        assert!(require(&mut [part("xtask")], "foundation").is_err());
    }
}
