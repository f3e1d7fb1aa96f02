//! Heap traffic and live bytes, counted exactly by an allocator that only this kind of benchmark
//! program has: counting would slow the timed ones.

use stats_alloc::{Region, StatsAlloc};
use std::alloc::System;

use super::worker::Worker;
use crate::result::{Allocations, Growth, Measurement};

/// The counting allocator: the system's, with every call counted for all threads together.
///
/// ```no_run
/// use perf_budget::harness::{COUNTING_ALLOCATOR, CountingAllocator};
///
/// #[global_allocator]
/// static ALLOCATOR: &CountingAllocator = &COUNTING_ALLOCATOR;
/// ```
pub type CountingAllocator = StatsAlloc<System>;

/// The one counting allocator of a program. Counts only in a program that installs it as
/// [`CountingAllocator`] shows; the measurements refuse to run in any other.
pub static COUNTING_ALLOCATOR: CountingAllocator = StatsAlloc::system();

/// Whether this program's allocations go through [`COUNTING_ALLOCATOR`].
pub(super) fn is_counting() -> bool {
    let region = Region::new(&COUNTING_ALLOCATOR);
    drop(std::hint::black_box(Box::new(0_u8)));
    region.change().allocations > 0
}

/// Counts the heap traffic of `operations` operations after as many for warming up.
pub(super) fn allocations(worker: &mut dyn Worker, operations: u64) -> Measurement {
    worker.run(0, operations);
    let region = Region::new(&COUNTING_ALLOCATOR);
    worker.run(operations, operations);
    let change = region.change();
    Measurement::Allocations(Allocations {
        operations,
        allocations: (change.allocations + change.reallocations) as u64,
        bytes: change.bytes_allocated as u64,
    })
}

/// Live bytes after `warm_up` operations and after `operations` more. `worker` has returned at both
/// points, so whatever it keeps is state, not work in progress.
pub(super) fn growth(worker: &mut dyn Worker, warm_up: u64, operations: u64) -> Measurement {
    worker.run(0, warm_up);
    let live_bytes_before = live_bytes();
    worker.run(warm_up, operations);
    let live_bytes_after = live_bytes();
    Measurement::Growth(Growth { warm_up, operations, live_bytes_before, live_bytes_after })
}

/// Bytes that are allocated now.
fn live_bytes() -> i64 {
    let stats = COUNTING_ALLOCATOR.stats();
    // The counters run from the program's start, so a wrapped difference is the true one.
    stats.bytes_allocated.wrapping_sub(stats.bytes_deallocated).cast_signed() as i64
}
