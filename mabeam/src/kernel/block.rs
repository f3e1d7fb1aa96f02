//! Memory for mail and turns: blocks that threads keep for the next message.
//!
//! A message is allocated by who sends it and freed by who handles it, often on another thread, within
//! microseconds. A general allocator asks 25 to 50 ns for that pair. Here each thread keeps freed
//! blocks by size, and threads exchange whole magazines of them through a depot (Bonwick and Adams,
//! "Magazines and Vmem", USENIX 2001), so that a steady flow allocates nothing, whichever way it goes.
//! A magazine is an array: taking a block does not read the block, which another core may hold.
//!
//! Bounded: a thread keeps at most [`KEPT_BYTES`] in each of the [`CLASSES`] sizes, the depot at most
//! [`DEPOT_MAGAZINES`] magazines of each. Blocks above 1 KiB are the allocator's affair. A thread that
//! ends frees what it kept. Under a checker of memory (`--cfg mabeam_checked`, Miri) nothing is kept,
//! so that each use after a free is seen.

#![expect(unsafe_code, reason = "raw memory")]

use std::alloc::{self, Layout};
use std::cell::RefCell;
use std::mem;
use std::ptr::NonNull;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foundation::memory::unaccounted;

/// Sizes: 64, 128, 256, 512 and 1,024 bytes.
const CLASSES: usize = 5;
const SMALLEST: usize = 64;
/// What a thread keeps of one size, in two magazines.
const KEPT_BYTES: usize = 64 << 10;
/// What the depot keeps of one size.
const DEPOT_MAGAZINES: usize = 16;
/// What every block is aligned to: no two share a cache line.
const ALIGN: usize = 64;

/// Free blocks of one size. Owns them.
#[derive(Default)]
struct Magazine(Vec<Free>);

/// A free block.
struct Free(NonNull<u8>);

/// What one thread keeps of one size. Blocks go to and come from `loaded`; `spare` is full or empty.
struct Kept {
    class: usize,
    loaded: Magazine,
    spare: Magazine,
}

/// What one thread keeps, by size.
struct Thread([RefCell<Kept>; CLASSES]);

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
        Some(class) => THREAD.try_with(|thread| thread.0[class].borrow_mut().take()).ok().flatten(),
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
        Some(class) => {
            THREAD.try_with(|thread| thread.0[class].borrow_mut().put(block.cast())).is_ok()
        }
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

/// Charged to nobody: whose account is open when a block is allocated is not who uses it next.
#[cold]
fn fresh<T>(layout: Layout) -> NonNull<T> {
    // SAFETY: an item of mail has a header, so the size is not zero.
    let block = unaccounted(|| unsafe { alloc::alloc(layout) });
    NonNull::new(block.cast()).unwrap_or_else(|| alloc::handle_alloc_error(layout))
}

impl Kept {
    const fn new(class: usize) -> RefCell<Self> {
        RefCell::new(Self { class, loaded: Magazine(Vec::new()), spare: Magazine(Vec::new()) })
    }

    /// How many blocks fill a magazine.
    const fn capacity(&self) -> usize {
        (KEPT_BYTES / 2 / SMALLEST) >> self.class
    }

    #[inline]
    fn take(&mut self) -> Option<NonNull<u8>> {
        if self.loaded.0.is_empty() {
            self.reload();
        }
        self.loaded.0.pop().map(|block| block.0)
    }

    #[inline]
    fn put(&mut self, block: NonNull<u8>) {
        if self.loaded.0.len() == self.loaded.0.capacity() {
            self.unload();
        }
        self.loaded.0.push(Free(block));
    }

    /// Loads a magazine with blocks, if there is one: the spare one, or one of the depot.
    #[cold]
    fn reload(&mut self) {
        if !self.spare.0.is_empty() {
            mem::swap(&mut self.loaded, &mut self.spare);
        } else if let Some(full) = depot(self.class).pop() {
            self.loaded = full;
        }
    }

    /// Loads an empty magazine: the full one becomes the spare one, which goes to the depot or, if that
    /// is full, back to the allocator.
    #[cold]
    fn unload(&mut self) {
        let full = mem::take(&mut self.loaded);
        if !full.0.is_empty() {
            self.loaded = mem::replace(&mut self.spare, full);
        }
        if !self.loaded.0.is_empty() {
            let full = mem::take(&mut self.loaded);
            let mut depot = depot(self.class);
            if depot.len() < DEPOT_MAGAZINES {
                depot.push(full);
            } else {
                drop(depot);
                full.release(self.class);
            }
        }
        let capacity = self.capacity();
        unaccounted(|| self.loaded.0.reserve_exact(capacity));
    }
}

fn depot(class: usize) -> MutexGuard<'static, Vec<Magazine>> {
    DEPOT[class].lock().unwrap_or_else(PoisonError::into_inner)
}

impl Magazine {
    /// Gives the blocks, which are of this class, to the allocator.
    fn release(mut self, class: usize) {
        for Free(block) in self.0.drain(..) {
            // SAFETY: the blocks of a class were allocated with its layout, and are nobody else's.
            unsafe { alloc::dealloc(block.as_ptr(), block_layout(class)) };
        }
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        for kept in &self.0 {
            let kept = &mut *kept.borrow_mut();
            mem::take(&mut kept.loaded).release(kept.class);
            mem::take(&mut kept.spare).release(kept.class);
        }
    }
}

// SAFETY: a free block is nobody else's, and any thread may use and free it.
unsafe impl Send for Free {}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use super::*;

    #[cfg(not(any(miri, mabeam_checked)))]
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
        const BLOCKS: usize = if cfg!(miri) { 20 } else { 10_000 };
        let (sender, receiver) = std::sync::mpsc::sync_channel::<usize>(64);
        let freer = std::thread::spawn(move || {
            for address in receiver {
                let block =
                    NonNull::new(std::ptr::with_exposed_provenance_mut::<[usize; 100]>(address));
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
