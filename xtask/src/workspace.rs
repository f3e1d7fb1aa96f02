//! Where the workspace lies and what is in it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{Metadata, MetadataCommand, Package};

use crate::failure::Failure;
use crate::process::Invocation;

/// The libraries that have loom models. Each has a cfg of its own, under which its synchronisation
/// words are loom's and those of the others are not.
pub(crate) const MODELLED: [&str; 2] = ["foundation", "mabeam"];

/// The workspace that this program belongs to.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds it beside this crate; cargo says where that is, also after the directory was moved.
    pub(crate) fn find() -> Self {
        let here = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = here.parent().unwrap_or(&here).to_path_buf();
        Self { root }
    }

    /// The directory of the root manifest.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A path relative to the root.
    pub(crate) fn path(&self, relative: impl AsRef<Path>) -> PathBuf {
        self.root.join(relative)
    }

    /// The cargo that runs this program, in the root.
    pub(crate) fn cargo(&self) -> Invocation {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Invocation::new(cargo, &self.root)
    }

    /// cargo, building for the loom models of a library. Its own target directory: other flags would
    /// throw the main cache away.
    pub(crate) fn loom_cargo(&self, library: &str) -> Result<Invocation, Failure> {
        let target_directory = self.metadata()?.target_directory.join("loom").join(library);
        let cargo = self.cargo().env_flag("RUSTFLAGS", &format!("--cfg {library}_loom"));
        Ok(cargo.env("CARGO_TARGET_DIR", target_directory.as_str()))
    }

    /// This program, built anew if that is due: tests may have replaced its file.
    pub(crate) fn xtask(&self) -> Invocation {
        self.cargo().args(["run", "--quiet", "--package", "xtask", "--"])
    }

    /// The members and what they declare, without their dependencies' own manifests.
    pub(crate) fn metadata(&self) -> Result<Metadata, Failure> {
        MetadataCommand::new()
            .current_dir(&self.root)
            .no_deps()
            .exec()
            .map_err(|error| Failure::new(format!("cargo metadata: {error}")))
    }

    /// The content of a file, by its path from the root.
    pub(crate) fn read(&self, relative: &str) -> Result<String, Failure> {
        let path = self.path(relative);
        fs::read_to_string(&path).map_err(|error| Failure::file("reading", &path, &error))
    }
}

/// Writes `content`, with the directories that the path needs.
pub(crate) fn write(path: &Path, content: &str) -> Result<(), Failure> {
    let written = path.parent().map_or(Ok(()), fs::create_dir_all);
    written
        .and_then(|()| fs::write(path, content))
        .map_err(|error| Failure::file("writing", path, &error))
}

/// The members that are published: the libraries of this workspace.
pub(crate) fn libraries(metadata: &Metadata) -> Vec<&Package> {
    let mut members = metadata.workspace_packages();
    members.retain(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()));
    members
}
