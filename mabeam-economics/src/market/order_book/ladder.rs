//! One side of an order book: its prices in order, and at each price a queue.
//!
//! Owns the links. An order is a [`Node`] in a slab; the nodes of one price form a doubly linked list
//! from the first to trade to the last, whose ends stand in the price's [`Level`], in a slab too; an
//! ordered index leads from prices to levels. No level is empty between calls.

use std::collections::BTreeMap;

use crate::{AgentId, Amount, Money};

use super::{OrderId, Resting, Side, Trade};

/// No node: the end of a list.
const NONE: u32 = u32::MAX;

#[derive(Clone, Debug)]
pub(super) struct Ladder {
    side: Side,
    /// From how eager a price is to its level; the most eager last.
    index: BTreeMap<i64, u32>,
    levels: Slab<Level>,
    nodes: Slab<Node>,
    /// The units of all orders.
    units: u64,
    /// How many orders.
    len: usize,
}

/// A resting order and its neighbours at its price.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// 0 if nothing rests here.
    sequence: u64,
    agent: AgentId,
    quantity: u64,
    level: u32,
    before: u32,
    after: u32,
}

/// The queue of one price.
#[derive(Clone, Debug)]
struct Level {
    price: Money,
    units: u64,
    first: u32,
    last: u32,
}

/// A fill of a resting order, by somebody.
pub(super) struct Fill {
    maker: OrderId,
    agent: AgentId,
    price: Money,
    quantity: u64,
    left: u64,
}

impl Node {
    /// `quantity` units of `agent`, not yet in any queue; `sequence` is above 0.
    pub(super) fn new(sequence: u64, agent: AgentId, quantity: u64) -> Self {
        Self { sequence, agent, quantity, level: NONE, before: NONE, after: NONE }
    }
}

impl Fill {
    /// The trade, in which `taker` is on `side`.
    pub(super) fn with_taker(self, taker: AgentId, side: Side) -> Trade {
        let (buyer, seller) = match side {
            Side::Buy => (taker, self.agent),
            Side::Sell => (self.agent, taker),
        };
        Trade {
            maker: self.maker,
            maker_left: Amount::new(self.left),
            buyer,
            seller,
            price: self.price,
            quantity: Amount::new(self.quantity),
        }
    }
}

impl Ladder {
    pub(super) fn new(side: Side, capacity: usize) -> Self {
        let (levels, nodes) = (Slab::new(capacity), Slab::new(capacity));
        Self { side, index: BTreeMap::new(), levels, nodes, units: 0, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn units(&self) -> u64 {
        self.units
    }

    /// How eager a price is: larger is better for whoever trades with this side.
    fn eagerness(&self, price: Money) -> i64 {
        match self.side {
            Side::Buy => price.units(),
            Side::Sell => -price.units(),
        }
    }

    /// Whether an order of the other side with this limit trades with the best price here.
    pub(super) fn meets(&self, limit: Money) -> bool {
        self.index.last_key_value().is_some_and(|(&best, _)| best >= self.eagerness(limit))
    }

    /// Whether `units` can be had within `limit`. Cost: O(prices within the limit).
    pub(super) fn holds(&self, limit: Money, units: u64) -> bool {
        let within = self.index.range(self.eagerness(limit)..).rev();
        let mut lacking = units;
        for (_, &level) in within {
            lacking = lacking.saturating_sub(self.levels.get(level).units);
            if lacking == 0 {
                return true;
            }
        }
        lacking == 0
    }

    /// Adds an order behind all others of its price.
    pub(super) fn push(&mut self, price: Money, mut node: Node) -> OrderId {
        let (sequence, quantity) = (node.sequence, node.quantity);
        let eagerness = self.eagerness(price);
        let levels = &mut self.levels;
        let level = *self
            .index
            .entry(eagerness)
            .or_insert_with(|| levels.insert(Level { price, units: 0, first: NONE, last: NONE }));
        let queue = levels.get_mut(level);
        node.level = level;
        node.before = queue.last;
        let slot = self.nodes.insert(node);
        match queue.last {
            NONE => queue.first = slot,
            last => self.nodes.get_mut(last).after = slot,
        }
        queue.last = slot;
        queue.units += quantity;
        self.units += quantity;
        self.len += 1;
        OrderId { sequence, slot, side: self.side }
    }

    /// The order with this id, if it still rests here.
    pub(super) fn resting(&self, id: OrderId) -> Option<Resting> {
        let node = self.nodes.items.get(id.slot as usize)?;
        (node.sequence == id.sequence).then(|| self.show(id.slot, node))
    }

    /// Takes out the order in `slot`, which holds one.
    pub(super) fn remove(&mut self, slot: u32) {
        self.shrink(slot, 0);
        let level = self.nodes.get(slot).level;
        self.unlink(slot);
        if self.levels.get(level).first == NONE {
            let eagerness = self.eagerness(self.levels.get(level).price);
            self.index.remove(&eagerness);
            self.levels.free(level);
        }
    }

    /// Leaves `quantity`, at most what it has, of the order in `slot`, at its place.
    pub(super) fn shrink(&mut self, slot: u32, quantity: u64) {
        let node = self.nodes.get_mut(slot);
        let gone = node.quantity - quantity;
        node.quantity = quantity;
        self.levels.get_mut(node.level).units -= gone;
        self.units -= gone;
    }

    /// Fills `units` from the best price on, none beyond `limit`; returns how many it could not fill.
    pub(super) fn take(
        &mut self,
        limit: Option<Money>,
        mut units: u64,
        mut each: impl FnMut(Fill),
    ) -> u64 {
        let worst = limit.map_or(i64::MIN, |limit| self.eagerness(limit));
        while units > 0 {
            let Some((&best, &level)) = self.index.last_key_value() else { break };
            if best < worst {
                break;
            }
            units = self.take_level(level, units, &mut each);
            if self.levels.get(level).first == NONE {
                self.index.pop_last();
                self.levels.free(level);
            }
        }
        units
    }

    /// Fills `units` from one queue, the first order first; returns how many it could not fill.
    fn take_level(&mut self, level: u32, mut units: u64, each: &mut impl FnMut(Fill)) -> u64 {
        let price = self.levels.get(level).price;
        while units > 0 {
            let slot = self.levels.get(level).first;
            if slot == NONE {
                break;
            }
            let &Node { sequence, agent, quantity: waiting, .. } = self.nodes.get(slot);
            let quantity = waiting.min(units);
            let left = waiting - quantity;
            units -= quantity;
            self.shrink(slot, left);
            if left == 0 {
                self.unlink(slot);
            }
            let maker = OrderId { sequence, slot, side: self.side };
            each(Fill { maker, agent, price, quantity, left });
        }
        units
    }

    /// Takes a node of no units out of its queue, and frees it. The queue may be empty afterwards.
    fn unlink(&mut self, slot: u32) {
        let &Node { level, before, after, .. } = self.nodes.get(slot);
        match before {
            NONE => self.levels.get_mut(level).first = after,
            before => self.nodes.get_mut(before).after = after,
        }
        match after {
            NONE => self.levels.get_mut(level).last = before,
            after => self.nodes.get_mut(after).before = before,
        }
        self.nodes.get_mut(slot).sequence = 0;
        self.nodes.free(slot);
        self.len -= 1;
    }

    pub(super) fn depth(&self) -> impl Iterator<Item = (Money, Amount)> {
        let show = |level: &Level| (level.price, Amount::new(level.units));
        self.index.values().rev().map(move |&level| show(self.levels.get(level)))
    }

    pub(super) fn orders(&self) -> impl Iterator<Item = Resting> {
        let queue = move |&level: &u32| {
            let slot = |slot: u32| (slot != NONE).then_some(slot);
            let first = slot(self.levels.get(level).first);
            std::iter::successors(first, move |&at| slot(self.nodes.get(at).after))
        };
        self.index.values().rev().flat_map(queue).map(|slot| self.show(slot, self.nodes.get(slot)))
    }

    fn show(&self, slot: u32, node: &Node) -> Resting {
        let id = OrderId { sequence: node.sequence, slot, side: self.side };
        let price = self.levels.get(node.level).price;
        let quantity = Amount::new(node.quantity);
        Resting { id, agent: node.agent, side: self.side, price, quantity }
    }
}

/// Items that keep their slot; freed slots are used again.
#[derive(Clone, Debug)]
struct Slab<T> {
    items: Vec<T>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    fn new(capacity: usize) -> Self {
        Self { items: Vec::with_capacity(capacity), free: Vec::with_capacity(capacity) }
    }

    fn insert(&mut self, item: T) -> u32 {
        if let Some(slot) = self.free.pop() {
            *self.get_mut(slot) = item;
            return slot;
        }
        self.items.push(item);
        // A book's limit is far below the largest slot.
        u32::try_from(self.items.len() - 1).unwrap_or(NONE)
    }

    fn free(&mut self, slot: u32) {
        self.free.push(slot);
    }

    /// The item in `slot`, which came from [`insert`](Self::insert).
    fn get(&self, slot: u32) -> &T {
        &self.items[slot as usize]
    }

    fn get_mut(&mut self, slot: u32) -> &mut T {
        &mut self.items[slot as usize]
    }
}
