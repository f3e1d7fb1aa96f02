//! A connection in use.

use std::fmt;
use std::ops::{Deref, DerefMut};

use super::Connect;
use super::slot::Slot;

/// A connection in use. Dropped, it goes back to the pool, which keeps it or closes it.
///
/// Keeps the pool alive. The methods are associated functions, so that they hide none of the
/// connection's own.
#[must_use = "dropped, the connection goes back to the pool at once"]
pub struct Pooled<C: Connect> {
    slot: Slot<C>,
}

impl<C: Connect> Pooled<C> {
    /// `slot` holds a connection.
    pub(super) fn new(slot: Slot<C>) -> Self {
        Self { slot }
    }

    /// Closes the connection instead of giving it back: it failed, or is in the middle of an
    /// exchange that nobody will end.
    pub fn discard(mut this: Self) {
        this.slot.fit = false;
    }

    /// Takes the connection out of the pool for good; another one may take its place.
    #[expect(
        clippy::expect_used,
        clippy::missing_panics_doc,
        reason = "a pooled connection is made of a slot that is filled"
    )]
    pub fn detach(mut this: Self) -> C::Connection {
        this.slot.detach().expect("the slot holds a connection until it is dropped")
    }
}

impl<C: Connect> Deref for Pooled<C> {
    type Target = C::Connection;

    #[expect(clippy::expect_used, reason = "a pooled connection is made of a slot that is filled")]
    fn deref(&self) -> &C::Connection {
        &self.slot.live().expect("the slot holds a connection until it is dropped").connection
    }
}

impl<C: Connect> DerefMut for Pooled<C> {
    #[expect(clippy::expect_used, reason = "a pooled connection is made of a slot that is filled")]
    fn deref_mut(&mut self) -> &mut C::Connection {
        let live = self.slot.live_mut().expect("the slot holds a connection until it is dropped");
        &mut live.connection
    }
}

impl<C: Connect> fmt::Debug for Pooled<C>
where
    C::Connection: fmt::Debug,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pooled").field(&**self).finish()
    }
}
