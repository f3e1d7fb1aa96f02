//! The accounting allocator beside the bare one, on the same work.
//!
//! A process has one allocator. Here it is one that asks, at each call, which side is being measured,
//! and passes the call on: both sides pay for the question. Each operation frees what it allocates,
//! so no block changes sides.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::collections::HashMap;
use std::hint::black_box;

use foldhash::fast::FixedState;
use foundation::memory::{Account, Accounting};

/// The program's allocator: the system's, with books or without.
#[derive(Debug)]
pub struct Sides(Accounting<System>);

thread_local! {
    static ACCOUNTED: Cell<bool> = const { Cell::new(false) };
}

impl Sides {
    /// Both sides.
    pub const fn new() -> Self {
        Self(Accounting::new(System))
    }
}

impl Default for Sides {
    fn default() -> Self {
        Self::new()
    }
}

#[expect(unsafe_code, reason = "an allocator that passes calls on can't be written without")]
// SAFETY: each call is passed on to one allocator, with what the caller promised; that a block goes
// back to the side it came from is up to the workloads, which free what they allocate.
unsafe impl GlobalAlloc for Sides {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promise.
        if ACCOUNTED.get() {
            unsafe { self.0.alloc(layout) }
        } else {
            unsafe { System.alloc(layout) }
        }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if ACCOUNTED.get() {
            // SAFETY: the caller's promise.
            unsafe { self.0.alloc_zeroed(layout) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.alloc_zeroed(layout) }
        }
    }

    #[inline]
    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if ACCOUNTED.get() {
            // SAFETY: the caller's promise.
            unsafe { self.0.dealloc(block, layout) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.dealloc(block, layout) }
        }
    }

    #[inline]
    unsafe fn realloc(&self, block: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        if ACCOUNTED.get() {
            // SAFETY: the caller's promise.
            unsafe { self.0.realloc(block, layout, new_size) }
        } else {
            // SAFETY: the caller's promise.
            unsafe { System.realloc(block, layout, new_size) }
        }
    }
}

/// `memory_accounting`: the work with its blocks charged to an account.
pub fn accounted() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let account = Account::new().expect("there is room for an account");
    move |n| {
        ACCOUNTED.set(true);
        let length = account.enter(|| allocation_heavy(n));
        ACCOUNTED.set(false);
        length
    }
}

/// The peer of [`accounted`]: the same work on the bare allocator.
pub fn bare() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    allocation_heavy
}

/// What messages are cut from.
const TEXT: &str = "the quick brown fox jumps over the lazy dog, and then the lazy dog jumps over \
                    the quick brown fox once more";

/// What agents do with the heap: messages are written to small strings, put in a map under their
/// senders, and read once. A hundred blocks of 10 to 99
/// bytes, and lists that are resized as they grow.
fn allocation_heavy(n: u64) -> usize {
    let mut inbox: HashMap<u64, Vec<String>, FixedState> = HashMap::default();
    for (message, length) in (0_u64..).zip((0..100).map(|at| 10 + (at * 7) % 90)) {
        let sender = (n ^ message).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 61;
        inbox.entry(sender).or_default().push(TEXT[..length].to_owned());
    }
    black_box(&inbox).values().flatten().map(String::len).sum()
}
