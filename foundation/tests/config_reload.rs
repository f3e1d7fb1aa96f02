//! Configuration files on a real disk that change while they are watched.
//!
//! Every wait is for an outcome, with a deadline that only a broken watch reaches.
#![cfg(feature = "watch")]
#![expect(clippy::unwrap_used, reason = "for tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::task::{Context, Wake, Waker};
use std::time::{Duration, Instant};

use foundation::config::{Builder, Config, KeySpec, Outcome, Schema, Source, WatchLimits, Watcher};
use foundation::log::{NextError, Subscription};
use tempfile::TempDir;

const KEYS: &[KeySpec] = &[
    KeySpec::integer("app.limit", 1, 0..=1000),
    KeySpec::integer("app.other", 1, 0..=1000),
    KeySpec::secret("app.token"),
];

/// A watched configuration and the directory in which its files lie.
struct Watched {
    config: Config,
    outcomes: Subscription<Outcome>,
    /// Dropped first to last.
    watcher: Watcher,
    directory: TempDir,
}

fn deadline() -> Instant {
    Instant::now() + Duration::from_secs(30)
}

impl Watched {
    /// Prepares a directory, watches what `build` names in it, and waits for the first reading.
    fn new(prepare: impl FnOnce(&Path), build: impl FnOnce(Builder, &Path) -> Builder) -> Self {
        let directory = TempDir::new().unwrap();
        prepare(directory.path());
        let builder = Config::builder(Schema::new(&[KEYS]).unwrap());
        let config = build(builder, directory.path()).build().unwrap();
        let watcher = config.watch().unwrap();
        let mut outcomes = watcher.outcomes();
        let first = outcomes.next_blocking(deadline()).unwrap();
        assert_eq!(first, Some(Outcome::Unchanged), "nothing changed since the start");
        Self { config, outcomes, watcher, directory }
    }

    /// One required file, `app.toml`, that sets `app.limit` to 5.
    fn one_file() -> Self {
        Self::new(
            |root| fs::write(root.join("app.toml"), "app.limit = 5").unwrap(),
            |builder, root| builder.file(root.join("app.toml")),
        )
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// As editors do it.
    fn replace(&self, name: &str, text: &str) {
        self.write("app.toml~", text);
        fs::rename(self.path("app.toml~"), self.path(name)).unwrap();
    }

    /// Waits until an outcome `is_it`. One change may be read in more than one step.
    fn wait(&mut self, what: &str, is_it: impl Fn(&Outcome) -> bool) -> Outcome {
        loop {
            let outcome = self.outcomes.next_blocking(deadline()).unwrap();
            let outcome = outcome.unwrap_or_else(|| panic!("no outcome: {what}"));
            if is_it(&outcome) {
                return outcome;
            }
        }
    }

    fn wait_for_rejection(&mut self, what: &str) -> String {
        let outcome = self.wait(what, |outcome| matches!(outcome, Outcome::Rejected(_)));
        match outcome {
            Outcome::Rejected(ref rejection) => {
                let printed = format!("{outcome:?} {:?} {:?}", self.watcher, self.config);
                assert!(!printed.contains("canary"), "{printed}");
                rejection.to_string()
            }
            other => panic!("{other:?}"),
        }
    }

    /// Waits until `app.limit` is `limit`.
    fn wait_for(&mut self, limit: i64) {
        let config = self.config.clone();
        self.wait(&format!("app.limit becomes {limit}"), |outcome| {
            matches!(outcome, Outcome::Reloaded(_)) && config.get("app.limit") == Ok(limit)
        });
    }

    fn limit(&self) -> i64 {
        self.config.get("app.limit").unwrap()
    }
}

#[test]
fn a_file_that_is_replaced_by_renaming_is_read_again() {
    let mut watched = Watched::one_file();
    for limit in [6, 7] {
        watched.replace("app.toml", &format!("app.limit = {limit}"));
        watched.wait_for(limit);
    }
    let snapshot = watched.config.snapshot();
    let source = snapshot.source("app.limit").unwrap();
    assert!(matches!(source, Source::File { line: 1, column: 13, .. }), "{source}");
}

#[test]
fn a_file_that_is_written_in_place_is_read_again() {
    let mut watched = Watched::one_file();
    watched.write("app.toml", "app.limit = 6");
    watched.wait_for(6);
}

#[test]
fn a_bad_file_is_reported_and_keeps_the_last_good_values_in_force() {
    let mut watched = Watched::one_file();
    watched.replace("app.toml", "app.limit = 5000\napp.token = 'canary'");
    let rejection = watched.wait_for_rejection("a bad value");
    let expected = "app.toml:1:13: `app.limit` must be an integer from 0 to 1000, but is 5000";
    assert!(rejection.ends_with(expected), "{rejection}");
    assert_eq!(watched.limit(), 5);
    watched.replace("app.toml", "app.token = canary");
    let rejection = watched.wait_for_rejection("a syntax error beside a secret");
    assert!(!rejection.contains("canary"), "{rejection}");
    watched.replace("app.toml", "app.limit = 6");
    watched.wait_for(6);
    assert_eq!(watched.config.snapshot().version(), 1);
}

#[test]
fn an_override_stays_above_a_file_that_is_read_again() {
    let mut watched = Watched::one_file();
    watched.config.update(|draft| Ok(draft.set("app.limit", 9)?)).unwrap();
    watched.replace("app.toml", "app.limit = 6\napp.other = 2");
    watched.wait("app.other changes", |outcome| match outcome {
        Outcome::Reloaded(change) => *change.keys == ["app.other"],
        _ => false,
    });
    assert_eq!(watched.limit(), 9);
}

#[test]
fn an_optional_file_in_a_directory_that_does_not_exist_yet_is_read_when_it_appears() {
    let file = |root: &Path| root.join("etc/app/local.toml");
    let mut watched = Watched::new(|_| (), |builder, root| builder.optional_file(file(root)));
    for limit in [6, 7] {
        fs::create_dir_all(watched.path("etc/app")).unwrap();
        fs::write(file(watched.directory.path()), format!("app.limit = {limit}")).unwrap();
        watched.wait_for(limit);
        fs::remove_dir_all(watched.path("etc")).unwrap();
        watched.wait_for(1);
    }
}

#[test]
fn a_required_file_that_is_deleted_is_a_problem() {
    let mut watched = Watched::one_file();
    fs::remove_file(watched.path("app.toml")).unwrap();
    let rejection = watched.wait_for_rejection("the file is gone");
    assert!(rejection.contains("app.toml:1:1: cannot be read: "), "{rejection}");
    assert_eq!(watched.limit(), 5);
}

#[test]
fn a_directory_is_read_again_when_its_files_come_and_go() {
    let mut watched = Watched::new(
        |root| fs::create_dir(root.join("conf.d")).unwrap(),
        |builder, root| builder.directory(root.join("conf.d")),
    );
    watched.replace("conf.d/50.toml", "app.limit = 50");
    watched.wait_for(50);
    watched.replace("conf.d/60.toml", "app.limit = 60");
    watched.wait_for(60);
    fs::remove_file(watched.path("conf.d/60.toml")).unwrap();
    watched.wait_for(50);
}

#[cfg(unix)]
#[test]
fn a_link_that_is_swapped_is_a_change() {
    use std::os::unix::fs::symlink;

    // As Kubernetes mounts a ConfigMap: app.toml -> ..data/app.toml, ..data -> ..1.
    let prepare = |root: &Path| {
        for limit in 1..=3 {
            fs::create_dir(root.join(format!("..{limit}"))).unwrap();
            let text = format!("app.limit = {limit}");
            fs::write(root.join(format!("..{limit}/app.toml")), text).unwrap();
        }
        symlink("..1", root.join("..data")).unwrap();
        symlink("..data/app.toml", root.join("app.toml")).unwrap();
    };
    let mut watched = Watched::new(prepare, |builder, root| builder.file(root.join("app.toml")));
    for limit in 2..=3 {
        symlink(format!("..{limit}"), watched.path("..tmp")).unwrap();
        fs::rename(watched.path("..tmp"), watched.path("..data")).unwrap();
        watched.wait_for(limit);
    }
    // What the link leads to now is watched too.
    watched.write("..3/app.toml", "app.limit = 4");
    watched.wait_for(4);
}

#[test]
fn the_end_of_the_guard_ends_the_watch() {
    let Watched { config, mut outcomes, watcher, directory } = Watched::one_file();
    drop(watcher);
    fs::write(directory.path().join("app.toml"), "app.limit = 6").unwrap();
    // A reload that had begun may still tell its outcome.
    let end = loop {
        match outcomes.next_blocking(deadline()) {
            Ok(Some(_)) => {}
            other => break other,
        }
    };
    assert_eq!(end, Err(NextError::Closed));
    let mut changes = config.changes();
    drop(config);
    assert_eq!(changes.try_next(), Err(NextError::Closed), "the thread has let go of it");
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("in a waker");
    }
}

#[test]
fn a_panicking_waker_does_not_end_the_watch() {
    let mut watched = Watched::one_file();
    let mut changes = watched.config.changes();
    let mut bad = watched.config.changes();
    let waker = Waker::from(Arc::new(Panics));
    assert!(bad.poll_next(&mut Context::from_waker(&waker)).is_pending());
    watched.replace("app.toml", "app.limit = 6");
    // The change is told before the panic goes on, its outcome is not.
    assert_eq!(changes.next_blocking(deadline()).unwrap().unwrap().version, 1);
    watched.replace("app.toml", "app.limit = 7");
    watched.wait_for(7);
}

#[test]
fn outcomes_are_bounded() {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("app.toml");
    fs::write(&path, "").unwrap();
    let config = Config::builder(Schema::new(&[KEYS]).unwrap()).file(&path).build().unwrap();
    let limits = WatchLimits { quiet: Duration::ZERO, outcomes_kept: 2, ..WatchLimits::default() };
    let watcher = config.watch_with(limits).unwrap();
    let (mut late, mut live) = (watcher.outcomes(), watcher.outcomes());
    for limit in [10, 20, 30] {
        fs::write(&path, format!("app.limit = {limit}")).unwrap();
        while config.get::<i64>("app.limit") != Ok(limit) {
            match live.next_blocking(deadline()) {
                Ok(None) => panic!("no outcome for {limit}"),
                Ok(Some(_)) | Err(NextError::Lagged(_)) => {}
                Err(NextError::Closed) => panic!("the watch ended"),
            }
        }
    }
    assert!(matches!(late.try_next(), Err(NextError::Lagged(_))));
}
