//! Numbers that look random and are the same for the same seed, on every machine.
//!
//! Owns the one generator of the crate. Promises the sequence: a seed is part of a published result.
//! Nobody who gains from guessing the next number may know the seed.

/// `SplitMix64`: G. L. Steele, D. Lea and C. H. Flood, *Fast splittable pseudorandom number
/// generators*, OOPSLA 2014.
#[derive(Clone, Debug)]
pub(crate) struct Seeded(u64);

impl Seeded {
    /// The sequence of `seed`.
    pub(crate) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub(crate) const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// One of the numbers below `bound`, each equally likely; 0 if `bound` is 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let wide = bound as u64;
        // What is left of 2^64 when it is cut into whole multiples of the bound: refused.
        let skip = wide.wrapping_neg().checked_rem(wide).unwrap_or(0);
        loop {
            let product = u128::from(self.next()) * u128::from(wide);
            let low = product & u128::from(u64::MAX);
            if low >= u128::from(skip) {
                return usize::try_from(product >> 64).unwrap_or(0);
            }
        }
    }

    /// Puts `items` in an order of which each is equally likely (Fisher and Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (1..items.len()).rev() {
            items.swap(end, self.below(end + 1));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Seeded;

    /// The first outputs of the authors' own program for the seed 1234567.
    #[test]
    fn the_sequence_is_the_published_one() {
        let mut numbers = Seeded::new(1_234_567);
        let first: Vec<u64> = (0..3).map(|_| numbers.next()).collect();
        assert_eq!(
            first,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
    }

    #[test]
    fn a_shuffle_keeps_the_items_and_every_order_is_about_as_likely() {
        let (mut numbers, mut seen) = (Seeded::new(7), std::collections::BTreeMap::new());
        for _ in 0..6_000 {
            let mut items = [0, 1, 2];
            numbers.shuffle(&mut items);
            *seen.entry(items).or_insert(0) += 1;
        }
        assert_eq!(seen.len(), 6);
        assert!(seen.values().all(|&times| (850..1_150).contains(&times)), "{seen:?}");
    }
}
