//! Mail that waits in a backlog, of which the inbox holds only a note.

use std::sync::Arc;

use super::world::{DROPPED, EXIT, Note, World, explore_mailbox, run};
use super::{join, start};
use crate::{CastError, Mailbox, WhenFull};

/// Room for all that a model sends.
const WIDE: Mailbox = Mailbox::bounded(8).when_full(WhenFull::DropOldest);
/// Room for one.
const NARROW: Mailbox = Mailbox::bounded(1).when_full(WhenFull::DropOldest);

#[test]
fn loom_what_two_cast_to_a_backlog_is_handled_once_in_the_order_of_each() {
    explore_mailbox(WIDE, 2, |world| {
        let casters = [[1, 2], [11, 12]].map(|mail| {
            let own = world.share();
            start(move || {
                for what in mail {
                    own.agent.cast(Note(what)).unwrap();
                    own.run();
                }
            })
        });
        world.run();
        join(casters);
        let notes = world.state.notes();
        assert_eq!(notes.len(), 4, "{notes:?}");
        for first in [1, 11] {
            let own: Vec<_> = notes.iter().filter(|note| **note / 10 == first / 10).collect();
            assert_eq!(own, [&first, &(first + 1)]);
        }
        assert!(world.agent.cell.is_idle());
    });
}

#[test]
fn loom_a_lender_that_gives_the_token_back_leaves_nothing_in_the_backlog() {
    explore_mailbox(WIDE, 3, |world| {
        let other = world.share();
        let caster = start(move || {
            other.agent.cast(Note(1)).unwrap();
            other.run();
        });
        let is_lent = world.lend(Note(2)).is_ok();
        world.run();
        caster.join().unwrap();
        assert_eq!((world.state.count(1), world.state.count(2)), (1, usize::from(is_lent)));
        assert!(world.agent.cell.is_idle());
    });
}

#[test]
fn loom_of_two_for_one_place_each_is_handled_or_a_dead_letter() {
    explore_mailbox(NARROW, 3, |world| {
        let other = world.share();
        let caster = start(move || {
            other.agent.cast(Note(1)).unwrap();
            other.run();
        });
        world.agent.cast(Note(2)).unwrap();
        world.run();
        caster.join().unwrap();
        let handled = world.state.count(1) + world.state.count(2);
        let dead = usize::try_from(world.shared.dead_letters.count()).unwrap();
        assert_eq!(handled + dead, 2);
        assert!(handled >= 1 && world.agent.cell.is_idle());
    });
}

#[test]
fn loom_what_comes_to_a_backlog_as_the_agent_ends_is_handled_dead_or_comes_back() {
    explore_mailbox(WIDE, 3, |world| {
        let other = world.share();
        let caster = start(move || {
            let came_back = match other.agent.cast(Note(1)) {
                Ok(()) => 0,
                Err(CastError::Ended { .. }) => 1,
                Err(other) => panic!("{other}"),
            };
            other.run();
            came_back
        });
        world.agent.kill();
        world.run();
        let came_back: usize = caster.join().unwrap();
        world.end();
        let dead = usize::try_from(world.shared.dead_letters.count()).unwrap();
        assert_eq!(world.state.count(1) + dead + came_back, 1);
    });
}

#[test]
fn loom_what_was_sent_to_a_backlog_before_the_last_handle_goes_is_handled() {
    explore_mailbox(WIDE, 2, |world| {
        let casters = [1, 2].map(|what| {
            let own = world.share();
            start(move || {
                own.agent.cast(Note(what)).unwrap();
                own.leave();
            })
        });
        let World { shared, state, agent } = world;
        let cell = Arc::clone(&agent.cell);
        drop(agent);
        join(casters);
        run(&shared);
        assert_eq!(shared.dead_letters.count(), 0, "mail was lost");
        assert!(state.count(1) == 1 && state.count(2) == 1, "{:?}", state.notes());
        assert_eq!(state.notes()[2..], [EXIT, DROPPED]);
        assert!(cell.is_closed());
    });
}
