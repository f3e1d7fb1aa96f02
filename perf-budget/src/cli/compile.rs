//! Building benches, and finding the programs that come out.

use std::collections::{BTreeMap, BTreeSet};
use std::io::BufReader;
use std::process::{Command, Stdio};

use cargo_metadata::{Message, TargetKind};
use miette::{Context, IntoDiagnostic, Result, miette};

use super::plan::Program;
use super::workspace::{Bench, Workspace};

/// The programs of `benches`, built with cargo's bench profile. Cargo's own messages and progress go
/// to standard error as usual.
pub(super) fn build<'a>(
    workspace: &Workspace,
    benches: impl IntoIterator<Item = &'a Bench>,
) -> Result<Vec<(Bench, Program)>> {
    let mut by_package: BTreeMap<&str, Vec<&Bench>> = BTreeMap::new();
    for bench in benches {
        by_package.entry(&bench.package).or_default().push(bench);
    }
    let mut programs = Vec::new();
    for (package, benches) in by_package {
        programs.extend(build_package(workspace, package, &benches)?);
    }
    Ok(programs)
}

fn build_package(
    workspace: &Workspace,
    package: &str,
    benches: &[&Bench],
) -> Result<Vec<(Bench, Program)>> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .current_dir(&workspace.root)
        .args(["bench", "--no-run", "--message-format=json-render-diagnostics"])
        .args(["--package", package])
        .args(benches.iter().flat_map(|bench| ["--bench", bench.name.as_str()]))
        .args(
            benches
                .iter()
                .flat_map(|bench| &bench.required_features)
                .flat_map(|feature| ["--features", feature.as_str()]),
        )
        .stdout(Stdio::piped());
    let mut child =
        command.spawn().into_diagnostic().wrap_err("failed to start cargo to build the benches")?;
    let wanted: BTreeSet<&str> = benches.iter().map(|bench| bench.name.as_str()).collect();
    let mut programs = Vec::new();
    if let Some(stdout) = child.stdout.take() {
        for message in Message::parse_stream(BufReader::new(stdout)) {
            let message = message.into_diagnostic().wrap_err("failed to read cargo's messages")?;
            if let Message::CompilerArtifact(artifact) = message
                && let Some(executable) = artifact.executable
                && artifact.target.kind.contains(&TargetKind::Bench)
                && wanted.contains(artifact.target.name.as_str())
            {
                let bench = benches.iter().find(|bench| bench.name == artifact.target.name);
                programs.extend(bench.map(|bench| {
                    let executable = executable.into_std_path_buf();
                    let package_dir = bench.package_dir.clone();
                    ((*bench).clone(), Program { executable, package_dir })
                }));
            }
        }
    }
    let status = child.wait().into_diagnostic()?;
    if status.success() {
        Ok(programs)
    } else {
        Err(miette!(
            "failed to build the benches of package `{package}`: cargo ended with {status}"
        ))
    }
}
