//! Back-to-back blocks of one operation, and alternating blocks of two.
//!
//! All threads walk the same schedule of blocks; a barrier starts each block on all of them at once
//! and each thread times its own. With one thread the barrier is a formality, so there is one path.

use std::sync::Barrier;
use std::time::Duration;

use super::worker::{Worker, calibrate, time};
use crate::result::{Measurement, Paired, Timed};

/// Length of a block: short enough that a pair sees the same machine, long enough that reading the
/// clock twice (some 50 ns) is lost in it.
const BLOCK: Duration = Duration::from_micros(250);
/// Length of a block on several threads, where a late start must be small beside it.
const BLOCK_OF_THREADS: Duration = Duration::from_millis(1);
/// Blocks at least in a process, however short the time.
const MIN_BLOCKS: usize = 8;
/// Blocks at most: bounds the size of a result.
const MAX_BLOCKS: usize = 16_384;

/// Measures `worker` on `threads` threads for about `duration`.
pub(super) fn timed(mut worker: Box<dyn Worker>, threads: u32, duration: Duration) -> Measurement {
    let block = block_length(threads);
    let (iterations, each_ns) = calibrate(&mut *worker, block);
    let blocks = blocks_within(duration, each_ns * iterations as f64);
    let lanes = fork(&*worker, threads).into_iter().map(|worker| vec![worker]).collect();
    let block_ns = run_schedule(lanes, &vec![0; blocks], iterations);
    Measurement::Timed(Timed { threads, iterations, block_ns })
}

/// Measures `operation` against `peer` in the order A B B A for about `duration`.
pub(super) fn paired(
    mut operation: Box<dyn Worker>,
    (peer_name, mut peer): (String, Box<dyn Worker>),
    threads: u32,
    duration: Duration,
) -> Measurement {
    let block = block_length(threads);
    let (fit, each_ns) = calibrate(&mut *operation, block);
    let (peer_fit, peer_each_ns) = calibrate(&mut *peer, block);
    // The same number of operations on both sides, sized by the slower one.
    let iterations = fit.min(peer_fit);
    let estimate_ns = 2.0 * (each_ns + peer_each_ns) * iterations as f64;
    let quads = blocks_within(duration, estimate_ns);
    let schedule: Vec<usize> = [0, 1, 1, 0].repeat(quads);
    let lanes = fork(&*operation, threads)
        .into_iter()
        .zip(fork(&*peer, threads))
        .map(|(operation, peer)| vec![operation, peer])
        .collect();
    let block_ns = run_schedule(lanes, &schedule, iterations);
    let quads_ns = block_ns
        .chunks_exact(4)
        .map(|quad| [f64::midpoint(quad[0], quad[3]), f64::midpoint(quad[1], quad[2])])
        .collect();
    Measurement::Paired(Paired { peer: peer_name, threads, iterations, quads_ns })
}

fn block_length(threads: u32) -> Duration {
    if threads == 1 { BLOCK } else { BLOCK_OF_THREADS }
}

fn blocks_within(duration: Duration, block_ns: f64) -> usize {
    let fit = duration.as_secs_f64() * 1e9 / block_ns.max(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped below")]
    let fit = fit.clamp(0.0, MAX_BLOCKS as f64) as usize;
    fit.max(MIN_BLOCKS)
}

fn fork(worker: &dyn Worker, threads: u32) -> Vec<Box<dyn Worker>> {
    (0..threads).map(|_| worker.fork()).collect()
}

/// Runs `schedule` (indices into each lane's workers) on every lane at once, each lane on a thread
/// of its own. Returns the mean nanoseconds an operation of each block, averaged over the lanes.
fn run_schedule(lanes: Vec<Vec<Box<dyn Worker>>>, schedule: &[usize], iterations: u64) -> Vec<f64> {
    let barrier = Barrier::new(lanes.len());
    let count = lanes.len() as f64;
    let mut mean_ns = vec![0.0; schedule.len()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = lanes
            .into_iter()
            .map(|lane| scope.spawn(|| run_lane(lane, schedule, iterations, &barrier)))
            .collect();
        for thread in threads {
            match thread.join() {
                Ok(blocks) => {
                    for (mean, block) in mean_ns.iter_mut().zip(blocks) {
                        *mean += block / count;
                    }
                }
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
    });
    mean_ns
}

/// Ends the process if a lane panics: the others would wait at the barrier for ever. The panic's
/// message has been printed by then.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

fn run_lane(
    mut lane: Vec<Box<dyn Worker>>,
    schedule: &[usize],
    iterations: u64,
    barrier: &Barrier,
) -> Vec<f64> {
    let _guard = AbortOnPanic;
    for worker in &mut lane {
        worker.run(0, iterations);
    }
    // Each side counts its own operations, so both see the same numbers.
    let mut next = vec![iterations; lane.len()];
    let block = |&side: &usize| {
        barrier.wait();
        let took = time(&mut *lane[side], next[side], iterations);
        next[side] += iterations;
        took.as_secs_f64() * 1e9 / iterations as f64
    };
    schedule.iter().map(block).collect()
}
