//! How many messages may wait for an agent.
//!
//! Owns the count and those who wait for a place. Promises that never more than the limit have a place,
//! and that who waits is woken when places become free or the agent ends. Places become free when their
//! messages are begun; under load the count follows in steps of an eighth of the limit, at most
//! [`STEP`], so that it is written less often.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::sync::Notify;

use super::mail::Mail;
use crate::Agent;
use crate::settings::{Mailbox, WhenFull};

/// The most places that are given back at a time.
const STEP: u32 = 32;

/// See the module's page.
pub(crate) struct Room {
    /// 0 for no limit.
    limit: u32,
    when_full: WhenFull,
    /// Messages that have a place. Never above the limit, so that nobody is refused by somebody who is
    /// about to be. The inbox orders the messages themselves; here only the end of a wait is ordered:
    /// who gives places back acquires what those who wait have [announced](Self::announce).
    taken: AtomicU32,
    /// Made when somebody waits for the first time.
    waiting: OnceLock<Box<Notify>>,
}

impl Room {
    pub(crate) const fn new(mailbox: Mailbox) -> Self {
        let Mailbox { limit, when_full } = mailbox;
        Self { limit, when_full, taken: AtomicU32::new(0), waiting: OnceLock::new() }
    }

    /// Whether who finds no place waits for one.
    pub(crate) const fn lets_wait(&self) -> bool {
        matches!(self.when_full, WhenFull::Wait)
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// Takes a place for a message. `None` if there is none; `Some(false)` if none is needed.
    #[inline]
    pub(crate) fn enter(&self) -> Option<bool> {
        if self.limit == 0 {
            return Some(false);
        }
        let more = |taken| (taken < self.limit).then_some(taken + 1);
        self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(true)
    }

    /// Between beginning to wait and looking once more, and between the end of the agent and looking for
    /// those who wait: of whoever does that later, or gives a place back, each knows of the one before.
    pub(crate) fn announce(&self) {
        self.taken.fetch_add(0, Ordering::AcqRel);
    }

    /// Waits until a place may be free: enable it, [announce](Self::announce) it, look once more, then
    /// await it.
    pub(crate) fn freed(&self) -> tokio::sync::futures::Notified<'_> {
        self.waiting.get_or_init(Box::default).notified()
    }

    /// Counts the place of a piece that is begun.
    #[inline]
    pub(crate) fn leave<A: Agent>(&self, mail: &Mail<A>, left: &mut u32) {
        if mail.has_place() {
            *left += 1;
            if *left >= (self.limit / 8).clamp(1, STEP) {
                self.vacate(left);
            }
        }
    }

    /// Gives back the places that were counted.
    #[inline]
    pub(crate) fn vacate(&self, left: &mut u32) {
        let left = std::mem::take(left);
        if left > 0 {
            self.taken.fetch_sub(left, Ordering::AcqRel);
            if let Some(waiting) = self.waiting.get() {
                (0..left).for_each(|_| waiting.notify_one());
            }
        }
    }

    /// The agent has ended: whoever waits is told to look.
    pub(crate) fn close(&self) {
        self.announce();
        if let Some(waiting) = self.waiting.get() {
            waiting.notify_waiters();
        }
    }
}
