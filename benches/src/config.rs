//! Reading configuration: by path, by a cached key, and what the cached key is made of.

use std::sync::Arc;

use arc_swap::{ArcSwap, Cache};
use foundation::config::{self, Config, KeySpec, Schema};

/// The key that is read, beside those of `foundation`.
const PATH: &str = "mabeam.agents";
const KEYS: &[KeySpec] =
    &[KeySpec::integer(PATH, 1_000, 1..=1_000_000).doc("The key that the benchmarks read.")];

/// What [`arc_swap_cache_load`] loads: as small as the value that a key yields.
struct Bare {
    agents: i64,
}

/// `configuration_retrieval`: a typed read by path.
pub fn read() -> impl FnMut(u64) -> Option<i64> + Clone + Send + 'static {
    let config = config();
    move |_| config.get(PATH).ok()
}

/// `configuration_cached`: the same value by a cached key.
pub fn read_cached() -> impl FnMut(u64) -> i64 + Clone + Send + 'static {
    let mut key = config().key(PATH).expect("the key is in the schema");
    move |_| *key.get()
}

/// The peer of [`read_cached`]: a bare `arc_swap::Cache` and a field of what it holds.
pub fn arc_swap_cache_load() -> impl FnMut(u64) -> i64 + Clone + Send + 'static {
    let shared = Arc::new(ArcSwap::from_pointee(Bare { agents: 1_000 }));
    let mut cache = Cache::new(shared);
    move |_| cache.load().agents
}

/// `configuration_update`: one key is set and published.
pub fn update() -> impl FnMut(u64) -> bool + Clone + Send + 'static {
    let config = config();
    move |n| {
        let agents = i64::try_from(n % 1_000).unwrap_or(0) + 1;
        config.update(|draft| Ok(draft.set(PATH, agents)?)).is_ok()
    }
}

fn config() -> Config {
    Config::new(Schema::new(&[config::KEYS, KEYS]).expect("the keys are distinct"))
}
