//! Laws of telemetry: against exact lists of what was recorded, by a clock that a test moves.

use std::future::{pending, poll_fn, ready};
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::pin;
use std::sync::Barrier;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Distribution, Limits, ResolveError, Status, Statuses, Summary, Telemetry};
use crate::clock::{Clock, ManualClock, Timestamp, nanos};

mod windows;

const SLICES: u32 = 10;
const QUANTILES: [f64; 7] = [0.0, 0.5, 0.75, 0.9, 0.99, 0.999, 1.0];

fn by_hand() -> (Telemetry, ManualClock) {
    let hand = Clock::manual(Timestamp::from_nanos(1_000_000_007));
    (Telemetry::with_clock(Limits::default(), hand.clock()), hand)
}

/// A panic without a report on the console.
fn quiet_panic() {
    resume_unwind(Box::new("planned"));
}

fn caught(work: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(work)).is_err());
}

fn poll<F: Future>(future: F) -> Poll<F::Output> {
    pin!(future).poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn every_way_to_end_is_counted_as_what_it_is_and_once() {
    let operation = Telemetry::default().operation("ends").unwrap();
    // Success.
    operation.start().finish(Status::Success);
    assert_eq!(operation.track(|| 7), 7);
    assert_eq!(operation.track_result(|| Ok::<_, ()>(7)), Ok(7));
    assert_eq!(poll(operation.track_future(ready(7))), Poll::Ready(7));
    assert_eq!(poll(operation.track_result_future(ready(Ok::<_, ()>(7)))), Poll::Ready(Ok(7)));
    // Error.
    assert_eq!(operation.track_result(|| Err::<(), _>(7)), Err(7));
    assert_eq!(poll(operation.track_result_future(ready(Err::<(), _>(7)))), Poll::Ready(Err(7)));
    // Cancelled: a timer, a future that was polled, one that was not.
    drop(operation.start());
    assert!(poll(operation.track_future(pending::<()>())).is_pending());
    drop(operation.track_future(ready(7)));
    // A timer that keeps its operation, and moves.
    let owned = operation.clone().start_owned();
    thread::spawn(move || owned.finish(Status::Success)).join().unwrap();
    drop(operation.clone().start_owned());
    // Panicked: in a closure, under a timer, in a poll.
    caught(|| operation.track(quiet_panic));
    caught(|| {
        let _timer = operation.start();
        quiet_panic();
    });
    let mut future = Box::pin(operation.track_future(poll_fn(|_| {
        quiet_panic();
        Poll::Ready(())
    })));
    caught(|| _ = future.as_mut().poll(&mut Context::from_waker(Waker::noop())));
    drop(future);

    let expected = Statuses { success: 6, error: 2, cancelled: 4, panicked: 3 };
    let summary = operation.summary();
    assert_eq!((summary.statuses, summary.durations.count()), (expected, 15));
}

#[test]
fn what_a_foreign_panic_drops_is_cancelled() {
    struct InDestructor<'a>(&'a super::Operation);
    impl Drop for InDestructor<'_> {
        fn drop(&mut self) {
            drop(self.0.start());
            self.0.track(|| ());
        }
    }
    let operation = Telemetry::default().operation("bystander").unwrap();
    caught(|| {
        let _waits = operation.track_future(pending::<()>());
        let _starts = InDestructor(&operation);
        quiet_panic();
    });
    let expected = Statuses { success: 1, cancelled: 2, ..Statuses::default() };
    assert_eq!(operation.summary().statuses, expected);
}

#[test]
fn no_end_on_any_thread_is_lost() {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 2_000;
    let (telemetry, hand) = by_hand();
    let operation = telemetry.operation("shared").unwrap();
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                for round in 0..ROUNDS {
                    // Slices begin while others record.
                    hand.advance(Duration::from_millis(round % 3));
                    operation.record(Duration::from_nanos(round), Status::Success);
                    drop(telemetry.operation("shared").unwrap().start());
                }
            });
        }
        for _ in 0..20 {
            let window = operation.window(Duration::from_secs(10));
            assert!(window.durations.count() <= 2 * THREADS * ROUNDS);
        }
    });
    let summary = operation.summary();
    assert_eq!(summary.statuses.success, THREADS * ROUNDS);
    assert_eq!(summary.statuses.cancelled, THREADS * ROUNDS);
    assert_eq!(summary.durations.count(), 2 * THREADS * ROUNDS);
    // Each thread was in the middle of no more than one end when a slice began.
    for span in [1, 5, 10, 30, 60] {
        let window = operation.window(Duration::from_secs(span));
        assert!(window.count().abs_diff(window.durations.count()) <= THREADS, "{window:?}");
    }
}

#[test]
fn threads_that_ended_leave_their_counts() {
    let counter = Telemetry::default().counter("short.threads").unwrap();
    for _ in 0..200 {
        let counter = counter.clone();
        thread::spawn(move || counter.add(5)).join().unwrap();
    }
    assert_eq!(counter.get(), 1_000);
}

#[test]
fn a_name_is_one_operation_and_the_limits_are_exact() {
    let limits = Limits {
        max_operations: 2,
        max_counters: 1,
        max_gauges: 0,
        max_name_bytes: 8,
        ..Limits::default()
    };
    let telemetry = Telemetry::new(limits);
    telemetry.operation("b").unwrap().record(Duration::ZERO, Status::Error);
    telemetry.operation("a").unwrap();
    telemetry.operation("b").unwrap().record(Duration::ZERO, Status::Error);
    let names: Vec<_> = telemetry.snapshot().iter().map(|r| r.name.to_string()).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(telemetry.snapshot()[1].total.statuses.error, 2);

    let full = |name: &str, kind, limit| ResolveError::Full { name: name.into(), kind, limit };
    assert_eq!(telemetry.operation("c").unwrap_err(), full("c", "operation", 2));
    telemetry.counter("a").unwrap().increment();
    assert_eq!(telemetry.counter("c").unwrap_err(), full("c", "counter", 1));
    assert_eq!(telemetry.gauge("c").unwrap_err(), full("c", "gauge", 0));
    assert_eq!(telemetry.counters(), [("a".into(), 1)]);
    assert_eq!(telemetry.operation("").unwrap_err(), ResolveError::Empty);
    let long = ResolveError::TooLong { start: "123456789".into(), bytes: 9, limit: 8 };
    assert_eq!(telemetry.operation("123456789").unwrap_err(), long);
    for (name, character, at) in [("a\nb", '\n', 1), ("ab\\", '\\', 2)] {
        let refused = ResolveError::Character { name: name.into(), character, at };
        assert_eq!(telemetry.counter(name).unwrap_err(), refused);
    }
}

#[test]
fn work_under_a_refused_name_is_done_and_counted() {
    let telemetry = Telemetry::new(Limits { max_operations: 1, ..Limits::default() });
    assert_eq!(telemetry.track_operation("a", || Ok::<_, ()>(1)), Ok(1));
    assert_eq!(telemetry.track_operation("b", || Err::<(), _>(2)), Err(2));
    assert_eq!((telemetry.snapshot().len(), telemetry.untracked()), (1, 1));
}

#[test]
fn a_duration_out_of_range_is_clamped_and_counted_and_its_sum_is_exact() {
    let operation = by_hand().0.operation("long").unwrap();
    let beyond = Distribution::LONGEST + Duration::from_nanos(1);
    operation.record(Distribution::LONGEST, Status::Success);
    operation.record(beyond, Status::Success);
    for summary in [operation.summary(), operation.window(Duration::from_secs(10))] {
        assert_eq!((summary.clamped, summary.durations.count()), (1, 2));
        assert_eq!(summary.durations.quantile(1.0), Some(Distribution::LONGEST));
        assert_eq!(summary.busy, Distribution::LONGEST + beyond);
    }
}

#[test]
fn one_absurd_duration_does_not_wrap_the_sum_around() {
    let operation = by_hand().0.operation("absurd").unwrap();
    let most = Summary::LONGEST_BUSY;
    operation.record(Duration::MAX, Status::Success);
    operation.record(most + Duration::from_nanos(1), Status::Success);
    operation.record(most.saturating_sub(Duration::from_nanos(1)), Status::Success);
    operation.record(Duration::from_nanos(1), Status::Success);
    let summary = operation.summary();
    assert_eq!((summary.busy, summary.clamped), (3 * most, 3));
    assert_eq!(summary.mean(), Some(3 * most / 4));
    // Longer durations count as the longest: a limit from there on finds them all.
    assert_eq!(summary.durations.at_most(Distribution::LONGEST), 4);
    let shorter = Distribution::LONGEST.saturating_sub(Duration::from_nanos(1));
    assert_eq!(summary.durations.at_most(shorter), 1);
}

#[test]
fn a_gauge_is_what_was_set_last_and_no_addition_is_lost() {
    let telemetry = Telemetry::default();
    let gauge = telemetry.gauge("depth").unwrap();
    assert_eq!(gauge.get().to_bits(), 0.0_f64.to_bits());
    gauge.set(-2.5);
    assert_eq!(telemetry.gauges(), [("depth".into(), -2.5)]);
    let parts = [1.0, 1.0, -1.0, 0.5];
    let barrier = Barrier::new(parts.len());
    thread::scope(|scope| {
        for by in parts {
            let (gauge, barrier) = (&gauge, &barrier);
            scope.spawn(move || {
                barrier.wait();
                (0..100_000).for_each(|_| gauge.add(by));
            });
        }
    });
    assert_eq!(telemetry.gauges(), [("depth".into(), 149_997.5)]);
}

#[test]
fn the_hard_bounds_hold_whatever_the_limits_say() {
    let (names, bytes) = (Limits::MAX_NAMES, Limits::MAX_NAME_BYTES);
    let limits = |names, max_name_bytes, windows| Limits {
        max_operations: names,
        max_counters: names,
        max_gauges: names,
        max_name_bytes,
        windows,
    };
    let given = |limits| *Telemetry::new(limits).limits();
    let nano = Duration::from_nanos(1);
    let windows = [Limits::MIN_WINDOW, Limits::MAX_WINDOW];
    let bound = limits(names, bytes, windows);
    assert_eq!(given(bound), bound);
    let beyond = [Limits::MIN_WINDOW.saturating_sub(nano), Limits::MAX_WINDOW + nano];
    assert_eq!(given(limits(names + 1, bytes + 1, beyond)), bound);
    let most = limits(usize::MAX, usize::MAX, [Duration::ZERO, Duration::MAX]);
    assert_eq!(given(most), bound);

    let telemetry = Telemetry::new(most);
    assert!(telemetry.counter(&"x".repeat(bytes)).is_ok());
    assert!(matches!(
        telemetry.counter(&"x".repeat(bytes + 1)),
        Err(ResolveError::TooLong { limit, .. }) if limit == bytes
    ));
    for name in 0..names {
        telemetry.gauge(&name.to_string()).unwrap();
    }
    assert!(matches!(
        telemetry.gauge("one more"),
        Err(ResolveError::Full { limit, .. }) if limit == names
    ));
}

#[test]
fn a_sampled_operation_counts_all_and_times_the_same_part_of_every_regular_subset() {
    const CALLS: usize = 16_000;
    for (every, period) in [(2, 2), (10, 2), (10, 10), (64, 64), (7, 1)] {
        let (telemetry, hand) = by_hand();
        let sampled = NonZeroU32::new(every).unwrap();
        let operation = telemetry.operation("sampled").unwrap();
        operation.set_sampling(sampled);
        // A call takes as many nanoseconds as its place in the period tells.
        for call in 0..CALLS {
            let timer = operation.start();
            hand.advance(Duration::from_nanos((call % period) as u64));
            timer.finish(Status::Success);
        }
        let summary = operation.summary();
        assert_eq!(summary.count(), CALLS as u64);
        let expected = CALLS as f64 / period as f64 / f64::from(every);
        let mut below = 0;
        for place in 0..period {
            let upto = summary.durations.at_most(Duration::from_nanos(place as u64));
            let timed = (upto - below) as f64;
            below = upto;
            let tolerance = 3.0 + expected / 10.0;
            assert!((timed - expected).abs() <= tolerance, "{timed}, not {expected}, at {place}");
        }
        assert_eq!(summary.durations.count(), below);
    }
}

#[test]
fn of_many_threads_with_one_call_each_the_same_part_is_timed() {
    let operation = Telemetry::default().operation("one.call").unwrap();
    operation.set_sampling(NonZeroU32::new(10).unwrap());
    for _ in 0..1_000 {
        let operation = operation.clone();
        thread::spawn(move || drop(operation.start())).join().unwrap();
    }
    let summary = operation.summary();
    assert_eq!(summary.statuses.cancelled, 1_000);
    // Threads of other tests take numbers too, so the part is not as even as on one thread.
    let timed = summary.durations.count();
    assert!((50..=200).contains(&timed), "{timed} of 1,000 calls timed, not some 100");
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Record(u64, Status),
    Advance(u64),
    Read(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let millis = |range: std::ops::Range<u64>| range.prop_map(|millis| millis * 1_000_000);
    let nanos = prop_oneof![0..300_u64, 0..5_000_000_u64, 0..(1_u64 << 42), any::<u64>()];
    prop_oneof![
        6 => (nanos, prop::sample::select(&Status::ALL[..])).prop_map(|(n, s)| Step::Record(n, s)),
        3 => prop_oneof![millis(0..1_500), millis(0..30_000), 0..1_000_u64].prop_map(Step::Advance),
        1 => prop_oneof![millis(0..12_000), millis(0..80_000)].prop_map(Step::Read),
    ]
}

/// What was recorded: when, how long, how it ended.
type Recorded = (u64, u64, Status);

fn agrees(summary: &Summary, recorded: &[Recorded]) -> Result<(), TestCaseError> {
    let count = |status| recorded.iter().filter(|entry| entry.2 == status).count() as u64;
    for status in Status::ALL {
        prop_assert_eq!(summary.statuses.of(status), count(status), "{:?}", status);
    }
    let most = nanos(Summary::LONGEST_BUSY);
    let sum: u64 = recorded.iter().map(|entry| entry.1.min(most)).sum();
    prop_assert_eq!(summary.busy, Duration::from_nanos(sum));
    let longest = nanos(Distribution::LONGEST);
    let clamped = recorded.iter().filter(|entry| entry.1 > longest).count() as u64;
    prop_assert_eq!(summary.clamped, clamped);

    let mut sorted: Vec<_> = recorded.iter().map(|entry| entry.1.min(longest)).collect();
    sorted.sort_unstable();
    prop_assert_eq!(summary.durations.count(), sorted.len() as u64);
    let count = sorted.len() as f64;
    for quantile in QUANTILES {
        let found = summary.durations.quantile(quantile).map(|d| d.as_nanos() as f64);
        // The first of which so great a part of all is not longer.
        let reached = |&(rank, _): &(usize, &u64)| rank as f64 + 1.0 >= quantile * count;
        let exact = sorted.iter().enumerate().find(reached).map(|(_, nanos)| *nanos as f64);
        let within = |(found, exact): (f64, f64)| {
            (exact..=exact * (1.0 + Distribution::RELATIVE_ERROR)).contains(&found)
        };
        prop_assert_eq!(found.is_some(), exact.is_some());
        prop_assert!(found.zip(exact).is_none_or(within), "{:?}, exactly {:?}", found, exact);
    }
    for limit in sorted.iter().copied().chain([0, 1_000, longest]) {
        let found = summary.durations.at_most(Duration::from_nanos(limit));
        let below =
            |limit: f64| sorted.iter().filter(|&&nanos| nanos as f64 <= limit).count() as u64;
        let least = below(limit as f64 / (1.0 + Distribution::RELATIVE_ERROR) - 1.0);
        prop_assert!((least..=below(limit as f64)).contains(&found));
    }
    Ok(())
}

proptest! {
    #[test]
    fn summaries_and_windows_agree_with_a_list_of_everything_recorded(
        born in 0..100_000_000_000_u64,
        steps in vec(step(), 1..120),
    ) {
        let (telemetry, hand) = by_hand();
        hand.advance(Duration::from_nanos(born));
        let operation = telemetry.operation("op").unwrap();
        let [short, long] = telemetry.limits().windows;
        let (mut now, mut recorded) = (0_u64, Vec::<Recorded>::new());
        for step in steps {
            match step {
                Step::Record(nanos, status) => {
                    operation.record(Duration::from_nanos(nanos), status);
                    recorded.push((now, nanos, status));
                }
                Step::Advance(nanos) => {
                    hand.advance(Duration::from_nanos(nanos));
                    now += nanos;
                }
                Step::Read(asked) => {
                    let asked = Duration::from_nanos(asked);
                    let window = operation.window(asked);
                    let covers = nanos(window.covers);
                    let slice = if asked <= short { short } else { long } / SLICES;
                    let age = Duration::from_nanos(now);
                    prop_assert!(window.covers >= asked.min(long).min(age));
                    prop_assert!(window.covers <= age);
                    prop_assert!(window.covers < asked.min(long) + slice);
                    let begin = now - covers;
                    let within: Vec<_> =
                        recorded.iter().copied().filter(|entry| entry.0 >= begin).collect();
                    agrees(&window, &within)?;
                }
            }
        }
        agrees(&operation.summary(), &recorded)?;
        prop_assert_eq!(operation.summary().covers, Duration::from_nanos(now));
    }
}
