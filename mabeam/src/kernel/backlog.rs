//! Mail that waits under a policy: where messages are dropped or replaced, or counted in bytes.
//!
//! Owns which message waits, which goes and which comes back. Most mailboxes have none of this: they
//! only count (see [`super::room`]), and their mail waits in the lock-free [inbox](super::inbox). One
//! with a policy has a backlog beside its inbox, whose word then says only who is responsible for the
//! agent. All of the agent's mail goes through it, so what it decides, it decides in one step under its
//! lock, and no limit is ever exceeded.
//!
//! Whoever puts a message here urges the inbox afterwards. The holder of the token takes the inbox, and
//! with it that note, and only then looks here. So a message that the holder did not see was put after
//! it looked: its note comes after the take, and the token is not given back before the holder has
//! looked once more. If the agent was at rest, the note claims it.
//!
//! No code of a user runs under the lock: keys and sizes are asked for before, and what is dropped or
//! replaced is handed out.

use std::any::TypeId;

use crate::Message;
use crate::settings::{Mailbox, WhenFull};
use crate::sync::{Mutex, lock};

mod line;

use line::Line;

/// See the module's page.
pub(crate) struct Backlog<T> {
    bounds: Bounds,
    /// Code of a user never runs while it is held, and nothing is waited for.
    line: Mutex<Line<T>>,
}

/// What a mailbox allows.
#[derive(Clone, Copy)]
struct Bounds {
    /// `u32::MAX` for no limit.
    messages: u32,
    /// `usize::MAX` for no limit.
    bytes: usize,
    when_full: WhenFull,
    coalesces: bool,
}

/// What a backlog wants to know of a message.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Weight {
    /// What it replaces and is replaced by.
    key: Option<(TypeId, u64)>,
    /// 0 where bytes are not counted.
    pub(crate) bytes: usize,
    /// Nothing is dropped for its sake, and it comes back itself.
    is_gentle: bool,
}

/// What became of a message.
#[derive(Debug, PartialEq)]
pub(crate) enum Put<T> {
    /// It waits.
    Waits {
        /// The one in whose place it is.
        replaced: Option<T>,
        /// What made room for it.
        dropped: Out<T>,
        /// How many wait now, if it is one more than before.
        more: Option<usize>,
    },
    /// It was dropped itself.
    Dropped(T),
    /// It comes back.
    Refused(T, Refusal),
}

/// Why a message comes back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Refusal {
    /// As many wait as may.
    Full,
    /// So much waits that this does not fit as well, or it is too large even alone.
    TooLarge,
    /// Nothing comes in any more.
    Closed,
}

/// What goes out, oldest first. It is mostly one or none: then nothing is allocated.
#[derive(Debug, PartialEq)]
pub(crate) struct Out<T> {
    first: Option<T>,
    rest: Vec<T>,
}

impl<T> Backlog<T> {
    /// What a mailbox needs; `None` if it only counts.
    pub(crate) fn of(mailbox: Mailbox) -> Option<Self> {
        let Mailbox { limit, bytes, when_full, coalesces } = mailbox;
        let drops = matches!(when_full, WhenFull::DropOldest | WhenFull::DropNewest);
        if !coalesces && bytes == usize::MAX && !(drops && limit > 0) {
            return None;
        }
        let messages = if limit == 0 { u32::MAX } else { limit };
        let bounds = Bounds { messages, bytes, when_full, coalesces };
        Some(Self { bounds, line: Mutex::new(Line::new()) })
    }

    /// Asks a message what has to be known of it. Runs code of a user.
    pub(crate) fn weigh<M: Message>(&self, message: &M) -> Weight {
        let Bounds { bytes, coalesces, .. } = self.bounds;
        let key = if coalesces { message.key() } else { None };
        Weight {
            key: key.map(|key| (TypeId::of::<M>(), key)),
            bytes: if bytes == usize::MAX { 0 } else { message.bytes() },
            is_gentle: false,
        }
    }

    /// Adds a message, as the policy has it.
    pub(crate) fn put(&self, item: T, weight: Weight) -> Put<T> {
        lock(&self.line).put(item, weight, &self.bounds)
    }

    /// Takes the oldest message.
    pub(crate) fn pop(&self) -> Option<T> {
        lock(&self.line).pop()
    }

    /// Lets nothing more in. What waits stays.
    pub(crate) fn close(&self) {
        lock(&self.line).close();
    }

    /// Lets in again.
    pub(crate) fn reopen(&self) {
        lock(&self.line).reopen();
    }

    /// How many messages wait; `None` if there is no place for more.
    pub(crate) fn waiting(&self) -> Option<usize> {
        let line = lock(&self.line);
        (!line.is_full(&self.bounds)).then(|| line.len())
    }

    /// How many messages wait.
    pub(crate) fn len(&self) -> usize {
        lock(&self.line).len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether a message that replaces none would find no place.
    pub(crate) fn is_full(&self) -> bool {
        lock(&self.line).is_full(&self.bounds)
    }

    /// How many messages may wait; 0 for no limit.
    pub(crate) const fn limit(&self) -> u32 {
        if self.bounds.messages == u32::MAX { 0 } else { self.bounds.messages }
    }

    /// How many bytes may wait.
    pub(crate) const fn limit_bytes(&self) -> usize {
        self.bounds.bytes
    }
}

impl Weight {
    /// Of one for whose sake nothing is dropped, and which is not dropped itself.
    pub(crate) const fn gentle(self) -> Self {
        Self { is_gentle: true, ..self }
    }
}

impl<T> Out<T> {
    const fn none() -> Self {
        Self { first: None, rest: Vec::new() }
    }

    const fn is_none(&self) -> bool {
        self.first.is_none()
    }

    fn add(&mut self, item: T) {
        if self.first.is_none() {
            self.first = Some(item);
        } else {
            self.rest.push(item);
        }
    }
}

impl<T> IntoIterator for Out<T> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::option::IntoIter<T>, std::vec::IntoIter<T>>;

    fn into_iter(self) -> Self::IntoIter {
        self.first.into_iter().chain(self.rest)
    }
}
