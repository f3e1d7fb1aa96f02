//! Every interleaving of the end of an account, explored by loom.
//!
//! With the feature `memory` and `RUSTFLAGS="--cfg foundation_loom"`: `cargo test -p foundation --lib
//! --release loom_`

use loom::thread;

use super::books::{Books, Posting};
use super::table::Table;
use crate::sync::Arc;

/// One block of eight bytes, charged or credited.
fn post(books: &Books, blocks: i64) {
    let bytes = 8 * blocks;
    let allocated_bytes = bytes.max(0).cast_unsigned();
    books.post(Posting { bytes, high_bytes: bytes.max(0), blocks, allocated_bytes });
}

/// A block that grows by eight bytes.
fn grow(books: &Books) {
    books.post(Posting { bytes: 8, high_bytes: 8, blocks: 0, allocated_bytes: 8 });
}

/// The end of a block that has grown.
fn free_grown(books: &Books) {
    books.post(Posting { bytes: -16, high_bytes: 0, blocks: -1, allocated_bytes: 0 });
}

/// Opens books, which must be as new.
fn opened(table: &Table) -> Option<&'static Books> {
    let books = table.open()?;
    assert_eq!((books.live_bytes(), books.live_blocks()), (0, 0));
    assert_eq!((books.peak_bytes(), books.allocated_bytes()), (0, 0));
    Some(books)
}

#[test]
fn loom_books_are_not_opened_again_before_their_last_block_is_freed() {
    loom::model(|| {
        let table = Arc::new(Table::new(1));
        let books = opened(&table).unwrap();
        post(books, 1);
        post(books, 1);
        assert!(books.let_go());
        table.retire(books);
        let freer = thread::spawn(move || post(books, -1));
        // One block is still charged, whatever the other thread does.
        assert!(opened(&table).is_none());
        post(books, -1);
        let early = opened(&table);
        freer.join().unwrap();
        // Credits of the account before must not arrive in the one that was opened.
        assert_eq!((books.live_bytes(), books.live_blocks()), (0, 0));
        assert!(early.is_some() || opened(&table).is_some());
    });
}

#[test]
fn loom_books_are_not_opened_again_while_a_block_of_an_ended_account_grows_and_is_freed() {
    loom::model(|| {
        let table = Arc::new(Table::new(1));
        let books = opened(&table).unwrap();
        post(books, 1);
        post(books, 1);
        assert!(books.let_go());
        table.retire(books);
        let freer = thread::spawn(move || {
            grow(books);
            free_grown(books);
        });
        post(books, -1);
        let early = opened(&table);
        freer.join().unwrap();
        // Nothing of the account before arrives in the one that was opened, not even a peak.
        assert_eq!((books.live_bytes(), books.live_blocks()), (0, 0));
        assert_eq!(books.peak_bytes() * u64::from(early.is_some()), 0);
        assert_eq!(books.allocated_bytes() * u64::from(early.is_some()), 0);
        assert!(early.is_some() || opened(&table).is_some());
    });
}

#[test]
fn loom_the_last_handle_retires_the_books_with_all_charges_posted() {
    loom::model(|| {
        let table = Arc::new(Table::new(1));
        let books = opened(&table).unwrap();
        books.hold();
        let other = Arc::clone(&table);
        let let_go = |table: &Table| {
            post(books, 1);
            if books.let_go() {
                table.retire(books);
            }
        };
        let holder = thread::spawn(move || let_go(&other));
        let_go(&table);
        // Settled or not yet retired: in either case a block is charged.
        assert!(opened(&table).is_none());
        holder.join().unwrap();
        assert!(opened(&table).is_none());
        post(books, -1);
        post(books, -1);
        assert!(opened(&table).is_some());
    });
}

#[test]
fn loom_two_threads_never_open_the_same_books() {
    loom::model(|| {
        let table = Arc::new(Table::new(1));
        let books = opened(&table).unwrap();
        post(books, 1);
        assert!(books.let_go());
        table.retire(books);
        let other = Arc::clone(&table);
        let opener = thread::spawn(move || opened(&other).is_some());
        post(books, -1);
        let own = opened(&table).is_some();
        let others = opener.join().unwrap();
        assert!(own != others);
    });
}
