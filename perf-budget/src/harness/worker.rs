//! The measured loop, and its type erasure: one dynamic call a block, none an operation.

use std::hint::black_box;
use std::time::{Duration, Instant};

/// A workload that runs blocks of operations.
pub(super) trait Worker: Send {
    /// Runs operations number `from` to `from + iterations - 1`.
    fn run(&mut self, from: u64, iterations: u64);

    /// The same workload for another thread, with state of its own.
    fn fork(&self) -> Box<dyn Worker>;
}

/// An operation as a closure that is told its running number.
#[derive(Clone)]
pub(super) struct Loop<F>(pub(super) F);

impl<F, R> Worker for Loop<F>
where
    F: FnMut(u64) -> R + Clone + Send + 'static,
{
    // Out of line, so that both sides of a pair are compiled alike.
    #[inline(never)]
    fn run(&mut self, from: u64, iterations: u64) {
        for number in from..from + iterations {
            black_box((self.0)(black_box(number)));
        }
    }

    fn fork(&self) -> Box<dyn Worker> {
        Box::new(self.clone())
    }
}

/// Runs a block and times it.
pub(super) fn time(worker: &mut dyn Worker, from: u64, iterations: u64) -> Duration {
    let started = Instant::now();
    worker.run(from, iterations);
    started.elapsed()
}

/// Finds how many operations take about `target`, warming the workload up on the way. Returns that
/// number (at least 1) and the time of one operation in nanoseconds.
pub(super) fn calibrate(worker: &mut dyn Worker, target: Duration) -> (u64, f64) {
    /// A processor that is taken away in the middle makes one timing long, hardly three.
    const TIMINGS: usize = 3;
    const MOST: u64 = 1 << 40;

    let (mut iterations, mut from) = (1, 0);
    loop {
        let mut quickest = Duration::MAX;
        for _ in 0..TIMINGS {
            quickest = quickest.min(time(worker, from, iterations));
            from += iterations;
            if quickest < target / 4 {
                break;
            }
        }
        if quickest >= target / 4 || iterations >= MOST {
            let each_ns = quickest.as_secs_f64() * 1e9 / iterations as f64;
            let fit = target.as_secs_f64() * 1e9 / each_ns.max(1e-3);
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped")]
            let fit = fit.clamp(1.0, MOST as f64) as u64;
            return (fit, each_ns);
        }
        iterations *= 2;
    }
}
