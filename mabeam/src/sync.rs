//! The locks and atomics that this crate's own protocols are built on: std's, or loom's in a model
//! (`--cfg mabeam_loom`).
//!
//! Owns the rule about poisoning: it is absorbed. No code of a user runs under a lock of this crate.

use std::sync::PoisonError;

#[cfg(mabeam_loom)]
pub(crate) use loom::sync::atomic::{
    AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering, fence,
};
#[cfg(mabeam_loom)]
pub(crate) use loom::{
    sync::{Mutex, MutexGuard},
    thread_local,
};
#[cfg(not(mabeam_loom))]
pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicUsize, Ordering, fence};
#[cfg(not(mabeam_loom))]
pub(crate) use std::{
    sync::{Mutex, MutexGuard},
    thread_local,
};

/// Takes the lock, whether or not a thread panicked while it held it.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
