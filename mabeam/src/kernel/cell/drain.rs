//! Draining: an agent lets nothing more in, and ends when it has handled what it has.
//!
//! Owns the two halves of it. The mailbox is shut at once, by whoever gives the order; whoever was let
//! in before may still be about to leave its mail, so the order itself is the one of an agent without
//! handles: look for mail until the inbox was closed while it was empty.

use std::any::type_name;
use std::sync::Arc;

use foundation::owner::Reason;
use tokio::sync::oneshot;

use super::{Cell, order};
use crate::Agent;
use crate::Context;
use crate::kernel::mail::{Answer, Answered, Awaited, post};

/// Ready when an agent has handled the mail that it had, or ends.
pub(crate) type Barrier = oneshot::Receiver<Answered<()>>;

/// The payload of a turn that does nothing.
struct Pause;

impl<A: Agent> Cell<A> {
    /// Lets no more mail in, and ends the agent when it has handled what it has.
    pub(crate) fn ask_to_drain(self: &Arc<Self>) {
        self.room.shut();
        if let Some(backlog) = self.backlog() {
            backlog.close();
        }
        self.order(order::DRAIN, None);
    }

    /// Lets mail in again.
    pub(super) fn reopen(&self) {
        self.room.reopen();
        if let Some(backlog) = self.backlog() {
            backlog.reopen();
        }
    }

    /// Why no mail comes in.
    pub(crate) fn why_closed(&self) -> Reason {
        if self.room.is_shut() && !self.is_closed() {
            return Reason::Failed("it is being drained".into());
        }
        self.reason()
    }

    /// A mark behind the mail that was left until now.
    pub(crate) fn barrier(self: &Arc<Self>) -> Barrier {
        let (sender, receiver) = oneshot::channel();
        let waiter = Awaited { answer: Answer::To(sender), deadline: None };
        let run = |_: &'static mut A, _: Pause, _: &'static mut Context<A>| async {};
        // One that comes back is dropped, and with it the sender.
        drop(self.deliver(post(Pause, waiter, run).0));
        receiver
    }

    /// Whether a message is somebody's.
    pub(super) fn is_of_a_user(message: &'static str) -> bool {
        message != type_name::<Pause>()
    }
}
