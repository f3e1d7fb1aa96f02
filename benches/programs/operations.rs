//! Timed operations: back to back, beside a peer, and under load.

use std::process::ExitCode;

use benches::economics::{combinatorial, division, market, trust, welfare};
use benches::registry::Filled;
use benches::{agents, config, durable, events, plant, registry, supervision, table, telemetry};
use mabeam_economics::auction::combinatorial::cats::Family;
use perf_budget::harness::{Suite, load_of};

fn main() -> ExitCode {
    let suite = with_economics(with_agents(with_service_discovery(Suite::new())));
    suite
        .paired(
            "service_discovery_2_threads",
            "papaya_get_2_threads",
            2,
            || registry::lookup(registry::NAMES),
            || registry::papaya_get(registry::NAMES),
        )
        .paired(
            "service_discovery_million",
            "papaya_get_million",
            1,
            || registry::lookup(registry::MANY_NAMES),
            || registry::papaya_get(registry::MANY_NAMES),
        )
        .timed("registration", 1, registration)
        .load("registration", load_of("200_000 /s", "250 ms").in_batches_of(16), || {
            let mut register = registration();
            move |n| {
                register(n);
                true
            }
        })
        .timed("configuration_retrieval", 1, config::read)
        .load(
            "configuration_retrieval",
            load_of("1_000_000 /s", "250 ms").in_batches_of(64),
            || {
                let mut read = config::read();
                move |n| read(n).is_some()
            },
        )
        .paired(
            "configuration_cached",
            "arc_swap_cache_load",
            1,
            config::read_cached,
            config::arc_swap_cache_load,
        )
        .paired(
            "registration_of_one_name_100k",
            "registration_of_one_name",
            1,
            || registry::register_one_name(registry::LARGE),
            || registry::register_one_name(registry::NAMES),
        )
        .paired(
            "owner_end_100k",
            "owner_end",
            1,
            || registry::owner_end(Filled::new(registry::LARGE)),
            || registry::owner_end(Filled::new(registry::NAMES)),
        )
        .paired(
            "property_query_100k",
            "property_query",
            1,
            || registry::find(registry::LARGE),
            || registry::find(registry::NAMES),
        )
        .timed("owner_end", 1, || registry::owner_end(Filled::new(registry::NAMES)))
        .timed("property_query", 1, || registry::find(registry::NAMES))
        .timed("group_members", 1, registry::members)
        .timed("monitor", 1, registry::monitor)
        .timed("telemetry_record", 1, telemetry::record)
        .timed("telemetry_record_2_threads", 2, telemetry::record)
        .timed("telemetry_track", 1, telemetry::track)
        .timed("telemetry_counter", 1, telemetry::count)
        .paired(
            "telemetry_counter_2_threads",
            "shared_atomic_2_threads",
            2,
            telemetry::count,
            telemetry::atomic_add,
        )
        .timed("table_read", 1, table::read)
        .timed("table_write", 1, table::write)
        .paired(
            "durable_group_commit",
            "durable_one_by_one",
            1,
            durable::grouped,
            durable::one_by_one,
        )
        .timed("durable_group_commit", 1, durable::grouped)
        .timed("event_emission", 1, events::append)
        .load("event_emission", load_of("200_000 /s", "250 ms").in_batches_of(16), events::append)
        .run()
}

/// The runtime of agents, beside bare tokio.
fn with_agents(suite: Suite) -> Suite {
    suite
        .paired("agent_call", "tokio_call", 1, agents::calls, agents::tokio_calls)
        .paired("agent_cast", "tokio_cast", 1, || agents::casts(1), || agents::tokio_casts(1))
        .paired(
            "agent_cast_2_workers",
            "tokio_cast_2_workers",
            1,
            || agents::casts(2),
            || agents::tokio_casts(2),
        )
        .paired("agent_call_all", "tokio_call_all", 1, agents::call_alls, agents::tokio_call_alls)
        .paired(
            "agent_computations",
            "tokio_computations",
            1,
            agents::computations,
            agents::tokio_computations,
        )
        .paired(
            "agent_spawn_100k",
            "agent_spawn",
            1,
            || agents::spawns(100_000),
            || agents::spawns(10),
        )
        .paired(
            "agent_kill_100k",
            "agent_kill",
            1,
            || agents::kills(100_000, agents::KILLED),
            || agents::kills(10, agents::KILLED),
        )
        .timed("agent_spawn", 1, || agents::spawns(10))
        .timed("agent_kill_all_100k", 1, || agents::kills(0, 100_000))
        .timed("agent_runs_elsewhere", 1, agents::runs_elsewhere)
        .timed("agent_inspect_100k", 1, supervision::snapshots)
        .timed("supervision_restart", 1, supervision::restarts)
        .paired(
            "supervision_children_100k",
            "supervision_children",
            1,
            || supervision::children(100_000),
            || supervision::children(10),
        )
        .paired("pool_call", "agent_call", 1, supervision::pool_calls, agents::calls)
}

/// Mechanisms on one thread.
fn with_economics(suite: Suite) -> Suite {
    suite
        .paired(
            "division_max_min",
            "division_max_min_sorted",
            1,
            division::max_min,
            division::max_min_sorted,
        )
        .paired("division_drf", "division_drf_floats", 1, division::drf, division::drf_floats)
        .timed("division_drf_sparse", 1, division::drf_sparse)
        .timed("division_drf_whole_units", 1, division::drf_whole_units)
        .timed("division_drf_report", 1, division::drf_report)
        .timed("division_drf_place", 1, division::drf_place)
        .paired(
            "welfare_knapsack_fewer",
            "welfare_program",
            1,
            welfare::knapsack_of_fewer,
            welfare::program,
        )
        .timed("welfare_knapsack", 1, welfare::knapsack)
        .timed("winner_determination", 1, combinatorial::winner_determination)
        .paired(
            "vcg_payments",
            "vcg_payments_cold",
            1,
            || combinatorial::vcg(Family::Regions),
            || combinatorial::vcg_cold(Family::Regions),
        )
        .timed("order_book", 1, market::order_book)
        .timed("mcafee", 1, market::mcafee)
        .timed("lmsr_quote", 1, market::lmsr_quote)
        .timed("eigentrust", 1, trust::eigentrust)
        .timed("ledger_transfer", 1, trust::ledger_transfer)
        .timed("ledger_settle", 1, trust::ledger_settle)
}

/// `service_discovery`, planted with more work if the environment asks for it.
fn with_service_discovery(suite: Suite) -> Suite {
    const OPERATION: &str = "service_discovery";
    let peer = || registry::papaya_get(registry::NAMES);
    let load = load_of("2_000_000 /s", "250 ms").in_batches_of(64);
    if plant::is_planted(OPERATION) {
        suite.paired(OPERATION, "papaya_get", 1, plant::slower_lookup, peer).load(
            OPERATION,
            load,
            || succeeding(plant::slower_lookup()),
        )
    } else {
        let lookup = || registry::lookup(registry::NAMES);
        suite
            .paired(OPERATION, "papaya_get", 1, lookup, peer)
            .load(OPERATION, load, move || succeeding(lookup()))
    }
}

fn registration() -> impl FnMut(u64) + Clone + Send + 'static {
    registry::register_and_unregister(Filled::new(registry::NAMES))
}

/// A lookup succeeds if it finds a handle.
fn succeeding(mut lookup: impl FnMut(u64) -> Option<u64>) -> impl FnMut(u64) -> bool {
    move |n| lookup(n).is_some()
}
