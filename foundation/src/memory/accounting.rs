//! The allocator that keeps the books.
//!
//! Owns the layout of a block: behind what the caller sees stands a word that names the books it is
//! charged to, so that whoever frees it credits them. All `unsafe` code of memory accounting is in
//! this file. Leaves the memory itself to the inner allocator, each of whose methods is called for
//! what the program asked: zeroed memory can come zeroed from the system, and a block can grow in
//! place.
//!
//! The word stands behind the block, and not in front, because there it costs eight bytes at every
//! alignment and leaves the block where the inner allocator put it. In front it would take up as
//! many bytes as the block is aligned to. Neither was faster.
//!
//! A `Box` frees its memory through a pointer to its value, and the word lies outside of that. Tree
//! Borrows allows this, and the tests pass under `MIRIFLAGS="-Zmiri-tree-borrows
//! -Zmiri-strict-provenance -Zmiri-disable-isolation"`. Stacked Borrows does not: not for any
//! allocator written in Rust that keeps something beside its blocks.

use std::alloc::{GlobalAlloc, Layout, System};
use std::ptr;

use super::books::Books;
use super::ledger::{self, LONGEST};

/// What stands behind a block: whom it is charged to.
type Owner = Option<&'static Books>;

/// The program's allocator, which charges each block to the [`Account`](super::Account) that the
/// allocating thread is in a scope of, and credits the same account when the block is freed, by
/// whomever and wherever.
///
/// ```
/// use std::alloc::System;
/// use foundation::memory::{Account, Accounting};
///
/// #[global_allocator]
/// static ALLOCATOR: Accounting<System> = Accounting::new(System);
///
/// let account = Account::new()?;
/// let text = account.enter(|| String::from("charged to the account"));
/// assert_eq!(account.live(), Some(22));
/// std::thread::spawn(move || drop(text)).join().unwrap();
/// assert_eq!(account.live(), Some(0));
/// # Ok::<(), foundation::memory::TooManyAccounts>(())
/// ```
///
/// # Cost
///
/// A word more for each block (8 bytes on a 64-bit target), at every size and alignment. It is not
/// charged to anybody. An allocation, or a free of what the present account allocated, changes one
/// thread-local word, and a free at a new peak one more; a free of what another account allocated
/// is two atomic additions; outside of all scopes, an allocation is one look at a thread-local word.
/// Once in 64 KiB that a thread allocates or frees in a scope, it posts them in up to four atomic
/// operations.
///
/// On 64-bit targets blocks of 64 TiB and more are refused, on others those of about 1 GiB.
///
/// A fair measurement runs one workload, compiled once, in programs that differ in nothing but the
/// allocator, in turns: messages of some twenty strings, boxes, a map and a vector that grows are
/// made in a scope, kept in a queue of 64, then read and dropped in the same scope or in that of
/// another account; one scope a message. It is unfair to time a free without the read before it,
/// which brings the block into the cache.
///
/// # Targets
///
/// Allocators need thread-local variables that do not allocate: the targets on which the compiler
/// offers them natively, which are Linux, macOS, Windows and the BSDs among others.
#[derive(Debug, Default)]
pub struct Accounting<A = System> {
    inner: A,
}

impl<A> Accounting<A> {
    /// Keeps books over what `inner` allocates.
    pub const fn new(inner: A) -> Self {
        Self { inner }
    }
}

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: a block is the beginning of a block of the inner allocator, with the same alignment and
// at least as long. The inner block is freed and resized with the layout that it was allocated
// with, which `whole` gives for equal layouts. Nothing here unwinds: the ledger's sums wrap.
unsafe impl<A: GlobalAlloc> GlobalAlloc for Accounting<A> {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller passes no size of zero.
        let Some(whole) = (unsafe { whole(layout) }) else { return ptr::null_mut() };
        // SAFETY: the size of `whole` is not zero: it holds an owner.
        let block = unsafe { self.inner.alloc(whole) };
        // SAFETY: `block` is null or was just allocated as `whole`.
        unsafe { charged(block, layout.size()) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller passes no size of zero.
        let Some(whole) = (unsafe { whole(layout) }) else { return ptr::null_mut() };
        // SAFETY: the size of `whole` is not zero: it holds an owner.
        let block = unsafe { self.inner.alloc_zeroed(whole) };
        // SAFETY: `block` is null or was just allocated as `whole`.
        unsafe { charged(block, layout.size()) }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the caller passes a block of ours with its layout, which was found to fit.
        let whole = unsafe { whole(layout).unwrap_unchecked() };
        // SAFETY: a block of ours has its owner behind it.
        if let Some(books) = unsafe { owner(block, layout.size()).read_unaligned() } {
            ledger::credit(books, layout.size());
        }
        // SAFETY: the inner block begins where the block does and was allocated as `whole`.
        unsafe { self.inner.dealloc(block, whole) }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller passes a new size that is not zero and fits the alignment.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        // SAFETY: as above.
        let Some(new_whole) = (unsafe { whole(new) }) else { return ptr::null_mut() };
        // SAFETY: as in `dealloc`.
        let whole = unsafe { whole(layout).unwrap_unchecked() };
        // SAFETY: as in `dealloc`.
        let books = unsafe { owner(block, layout.size()).read_unaligned() };
        // SAFETY: as in `dealloc`; the new size is not zero and fits, as `new_whole` shows.
        let block = unsafe { self.inner.realloc(block, whole, new_whole.size()) };
        if block.is_null() {
            return block;
        }
        // SAFETY: the new inner block is as long as `new_whole`.
        unsafe { owner(block, new_size).write_unaligned(books) };
        if let Some(books) = books {
            ledger::resize(books, layout.size(), new_size);
        }
        block
    }
}

/// Charges the new block of `size` at `block`, and returns it.
///
/// # Safety
///
/// `block` is null or points to memory that nobody else uses, an owner longer than `size`.
#[expect(unsafe_code, reason = "writes the owner behind a block")]
#[inline]
unsafe fn charged(block: *mut u8, size: usize) -> *mut u8 {
    if !block.is_null() {
        // SAFETY: the memory is as long as that.
        unsafe { owner(block, size).write_unaligned(ledger::charge(size)) };
    }
    block
}

/// Where the owner of a block of `size` is written: behind it, at any alignment.
///
/// # Safety
///
/// `block` is the beginning of an inner block that is an owner longer than `size`.
#[expect(unsafe_code, reason = "reaches behind a block")]
#[inline]
unsafe fn owner(block: *mut u8, size: usize) -> *mut Owner {
    // SAFETY: the inner block goes on for an owner.
    unsafe { block.add(size).cast() }
}

/// The layout of the inner block for a block of `layout`; `None` if that is too long to exist.
///
/// # Safety
///
/// The size is not zero.
#[expect(unsafe_code, reason = "to check again what every layout keeps costs as much as the books")]
#[inline]
unsafe fn whole(layout: Layout) -> Option<Layout> {
    if layout.size() > LONGEST {
        return None;
    }
    let size = layout.size() + size_of::<Owner>();
    // SAFETY: rounded up to the alignment, the size must not exceed `isize::MAX`. It is not above a
    // quarter of the addresses, nor is the alignment: it is a power of two, and `layout`'s size is
    // not zero and, rounded up to it, less than half of them. Both being at most that power of two,
    // so is the size when it is rounded up.
    Some(unsafe { Layout::from_size_align_unchecked(size, layout.align()) })
}
