//! One wake for many answers.
//!
//! Owns the count. Every receiver that is waited for is polled once, with the group's waker, which it
//! calls once: when its answer is there, or will never be. The caller is woken by the call that completes
//! what it said it needs, and by no other.
//!
//! The count is one word, so whoever says what is needed and whoever answers cannot miss each other.
//! Answers may be seen before their wake is counted, so what is needed is said as a number of wakes since
//! the beginning: when that many have come, at least as many answers are there.

use std::mem;
use std::sync::Arc;
use std::task::{Wake, Waker};

use crate::sync::{AtomicUsize, Mutex, Ordering, lock};

/// More wakes than will ever come.
const NEVER: usize = usize::MAX / 2;

/// The side of those who answer.
struct Group {
    /// The wakes that are needed, less those that have come; two's complement. Each read-modify-write
    /// acquires and releases, so whoever finds it at zero or below sees the answers that were counted.
    missing: AtomicUsize,
    /// Who is woken. Written before `missing` is looked at, and read after it was counted down: either
    /// the caller sees the count, or the count's last wake sees the caller.
    caller: Mutex<Option<Waker>>,
}

/// The caller's side.
pub(super) struct Gathering {
    group: Arc<Group>,
    /// How many receivers were given the waker.
    receivers: usize,
    /// How many wakes are needed, as the group knows it.
    needed: usize,
}

impl Gathering {
    pub(super) fn new(caller: &Waker) -> Self {
        let caller = Mutex::new(Some(caller.clone()));
        let group = Arc::new(Group { missing: AtomicUsize::new(NEVER), caller });
        Self { group, receivers: 0, needed: NEVER }
    }

    /// What receivers are polled with, each once.
    pub(super) fn waker(&self) -> Waker {
        Waker::from(Arc::clone(&self.group))
    }

    /// Says how many receivers have kept the waker.
    pub(super) fn begin(&mut self, receivers: usize) {
        self.receivers = receivers;
    }

    /// Says who is to be woken from now on.
    pub(super) fn set_caller(&self, caller: &Waker) {
        let mut caller = Some(caller.clone());
        // The old one is dropped after the lock is free.
        mem::swap(&mut *lock(&self.group.caller), &mut caller);
    }

    /// Says that of all receivers `waiting` have not been taken from, and that `missing` of them are
    /// needed. `true` if that many have answered; otherwise the caller will be woken when they have.
    pub(super) fn is_past(&mut self, waiting: usize, missing: usize) -> bool {
        let needed = self.receivers - waiting + missing;
        let more = needed.wrapping_sub(mem::replace(&mut self.needed, needed));
        let before = self.group.missing.fetch_add(more, Ordering::AcqRel);
        before.wrapping_add(more).cast_signed() <= 0
    }
}

impl Wake for Group {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.missing.fetch_sub(1, Ordering::AcqRel) == 1 {
            let caller = lock(&self.caller).take();
            if let Some(caller) = caller {
                caller.wake();
            }
        }
    }
}

#[cfg(all(test, not(mabeam_loom)))]
mod tests {
    use super::*;

    struct Count(std::sync::atomic::AtomicUsize);

    impl Wake for Count {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn counted() -> (Arc<Count>, Waker) {
        let count = Arc::new(Count(std::sync::atomic::AtomicUsize::new(0)));
        (Arc::clone(&count), Waker::from(count))
    }

    #[test]
    fn the_caller_is_woken_by_the_wake_that_completes_what_it_needs_and_by_no_other() {
        let (count, waker) = counted();
        let mut gathering = Gathering::new(&waker);
        let answers: Vec<_> = (0..6).map(|_| gathering.waker()).collect();
        let mut answers = answers.into_iter();
        let mut answer = |times| answers.by_ref().take(times).for_each(Waker::wake);
        answer(1);
        gathering.begin(6);
        assert!(!gathering.is_past(6, 3), "one of three has come");
        answer(1);
        assert!(!gathering.is_past(6, 3), "asking again, as on any poll, changes nothing");
        assert_eq!(count.0.load(Ordering::Relaxed), 0);
        answer(1);
        assert_eq!(count.0.load(Ordering::Relaxed), 1);
        assert!(gathering.is_past(6, 3));
        // Two of the three were failures: two more are needed.
        gathering.set_caller(&waker);
        assert!(!gathering.is_past(3, 2));
        answer(2);
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
        assert!(gathering.is_past(3, 2));
        answer(1);
        assert_eq!(count.0.load(Ordering::Relaxed), 2, "nobody needs the last one");
    }

    #[test]
    fn an_answer_that_was_taken_before_its_wake_does_not_stand_for_another() {
        let (count, waker) = counted();
        let mut gathering = Gathering::new(&waker);
        let (first, second, third) = (gathering.waker(), gathering.waker(), gathering.waker());
        gathering.begin(3);
        assert!(!gathering.is_past(3, 1));
        first.wake();
        // Both the first and the second are found, although the second has not called yet.
        assert!(gathering.is_past(3, 1));
        gathering.set_caller(&waker);
        assert!(!gathering.is_past(1, 1));
        second.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 1, "the third is still missing");
        third.wake();
        assert_eq!(count.0.load(Ordering::Relaxed), 2);
    }
}

#[cfg(all(test, mabeam_loom))]
mod models {
    use loom::sync::atomic::AtomicBool;
    use loom::thread;

    use super::*;

    /// A task that is polled when it is woken.
    struct Task(AtomicBool);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Ordering::Release);
        }
    }

    /// Polls twice while two answer, the second time as another task. If that was too early, the other
    /// task is woken by the end.
    #[test]
    fn loom_no_wake_is_lost_when_the_caller_moves_to_another_task() {
        loom::model(|| {
            let tasks = [(); 2].map(|()| Arc::new(Task(AtomicBool::new(false))));
            let [first, second] = tasks.clone().map(Waker::from);
            let mut gathering = Gathering::new(&first);
            let answers = [gathering.waker(), gathering.waker()];
            gathering.begin(2);
            let threads = answers.map(|answer| thread::spawn(move || answer.wake()));
            let mut is_ready = gathering.is_past(2, 2);
            if !is_ready {
                gathering.set_caller(&second);
                is_ready = gathering.is_past(2, 2);
            }
            for thread in threads {
                thread.join().unwrap();
            }
            assert!(is_ready || tasks[1].0.load(Ordering::Acquire));
        });
    }

    /// Needs one answer, takes it, and needs another one.
    #[test]
    fn loom_no_wake_is_lost_when_more_answers_are_needed() {
        loom::model(|| {
            let task = Arc::new(Task(AtomicBool::new(false)));
            let waker = Waker::from(Arc::clone(&task));
            let mut gathering = Gathering::new(&waker);
            let answers = [gathering.waker(), gathering.waker()];
            gathering.begin(2);
            let threads = answers.map(|answer| thread::spawn(move || answer.wake()));
            let mut is_ready = false;
            if gathering.is_past(2, 1) {
                task.0.store(false, Ordering::Relaxed);
                gathering.set_caller(&waker);
                is_ready = gathering.is_past(1, 1);
            }
            for thread in threads {
                thread.join().unwrap();
            }
            assert!(is_ready || task.0.load(Ordering::Acquire));
        });
    }
}
