//! Open-loop load: operations start when they are due, whether or not earlier ones are done.
//!
//! A closed loop waits for a slow operation and so never starts those that the delay would have
//! hurt ("coordinated omission", G. Tene, *How not to measure latency*, 2013). Here each batch has
//! an intended start, its latency counts from there, and a late batch starts at once.

use std::hint::{black_box, spin_loop};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::MeasureError;
use crate::result::{EncodedHistogram, Load, Measurement};

/// A load is given up when it has taken this many times its planned duration: the rate is out of
/// reach by then, and the gate says so from what was achieved.
const PATIENCE: u32 = 2;
/// Operations that are run back to back first, to warm up and to learn what one costs.
const WARM_UP: u64 = 4096;
/// Operations that are warmed up between two looks at the clock.
const CHUNK: u64 = 64;
/// Readings of the clock that are timed to learn what one costs.
const CLOCK_READINGS: u32 = 4096;
/// Three significant digits, the histogram's usual resolution: values within 0.1 %.
const SIGNIFICANT_DIGITS: u8 = 3;

/// What a load offers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) rate_per_s: f64,
    pub(super) duration: Duration,
    pub(super) batch: u64,
}

/// Runs `operation` (running number in, success out) under `offer`.
pub(super) fn measure(
    operation: &mut dyn FnMut(u64) -> bool,
    offer: Offer,
) -> Result<Measurement, MeasureError> {
    let clock_ns = clock_ns();
    let operation_ns = warm_up(operation);
    let mut latencies = Histogram::<u64>::new(SIGNIFICANT_DIGITS).map_err(unrecorded)?;

    let interval = Duration::from_secs_f64(offer.batch as f64 / offer.rate_per_s);
    let batches = (offer.duration.as_secs_f64() / interval.as_secs_f64()).ceil().max(1.0);
    let give_up = offer.duration * PATIENCE;
    let (mut succeeded, mut done) = (0, 0_u64);
    let started = Instant::now();
    let mut ended = Duration::ZERO;
    while (done as f64) < batches && ended < give_up {
        let due = interval.mul_f64(done as f64);
        while started.elapsed() < due {
            spin_loop();
        }
        let first = done * offer.batch;
        for number in first..first + offer.batch {
            succeeded += u64::from(black_box(operation(black_box(number))));
        }
        ended = started.elapsed();
        let latency_ns = u64::try_from(ended.saturating_sub(due).as_nanos()).unwrap_or(u64::MAX);
        // Grows its range as needed; `saturating_record` would clip what is beyond it.
        latencies.record(latency_ns.max(1)).map_err(unrecorded)?;
        done += 1;
    }

    let operations = done * offer.batch;
    // The last interval belongs to the load: a batch a second for a second is one a second.
    let took = ended.max(interval.mul_f64(done as f64));
    Ok(Measurement::Load(Load {
        offered_per_s: offer.rate_per_s,
        duration_ns: offer.duration.as_secs_f64() * 1e9,
        achieved_per_s: operations as f64 / took.as_secs_f64(),
        batch: offer.batch,
        operation_ns,
        clock_ns,
        succeeded,
        failed: operations - succeeded,
        histogram: EncodedHistogram::encode(&latencies).map_err(unrecorded)?,
    }))
}

fn unrecorded(error: impl std::fmt::Display) -> MeasureError {
    MeasureError::Histogram(error.to_string())
}

fn warm_up(operation: &mut dyn FnMut(u64) -> bool) -> f64 {
    let started = Instant::now();
    let (mut done, mut chunks) = (0, Vec::new());
    while done < WARM_UP && started.elapsed() < Duration::from_millis(50) {
        let chunk = Instant::now();
        for number in done..done + CHUNK {
            black_box(operation(black_box(number)));
        }
        chunks.push(chunk.elapsed());
        done += CHUNK;
    }
    // The median, so that a cold first call does not make a cheap operation look dear.
    chunks.sort_unstable();
    let median = chunks.get(chunks.len() / 2).copied().unwrap_or_default();
    median.as_secs_f64() * 1e9 / CHUNK as f64
}

fn clock_ns() -> f64 {
    let started = Instant::now();
    for _ in 0..CLOCK_READINGS {
        black_box(Instant::now());
    }
    started.elapsed().as_secs_f64() * 1e9 / f64::from(CLOCK_READINGS)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps the processor busy for `duration`: a lower bound that holds on any machine.
    fn busy(duration: Duration) -> bool {
        let started = Instant::now();
        while started.elapsed() < duration {
            spin_loop();
        }
        true
    }

    fn load(operation: &mut dyn FnMut(u64) -> bool, rate_per_s: f64, batch: u64) -> Load {
        let offer = Offer { rate_per_s, duration: Duration::from_millis(20), batch };
        match measure(operation, offer) {
            Ok(Measurement::Load(load)) => load,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_latency_is_recorded_whole() {
        let each = Duration::from_micros(300);
        let measured = load(&mut |_| busy(each), 1_000.0, 1);
        let latencies = measured.histogram.decode().expect("a histogram");
        assert!((1..=20).contains(&latencies.len()));
        assert!(latencies.min() >= 299_000, "{} ns", latencies.min());
        assert!(measured.operation_ns >= 300_000.0);
    }

    #[test]
    fn latency_counts_from_the_intended_start() {
        // Four times as long as the interval: each operation waits for all that came before.
        let each = Duration::from_millis(2);
        let measured = load(&mut |_| busy(each), 2_000.0, 1);
        let latencies = measured.histogram.decode().expect("a histogram");
        let done = u32::try_from(latencies.len()).expect("a few");
        let last_due = Duration::from_micros(500) * (done - 1);
        let queued = (each * done).saturating_sub(last_due);
        assert!(u128::from(latencies.max()) >= queued.as_nanos() * 99 / 100);
        assert!(measured.achieved_per_s < 0.99 * 2_000.0);
    }

    #[test]
    fn failures_are_counted_and_timed() {
        let measured = load(&mut |n| n % 4 != 0, 10_000.0, 8);
        // A machine that is busy with other things may not get to the end of the load.
        let (succeeded, failed) = (measured.succeeded, measured.failed);
        assert!(failed > 0 && succeeded == 3 * failed, "{succeeded} and {failed}");
        let batches = measured.histogram.decode().expect("a histogram").len();
        assert_eq!(8 * batches, succeeded + failed);
    }
}
