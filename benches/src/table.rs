//! Managed tables.

use std::sync::Arc;

use foundation::registry::Name;
use foundation::table::{TableSpec, Tables, WhenFull};

use crate::registry::NAMES;

/// `table_read`: a value by its key, in a table with a limit and no time to live.
pub fn read() -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let tables = Tables::default();
    let name = Name::new("bench/read").expect("a valid name");
    let guard = tables.create(name, TableSpec::default()).expect("the first table");
    for key in 0..NAMES as u64 {
        guard.insert(key, key).expect("it is within the limits");
    }
    let guard = Arc::new(guard);
    move |n| guard.get(&(n % NAMES as u64)).expect("the table is there")
}

/// `table_write`: a value that pushes the oldest out of a full table.
pub fn write() -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let tables = Tables::default();
    let name = Name::new("bench/write").expect("a valid name");
    let spec =
        TableSpec { max_entries: NAMES, when_full: WhenFull::EvictOldest, ..TableSpec::default() };
    let guard = Arc::new(tables.create(name, spec).expect("the first table"));
    move |n| guard.insert(n, n).expect("the oldest makes room")
}
