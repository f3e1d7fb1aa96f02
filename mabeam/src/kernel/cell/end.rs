//! The end of an agent: obeying orders, and the steps of which each happens whatever panics.

#![expect(unsafe_code, reason = "what an agent leaves is taken out by whoever holds the token")]

use std::any::Any;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use foundation::owner::{Owner, Reason};

use super::{Cell, order, stage};
use crate::kernel::inbox::Chain;
use crate::kernel::mail::{Mail, Nobody, post};
use crate::kernel::own::Own;
use crate::kernel::panics::report;
use crate::kernel::within::within;
use crate::sync::{Ordering, lock};
use crate::{Agent, Context, DeadLetter};

impl<A: Agent> Cell<A> {
    /// Takes the agent back from a cell that never ran. The caller holds the token, which ends.
    pub(crate) fn dismantle(&self) -> Option<A> {
        self.inbox.close();
        self.stage.store(stage::ENDED, Ordering::Relaxed);
        let owner = {
            let mut life = lock(&self.life);
            life.has_ended = true;
            life.owner.take()
        };
        drop(owner);
        // SAFETY: the token is ours, and there was never a turn.
        unsafe { (*self.agent.get()).take() }
    }

    /// The agent's code panicked: it has to end. Returns that the token is still here.
    #[cold]
    pub(super) fn break_down(&self, panic: Box<dyn Any + Send>) -> bool {
        let message = report(panic, self.label(), "agent panicked");
        if self.stage.load(Ordering::Relaxed) < stage::EXIT {
            lock(&self.life).reason = Some(Reason::Panic(message));
        }
        self.orders.fetch_or(order::BROKEN, Ordering::Relaxed);
        false
    }

    /// Obeys the orders: there is no turn, or it must not go on. `true` if the token is gone.
    #[cold]
    pub(super) fn obey(self: &Arc<Self>) -> bool {
        let has_turn = !self.turn.get().is_null();
        match self.stage.load(Ordering::Relaxed) {
            stage::EXIT => {
                self.finish();
                true
            }
            stage::ALIVE => self.begin_end(!has_turn && !self.has(order::KILL | order::BROKEN)),
            _ => self.begin_end(false),
        }
    }

    fn has(&self, orders: u8) -> bool {
        self.orders.load(Ordering::Acquire) & orders != 0
    }

    /// Counts and shows a piece of mail that will not be handled.
    pub(super) fn bury(&self, name: &Arc<str>, message: &'static str, reason: &Reason) {
        let (name, reason) = (Arc::clone(name), reason.clone());
        self.system.dead_letters.add(DeadLetter { agent: self.id, name, message, reason });
    }

    /// Ends at once, for a reason of the runtime's.
    pub(super) fn order_itself(&self, reason: Reason) {
        if self.stage.load(Ordering::Relaxed) < stage::EXIT {
            lock(&self.life).reason = Some(reason);
        }
        self.orders.fetch_or(order::KILL, Ordering::Relaxed);
    }

    /// Whether nobody holds a handle any more. Then nobody can get one: only handles and turns make
    /// handles.
    pub(super) fn is_orphan(&self) -> bool {
        self.orders.load(Ordering::Relaxed) & order::ORPHAN != 0
            && self.handles.load(Ordering::Acquire) == 0
    }

    /// Lets no more mail in, drops the turn and, if `politely`, begins `on_exit`; otherwise finishes.
    /// `true` if the token is gone.
    pub(super) fn begin_end(self: &Arc<Self>, politely: bool) -> bool {
        let left = self.inbox.close();
        self.room.close();
        // SAFETY: the token is ours, and with it the batch.
        unsafe { (*self.batch.get()).append(left) };
        let reason = lock(&self.life).reason.get_or_insert(Reason::Normal).clone();
        self.stage.store(stage::EXIT, Ordering::Relaxed);
        self.orders.fetch_or(order::STOP, Ordering::Relaxed);
        if let Some(turn) = NonNull::new(self.turn.replace(ptr::null_mut())) {
            // SAFETY: the turn was owned by this cell.
            let mail = unsafe { Mail::from_raw(turn) };
            self.guard(|| mail.fail(&reason));
        }
        if !politely {
            self.finish();
            return true;
        }
        let (deadline, system) = (self.system.config.exit_deadline, Arc::clone(&self.system));
        let run = move |agent: &'static mut A, reason: Reason, context: &'static mut Context<A>| {
            let exit = async move { agent.on_exit(&reason, context).await };
            async move { within(deadline, exit, system).await.unwrap_or_default() }
        };
        let (mail, _) = post(reason, Nobody, run);
        self.turn.set(mail.into_raw().as_ptr());
        false
    }

    /// Ends the agent for good. The caller's token goes with it.
    pub(super) fn finish(self: &Arc<Self>) {
        let reason = lock(&self.life).reason.get_or_insert(Reason::Normal).clone();
        if let Some(turn) = NonNull::new(self.turn.replace(ptr::null_mut())) {
            // SAFETY: the turn was owned by this cell.
            let mail = unsafe { Mail::from_raw(turn) };
            self.guard(|| drop(mail));
        }
        // SAFETY: the token is ours, and the turn that borrowed the agent is dropped.
        let agent = unsafe { (*self.agent.get()).take() };
        self.guard(|| drop(agent));
        // SAFETY: the token is ours, and there will be no further turn.
        let context =
            unsafe { std::mem::replace(&mut *self.context.get(), Context::new(Own::nobody())) };
        drop(context);
        // SAFETY: the token is ours; the batch is not touched by what runs in the loop.
        let mut left = std::mem::replace(unsafe { &mut *self.batch.get() }, Chain::empty());
        let name = Arc::from(if left.is_empty() { String::new() } else { self.label() });
        while let Some(mail) = left.pop() {
            // SAFETY: what stands in a chain is owned by it.
            let mail = unsafe { Mail::from_raw(mail) };
            let payload = mail.payload();
            self.guard(|| mail.fail(&reason));
            self.guard(|| self.bury(&name, payload, &reason));
        }
        let owner = {
            let mut life = lock(&self.life);
            life.has_ended = true;
            life.ending = life.owner.as_ref().map(Owner::handle);
            life.owner.take()
        };
        self.stage.store(stage::ENDED, Ordering::Release);
        // Whoever hears of the end finds it among the living no more.
        let resident = self.system.living.remove(self.place.get());
        if let Some(owner) = owner {
            self.guard(|| owner.end(reason));
        }
        self.system.stop_if_empty();
        drop(resident);
    }

    /// Runs code of the agent's, whose panic ends nothing but itself.
    pub(super) fn guard(&self, work: impl FnOnce()) {
        if let Err(panic) = self.enter(work) {
            report(panic, self.label(), "agent panicked as it ended");
        }
    }

    /// Marks the end of `init`.
    pub(crate) fn init_ended(self: &Arc<Self>, result: &Result<(), Reason>) {
        match result {
            Ok(()) => self.stage.store(stage::ALIVE, Ordering::Relaxed),
            Err(reason) => self.ask_to_stop(reason.clone()),
        }
    }
}
