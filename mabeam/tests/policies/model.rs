//! What a mailbox is to do, as a plain queue.

use std::collections::VecDeque;

use crate::reader::Letter;

/// See the module's page.
pub(crate) struct Model {
    pub(crate) limit: usize,
    pub(crate) bytes: usize,
    pub(crate) full: Full,
    pub(crate) coalesces: bool,
    pub(crate) queue: VecDeque<Letter>,
    /// Numbers of what is a dead letter.
    pub(crate) dropped: Vec<u64>,
    /// Numbers of what was replaced.
    pub(crate) replaced: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Full {
    Refuse,
    DropOldest,
    DropNewest,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Outcome {
    Taken,
    Full,
    TooLarge,
}

impl Model {
    pub(crate) fn send(&mut self, letter: Letter, is_gentle: bool) -> Outcome {
        if letter.bytes > self.bytes {
            return Outcome::TooLarge;
        }
        let full = if is_gentle { Full::Refuse } else { self.full };
        loop {
            let mut queue = self.queue.clone();
            let twin = self.twin(&letter);
            let replaced = twin.map(|index| std::mem::replace(&mut queue[index], letter).number);
            if twin.is_none() {
                queue.push_back(letter);
            }
            if queue.len() <= self.limit && total(&queue) <= self.bytes {
                self.queue = queue;
                self.replaced.extend(replaced);
                return Outcome::Taken;
            }
            match full {
                Full::Refuse if queue.len() > self.limit => return Outcome::Full,
                Full::Refuse => return Outcome::TooLarge,
                Full::DropNewest => {
                    self.dropped.push(letter.number);
                    return Outcome::Taken;
                }
                Full::DropOldest => {
                    let oldest = usize::from(twin == Some(0));
                    self.dropped.push(self.queue.remove(oldest).unwrap().number);
                }
            }
        }
    }

    /// Where the one waits that this one replaces.
    fn twin(&self, letter: &Letter) -> Option<usize> {
        let same =
            |one: &Letter| one.kind == letter.kind && one.key.is_some() && one.key == letter.key;
        if self.coalesces { self.queue.iter().position(same) } else { None }
    }
}

fn total(queue: &VecDeque<Letter>) -> usize {
    queue.iter().map(|letter| letter.bytes).sum()
}
