//! The cells of a process are bounded, and come back when a telemetry goes.
//!
//! A test of its own because it takes all cells of its process.
#![cfg(feature = "telemetry")]

use foundation::telemetry::{Limits, ResolveError, Telemetry};

/// How many cells there are in a process.
const CELLS: usize = 65_472;

#[test]
fn the_last_cell_is_given_out_and_cells_that_come_back_count_from_zero() {
    let limits = Limits { max_counters: usize::MAX, ..Limits::default() };
    let (greedy, modest) = (Telemetry::new(limits), Telemetry::default());
    // Each telemetry has a cell for what it could not track.
    for number in 0..CELLS - 2 {
        greedy.counter(&number.to_string()).unwrap().add(7);
    }
    let refused = ResolveError::Cells { name: "one".into(), limit: CELLS };
    assert_eq!(modest.counter("one").unwrap_err(), refused);
    assert!(matches!(modest.operation("op"), Err(ResolveError::Cells { .. })));
    assert_eq!(modest.track_operation("op", || Ok::<_, ()>(1)), Ok(1));
    assert_eq!(modest.untracked(), 1);
    // One that comes too late for that cell works too; it only can't tell what it did not track.
    let late = Telemetry::default();
    assert_eq!(late.track_operation("op", || Ok::<_, ()>(1)), Ok(1));
    assert_eq!(late.untracked(), 0);

    drop(greedy);
    let counter = modest.counter("one").unwrap();
    assert_eq!(counter.get(), 0);
    counter.increment();
    assert_eq!(counter.get(), 1);
    assert_eq!(modest.track_operation("op", || Ok::<_, ()>(1)), Ok(1));
    assert_eq!(modest.snapshot()[0].total.statuses.success, 1);
}
