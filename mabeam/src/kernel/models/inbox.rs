//! The inbox by itself: pushes, claims, orders and the end.

use std::sync::Arc;

use super::super::inbox::{Inbox, Pushed, Urged};
use super::{Item, State, explore, items, join, start};
use crate::sync::{AtomicU8, Ordering};

/// What a cell makes of an inbox, and no more.
struct Agent {
    inbox: Inbox<Item>,
    orders: AtomicU8,
    state: State,
}

/// Noted when the orders were obeyed.
const OBEYED: u32 = 1000;

impl Agent {
    /// One whose token is the caller's.
    fn claimed() -> Arc<Self> {
        Arc::new(Self { inbox: Inbox::claimed(), orders: AtomicU8::new(0), state: State::new() })
    }

    fn idle() -> Arc<Self> {
        let agent = Self::claimed();
        assert!(agent.inbox.release());
        agent
    }

    fn push(&self, what: u32) -> Pushed<Item> {
        self.inbox.push(Item::leak(what))
    }

    /// As a cast: whoever claims works.
    fn cast(&self, what: u32) {
        if matches!(self.push(what), Pushed::Claimed) {
            self.work();
        }
    }

    /// As an order: whoever claims works.
    fn order(&self) {
        self.orders.fetch_or(1, Ordering::Release);
        if self.inbox.urge() == Urged::Claimed {
            self.work();
        }
    }

    /// As a lent call, if the agent is idle.
    fn lend(&self, what: u32) -> bool {
        let is_lent = self.inbox.try_claim();
        if is_lent {
            self.state.note(what);
            if self.has_orders() || !self.inbox.release() {
                self.work();
            }
        }
        is_lent
    }

    /// What the holder of the token does until it can give it back.
    fn work(&self) {
        loop {
            if self.has_orders() {
                self.state.note(OBEYED);
            }
            let mail = items(self.inbox.take());
            if mail.is_empty() {
                if !self.has_orders() && self.inbox.release() {
                    return;
                }
            } else {
                for what in mail {
                    self.state.note(what);
                }
            }
        }
    }

    /// Whether there are orders that were not obeyed. They are never taken back.
    fn has_orders(&self) -> bool {
        self.orders.load(Ordering::Relaxed) != 0 && self.state.count(OBEYED) == 0
    }

    /// What was noted, once nobody holds the token.
    fn settled(&self) -> Vec<u32> {
        assert!(self.inbox.try_claim(), "the token was not given back");
        let notes = self.state.notes();
        assert_eq!(items(self.inbox.close()), []);
        notes
    }
}

/// Whether `notes` are those of `all`, each once, with the order in each of them kept.
fn assert_interleaved(notes: &[u32], all: &[&[u32]]) {
    assert_eq!(notes.len(), all.iter().map(|of_one| of_one.len()).sum::<usize>(), "{notes:?}");
    for of_one in all {
        let seen: Vec<_> = notes.iter().copied().filter(|note| of_one.contains(note)).collect();
        assert_eq!(seen, *of_one, "lost, doubled or out of order: {notes:?}");
    }
}

#[test]
fn loom_what_two_push_is_worked_off_once_in_the_order_of_each_by_one_holder_at_a_time() {
    explore(3, || {
        let agent = Agent::idle();
        let pushers = [[1, 2], [11, 12]].map(|mail| {
            let agent = Arc::clone(&agent);
            start(move || mail.map(|what| agent.cast(what)))
        });
        join(pushers);
        assert_interleaved(&agent.settled(), &[&[1, 2], &[11, 12]]);
    });
}

#[test]
fn loom_a_holder_that_gives_the_token_back_leaves_no_mail_behind() {
    explore(3, || {
        let agent = Agent::claimed();
        let pushers = [1, 11].map(|what| {
            let agent = Arc::clone(&agent);
            start(move || agent.cast(what))
        });
        agent.state.note(0);
        agent.work();
        join(pushers);
        let notes = agent.settled();
        assert_eq!(notes[0], 0, "the holder came first");
        assert_interleaved(&notes, &[&[0], &[1], &[11]]);
    });
}

#[test]
fn loom_an_item_is_taken_or_comes_back_when_the_agent_ends() {
    explore(3, || {
        let agent = Agent::claimed();
        let pushers = [[1, 2], [11, 12]].map(|mail| {
            let agent = Arc::clone(&agent);
            start(move || {
                let push = |what| match agent.push(what) {
                    Pushed::Left => None,
                    Pushed::Closed(item) => Some(Item::take(item)),
                    Pushed::Claimed => panic!("a closed or claimed agent was claimed"),
                };
                mail.map(push)
            })
        });
        let mut seen = items(agent.inbox.take());
        seen.extend(items(agent.inbox.close()));
        assert!(agent.inbox.is_closed());
        assert!(!agent.inbox.try_claim());
        assert_eq!(agent.inbox.urge(), Urged::Closed);
        let [one, other] = pushers.map(|pusher| {
            let returned = pusher.join().unwrap();
            assert!(returned != [Some(1), None] && returned != [Some(11), None], "back to life");
            returned
        });
        for (what, returned) in [1, 2, 11, 12].into_iter().zip(one.into_iter().chain(other)) {
            let came_back = returned.inspect(|item| assert_eq!(*item, what)).is_some();
            assert_ne!(came_back, seen.contains(&what), "{what} was lost or doubled");
        }
    });
}

#[test]
fn loom_an_order_is_obeyed_by_a_holder_that_is_about_to_rest() {
    explore(3, || {
        let agent = Agent::claimed();
        let others = [0, 1].map(|what| {
            let agent = Arc::clone(&agent);
            start(move || if what == 0 { agent.order() } else { agent.cast(what) })
        });
        agent.work();
        join(others);
        assert_interleaved(&agent.settled(), &[&[1], &[OBEYED]]);
    });
}

#[test]
fn loom_an_order_to_a_resting_agent_is_obeyed_once() {
    explore(3, || {
        let agent = Agent::idle();
        let orderer = {
            let agent = Arc::clone(&agent);
            start(move || agent.order())
        };
        agent.cast(1);
        orderer.join().unwrap();
        assert_interleaved(&agent.settled(), &[&[1], &[OBEYED]]);
    });
}

#[test]
fn loom_a_lender_and_a_pusher_never_hold_the_token_together() {
    explore(3, || {
        let agent = Agent::idle();
        let lender = {
            let agent = Arc::clone(&agent);
            start(move || agent.lend(1))
        };
        let pusher = {
            let agent = Arc::clone(&agent);
            start(move || agent.cast(2))
        };
        let is_lent = agent.lend(3);
        let other_is_lent = lender.join().unwrap();
        pusher.join().unwrap();
        let lent = |what: &'static [u32], is_lent| if is_lent { what } else { &[] };
        let expected: [&[u32]; 3] = [lent(&[3], is_lent), lent(&[1], other_is_lent), &[2]];
        assert_interleaved(&agent.settled(), &expected);
    });
}

#[test]
fn loom_an_order_reaches_an_agent_that_is_lent_a_thread() {
    explore(3, || {
        let agent = Agent::idle();
        let orderer = {
            let agent = Arc::clone(&agent);
            start(move || agent.order())
        };
        let pusher = {
            let agent = Arc::clone(&agent);
            start(move || agent.cast(2))
        };
        let lent: &[u32] = if agent.lend(1) { &[1] } else { &[] };
        orderer.join().unwrap();
        pusher.join().unwrap();
        assert_interleaved(&agent.settled(), &[lent, &[2], &[OBEYED]]);
    });
}
