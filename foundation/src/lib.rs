//! What a long-running agent system stands on: names, settings, events and time.
//!
//! Knows nothing of agents, models or money: what lives under a name is the caller's type.
//!
//! | module | owns |
//! |---|---|
//! | [`registry`] | names and who holds them |
//! | [`config`] | declared, validated settings that change while the program runs |
//! | `events` (feature `events`) | a bounded store of what happened, in order |
//! | [`clock`] | the time, from the system or from a test's hand |
//! | [`log`] | the bounded broadcast log that the first three are made of |
//!
//! Nothing here needs an async runtime: what waits is a future for any executor, or a method that
//! parks a plain thread until a deadline.
//!
//! # Guarantees, and the tests that hold them
//!
//! | guarantee | held by |
//! |---|---|
//! | a name has one holder at most; the limit on names is exact | `registry::laws::of_racing_threads_exactly_one_takes_a_name_and_the_limit_is_exact` |
//! | a lookup that begins after `unregister` returned finds nothing | `registry::laws::a_lookup_never_sees_a_registration_that_is_gone` |
//! | the watch replays the map; the map behaves like a `HashMap` | `registry::laws::a_registry_behaves_like_a_map_and_its_watch_replays_it` |
//! | a handle's destructor may use the registry | `registry::laws::a_handles_destructor_may_use_the_registry` |
//! | a panicking waker costs nobody else a wake-up, and no name | `registry::laws::a_panicking_waker_leaves_the_name_free_and_the_others_woken` |
//! | a lookup, a key's read and an append that wakes nobody allocate nothing; churn leaves no memory behind | `tests/allocations.rs` |
//! | readers see whole versions; no increment is lost | `config::laws::readers_never_see_half_of_an_update_and_no_increment_is_lost` |
//! | a bad file changes nothing and reports every problem | `config::laws::a_bad_file_changes_nothing_and_every_problem_is_reported` |
//! | a file is bounded in length, depth and reported problems | `config::laws::a_file_is_bounded_in_length_depth_and_problems` |
//! | numbers have no gaps; lag is reported once a gap | `log::laws::a_log_behaves_like_a_vec_with_a_moving_start` |
//! | no lost wake-up, one order for all subscribers | `log::models`, every interleaving of small programs |
//! | events obey retention; queries report what was evicted | `events::laws::a_store_behaves_like_a_vec_with_a_moving_start` |
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

pub mod clock;
pub mod config;
#[cfg(feature = "events")]
pub mod events;
pub mod log;
pub mod owner;
mod panics;
pub mod registry;
mod sync;
