//! A drain beside senders: what was let in is handled, and the agent ends.

use std::sync::Arc;

use foundation::owner::Reason;

use super::start;
use super::world::{EXIT, Note, explore_agent};
use crate::sync::{AtomicUsize, Ordering};
use crate::wait::enter;

#[test]
fn loom_what_is_let_in_beside_a_drain_is_handled() {
    explore_agent(3, |world| {
        // Loom sees neither that the mailbox is open nor that it is shut: this stands for both.
        let door = Arc::new(AtomicUsize::new(0));
        let (other, entrance) = (world.share(), Arc::clone(&door));
        let sender = start(move || {
            let was_let_in = enter(&other.agent.cell).is_ok();
            entrance.fetch_add(1, Ordering::Relaxed);
            let answer = was_let_in.then(|| other.post(Note(1)));
            other.run();
            answer
        });
        door.fetch_add(1, Ordering::Relaxed);
        world.agent.cell.ask_to_drain();
        world.run();
        // Held until then: whom nobody waits for is skipped.
        let answer = sender.join().unwrap();
        let was_accepted = matches!(answer, Some(Ok(_)));
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
