//! What one account's books hold, and when they may be opened again for another account.
//!
//! Owns the shared figures of an account. Promises that postings from any thread are never lost and
//! that [`is_settled`](Books::is_settled) is true only once nothing is, or will be, charged to
//! books whose last handle is gone.
//!
//! # Orderings
//!
//! Every figure is a sum of postings, each added by one atomic read-modify-write, so none is lost;
//! the figures order no other memory, so all of it but the live bytes is relaxed. A reader may see
//! one posting's bytes and not yet its blocks.
//!
//! Settling needs more. New blocks are charged, and what is unposted is kept, by a thread in one of
//! the account's scopes, which keeps a handle alive. Letting go of a handle releases and the last one
//! to go acquires, so whoever looks at retired books has all of that behind it. What follows are
//! credits of blocks, and bytes more or less of blocks that are resized, each posted at once: a
//! block's resizes come before its credit, on the same thread or before the block was handed on, so
//! in that order they are added to the live bytes, too. Whatever a block was resized to, it has at
//! least one byte: at each point of the order the live bytes are at least as many as there are blocks
//! whose credit is still to come. Both figures at zero have therefore received their last posting.
//!
//! A posting adds to the live bytes after all but the peak, and the peak is raised before the block
//! can be credited. So adding to the live bytes releases and the look at retired books acquires:
//! whoever opens them again sets figures that no posting of the account before can reach any more.

use crate::sync::{AtomicI64, AtomicU64, Ordering};

/// The books of one account. Lives as long as the program; opened for one account after another.
///
/// On a cache line of its own, so that accounts in use on two threads do not disturb each other.
#[derive(Debug)]
#[repr(align(64))]
pub(super) struct Books {
    /// Bytes charged and not credited. Below zero while a credit overtakes its charge, which waits
    /// on another thread to be posted.
    live_bytes: AtomicI64,
    /// Blocks charged and not credited; below zero as `live_bytes` may be.
    live_blocks: AtomicI64,
    /// The most that `live_bytes` has been since the last reset.
    peak_bytes: AtomicI64,
    /// Bytes ever charged; wraps.
    allocated_bytes: AtomicU64,
    /// How many handles there are. The one that takes it to zero retires the books.
    handles: AtomicU64,
}

/// A change of the figures.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Posting {
    /// Bytes charged less bytes credited.
    pub(super) bytes: i64,
    /// The most that `bytes` was on the way.
    pub(super) high_bytes: i64,
    /// Blocks charged less blocks credited.
    pub(super) blocks: i64,
    /// Bytes charged.
    pub(super) allocated_bytes: u64,
}

impl Books {
    pub(super) fn new() -> Self {
        Self {
            live_bytes: AtomicI64::new(0),
            live_blocks: AtomicI64::new(0),
            peak_bytes: AtomicI64::new(0),
            allocated_bytes: AtomicU64::new(0),
            handles: AtomicU64::new(0),
        }
    }

    /// Adds `posting` to the figures.
    #[inline]
    pub(super) fn post(&self, posting: Posting) {
        if posting.blocks != 0 {
            self.live_blocks.fetch_add(posting.blocks, Ordering::Relaxed);
        }
        if posting.allocated_bytes != 0 {
            self.allocated_bytes.fetch_add(posting.allocated_bytes, Ordering::Relaxed);
        }
        let before = match posting.bytes {
            0 => self.live_bytes.load(Ordering::Relaxed),
            bytes => self.live_bytes.fetch_add(bytes, Ordering::Release),
        };
        let high = before.wrapping_add(posting.high_bytes);
        // Most postings stay below the peak: look before writing.
        if posting.high_bytes > 0 && high > self.peak_bytes.load(Ordering::Relaxed) {
            self.peak_bytes.fetch_max(high, Ordering::Relaxed);
        }
    }

    pub(super) fn live_bytes(&self) -> u64 {
        clamped(&self.live_bytes)
    }

    pub(super) fn live_blocks(&self) -> u64 {
        clamped(&self.live_blocks)
    }

    pub(super) fn peak_bytes(&self) -> u64 {
        clamped(&self.peak_bytes)
    }

    pub(super) fn allocated_bytes(&self) -> u64 {
        self.allocated_bytes.load(Ordering::Relaxed)
    }

    /// Lets the peak begin anew at the live bytes. A posting at the same moment may be left out.
    #[cfg(not(foundation_loom))]
    pub(super) fn reset_peak(&self) {
        self.peak_bytes.store(self.live_bytes.load(Ordering::Relaxed), Ordering::Relaxed);
    }

    /// Opens settled books for a new account with one handle. By one thread at a time.
    pub(super) fn open(&self) {
        self.peak_bytes.store(0, Ordering::Relaxed);
        self.allocated_bytes.store(0, Ordering::Relaxed);
        self.handles.store(1, Ordering::Relaxed);
    }

    /// One more handle; the caller holds one.
    pub(super) fn hold(&self) {
        self.handles.fetch_add(1, Ordering::Relaxed);
    }

    /// One handle less. True for the last one, whose caller retires the books.
    #[must_use]
    pub(super) fn let_go(&self) -> bool {
        self.handles.fetch_sub(1, Ordering::AcqRel) == 1
    }

    /// Whether nothing is charged to these retired books any more.
    pub(super) fn is_settled(&self) -> bool {
        self.live_blocks.load(Ordering::Relaxed) == 0
            && self.live_bytes.load(Ordering::Acquire) == 0
    }
}

/// A figure that is below zero for a moment reads as zero.
fn clamped(figure: &AtomicI64) -> u64 {
    figure.load(Ordering::Relaxed).max(0).cast_unsigned()
}
