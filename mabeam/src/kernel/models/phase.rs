//! The phase by itself: a turn that waits against those who wake it.

use std::sync::Arc;

use super::super::phase::Phase;
use super::{State, explore, join, start};
use crate::sync::{AtomicU8, Ordering};

/// A turn that is over once it was told so often as it waits for.
struct Turn {
    phase: Phase,
    /// How often it was told. Relaxed: that it is seen is for the phase to see to.
    told: AtomicU8,
    state: State,
}

/// Noted by each poll that has to wait.
const WAITED: u32 = 0;
/// Noted by the poll that ends the turn.
const OVER: u32 = 1;

impl Turn {
    fn new() -> Arc<Self> {
        Arc::new(Self { phase: Phase::new(), told: AtomicU8::new(0), state: State::new() })
    }

    /// What whoever has the token does until the turn waits or is over.
    fn run(&self, until: u8) {
        loop {
            self.phase.resume();
            if self.poll(until) || self.phase.suspend() {
                return;
            }
        }
    }

    /// `true` if that was the last poll.
    fn poll(&self, until: u8) -> bool {
        let is_over = self.told.load(Ordering::Relaxed) >= until;
        self.state.note(if is_over { OVER } else { WAITED });
        is_over
    }

    /// Tells, and wakes; runs if that got the token.
    fn tell(&self, until: u8) {
        self.told.fetch_add(1, Ordering::Relaxed);
        self.wake(until);
    }

    fn wake(&self, until: u8) {
        if self.phase.wake() {
            self.run(until);
        }
    }
}

#[test]
fn loom_of_two_wakers_one_gets_the_token_and_no_wake_is_lost() {
    explore(3, || {
        let turn = Turn::new();
        let wakers = [(), ()].map(|()| {
            let turn = Arc::clone(&turn);
            start(move || turn.tell(2))
        });
        turn.run(2);
        join(wakers);
        assert_eq!(turn.state.count(OVER), 1, "{:?}", turn.state.notes());
    });
}

#[test]
fn loom_two_wakes_of_a_suspended_turn_are_one_token() {
    explore(3, || {
        let turn = Turn::new();
        assert!(turn.phase.suspend());
        let wakers = [(), ()].map(|()| {
            let turn = Arc::clone(&turn);
            start(move || {
                let is_holder = turn.phase.wake();
                if is_holder {
                    turn.state.note(WAITED);
                }
                is_holder
            })
        });
        let holders = wakers.map(|waker| waker.join().unwrap());
        assert_eq!(holders.into_iter().filter(|is_holder| *is_holder).count(), 1);
        assert_eq!(turn.state.count(WAITED), 1);
    });
}

#[test]
fn loom_wakes_of_a_turn_that_is_over_do_nothing_to_an_agent_at_rest() {
    explore(3, || {
        let turn = Turn::new();
        let wakers = [(), ()].map(|()| {
            let turn = Arc::clone(&turn);
            start(move || assert!(!turn.phase.wake(), "there is no token to be had"))
        });
        join(wakers);
    });
}

#[test]
fn loom_a_wake_from_an_earlier_turn_takes_no_wake_from_the_next() {
    explore(3, || {
        let turn = Turn::new();
        let stale = {
            let turn = Arc::clone(&turn);
            start(move || turn.wake(1))
        };
        // A turn that begins on a thread that was lent: its own waker exists from its first poll on.
        turn.phase.begin();
        let waker = {
            let turn = Arc::clone(&turn);
            start(move || turn.tell(1))
        };
        if !turn.poll(1) && !turn.phase.suspend() {
            turn.run(1);
        }
        stale.join().unwrap();
        waker.join().unwrap();
        assert_eq!(turn.state.count(OVER), 1, "{:?}", turn.state.notes());
    });
}
