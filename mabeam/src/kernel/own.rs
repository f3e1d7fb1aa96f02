//! The way from an agent's context back to the cell that it stands in.

#![expect(unsafe_code, reason = "a pointer to where it stands")]

use std::ptr::NonNull;
use std::sync::Arc;

use super::cell::Cell;
use crate::Agent;

/// A pointer to the cell that holds it.
pub(crate) struct Own<A: Agent>(Option<NonNull<Cell<A>>>);

impl<A: Agent> Own<A> {
    /// For what is put into `cell`.
    pub(crate) fn new(cell: &Arc<Cell<A>>) -> Self {
        Self(NonNull::new(Arc::as_ptr(cell).cast_mut()))
    }

    /// Before there is a cell. Replaced before anybody can ask.
    pub(crate) const fn nobody() -> Self {
        Self(None)
    }

    /// The cell, for one who may outlive the turn in progress.
    pub(crate) fn cell(&self) -> Arc<Cell<A>> {
        let Some(cell) = self.0 else { unreachable!("a context is used in its cell") };
        // SAFETY: this stands in the cell and is borrowed, so the cell is alive; the pointer is from
        // its `Arc`.
        unsafe {
            Arc::increment_strong_count(cell.as_ptr());
            Arc::from_raw(cell.as_ptr())
        }
    }
}

// SAFETY: a cell may be used from any thread.
unsafe impl<A: Agent> Send for Own<A> {}
// SAFETY: as above.
unsafe impl<A: Agent> Sync for Own<A> {}
