//! The bounds of a registry, with their configuration keys.

use crate::config::{Config, ReadError, keys};

/// The bounds of a registry. [`Limits::default`] holds the defaults of the configuration keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// At most this many names and members of groups, together, at a time
    /// (`foundation.registry.max_names`).
    pub max_names: usize,
    /// How many changes are kept for a watch that has not read them
    /// (`foundation.registry.watch_capacity`).
    pub watch_capacity: usize,
    /// How many bytes of such changes are kept, as the lengths of their names and metadata
    /// (`foundation.registry.watch_bytes`). The newest change is kept whatever its size.
    pub watch_bytes: usize,
    /// At most this many metadata keys a name (`foundation.registry.max_metadata_entries`).
    pub max_metadata_entries: usize,
    /// At most this many bytes of metadata a name (`foundation.registry.max_metadata_bytes`).
    pub max_metadata_bytes: usize,
}

impl Limits {
    /// The limits that `config` holds now.
    ///
    /// Fails only if the schema of `config` does not contain [`config::KEYS`](crate::config::KEYS).
    pub fn from_config(config: &Config) -> Result<Self, ReadError> {
        Ok(Self {
            max_names: config.get(keys::REGISTRY_MAX_NAMES.path())?,
            watch_capacity: config.get(keys::REGISTRY_WATCH_CAPACITY.path())?,
            watch_bytes: config.get(keys::REGISTRY_WATCH_BYTES.path())?,
            max_metadata_entries: config.get(keys::REGISTRY_MAX_METADATA_ENTRIES.path())?,
            max_metadata_bytes: config.get(keys::REGISTRY_MAX_METADATA_BYTES.path())?,
        })
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_names: keys::REGISTRY_MAX_NAMES_DEFAULT,
            watch_capacity: keys::REGISTRY_WATCH_CAPACITY_DEFAULT,
            watch_bytes: keys::REGISTRY_WATCH_BYTES_DEFAULT,
            max_metadata_entries: keys::REGISTRY_MAX_METADATA_ENTRIES_DEFAULT,
            max_metadata_bytes: keys::REGISTRY_MAX_METADATA_BYTES_DEFAULT,
        }
    }
}
