//! Which account the current thread charges, and what it has charged but not yet posted.
//!
//! Owns the thread's side of the books: an allocation in a scope changes a few thread-local words,
//! which are posted to the account's shared [`Books`] when the scope changes, when they exceed
//! [`UNPOSTED_BYTES`], and before this thread reads. Promises that what is unposted belongs to the
//! innermost open scope, that an open scope's account has a handle, and that nothing here
//! allocates, panics or needs a destructor, so that the allocator may call it at any moment of a
//! thread's life.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ptr;

use super::books::{Books, Posting};

/// The most by which one thread's unposted allocations can make an account's live bytes wrong.
pub(super) const UNPOSTED_BYTES: i64 = 64 * 1024;

thread_local! {
    static LEDGER: Ledger = const { Ledger::new() };
}

/// One thread's ledger. See [`Posting`] for what the unposted figures mean.
///
/// In this order, no two figures that an allocation adds to stand side by side: the compiler would
/// add to both as one vector, and loading that waits for the stores of its halves.
#[repr(C)]
struct Ledger {
    /// The account that is charged; `None` outside of all scopes.
    books: Cell<Option<&'static Books>>,
    /// Unposted; less than `UNPOSTED_BYTES` above or below zero.
    bytes: Cell<i64>,
    /// Unposted; less than `UNPOSTED_BYTES`.
    high_bytes: Cell<i64>,
    /// Unposted.
    blocks: Cell<i64>,
    /// The number of the innermost open scope; 0 if there is none.
    scope: Cell<u64>,
    /// Unposted.
    allocated_bytes: Cell<u64>,
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
            bytes: Cell::new(0),
            high_bytes: Cell::new(0),
            blocks: Cell::new(0),
            allocated_bytes: Cell::new(0),
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
    ///
    /// Sums wrap here and below: an overflow must not panic inside an allocator, and takes more
    /// bytes than there are.
    #[inline]
    fn charge(&self, books: &Books, bytes: usize, blocks: i64) {
        self.blocks.set(self.blocks.get().wrapping_add(blocks));
        self.allocated_bytes.set(self.allocated_bytes.get().wrapping_add(bytes as u64));
        let unposted = self.bytes.get().wrapping_add(signed(bytes));
        self.bytes.set(unposted);
        if unposted > self.high_bytes.get() {
            self.high_bytes.set(unposted);
            if unposted >= UNPOSTED_BYTES {
                self.post(books);
            }
        }
    }

    /// Takes back a charge of `bytes` in `blocks` blocks.
    #[inline]
    fn credit(&self, books: &Books, bytes: usize, blocks: i64) {
        self.blocks.set(self.blocks.get().wrapping_sub(blocks));
        let unposted = self.bytes.get().wrapping_sub(signed(bytes));
        self.bytes.set(unposted);
        if unposted <= -UNPOSTED_BYTES {
            self.post(books);
        }
    }

    /// Posts what is unposted to `books`.
    fn post(&self, books: &Books) {
        // Every charge and credit moves one of these two, or both.
        let allocated_bytes = self.allocated_bytes.replace(0);
        let bytes = self.bytes.replace(0);
        if allocated_bytes == 0 && bytes == 0 {
            return;
        }
        books.post(Posting {
            bytes,
            high_bytes: self.high_bytes.replace(0),
            blocks: self.blocks.replace(0),
            allocated_bytes,
        });
    }
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
        ledger.charge(books, bytes, 1);
        Some(books)
    })
}

/// Credits `books` with a block of `bytes`.
#[inline]
pub(super) fn credit(books: &'static Books, bytes: usize) {
    LEDGER.with(|ledger| {
        if ledger.is_in(books) {
            ledger.credit(books, bytes, 1);
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
            ledger.charge(books, grown, 0);
        } else {
            ledger.credit(books, from - to, 0);
        }
    });
}

/// The size of a block: at most `isize::MAX`.
#[inline]
fn signed(bytes: usize) -> i64 {
    (bytes as u64).cast_signed()
}
