//! Memory for mail and turns: blocks that threads keep for the next message.
//!
//! A message is allocated by who sends it and freed by who handles it, often on another thread, within
//! microseconds. A general allocator asks 25 to 50 ns for that pair. Here each thread keeps freed
//! blocks by size, and threads exchange whole magazines of them through a depot (Bonwick and Adams,
//! "Magazines and Vmem", USENIX 2001), so that a steady flow allocates nothing, whichever way it goes.
//!
//! Bounded: a thread keeps at most [`KEPT_BYTES`] in each of the [`CLASSES`] sizes, the depot at most
//! [`DEPOT_MAGAZINES`] magazines of each. Blocks above 1 KiB are the allocator's affair. A thread that
//! ends frees what it kept. Under a checker of memory (`--cfg mabeam_checked`, Miri) nothing is kept,
//! so that each use after a free is seen.

#![expect(unsafe_code, reason = "raw memory, kept in lists")]

use std::alloc::{self, Layout};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Mutex;

/// Sizes: 64, 128, 256, 512 and 1,024 bytes.
const CLASSES: usize = 5;
const SMALLEST: usize = 64;
/// What a thread keeps of one size, in two magazines.
const KEPT_BYTES: usize = 64 << 10;
/// What the depot keeps of one size.
const DEPOT_MAGAZINES: usize = 16;
/// What every block is aligned to.
const ALIGN: usize = 16;

/// A free block is a list item.
struct Free {
    next: *mut Free,
}

/// A stack of free blocks.
#[derive(Clone, Copy)]
struct Magazine {
    top: *mut Free,
    count: usize,
}

/// What one thread keeps of one size. Blocks go to and come from `loaded`; `spare` is full or empty.
struct Kept {
    class: usize,
    loaded: Cell<Magazine>,
    spare: Cell<Magazine>,
}

struct Thread([Kept; CLASSES]);

thread_local! {
    static THREAD: Thread = const {
        Thread([Kept::new(0), Kept::new(1), Kept::new(2), Kept::new(3), Kept::new(4)])
    };
}

/// Full magazines, by size.
static DEPOT: [Mutex<Vec<Magazine>>; CLASSES] = [const { Mutex::new(Vec::new()) }; CLASSES];

/// Memory for a `T`, not initialised.
#[inline]
pub(crate) fn allocate<T>() -> NonNull<T> {
    let block = match const { class_of(Layout::new::<T>()) } {
        Some(class) => THREAD.try_with(|thread| thread.0[class].take()).ok().flatten(),
        None => None,
    };
    match block {
        Some(block) => block.cast(),
        None => fresh(const { block_of(Layout::new::<T>()) }),
    }
}

/// Gives the memory of a `T` back.
///
/// # Safety
///
/// `block` is from [`allocate`] of a type of the same layout, its value has been moved out or dropped,
/// and nobody uses it any more.
#[inline]
pub(crate) unsafe fn free<T>(block: NonNull<T>) {
    let is_kept = match const { class_of(Layout::new::<T>()) } {
        Some(class) => THREAD.try_with(|thread| thread.0[class].put(block.cast())).is_ok(),
        None => false,
    };
    if !is_kept {
        // SAFETY: blocks of this type are allocated with this layout.
        unsafe { alloc::dealloc(block.as_ptr().cast(), const { block_of(Layout::new::<T>()) }) };
    }
}

/// The size that is kept for a layout, if any.
const fn class_of(layout: Layout) -> Option<usize> {
    if cfg!(any(miri, mabeam_checked)) || layout.align() > ALIGN {
        return None;
    }
    let mut class = 0;
    while class < CLASSES {
        if layout.size() <= SMALLEST << class {
            return Some(class);
        }
        class += 1;
    }
    None
}

/// What is asked of the allocator for a layout.
const fn block_of(layout: Layout) -> Layout {
    match class_of(layout) {
        Some(class) => block_layout(class),
        None => layout,
    }
}

const fn block_layout(class: usize) -> Layout {
    match Layout::from_size_align(SMALLEST << class, ALIGN) {
        Ok(layout) => layout,
        Err(_) => unreachable!(),
    }
}

#[cold]
fn fresh<T>(layout: Layout) -> NonNull<T> {
    // SAFETY: an item of mail has a header, so the size is not zero.
    let block = unsafe { alloc::alloc(layout) };
    NonNull::new(block.cast()).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

impl Magazine {
    const EMPTY: Self = Self { top: ptr::null_mut(), count: 0 };

    /// How many blocks are full.
    const fn capacity(class: usize) -> usize {
        KEPT_BYTES / 2 / (SMALLEST << class)
    }

    fn pop(&mut self) -> Option<NonNull<Free>> {
        let block = NonNull::new(self.top)?;
        // SAFETY: the blocks of a magazine are its own, and `push` wrote their links.
        self.top = unsafe { (*block.as_ptr()).next };
        self.count -= 1;
        Some(block)
    }

    fn push(&mut self, block: NonNull<Free>) {
        // SAFETY: a free block is nobody else's, and large enough for a link.
        unsafe { block.as_ptr().write(Free { next: self.top }) };
        self.top = block.as_ptr();
        self.count += 1;
    }
}

impl Kept {
    const fn new(class: usize) -> Self {
        Self { class, loaded: Cell::new(Magazine::EMPTY), spare: Cell::new(Magazine::EMPTY) }
    }

    #[inline]
    fn take(&self) -> Option<NonNull<Free>> {
        let mut loaded = self.loaded.get();
        if loaded.count == 0 {
            loaded = self.reload()?;
        }
        let block = loaded.pop();
        self.loaded.set(loaded);
        block
    }

    #[inline]
    fn put(&self, block: NonNull<Free>) {
        let mut loaded = self.loaded.get();
        if loaded.count == const { Magazine::capacity(0) } >> self.class {
            loaded = self.unload();
        }
        loaded.push(block);
        self.loaded.set(loaded);
    }

    /// A magazine with blocks: the spare one, or one of the depot.
    #[cold]
    fn reload(&self) -> Option<Magazine> {
        let spare = self.spare.replace(Magazine::EMPTY);
        if spare.count > 0 {
            return Some(spare);
        }
        lock(self.class).pop()
    }

    /// An empty magazine: the full one becomes the spare one, whose blocks go to the depot or, if that
    /// is full, to the allocator.
    #[cold]
    fn unload(&self) -> Magazine {
        let spare = self.spare.replace(self.loaded.replace(Magazine::EMPTY));
        if spare.count > 0 {
            let mut depot = lock(self.class);
            if depot.len() < DEPOT_MAGAZINES {
                depot.push(spare);
            } else {
                drop(depot);
                release(spare, self.class);
            }
        }
        Magazine::EMPTY
    }
}

fn lock(class: usize) -> std::sync::MutexGuard<'static, Vec<Magazine>> {
    DEPOT[class].lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Gives blocks to the allocator.
fn release(mut magazine: Magazine, class: usize) {
    while let Some(block) = magazine.pop() {
        // SAFETY: the blocks of a class were allocated with its layout.
        unsafe { alloc::dealloc(block.as_ptr().cast(), block_layout(class)) };
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        for kept in &self.0 {
            release(kept.loaded.replace(Magazine::EMPTY), kept.class);
            release(kept.spare.replace(Magazine::EMPTY), kept.class);
        }
    }
}

// SAFETY: a magazine owns its blocks, which any thread may use and free.
unsafe impl Send for Magazine {}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_block_that_was_freed_is_used_again() {
        let first = allocate::<[u64; 9]>();
        // SAFETY: just allocated, and not used.
        unsafe { free(first) };
        let second = allocate::<[u64; 16]>();
        assert_eq!(first.addr(), second.addr(), "both are of the class of 128 bytes");
        // SAFETY: as above.
        unsafe { free(second) };
    }

    #[test]
    fn what_one_thread_frees_another_allocates_and_nothing_is_lost() {
        const BLOCKS: usize = 10_000;
        let (sender, receiver) = std::sync::mpsc::sync_channel::<usize>(64);
        let freer = std::thread::spawn(move || {
            for address in receiver {
                let block = NonNull::new(ptr::with_exposed_provenance_mut::<[usize; 100]>(address));
                let Some(block) = block else { unreachable!() };
                // SAFETY: allocated and written below, handed over whole.
                unsafe {
                    assert_eq!((*block.as_ptr())[99], address);
                    free(block);
                }
            }
        });
        for _ in 0..BLOCKS {
            let block = allocate::<[usize; 100]>();
            let address = block.as_ptr().expose_provenance();
            // SAFETY: just allocated for this type.
            unsafe { block.as_ptr().write([address; 100]) };
            sender.send(address).unwrap();
        }
        drop(sender);
        freer.join().unwrap();
    }
}
