//! What lies below the values that the running program sets: which files and variables are read, in
//! which order, and what they say at the moment.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{Problem, Rejection, Violation};
use super::snapshot::Held;
use super::{Config, KeySpec, Schema, Snapshot, Source, disk, environment, file, variable};

/// Puts a configuration together: made by [`Config::builder`].
///
/// From the lowest layer up: the defaults, documents and files in the order in which they are named
/// here, the environment, and then what the running program sets. A value of a higher layer hides
/// those of lower ones; all of them must obey the key's rule.
#[must_use = "`build` makes the configuration"]
pub struct Builder {
    schema: Schema,
    origin: Origin,
    /// What is wrong with what was given so far.
    rejection: Rejection,
}

/// Everything that is read again by a reload, and the values that are not.
#[derive(Default)]
pub(super) struct Origin {
    /// From the lowest up.
    inputs: Vec<Input>,
    /// The values of the environment, which is read once.
    environment: Vec<(usize, Held)>,
    /// The prefix of the variables that were read last.
    prefix: Option<Box<str>>,
}

enum Input {
    Document(Vec<(usize, Held)>),
    Files(Files),
}

/// A file, or a directory of files.
pub(super) struct Files {
    /// Absolute, so that a change of the working directory changes nothing.
    pub(super) path: PathBuf,
    /// As the user wrote it.
    name: PathBuf,
    pub(super) is_directory: bool,
    /// Whether it may be missing.
    optional: bool,
}

impl Builder {
    pub(super) fn new(schema: Schema) -> Self {
        Self { schema, origin: Origin::default(), rejection: Rejection::none() }
    }

    /// The TOML document `text`, which errors and sources call `name`.
    pub fn document(mut self, name: &str, text: &str) -> Self {
        let read = file::read(&self.schema, text, &name.into());
        let values = self.rejection.accept(read);
        self.origin.inputs.push(Input::Document(values));
        self
    }

    /// The TOML file at `path`, which must exist.
    pub fn file(self, path: impl Into<PathBuf>) -> Self {
        self.files(path.into(), false, false)
    }

    /// The TOML file at `path`, which counts as empty while it does not exist. A link that leads
    /// nowhere is a problem.
    pub fn optional_file(self, path: impl Into<PathBuf>) -> Self {
        self.files(path.into(), false, true)
    }

    /// Every file of the directory at `path` whose name ends in `.toml` and does not begin with a
    /// dot, in the order of the names, at most 256. The directory must exist, and so must what a link
    /// in it leads to.
    pub fn directory(self, path: impl Into<PathBuf>) -> Self {
        self.files(path.into(), true, false)
    }

    /// The same for a directory that counts as empty while it does not exist.
    pub fn optional_directory(self, path: impl Into<PathBuf>) -> Self {
        self.files(path.into(), true, true)
    }

    /// The variables of the environment whose names begin with `prefix` and `__`, above all files:
    /// `std::env::vars_os()` or any other list. See [`variable`](super::variable) for the names.
    ///
    /// A text, a duration or a secret is taken as it stands, everything else as it is written in
    /// TOML. A name with the prefix that sets no key is a problem. A reload keeps these values.
    pub fn environment<N: Into<OsString>, V: Into<OsString>>(
        mut self,
        prefix: &str,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        let read = environment::read(&self.schema, prefix, variables);
        let values = self.rejection.accept(read);
        self.origin.environment.extend(values);
        self.origin.prefix = Some(prefix.into());
        self
    }

    /// Reads everything. Fails with every problem of every layer.
    pub fn build(self) -> Result<Config, Rejection> {
        let Self { schema, origin, rejection } = self;
        let below = origin.read(&schema, rejection)?;
        Ok(Config::starting_with(Snapshot::new(schema, below), origin))
    }

    fn files(mut self, name: PathBuf, is_directory: bool, optional: bool) -> Self {
        let path = std::path::absolute(&name).unwrap_or_else(|_| name.clone());
        self.origin.inputs.push(Input::Files(Files { path, name, is_directory, optional }));
        self
    }
}

/// Without the values: what was refused so far, and which files will be read.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let files: Vec<_> = self.origin.files().map(|files| &files.name).collect();
        f.debug_struct("Builder")
            .field("files", &files)
            .field("rejection", &self.rejection)
            .finish_non_exhaustive()
    }
}

impl Origin {
    /// The value of every key and its source, or every problem of every file behind those in
    /// `rejection`.
    pub(super) fn read(
        &self,
        schema: &Schema,
        mut rejection: Rejection,
    ) -> Result<Arc<[Held]>, Rejection> {
        let mut below = defaults(schema);
        let inputs = self.inputs.iter().map(|input| match input {
            Input::Document(values) => Ok(values.clone()),
            Input::Files(files) => files.read(schema),
        });
        for read in inputs.chain([Ok(self.environment.clone())]) {
            for (at, held) in rejection.accept(read) {
                if let Some(place) = below.get_mut(at) {
                    *place = held;
                }
            }
        }
        // A file that was refused may set what seems to be missing.
        let below = rejection.or(below)?;
        let mut missing = Rejection::none();
        for (spec, held) in schema.keys().iter().zip(&below) {
            if spec.is_required() && held.source == Source::Default {
                let variable = self.prefix.as_deref().map(|prefix| variable(prefix, spec.path()));
                let violation = Violation::Missing { rule: spec.rule().to_string(), variable };
                let key = Some(spec.path().to_owned());
                missing.add(Problem { key, source: Source::Default, violation });
            }
        }
        missing.or(below.into())
    }

    /// The files and directories that are read.
    pub(super) fn files(&self) -> impl Iterator<Item = &Files> {
        self.inputs.iter().filter_map(|input| match input {
            Input::Files(files) => Some(files),
            Input::Document(_) => None,
        })
    }
}

impl Files {
    /// The values of each file, those of a later one behind those of an earlier one.
    fn read(&self, schema: &Schema) -> Result<Vec<(usize, Held)>, Rejection> {
        let shown = |name: &Path| name.to_string_lossy().into();
        let read = |path: &Path, name: &Path, optional| {
            let name = shown(name);
            let text = disk::text(path, optional).map_err(|found| file::whole(&name, found))?;
            file::read(schema, &text, &name)
        };
        if !self.is_directory {
            return read(&self.path, &self.name, self.optional);
        }
        let names = disk::toml_files(&self.path, self.optional)
            .map_err(|found| file::whole(&shown(&self.name), found))?;
        let mut rejection = Rejection::none();
        let mut values = Vec::new();
        for name in names {
            // A file that vanished since it was listed counts as gone.
            let read = read(&self.path.join(&name), &self.name.join(&name), true);
            values.extend(rejection.accept(read));
        }
        rejection.or(values)
    }
}

/// The default of every key.
pub(super) fn defaults(schema: &Schema) -> Vec<Held> {
    let held = |spec: &KeySpec| Held { value: spec.default_value(), source: Source::Default };
    schema.keys().iter().map(held).collect()
}
