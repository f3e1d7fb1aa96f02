//! The line of those who wait, and what a policy does to it. Pure: the lock is its owner's.

use std::any::TypeId;
use std::collections::{HashMap, VecDeque};

use foldhash::fast::RandomState;

use super::{Bounds, Out, Put, Refusal, Weight};
use crate::settings::WhenFull;

/// An empty line gives memory for more than so many messages back.
const KEPT: usize = 64;

/// Messages in the order in which their places were taken.
pub(super) struct Line<T> {
    slots: VecDeque<Slot<T>>,
    /// The number of the first slot; each further one has the next.
    first: u64,
    /// The sum over the slots.
    bytes: usize,
    /// The number of the slot of each key: there is one at most.
    keys: HashMap<(TypeId, u64), u64, RandomState>,
    is_closed: bool,
}

struct Slot<T> {
    item: T,
    key: Option<(TypeId, u64)>,
    bytes: usize,
}

impl<T> Line<T> {
    pub(super) fn new() -> Self {
        let (slots, keys) = (VecDeque::new(), HashMap::default());
        Self { slots, first: 0, bytes: 0, keys, is_closed: false }
    }

    pub(super) fn put(&mut self, item: T, weight: Weight, bounds: &Bounds) -> Put<T> {
        if self.is_closed {
            return Put::Refused(item, Refusal::Closed);
        }
        if weight.bytes > bounds.bytes {
            return Put::Refused(item, Refusal::TooLarge);
        }
        let own = weight.key.and_then(|key| self.keys.get(&key).copied());
        if let Some(refusal) = self.refusal(own, weight, bounds) {
            match bounds.when_full {
                WhenFull::DropOldest if !weight.is_gentle => {}
                WhenFull::DropNewest if !weight.is_gentle => return Put::Dropped(item),
                _ => return Put::Refused(item, refusal),
            }
        }
        let (mut dropped, mut own_slot) = (Out::none(), None);
        while self.refusal(own, weight, bounds).is_some() {
            let number = self.first;
            let Some(oldest) = self.take() else { break };
            // What it replaces is no longer counted, and keeps its place before all others.
            if Some(number) == own {
                own_slot = Some(oldest.item);
            } else {
                dropped.add(oldest.item);
            }
        }
        let slot = Slot { item, key: weight.key, bytes: weight.bytes };
        let replaced = match own_slot {
            Some(replaced) => {
                self.add_first(slot);
                Some(replaced)
            }
            None => self.add(slot, own),
        };
        let more = (replaced.is_none() && dropped.is_none()).then_some(self.slots.len());
        Put::Waits { replaced, dropped, more }
    }

    pub(super) fn pop(&mut self) -> Option<T> {
        let slot = self.take()?;
        if self.slots.is_empty() && self.slots.capacity() > KEPT {
            self.slots = VecDeque::new();
            self.keys = HashMap::default();
        }
        Some(slot.item)
    }

    pub(super) const fn close(&mut self) {
        self.is_closed = true;
    }

    pub(super) const fn reopen(&mut self) {
        self.is_closed = false;
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether there is no place for one more message. There is a place in what is closed: whoever
    /// comes is to see that.
    pub(super) fn is_full(&self, bounds: &Bounds) -> bool {
        !self.is_closed && self.slots.len() >= bounds.messages as usize
    }

    /// Why a message does not fit; `own` is the number of the slot that it replaces.
    fn refusal(&self, own: Option<u64>, weight: Weight, bounds: &Bounds) -> Option<Refusal> {
        if own.is_none() && self.is_full(bounds) {
            return Some(Refusal::Full);
        }
        let freed = self.index(own).map_or(0, |index| self.slots[index].bytes);
        let bytes = (self.bytes - freed).saturating_add(weight.bytes);
        (bytes > bounds.bytes).then_some(Refusal::TooLarge)
    }

    /// Where the slot with this number is, if it is still in line.
    fn index(&self, number: Option<u64>) -> Option<usize> {
        usize::try_from(number?.checked_sub(self.first)?).ok()
    }

    /// Takes the first slot out.
    fn take(&mut self) -> Option<Slot<T>> {
        let slot = self.slots.pop_front()?;
        self.first += 1;
        self.bytes -= slot.bytes;
        if let Some(key) = slot.key {
            self.keys.remove(&key);
        }
        Some(slot)
    }

    /// Adds a slot at the end, or in the place of another one, which comes back.
    fn add(&mut self, slot: Slot<T>, own: Option<u64>) -> Option<T> {
        if let Some(index) = self.index(own) {
            self.bytes = self.bytes - self.slots[index].bytes + slot.bytes;
            return Some(std::mem::replace(&mut self.slots[index], slot).item);
        }
        self.bytes += slot.bytes;
        if let Some(key) = slot.key {
            self.keys.insert(key, self.first + self.slots.len() as u64);
        }
        self.slots.push_back(slot);
        None
    }

    /// Adds a slot before all others. At least one was taken out before.
    fn add_first(&mut self, slot: Slot<T>) {
        self.first -= 1;
        self.bytes += slot.bytes;
        if let Some(key) = slot.key {
            self.keys.insert(key, self.first);
        }
        self.slots.push_front(slot);
    }
}
