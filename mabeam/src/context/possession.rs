//! What an agent has until it is done with.

use foundation::owner::Kept;

use crate::Agent;
use crate::kernel::cell::Cell;

/// A value that is dropped with the agent's incarnation, before its end is told to anybody; or with
/// this, if that is sooner. Then nothing of it is left at the agent.
///
/// Costs a box and a place in the agent's list. The value is dropped under no lock.
pub(super) struct Possession<T: Send + 'static>(Option<Kept<T>>);

impl<T: Send + 'static> Possession<T> {
    /// Gives the agent a value. One that has ended drops it at once.
    pub(super) fn of<A: Agent>(cell: &Cell<A>, value: T) -> Self {
        Self(cell.belongings().and_then(|owner| owner.keep(value).ok()))
    }
}

impl<T: Send + 'static> Drop for Possession<T> {
    fn drop(&mut self) {
        drop(self.0.take().map(Kept::take));
    }
}
