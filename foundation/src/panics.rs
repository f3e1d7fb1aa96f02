//! Running other people's code, so that a panic in it ends nothing but itself.
//!
//! Owns what becomes of such a panic. The panic hook has reported it by then.
//!
//! ```
//! use foundation::panics::quietly;
//!
//! quietly(|| panic!("somebody else's affair"));
//! ```

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

/// The first panic of a series, which goes on when this is dropped.
#[derive(Default)]
#[must_use = "the panic goes on when this is dropped"]
pub(crate) struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    /// Runs `piece`; remembers its panic if it is the first.
    ///
    /// Whatever `piece` leaves half done is its owner's: nothing of this crate is shared with it.
    pub(crate) fn catch(&mut self, piece: impl FnOnce()) {
        match (catch_unwind(AssertUnwindSafe(piece)), &self.0) {
            (Ok(()), _) => {}
            (Err(panic), None) => self.0 = Some(panic),
            (Err(later), Some(_)) => discard(later),
        }
    }
}

impl Drop for FirstPanic {
    /// Panics, unless the thread is unwinding already.
    fn drop(&mut self) {
        match self.0.take() {
            Some(panic) if thread::panicking() => discard(panic),
            Some(panic) => resume_unwind(panic),
            None => {}
        }
    }
}

/// Runs `piece`, whose panic is its own affair: it must not end the thread that serves all the
/// others. The panic hook has reported it.
pub fn quietly(piece: impl FnOnce()) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(piece)) {
        discard(panic);
    }
}

/// Drops what somebody panicked with. Its destructor is code of a user once more: of what that panics
/// with, the remains stay.
pub fn discard(panic: Box<dyn Any + Send>) {
    if let Err(later) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
        std::mem::forget(later);
    }
}
