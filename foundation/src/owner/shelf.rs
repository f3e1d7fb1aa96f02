//! Values in the order in which they came, each of which can be taken by its key.

use std::mem;

/// A list with stable keys. Putting is amortised constant, taking is a binary search and amortised
/// constant beside it; an empty shelf allocates nothing.
pub(super) struct Shelf<T> {
    /// Ascending by key. `None` marks what was taken; fewer than half of the slots are so, and the
    /// last one never is.
    slots: Vec<(u64, Option<T>)>,
    taken: usize,
    next: u64,
}

impl<T> Shelf<T> {
    /// Puts a value behind the others and returns its key, which no other value gets.
    pub(super) fn put(&mut self, value: T) -> u64 {
        let key = self.skip();
        self.slots.push((key, Some(value)));
        key
    }

    /// A key that no value gets.
    pub(super) fn skip(&mut self) -> u64 {
        let key = self.next;
        self.next += 1;
        key
    }

    /// Takes all values. Those that come later get further keys.
    pub(super) fn take_all(&mut self) -> Self {
        let next = self.next;
        mem::replace(self, Self { next, ..Self::default() })
    }

    /// Takes the value with this key, if it is there.
    pub(super) fn take(&mut self, key: u64) -> Option<T> {
        let at = self.slots.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        let value = self.slots.get_mut(at)?.1.take()?;
        self.taken += 1;
        while self.slots.pop_if(|(_, value)| value.is_none()).is_some() {
            self.taken -= 1;
        }
        if self.taken * 2 >= self.slots.len() {
            self.slots.retain(|(_, value)| value.is_some());
            self.slots.shrink_to(self.slots.len() * 2);
            self.taken = 0;
        }
        Some(value)
    }

    /// Everything with its key, in the order in which it came.
    pub(super) fn into_all(self) -> impl DoubleEndedIterator<Item = (u64, T)> {
        self.slots.into_iter().filter_map(|(key, value)| Some((key, value?)))
    }
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), taken: 0, next: 0 }
    }
}

#[cfg(all(test, not(foundation_loom)))]
mod tests {
    use proptest::collection::vec;
    use proptest::option;
    use proptest::prelude::*;

    use super::Shelf;

    proptest! {
        #[test]
        fn a_shelf_behaves_like_a_vec_of_pairs_and_stays_small(
            // `None` puts the next value, `Some(key)` takes.
            steps in vec(option::of(0_u64..40), 0..200),
        ) {
            let mut shelf = Shelf::default();
            let mut model: Vec<(u64, u64)> = Vec::new();
            let mut next = 0;
            for step in steps {
                match step {
                    None => {
                        prop_assert_eq!(shelf.put(next * 10), next);
                        model.push((next, next * 10));
                        next += 1;
                    }
                    Some(key) => {
                        let at = model.iter().position(|(there, _)| *there == key);
                        let expected = at.map(|at| model.remove(at).1);
                        prop_assert_eq!(shelf.take(key), expected);
                    }
                }
                prop_assert!(shelf.slots.len() <= (2 * model.len()).max(1));
            }
            prop_assert_eq!(shelf.into_all().collect::<Vec<_>>(), model);
        }
    }
}
