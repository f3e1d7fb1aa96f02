//! Mail that an agent's own timers, streams and monitors leave for it, and that it passes on.
//!
//! It goes to the cell itself: no handle is held, so none of this keeps the agent alive.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use crate::kernel::cell::Cell;
use crate::kernel::mail::{Mail, Waiter, post};
use crate::wait::Place;
use crate::{Agent, Context};

/// Leaves a payload and what handles it. The mail comes back if the agent has ended.
pub(super) fn leave<A, T, R, F>(
    cell: &Arc<Cell<A>>,
    payload: T,
    waiter: impl Waiter<R>,
    has_place: bool,
    run: impl FnOnce(&'static mut A, T, &'static mut Context<A>) -> F + Send + 'static,
) -> Result<(), Mail<A>>
where
    A: Agent,
    T: Send + 'static,
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let (mut mail, _) = post(payload, waiter, run);
    mail.set_place(has_place);
    cell.deliver(mail)
}

/// Waits for a place in the mailbox, whatever others do who find none: there is nobody to be told that
/// it is full. `None` if the agent has ended; otherwise what [`leave`] wants to know.
pub(super) async fn enter<A: Agent>(cell: &Cell<A>) -> Option<bool> {
    let mut place = pin!(Place::patient());
    poll_fn(|context| place.as_mut().poll_enter(cell, context)).await.ok()
}
