//! The end of an agent: obeying orders, and the steps of which each happens whatever panics.

#![expect(unsafe_code, reason = "what an agent leaves is taken out by whoever holds the token")]

use std::any::Any;
use std::ptr::{self, NonNull};
use std::sync::Arc;

use foundation::owner::{Owner, Reason};

use super::{Cell, Init, order, stage};
use crate::kernel::inbox::Chain;
use crate::kernel::mail::{Mail, Nobody, post};
use crate::kernel::own::Own;
use crate::kernel::panics::report;
use crate::kernel::revival::Revival;
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
        let message = report(panic, &self.system, &self.label(), "agent panicked");
        if self.stage.load(Ordering::Relaxed) < stage::EXIT || self.is_dozing.get() {
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

    pub(super) fn has(&self, orders: u8) -> bool {
        self.orders.load(Ordering::Acquire) & orders != 0
    }

    /// Counts and shows a piece of mail that will not be handled.
    pub(crate) fn give_up_on(&self, name: &Arc<str>, message: &'static str, reason: &Reason) {
        if !Self::is_of_a_user(message) {
            return;
        }
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

    /// Lets no more mail in, unless the agent can be made again, drops the turn and, if `politely`, begins
    /// `on_exit`; otherwise finishes. `true` if the token is gone.
    pub(super) fn begin_end(self: &Arc<Self>, politely: bool) -> bool {
        if self.revival().is_none() {
            self.close();
        }
        let reason = self.settle_reason(self.is_dozing.get());
        self.stage.store(stage::EXIT, Ordering::Relaxed);
        self.orders.fetch_or(order::EXITING, Ordering::Relaxed);
        if let Some(turn) = NonNull::new(self.turn.replace(ptr::null_mut())) {
            // SAFETY: the turn was owned by this cell.
            let mail = unsafe { Mail::from_raw(turn) };
            self.guard(|| mail.fail(&reason));
        }
        if !politely {
            self.finish();
            return true;
        }
        let (configured, system) = (self.system.config.exit_deadline, Arc::clone(&self.system));
        let run = move |agent: &'static mut A, reason: Reason, context: &'static mut Context<A>| {
            let deadline = agent.exit_deadline(configured);
            let exit = async move { agent.on_exit(&reason, context).await };
            async move { within(deadline, exit, system).await.unwrap_or_default() }
        };
        let (mail, _) = post(reason, Nobody, run);
        self.turn.set(mail.into_raw().as_ptr());
        false
    }

    /// Lets no more mail in. The caller holds the token.
    fn close(&self) {
        let left = self.inbox.close();
        if let Some(backlog) = self.backlog() {
            backlog.close();
        }
        self.room.close();
        // SAFETY: the token is ours, and with it the batch.
        unsafe { (*self.batch.get()).append(left) };
    }

    /// Ends the incarnation, and with it the agent, unless it can be made again. The caller's token goes
    /// with it.
    pub(super) fn finish(self: &Arc<Self>) {
        let falls_asleep =
            self.is_dozing.replace(false) && !self.has(order::STOP | order::KILL | order::BROKEN);
        let reason = self.settle_reason(falls_asleep);
        if let Some(turn) = NonNull::new(self.turn.replace(ptr::null_mut())) {
            // SAFETY: the turn was owned by this cell.
            let mail = unsafe { Mail::from_raw(turn) };
            self.guard(|| drop(mail));
        }
        // SAFETY: the token is ours, and the turn that borrowed the agent is dropped.
        let agent = unsafe { (*self.agent.get()).take() };
        self.guard(|| drop(agent));
        // SAFETY: the token is ours, and there will be no further turn.
        let mut context =
            unsafe { std::mem::replace(&mut *self.context.get(), Context::new(Own::nobody())) };
        let mut kept = None;
        self.guard(|| kept = context.take_kept(self, &reason));
        self.put_first(kept.into_iter().collect());
        self.put_first(context.take_stash());
        drop(context);
        let Some(revival) = self.revival() else { return self.bury(reason) };
        self.guard(|| revival.end(reason.clone()));
        if falls_asleep {
            return self.fall_asleep();
        }
        self.leave(reason);
    }

    /// Why the incarnation ends. One that only falls asleep leaves the place to whoever ends it meanwhile.
    fn settle_reason(&self, falls_asleep: bool) -> Reason {
        if falls_asleep {
            return Reason::Normal;
        }
        lock(&self.life).reason.get_or_insert(Reason::Normal).clone()
    }

    /// Leaves the agent, which has no state, to its keeper. The caller's token goes with it.
    fn leave(self: &Arc<Self>, reason: Reason) {
        let Some(revival) = self.revival() else { return self.bury(reason) };
        self.stage.store(stage::DOWN, Ordering::Release);
        revival.leave(Arc::clone(self) as _, reason);
    }

    /// Ends the incarnation of an agent that is idle, and can be made again for its next message. `false`
    /// if it is not idle.
    pub(crate) fn doze(self: &Arc<Self>) -> bool {
        if self.revival().is_none() || !self.inbox.try_claim() {
            return false;
        }
        // SAFETY: the token is ours, and there is no turn.
        let has_stash = || unsafe { (*self.context.get()).stashed() > 0 };
        // What was stashed is work to come, which would wake it again at once.
        let is_awake = self.stage.load(Ordering::Relaxed) == stage::ALIVE && !has_stash();
        if is_awake {
            self.is_dozing.set(true);
            // Its `on_exit` is run where agents are.
            self.begin_end(true);
            self.schedule();
        } else if !self.settle() {
            self.schedule();
        }
        is_awake
    }

    /// Gives the token back until there is mail, or an order. The caller holds it, of an agent without a
    /// state.
    fn fall_asleep(self: &Arc<Self>) {
        self.orders.fetch_and(!order::EXITING, Ordering::AcqRel);
        self.stage.store(stage::ASLEEP, Ordering::Relaxed);
        if !self.settle() {
            self.wake_up();
        }
    }

    /// There is mail for an agent that sleeps, or an order. The caller holds the token, and hands it
    /// over.
    pub(super) fn wake_up(self: &Arc<Self>) {
        let Some(revival) = self.revival() else { return self.bury(Reason::NoProc) };
        if self.has(order::STOP | order::KILL) {
            return self.leave(self.reason());
        }
        // Who is ordered to end from now on does so when it is made.
        self.begin_life(!order::EXITING);
        self.make_anew(revival);
    }

    /// Makes the agent once more. The caller holds the token of one without a state, and hands it over.
    pub(crate) fn revive(self: &Arc<Self>) {
        let Some(revival) = self.revival() else { return self.bury(Reason::NoProc) };
        // What was ordered in between was for the one before.
        self.begin_life(order::LASTING);
        // After the order to drain is forgotten: whoever gives it now may drain an open mailbox, but
        // none is left shut by an order that nobody knows of.
        self.reopen();
        self.make_anew(revival);
    }

    /// Forgets all orders but `kept`, and why there are orders. The caller holds the token of an agent
    /// without a state.
    fn begin_life(&self, kept: u8) {
        let mut life = lock(&self.life);
        let orders = self.orders.fetch_and(kept, Ordering::AcqRel) & kept;
        if orders & (order::STOP | order::KILL) == 0 {
            life.reason = None;
        }
        life.traps_exits = false;
        self.stage.store(stage::INIT, Ordering::Relaxed);
    }

    /// Makes the agent and begins its `init`. The caller holds the token of one without a state, and
    /// hands it over.
    fn make_anew(self: &Arc<Self>, revival: &Revival<A>) {
        let mut made = None;
        if let Err(panic) = self.enter(|| made = Some(revival.make())) {
            self.break_down(panic);
            return self.finish();
        }
        // SAFETY: the token is ours, and there is no turn.
        unsafe {
            *self.agent.get() = made;
            *self.context.get() = Context::new(Own::new(self));
        }
        let (configured, system) = (self.system.config.init_deadline, Arc::clone(&self.system));
        let run = move |agent: &'static mut A, _: Init, context: &'static mut Context<A>| async move {
            let deadline = agent.init_deadline(configured);
            let init = within(deadline, agent.init(&mut *context), system).await;
            context.cell().init_ended(&init.unwrap_or(Err(Reason::Deadline)));
        };
        self.begin(post(Init, Nobody, run).0);
    }

    /// Ends the agent for good. The caller holds the token of one without a state, which ends.
    pub(crate) fn bury(self: &Arc<Self>, reason: Reason) {
        self.close();
        // SAFETY: the token is ours; the batch is not touched by what runs in the loop.
        let mut left = std::mem::replace(unsafe { &mut *self.batch.get() }, Chain::empty());
        let mut next = || match left.pop() {
            // SAFETY: what stands in a chain is owned by it.
            Some(mail) => Some(unsafe { Mail::from_raw(mail) }),
            None => self.backlog()?.pop(),
        };
        let mut name = None;
        while let Some(mail) = next() {
            let name = name.get_or_insert_with(|| Arc::from(self.label()));
            let payload = mail.payload();
            self.guard(|| mail.fail(&reason));
            self.guard(|| self.give_up_on(name, payload, &reason));
        }
        let (owner, signals) = {
            let mut life = lock(&self.life);
            life.has_ended = true;
            life.ending = life.owner.as_ref().map(Owner::handle);
            (life.owner.take(), life.signals.take())
        };
        for signal in signals.into_iter().flat_map(|signals| *signals) {
            self.guard(|| drop(signal));
        }
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
            report(panic, &self.system, &self.label(), "agent panicked as it ended");
        }
    }

    /// Marks the end of `init`.
    pub(crate) fn init_ended(self: &Arc<Self>, result: &Result<(), Reason>) {
        match result {
            Ok(()) => {
                self.stage.store(stage::ALIVE, Ordering::Relaxed);
                if let Some(revival) = self.revival() {
                    revival.is_up();
                }
            }
            Err(reason) => self.ask_to_stop(reason.clone()),
        }
    }
}
