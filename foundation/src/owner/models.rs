//! Every interleaving of an end with those who give, monitor and take back, explored by loom.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicUsize, Ordering};
use loom::thread;

use super::*;

/// Counts in `dropped` when it goes.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn loom_a_gift_is_dropped_before_the_down_or_given_back() {
    loom::model(|| {
        let owner = OwnerRef::new();
        let dropped = Arc::new(AtomicUsize::new(0));
        let seen = Arc::new(AtomicUsize::new(usize::MAX));
        let (at_down, before) = (Arc::clone(&seen), Arc::clone(&dropped));
        owner.monitor_with(move |_| {
            at_down.store(before.load(Ordering::Relaxed), Ordering::Relaxed);
        });
        let ends = {
            let owner = owner.clone();
            thread::spawn(move || owner.end(&Reason::Normal))
        };
        let kept = owner.keep(Counted(Arc::clone(&dropped))).is_ok();
        ends.join().unwrap();
        assert_eq!(dropped.load(Ordering::Relaxed), 1);
        if kept {
            assert_eq!(
                seen.load(Ordering::Relaxed),
                1,
                "the down came before the gift was dropped"
            );
        }
    });
}

#[test]
fn loom_a_monitor_hears_exactly_once_unless_it_was_taken_back() {
    loom::model(|| {
        let owner = OwnerRef::new();
        let downs = Arc::new(AtomicUsize::new(0));
        let ends: Vec<_> = (0..2)
            .map(|_| {
                let owner = owner.clone();
                thread::spawn(move || owner.end(&Reason::Normal))
            })
            .collect();
        let counts = Arc::clone(&downs);
        let monitor = owner.monitor_with(move |_| {
            counts.fetch_add(1, Ordering::Relaxed);
        });
        let taken_back = owner.demonitor(monitor);
        for end in ends {
            end.join().unwrap();
        }
        assert_eq!(downs.load(Ordering::Relaxed), usize::from(!taken_back));
    });
}
