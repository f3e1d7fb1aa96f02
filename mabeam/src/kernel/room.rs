//! How many messages may wait for an agent.
//!
//! Owns the count and those who wait for a place. Promises that never more than the limit have a place,
//! and that who waits is woken when places become free or the agent ends. Places become free when their
//! messages are begun; under load the count follows in steps of an eighth of the limit, at most
//! [`STEP`], so that it is written less often.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use tokio::sync::Notify;

use super::mail::Mail;
use crate::Agent;
use crate::settings::{Mailbox, WhenFull};

/// The most places that are given back at a time.
const STEP: u32 = 32;
/// Set beside the count: nobody is let in. Above any limit, so that who counts finds no place.
const SHUT: u32 = 1 << 31;

/// Mailboxes with fewer places have no mark: they are full now and then.
const MARKED: u32 = 16;

/// See the module's page.
pub(crate) struct Room {
    /// 0 for no limit.
    limit: u32,
    when_full: WhenFull,
    /// Whether so many waited as to be worth a warning, and have not become few since. A hint.
    is_high: AtomicBool,
    /// So many are worth a warning; 0 for never.
    mark: u32,
    /// Messages that have a place. Never above the limit, so that nobody is refused by somebody who is
    /// about to be. The inbox orders the messages themselves; here only the end of a wait is ordered:
    /// who gives places back acquires what those who wait have [announced](Self::announce).
    taken: AtomicU32,
    /// Made when somebody waits for the first time.
    waiting: OnceLock<Box<Notify>>,
}

impl Room {
    /// One that counts nothing if a [backlog](super::backlog) does: then it is only for those who wait.
    /// The mark is so many percent of the limit.
    pub(crate) fn new(mailbox: Mailbox, has_backlog: bool, mark_percent: u32) -> Self {
        let Mailbox { limit, when_full, .. } = mailbox;
        let mark = (u64::from(limit) * u64::from(mark_percent)).div_ceil(100);
        Self {
            limit: if has_backlog { 0 } else { limit.min(SHUT - 1) },
            when_full,
            is_high: AtomicBool::new(false),
            mark: u32::try_from(mark).ok().filter(|_| limit >= MARKED).unwrap_or(0),
            taken: AtomicU32::new(0),
            waiting: OnceLock::new(),
        }
    }

    /// So many waiting messages are worth a warning; 0 for never.
    pub(crate) const fn mark(&self) -> u32 {
        self.mark
    }

    /// One more waits now, which makes so many. `true` if that is worth a warning.
    #[inline]
    pub(crate) fn rises_to(&self, waiting: u32) -> bool {
        waiting == self.mark && waiting > 0 && !self.is_high.swap(true, Ordering::Relaxed)
    }

    /// Fewer wait now; `waiting` tells how many. Half the mark is few enough for another warning.
    #[inline]
    pub(crate) fn falls_to(&self, waiting: impl FnOnce() -> u32) {
        if self.is_high.load(Ordering::Relaxed) && waiting() <= self.mark / 2 {
            self.is_high.store(false, Ordering::Relaxed);
        }
    }

    /// About how many messages wait; `None` if nobody counts them.
    pub(crate) fn taken(&self) -> Option<u32> {
        (self.limit > 0).then(|| self.taken.load(Ordering::Relaxed) & !SHUT)
    }

    /// Whether who finds no place waits for one.
    pub(crate) const fn lets_wait(&self) -> bool {
        matches!(self.when_full, WhenFull::Wait)
    }

    pub(crate) const fn limit(&self) -> u32 {
        self.limit
    }

    /// About how many messages have a place; `None` if there is no place for more. Nobody counts where no
    /// place is needed: that is taken for the most that can wait.
    pub(crate) fn waiting(&self) -> Option<u32> {
        if self.limit == 0 {
            return (!self.is_shut()).then_some(u32::MAX);
        }
        let taken = self.taken.load(Ordering::Relaxed);
        (taken < self.limit).then_some(taken)
    }

    /// Takes a place for a message. `None` if there is none; `Some(false)` if none is needed. Calls
    /// `warn` if so many wait now that it is worth a warning.
    #[inline]
    pub(crate) fn enter(&self, warn: impl FnOnce()) -> Option<bool> {
        if self.limit == 0 {
            return (!self.is_shut()).then_some(false);
        }
        let more = |taken| (taken < self.limit).then_some(taken + 1);
        let taken = self.taken.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        if self.rises_to(taken + 1) {
            warn();
        }
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
            let taken = self.taken.fetch_sub(left, Ordering::AcqRel);
            self.falls_to(|| (taken & !SHUT) - left);
            if let Some(waiting) = self.waiting.get() {
                (0..left).for_each(|_| waiting.notify_one());
            }
        }
    }

    /// There may be a place that nobody was woken for: wakes who has waited longest. Whoever gives places
    /// of a backlog back has held its lock since, as whoever began to wait did when it looked once more.
    #[inline]
    pub(crate) fn pass_on(&self) {
        if let Some(waiting) = self.waiting.get() {
            waiting.notify_one();
        }
    }

    /// Lets nobody in any more, and tells whoever waits to look.
    pub(crate) fn shut(&self) {
        self.taken.fetch_or(SHUT, Ordering::AcqRel);
        if let Some(waiting) = self.waiting.get() {
            waiting.notify_waiters();
        }
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.taken.load(Ordering::Relaxed) & SHUT != 0
    }

    /// Lets in again.
    pub(crate) fn reopen(&self) {
        self.taken.fetch_and(!SHUT, Ordering::AcqRel);
    }

    /// The agent has ended: whoever waits is told to look.
    pub(crate) fn close(&self) {
        self.announce();
        if let Some(waiting) = self.waiting.get() {
            waiting.notify_waiters();
        }
    }
}
