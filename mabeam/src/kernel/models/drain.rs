//! A drain beside senders: what was let in is handled, and the agent ends.

use foundation::owner::Reason;

use super::start;
use super::world::{EXIT, Note, explore_agent};

#[test]
fn loom_what_is_let_in_beside_a_drain_is_handled() {
    explore_agent(3, |world| {
        let other = world.share();
        let sender = start(move || {
            let was_accepted = other.agent.cast(Note(1)).is_ok();
            other.run();
            was_accepted
        });
        world.agent.cell.ask_to_drain();
        world.run();
        let was_accepted = sender.join().unwrap();
        assert_eq!(world.end(), Reason::Normal);
        assert_eq!(world.state.count(1), usize::from(was_accepted));
        assert_eq!(world.state.count(EXIT), 1);
    });
}

#[test]
fn loom_a_lent_turn_beside_a_drain_is_answered() {
    explore_agent(3, |world| {
        let other = world.share();
        let lender = start(move || {
            let was_lent = other.lend(Note(1)).is_ok();
            other.run();
            was_lent
        });
        world.agent.cell.ask_to_drain();
        world.run();
        let was_lent = lender.join().unwrap();
        assert_eq!(world.end(), Reason::Normal);
        assert_eq!(world.state.count(1), usize::from(was_lent));
        assert_eq!(world.state.count(EXIT), 1);
    });
}
