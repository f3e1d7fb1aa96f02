//! Child processes as data: what runs is decided purely, can be shown, and only then is started.

mod deadline;

use std::env;
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

pub(crate) use self::deadline::{Ending, Run};
use crate::failure::Failure;

/// A program with its arguments, environment and directory.
#[derive(Clone, Debug)]
pub(crate) struct Invocation {
    program: OsString,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    directory: PathBuf,
}

impl Invocation {
    /// `program`, to be run in `directory`.
    pub(crate) fn new(program: impl Into<OsString>, directory: &Path) -> Self {
        Self {
            program: program.into(),
            arguments: Vec::new(),
            environment: Vec::new(),
            directory: directory.to_path_buf(),
        }
    }

    /// Adds one argument.
    pub(crate) fn arg(mut self, argument: impl Into<OsString>) -> Self {
        self.arguments.push(argument.into());
        self
    }

    /// Adds arguments.
    pub(crate) fn args<A: Into<OsString>>(
        mut self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Self {
        self.arguments.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, key: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.environment.push((key.into(), value.into()));
        self
    }

    /// Adds `flag` to the words that an environment variable holds already.
    pub(crate) fn env_flag(self, key: &str, flag: &str) -> Self {
        let value = match env::var(key) {
            Ok(present) if !present.is_empty() => format!("{present} {flag}"),
            _ => flag.to_owned(),
        };
        self.env(key, value)
    }

    /// Runs it with this program's own output; fails only if it can't be started.
    pub(crate) fn status(&self) -> Result<ExitStatus, Failure> {
        self.command().status().map_err(|error| self.not_started(&error))
    }

    /// Runs it with this program's own output and fails unless it succeeds.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let status = self.status()?;
        if status.success() { Ok(()) } else { Err(self.ended(status)) }
    }

    /// Runs it, for `deadline` at most, and returns what it printed on both streams.
    pub(crate) fn run_within(&self, deadline: Duration) -> Result<Run, Failure> {
        deadline::run(&mut self.command(), deadline).map_err(|error| self.not_started(&error))
    }

    /// Runs it and returns its standard output; its messages are shown as they come.
    pub(crate) fn stdout(&self) -> Result<Vec<u8>, Failure> {
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .map_err(|error| self.not_started(&error))?;
        if output.status.success() { Ok(output.stdout) } else { Err(self.ended(output.status)) }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.current_dir(&self.directory).args(&self.arguments).stdin(Stdio::null());
        for (key, _) in env::vars_os().filter(|(key, _)| describes_this_package(key)) {
            command.env_remove(key);
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
        command
    }

    fn not_started(&self, error: &std::io::Error) -> Failure {
        Failure::new(format!("`{self}` did not start: {error}"))
    }

    fn ended(&self, status: ExitStatus) -> Failure {
        Failure::new(format!("`{self}` ended with {status}"))
    }
}

/// Whether `cargo run` set this variable for xtask: a child would take it for its own package.
fn describes_this_package(key: &OsStr) -> bool {
    key.to_str().is_some_and(|key| {
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|prefix| key.starts_with(prefix))
    })
}

impl fmt::Display for Invocation {
    /// As it would be typed in a shell, the program without its directory.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (key, value) in &self.environment {
            write!(f, "{}={} ", key.display(), shell_word(value))?;
        }
        let name = Path::new(&self.program).file_name().unwrap_or(&self.program);
        f.write_str(&shell_word(name))?;
        self.arguments.iter().try_for_each(|argument| write!(f, " {}", shell_word(argument)))
    }
}

fn shell_word(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invocation_is_shown_as_it_would_be_typed() {
        let invocation = Invocation::new("/opt/bin/cargo", Path::new("/"))
            .args(["test", "--lib"])
            .arg("it's")
            .env("RUSTFLAGS", "--cfg foundation_loom");
        let shown = invocation.to_string();
        assert_eq!(shown, r"RUSTFLAGS='--cfg foundation_loom' cargo test --lib 'it'\''s'");
    }

    #[test]
    fn a_failing_child_is_named_with_its_status() {
        let failure = Invocation::new("false", Path::new("/")).check().expect_err("it fails");
        assert!(failure.to_string().starts_with("`false` ended with"), "{failure}");
        let failure = Invocation::new("/no/such/program", Path::new("/")).check();
        let failure = failure.expect_err("it does not exist");
        assert!(failure.to_string().starts_with("`program` did not start"), "{failure}");
    }
}
