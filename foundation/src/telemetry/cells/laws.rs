//! Laws of the cells, on sets of their own.

use std::sync::Arc;
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Cell, Cells, FIRST, MAX_CELLS, Place, Seat, seated};

#[test]
fn every_number_has_a_place_of_its_own() {
    let mut expected = Place { chunk: 0, offset: 0 };
    for number in 0..MAX_CELLS {
        assert_eq!(Place::of(number), expected);
        expected.offset += 1;
        if expected.offset == FIRST << expected.chunk {
            expected = Place { chunk: expected.chunk + 1, offset: 0 };
        }
    }
}

#[test]
fn the_number_of_cells_is_bounded_exactly_and_what_is_given_back_is_given_out() {
    let cells = Arc::new(Cells::new());
    let mut all: Vec<_> = std::iter::from_fn(|| Cell::of(&cells)).collect();
    assert_eq!(all.len(), MAX_CELLS);
    assert!(all.pop().is_some() && Cell::of(&cells).is_some());
}

#[test]
fn threads_that_ended_leave_their_counts_and_no_memory() {
    let cells = Arc::new(Cells::new());
    let cell = Cell::of(&cells).unwrap();
    for _ in 0..10_000 {
        cell.add(Some(&Seat::take(&cells)), 3);
    }
    assert_eq!(cell.get(), 30_000);
    assert!(cells.state.lock().unwrap().threads.is_empty());
}

#[test]
fn no_addition_by_any_thread_is_lost() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 20_000;
    let cell = Cell::new().unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| (0..ROUNDS).for_each(|_| _ = seated(|seat| cell.add(seat, 1))));
        }
        let mut last = 0;
        for _ in 0..1_000 {
            let now = cell.get();
            assert!(last <= now && now <= THREADS * ROUNDS, "{last}, then {now}");
            last = now;
        }
    });
    assert_eq!(cell.get(), THREADS * ROUNDS);
}

#[test]
fn a_destructor_that_counts_after_its_thread_left_its_seat_is_counted() {
    struct Late(Arc<Cell>);
    impl Drop for Late {
        fn drop(&mut self) {
            seated(|seat| self.0.add(seat, 1));
        }
    }
    thread_local!(static LATE: std::cell::OnceCell<Late> = const { std::cell::OnceCell::new() });

    let cell = Arc::new(Cell::new().unwrap());
    let late = Late(Arc::clone(&cell));
    // Whichever of the two thread-locals goes first, the count stays.
    let counts = move || {
        let kept = LATE.with(|slot| slot.set(late).is_ok());
        seated(|seat| kept && seat.is_some())
    };
    assert!(thread::spawn(counts).join().unwrap());
    assert_eq!(cell.get(), 1);
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Add(usize, usize, u64),
    EndThread(usize),
    Reuse(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..3_usize, 0..4_usize, any::<u64>()).prop_map(|(t, c, by)| Step::Add(t, c, by)),
        1 => (0..3_usize).prop_map(Step::EndThread),
        1 => (0..4_usize).prop_map(Step::Reuse),
    ]
}

proptest! {
    #[test]
    fn cells_behave_like_numbers_whatever_threads_end_and_cells_are_reused(
        steps in vec(step(), 1..200),
    ) {
        let cells = Arc::new(Cells::new());
        let mut seats: Vec<_> = (0..3).map(|_| Some(Seat::take(&cells))).collect();
        let mut used: Vec<_> = (0..4).map(|_| Cell::of(&cells)).collect();
        let mut model = [0_u64; 4];
        for step in steps {
            match step {
                Step::Add(thread, cell, by) => {
                    used[cell].as_ref().unwrap().add(seats[thread].as_ref(), by);
                    model[cell] = model[cell].wrapping_add(by);
                }
                Step::EndThread(thread) => {
                    seats[thread] = None;
                    seats[thread] = Some(Seat::take(&cells));
                }
                Step::Reuse(cell) => {
                    used[cell] = None;
                    used[cell] = Cell::of(&cells);
                    model[cell] = 0;
                }
            }
            let read = [0, 1, 2, 3].map(|cell: usize| used[cell].as_ref().unwrap());
            prop_assert_eq!(Cell::read(read), model);
        }
    }
}
