//! The workspace: where it is, which benches it has, and which tool each of them is written for.

use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{MetadataCommand, TargetKind};
use miette::{Context, IntoDiagnostic, Result, miette};

use super::args::Args;

/// Where a budgets file is looked for, in this order.
const BUDGETS: [&str; 2] = ["benches/budgets.toml", "perf-budgets.toml"];

/// Files in the workspace's root that decide how it is built.
const BUILD_FILES: [&str; 5] =
    ["Cargo.toml", "Cargo.lock", ".cargo/config.toml", "rust-toolchain.toml", "rust-toolchain"];

/// A workspace as far as the gate needs it.
#[derive(Debug)]
pub(super) struct Workspace {
    pub(super) root: PathBuf,
    /// Cargo's target directory.
    pub(super) target: PathBuf,
    /// What results depend on: folders of the packages on this machine, and the files beside the
    /// workspace's manifest that decide how it is built.
    pub(super) sources: Vec<PathBuf>,
    pub(super) benches: Vec<Bench>,
    /// Version of the callgrind library that the benches use, by the name of its package.
    pub(super) callgrind: Option<CallgrindLibrary>,
}

/// A bench target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bench {
    /// The package's id, which is unambiguous where names are not.
    pub(super) package: String,
    /// Where the package's manifest is, and where cargo runs its benches.
    pub(super) package_dir: PathBuf,
    pub(super) name: String,
    /// Features without which cargo refuses to build it.
    pub(super) required_features: Vec<String>,
    pub(super) tool: Tool,
}

/// What a bench is written for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    /// This crate's harness.
    Harness,
    Criterion,
    /// iai-callgrind or gungraun.
    Callgrind,
    /// Something that leaves no results that the gate can read.
    Other,
}

/// The library behind callgrind benches, under its old or its new name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct CallgrindLibrary {
    /// `gungraun` or `iai-callgrind`.
    pub(super) name: String,
    pub(super) version: String,
}

impl Workspace {
    /// Asks cargo for the workspace around the current directory.
    pub(super) fn find(args: &Args) -> Result<Self> {
        let mut command = MetadataCommand::new();
        if let Some(manifest) = &args.manifest_path {
            command.manifest_path(manifest);
        }
        let metadata = command
            .exec()
            .into_diagnostic()
            .wrap_err("failed to read the workspace with `cargo metadata`")?;
        let root = metadata.workspace_root.as_std_path();
        let mut benches = Vec::new();
        for package in metadata.workspace_packages() {
            for target in &package.targets {
                if target.kind.contains(&TargetKind::Bench) {
                    benches.push(Bench {
                        package: package.id.repr.clone(),
                        package_dir: folder_of(package),
                        name: target.name.clone(),
                        required_features: target.required_features.clone(),
                        tool: Tool::of_source(target.src_path.as_std_path()),
                    });
                }
            }
        }
        // A package without a source comes from this machine: a member, or a path dependency.
        let local = metadata.packages.iter().filter(|package| package.source.is_none());
        let mut sources: Vec<PathBuf> = local.map(folder_of).collect();
        sources.extend(BUILD_FILES.map(|file| root.join(file)));
        let library = metadata
            .packages
            .iter()
            .find(|package| matches!(package.name.as_str(), "gungraun" | "iai-callgrind"));
        Ok(Self {
            root: root.to_owned(),
            target: metadata.target_directory.clone().into_std_path_buf(),
            sources,
            benches,
            callgrind: library.map(|package| CallgrindLibrary {
                name: package.name.to_string(),
                version: package.version.to_string(),
            }),
        })
    }

    /// The budgets file that `args` name or that stands in its usual place.
    pub(super) fn budgets(&self, args: &Args) -> Result<PathBuf> {
        if let Some(named) = &args.budgets {
            return Ok(named.clone());
        }
        let found =
            BUDGETS.map(|place| self.root.join(place)).into_iter().find(|path| path.exists());
        found.ok_or_else(|| {
            miette!(
                help = "`cargo perf-gate init` proposes one from what the benches measure",
                "failed to find a budgets file: neither {} nor {} exists in {}",
                BUDGETS[0],
                BUDGETS[1],
                self.root.display()
            )
        })
    }

    /// Where a new budgets file belongs.
    pub(super) fn new_budgets(&self, args: &Args) -> PathBuf {
        let usual = if self.root.join("benches").is_dir() { BUDGETS[0] } else { BUDGETS[1] };
        args.budgets.clone().unwrap_or_else(|| self.root.join(usual))
    }

    /// The directory for reports and results.
    pub(super) fn out(&self, args: &Args) -> PathBuf {
        let out = args.out.clone().unwrap_or_else(|| self.target.join("perf-gate"));
        // Benches run in the folders of their packages.
        std::path::absolute(&out).unwrap_or(out)
    }

    /// `path` as a reader of the report wants it.
    pub(super) fn relative(&self, path: &Path) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).display().to_string()
    }

    pub(super) fn benches_of(&self, tool: Tool) -> impl Iterator<Item = &Bench> {
        self.benches.iter().filter(move |bench| bench.tool == tool)
    }
}

fn folder_of(package: &cargo_metadata::Package) -> PathBuf {
    let manifest = package.manifest_path.as_std_path();
    manifest.parent().unwrap_or(manifest).to_owned()
}

impl Tool {
    /// Reads it off the source of the bench. A program that can't be read is [`Tool::Other`].
    fn of_source(path: &Path) -> Self {
        fs::read_to_string(path).map_or(Self::Other, |source| Self::of_text(&source))
    }

    /// Comments count for nothing, so that prose about a tool is not taken for its use.
    fn of_text(source: &str) -> Self {
        let code: String =
            source.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let uses = |words: &[&str]| words.iter().any(|word| code.contains(word));
        if uses(&["perf_budget", "PERF_BUDGET_REQUEST"]) {
            Self::Harness
        } else if uses(&["library_benchmark", "iai_callgrind::main!", "gungraun::main!"]) {
            Self::Callgrind
        } else if uses(&["criterion_main!", "criterion::", "criterion_group!"]) {
            Self::Criterion
        } else {
            Self::Other
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tool_is_read_off_the_code_and_not_off_its_comments() {
        let code = "//! Unlike criterion::black_box\nuse perf_budget::harness::Suite;\n";
        assert_eq!(Tool::of_text(code), Tool::Harness);
        assert_eq!(Tool::of_text("criterion_group!(a, b);\ncriterion_main!(a);"), Tool::Criterion);
        assert_eq!(Tool::of_text("#[library_benchmark]\nfn a() {}"), Tool::Callgrind);
        assert_eq!(Tool::of_text("// criterion_main!(a)\nfn main() {}"), Tool::Other);
    }
}
