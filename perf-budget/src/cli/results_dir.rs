//! The folder for a run's results: one run at a time, emptied when a run starts, never a folder of
//! somebody else.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use miette::{IntoDiagnostic, Result, WrapErr, miette};
use serde::{Deserialize, Serialize};

use crate::gate::read::samples::MANIFEST;

/// Held while a run goes on.
const LOCK: &str = "lock";

/// A folder that this process alone writes results to, as long as the value lives.
#[derive(Debug)]
pub(super) struct ResultsDir {
    path: PathBuf,
    manifest: Manifest,
    _lock: File,
}

/// What a run left.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// The run.
    pub(super) run_id: String,
    /// Sample files with the operation that each is of, as `(file name, operation)`.
    pub(super) samples: Vec<(String, String)>,
}

impl ResultsDir {
    /// Takes and empties `path`.
    ///
    /// # Errors
    /// If another run holds it, or if it is a folder with files that no run of the gate left.
    pub(super) fn take(path: PathBuf, run_id: &str) -> Result<Self> {
        let shown = path.display().to_string();
        let is_ours = path.join(MANIFEST).exists() || path.join(LOCK).exists();
        if !is_ours && fs::read_dir(&path).is_ok_and(|mut entries| entries.next().is_some()) {
            return Err(miette!(
                help = "name another folder with `--out`",
                "failed to empty {shown} for results: it holds files that are not the gate's"
            ));
        }
        fs::create_dir_all(&path)
            .into_diagnostic()
            .wrap_err_with(|| format!("failed to make {shown}"))?;
        let lock = lock(&path.join(LOCK))?;
        for entry in fs::read_dir(&path).into_diagnostic()? {
            let entry = entry.into_diagnostic()?.path();
            if entry.file_name().is_some_and(|name| name == LOCK) {
                continue;
            }
            let removed =
                if entry.is_dir() { fs::remove_dir_all(&entry) } else { fs::remove_file(&entry) };
            removed
                .into_diagnostic()
                .wrap_err_with(|| format!("failed to remove {}", entry.display()))?;
        }
        let manifest = Manifest { run_id: run_id.to_owned(), ..Manifest::default() };
        let folder = Self { path, manifest, _lock: lock };
        folder.save()?;
        Ok(folder)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// A new sample file for `operation`, which counts as part of the run from now on.
    pub(super) fn sample(&mut self, name: String, operation: &str) -> PathBuf {
        let path = self.path.join(&name);
        self.manifest.samples.push((name, operation.to_owned()));
        path
    }

    /// Writes down what belongs to the run.
    pub(super) fn save(&self) -> Result<()> {
        let path = self.path.join(MANIFEST);
        let json = serde_json::to_vec(&self.manifest).into_diagnostic()?;
        fs::write(&path, json)
            .into_diagnostic()
            .wrap_err_with(|| format!("failed to write {}", path.display()))
    }
}

impl Manifest {
    /// What the last run left in `path`; `None` if there was none.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let json = fs::read(path.join(MANIFEST)).ok()?;
        serde_json::from_slice(&json).ok()
    }
}

fn lock(path: &Path) -> Result<File> {
    let file = File::create(path)
        .into_diagnostic()
        .wrap_err_with(|| format!("failed to make {}", path.display()))?;
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => Err(miette!(
            help = "wait for it, or name another folder with `--out`",
            "another run of the gate is writing to {}",
            path.parent().unwrap_or(path).display()
        )),
        // A file system without locks is no reason not to measure.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let precious = dir.path().join("precious");
        fs::write(&precious, "data").expect("can be written");
        let refused = ResultsDir::take(dir.path().to_owned(), "run").expect_err("not ours");
        assert!(refused.to_string().contains("not the gate's"), "{refused}");
        assert!(precious.exists());
    }

    #[test]
    fn a_folder_of_the_gate_is_emptied_and_held_by_one_run() {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("samples");
        let mut first = ResultsDir::take(path.clone(), "one").expect("new");
        let sample = first.sample("a.json".to_owned(), "lookup");
        fs::write(&sample, "{}").expect("can be written");
        first.save().expect("can be saved");
        let refused = ResultsDir::take(path.clone(), "two").expect_err("held");
        assert!(refused.to_string().contains("another run"), "{refused}");
        drop(first);
        let left = Manifest::read(&path).expect("a manifest");
        assert_eq!(left.samples, [("a.json".to_owned(), "lookup".to_owned())]);
        let _second = ResultsDir::take(path, "two").expect("free again");
        assert!(!sample.exists());
    }
}
