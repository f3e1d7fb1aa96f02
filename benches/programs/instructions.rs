//! Instructions of single operations, counted by callgrind. The registry's hash seed is pinned here,
//! and the runner clears the environment, so the counts are the same in every run of one build.

#![expect(missing_docs, reason = "the items are made by macros")]

use std::hint::black_box;

// The maintained releases of iai-callgrind are called gungraun, and its macros spell that name.
extern crate iai_callgrind as gungraun;

use benches::registry::Filled;
use benches::{config, events};
use foldhash::fast::FixedState;
use foundation::registry::Name;
use gungraun::{library_benchmark, library_benchmark_group, main};

/// A registry that has answered a thousand lookups, and a name in it.
fn filled() -> (Filled<FixedState>, Name) {
    let filled = Filled::pinned(benches::registry::NAMES);
    for name in filled.names.iter() {
        black_box(filled.registry.lookup(name));
    }
    let name = filled.names[17].clone();
    (filled, name)
}

/// A workload that has run `warm_up` times.
fn warm<F: FnMut(u64) -> R, R>(mut workload: F, warm_up: u64) -> F {
    for n in 0..warm_up {
        black_box(workload(n));
    }
    workload
}

#[library_benchmark(setup = filled)]
fn service_discovery((filled, name): (Filled<FixedState>, Name)) -> (Option<u64>, impl Sized) {
    (black_box(filled.registry.lookup(black_box(&name))), (filled, name))
}

#[library_benchmark]
#[bench::warm(warm(config::read(), 1_000))]
fn configuration_retrieval<F: FnMut(u64) -> Option<i64>>(mut read: F) -> (Option<i64>, F) {
    (black_box(read(black_box(1_000))), read)
}

#[library_benchmark]
#[bench::warm(warm(config::read_cached(), 1_000))]
fn configuration_cached<F: FnMut(u64) -> i64>(mut read: F) -> (i64, F) {
    (black_box(read(black_box(1_000))), read)
}

#[library_benchmark]
#[bench::warm(warm(events::append(), 100_000))]
fn event_emission<F: FnMut(u64) -> bool>(mut append: F) -> (bool, F) {
    (black_box(append(black_box(100_000))), append)
}

library_benchmark_group!(
    name = operations;
    benchmarks = service_discovery, configuration_retrieval, configuration_cached, event_emission
);
main!(library_benchmark_groups = operations);
