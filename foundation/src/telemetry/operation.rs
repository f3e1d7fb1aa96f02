//! An operation: what is done again and again, how long it takes and how it ends.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tracing::{Level, Span, field};

use super::cells::{Cell, seated};
use super::counts::Counts;
use super::durations;
use super::future::Tracked;
use super::summary::{Status, Summary};
use super::time::Time;
use super::timer::Timer;
use super::windows::Windows;
use crate::clock::nanos;
use crate::sync::{AtomicU64, Ordering};

/// 2^64 divided by the golden ratio, and the fractional part of the square root of two: no sum of
/// multiples of them comes around.
const CALL_STEP: u64 = 0x9e37_79b9_7f4a_7c15;
const THREAD_STEP: u64 = 0x6a09_e667_f3bc_c909;

/// A handle to an operation, from any thread. Clones and handles of the same name record into the
/// same operation.
///
/// A recording adds to memory of the thread's own and, with one atomic addition, to a histogram
/// that it shares with few other threads or none. It takes no lock, but for the first end in a slice
/// of the [windows](super::Limits::windows), a tenth of one: that end copies the counts, 5 µs and
/// 2 µs for each stripe or twice that, and those that come meanwhile wait for it. It allocates when
/// a thread counts for the first time, and when it first reaches a further range of the process's
/// cells (at most ten times); when a stripe is recorded into for the first time (once a core); and in
/// the first round of the windows (once a slice); never after that.
#[derive(Clone)]
pub struct Operation(Arc<Shared>);

/// What the handles of an operation share.
struct Shared {
    name: Arc<str>,
    time: Time,
    created: u64,
    counts: Counts,
    windows: Windows,
    /// One in this many is timed. Set by anyone, read at each start; relaxed, it orders nothing.
    sampled: AtomicU64,
    /// How many starts there were while sampled. A thread's own share numbers its calls.
    draws: Cell,
}

impl Operation {
    pub(super) fn new(name: &Arc<str>, time: &Time, windows: [Duration; 2]) -> Option<Self> {
        let created = time.now();
        Some(Self(Arc::new(Shared {
            name: Arc::clone(name),
            created,
            time: time.clone(),
            counts: Counts::new()?,
            windows: Windows::new(windows.map(nanos), created),
            sampled: AtomicU64::new(1),
            draws: Cell::new()?,
        })))
    }

    /// The name under which the operation was resolved.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(super) fn shared_name(&self) -> Arc<str> {
        Arc::clone(&self.0.name)
    }

    /// From now on, times only one in `every` of what is started or tracked, through any handle; all
    /// ends are still counted. What is [recorded](Self::record) with its duration is not sampled.
    ///
    /// For operations so short that two readings of the clock, some 50 ns, are dear. A call that is
    /// not timed still reads it once, at its end, to be counted in the right slice of the windows; it
    /// saves the other reading, the sum and the histogram, some 30 of 80 ns. Where the rest is too dear
    /// as well, take a [`Counter`](super::Counter).
    ///
    /// Which calls are timed is fixed by their number on their thread (a Weyl sequence by the golden
    /// ratio), so of each thread's calls, and of every regular subset of them such as each second or
    /// each tenth call, the same part is timed: quantiles are not biased by a pattern in the calls.
    /// They are as noisy as those of so few calls, and a rare slow call is seen with probability 1 in
    /// `every`. The maximum is that of the timed calls.
    ///
    /// [`Reading::sample_every`](super::Reading::sample_every) tells the present setting only: after
    /// a change, what was timed before it and after it stand in the same totals.
    pub fn set_sampling(&self, every: NonZeroU32) {
        self.0.sampled.store(every.get().into(), Ordering::Relaxed);
    }

    /// One in so many calls is timed: what [`set_sampling`](Self::set_sampling) was last told, or 1.
    pub fn sample_every(&self) -> u64 {
        self.0.sampled.load(Ordering::Relaxed)
    }

    /// Records that the operation ended and took `duration`.
    ///
    /// Reads the clock once, to know the slice of the windows. A duration beyond
    /// [`Distribution::LONGEST`](super::Distribution::LONGEST) is clamped and counted as such; it adds
    /// no more than [`Summary::LONGEST_BUSY`] to the sum.
    #[inline]
    pub fn record(&self, duration: Duration, status: Status) {
        self.enter(self.0.time.now(), Some(nanos(duration)), status);
    }

    /// Begins to time the operation, which ends by [`Timer::finish`] or when the timer is dropped.
    #[inline]
    pub fn start(&self) -> Timer<&Self> {
        Timer::new(self, None)
    }

    /// Like [`start`](Self::start), with a timer that keeps this handle: for a struct, or a task that
    /// outlives the caller.
    #[inline]
    pub fn start_owned(self) -> Timer<Self> {
        Timer::new(self, None)
    }

    /// Does `work`, in a span, and records how long it took. Ends as [`Status::Success`], or as
    /// [`Status::Panicked`] if it panics.
    ///
    /// The span is called `operation`, has the target `foundation::telemetry`, the level `DEBUG` and
    /// the fields `operation`, the name, and `status`, recorded at the end. While no subscriber asks
    /// for it, it costs the look at a static; else it is allocated.
    pub fn track<T>(&self, work: impl FnOnce() -> T) -> T {
        self.track_as(|_| Status::Success, work)
    }

    /// Like [`track`](Self::track); ends as [`Status::Error`] if `work` gives an error.
    pub fn track_result<T, E>(&self, work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.track_as(Status::of_result, work)
    }

    /// Like [`track`](Self::track) for a future. The operation begins with this call, not with the
    /// first poll. A future that is dropped before it is done ends as [`Status::Cancelled`].
    ///
    /// The result borrows the operation. To spawn it, move a handle into the task:
    ///
    /// ```
    /// use foundation::telemetry::Telemetry;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let operation = Telemetry::default().operation("agent.call")?;
    /// let handle = operation.clone();
    /// let task = async move { handle.track_future(async { 7 }).await };
    /// assert_eq!(tokio::spawn(task).await?, 7);
    /// assert_eq!(operation.summary().statuses.success, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn track_future<F: Future>(&self, future: F) -> Tracked<'_, F> {
        Tracked::new(Timer::new(self, self.span()), |_| Status::Success, future)
    }

    /// Like [`track_future`](Self::track_future); ends as [`Status::Error`] if the future gives an
    /// error.
    pub fn track_result_future<F, T, E>(&self, future: F) -> Tracked<'_, F>
    where
        F: Future<Output = Result<T, E>>,
    {
        Tracked::new(Timer::new(self, self.span()), Status::of_result, future)
    }

    /// Everything since the operation was resolved for the first time.
    ///
    /// Copies the histogram, 37 KB a stripe, and takes the lock of all counters for a moment.
    pub fn summary(&self) -> Summary {
        let covers = Duration::from_nanos(self.0.time.now().saturating_sub(self.0.created));
        self.0.counts.summary(covers, &mut durations::empty(), None)
    }

    /// What was recorded in about the last `span`.
    ///
    /// Uses the shorter of the [two windows](super::Limits::windows) that is long enough, or the
    /// longer one. The beginning is rounded down to a slice, a tenth of that window:
    /// [`Summary::covers`] tells the time that is really covered, which is less than `span` for an
    /// operation that is younger and for a `span` beyond the longer window.
    ///
    /// Two numbers of a window may differ by one end for each thread that was in the middle of
    /// recording when the window's first slice began, or is now.
    ///
    /// Costs as much as [`summary`](Self::summary), and as a turn if a slice begins with it, under the
    /// lock of this operation's windows, for which only ends wait that begin a slice meanwhile.
    pub fn window(&self, span: Duration) -> Summary {
        let Shared { windows, counts, time, .. } = &*self.0;
        windows.summary(nanos(span), time.now(), counts)
    }

    /// The moment at which a call starts, if it is to be timed.
    #[inline]
    pub(super) fn begin(&self) -> Option<u64> {
        let every = self.sample_every();
        let timed = every == 1 || self.draw(every);
        timed.then(|| self.0.time.now())
    }

    fn track_as<T>(&self, judge: fn(&T) -> Status, work: impl FnOnce() -> T) -> T {
        let mut timer = Timer::new(self, self.span());
        let result = timer.in_span(work);
        // In place: to move the timer would cost more than to end it.
        timer.end(judge(&result));
        result
    }

    /// A span, if a subscriber asks for it.
    #[inline]
    fn span(&self) -> Option<Box<Span>> {
        let span = tracing::span!(
            target: "foundation::telemetry",
            Level::DEBUG,
            "operation",
            operation = self.name(),
            status = field::Empty,
        );
        (!span.is_disabled()).then(|| Box::new(span))
    }

    /// Whether this thread's next call is to be timed.
    fn draw(&self, every: u64) -> bool {
        seated(|seat| {
            let call = self.0.draws.add(seat, 1).wrapping_mul(CALL_STEP);
            let thread = seat.map_or(0, |seat| seat.number().wrapping_mul(THREAD_STEP));
            call.wrapping_add(thread) <= u64::MAX / every
        })
    }

    /// Counts an end that began at `started`, or was not timed.
    #[inline]
    pub(super) fn end(&self, started: Option<u64>, status: Status) {
        let now = self.0.time.now();
        self.enter(now, started.map(|started| now.saturating_sub(started)), status);
    }

    #[inline]
    fn enter(&self, now: u64, nanos: Option<u64>, status: Status) {
        self.0.windows.turn(now, &self.0.counts);
        seated(|seat| self.0.counts.record(seat, status, nanos));
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation").field("name", &self.0.name).finish_non_exhaustive()
    }
}
