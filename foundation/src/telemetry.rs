//! Durations, counts and statuses of operations, at the price of a few nanoseconds each.
//!
//! Owns named operations, counters and gauges, and what can be asked of them: how often, how long, how
//! it ended, since the beginning and over sliding windows. Promises that no end of an operation is
//! lost, whichever way it ended and whichever thread it was on; that counts and sums are exact and
//! quantiles within [`Distribution::RELATIVE_ERROR`]; and that recording takes no lock but for the
//! first end in a slice of a window, and after a thread's and a window's first round allocates
//! nothing. Leaves objectives, alarms and the network to others: with the feature `prometheus` there
//! is [`Telemetry::render`], and what serves its text is the caller's.
//!
//! # What it costs
//!
//! Names are resolved once, to handles. A [`Counter`] adds by a plain load and store to a word that
//! only this thread writes. An [`Operation`] does so twice, for the status and the sum, and adds 1 to
//! a bucket of a histogram that few threads share; a duration costs one or two readings of the clock
//! besides, which is the greater part. [`Operation::set_sampling`] is for where that is too dear. Once
//! a slice, a tenth of a window, one end of each operation copies its counts, see [`Operation`].
//! Reading costs the reader: the sum over all threads' words, and copies of histograms. [`Limits`]
//! tells the memory.
//!
//! # Example
//!
//! ```
//! use std::time::Duration;
//!
//! use foundation::telemetry::{Limits, Status, Telemetry};
//!
//! let telemetry = Telemetry::new(Limits::default());
//! let call = telemetry.operation("agent.call")?;
//!
//! // A closure, a guard, or a duration that was measured elsewhere.
//! let parsed = call.track_result(|| "12".parse::<u32>())?;
//! call.start().finish(Status::Success);
//! call.record(Duration::from_millis(3), Status::Error);
//! // Dropped without a word: cancelled.
//! drop(call.start());
//!
//! let summary = call.window(Duration::from_secs(10));
//! assert_eq!((parsed, summary.count(), summary.statuses.cancelled), (12, 4, 1));
//! assert!(summary.durations.quantile(0.99) >= Some(Duration::from_millis(3)));
//!
//! let hits = telemetry.counter("cache.hits")?;
//! hits.increment();
//! assert_eq!(hits.get(), 1);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::fmt;
use std::sync::{Arc, OnceLock};

use crate::clock::Clock;
use cells::{Cell, seated};
use names::Names;
use time::Time;

mod cells;
mod counter;
mod counts;
mod durations;
mod future;
mod limits;
mod names;
mod operation;
#[cfg(feature = "prometheus")]
mod prometheus;
mod summary;
mod time;
mod timer;
mod windows;

#[cfg(all(test, not(foundation_loom)))]
mod laws;

pub use counter::{Counter, Gauge};
pub use future::Tracked;
pub use limits::Limits;
pub use names::ResolveError;
pub use operation::Operation;
pub use summary::{Distribution, Status, Statuses, Summary};
pub use timer::Timer;

/// Named operations, counters and gauges. Clones share them.
#[derive(Clone)]
pub struct Telemetry(Arc<Shared>);

/// What the clones of a telemetry share.
struct Shared {
    limits: Limits,
    time: Time,
    operations: Names<Operation>,
    counters: Names<Counter>,
    gauges: Names<Gauge>,
    /// What was done untracked because its name was refused. `None` if the process had no cell left.
    untracked: Option<Cell>,
}

/// One operation, as of now.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reading {
    /// Its name.
    pub name: Arc<str>,
    /// One in so many calls is timed.
    pub sample_every: u64,
    /// Everything since it was resolved for the first time.
    pub total: Summary,
    /// The two [windows](Limits::windows).
    pub windows: [Summary; 2],
}

/// The telemetry of the process, with default limits: for libraries and programs that need only one.
///
/// ```
/// let parsed = foundation::telemetry::global().track_operation("parse", || "12".parse::<u32>());
/// assert_eq!(parsed, Ok(12));
/// ```
pub fn global() -> &'static Telemetry {
    static GLOBAL: OnceLock<Telemetry> = OnceLock::new();
    GLOBAL.get_or_init(Telemetry::default)
}

impl Telemetry {
    /// An empty telemetry that measures by the operating system's monotonic clock.
    pub fn new(limits: Limits) -> Self {
        Self::with_time(limits, Time::monotonic())
    }

    /// An empty telemetry that measures by `clock`, a test's as a rule: durations are as true as the
    /// clock is, and none is negative if it is set back.
    pub fn with_clock(limits: Limits, clock: Clock) -> Self {
        Self::with_time(limits, Time::given(clock))
    }

    fn with_time(limits: Limits, time: Time) -> Self {
        let limits = limits.clamped();
        let bytes = limits.max_name_bytes;
        Self(Arc::new(Shared {
            limits,
            time,
            operations: Names::new("operation", limits.max_operations, bytes),
            counters: Names::new("counter", limits.max_counters, bytes),
            gauges: Names::new("gauge", limits.max_gauges, bytes),
            untracked: Cell::new(),
        }))
    }

    /// The operation of this name, which begins now if there was none.
    ///
    /// Names are counted for good: take them from the program, not from its input. To resolve an old
    /// name takes no lock and some 20 ns; keep the handle all the same.
    pub fn operation(&self, name: &str) -> Result<Operation, ResolveError> {
        let Shared { operations, time, limits, .. } = &*self.0;
        operations.resolve(name, |name| Operation::new(name, time, limits.windows))
    }

    /// The counter of this name, which begins at zero if there was none.
    pub fn counter(&self, name: &str) -> Result<Counter, ResolveError> {
        self.0.counters.resolve(name, |_| Cell::new().map(|cell| Counter(Arc::new(cell))))
    }

    /// The gauge of this name, which stands at zero if there was none.
    pub fn gauge(&self, name: &str) -> Result<Gauge, ResolveError> {
        self.0.gauges.resolve(name, |_| Some(Gauge::new()))
    }

    /// Does `work` and records how long it took and how it ended as the operation `name`, see
    /// [`Operation::track_result`].
    ///
    /// The work is done in any case: if the name is refused it is done untracked, and counted by
    /// [`untracked`](Self::untracked). Resolves the name each time; a handle saves that.
    pub fn track_operation<T, E>(
        &self,
        name: &str,
        work: impl FnOnce() -> Result<T, E>,
    ) -> Result<T, E> {
        if let Ok(operation) = self.operation(name) {
            return operation.track_result(work);
        }
        seated(|seat| self.0.untracked.as_ref().map(|cell| cell.add(seat, 1)));
        work()
    }

    /// How often [`track_operation`](Self::track_operation) could not track.
    pub fn untracked(&self) -> u64 {
        self.0.untracked.as_ref().map_or(0, Cell::get)
    }

    /// All operations as of now, by name.
    ///
    /// Costs three summaries an operation: for dashboards, not for every request.
    pub fn snapshot(&self) -> Vec<Reading> {
        let all = self.0.operations.all();
        all.values().map(|operation| self.reading(operation)).collect()
    }

    /// All counters as of now, by name.
    pub fn counters(&self) -> Vec<(Arc<str>, u64)> {
        let all = self.0.counters.all();
        all.iter().map(|(name, counter)| (Arc::clone(name), counter.get())).collect()
    }

    /// All gauges as of now, by name.
    pub fn gauges(&self) -> Vec<(Arc<str>, f64)> {
        let all = self.0.gauges.all();
        all.iter().map(|(name, gauge)| (Arc::clone(name), gauge.get())).collect()
    }

    /// The limits given when the telemetry was made, within the hard bounds of [`Limits`].
    pub fn limits(&self) -> &Limits {
        &self.0.limits
    }

    fn reading(&self, operation: &Operation) -> Reading {
        Reading {
            name: operation.shared_name(),
            sample_every: operation.sample_every(),
            total: operation.summary(),
            windows: self.0.limits.windows.map(|span| operation.window(span)),
        }
    }
}

impl Default for Telemetry {
    fn default() -> Self {
        Self::new(Limits::default())
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("limits", &self.0.limits).finish_non_exhaustive()
    }
}
