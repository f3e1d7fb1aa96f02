//! The inbox: one word that says who is responsible for an agent and what mail has come.
//!
//! Owns the word and its protocol. Whoever takes the word out of *idle* holds the agent's **token**:
//! the exclusive right, and the duty, to run it until the token is given back by [`Inbox::release`] or
//! the inbox is closed. Producers push newest first with one compare-and-swap; the holder of the token
//! takes everything with one swap and turns it round, so mail is in the order in which it was pushed
//! (the same structure as CAF's `lifo_inbox` and folly's `AtomicNotificationQueue`).
//!
//! | word | meaning |
//! |---|---|
//! | `IDLE` | no mail, and nobody holds the token |
//! | mail, maybe null | somebody holds the token: it is queued, running or in a suspended turn |
//! | mail + `URGENT` | as above, and the holder has to look at the orders |
//! | `CLOSED` | the agent has ended, nothing comes in |
//!
//! Nothing is allocated, and there is no stub and no moment at which a pushed item is invisible.

#![expect(unsafe_code, reason = "items are linked through raw pointers")]

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use crate::sync::{AtomicPtr, Ordering};

/// Set in the word beside the mail: there are orders.
const URGENT: usize = 1;
/// The word of an agent at rest.
const IDLE: usize = 2;
/// The word of an agent that has ended.
const CLOSED: usize = 4;
/// What is not part of an address: items are aligned to more.
const TAGS: usize = URGENT | IDLE | CLOSED;

/// An item that can stand in a list. Who may touch the link: the pusher before the push, then the
/// holder of the token.
///
/// # Safety
///
/// `link` returns what `set_link` stored last, and the type is aligned to 8 bytes or more.
pub(crate) unsafe trait Link: Sized {
    /// Reads the link of a live item.
    ///
    /// # Safety
    ///
    /// The caller may touch the link of this item.
    unsafe fn link(item: NonNull<Self>) -> *mut Self;

    /// Writes the link of a live item.
    ///
    /// # Safety
    ///
    /// The caller may touch the link of this item.
    unsafe fn set_link(item: NonNull<Self>, next: *mut Self);
}

/// See the module's page. Items are owned by the inbox from a push to the take or close that returns
/// them; whoever drops an inbox has closed it.
pub(crate) struct Inbox<T> {
    /// Orderings. A push releases its item and a take acquires it. Taking the word out of idle
    /// acquires, and [`release`](Self::release) releases, what the holder of the token did to the
    /// agent. Each is a read-modify-write of this one word, so there is one order of them all.
    word: AtomicPtr<T>,
}

/// What became of a push.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Pushed<T> {
    /// Whoever holds the token will find it.
    Left,
    /// The agent was idle: the pusher now holds the token.
    Claimed,
    /// The agent has ended; the item comes back.
    Closed(NonNull<T>),
}

/// What became of a note that there are orders.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Urged {
    /// Whoever holds the token will see it before it gives the token back.
    Noted,
    /// The agent was idle: the caller now holds the token.
    Claimed,
    /// The agent has ended.
    Closed,
}

/// Items in the order in which they were pushed.
pub(crate) struct Chain<T> {
    head: *mut T,
    items: PhantomData<T>,
}

impl<T: Link> Inbox<T> {
    /// An inbox without mail whose token is the caller's.
    pub(crate) fn claimed() -> Self {
        Self { word: AtomicPtr::new(ptr::null_mut()) }
    }

    /// Adds an item.
    pub(crate) fn push(&self, item: NonNull<T>) -> Pushed<T> {
        let mut old = self.word.load(Ordering::Relaxed);
        loop {
            if old.addr() == CLOSED {
                return Pushed::Closed(item);
            }
            let is_idle = old.addr() == IDLE;
            let (below, tag) =
                if is_idle { (ptr::null_mut(), 0) } else { (mail(old), old.addr() & URGENT) };
            // SAFETY: the item is the caller's until the exchange succeeds.
            unsafe { T::set_link(item, below) };
            let new = item.as_ptr().map_addr(|addr| addr | tag);
            match self.word.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if is_idle => return Pushed::Claimed,
                Ok(_) => return Pushed::Left,
                Err(now) => old = now,
            }
        }
    }

    /// Takes the token of an idle agent.
    #[inline]
    pub(crate) fn try_claim(&self) -> bool {
        let idle = ptr::without_provenance_mut(IDLE);
        let null = ptr::null_mut();
        self.word.compare_exchange(idle, null, Ordering::Acquire, Ordering::Relaxed).is_ok()
    }

    /// Gives the token back, unless there is mail or there are orders. The caller holds the token and
    /// touches nothing of the agent after `true`.
    #[inline]
    pub(crate) fn release(&self) -> bool {
        let idle = ptr::without_provenance_mut(IDLE);
        let null = ptr::null_mut();
        self.word.compare_exchange(null, idle, Ordering::Release, Ordering::Relaxed).is_ok()
    }

    /// Says that there are orders, written before.
    pub(crate) fn urge(&self) -> Urged {
        let mut old = self.word.load(Ordering::Relaxed);
        loop {
            if old.addr() == CLOSED {
                return Urged::Closed;
            }
            let is_idle = old.addr() == IDLE;
            let new = if is_idle {
                ptr::without_provenance_mut(URGENT)
            } else {
                old.map_addr(|addr| addr | URGENT)
            };
            match self.word.compare_exchange_weak(old, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) if is_idle => return Urged::Claimed,
                Ok(_) => return Urged::Noted,
                Err(now) => old = now,
            }
        }
    }

    /// Takes all mail, and the note that there are orders with it. The caller holds the token.
    pub(crate) fn take(&self) -> Chain<T> {
        Chain::reversed(mail(self.word.swap(ptr::null_mut(), Ordering::AcqRel)))
    }

    /// Lets nothing more in, unless there is mail. The caller holds the token; after `true` it ends.
    pub(crate) fn try_close(&self) -> bool {
        let closed = ptr::without_provenance_mut(CLOSED);
        let mut old = self.word.load(Ordering::Relaxed);
        while mail(old).is_null() {
            match self.word.compare_exchange_weak(old, closed, Ordering::AcqRel, Ordering::Relaxed)
            {
                Ok(_) => return true,
                Err(now) => old = now,
            }
        }
        false
    }

    /// Takes all mail and lets nothing more in. The caller holds the token, which ends.
    pub(crate) fn close(&self) -> Chain<T> {
        let closed = ptr::without_provenance_mut(CLOSED);
        Chain::reversed(mail(self.word.swap(closed, Ordering::AcqRel)))
    }

    /// Whether the agent has ended. One that has not may end at any moment.
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire).addr() == CLOSED
    }

    /// Whether the agent is at rest. One that is may be woken at any moment.
    pub(crate) fn is_idle(&self) -> bool {
        self.word.load(Ordering::Relaxed).addr() == IDLE
    }
}

fn mail<T>(word: *mut T) -> *mut T {
    word.map_addr(|addr| addr & !TAGS)
}

impl<T: Link> Chain<T> {
    pub(crate) const fn empty() -> Self {
        Self { head: ptr::null_mut(), items: PhantomData }
    }

    /// Turns a list round whose items are the caller's.
    fn reversed(newest: *mut T) -> Self {
        let (mut rest, mut head) = (newest, ptr::null_mut());
        while let Some(item) = NonNull::new(rest) {
            // SAFETY: the items were taken out of the word, which owned them.
            unsafe {
                rest = T::link(item);
                T::set_link(item, head);
            }
            head = item.as_ptr();
        }
        Self { head, items: PhantomData }
    }

    /// The oldest item, which is the caller's now.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<NonNull<T>> {
        let item = NonNull::new(self.head)?;
        // SAFETY: the items of a chain are its own.
        self.head = unsafe { T::link(item) };
        Some(item)
    }

    /// Adds an item before those of this chain, which owns it from now on.
    pub(crate) fn put_first(&mut self, item: NonNull<T>) {
        // SAFETY: the item is the caller's, and handed over.
        unsafe { T::set_link(item, self.head) };
        self.head = item.as_ptr();
    }

    /// Adds the items of another chain after those of this one. Costs a step for each of these.
    #[expect(clippy::needless_pass_by_value, reason = "the items are handed over")]
    pub(crate) fn append(&mut self, other: Self) {
        let Some(mut last) = NonNull::new(self.head) else {
            self.head = other.head;
            return;
        };
        // SAFETY: the items of both chains are ours.
        unsafe {
            while let Some(next) = NonNull::new(T::link(last)) {
                last = next;
            }
            T::set_link(last, other.head);
        }
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.head.is_null()
    }
}
