//! Laws of the log, against a plain `Vec` of everything ever appended.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;
use std::time::{Duration, Instant};

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Lagged, Log, NextError, Retention, Sequence, Start, Subscription};

#[derive(Clone, Debug)]
enum Step {
    Append(usize),
    Subscribe(u8),
    Read(usize),
    /// Evicts those that weigh less than this, as far as they are the oldest.
    Evict(usize),
    Leave(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0_usize..12).prop_map(Step::Append),
        1 => (0_u8..40).prop_map(Step::Subscribe),
        4 => (0_usize..4).prop_map(Step::Read),
        1 => (0_usize..4).prop_map(Step::Leave),
        1 => (0_usize..12).prop_map(Step::Evict),
    ];
    vec(step, 0..120)
}

/// Everything ever appended, and the index of the oldest entry that is kept.
#[derive(Default)]
struct Model {
    all: Vec<usize>,
    oldest: usize,
}

impl Model {
    fn append(&mut self, weight: usize, retention: Retention, subscribed: bool) {
        self.all.push(weight);
        if retention.only_while_subscribed && !subscribed {
            self.oldest = self.all.len();
        }
        while self.all.len() - self.oldest > 1
            && (self.all.len() - self.oldest > retention.max_entries
                || self.all[self.oldest..].iter().sum::<usize>() > retention.max_bytes)
        {
            self.oldest += 1;
        }
    }

    fn read(&self, cursor: &mut usize) -> Result<Option<usize>, NextError> {
        if *cursor < self.oldest {
            let missed = (self.oldest - *cursor) as u64;
            *cursor = self.oldest;
            let resumes_at = Sequence::new(self.oldest as u64 + 1);
            return Err(NextError::Lagged(Lagged { missed, resumes_at }));
        }
        let found = self.all.get(*cursor).copied();
        *cursor += usize::from(found.is_some());
        Ok(found)
    }
}

proptest! {
    #[test]
    fn a_log_behaves_like_a_vec_with_a_moving_start(
        steps in steps(),
        max_entries in 0_usize..6,
        max_bytes in 0_usize..40,
        only_while_subscribed: bool,
        before in 0_usize..5,
    ) {
        let retention = Retention { max_entries, max_bytes, only_while_subscribed };
        // As if `before` entries had been appended and evicted.
        let log = Log::starting_at(Sequence::new(before as u64 + 1), retention, |weight| *weight);
        let mut model = Model { all: vec![0; before], oldest: before };
        let mut subscriptions: Vec<(Subscription<usize>, usize)> = Vec::new();
        for step in steps {
            match step {
                Step::Append(weight) => {
                    model.append(weight, retention, !subscriptions.is_empty());
                    prop_assert_eq!(log.append(weight).get(), model.all.len() as u64);
                }
                Step::Subscribe(at) => {
                    let (start, cursor) = match at {
                        0 => (Start::Next, model.all.len()),
                        1 => (Start::Oldest, model.oldest),
                        at => (Start::At(Sequence::new(at.into())), usize::from(at) - 1),
                    };
                    subscriptions.push((log.subscribe(start), cursor));
                }
                Step::Read(which) => {
                    if let Some((subscription, cursor)) = subscriptions.get_mut(which) {
                        let lag = model.all.len().saturating_sub(*cursor) as u64;
                        prop_assert_eq!(subscription.lag(), lag);
                        prop_assert_eq!(subscription.try_next(), model.read(cursor));
                    }
                }
                Step::Evict(_) if cfg!(not(feature = "events")) => {}
                Step::Evict(weight) => {
                    #[cfg(feature = "events")]
                    log.evict_while(|entry| *entry < weight);
                    let kept = &model.all[model.oldest..];
                    model.oldest += kept.iter().take_while(|entry| **entry < weight).count();
                }
                Step::Leave(which) => {
                    if which < subscriptions.len() {
                        subscriptions.swap_remove(which);
                        if only_while_subscribed && subscriptions.is_empty() {
                            model.oldest = model.all.len();
                        }
                    }
                }
            }
            prop_assert_eq!(log.first_kept().get(), model.oldest as u64 + 1);
            prop_assert_eq!(log.next_sequence().get(), model.all.len() as u64 + 1);
        }
    }
}

/// Counts how often it is woken.
#[derive(Default)]
struct Wakes(AtomicUsize);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_subscriber_is_woken_once_however_often_it_asked() {
    let log = Log::new(Retention::default());
    let mut subscription = log.subscribe(Start::Next);
    let counter = Arc::new(Wakes::default());
    let waker = Waker::from(Arc::clone(&counter));
    let mut context = Context::from_waker(&waker);
    for _ in 0..3 {
        assert_eq!(subscription.poll_next(&mut context), Poll::Pending);
    }
    log.append(1);
    log.append(2);
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    assert_eq!(subscription.poll_next(&mut context), Poll::Ready(Ok(1)));
    assert_eq!(subscription.poll_next(&mut context), Poll::Ready(Ok(2)));
    assert_eq!(subscription.poll_next(&mut context), Poll::Pending);
    drop(subscription);
    log.append(3);
    assert_eq!(counter.0.load(Ordering::SeqCst), 1);
    assert_eq!(Arc::strong_count(&counter), 2, "the log kept a waker of a subscriber that left");
}

/// Panics when it is woken.
struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("in a waker")
    }
}

#[test]
fn a_panicking_waker_keeps_nobody_else_from_being_woken() {
    let log = Log::new(Retention { max_entries: 1, ..Retention::default() });
    let counter = Arc::new(Wakes::default());
    let (panics, counts) = (Waker::from(Arc::new(Panics)), Waker::from(Arc::clone(&counter)));
    let mut subscriptions = Vec::new();
    for waker in [&panics, &counts, &panics, &counts] {
        let mut subscription = log.subscribe(Start::Next);
        assert!(subscription.poll_next(&mut Context::from_waker(waker)).is_pending());
        subscriptions.push(subscription);
    }
    let panicked = thread::scope(|scope| scope.spawn(|| log.append(1)).join());
    assert!(panicked.is_err(), "the panic was swallowed");
    assert_eq!(counter.0.load(Ordering::SeqCst), 2);
    assert_eq!(log.append(2).get(), 2);
}

#[test]
fn those_who_left_or_do_not_wait_are_not_woken_for_those_who_do() {
    let log = Log::new(Retention::default());
    let counters: Vec<_> = (0..6).map(|_| Arc::new(Wakes::default())).collect();
    let park = |counter: &Arc<Wakes>| {
        let mut subscription = log.subscribe(Start::Next);
        let waker = Waker::from(Arc::clone(counter));
        assert!(subscription.poll_next(&mut Context::from_waker(&waker)).is_pending());
        subscription
    };
    let mut subscriptions: Vec<_> = counters[..5].iter().map(park).collect();
    // The first, a middle and the last one leave; the place of one of them is taken again.
    for leaver in [4, 2, 0] {
        drop(subscriptions.remove(leaver));
    }
    subscriptions.push(park(&counters[5]));
    log.append(1);
    let woken: Vec<_> = counters.iter().map(|counter| counter.0.load(Ordering::SeqCst)).collect();
    assert_eq!(woken, [0, 1, 0, 1, 0, 1]);
}

#[test]
fn a_plain_thread_waits_until_an_entry_the_close_or_the_deadline() {
    let log = Log::new(Retention::default());
    let mut subscription = log.subscribe(Start::Next);
    let past = Instant::now();
    assert_eq!(subscription.next_blocking(past), Ok(None));
    let far = past + Duration::from_secs(3600);
    thread::scope(|scope| {
        let reader = scope.spawn(|| {
            let first = subscription.next_blocking(far);
            (first, subscription.next_blocking(far))
        });
        log.append(5);
        drop(log);
        assert_eq!(reader.join().unwrap(), (Ok(Some(5)), Err(NextError::Closed)));
    });
}

/// An entry whose destructor uses the log that held it.
#[derive(Clone)]
struct Reenters(Option<Arc<Log<Reenters>>>);

impl Drop for Reenters {
    fn drop(&mut self) {
        if let Some(log) = &self.0 {
            log.append(Reenters(None));
        }
    }
}

#[test]
fn the_destructor_of_an_evicted_entry_may_use_the_log() {
    let log = Arc::new(Log::new(Retention { max_entries: 2, ..Retention::default() }));
    for _ in 0..10 {
        log.append(Reenters(Some(Arc::clone(&log))));
    }
    // Drives the last cycles out, so that nothing is left of the log's own handles.
    log.append(Reenters(None));
    log.append(Reenters(None));
    assert_eq!(log.next_sequence().get() - log.first_kept().get(), 2);
    assert_eq!(Arc::strong_count(&log), 1);
}
