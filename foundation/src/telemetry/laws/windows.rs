//! Laws of the windows: what is in one, whoever recorded it and whatever the clock does.

use super::*;

#[test]
fn ends_that_begin_a_slice_together_are_all_in_it_and_whole() {
    const THREADS: usize = 3;
    for round in 0..300 {
        let (telemetry, hand) = by_hand();
        let operation = telemetry.operation("op").unwrap();
        // Half of the time there is nothing before, and half of the time an older slice.
        if round % 2 == 0 {
            operation.record(Duration::ZERO, Status::Success);
        }
        for _ in 0..2 {
            hand.advance(Duration::from_secs(1_000));
            let barrier = Barrier::new(THREADS);
            thread::scope(|scope| {
                for _ in 0..THREADS {
                    scope.spawn(|| {
                        barrier.wait();
                        operation.record(Duration::from_millis(1), Status::Error);
                    });
                }
            });
            let window = operation.window(Duration::from_secs(10));
            let numbers = (window.count(), window.durations.count(), window.busy.as_millis());
            assert_eq!(numbers, (THREADS as u64, THREADS as u64, THREADS as u128));
        }
    }
}

#[test]
fn a_window_of_a_sampled_operation_has_every_end_of_its_time() {
    let (telemetry, hand) = by_hand();
    let operation = telemetry.operation("rare").unwrap();
    operation.set_sampling(NonZeroU32::new(1_000_000).unwrap());
    let ends = [(Status::Error, 1.0), (Status::Success, 0.0), (Status::Cancelled, 0.0)];
    for (status, error_ratio) in ends.into_iter().cycle().take(30) {
        // Nobody reads the window while it happens.
        hand.advance(Duration::from_secs(60));
        for _ in 0..20 {
            operation.start().finish(status);
        }
        hand.advance(Duration::from_secs(5));
        let window = operation.window(Duration::from_secs(10));
        assert_eq!((window.statuses.of(status), window.count()), (20, 20));
        assert!((window.error_ratio() - error_ratio).abs() < 1e-9, "{window:?}");
        hand.advance(Duration::from_secs(10));
        assert_eq!(operation.window(Duration::from_secs(10)).count(), 0);
    }
    assert!(operation.summary().durations.count() <= 1);
}

#[test]
fn a_clock_that_is_set_back_leaves_the_windows_as_they_are() {
    let (telemetry, hand) = by_hand();
    let operation = telemetry.operation("op").unwrap();
    hand.advance(Duration::from_secs(100));
    operation.record(Duration::ZERO, Status::Error);
    let covers = operation.window(Duration::from_secs(10)).covers;
    for (ends, now) in (2..).zip([90, 50, 1, 0]) {
        hand.set(Timestamp::from_nanos(now * 1_000_000_000));
        operation.record(Duration::ZERO, Status::Error);
        let window = operation.window(Duration::from_secs(10));
        assert_eq!((window.count(), window.covers), (ends, covers));
    }
}

#[test]
fn rates_and_ratios_are_of_the_time_covered() {
    let (telemetry, hand) = by_hand();
    let operation = telemetry.operation("rates").unwrap();
    assert_eq!((operation.summary().rate(), operation.summary().error_ratio()), (0.0, 0.0));
    for status in Status::ALL {
        operation.record(Duration::from_nanos(10 * status as u64), status);
    }
    hand.advance(Duration::from_secs(2));
    let window = operation.window(Duration::from_secs(10));
    assert_eq!((window.rate(), window.error_ratio()), (2.0, 0.5));
    assert_eq!(window.mean(), Some(Duration::from_nanos(15)));
    hand.advance(Duration::from_secs(60));
    assert_eq!(operation.window(Duration::from_secs(10)).mean(), None);
    assert_eq!(operation.window(Duration::MAX).covers, Duration::from_secs(62));
}

#[test]
fn the_shorter_window_serves_whichever_way_they_are_given_and_slices_have_a_least_length() {
    let limits = Limits { windows: [Duration::from_secs(60), Duration::ZERO], ..Limits::default() };
    let hand = Clock::manual(Timestamp::from_nanos(0));
    let operation = Telemetry::with_clock(limits, hand.clock()).operation("op").unwrap();
    operation.record(Duration::ZERO, Status::Success);
    hand.advance(Duration::from_secs(20));
    let millis = Duration::from_millis;
    assert_eq!(operation.window(Duration::ZERO).covers, Duration::ZERO);
    assert_eq!(operation.window(millis(10)).covers, millis(10));
    assert_eq!(
        (operation.window(millis(11)).count(), operation.window(millis(10)).count()),
        (0, 0)
    );
    assert_eq!(operation.window(Duration::from_secs(20)).count(), 1);
}
