//! What an agent does with a message: the same state and the same message for every subject.

use std::hint::black_box;
use std::sync::{LazyLock, OnceLock};
use std::time::{Duration, Instant};

/// A message. Two words, copied, nothing to drop: what is measured is the way there and back.
#[derive(Clone, Copy, Debug)]
pub enum Work {
    /// Add this number.
    Add(u64),
    /// Keep a processor busy for so many [steps](steps_a_millisecond).
    Burn(u64),
    /// Write down when this was handled.
    Stamp(&'static OnceLock<Instant>),
}

/// What an agent owns.
#[derive(Debug, Default)]
pub struct State {
    total: u64,
}

impl State {
    /// Handles a message; the reply is the sum of all numbers so far.
    pub fn handle(&mut self, work: Work) -> u64 {
        match work {
            Work::Add(number) => self.total += number,
            Work::Burn(steps) => burn(steps),
            // A second stamp would be a bug of the workload, seen there as a time that is too short.
            Work::Stamp(at) => drop(at.set(Instant::now())),
        }
        self.total
    }
}

/// Computes, without touching memory, for a time in proportion to `steps`.
pub fn burn(steps: u64) {
    let mut value = 1;
    for step in 0..steps {
        value = black_box(u64::wrapping_mul(value, 6_364_136_223_846_793_005).wrapping_add(step));
    }
}

/// How many steps take a processor of this machine one millisecond when it does nothing else: the
/// best of some attempts, the same for every subject of a process.
pub fn steps_a_millisecond() -> u64 {
    const ATTEMPT: u64 = 100_000;
    static STEPS: LazyLock<u64> = LazyLock::new(|| {
        let attempt = || {
            let start = Instant::now();
            burn(ATTEMPT);
            start.elapsed()
        };
        let best = (0..50).map(|_| attempt()).min().unwrap_or(Duration::MAX);
        let steps = u128::from(ATTEMPT) * 1_000_000 / best.as_nanos().max(1);
        u64::try_from(steps).unwrap_or(ATTEMPT)
    });
    *STEPS
}
