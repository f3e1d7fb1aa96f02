//! Laws of the books, of their table, and of the verdict on growth, without the allocator. With it:
//! `tests/memory_accounting.rs` and `tests/memory_mimalloc.rs`.

use std::collections::HashSet;
use std::ptr;

use proptest::collection::vec;
use proptest::prelude::*;

use super::books::{Books, Posting};
use super::table::Table;
use super::*;
use crate::sync::{Mutex, lock};

/// As the allocator posts one block of `bytes`; less than zero to credit it.
fn post(books: &Books, bytes: i64) {
    let allocated_bytes = bytes.max(0).cast_unsigned();
    let blocks = bytes.signum();
    books.post(Posting { bytes, high_bytes: bytes.max(0), blocks, allocated_bytes });
}

/// A table that stays reachable, as its books do.
fn table(limit: usize) -> &'static Table {
    static TABLES: Mutex<Vec<&'static Table>> = Mutex::new(Vec::new());
    let table: &'static Table = Box::leak(Box::new(Table::new(limit)));
    lock(&TABLES).push(table);
    table
}

/// Tells books apart.
fn place(books: &Books) -> usize {
    ptr::from_ref(books).addr()
}

#[derive(Clone, Debug)]
enum Step {
    Open,
    LetGo(usize),
    Charge(usize),
    Credit(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => Just(Step::Open),
        1 => (0_usize..4).prop_map(Step::LetGo),
        2 => (0_usize..4).prop_map(Step::Charge),
        2 => (0_usize..8).prop_map(Step::Credit),
    ];
    vec(step, 0..120)
}

proptest! {
    #[test]
    fn books_are_open_for_one_account_and_not_again_while_a_block_is_charged(
        steps in steps(),
        limit in 0_usize..5,
    ) {
        let table = table(limit);
        let mut open: Vec<&'static Books> = Vec::new();
        let mut charged: Vec<&'static Books> = Vec::new();
        for step in steps {
            match step {
                Step::Open => {
                    let in_use = open.iter().chain(&charged);
                    let taken: HashSet<_> = in_use.map(|books| place(books)).collect();
                    if let Some(books) = table.open() {
                        prop_assert!(!taken.contains(&place(books)));
                        prop_assert_eq!((books.live_bytes(), books.live_blocks()), (0, 0));
                        prop_assert_eq!((books.peak_bytes(), books.allocated_bytes()), (0, 0));
                        open.push(books);
                    } else {
                        prop_assert_eq!(taken.len(), limit);
                    }
                }
                Step::LetGo(at) if at < open.len() => {
                    let books = open.swap_remove(at);
                    prop_assert!(books.let_go());
                    table.retire(books);
                }
                Step::Charge(at) if at < open.len() => {
                    post(open[at], 8);
                    charged.push(open[at]);
                }
                Step::Credit(at) if at < charged.len() => post(charged.swap_remove(at), -8),
                Step::LetGo(_) | Step::Charge(_) | Step::Credit(_) => {}
            }
        }
    }

    #[test]
    fn the_slope_is_in_its_interval_and_does_not_know_the_level(
        readings in vec(0_u64..1 << 40, SEGMENTS..200),
        level in 0_u64..1 << 40,
    ) {
        let growth = Growth::of(readings[0], &readings).unwrap();
        prop_assert!(growth.slope_low <= growth.slope && growth.slope <= growth.slope_high);
        let higher: Vec<u64> = readings.iter().map(|reading| reading + level).collect();
        let higher = Growth::of(higher[0], &higher).unwrap();
        prop_assert_eq!((higher.slope, higher.total()), (growth.slope, growth.total()));
        prop_assert_eq!(higher.leaks(), growth.leaks());
    }

    #[test]
    fn a_leak_is_found_under_noise_and_its_rate_is_in_the_interval(
        seed in 1_u64..u64::MAX,
        bytes in 8_u64..4096,
        every in 1_u64..8,
    ) {
        // The minima of buffers that come and go stray by less than they leak in a segment.
        let mut noise = Noise(seed);
        let readings: Vec<u64> = (0..2200)
            .map(|at| 10_000 + at / every * bytes + 50 * noise.below(20))
            .collect();
        let growth = Growth::of(10_000, &readings).unwrap();
        prop_assert!(growth.leaks(), "{}", growth);
        let rate = bytes as f64 / every as f64;
        prop_assert!((growth.slope - rate).abs() <= 5.0 + rate / 20.0, "{growth}, not {rate}");
    }
}

#[test]
fn a_tables_books_can_all_be_used_and_no_more() {
    let limit = 2500;
    let table = table(limit);
    let all: Vec<_> = (0..limit).map(|_| table.open().unwrap()).collect();
    assert!(table.open().is_none());
    for books in all {
        assert!(books.let_go());
        table.retire(books);
    }
    assert!((0..limit).all(|_| table.open().is_some()));
    assert!(table.open().is_none());
}

#[test]
fn the_peak_is_the_most_there_was_and_begins_anew_at_what_is_live() {
    let books = Books::new();
    books.post(Posting { bytes: 10, high_bytes: 70, blocks: 1, allocated_bytes: 70 });
    books.post(Posting { bytes: -5, high_bytes: 50, blocks: 0, allocated_bytes: 50 });
    assert_eq!((books.live_bytes(), books.peak_bytes(), books.allocated_bytes()), (5, 70, 120));
    books.reset_peak();
    assert_eq!(books.peak_bytes(), 5);
    books.post(Posting { bytes: 1, high_bytes: 2, blocks: 1, allocated_bytes: 2 });
    assert_eq!(books.peak_bytes(), 7);
}

#[test]
fn a_credit_that_overtakes_its_charge_reads_as_zero_not_as_a_huge_number() {
    let books = Books::new();
    post(&books, -8);
    assert_eq!((books.live_bytes(), books.live_blocks()), (0, 0));
    assert!(!books.is_settled());
    post(&books, 8);
    assert!(books.is_settled());
}

/// The test harness runs on the system's allocator.
#[test]
fn without_the_allocator_everything_works_and_figures_are_none() {
    let account = Account::new().unwrap();
    let kept = account.enter(|| vec![1, 2, 3]);
    assert_eq!((account.live(), account.peak(), account.count()), (None, None, None));
    assert_eq!(account.allocated(), None);
    assert!(!installed());
    let mut runs = 0;
    let refused = measure_growth(&account, || runs += 1, 100);
    assert_eq!((refused, runs), (Err(GrowthError::NotInstalled), 0));
    drop(account);
    drop(kept);
}

/// xorshift64: numbers that are the same in each run.
struct Noise(u64);

impl Noise {
    fn seeded(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15))
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) % bound
    }
}

/// What a clean workload has in memory at a time; the bound of what it keeps and its pace vary.
fn clean(kind: u64, noise: &mut Noise) -> Vec<u64> {
    let iterations = 1000 + noise.below(1000);
    // Growth that ends before the last two segments begin.
    let bound = 100 + noise.below(iterations * 9 / 11 - 100);
    let mut retained = 0;
    (1..=iterations)
        .map(|at| match kind {
            // A cache that fills up to its bound, and then a little noise of replaced entries.
            0 => at.min(bound) * 640 + noise.below(100) * 64,
            // A map that doubles until it holds what it is to hold.
            1 => at.min(bound).next_power_of_two() * 48 + noise.below(48),
            // A buffer that is filled and emptied, a few times or often.
            2 => at % (1 + bound / 2) * 8,
            // Independent noise.
            3 => noise.below(1 << 20),
            // A queue that grows and shrinks by chance, up to its bound.
            _ => {
                retained = (retained + noise.below(3)).clamp(1, bound) - 1;
                retained * 128
            }
        })
        .collect()
}

#[test]
fn clean_workloads_are_not_accused() {
    for kind in 0..5 {
        for seed in 1..=100 {
            let readings = clean(kind, &mut Noise::seeded(seed));
            let growth = Growth::of(0, &readings).unwrap();
            assert!(!growth.leaks(), "kind {kind}, seed {seed}: {growth}");
        }
    }
}

/// The negative control: an accusation by a line through all readings would be wrong here.
#[test]
fn a_cache_that_fills_grows_but_does_not_leak() {
    let readings: Vec<u64> = (0..1100).map(|at: u64| at.min(700) * 64).collect();
    let growth = Growth::of(0, &readings).unwrap();
    assert!(growth.slope >= 50.0 && growth.total() == 700 * 64, "{growth}");
    assert!(growth.slope_low == 0.0 && !growth.leaks());
}

#[test]
fn a_slope_below_the_minimum_is_no_leak_and_one_at_the_minimum_is() {
    let rising = |step: u64| (0..1100 / step).flat_map(move |at| (0..step).map(move |_| at));
    let slow: Vec<u64> = rising(2).collect();
    let slow = Growth::of(0, &slow).unwrap();
    assert!(slow.slope_low > 0.0 && !slow.leaks(), "{slow}");
    let steady: Vec<u64> = rising(1).collect();
    let steady = Growth::of(0, &steady).unwrap();
    assert!((steady.slope - MIN_LEAK_BYTES_PER_ITERATION).abs() < f64::EPSILON);
    assert!(steady.leaks());
}

#[test]
fn growth_needs_a_reading_for_each_segment() {
    let few = Growth::of(0, &[1; SEGMENTS - 1]);
    assert_eq!(few, Err(GrowthError::TooFewIterations { iterations: SEGMENTS - 1 }));
    assert_eq!(
        few.unwrap_err().to_string(),
        "10 iterations are too few to measure growth, at least 11 are needed"
    );
    assert!(Growth::of(0, &[1; SEGMENTS]).is_ok());
}

#[test]
fn growth_says_what_it_saw() {
    let readings: Vec<u64> = (1..=110).map(|at| 100 + at * 16).collect();
    let growth = Growth::of(100, &readings).unwrap();
    assert_eq!(
        growth.to_string(),
        "100 to 1860 bytes (+1760) in 110 iterations, \
         steadily +16.00 bytes an iteration (+16.00 to +16.00)"
    );
    assert!((growth.per_iteration() - 16.0).abs() < f64::EPSILON);
}
