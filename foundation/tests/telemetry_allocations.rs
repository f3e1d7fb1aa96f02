//! Recording allocates nothing once a thread and the windows went round once, and threads that come
//! and go leave no memory behind.
//!
//! A test of its own because it needs the program's allocator. The harness may allocate on another
//! thread at any moment, so a number of allocations is the least of several attempts.
#![cfg(feature = "telemetry")]

use std::alloc::System;
use std::num::NonZeroU32;
use std::thread;
use std::time::Duration;

use foundation::clock::{Clock, Timestamp};
use foundation::telemetry::{Limits, Status, Telemetry};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ATTEMPTS: usize = 10;

#[test]
fn recording_allocates_nothing_not_even_when_slices_begin() {
    let hand = Clock::manual(Timestamp::from_nanos(0));
    let telemetry = Telemetry::with_clock(Limits::default(), hand.clock());
    let operation = telemetry.operation("op").unwrap();
    let sampled = telemetry.operation("sampled").unwrap();
    sampled.set_sampling(NonZeroU32::new(3).unwrap());
    let (counter, gauge) = (telemetry.counter("n").unwrap(), telemetry.gauge("g").unwrap());
    let mut future = std::pin::pin!(async {
        loop {
            operation.track_future(std::future::ready(())).await;
            tokio::task::yield_now().await;
        }
    });
    let mut record = || {
        // 200 seconds: both windows go round at least three times.
        for nanos in 0..2_000 {
            hand.advance(Duration::from_millis(100));
            operation.record(Duration::from_nanos(nanos << 30), Status::Error);
            operation.track(|| telemetry.operation("op").is_ok());
            drop(sampled.start());
            counter.increment();
            gauge.set(1.0);
            gauge.add(1.0);
            drop(operation.clone().start_owned());
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(future.as_mut().poll(&mut context).is_pending());
        }
    };
    record();
    let mut least = usize::MAX;
    for _ in 0..ATTEMPTS {
        let region = Region::new(ALLOCATOR);
        record();
        let stats = region.change();
        least = least.min(stats.allocations + stats.reallocations);
    }
    assert_eq!(least, 0);

    // In the same test, because the other thread of a second one would allocate meanwhile.
    let churn = || {
        for _ in 0..1_000 {
            let (counter, operation) = (counter.clone(), operation.clone());
            let work = move || operation.track(|| counter.increment());
            thread::spawn(work).join().unwrap();
        }
    };
    churn();
    let region = Region::new(ALLOCATOR);
    churn();
    let stats = region.change();
    let grown = stats.bytes_allocated.cast_signed() - stats.bytes_deallocated.cast_signed();
    // What 1,000 threads would leave if they left their words: 512 KB.
    assert!(grown <= 16_384, "{grown} bytes stayed after 1,000 threads came and went");
}
