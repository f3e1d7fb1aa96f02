//! What all handles of a pool share, and the one rule about how many connections stay open.
//!
//! Owns the number of idle connections, the limit on callers that wait, and the end of the pool.

use std::mem;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadpool::managed::{Pool as Deadpool, QueueMode, Timeouts};
use tokio::sync::watch;
use tokio::time::Instant;

use super::slot::{Live, Slot, Slots};
use super::status::{Books, count};
use super::{Connect, PoolSettings, Reuse, Status};
use crate::sync::{Mutex, lock};

/// What all handles of a pool share.
pub(super) struct Shared<C: Connect> {
    pub(super) connect: C,
    pub(super) settings: PoolSettings,
    /// The slots, as many as connections may be open, and the queue for them.
    pub(super) slots: Deadpool<Slots<C::Connection>>,
    pub(super) books: Books,
    state: watch::Sender<State>,
    /// How many slots in the hands of callers are on their way out of deadpool's count of them:
    /// chosen, but still counted. Grows before such a slot is taken out and shrinks after; idle ones
    /// are taken out under the lock. So two that see the same surplus do not both remove it. No code
    /// of a user runs under the lock.
    leaving: Mutex<usize>,
}

/// The life of a pool, in this order.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum State {
    Open,
    /// Nothing is handed out any more.
    Closing,
    /// Every connection is gone.
    Closed,
}

/// Idle slots that were taken out.
type Idle<C> = Vec<Option<Live<<C as Connect>::Connection>>>;

/// A place in the queue. Dropped, it is left.
pub(super) struct Place<'a, C: Connect>(&'a Shared<C>);

/// A slot that is on its way out. Dropped, it is gone.
pub(super) struct Leaving<'a, C: Connect>(&'a Shared<C>);

impl<C: Connect> Shared<C> {
    /// A pool with no connections; `settings` are valid.
    pub(super) fn new(connect: C, settings: PoolSettings) -> Self {
        let mode = match settings.reuse {
            Reuse::Newest => QueueMode::Lifo,
            Reuse::Oldest => QueueMode::Fifo,
        };
        let slots = Deadpool::builder(Slots::new())
            .max_size(settings.max_connections())
            .queue_mode(mode)
            .build();
        #[expect(clippy::expect_used, reason = "fails only where timeouts are set")]
        let slots = slots.expect("a pool without timeouts needs no runtime");
        Self {
            connect,
            settings,
            slots,
            books: Books::default(),
            state: watch::Sender::new(State::Open),
            leaving: Mutex::new(0),
        }
    }

    pub(super) fn status(&self) -> Status {
        self.books.status(self.slots.status().size, self.settings.size)
    }

    pub(super) fn is_closed(&self) -> bool {
        *self.state.borrow() != State::Open
    }

    /// Resolves once the pool is in `state` or past it.
    pub(super) async fn reached(&self, state: State) {
        // An error says that the sender is gone, and it is here.
        let _ = self.state.subscribe().wait_for(|now| *now >= state).await;
    }

    /// A slot, if one is free and nobody waits for it.
    pub(super) async fn try_slot(self: &Arc<Self>) -> Option<Slot<C>> {
        let at_once = Timeouts { wait: Some(Duration::ZERO), ..Timeouts::new() };
        let object = self.slots.timeout_get(&at_once).await.ok()?;
        Some(Slot::new(self, object))
    }

    /// A place in the queue, or `None` if as many wait as may.
    pub(super) fn queue(&self) -> Option<Place<'_, C>> {
        let limit = self.settings.max_waiting;
        let join = |waiting| (waiting < limit).then_some(waiting + 1);
        let joined =
            self.books.waiting.fetch_update(Ordering::Relaxed, Ordering::Relaxed, join).is_ok();
        joined.then(|| Place(self))
    }

    /// Refuses whatever comes, tells whoever waits, and closes what is idle.
    pub(super) fn close(&self) {
        self.state.send_if_modified(|state| {
            let open = *state == State::Open;
            if open {
                *state = State::Closing;
            }
            open
        });
        self.settle();
    }

    /// Closes the idle connections that are too old or were idle for too long; says how many.
    pub(super) fn maintain(&self) -> usize {
        let now = Instant::now();
        let expired = {
            let _turn = lock(&self.leaving);
            self.take_idle(|live| live.is_expired(&self.settings, now))
        };
        let count = self.bury(expired);
        self.books.expired.fetch_add(count as u64, Ordering::Relaxed);
        self.settle();
        count
    }

    /// Tells whether the slot that a caller is about to give back has to go instead: because it holds
    /// nothing to keep, or because it is one too many. Until the answer is dropped, nobody else goes
    /// for the same surplus.
    pub(super) fn leave(&self, fit: bool) -> Option<Leaving<'_, C>> {
        // Without the lock first: as a rule there is no surplus.
        if fit && self.surplus() == 0 {
            return None;
        }
        let mut leaving = lock(&self.leaving);
        if fit && self.surplus() <= *leaving {
            return None;
        }
        *leaving += 1;
        Some(Leaving(self))
    }

    /// Puts the pool in order: closes surplus connections, and announces the end once it has come.
    ///
    /// Runs after every event that can create a surplus: a slot was given back, a caller left the
    /// queue, the pool was closed. Looking for a surplus takes the lock of deadpool's slots before
    /// it reads how many wait, and giving back takes it too: if a connection comes back while the
    /// last waiter leaves, at least one of the two sees both, and no surplus stays behind. Who keeps
    /// a connection because another one is leaving relies on that one to come here after it left.
    pub(super) fn settle(&self) {
        if self.surplus() > 0 {
            self.bury(self.take_surplus());
        }
        // A closed pool without slots makes no connection any more, and whoever ends one counts it
        // before coming here: the last to come sees the books balanced. The pool may have been closed
        // while destructors ran, which is why it is asked now and not before them: either this sees
        // the close, or the close, which comes here too, sees what was counted before this.
        if self.is_closed() && self.slots.status().size == 0 && self.books.is_balanced() {
            self.state
                .send_if_modified(|state| mem::replace(state, State::Closed) != State::Closed);
        }
    }

    /// How many connections are one too many.
    ///
    /// In a closed pool, all. Otherwise those above `size`, unless somebody waits: then the next
    /// connection that is given back is needed.
    fn surplus(&self) -> usize {
        let open = self.slots.status().size;
        match count(&self.books.waiting) {
            _ if self.is_closed() => open,
            0 => open.saturating_sub(self.settings.size),
            _ => 0,
        }
    }

    /// Takes out the idle connections that are too many beside those that leave already.
    fn take_surplus(&self) -> Idle<C> {
        let leaving = lock(&self.leaving);
        // The order of the two readings: a slot that is taken in between counts as idle, one that is
        // given back is left to who gives it back and comes here next.
        let in_use = count(&self.books.in_use);
        let idle = self.slots.status().size.saturating_sub(in_use);
        let mut left = self.surplus().saturating_sub(*leaving).min(idle);
        if left == 0 {
            return Idle::<C>::new();
        }
        self.take_idle(|_| {
            let take = left > 0;
            left -= usize::from(take);
            take
        })
    }

    /// Takes out the idle connections that `unwanted` names, those idle for longest first. It runs
    /// under the lock of deadpool's slots; none of the connections is dropped there.
    fn take_idle(&self, mut unwanted: impl FnMut(&Live<C::Connection>) -> bool) -> Idle<C> {
        self.slots.retain(|slot, _| !slot.as_ref().is_none_or(&mut unwanted)).removed
    }

    /// Closes what was taken out; says how many connections it was.
    fn bury(&self, taken: Idle<C>) -> usize {
        let count = taken.iter().flatten().count();
        drop(taken);
        self.books.closed.fetch_add(count as u64, Ordering::Relaxed);
        count
    }
}

impl<C: Connect> Drop for Place<'_, C> {
    fn drop(&mut self) {
        self.0.books.waiting.fetch_sub(1, Ordering::Relaxed);
        self.0.settle();
    }
}

impl<C: Connect> Drop for Leaving<'_, C> {
    fn drop(&mut self) {
        *lock(&self.0.leaving) -= 1;
    }
}
