//! A value that never leaves its thread, in a box that may.
//!
//! Owns the one argument by which agents that are not [`Send`] stand in cells that are: whoever has a
//! [`Local`] may hand it to any thread, but only the thread that made it gets at the value. Elsewhere
//! an access panics, and a drop leaks the value and says so. That holds whatever the rest of the crate
//! does; that neither ever happens is the promise of the [home](super::home), not of this file.
//! It has to hold without that promise: who implements `Handler` for `Pinned<T>` in a crate of its own is
//! handed a `&mut Pinned<T>` by safe code, and can take it to another thread.
//!
//! A thread's id is never used again, so a value whose thread has ended is out of reach for ever.

#![expect(unsafe_code, reason = "values that are not `Send` are moved, and not touched, elsewhere")]

use std::any::type_name;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

/// See the module's page.
pub(super) struct Local<T> {
    value: ManuallyDrop<T>,
    home: ThreadId,
}

// SAFETY: moving the box moves bytes. References to the value are made, and its destructor runs, on the
// thread that made it and nowhere else: `get_mut` and `drop` ask first, and nothing else reaches
// `value`. There is no access through `&Local`, and `Sync` is left to the compiler.
unsafe impl<T> Send for Local<T> {}

impl<T> Local<T> {
    /// Binds a value to this thread.
    pub(super) fn new(value: T) -> Self {
        Self { value: ManuallyDrop::new(value), home: thread::current().id() }
    }

    /// The value.
    ///
    /// # Panics
    ///
    /// On any other thread than the one that made it.
    pub(super) fn get_mut(&mut self) -> &mut T {
        assert!(self.is_home(), "a {} was used away from its thread", type_name::<T>());
        &mut self.value
    }

    fn is_home(&self) -> bool {
        thread::current().id() == self.home
    }
}

/// A future, on the heap so that leaking it leaves it where it was pinned.
impl<F: Future> Future for Local<Pin<Box<F>>> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.get_mut().get_mut().as_mut().poll(context)
    }
}

impl<T> Drop for Local<T> {
    fn drop(&mut self) {
        if self.is_home() {
            // SAFETY: this is the value's thread, and the box is not used after its drop.
            unsafe { ManuallyDrop::drop(&mut self.value) };
        } else {
            tracing::error!(value = type_name::<T>(), "leaked: dropped away from its thread");
        }
    }
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use std::future::ready;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::task::Waker;

    use super::*;

    struct Counts(Arc<AtomicU32>);

    impl Drop for Counts {
        fn drop(&mut self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted() -> (Arc<AtomicU32>, Local<(Counts, *const ())>) {
        let drops = Arc::new(AtomicU32::new(0));
        let value = (Counts(Arc::clone(&drops)), std::ptr::null());
        (drops, Local::new(value))
    }

    #[test]
    fn a_value_is_dropped_at_home() {
        let (drops, local) = counted();
        drop(local);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn a_value_that_went_away_and_came_back_is_dropped_once() {
        let (drops, local) = counted();
        let mut local = thread::spawn(move || local).join().unwrap();
        assert!(local.get_mut().1.is_null());
        drop(local);
        assert_eq!(drops.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn elsewhere_an_access_panics_and_a_drop_does_not_run_the_destructor() {
        let (drops, mut local) = counted();
        let away = thread::spawn(move || {
            catch_unwind(AssertUnwindSafe(|| local.get_mut().1.is_null())).is_err()
        });
        assert!(away.join().unwrap(), "the access was let through");
        assert_eq!(drops.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn elsewhere_a_future_is_not_polled() {
        let mut future = Local::new(Box::pin(ready(1)));
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(Pin::new(&mut future).poll(&mut context), Poll::Ready(1));
        let away = thread::spawn(move || {
            let mut context = Context::from_waker(Waker::noop());
            catch_unwind(AssertUnwindSafe(|| Pin::new(&mut future).poll(&mut context))).is_err()
        });
        assert!(away.join().unwrap(), "the poll was let through");
    }
}
