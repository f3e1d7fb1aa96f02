//! A benchmark of two maps, as a suite for the gate: run it to see a line for each measurement.
//!
//! ```console
//! $ cargo run --release -p perf-budget --features harness --example maps
//! ```

use std::collections::{BTreeMap, HashMap};
use std::process::ExitCode;

use perf_budget::harness::{COUNTING_ALLOCATOR, CountingAllocator, Suite, load_of};

/// Only for the memory measurements; a program that is timed in earnest does without.
#[global_allocator]
static ALLOCATOR: &CountingAllocator = &COUNTING_ALLOCATOR;

fn main() -> ExitCode {
    Suite::new()
        .paired("hash_get", "tree_get", 1, hash_get, tree_get)
        .timed("hash_get", 2, hash_get)
        .load("hash_get", load_of("1_000_000 /s", "100 ms").in_batches_of(64), || {
            let mut get = hash_get();
            move |n| get(n).is_some()
        })
        .allocations("hash_get", 1_000, hash_get)
        .allocations("boxing", 1_000, || Box::new)
        .growth("hash_get", 1_000, 10_000, hash_get)
        .growth("hoarding", 16, 64, || {
            let mut hoard = Vec::with_capacity(128);
            move |n| hoard.push(Box::new(n))
        })
        .run()
}

fn hash_get() -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let map: HashMap<u64, u64> = (0..1_000).map(|n| (n, n * n)).collect();
    move |n| map.get(&(n % 1_000)).copied()
}

fn tree_get() -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let map: BTreeMap<u64, u64> = (0..1_000).map(|n| (n, n * n)).collect();
    move |n| map.get(&(n % 1_000)).copied()
}
