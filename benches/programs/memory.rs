//! Heap traffic and growth, counted exactly by an allocator that would slow the timed programs.

use std::process::ExitCode;

use benches::registry::Filled;
use benches::{agents, config, events, registry, supervision, table, telemetry};
use perf_budget::harness::{COUNTING_ALLOCATOR, CountingAllocator, Suite};

#[global_allocator]
static ALLOCATOR: &CountingAllocator = &COUNTING_ALLOCATOR;

/// Operations whose heap traffic is counted.
const COUNTED: u64 = 10_000;
/// Operations before live bytes are first compared, then until they are compared again.
const WARM_UP: u64 = 200_000;
const CHURN: u64 = 1_000_000;
/// Rounds through a thousand agents: 10^7 messages in all.
const MESSAGES: u64 = 10_000;
/// Rounds of [`everything`], which does four operations a round: 10^8 in all.
const SOAK: u64 = 25_000_000;

fn main() -> ExitCode {
    Suite::new()
        .allocations("service_discovery", COUNTED, || registry::lookup(registry::NAMES))
        .allocations("registration", COUNTED, registration)
        .allocations("configuration_retrieval", COUNTED, config::read)
        .allocations("configuration_cached", COUNTED, config::read_cached)
        .allocations("event_emission", COUNTED, events::append)
        .allocations("telemetry_record", COUNTED, telemetry::record)
        .allocations("telemetry_counter", COUNTED, telemetry::count)
        .allocations("agent_call", COUNTED, agents::one_call)
        .allocations("agent_cast", COUNTED, agents::one_cast)
        .allocations("table_read", COUNTED, table::read)
        .growth("registration", WARM_UP, CHURN, registration)
        .growth("registration_ten_million", WARM_UP, 10_000_000, registration)
        .growth("owner_end", 20_000, 100_000, || {
            registry::owner_end(Filled::pinned(registry::NAMES))
        })
        .growth("table_write", WARM_UP, CHURN, table::write)
        .growth("configuration_update", 1_000, 10_000, config::update)
        .growth("event_emission", WARM_UP, CHURN, events::append)
        .growth("system_memory", WARM_UP, CHURN, everything)
        .growth("agent_churn", WARM_UP, CHURN, agents::one_spawn)
        .growth("agent_resident_10k", 0, 10_000, agents::kept)
        .growth("agent_resident_million", 0, 1_000_000, agents::kept)
        .growth("agent_memory_growth", 100, MESSAGES, supervision::messages)
        .growth("soak", SOAK / 100, SOAK, everything)
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
