//! A regression on demand, to see whether the gate finds it. It lives here and in no product crate.

use std::hint::black_box;
use std::sync::Arc;

use crate::registry::{Filled, NAMES, nth};

/// The environment variable that names the operation to make slower.
pub const PLANT: &str = "BENCHES_PLANT";

/// Whether `operation` is to be made slower in this process.
pub fn is_planted(operation: &str) -> bool {
    std::env::var(PLANT).is_ok_and(|planted| planted == operation)
}

/// [`lookup`](crate::registry::lookup) with 30 % more real work: three hundred further lookups in
/// every thousand operations, in one go, so that no mispredicted branch adds to them.
pub fn slower_lookup() -> impl FnMut(u64) -> Option<u64> + Clone + Send + 'static {
    let filled = Arc::new(Filled::new(NAMES));
    let names = Arc::clone(&filled.names);
    move |n| {
        if n % 1_000 == 0 {
            for further in n..n + 300 {
                black_box(filled.registry.lookup(nth(&names, further)));
            }
        }
        filled.registry.lookup(nth(&names, n))
    }
}
