//! The cell of an agent: its state, its mail and the turn that is in progress, in one allocation.
//!
//! Owns the order of everything that happens to an agent. Everything hangs on one **token** (see
//! [`super::inbox`]): whoever holds it may touch the state, and nobody else. It is with
//!
//! - nobody, while the agent is *idle*: no mail, no turn;
//! - the run queue, while it is *scheduled*;
//! - a thread, while it is *running*: a carrier's, or that of a caller who lends it;
//! - the wakers of its turn, while it is *suspended*; the first wake takes it (see [`super::phase`]);
//! - nobody for ever, once it is *closed*.
//!
//! A caller gets the token only from *idle*, polls one turn once, and gives the token back, to the run
//! queue if anything else is to be done: it works off nobody else's mail, and ends no agent.
//!
//! An agent ends in this order: no more mail comes in; its turn is dropped; `on_exit` runs; its state
//! is dropped; mail that is left fails its callers; names go; each monitor hears. Whatever panics on the
//! way keeps none of the rest from happening.
//!
//! One that can be made again (see [`super::revival`]) first ends as an incarnation: its turn is
//! dropped, `on_exit` runs, its state and its belongings go, while mail waits. Its token then is with
//! its keeper, who revives it or ends it for good. One that has nothing to do can be put to sleep: it
//! ends as an incarnation, but is idle then, and made again for its next message.

#![expect(unsafe_code, reason = "what the token protects is reached through cells")]

use std::any::Any;
use std::cell::{Cell as Slot, UnsafeCell};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::task::Wake;

use foundation::owner::{Owner, OwnerRef, Reason};
use foundation::registry::Name;

use super::backlog::{Backlog, Weight};
use super::here::Visit;
use super::inbox::{Chain, Inbox, Pushed, Urged};
use super::mail::{Header, Mail, Typed, Waiter, post};
use super::own::Own;
use super::phase::Phase;
use super::queue::{Runnable, abandon};
use super::revival::Revival;
use super::room::Room;
use crate::sync::{AtomicU8, AtomicUsize, Mutex, Ordering, fence, lock};
use crate::system::Shared;
use crate::wait::Refused;
use crate::{Agent, AgentId, Context, Mailbox, Message};

mod drain;
mod end;
mod exits;
mod look;
mod policy;
mod turn;

pub(crate) use drain::Barrier;
pub(crate) use exits::Noted;

/// Orders to an agent, from anywhere.
mod order {
    /// End after the turn in progress.
    pub(super) const STOP: u8 = 1;
    /// End at once, dropping the turn in progress.
    pub(super) const KILL: u8 = 2;
    /// The turn in progress panicked.
    pub(super) const BROKEN: u8 = 4;
    /// The last handle was dropped: end when there is no more mail.
    pub(super) const ORPHAN: u8 = 8;
    /// There are signals. Set and taken back under the lock of the agent's life.
    pub(super) const SIGNAL: u8 = 16;
    /// The end was begun.
    pub(super) const EXITING: u8 = 32;
    /// The mailbox is shut: end when there is no more mail.
    pub(super) const DRAIN: u8 = 64;
    /// What ends nothing before the turn in progress has.
    pub(super) const PATIENT: u8 = STOP | EXITING;
    /// What keeps no turn from being begun or polled.
    pub(super) const HARMLESS: u8 = LASTING | DRAIN;
    /// What an incarnation leaves to the next one.
    pub(super) const LASTING: u8 = ORPHAN | SIGNAL;
}

/// See the module's page.
pub(crate) struct Cell<A: Agent> {
    inbox: Inbox<Header<A>>,
    phase: Phase,
    /// Bits of [`order`], not taken back while an incarnation lives. Written before the inbox is urged, and read after the
    /// token was taken or mail was looked for.
    orders: AtomicU8,
    /// How far the agent's life has come. Written by the holder of the token.
    stage: AtomicU8,
    /// Set by [`Context::reply_later`](crate::Context::reply_later) within a poll: the turn is over
    /// although it has no answer. Only the holder of the token touches it.
    deferred: Slot<bool>,
    /// Its incarnation ends because it has nothing to do. Only the holder of the token touches it.
    is_dozing: Slot<bool>,
    /// The turn in progress, or null. Owned; only the holder of the token touches it.
    turn: Slot<*mut Header<A>>,
    /// Mail that was taken from the inbox and not begun. Only the holder of the token touches it.
    batch: UnsafeCell<Chain<Header<A>>>,
    /// How many messages may wait.
    pub(crate) room: Room,
    /// Handles that keep the agent alive.
    pub(crate) handles: AtomicUsize,
    /// Turns that have ended. Written by the holder of the token.
    handled: AtomicU64,
    /// What its timed polls stand for. Written by the holder of the token.
    busy_ns: AtomicU64,
    /// Where it stands among the living. Written once, by whoever spawns it, who holds the token.
    place: Slot<usize>,
    pub(crate) id: AgentId,
    pub(crate) system: Arc<Shared>,
    life: Mutex<Life<A>>,
    pub(crate) extras: Option<Box<Extras<A>>>,
    /// Only the holder of the token, or the turn in progress, touches these two.
    agent: UnsafeCell<Option<A>>,
    context: UnsafeCell<Context<A>>,
}

/// How far an agent's life has come.
mod stage {
    pub(super) const INIT: u8 = 0;
    pub(super) const ALIVE: u8 = 1;
    pub(super) const EXIT: u8 = 2;
    /// Between two incarnations.
    pub(super) const DOWN: u8 = 3;
    /// The same, until there is mail.
    pub(super) const ASLEEP: u8 = 4;
    pub(super) const ENDED: u8 = 5;
}

/// What few ask for and many may ask at once. No code of a user runs under its lock.
struct Life<A: Agent> {
    /// Made when somebody monitors the agent or gives it something.
    owner: Option<Owner>,
    /// The owner, once the agent has ended and what it owned goes or has gone.
    ending: Option<OwnerRef>,
    /// Why the agent ends or has ended. The first reason stays, unless it is killed.
    reason: Option<Reason>,
    has_ended: bool,
    /// Whether the present incarnation hears of the exits of agents that it is linked to.
    traps_exits: bool,
    /// What overtakes the mail, in order.
    #[expect(clippy::box_collection, reason = "most agents have none: a word instead of four")]
    signals: Option<Box<VecDeque<Mail<A>>>>,
}

/// What an agent has only if it was asked for at its spawn.
pub(crate) struct Extras<A: Agent> {
    pub(crate) name: Option<Name>,
    pub(crate) span: Option<tracing::Span>,
    pub(crate) memory: Option<(foundation::memory::Account, u64)>,
    /// It was told that its memory gets short, and had not much less since. Written by the holder of the
    /// token.
    is_short: AtomicBool,
    pub(crate) home: Option<Arc<dyn Home>>,
    pub(crate) revival: Option<Revival<A>>,
    /// Made for a mailbox that does more than count.
    pub(crate) backlog: Option<Backlog<Mail<A>>>,
}

/// Why a message comes back, and what was made of it.
type Denied<A, M, R, W> = (Refused, Mail<A>, Typed<A, M, R, W>);

/// The payload of the turn that is an agent's `init`.
pub(crate) struct Init;

/// Where an agent is run that not every thread may run.
pub(crate) trait Home: Send + Sync {
    /// Queues the agent; gives it back if nobody will ever run it.
    fn push(&self, resident: Arc<dyn Runnable>) -> Result<(), Arc<dyn Runnable>>;
}

// SAFETY: `agent`, `context`, `batch`, `turn`, `deferred` and `is_dozing` are touched only by the holder of the
// token, of which there is one, and which is handed on with release and acquire; what they hold is
// `Send`. So is `place`, which is written once, before the token is first handed on. All else is `Sync`
// by itself.
unsafe impl<A: Agent> Sync for Cell<A> {}
// SAFETY: as above.
unsafe impl<A: Agent> Send for Cell<A> {}

impl<A: Agent> Cell<A> {
    /// A cell whose token is the caller's, with one handle. One without an agent is to be revived.
    pub(crate) fn new(
        agent: Option<A>,
        id: AgentId,
        system: Arc<Shared>,
        mailbox: Mailbox,
        mut extras: Option<Box<Extras<A>>>,
    ) -> Arc<Self> {
        let backlog = Backlog::of(mailbox);
        let room = Room::new(mailbox, backlog.is_some(), system.config.mailbox_mark);
        if backlog.is_some() {
            extras.get_or_insert_default().backlog = backlog;
        }
        let cell = Arc::new(Self {
            inbox: Inbox::claimed(),
            phase: Phase::new(),
            orders: AtomicU8::new(0),
            stage: AtomicU8::new(stage::INIT),
            deferred: Slot::new(false),
            is_dozing: Slot::new(false),
            turn: Slot::new(ptr::null_mut()),
            batch: UnsafeCell::new(Chain::empty()),
            room,
            handles: AtomicUsize::new(1),
            handled: AtomicU64::new(0),
            busy_ns: AtomicU64::new(0),
            place: Slot::new(usize::MAX),
            id,
            system,
            life: Mutex::new(Life::default()),
            extras,
            agent: UnsafeCell::new(agent),
            context: UnsafeCell::new(Context::new(Own::nobody())),
        });
        // SAFETY: nobody else knows of the cell.
        unsafe { *cell.context.get() = Context::new(Own::new(&cell)) };
        cell
    }

    /// Says where the cell stands among the living. The caller holds the token.
    pub(crate) fn set_place(&self, place: usize) {
        self.place.set(place);
    }

    /// Where the cell stands among the living. The caller holds the token.
    pub(crate) fn place(&self) -> usize {
        self.place.get()
    }

    /// Leaves a message, as the mailbox has it; `weight` is [its own](Self::weigh), `run` makes its turn.
    /// It comes back if it is refused, with why.
    #[inline]
    pub(crate) fn admit<M, R, F, G, W>(
        self: &Arc<Self>,
        message: M,
        weight: Option<Weight>,
        has_place: bool,
        waiter: W,
        run: G,
    ) -> Result<(), Denied<A, M, R, W>>
    where
        M: Send + 'static,
        R: Send + 'static,
        W: Waiter<R>,
        F: Future<Output = R> + Send + 'static,
        G: FnOnce(&'static mut A, M, &'static mut Context<A>) -> F + Send + 'static,
    {
        let (mut mail, typed) = post(message, waiter, run);
        mail.set_place(has_place);
        let left = match weight {
            None => self.deliver(mail).map_err(|mail| (Refused::Ended, mail)),
            Some(weight) => self.put(mail, weight),
        };
        left.map_err(|(refused, mail)| (refused, mail, typed))
    }

    /// What the mailbox wants to know of a message; `None` if it only counts. Runs code of a user.
    #[inline]
    pub(crate) fn weigh<M: Message>(&self, message: &M) -> Option<Weight> {
        self.backlog().map(|backlog| backlog.weigh(message))
    }

    /// Leaves a piece of mail. It comes back if the agent has ended.
    #[inline]
    fn deliver(self: &Arc<Self>, mail: Mail<A>) -> Result<(), Mail<A>> {
        match self.inbox.push(mail.into_raw()) {
            Pushed::Left => Ok(()),
            Pushed::Claimed => {
                self.schedule();
                Ok(())
            }
            // SAFETY: the item that comes back is the one that was handed over.
            Pushed::Closed(mail) => Err(unsafe { Mail::from_raw(mail) }),
        }
    }

    /// Leaves a piece of mail that overtakes what waits in the mailbox, in the order of signals. It comes
    /// back if the agent has ended.
    pub(crate) fn signal(self: &Arc<Self>, mail: Mail<A>) -> Result<(), Mail<A>> {
        {
            let mut life = lock(&self.life);
            if life.has_ended {
                return Err(mail);
            }
            life.signals.get_or_insert_default().push_back(mail);
            self.orders.fetch_or(order::SIGNAL, Ordering::Release);
        }
        self.heed(false);
        Ok(())
    }

    /// Puts mail before all that waits, in its order. The caller holds the token, or is the turn that is
    /// being polled.
    pub(crate) fn put_first(&self, mail: Vec<Mail<A>>) {
        if mail.is_empty() {
            return;
        }
        // SAFETY: the token is ours or our turn's, and the batch is borrowed by nobody while a turn is
        // polled.
        let batch = unsafe { &mut *self.batch.get() };
        for mail in mail.into_iter().rev() {
            batch.put_first(mail.into_raw());
        }
        // Whoever lent its thread to this turn gives the token back if there is no note.
        self.inbox.urge();
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.inbox.is_closed()
    }

    /// Whether there is nothing to do for the agent at this moment.
    pub(crate) fn is_idle(&self) -> bool {
        self.inbox.is_idle()
    }

    /// Why the agent ends or has ended.
    pub(crate) fn reason(&self) -> Reason {
        lock(&self.life).reason.clone().unwrap_or(Reason::Normal)
    }

    pub(crate) fn ask_to_stop(self: &Arc<Self>, reason: Reason) {
        self.order(order::STOP, Some(reason));
    }

    pub(crate) fn ask_to_die(self: &Arc<Self>, reason: Reason) {
        self.order(order::KILL, Some(reason));
    }

    /// The last handle was dropped.
    pub(crate) fn lose_last_handle(self: &Arc<Self>) {
        self.order(order::ORPHAN, None);
    }

    fn order(self: &Arc<Self>, order: u8, reason: Option<Reason>) {
        let life = reason.map(|reason| {
            let mut life = lock(&self.life);
            let overrules =
                order == order::KILL && self.stage.load(Ordering::Relaxed) < stage::EXIT;
            if (life.reason.is_none() || overrules) && !life.has_ended {
                life.reason = Some(reason);
            }
            life
        });
        // Within the lock: whoever makes the next incarnation takes reason and order back together.
        self.orders.fetch_or(order, Ordering::Release);
        drop(life);
        self.heed(order == order::KILL);
    }

    /// Sees to it that orders are looked at, which were written before.
    fn heed(self: &Arc<Self>, must_end: bool) {
        // Between the order and the wake: see `suspend`.
        fence(Ordering::SeqCst);
        match self.inbox.urge() {
            Urged::Claimed => self.schedule(),
            // A suspended turn keeps the token, and one that runs `on_exit` is closed: wake it. Whoever
            // is only asked to stop ends its turn first, by its own wake.
            Urged::Noted | Urged::Closed if must_end => self.wake_turn(),
            Urged::Noted | Urged::Closed => {}
        }
    }

    fn wake_turn(self: &Arc<Self>) {
        if self.phase.wake() {
            self.schedule();
        }
    }

    /// Leaves the token to the wakers of the turn. `false` if it is still here: the turn was woken, or
    /// is not to go on.
    ///
    /// An order that came after the orders were looked at and before the turn was first polled has
    /// woken nobody, so they are looked at once more. Between its two steps stands a fence, as between
    /// those of whoever orders: one of the two sees the other.
    fn suspend(&self) -> bool {
        if !self.phase.suspend() {
            return false;
        }
        fence(Ordering::SeqCst);
        let must_end = self.orders.load(Ordering::Relaxed) & order::KILL != 0;
        !(must_end && self.phase.wake())
    }

    /// Queues the agent to be run. The caller holds the token, and hands it over.
    fn schedule(self: &Arc<Self>) {
        Self::hand_over(Arc::clone(self));
    }

    fn hand_over(self: Arc<Self>) {
        let home = self.extras.as_ref().and_then(|extras| extras.home.clone());
        let system = Arc::clone(&self.system);
        let refused = match home {
            Some(home) => home.push(self).err(),
            None => system.queue.push(self).err(),
        };
        if let Some(resident) = refused {
            abandon(resident);
        }
    }

    /// What gives the agent's monitors and names their place; `None` if it has ended and had none.
    pub(crate) fn owner(&self) -> Option<OwnerRef> {
        let mut life = lock(&self.life);
        if life.has_ended {
            return life.ending.clone();
        }
        Some(life.owner.get_or_insert_with(Owner::new).handle())
    }

    /// What gives the possessions of the present incarnation their place.
    pub(crate) fn belongings(&self) -> Option<OwnerRef> {
        match self.revival() {
            Some(revival) => revival.belongings(),
            None => self.owner(),
        }
    }

    /// Where the mail waits if the mailbox does more than count.
    #[inline]
    pub(crate) fn backlog(&self) -> Option<&Backlog<Mail<A>>> {
        self.extras.as_ref()?.backlog.as_ref()
    }

    /// What the agent has if it can be made again.
    pub(crate) fn revival(&self) -> Option<&Revival<A>> {
        self.extras.as_ref()?.revival.as_ref()
    }

    pub(crate) fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    /// Runs code of the agent's as the agent.
    #[inline]
    fn enter<O>(&self, work: impl FnOnce() -> O) -> Result<O, Box<dyn Any + Send>> {
        let _visit = Visit::of(self.id);
        catch_unwind(AssertUnwindSafe(|| match &self.extras {
            None => work(),
            Some(extras) => extras.enter(work),
        }))
    }

    /// What the agent is called in reports.
    pub(crate) fn label(&self) -> String {
        self.name().map_or_else(|| self.id.to_string(), ToString::to_string)
    }

    /// The name that it was spawned with.
    pub(crate) fn name(&self) -> Option<&Name> {
        self.extras.as_ref()?.name.as_ref()
    }
}

impl<A: Agent> Wake for Cell<A> {
    fn wake(self: Arc<Self>) {
        if self.phase.wake() {
            self.hand_over();
        }
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.wake_turn();
    }
}

impl<A: Agent> Default for Life<A> {
    fn default() -> Self {
        Self {
            owner: None,
            ending: None,
            reason: None,
            has_ended: false,
            traps_exits: false,
            signals: None,
        }
    }
}

impl<A: Agent> Default for Extras<A> {
    fn default() -> Self {
        Self {
            name: None,
            span: None,
            memory: None,
            is_short: AtomicBool::new(false),
            home: None,
            revival: None,
            backlog: None,
        }
    }
}

impl<A: Agent> Extras<A> {
    fn enter<O>(&self, work: impl FnOnce() -> O) -> O {
        let work = || match &self.span {
            None => work(),
            Some(span) => span.in_scope(work),
        };
        match &self.memory {
            None => work(),
            Some((account, _)) => account.enter(work),
        }
    }
}
