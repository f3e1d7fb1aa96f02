//! A lookup that finds its agent allocates nothing.
//!
//! A test of its own because it needs the program's allocator. Other threads of the test may allocate
//! at any moment, so the number is the least of several attempts: what allocates once a lookup does so
//! in all of them.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::alloc::System as Heap;
use std::hint::black_box;

use mabeam::{Agent, Config, System};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<Heap> = &INSTRUMENTED_SYSTEM;

const ATTEMPTS: usize = 10;

/// The fewest allocations that `work` makes.
fn allocations(work: impl Fn()) -> usize {
    let counted = |_| {
        let region = Region::new(ALLOCATOR);
        work();
        let stats = region.change();
        stats.allocations + stats.reallocations
    };
    (0..ATTEMPTS).map(counted).min().unwrap()
}

struct Quiet;
impl Agent for Quiet {}

#[tokio::test]
async fn a_lookup_that_finds_allocates_nothing() {
    let system = System::new(Config::default()).unwrap();
    let _quiet = system.spawn(Quiet).named("space/quiet").await.unwrap();
    let lookups = || {
        for _ in 0..100 {
            black_box(system.lookup::<Quiet>("space/quiet").unwrap());
            black_box(system.lookup_any("space/quiet").unwrap());
            black_box(system.lookup_any("space/nobody").is_none());
        }
    };
    assert_eq!(allocations(lookups), 0);
    // The measure notices what it is for.
    assert_ne!(allocations(|| drop(black_box(Box::new(1)))), 0);
}
