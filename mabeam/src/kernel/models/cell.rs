//! Inbox, phase, orders and handles together, as a real cell uses them.

use std::sync::Arc;

use foundation::owner::Reason;

use super::super::mail::Lent;
use super::world::{DROPPED, EXIT, Gate, Keep, Note, PASSED, Wait, World, explore_agent, run};
use super::{join, start};
use crate::sync::{Mutex, lock};

/// Never opened: only an order ends what waits for it.
fn shut() -> Wait {
    Wait(Arc::new(Gate::default()))
}

#[test]
fn loom_a_kill_ends_a_lent_turn_that_waits() {
    explore_agent(3, |world| {
        let other = world.share();
        let killer = start(move || {
            other.agent.kill();
            other.run();
        });
        drop(world.lend(shut()));
        world.run();
        killer.join().unwrap();
        assert_eq!(world.end(), Reason::Killed);
        assert_eq!(world.state.notes(), [DROPPED]);
    });
}

#[test]
fn loom_a_kill_ends_a_queued_turn_that_waits() {
    explore_agent(3, |world| {
        let other = world.share();
        let killer = start(move || {
            other.agent.kill();
            other.run();
        });
        let was_accepted = world.agent.cast(shut()).is_ok();
        world.run();
        killer.join().unwrap();
        assert_eq!(world.end(), Reason::Killed);
        assert_eq!(world.state.notes(), [DROPPED]);
        assert!(was_accepted || world.shared.dead_letters.count() == 0);
    });
}

#[test]
fn loom_a_kill_and_a_wake_of_one_turn_are_one_token() {
    explore_agent(2, |world| {
        let gate = Arc::new(Gate::default());
        assert!(matches!(world.lend(Wait(Arc::clone(&gate))), Ok(Lent::Later(_))));
        let other = world.share();
        let killer = start(move || {
            other.agent.kill();
            other.run();
        });
        let other = world.share();
        let opener = start(move || {
            gate.open();
            other.run();
        });
        killer.join().unwrap();
        opener.join().unwrap();
        assert_eq!(world.end(), Reason::Killed);
        assert!(world.state.count(PASSED) <= 1 && world.state.count(EXIT) == 0);
    });
}

#[test]
fn loom_a_turn_that_is_woken_while_it_is_polled_goes_on() {
    explore_agent(3, |world| {
        let gate = Arc::new(Gate::default());
        let (other, opens) = (world.share(), Arc::clone(&gate));
        let opener = start(move || {
            opens.open();
            other.run();
        });
        assert!(world.lend(Wait(gate)).is_ok());
        world.run();
        opener.join().unwrap();
        assert_eq!(world.state.notes(), [PASSED]);
    });
}

#[test]
fn loom_mail_waits_for_a_turn_that_waits_and_is_handled_after_it() {
    explore_agent(2, |world| {
        let gate = Arc::new(Gate::default());
        let (other, opens) = (world.share(), Arc::clone(&gate));
        let opener = start(move || {
            opens.open();
            other.run();
        });
        let other = world.share();
        let caster = start(move || {
            other.agent.cast(Note(1)).unwrap();
            other.agent.cast(Note(2)).unwrap();
            other.run();
        });
        let is_lent = world.lend(Wait(gate)).is_ok();
        world.run();
        opener.join().unwrap();
        caster.join().unwrap();
        let notes = world.state.notes();
        assert_eq!(notes.len(), 2 + usize::from(is_lent), "{notes:?}");
        let mail: Vec<_> = notes.iter().filter(|note| **note != PASSED).collect();
        assert_eq!(mail, [&1, &2]);
    });
}

#[test]
fn loom_a_stop_ends_an_agent_that_is_about_to_rest_once_and_politely() {
    explore_agent(3, |world| {
        let other = world.share();
        let stopper = start(move || {
            other.agent.stop(Reason::Shutdown);
            other.run();
        });
        let is_lent = world.lend(Note(1)).is_ok();
        let was_accepted = world.agent.cast(Note(2)).is_ok();
        world.run();
        stopper.join().unwrap();
        assert_eq!(world.end(), Reason::Shutdown);
        assert_eq!(world.state.count(1), usize::from(is_lent));
        let dead = usize::try_from(world.shared.dead_letters.count()).unwrap();
        assert_eq!(world.state.count(2) + dead, usize::from(was_accepted));
        let notes = world.state.notes();
        assert_eq!(notes[notes.len() - 2..], [EXIT, DROPPED]);
    });
}

#[test]
fn loom_a_stop_and_a_kill_are_one_end() {
    explore_agent(2, |world| {
        let other = world.share();
        let stopper = start(move || {
            other.agent.stop(Reason::Shutdown);
            other.run();
        });
        let other = world.share();
        let killer = start(move || {
            other.agent.kill();
            other.run();
        });
        stopper.join().unwrap();
        killer.join().unwrap();
        assert!(matches!(world.end(), Reason::Shutdown | Reason::Killed));
        assert!(world.state.count(EXIT) <= 1);
    });
}

#[test]
fn loom_what_was_sent_before_the_last_handle_goes_is_handled() {
    explore_agent(2, |world| {
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
        assert_eq!(cell.reason(), Reason::Normal);
    });
}

#[test]
fn loom_an_agent_without_handles_ends_after_a_lent_turn() {
    explore_agent(3, |world| {
        let other = world.share();
        let leaver = start(move || other.leave());
        let is_lent = world.lend(Note(1)).is_ok();
        let state = Arc::clone(&world.state);
        world.leave();
        leaver.join().unwrap();
        assert!(is_lent, "nobody else claimed it");
        assert_eq!(state.notes(), [1, EXIT, DROPPED]);
    });
}

#[test]
fn loom_a_handle_that_a_turn_makes_after_the_last_has_gone_keeps_the_agent_alive() {
    explore_agent(3, |world| {
        let place = Arc::new(Mutex::new(None));
        let (shared, state) = (Arc::clone(&world.shared), Arc::clone(&world.state));
        let carrier = {
            let shared = Arc::clone(&shared);
            start(move || run(&shared))
        };
        world.agent.cast(Keep(Arc::clone(&place))).unwrap();
        world.leave();
        carrier.join().unwrap();
        run(&shared);
        let kept = lock(&place).take().unwrap();
        kept.cast(Note(1)).unwrap();
        run(&shared);
        assert_eq!(state.notes(), [1]);
        drop(kept);
        run(&shared);
        assert_eq!(state.notes(), [1, EXIT, DROPPED]);
    });
}
