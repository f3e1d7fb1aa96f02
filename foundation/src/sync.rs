//! The locks, atomics and shared pointers that this crate's own protocols are built on: std's, or
//! loom's in a model (`--cfg foundation_loom`).
//!
//! Owns the rule about poisoning: it is absorbed. No code of a user runs under a lock of this crate
//! except where a page says so, and state is consistent wherever such code could panic, so a
//! panicking thread leaves nothing half done for the next one.

use std::sync::PoisonError;

#[cfg(all(foundation_loom, test, feature = "memory"))]
pub(crate) use loom::sync::atomic::AtomicI64;
#[cfg(foundation_loom)]
pub(crate) use loom::sync::atomic::{AtomicU64, Ordering};
#[cfg(foundation_loom)]
pub(crate) use loom::sync::{Arc, Mutex, MutexGuard};
#[cfg(all(not(foundation_loom), feature = "memory"))]
pub(crate) use std::sync::atomic::AtomicI64;
#[cfg(not(foundation_loom))]
pub(crate) use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(not(foundation_loom))]
pub(crate) use std::sync::{Arc, Mutex, MutexGuard};

/// Takes the lock, whether or not a thread panicked while it held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
