//! Files that are read again when they change.
//!
//! Owns when to read: the directories of the files are watched, because an editor replaces a file by
//! renaming another one over it, and a file that does not exist yet cannot be watched itself. Links
//! on the way to a file are followed and watched too, which is how Kubernetes swaps a mounted volume:
//! see `places`. What a change means is [`Config::reload`]'s.
//!
//! A burst of changes is one reload: reading waits until nothing happened for a while, with a limit
//! on the whole delay. A file that is written in place more slowly than that is read half written, so
//! a program that writes one renames it into its place.
//!
//! The thread that waits is woken by changes only. `notify-debouncer-full` was not taken for this: it
//! looks for changes several times a second for as long as it lives, and its quiet time is that of
//! one path, which makes several reloads of one deployment.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode};
use notify::{Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};
use thiserror::Error;

use super::{Change, Config, Rejection, UpdateError};
use crate::log::{Log, Retention, Start, Subscription};
use crate::sync::{Mutex, lock};
use places::{Found, Places};

mod places;

/// Reads a configuration's files again when they change, until it is dropped. Made by
/// [`Config::watch`].
///
/// What came of each reload is told to [`outcomes`](Self::outcomes). The thread ends soon after the
/// guard is dropped, once a reload that has begun is through; the outcomes are closed then.
#[derive(Debug)]
pub struct Watcher {
    /// Ends the watch when dropped: the thread only borrows it for a moment.
    _system: Arc<Mutex<RecommendedWatcher>>,
    /// The reader's, so that its end closes it.
    outcomes: Weak<Log<Outcome>>,
}

/// The operating system's latest failure, from the listener to the reader: telling of it wakes
/// subscribers, whose code does not run on the operating system's thread.
type Failure = Arc<Mutex<Option<notify::Error>>>;

/// How a watch waits and what it keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WatchLimits {
    /// Files are read when nothing has happened to them for so long. 100 ms.
    pub quiet: Duration,
    /// Files are read this long after the first change, however many follow. 2 s.
    pub longest_delay: Duration,
    /// How many outcomes are kept for a subscriber that has not read them. 256.
    pub outcomes_kept: usize,
}

/// What came of a change to the files.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// Values changed.
    Reloaded(Change),
    /// The files were read; every value is as before.
    Unchanged,
    /// Something is wrong with the files. The last good values are still in force.
    Rejected(Arc<Rejection>),
    /// The operating system cannot say what changes. The watch goes on with what it can see.
    WatchFailed(Arc<str>),
}

/// Why a watch did not begin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WatchError {
    /// The operating system watches no files for this process.
    #[error("files cannot be watched: {0}")]
    System(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no thread for it.
    #[error("the thread that reads files again cannot be started: {0}")]
    Thread(#[from] std::io::Error),
}

/// What the thread needs.
struct Reader {
    config: Config,
    limits: WatchLimits,
    /// The guard's. Its lock is held only while the operating system is asked for watches.
    system: Weak<Mutex<RecommendedWatcher>>,
    places: Arc<Places>,
    failure: Failure,
    outcomes: Arc<Log<Outcome>>,
}

impl Default for WatchLimits {
    fn default() -> Self {
        Self {
            quiet: Duration::from_millis(100),
            longest_delay: Duration::from_secs(2),
            outcomes_kept: 256,
        }
    }
}

impl Config {
    /// Reads the files again whenever they change, on a thread of its own, until the guard is
    /// dropped. They are read once at the beginning, for what changed before it: that is the first
    /// outcome. Until the guard is dropped, the watch holds a clone of this configuration.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    /// use foundation::config::{Config, KeySpec, Outcome, Schema};
    ///
    /// const KEYS: &[KeySpec] = &[KeySpec::integer("fetch.retries", 3, 0..=10)];
    /// let directory = tempfile::tempdir()?;
    /// let file = directory.path().join("app.toml");
    /// let config = Config::builder(Schema::new(&[KEYS])?).optional_file(&file).build()?;
    /// let watcher = config.watch()?;
    /// let mut outcomes = watcher.outcomes();
    ///
    /// std::fs::write(&file, "fetch.retries = 5")?;
    /// let deadline = Instant::now() + Duration::from_secs(30);
    /// while config.get::<u32>("fetch.retries")? != 5 {
    ///     let outcome: Option<Outcome> = outcomes.next_blocking(deadline)?;
    ///     println!("{:?}", outcome.ok_or("nothing happened")?);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn watch(&self) -> Result<Watcher, WatchError> {
        self.watch_with(WatchLimits::default())
    }

    /// The same with other limits. Fails if the operating system watches no files for this process
    /// or the thread cannot be started; the state of single files is an outcome.
    pub fn watch_with(&self, limits: WatchLimits) -> Result<Watcher, WatchError> {
        let retention = Retention { max_entries: limits.outcomes_kept, ..Retention::default() };
        let outcomes = Arc::new(Log::new(retention));
        let (places, failure) = (Arc::new(Places::default()), Failure::default());
        // One signal that waits stands for all that come after it.
        let (signals, changes) = sync_channel(1);
        let _ = signals.try_send(());
        let listener = listener(signals, Arc::clone(&places), Arc::clone(&failure));
        let system = notify::recommended_watcher(listener);
        let system = system.map_err(|error| WatchError::System(error.into()))?;
        let system = Arc::new(Mutex::new(system));
        let (config, told) = (self.clone(), Arc::downgrade(&outcomes));
        let asked = Arc::downgrade(&system);
        let reader = Reader { config, limits, system: asked, places, failure, outcomes };
        let name = "config-watch".to_owned();
        thread::Builder::new().name(name).spawn(move || reader.run(&changes))?;
        Ok(Watcher { _system: system, outcomes: told })
    }
}

impl Watcher {
    /// What came of every reload so far, of those that are kept, and of every one to come.
    pub fn outcomes(&self) -> Subscription<Outcome> {
        // Without a reader there is nothing to come.
        let outcomes = self.outcomes.upgrade();
        let closed = || Arc::new(Log::new(Retention::default()));
        outcomes.unwrap_or_else(closed).subscribe(Start::Oldest)
    }
}

/// Takes the operating system's events.
fn listener(
    signals: SyncSender<()>,
    places: Arc<Places>,
    failure: Failure,
) -> impl Fn(notify::Result<Event>) {
    move |event| match event {
        Ok(event) => {
            if is_change(event.kind) && (event.need_rescan() || places.concern(&event.paths)) {
                let _ = signals.try_send(());
            }
        }
        Err(error) => {
            let replaced = lock(&failure).replace(error);
            drop(replaced);
            let _ = signals.try_send(());
        }
    }
}

/// Whether something was written, created, renamed or removed. Reading is no change, or each reload
/// would be the cause of the next.
fn is_change(kind: EventKind) -> bool {
    match kind {
        EventKind::Access(access) => access == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn failed(error: &notify::Error) -> Outcome {
    Outcome::WatchFailed(error.to_string().into())
}

impl Reader {
    /// Ends when nobody signals any more: the guard is gone.
    fn run(&self, changes: &Receiver<()>) {
        while changes.recv().is_ok() && settle(changes, self.limits) {
            // A subscriber to changes can panic when it is woken, once the values are in force. The
            // watch goes on, though without that outcome.
            survive(|| self.read_again());
        }
    }

    fn read_again(&self) {
        let failure = lock(&self.failure).take();
        if let Some(error) = failure {
            self.tell(failed(&error));
        }
        // First watch, then read: what changes in between is a change of its own.
        let Some(()) = self.look_in_the_right_places() else { return };
        let outcome = match self.config.reload() {
            Ok(change) if change.keys.is_empty() => Outcome::Unchanged,
            Ok(change) => Outcome::Reloaded(change),
            Err(UpdateError::Rejected(rejection)) => Outcome::Rejected(Arc::new(rejection)),
            // This thread edits nothing.
            Err(UpdateError::Nested | UpdateError::Read(_) | UpdateError::Aborted(_)) => return,
        };
        self.tell(outcome);
    }

    /// Tells the subscribers, one of which can panic when it is woken: that stops nothing here.
    fn tell(&self, outcome: Outcome) {
        survive(|| {
            self.outcomes.append(outcome);
        });
    }

    /// Watches the directories in which something can change now; `None` if the guard is gone.
    ///
    /// What appears before its directory is watched would be missed, so this looks until it finds
    /// what it found before, or as often as a path may be deep. A directory that was watched before
    /// is watched again, because it can be another one of the same name.
    fn look_in_the_right_places(&self) -> Option<()> {
        const MOST_ROUNDS: usize = 64;
        let system = self.system.upgrade()?;
        for _ in 0..MOST_ROUNDS {
            let found = Found::on_disk(self.config.origin.files());
            let before = self.places.replace(found.clone());
            for error in watch_instead(&mut lock(&system), &before, &found) {
                self.tell(failed(&error));
            }
            if found == before {
                break;
            }
        }
        Some(())
    }
}

/// Runs what can panic in code of a user. The panic is not dropped: its destructor is such code too.
fn survive(work: impl FnOnce()) {
    std::mem::forget(catch_unwind(AssertUnwindSafe(work)));
}

/// Watches the directories of `found` and no others of `before`; returns what failed.
fn watch_instead(
    system: &mut RecommendedWatcher,
    before: &Found,
    found: &Found,
) -> Vec<notify::Error> {
    for gone in before.watched.difference(&found.watched) {
        // It may have been removed, and its watch with it.
        let _ = system.unwatch(gone);
    }
    let mut watch = |at: &PathBuf| system.watch(at, RecursiveMode::NonRecursive).err();
    // One that was removed since is no failure: the next round finds out.
    found.watched.iter().filter_map(|at| watch(at).filter(|_| at.exists())).collect()
}

/// Waits until nothing happened for a while, or for long enough in all; `false` if nothing ever will.
fn settle(changes: &Receiver<()>, limits: WatchLimits) -> bool {
    let latest = Instant::now().checked_add(limits.longest_delay);
    loop {
        let left = latest.map_or(limits.quiet, |at| at.saturating_duration_since(Instant::now()));
        match changes.recv_timeout(left.min(limits.quiet)) {
            Ok(()) if !left.is_zero() => {}
            Ok(()) | Err(RecvTimeoutError::Timeout) => return true,
            Err(RecvTimeoutError::Disconnected) => return false,
        }
    }
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use super::*;
    use crate::config::Schema;

    /// A burst of a thousand signals; whoever sends them is there until `signals` is dropped.
    #[expect(clippy::unwrap_used, reason = "for tests")]
    fn burst() -> (SyncSender<()>, Receiver<()>) {
        let (signals, changes) = sync_channel(1000);
        for _ in 0..1000 {
            signals.send(()).unwrap();
        }
        (signals, changes)
    }

    #[test]
    fn a_burst_is_one_reload() {
        let (_signals, changes) = burst();
        let longest_delay = Duration::from_secs(3600);
        assert!(settle(&changes, WatchLimits { longest_delay, ..WatchLimits::default() }));
        assert!(changes.try_recv().is_err());
    }

    #[test]
    fn a_burst_without_end_is_read_after_the_longest_delay() {
        let (_signals, changes) = burst();
        let (quiet, longest_delay) = (Duration::from_secs(3600), Duration::ZERO);
        assert!(settle(&changes, WatchLimits { quiet, longest_delay, ..WatchLimits::default() }));
        assert!(changes.try_recv().is_ok());
    }

    #[test]
    fn the_end_of_the_guard_is_noticed_while_changes_settle() {
        let (signals, changes) = burst();
        drop(signals);
        assert!(!settle(&changes, WatchLimits::default()));
    }

    #[test]
    fn a_failing_watch_is_told_by_the_reader_although_a_waker_panics() {
        struct Panics;

        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("in a waker");
            }
        }

        let (signals, changes) = sync_channel(1);
        let failure = Failure::default();
        let listener = listener(signals, Arc::default(), Arc::clone(&failure));
        let outcomes = Arc::new(Log::new(Retention::default()));
        let [mut bad, mut told] = [(); 2].map(|()| outcomes.subscribe(Start::Oldest));
        let waker = std::task::Waker::from(Arc::new(Panics));
        assert!(bad.poll_next(&mut std::task::Context::from_waker(&waker)).is_pending());
        // As on the operating system's thread: it must not run the waker.
        listener(Err(notify::Error::generic("too many")));
        assert_eq!(told.try_next(), Ok(None));
        let system = Arc::new(Mutex::new(notify::recommended_watcher(|_| ()).unwrap()));
        let reader = Reader {
            config: Config::new(Schema::new(&[]).unwrap()),
            limits: WatchLimits { quiet: Duration::ZERO, ..WatchLimits::default() },
            system: Arc::downgrade(&system),
            places: Arc::default(),
            failure,
            outcomes,
        };
        drop(listener);
        assert_eq!(changes.try_recv(), Ok(()));
        reader.read_again();
        assert_eq!(told.try_next(), Ok(Some(Outcome::WatchFailed("too many".into()))));
        assert_eq!(told.try_next(), Ok(Some(Outcome::Unchanged)));
    }

    #[test]
    fn only_changes_of_the_files_wake_the_reader() {
        let (signals, changes) = sync_channel(1);
        let places = Arc::new(Places::default());
        let listener = listener(signals, Arc::clone(&places), Failure::default());
        let event = |kind| Event::new(kind).add_path("/etc/app.toml".into());
        listener(Ok(event(EventKind::Any)));
        assert!(changes.try_recv().is_err(), "of another file");
        listener(Ok(event(EventKind::Any).set_flag(notify::event::Flag::Rescan)));
        assert_eq!(changes.try_recv(), Ok(()), "events were lost");
        places.replace(Found::with_name("/etc/app.toml"));
        listener(Ok(event(EventKind::Access(AccessKind::Open(AccessMode::Read)))));
        assert!(changes.try_recv().is_err(), "only read");
        listener(Ok(event(EventKind::Access(AccessKind::Close(AccessMode::Write)))));
        assert_eq!(changes.try_recv(), Ok(()), "written");
    }
}
