//! Every interleaving of a thread that counts and ends with one that reads, explored by loom.
//!
//! `RUSTFLAGS="--cfg foundation_loom" cargo test -p foundation --features telemetry --lib --release
//! loom_`

use loom::thread;

use super::{Cell, Cells, Seat};
use crate::sync::Arc;

#[test]
fn loom_a_reader_neither_loses_nor_doubles_what_an_ending_thread_counted() {
    loom::model(|| {
        let cells = Arc::new(Cells::new());
        let cell = Arc::new(Cell::of(&cells).unwrap());
        let counts = {
            let (cells, cell) = (Arc::clone(&cells), Arc::clone(&cell));
            thread::spawn(move || {
                let seat = Seat::take(&cells);
                cell.add(Some(&seat), 1);
                cell.add(Some(&seat), 1);
            })
        };
        let (first, second) = (cell.get(), cell.get());
        assert!(first <= second && second <= 2, "{first}, then {second}");
        counts.join().unwrap();
        assert_eq!(cell.get(), 2);
    });
}

#[test]
fn loom_two_threads_of_which_one_has_no_seat_lose_nothing() {
    loom::model(|| {
        let cells = Arc::new(Cells::new());
        let cell = Arc::new(Cell::of(&cells).unwrap());
        let late = Arc::clone(&cell);
        let late = thread::spawn(move || late.add(None, 1));
        let seat = Seat::take(&cells);
        cell.add(Some(&seat), 2);
        drop(seat);
        late.join().unwrap();
        assert_eq!(cell.get(), 3);
    });
}

#[test]
fn loom_a_cell_that_is_used_again_begins_at_zero() {
    loom::model(|| {
        let cells = Arc::new(Cells::new());
        let cell = Arc::new(Cell::of(&cells).unwrap());
        let other = {
            let (cells, cell) = (Arc::clone(&cells), Arc::clone(&cell));
            thread::spawn(move || {
                let seat = Seat::take(&cells);
                cell.add(Some(&seat), 1);
                drop(cell);
                seat
            })
        };
        drop(cell);
        let (one, two) = (Cell::of(&cells).unwrap(), Cell::of(&cells).unwrap());
        assert_eq!((one.get(), two.get()), (0, 0));
        drop(other.join().unwrap());
        assert_eq!((one.get(), two.get()), (0, 0));
    });
}
