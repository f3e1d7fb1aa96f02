//! Mail that an agent's own timers and streams leave for it, and that it passes on.
//!
//! It goes to the cell itself: no handle is held, so none of this keeps the agent alive.

use std::any::type_name;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;

use crate::kernel::cell::Cell;
use crate::kernel::mail::{Mail, Nobody, Waiter};
use crate::wait::{Place, Refused};
use crate::{Agent, Context, Message};

/// Leaves a message and what handles it. The mail comes back, with why, if it is refused.
pub(super) fn leave<A, M, R, F>(
    cell: &Arc<Cell<A>>,
    message: M,
    waiter: impl Waiter<R>,
    has_place: bool,
    run: impl FnOnce(&'static mut A, M, &'static mut Context<A>) -> F + Send + 'static,
) -> Result<(), (Refused, Mail<A>)>
where
    A: Agent,
    M: Message,
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let weight = cell.weigh(&message);
    let left = cell.admit(message, weight, has_place, waiter, run);
    left.map_err(|(refused, mail, _)| (refused, mail))
}

/// The same, for whom nobody waits. Waits for a place in the mailbox, whatever others do who find none:
/// there is nobody to be told that it is full. What is too large is a dead letter. `false` if the agent
/// has ended.
pub(super) async fn insist<A, M, R, F>(
    cell: &Arc<Cell<A>>,
    mut message: M,
    run: impl FnOnce(&'static mut A, M, &'static mut Context<A>) -> F + Clone + Send + 'static,
) -> bool
where
    A: Agent,
    M: Message,
    R: Send + 'static,
    F: Future<Output = R> + Send + 'static,
{
    let mut place = pin!(Place::patient());
    loop {
        let entered = poll_fn(|context| place.as_mut().poll_enter(cell, context)).await;
        let Ok(has_place) = entered else { return false };
        let weight = cell.weigh(&message);
        let left = cell.admit(message, weight, has_place, Nobody, run.clone());
        let Err((refused, mail, typed)) = left else { return true };
        match refused {
            Refused::Ended => return false,
            Refused::Full => {
                // A backlog refused it after it entered.
                let (true, Some(back)) = (place.as_mut().is_to_wait(cell), typed.withdraw(mail))
                else {
                    return true;
                };
                message = back;
            }
            Refused::TooLarge { .. } => {
                drop(mail);
                cell.lose(type_name::<M>(), refused);
                return true;
            }
        }
    }
}
