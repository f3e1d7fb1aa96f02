//! Which account the current thread charges, and what it has charged but not yet posted.
//!
//! Owns the thread's side of the books: what is allocated and freed in a scope is added up in
//! thread-local words, which are posted to the account's shared [`Books`] when the scope changes,
//! when they reach [`UNPOSTED_BYTES`], and before this thread reads. Promises that what is unposted
//! belongs to the innermost open scope, that an open scope's account has a handle, and that nothing
//! here allocates, panics or needs a destructor, so that the allocator may call it at any moment of
//! a thread's life.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use super::books::{Books, Posting};

/// A thread posts when it has charged this many bytes, or credited as many, since it last did: by
/// less, it can make an account's live bytes wrong.
///
/// Each block has a byte at least, so that by then there are no more blocks than [`BLOCKS`] counts.
const UNPOSTED_BYTES: u64 = BLOCKS;

/// The bits of a tally that count blocks. The bits above count bytes.
const BLOCKS: u64 = BYTE - 1;

/// One byte in a tally.
const BYTE: u64 = 1 << 16;

/// The empty tally: so far below zero that a tally overflows at [`UNPOSTED_BYTES`].
const EMPTY: u64 = (UNPOSTED_BYTES * BYTE).wrapping_neg();

/// The high of empty tallies.
const NO_HIGH: i64 = BLOCKS.cast_signed();

/// The longest block that can be charged: added to a tally that is almost full it stays below
/// `i64::MAX`, and, where pointers are shorter, with a word more it is not above a quarter of all
/// addresses.
pub(super) const LONGEST: usize =
    if usize::BITS == 64 { usize::MAX >> 18 } else { usize::MAX / 4 - size_of::<usize>() };

thread_local! {
    static LEDGER: Ledger = const { Ledger::new() };
}

/// One thread's ledger.
///
/// What is unposted is in two tallies of bytes and blocks, so that an allocation changes one word
/// and a free another.
struct Ledger {
    /// The account that is charged; `None` outside of all scopes.
    books: Cell<Option<&'static Books>>,
    /// A tally of what was charged and is unposted.
    charged: Cell<u64>,
    /// A tally of what was credited and is unposted.
    credited: Cell<u64>,
    /// The most bytes that were charged and not credited when [`look`](Self::look) was last called,
    /// as a tally counts them. The bits for blocks are all set.
    high: Cell<i64>,
    /// The number of the innermost open scope; 0 if there is none.
    scope: Cell<u64>,
    /// The number of the scope that was opened last.
    last_scope: Cell<u64>,
}

/// A scope of this thread, until it is dropped.
///
/// Its owner keeps a handle of the account until then. Scopes that end in reverse order restore
/// each other. One that ends out of order leaves the thread without an account, and so does every
/// scope that was open then: its account may have lost its handle.
pub(super) struct Switch {
    /// The number of this scope.
    scope: u64,
    outer_scope: u64,
    outer_books: Option<&'static Books>,
    /// A scope belongs to its thread.
    not_send: PhantomData<*const ()>,
}

impl Switch {
    /// Lets this thread charge `books` from now on.
    #[inline]
    pub(super) fn to(books: Option<&'static Books>) -> Self {
        LEDGER.with(|ledger| {
            let scope = ledger.last_scope.get() + 1;
            ledger.last_scope.set(scope);
            let outer_scope = ledger.scope.get();
            let outer_books = ledger.enter(scope, books);
            Self { scope, outer_scope, outer_books, not_send: PhantomData }
        })
    }
}

impl Drop for Switch {
    #[inline]
    fn drop(&mut self) {
        LEDGER.with(|ledger| {
            let innermost = ledger.scope.get() == self.scope;
            let (scope, books) =
                if innermost { (self.outer_scope, self.outer_books) } else { (0, None) };
            ledger.enter(scope, books);
        });
    }
}

impl Ledger {
    const fn new() -> Self {
        Self {
            books: Cell::new(None),
            charged: Cell::new(EMPTY),
            credited: Cell::new(EMPTY),
            high: Cell::new(NO_HIGH),
            scope: Cell::new(0),
            last_scope: Cell::new(0),
        }
    }

    /// Posts what belongs to the present books, which are returned, and goes on with `books`.
    #[inline]
    fn enter(&self, scope: u64, books: Option<&'static Books>) -> Option<&'static Books> {
        let before = self.books.replace(books);
        self.scope.set(scope);
        if let Some(before) = before {
            self.post(before);
        }
        before
    }

    #[inline]
    fn is_in(&self, books: &Books) -> bool {
        self.books.get().is_some_and(|current| ptr::eq(current, books))
    }

    /// Adds a charge of `bytes` in `blocks` new blocks.
    #[inline]
    fn charge(&self, bytes: usize, blocks: u64) {
        let (charged, full) = self.charged.get().overflowing_add(tally(bytes, blocks));
        self.charged.set(charged);
        if full {
            post_present();
        }
    }

    /// Takes back a charge of `bytes` in `blocks` blocks.
    #[inline]
    fn credit(&self, bytes: usize, blocks: u64) {
        self.look();
        let (credited, full) = self.credited.get().overflowing_add(tally(bytes, blocks));
        self.credited.set(credited);
        if full {
            post_present();
        }
    }

    /// Raises the high to the present level. Before a credit or a posting is soon enough: charges
    /// only add to the level.
    #[inline]
    fn look(&self) {
        // With its bits for blocks set, no credited block borrows from a byte.
        let level = (self.charged.get() | BLOCKS).wrapping_sub(self.credited.get()).cast_signed();
        if level > self.high.get() {
            self.high.set(level | NO_HIGH);
        }
    }

    /// Posts what is unposted to `books`.
    fn post(&self, books: &Books) {
        self.look();
        let charged = self.charged.replace(EMPTY).wrapping_sub(EMPTY);
        let credited = self.credited.replace(EMPTY).wrapping_sub(EMPTY);
        let high = self.high.replace(NO_HIGH);
        if charged == 0 && credited == 0 {
            return;
        }
        books.post(Posting {
            bytes: (charged / BYTE).cast_signed() - (credited / BYTE).cast_signed(),
            high_bytes: high / BYTE.cast_signed(),
            blocks: (charged & BLOCKS).cast_signed() - (credited & BLOCKS).cast_signed(),
            allocated_bytes: charged / BYTE,
        });
    }
}

/// Posts what is unposted, to the account that this thread charges.
#[cold]
#[inline(never)]
fn post_present() {
    LEDGER.with(|ledger| {
        if let Some(books) = ledger.books.get() {
            ledger.post(books);
        }
    });
}

/// The account that this thread charges.
pub(super) fn current() -> Option<&'static Books> {
    LEDGER.with(|ledger| ledger.books.get())
}

/// Posts what this thread has not posted, if it is in a scope of `books`.
pub(super) fn post(books: &Books) {
    LEDGER.with(|ledger| {
        if ledger.is_in(books) {
            ledger.post(books);
        }
    });
}

/// Charges a new block of `bytes` and returns to whom; `None` outside of all scopes.
#[inline]
pub(super) fn charge(bytes: usize) -> Option<&'static Books> {
    LEDGER.with(|ledger| {
        let books = ledger.books.get()?;
        ledger.charge(bytes, 1);
        Some(books)
    })
}

/// Credits `books` with a block of `bytes`.
#[inline]
pub(super) fn credit(books: &'static Books, bytes: usize) {
    LEDGER.with(|ledger| {
        if ledger.is_in(books) {
            ledger.credit(bytes, 1);
        } else {
            books.post(Posting { bytes: -signed(bytes), blocks: -1, ..Posting::default() });
        }
    });
}

/// Charges or credits `books` with the difference, for a block that was resized.
#[inline]
pub(super) fn resize(books: &'static Books, from: usize, to: usize) {
    LEDGER.with(|ledger| {
        let grown = to.saturating_sub(from);
        if !ledger.is_in(books) {
            let bytes = signed(to).wrapping_sub(signed(from));
            let allocated_bytes = grown as u64;
            books.post(Posting { bytes, high_bytes: bytes, blocks: 0, allocated_bytes });
        } else if grown > 0 {
            ledger.charge(grown, 0);
        } else {
            ledger.credit(from - to, 0);
        }
    });
}

/// A tally's worth of `bytes`, at most [`LONGEST`], in `blocks` blocks.
#[inline]
fn tally(bytes: usize, blocks: u64) -> u64 {
    bytes as u64 * BYTE + blocks
}

/// The size of a block: at most `isize::MAX`.
#[inline]
fn signed(bytes: usize) -> i64 {
    (bytes as u64).cast_signed()
}
