//! Turns: how the holder of the token works off mail, and what a caller does who lends its thread.

#![expect(unsafe_code, reason = "turns are polled by whoever holds the token")]

use std::any::{Any, type_name};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::task::{Poll, Waker};
use std::time::Duration;

use foundation::owner::Reason;

use super::{Cell, order, stage};
use crate::kernel::cost::{self, Sampling};
use crate::kernel::mail::{Answer, Awaited, Ground, Lent, Mail, Nobody, post};
use crate::kernel::queue::Runnable;
use crate::sync::{Ordering, lock};
use crate::{Agent, AgentId, Context, MemoryShort, SystemEvent};

/// At most so many turns before others in the queue run.
const TURNS: u32 = 64;
/// At most so much known work before others in the queue run.
const TURNS_NS: u64 = 200_000;

/// What an agent has done since a carrier took it from the queue.
#[derive(Default)]
struct Slice {
    /// What its polls cost: those that were timed by the clock, the others by what is known of them.
    spent_ns: u64,
    turns: u32,
    /// Places in the mailbox that became free and were not given back yet.
    left: u32,
    sampling: Sampling,
}

/// What has to happen before the next poll.
enum Next<A: Agent> {
    /// There are orders.
    Obey,
    /// There is no mail.
    Rest,
    /// This came too late.
    Expire(Mail<A>),
    /// The turn waits, unless it deferred its answer.
    Wait,
    /// Others in the queue are to run.
    Yield,
}

impl<A: Agent> Cell<A> {
    /// Leaves a first turn to be run. The caller holds the token, and hands it over.
    pub(crate) fn begin(self: &Arc<Self>, turn: Mail<A>) {
        self.turn.set(turn.into_raw().as_ptr());
        self.schedule();
    }

    /// Begins a turn on this thread if the agent is idle. The payload comes back if it is not.
    #[inline]
    pub(crate) fn lend<T, R, F, G>(self: &Arc<Self>, payload: T, run: G) -> Result<Lent<R>, T>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: Future<Output = R> + Send + 'static,
        G: FnOnce(&'static mut A, T, &'static mut Context<A>) -> F + Send + 'static,
    {
        let is_bound = self.extras.as_ref().is_some_and(|extras| extras.home.is_some());
        if is_bound || !self.inbox.try_claim() {
            return Err(payload);
        }
        if self.stage.load(Ordering::Relaxed) != stage::ALIVE {
            // It sleeps: it is made again where it is run.
            self.schedule();
            return Err(payload);
        }
        Ok(self.first_turn(payload, run))
    }

    /// Begins a turn on this thread. The caller holds the token of an agent without turn or batch.
    #[inline]
    pub(crate) fn first_turn<T, R, F, G>(self: &Arc<Self>, payload: T, run: G) -> Lent<R>
    where
        T: Send + 'static,
        R: Send + 'static,
        F: Future<Output = R> + Send + 'static,
        G: FnOnce(&'static mut A, T, &'static mut Context<A>) -> F + Send + 'static,
    {
        let waiter = Awaited { answer: Answer::Here, deadline: None };
        let (mail, typed) = post(payload, waiter, run);
        let turn = mail.into_raw();
        self.turn.set(turn.as_ptr());
        self.phase.begin();
        let costs = &self.system.costs;
        let place = cost::place::<A, T>();
        let mut sampling = Sampling::here();
        let known = costs.known(place);
        let timing = costs.time(known, &mut sampling, cost::LENT);
        sampling.keep();
        // SAFETY: the turn is the one that `typed` came with, and owned by this cell, whose token is
        // ours; for what it borrows see `ground`.
        let polled = self.enter(|| unsafe { typed.poll(turn, &self.ground(), &self.waker()) });
        if let Some(taken) = costs.learn(place, &timing) {
            self.book(taken, known, cost::LENT, type_name::<T>);
        }
        self.mind_limit();
        let is_deferred = self.deferred.replace(false);
        // SAFETY: as above.
        let lent = unsafe { typed.answer() };
        let is_settled = match polled {
            Ok(Poll::Ready(())) => {
                // SAFETY: as above; the turn was ready and its answer was taken.
                unsafe { typed.free(turn) };
                self.count_turn();
                self.settle()
            }
            Ok(Poll::Pending) if is_deferred => {
                self.drop_turn();
                self.settle()
            }
            // Unless it was woken while it was polled.
            Ok(Poll::Pending) => self.suspend(),
            Err(panic) => self.break_down(panic),
        };
        if !is_settled {
            self.schedule();
        }
        lent
    }

    /// Gives the token back if there is nothing to do.
    #[inline]
    pub(super) fn settle(&self) -> bool {
        self.orders.load(Ordering::Relaxed) & !order::ORPHAN == 0 && self.inbox.release()
    }

    /// A waker of this cell that costs no reference count.
    #[inline]
    fn waker(self: &Arc<Self>) -> impl Deref<Target = Waker> {
        // SAFETY: the waker borrows what `self` keeps alive, and is never dropped.
        ManuallyDrop::new(Waker::from(unsafe { Arc::from_raw(Arc::as_ptr(self)) }))
    }

    /// What turns borrow: both stay in this cell, which its turn does not outlive, and are touched by
    /// nobody else until the turn is over or dropped.
    #[inline]
    fn ground(&self) -> Ground<A> {
        Ground { agent: self.agent.get(), context: self.context.get() }
    }

    /// Polls what is to be done, turn after turn, as long as nothing else has to happen.
    fn work(self: &Arc<Self>, slice: &mut Slice) -> Next<A> {
        let (waker, ground, costs) = (self.waker(), self.ground(), &self.system.costs);
        loop {
            let turn = NonNull::new(self.turn.get());
            let all_orders = self.orders.load(Ordering::Acquire);
            let orders = all_orders & !order::HARMLESS;
            // Whoever is only asked to stop ends its turn first.
            if orders != 0 && (turn.is_none() || orders & !order::PATIENT != 0) {
                return Next::Obey;
            }
            let turn = if let Some(turn) = turn {
                self.phase.resume();
                turn
            } else {
                let has_signals = all_orders & order::SIGNAL != 0;
                let signal = if has_signals { self.next_signal() } else { None };
                let Some(mail) = signal.or_else(|| self.next_mail()) else { return Next::Rest };
                self.room.leave(&mail, &mut slice.left);
                if mail.is_stale() {
                    return Next::Expire(mail);
                }
                self.phase.begin();
                let turn = mail.into_raw();
                self.turn.set(turn.as_ptr());
                turn
            };
            // SAFETY: the turn is owned by this cell, whose token is ours.
            let (place, payload) = unsafe { (Mail::cost(turn), Mail::namer(turn)) };
            let known = costs.known(place);
            let timing = costs.time(known, &mut slice.sampling, cost::QUEUED);
            // SAFETY: as above; for what it borrows see `ground`.
            let polled = unsafe { Mail::poll(turn, &ground, &waker) };
            let mut spent_ns = u64::from(known);
            if let Some(taken) = costs.learn(place, &timing) {
                self.book(taken, known, cost::QUEUED, payload);
                spent_ns = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
            }
            slice.spent_ns = slice.spent_ns.saturating_add(spent_ns);
            slice.turns += 1;
            self.mind_limit();
            if polled.is_pending() {
                return Next::Wait;
            }
            self.count_turn();
            if slice.turns >= TURNS || slice.spent_ns > TURNS_NS {
                return Next::Yield;
            }
        }
    }

    /// Notes how long a poll took that was timed; see [`Costs::stands_for`](cost::Costs::stands_for). The
    /// caller holds the token.
    #[cold]
    fn book(&self, taken: Duration, known: u32, period: u32, payload: fn() -> &'static str) {
        let busy_ns = self.system.costs.stands_for(taken, known, period);
        let busy_ns = self.busy_ns.load(Ordering::Relaxed).saturating_add(busy_ns);
        self.busy_ns.store(busy_ns, Ordering::Relaxed);
        // Whoever has a thread to itself holds no worker.
        let has_home = self.extras.as_ref().is_some_and(|extras| extras.home.is_some());
        if taken >= self.system.config.long_turn && !has_home {
            let (agent, name) = (self.id, self.name().cloned());
            self.system.announce(SystemEvent::TurnLong { agent, name, message: payload(), taken });
        }
    }

    /// A turn is over and gone.
    #[inline]
    fn count_turn(&self) {
        self.turn.set(ptr::null_mut());
        self.deferred.set(false);
        self.handled.store(self.handled.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// Drops the turn, which deferred its answer. Returns that the token is still here.
    fn drop_turn(&self) -> bool {
        let turn = NonNull::new(self.turn.get());
        self.count_turn();
        if let Some(turn) = turn {
            // SAFETY: the turn was owned by this cell.
            let mail = unsafe { Mail::from_raw(turn) };
            let dropped = self.enter(|| drop(mail));
            // A future may say so once more as it is dropped.
            self.deferred.set(false);
            if let Err(panic) = dropped {
                return self.break_down(panic);
            }
        }
        false
    }

    /// The next signal.
    #[cold]
    fn next_signal(&self) -> Option<Mail<A>> {
        let mut life = lock(&self.life);
        let signals = life.signals.as_mut()?;
        let signal = signals.pop_front();
        if signals.is_empty() {
            life.signals = None;
            self.orders.fetch_and(!order::SIGNAL, Ordering::Relaxed);
        }
        signal
    }

    /// The next piece of mail.
    #[inline]
    fn next_mail(&self) -> Option<Mail<A>> {
        // SAFETY: the token is ours.
        let batch = unsafe { &mut *self.batch.get() };
        if batch.is_empty() {
            *batch = self.inbox.take();
        }
        // SAFETY: what stands in a chain is owned by it.
        let mail = batch.pop().map(|mail| unsafe { Mail::from_raw(mail) });
        // After the take: see `Backlog`.
        if mail.is_none() && self.extras.is_some() { self.next_of_backlog() } else { mail }
    }

    /// Gives the token back if there is nothing to do. `true` if the token is gone.
    fn rest(self: &Arc<Self>, left: &mut u32) -> bool {
        self.room.vacate(left);
        if self.is_orphan() || self.has(order::DRAIN) {
            // What was sent before the last handle went may have come after the mail was looked for.
            let late = self.inbox.take();
            if !late.is_empty() {
                // SAFETY: the token is ours, and with it the batch, which is empty.
                unsafe { *self.batch.get() = late };
                return false;
            }
            if self.has_backlog() {
                return false;
            }
            // Who was let in before a mailbox was shut may leave mail until now.
            if self.revival().is_none() && !self.inbox.try_close() {
                return false;
            }
            return self.begin_end(self.stage.load(Ordering::Relaxed) == stage::ALIVE);
        }
        // Looks at the orders once more: their note may have gone with the mail.
        self.settle()
    }

    /// Drops a piece of mail that came too late. Returns that the token is still here.
    fn expire(&self, mail: Mail<A>) -> bool {
        let (name, payload) = (self.label().into(), mail.payload());
        let dropped = self.enter(|| mail.fail(&Reason::Deadline));
        self.guard(|| self.give_up_on(&name, payload, &Reason::Deadline));
        match dropped {
            Ok(()) => false,
            Err(panic) => self.break_down(panic),
        }
    }

    /// Takes the sender of the answer to the turn that is being polled, which its context calls. See
    /// [`Mail::defer`].
    pub(crate) fn defer_answer(&self, place: &mut dyn Any) -> bool {
        let Some(turn) = NonNull::new(self.turn.get()) else { return false };
        // A spawner is answered by the end of `init`.
        if self.stage.load(Ordering::Relaxed) == stage::INIT {
            return false;
        }
        // SAFETY: the turn's own code calls this, while it is polled.
        unsafe { Mail::defer(turn, place) }
    }

    /// The turn that is being polled, which its context calls, will be over after this poll.
    pub(crate) fn end_with_poll(&self) {
        self.deferred.set(true);
    }

    /// Ends the agent after this poll if it is above its memory limit, and tells it once if it is above
    /// four fifths of that.
    #[inline]
    fn mind_limit(self: &Arc<Self>) {
        if let Some(extras) = &self.extras
            && let Some((account, limit)) = &extras.memory
            && let Some(live) = account.live()
        {
            if live > *limit {
                self.order_itself(Reason::MemoryLimit);
            } else if live > limit / 5 * 4 {
                if !extras.is_short.swap(true, Ordering::Relaxed) {
                    self.tell_short(MemoryShort { live_bytes: live, limit_bytes: *limit });
                }
            } else if live < limit / 5 * 3 {
                extras.is_short.store(false, Ordering::Relaxed);
            }
        }
    }

    #[cold]
    fn tell_short(self: &Arc<Self>, short: MemoryShort) {
        let run = |agent: &'static mut A, short, context| agent.on_memory_short(short, context);
        drop(self.signal(post(short, Nobody, run).0));
    }
}

impl<A: Agent> Runnable for Cell<A> {
    fn agent(&self) -> Option<AgentId> {
        Some(self.id)
    }

    fn run(self: Arc<Self>) -> u64 {
        if self.stage.load(Ordering::Relaxed) == stage::ASLEEP {
            self.wake_up();
            return 0;
        }
        let mut slice = Slice { sampling: Sampling::here(), ..Slice::default() };
        if self.system.config.witness.is_some() {
            // One turn at a time, so that each may be followed by another agent's.
            slice.turns = TURNS;
        }
        loop {
            let next = self.enter(|| self.work(&mut slice));
            slice.sampling.keep();
            let is_deferred = self.deferred.replace(false);
            let is_gone = match next {
                Ok(Next::Obey) => {
                    // The next incarnation is to have all places.
                    self.room.vacate(&mut slice.left);
                    self.obey()
                }
                Ok(Next::Rest) => self.rest(&mut slice.left),
                Ok(Next::Expire(mail)) => self.expire(mail),
                Ok(Next::Wait) if is_deferred => self.drop_turn(),
                Ok(Next::Wait) => {
                    self.room.vacate(&mut slice.left);
                    if !self.suspend() {
                        self.hand_over();
                    }
                    return slice.spent_ns;
                }
                Ok(Next::Yield) => {
                    self.room.vacate(&mut slice.left);
                    self.hand_over();
                    return slice.spent_ns;
                }
                Err(panic) => self.break_down(panic),
            };
            if is_gone {
                return slice.spent_ns;
            }
        }
    }

    fn abandon(self: Arc<Self>) {
        lock(&self.life).reason.get_or_insert(Reason::Shutdown);
        self.is_dozing.set(false);
        if self.stage.load(Ordering::Relaxed) == stage::EXIT {
            self.finish();
        } else {
            self.begin_end(false);
        }
    }
}
