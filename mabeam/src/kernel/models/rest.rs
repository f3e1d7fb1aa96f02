//! The run queue with real carriers: whoever is queued is run, and nobody sleeps beside work.
//!
//! A carrier that misses a wake-up sleeps for ever, which loom reports as a deadlock.

use std::sync::Arc;
use std::task::{Wake, Waker};

use loom::future::block_on;

use super::super::queue::{RunQueue, Runnable};
use super::super::rest::Rest;
use super::{State, explore, join, start};
use crate::sync::{AtomicUsize, Mutex, Ordering, lock};

/// Something that is run, and stops the queue when it was the last.
struct Work {
    run_queue: Arc<RunQueue<Self>>,
    left: Arc<AtomicUsize>,
    state: State,
    /// How often it queues itself again.
    again: AtomicUsize,
}

impl Runnable for Work {
    fn run(self: Arc<Self>) -> u64 {
        if self.again.load(Ordering::Relaxed) > 0 {
            self.again.fetch_sub(1, Ordering::Relaxed);
            assert!(self.run_queue.push(Arc::clone(&self)).is_ok());
            return 0;
        }
        self.state.note(0);
        if self.left.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.run_queue.stop();
        }
        0
    }

    fn abandon(self: Arc<Self>) {
        panic!("work was queued to nobody");
    }
}

/// Runs so many pushers, each with so much work, beside the carriers. Each work queues itself `again`.
fn carry(carriers: usize, pushers: usize, each: usize, again: usize) {
    let run_queue = Arc::new(RunQueue::new(carriers));
    let left = Arc::new(AtomicUsize::new(pushers * each));
    let on_end: Arc<dyn Fn() + Send + Sync> = Arc::new(|| ());
    let carriers = run_queue.carriers(carriers, &on_end).into_iter();
    let mut carriers = carriers.map(|carrier| move || block_on(carrier));
    let own = carriers.next().unwrap();
    let others: Vec<_> = carriers.map(start).collect();
    let pushers: Vec<_> = (0..pushers)
        .map(|_| {
            let (run_queue, left) = (Arc::clone(&run_queue), Arc::clone(&left));
            start(move || {
                let push = |_| {
                    let (run_queue, left) = (Arc::clone(&run_queue), Arc::clone(&left));
                    let (state, again) = (State::new(), AtomicUsize::new(again));
                    let work = Arc::new(Work { run_queue, left, state, again });
                    assert!(work.run_queue.push(Arc::clone(&work)).is_ok());
                    work
                };
                (0..each).map(push).collect::<Vec<_>>()
            })
        })
        .collect();
    own();
    join(others);
    for work in pushers.into_iter().flat_map(|pusher| pusher.join().unwrap()) {
        assert_eq!(work.state.count(0), 1);
    }
}

#[test]
fn loom_a_carrier_never_sleeps_beside_work() {
    explore(3, || carry(1, 1, 2, 0));
}

#[test]
fn loom_a_carrier_sees_what_two_push() {
    explore(2, || carry(1, 2, 1, 0));
}

#[test]
fn loom_two_carriers_run_a_burst() {
    explore(2, || carry(2, 1, 2, 0));
}

#[test]
fn loom_two_carriers_run_what_two_push() {
    explore(1, || carry(2, 2, 1, 0));
}

/// What a carrier queues wakes nobody else, if it is alone.
#[test]
fn loom_what_is_queued_by_what_is_run_is_run() {
    explore(2, || carry(1, 1, 2, 1));
    explore(2, || carry(2, 1, 1, 1));
}

/// Counts how often it was woken.
#[derive(Default)]
struct Woken(std::sync::atomic::AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn loom_one_that_lies_down_sees_the_work_or_is_called_for_it() {
    explore(4, || {
        let (rest, queue) = (Arc::new(Rest::new()), Arc::new(Mutex::new(0)));
        let pusher = {
            let (rest, queue) = (Arc::clone(&rest), Arc::clone(&queue));
            start(move || {
                *lock(&queue) += 1;
                if let Some(waker) = rest.call() {
                    waker.wake();
                }
            })
        };
        let woken = Arc::new(Woken::default());
        rest.lie_down(0, &Waker::from(Arc::clone(&woken)));
        let sees = *lock(&queue) > 0;
        pusher.join().unwrap();
        let calls = woken.0.load(Ordering::Relaxed);
        assert!(sees || calls == 1, "asleep beside work");
        assert_eq!(rest.get_up(0), calls == 0);
    });
}
