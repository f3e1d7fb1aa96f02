//! When an account is entered and left: nesting, panics, threads that end, futures.
#![expect(clippy::unwrap_used, reason = "for tests")]

use std::cell::RefCell;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};
use std::thread;

use foundation::memory::{Account, Tracked, unaccounted};

fn account() -> Account {
    Account::new().unwrap()
}

#[test]
fn scopes_nest_and_restore_the_outer_one() {
    let (outer, inner) = (account(), account());
    assert_eq!(Account::current(), None);
    let held = outer.enter(|| {
        let first = Box::new([0_u8; 10]);
        let second = inner.enter(|| {
            assert_eq!(Account::current().as_ref(), Some(&inner));
            Box::new([0_u8; 100])
        });
        let nobodys = unaccounted(|| {
            assert_eq!(Account::current(), None);
            Box::new([0_u8; 1000])
        });
        assert_eq!(Account::current().as_ref(), Some(&outer));
        (first, second, nobodys, Box::new([0_u8; 20]))
    });
    assert_eq!(Account::current(), None);
    assert_eq!((outer.live(), inner.live()), (Some(30), Some(100)));
    drop(held);
    assert_eq!((outer.live(), inner.live()), (Some(0), Some(0)));
}

#[test]
fn a_panic_in_a_scope_restores_the_outer_one_and_loses_nothing() {
    let (outer, inner) = (account(), account());
    outer.enter(|| {
        let caught = catch_unwind(AssertUnwindSafe(|| {
            inner.enter(|| {
                let _freed_by_the_unwinding = vec![0_u8; 500];
                std::panic::resume_unwind(unaccounted(|| Box::new(())));
            });
        }));
        assert!(caught.is_err());
        assert_eq!(Account::current().as_ref(), Some(&outer));
    });
    assert_eq!(Account::current(), None);
    // The panic itself takes a few bytes while it is on its way.
    assert!(inner.peak() >= Some(500));
    assert_eq!(inner.live(), Some(0));
    assert_eq!(outer.live(), Some(0));
}

#[test]
fn figures_of_this_threads_own_scope_are_exact() {
    let account = account();
    account.enter(|| {
        let held = vec![0_u8; 77];
        assert_eq!((account.live(), account.count()), (Some(77), Some(1)));
        drop(held);
        assert_eq!((account.live(), account.peak()), (Some(0), Some(77)));
        account.reset_peak();
        assert_eq!((account.peak(), account.allocated()), (Some(0), Some(77)));
    });
}

#[test]
fn a_guards_scope_ends_with_the_guard() {
    let account = account();
    let scope = account.scope();
    let held = [Box::new(1), Box::new(2)];
    drop(scope);
    let _nobodys = Box::new(3);
    assert_eq!(account.count(), Some(2));
    drop(held);
    assert_eq!(account.count(), Some(0));
}

#[test]
fn guards_dropped_out_of_order_leave_the_thread_without_an_account() {
    let (first, second, third) = (account(), account(), account());
    let outer = first.scope();
    let inner = second.scope();
    drop(outer);
    assert_eq!(Account::current(), None);
    let later = third.scope();
    drop(inner);
    assert_eq!(Account::current(), None);
    drop(later);
    assert_eq!(Account::current(), None);
    assert!(third.enter(|| Account::current() == Some(third.clone())));
}

#[test]
fn a_guard_that_is_forgotten_keeps_its_account() {
    thread::spawn(|| {
        let account = account();
        std::mem::forget(account.scope());
        drop(account);
        let kept = Account::current().unwrap();
        let held = Box::new([0_u8; 9]);
        assert_eq!(kept.live(), Some(9));
        drop(held);
    })
    .join()
    .unwrap();
}

#[test]
fn a_thread_that_ends_credits_what_its_destructors_free() {
    /// Allocates and frees, also in a scope, while the thread's locals are destroyed.
    struct Late(Vec<u8>, Account);

    impl Drop for Late {
        fn drop(&mut self) {
            let account = self.1.clone();
            let freed_at_once = account.enter(|| vec![1_u8; 30]);
            drop(freed_at_once);
            account.enter(|| self.0.push(1));
        }
    }

    thread_local!(static LATE: RefCell<Vec<Late>> = const { RefCell::new(Vec::new()) });

    let (outer, inner) = (account(), account());
    thread::scope(|scope| {
        let (outer, inner) = (&outer, &inner);
        let ended = scope.spawn(move || {
            let late = || Late(vec![0_u8; 50], inner.clone());
            outer.enter(|| LATE.with(|kept| kept.borrow_mut().push(late())));
            assert!(outer.live().unwrap() >= 50);
        });
        ended.join().unwrap();
    });
    assert_eq!((outer.live(), outer.count()), (Some(0), Some(0)));
    assert_eq!((inner.live(), inner.count()), (Some(0), Some(0)));
    assert_eq!(inner.allocated(), Some(30));
}

/// Allocates `bytes` in each of `polls` polls and keeps them until it is done.
async fn hoard(bytes: usize, polls: usize) {
    let mut held = Vec::with_capacity(polls);
    for _ in 0..polls {
        held.push(vec![0_u8; bytes]);
        let mut first = true;
        poll_fn(|_| if std::mem::take(&mut first) { Poll::Pending } else { Poll::Ready(()) }).await;
    }
}

fn poll<F: Future>(future: Pin<&mut Tracked<F>>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

#[test]
fn a_future_is_charged_for_its_own_polls_only() {
    let (first, second) = (account(), account());
    let mut one = pin!(first.track_future(hoard(100, 2)));
    let mut two = pin!(second.track_future(hoard(1000, 2)));
    let vectors = 2 * size_of::<Vec<u8>>() as u64;
    for polls in 1..=2 {
        assert_eq!(poll(one.as_mut()), Poll::Pending);
        assert_eq!(poll(two.as_mut()), Poll::Pending);
        assert_eq!(Account::current(), None);
        assert_eq!(first.live(), Some(vectors + polls * 100));
        assert_eq!(second.live(), Some(vectors + polls * 1000));
    }
    assert_eq!((poll(one), poll(two)), (Poll::Ready(()), Poll::Ready(())));
    assert_eq!((first.live(), second.live()), (Some(0), Some(0)));
}

#[test]
fn a_future_may_move_between_threads_and_be_dropped_half_way() {
    struct Notes(Option<Account>, Account);

    impl Drop for Notes {
        fn drop(&mut self) {
            self.0 = Account::current();
            assert_eq!(self.0.as_ref(), Some(&self.1));
        }
    }

    let account = account();
    let notes = Notes(None, account.clone());
    let mut future = Box::pin(account.track_future(async move {
        let _notes = notes;
        hoard(300, 3).await;
    }));
    assert_eq!(poll(future.as_mut()), Poll::Pending);
    thread::scope(|scope| {
        scope.spawn(move || {
            assert_eq!(poll(future.as_mut()), Poll::Pending);
            drop(future);
        });
    });
    assert_eq!((account.live(), account.count()), (Some(0), Some(0)));
    assert_eq!(account.peak(), Some(600 + 3 * size_of::<Vec<u8>>() as u64));
}

#[test]
fn a_panicking_poll_restores_the_account() {
    let account = account();
    let mut future = pin!(account.track_future(async { std::panic::resume_unwind(Box::new(1)) }));
    let polled = catch_unwind(AssertUnwindSafe(|| -> Poll<()> { poll(future.as_mut()) }));
    drop(polled.unwrap_err());
    assert_eq!(Account::current(), None);
    assert_eq!(account.count(), Some(0));
}

#[test]
fn a_handle_taken_from_a_scope_goes_on_elsewhere() {
    let account = account();
    let held = account.enter(|| {
        let same = Account::current().unwrap();
        unaccounted(|| thread::spawn(move || same.enter(|| Box::new([0_u8; 40]))).join().unwrap())
    });
    assert_eq!(account.live(), Some(40));
    drop(held);
    assert_eq!(account.live(), Some(0));
}
