//! The keys that this crate reads.

use super::KeySpec;

macro_rules! sizes {
    ($($(#[$attr:meta])* $key:ident / $default_name:ident = $path:literal, $default:literal, $min:literal, $doc:literal;)*) => {
        $(
            $(#[$attr])*
            pub(crate) const $default_name: usize = $default;
            $(#[$attr])*
            pub(crate) const $key: KeySpec =
                KeySpec::integer($path, $default, $min..=MAX_SIZE).doc($doc);
        )*

        /// Every key that this crate reads, for [`Schema::new`](super::Schema::new).
        pub const KEYS: &[KeySpec] = &[$($(#[$attr])* $key),*];
    };
}

/// The largest count or size that a key takes: fits a `usize` on every supported machine.
const MAX_SIZE: i64 = i32::MAX as i64;

sizes! {
    REGISTRY_MAX_NAMES / REGISTRY_MAX_NAMES_DEFAULT =
        "foundation.registry.max_names", 4_194_304, 0,
        "How many names and members of groups, together, a registry holds at a time.";
    REGISTRY_WATCH_CAPACITY / REGISTRY_WATCH_CAPACITY_DEFAULT =
        "foundation.registry.watch_capacity", 65_536, 1,
        "How many changes a registry keeps for a watch that has not read them.";
    REGISTRY_WATCH_BYTES / REGISTRY_WATCH_BYTES_DEFAULT =
        "foundation.registry.watch_bytes", 16_777_216, 1,
        "How many bytes of names and metadata those changes have at most. The newest change is kept \
         whatever its size.";
    REGISTRY_MAX_METADATA_ENTRIES / REGISTRY_MAX_METADATA_ENTRIES_DEFAULT =
        "foundation.registry.max_metadata_entries", 32, 0,
        "How many metadata keys a name has at most.";
    REGISTRY_MAX_METADATA_BYTES / REGISTRY_MAX_METADATA_BYTES_DEFAULT =
        "foundation.registry.max_metadata_bytes", 4_096, 0,
        "How many bytes the metadata of a name has at most, keys and values together.";
    #[cfg(feature = "events")]
    EVENTS_MAX_EVENTS / EVENTS_MAX_EVENTS_DEFAULT =
        "foundation.events.max_events", 65_536, 1,
        "How many events a store keeps.";
    #[cfg(feature = "events")]
    EVENTS_MAX_BYTES / EVENTS_MAX_BYTES_DEFAULT =
        "foundation.events.max_bytes", 67_108_864, 1,
        "How many bytes of events a store keeps. The newest event is kept whatever its size.";
    #[cfg(feature = "events")]
    EVENTS_MAX_PAYLOAD_BYTES / EVENTS_MAX_PAYLOAD_BYTES_DEFAULT =
        "foundation.events.max_payload_bytes", 65_536, 4,
        "How many bytes of JSON an event carries at most.";
    #[cfg(feature = "events")]
    EVENTS_MAX_KIND_BYTES / EVENTS_MAX_KIND_BYTES_DEFAULT =
        "foundation.events.max_kind_bytes", 128, 1,
        "How many bytes the kind of an event has at most.";
}
