//! Heap traffic and growth, counted exactly by an allocator that would slow the timed programs.

use std::process::ExitCode;

use benches::registry::Filled;
use benches::{config, events, registry};
use perf_budget::harness::{COUNTING_ALLOCATOR, CountingAllocator, Suite};

#[global_allocator]
static ALLOCATOR: &CountingAllocator = &COUNTING_ALLOCATOR;

/// Operations whose heap traffic is counted.
const COUNTED: u64 = 10_000;
/// Operations before live bytes are first compared, then until they are compared again.
const WARM_UP: u64 = 200_000;
const CHURN: u64 = 1_000_000;

fn main() -> ExitCode {
    Suite::new()
        .allocations("service_discovery", COUNTED, || registry::lookup(registry::NAMES))
        .allocations("registration", COUNTED, registration)
        .allocations("configuration_retrieval", COUNTED, config::read)
        .allocations("configuration_cached", COUNTED, config::read_cached)
        .allocations("event_emission", COUNTED, events::append)
        .growth("registration", WARM_UP, CHURN, registration)
        .growth("configuration_update", 1_000, 10_000, config::update)
        .growth("event_emission", WARM_UP, CHURN, events::append)
        .growth("system_memory", WARM_UP, CHURN, everything)
        .run()
}

fn registration() -> impl FnMut(u64) + Clone + Send + 'static {
    registry::register_and_unregister(Filled::pinned(registry::NAMES))
}

/// A registration, a read and an update of the configuration, and an event.
fn everything() -> impl FnMut(u64) + Clone + Send + 'static {
    let (mut register, mut read) = (registration(), config::read());
    let (mut update, mut append) = (config::update(), events::append());
    move |n| {
        register(n);
        read(n);
        update(n);
        append(n);
    }
}
