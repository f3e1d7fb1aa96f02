//! Recording durations and counting.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use foundation::clock::{Clock, Timestamp};
use foundation::telemetry::{Limits, Status, Telemetry};

/// `telemetry_record`: a duration is recorded. The clock stands still and costs one load, so that
/// what is measured is what recording costs beside the clock.
pub fn record() -> impl FnMut(u64) + Clone + Send + 'static {
    let hand = Clock::manual(Timestamp::from_nanos(0));
    let telemetry = Telemetry::with_clock(Limits::default(), hand.clock());
    let operation = telemetry.operation("bench.record").expect("the first name");
    move |n| operation.record(Duration::from_nanos(n & 0xf_ffff), Status::Success)
}

/// `telemetry_track`: a closure is timed by the operating system's clock.
pub fn track() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let telemetry = Telemetry::new(Limits::default());
    let operation = telemetry.operation("bench.track").expect("the first name");
    move |n| operation.track(|| n)
}

/// `telemetry_counter`: a counter is raised by one.
pub fn count() -> impl FnMut(u64) + Clone + Send + 'static {
    let telemetry = Telemetry::new(Limits::default());
    let counter = telemetry.counter("bench.count").expect("the first name");
    move |_| counter.increment()
}

/// The peer of [`count`]: one atomic number that all threads add to.
pub fn atomic_add() -> impl FnMut(u64) + Clone + Send + 'static {
    let number = Arc::new(AtomicU64::new(0));
    move |_| {
        number.fetch_add(1, Ordering::Relaxed);
    }
}
