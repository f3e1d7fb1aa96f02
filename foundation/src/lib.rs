//! What a long-running agent system stands on: names and lifetimes, settings, events, services,
//! tables, connections, measurements and memory.
//!
//! Knows nothing of agents, models or money: what lives under a name is the caller's type. Each module
//! is of use without the others.
//!
//! | module | feature | owns |
//! |---|---|---|
//! | [`owner`] | | lifetimes: what belongs to one, in which order it ends, who hears of it |
//! | [`registry`] | | names and who holds them, groups, properties, watches; records that outlive the process |
//! | [`config`] | `watch` for reading changed files | declared, validated settings in layers, and secrets |
//! | `events` | `events`, with `sqlite` for durable ones | what happened, in order |
//! | `service` | `service` | starting, readiness, health and stopping, without polling |
//! | `table` | `tables` | named concurrent tables with limits, a time to live and an owner |
//! | `pool` | `pool` | a bounded pool of connections that outlives its server |
//! | `telemetry` | `telemetry`, `prometheus` | durations, counts and statuses of operations |
//! | `memory` | `memory` | what each part of the program keeps on the heap |
//! | `sqlite` | `sqlite` | one database file with one writer, under the durable parts of others |
//! | [`clock`] | | the time, from the system or from a test's hand |
//! | [`log`] | | the bounded broadcast log that watches and subscriptions are made of |
//! | [`panics`] | | running code of others, whose panics end nothing but themselves |
//! | [`park`] | | waiting for a future on a plain thread, until a deadline |
//!
//! Nothing here needs an async runtime: what waits is a future for any executor, or a method that
//! parks a plain thread until a deadline. The one exception is `pool`, whose timeouts are tokio's.
//!
//! # Guarantees, and the tests that hold them
//!
//! Names are of this crate's unit tests; `tests/…` are its integration tests.
//!
//! ## Lifetimes
//!
//! | guarantee | held by |
//! |---|---|
//! | an end drops what is kept, latest first, then delivers each `Down`; a panic stops neither | `owner::laws::what_is_kept_goes_latest_first_and_before_any_down_also_if_it_panics` |
//! | a monitor hears exactly once, a late one at once | `owner::laws::each_monitor_hears_once_why_and_a_late_one_at_once`, `owner::models` (every interleaving) |
//! | of racing ends and gifts nothing is lost or dropped twice | `owner::laws::of_racing_ends_and_gifts_everything_kept_is_dropped_exactly_once`, `owner::models` |
//! | whoever received a `Down` finds no name and no membership of the owner | `registry::laws::whoever_received_a_down_finds_no_name_of_the_owner` |
//!
//! ## Registry
//!
//! | guarantee | held by |
//! |---|---|
//! | names, groups, owners, properties, monitors and watches behave like plain maps | `registry::machine::a_registry_behaves_like_maps_with_owners` |
//! | a name has one holder at most; the limit is exact | `registry::laws::of_racing_threads_exactly_one_takes_a_name_and_the_limit_is_exact` |
//! | a lookup that begins after `unregister` returned finds nothing | `registry::laws::a_lookup_never_sees_a_registration_that_is_gone` |
//! | a handle's destructor may use the registry | `registry::laws::a_handles_destructor_may_use_the_registry` |
//! | a panicking waker costs nobody else a wake-up, and no name | `registry::laws::a_panicking_waker_leaves_the_name_free_and_the_others_woken` |
//! | a watch of a namespace is not woken, filled or evicted by others | `registry::laws::changes_of_other_namespaces_neither_wake_nor_count_nor_evict` |
//! | lag is reported | `registry::laws::a_watch_reports_its_namespace_its_lag_and_the_end` |
//! | a slow backend hides its own name and holds up nobody | `registry::durable::laws::a_slow_backend_hides_the_name_and_holds_up_nobody_else` |
//! | a failing backend is an error that gives back the handle | `registry::durable::laws::a_failing_backend_is_an_error_that_gives_back_the_handle` |
//! | a recovered record survives those who fail to take it over | `registry::durable::laws::a_recovered_record_survives_those_who_fail_to_take_it_over` |
//! | a name that comes and goes takes one place, and those that are gone are forgotten | `registry::laws::one_name_that_comes_and_goes_takes_one_place`, `registry::laws::names_and_groups_that_come_and_go_are_forgotten_once_enough_others_did` |
//! | what was acknowledged and had not ended is recovered after a crash | `registry::durable::laws::after_a_crash_everything_acknowledged_and_alive_is_recovered_once`, `tests/registry_crash.rs` (SIGKILL) |
//! | a lookup allocates nothing; churn leaves no memory behind | `tests/allocations.rs` |
//!
//! ## Config
//!
//! | guarantee | held by |
//! |---|---|
//! | readers see whole versions; no increment is lost | `config::laws::readers_never_see_half_of_an_update_and_no_increment_is_lost`, `config::published` (every interleaving) |
//! | layers are a merge of maps, with sources; a failing reload changes nothing | `config::laws::layers::layers_behave_like_a_merge_of_maps_and_a_failing_reload_changes_nothing` |
//! | every problem is reported with key, source and rule | `config::laws::layers::every_problem_of_every_layer_is_reported_with_its_source` |
//! | files are bounded in number, length and reported problems | `config::laws::layers::files_are_bounded_in_number_and_length_and_so_are_all_their_problems` |
//! | changed, replaced, missing and broken files are noticed; others are not | `tests/config_reload.rs`, `config::watch::places` |
//! | nothing that holds a secret shows it | `config::laws::secrets::nothing_that_holds_a_secret_shows_it` |
//! | memory that held a secret is overwritten, except what [`config::Secret`] names | `tests/config_secrets.rs` |
//! | a required secret that is missing is refused | `config::laws::secrets::a_required_secret_that_is_missing_is_refused_with_rule_and_place` |
//! | a cached read allocates nothing | `tests/allocations.rs` |
//!
//! ## Events
//!
//! | guarantee | held by |
//! |---|---|
//! | numbers, retention by count, bytes and age, and queries are those of a `Vec` | `events::laws::a_store_behaves_like_a_vec_with_a_moving_start` |
//! | the same in a file, across openings; published before answered | `events::durable::laws::a_durable_store_behaves_like_a_vec_with_a_moving_start_across_openings` |
//! | from the file to live without gap or repetition; lag is counted once | `events::durable::laws::a_subscription_goes_from_the_file_to_live_without_gap_or_repetition`, `events::durable::laws::what_was_evicted_before_it_was_read_is_counted_once`, `events::durable::laws::a_subscription_that_began_with_the_oldest_is_told_what_it_missed_since` |
//! | a subscription returns nothing that is too old or evicted | `events::durable::laws::a_subscription_returns_nothing_that_is_too_old_or_evicted`, `events::durable::laws::an_event_that_one_before_it_holds_back_is_still_handed_out` |
//! | a file within its limits stays so, whatever the batches are | `events::durable::laws::a_batch_above_every_limit_is_evicted_with_its_commit` |
//! | idle subscriptions and reads that were given up hold up no query | `events::durable::laws::idle_subscriptions_keep_no_place_in_the_queue_from_a_query`, `sqlite::laws::a_read_that_nobody_waits_for_any_more_ends` |
//! | closing takes effect at once and ends, whoever waits for room | `sqlite::laws::closing_takes_effect_at_once_and_waits_for_nobody_who_has_a_place_and_does_not_use_it` |
//! | what was acknowledged is there exactly once after a kill | `tests/events_crash.rs` (SIGKILL) |
//! | a job fails alone, a commit fails whole, nobody who waits hangs | `sqlite::laws::a_job_that_fails_fails_alone_whatever_the_batches_are`, `sqlite::laws::a_commit_that_fails_fails_its_whole_batch_and_publishes_nothing`, `sqlite::laws::the_death_of_the_writer_fails_every_ticket_and_frees_the_file` |
//! | a file has one writer; foreign and newer ones are refused untouched, older ones upgraded | `sqlite::laws::a_file_has_one_writer_whatever_path_leads_to_it`, `sqlite::laws::a_file_of_something_else_or_of_a_newer_version_is_refused_untouched`, `sqlite::laws::the_log_of_a_refused_file_is_not_folded_into_it`, `sqlite::laws::an_older_file_is_brought_to_the_newest_version_or_left_as_it_was` |
//! | an append in memory that wakes nobody allocates nothing | `tests/allocations.rs` |
//!
//! ## Services and tables
//!
//! | guarantee | held by |
//! |---|---|
//! | services follow a model of their states | `service::machine::services_behave_like_a_model_of_their_states` |
//! | of ready, failure, deadline and stop exactly one decides a start | `service::races::of_ready_failure_deadline_and_stop_one_decides_the_start` |
//! | a panic stops a service at once | `service::laws::a_panic_stops_a_service_at_once_whether_it_was_ready_or_not`, `service::laws::while_what_a_service_kept_is_dropped_it_is_stopping_and_its_start_is_decided` |
//! | one that does not listen keeps nobody from being stopped | `service::laws::who_does_not_listen_keeps_nobody_from_being_asked_however_often_the_wait_is_given_up` |
//! | a table behaves like a map with limits and a time to live | `table::laws::a_table_behaves_like_a_map_with_limits_and_a_time_to_live` |
//! | its limits are exact in races | `table::races` |
//! | its entries and its name are gone before its owner's `Down` | `table::laws::with_its_owner_a_table_frees_name_and_entries_before_any_down` |
//!
//! ## Pool
//!
//! | guarantee | held by |
//! |---|---|
//! | counts, hand-outs and limits follow a model | `pool::laws::model::a_pool_behaves_like_a_list_with_a_queue` |
//! | callers that give up lose no slot and no connection | `pool::laws::callers_that_give_up_at_any_point_lose_nothing` |
//! | the end of a closed pool comes with its last connection and is not missed | `pool::laws::closing::closing_tells_everybody_and_ends_with_the_last_connection`, `pool::laws::closing::a_close_while_an_idle_surplus_is_being_closed_finds_its_end` |
//! | a `get` and its return allocate nothing | `tests/pool_allocations.rs` |
//! | a server that dies and comes back costs errors, not the pool | `tests/pool_tcp.rs` |
//!
//! ## Telemetry
//!
//! | guarantee | held by |
//! |---|---|
//! | every way to end is counted once, on any thread | `telemetry::laws::every_way_to_end_is_counted_as_what_it_is_and_once`, `telemetry::laws::no_end_on_any_thread_is_lost`, `telemetry::cells::models` (every interleaving) |
//! | a window has every end of its time, timed or not, also those that begin a slice together | `telemetry::laws::windows::a_window_of_a_sampled_operation_has_every_end_of_its_time`, `telemetry::laws::windows::ends_that_begin_a_slice_together_are_all_in_it_and_whole` |
//! | windows and quantiles agree with an exact list within the stated error | `telemetry::laws::summaries_and_windows_agree_with_a_list_of_everything_recorded` |
//! | recording allocates nothing; threads that end leave nothing | `tests/telemetry_allocations.rs` |
//! | the Prometheus text says the same | `tests/telemetry_prometheus.rs` |
//!
//! ## Memory
//!
//! | guarantee | held by |
//! |---|---|
//! | the books equal a model after each step of random programs over threads and accounts | `tests/memory_accounting/laws.rs` |
//! | a panic, nesting and scopes that end out of order leave nobody charged wrongly | `tests/memory_accounting/scopes.rs` |
//! | planted leaks are found, clean workloads are not accused in 100 runs | `tests/memory_accounting/growth.rs` |
//! | books are open for one account at a time | `memory::models` (every interleaving) |
//! | the same over another allocator | `tests/memory_mimalloc.rs` |
//!
//! ## Log
//!
//! | guarantee | held by |
//! |---|---|
//! | numbers have no gaps; lag is reported once a gap | `log::laws::a_log_behaves_like_a_vec_with_a_moving_start` |
//! | no lost wake-up, one order for all subscribers | `log::models` (every interleaving) |
//!
//! # Example
//!
//! ```
//! use foundation::config::{self, Config, Schema};
//! use foundation::registry::{Change, Limits, Metadata, Name, Registry};
//!
//! let schema = Schema::new(&[config::KEYS])?;
//! let config = Config::from_toml(schema, "foundation.registry.max_names = 1", "app.toml")?;
//! let registry = Registry::with_limits(Limits::from_config(&config)?);
//! let mut watch = registry.watch();
//!
//! let held = registry.register(Name::new("jobs/indexer")?, 42, Metadata::new())?;
//! assert_eq!(registry.lookup("jobs/indexer"), Some(42));
//! assert!(registry.register(Name::new("jobs/other")?, 43, Metadata::new()).is_err());
//! assert!(matches!(watch.try_next()?, Some(Change::Registered { id, .. }) if id == held.id()));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod answer;
pub mod clock;
pub mod config;
#[cfg(feature = "events")]
pub mod events;
pub mod log;
#[cfg(feature = "memory")]
pub mod memory;
pub mod owner;
pub mod panics;
pub mod park;
#[cfg(feature = "pool")]
pub mod pool;
pub mod registry;
#[cfg(feature = "service")]
pub mod service;
#[cfg(feature = "sqlite")]
pub mod sqlite;
mod sync;
#[cfg(feature = "tables")]
pub mod table;
#[cfg(feature = "telemetry")]
pub mod telemetry;
