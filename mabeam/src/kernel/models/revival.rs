//! Agents that are made again: between two incarnations, and asleep.

use std::sync::Arc;

use foundation::owner::Reason;
use loom::thread::JoinHandle;

use super::super::cell::{Cell, Extras};
use super::super::mail::{Nobody, post};
use super::super::revival::{Downed, Keeper, Revival};
use super::world::{DROPPED, EXIT, Note, Probe, World, explore_system, run};
use super::{State, start};
use crate::sync::{Mutex, lock};
use crate::system::Shared;
use crate::{AgentId, AgentRef, Handler, Mailbox};

/// Noted when an agent is made.
const MADE: u32 = 110;

/// A keeper whose decisions are made by the threads of the model: it revives an agent so many times,
/// then buries it.
struct Desk {
    downed: Mutex<Vec<(Downed, Reason)>>,
    /// Why incarnations ended, in order.
    ends: Mutex<Vec<Reason>>,
    revivals: usize,
}

/// An agent that has a keeper.
struct Kept {
    world: World,
    desk: Arc<Desk>,
}

impl Keeper for Desk {
    fn up(&self) {}

    fn down(&self, downed: Downed, reason: Reason) {
        lock(&self.downed).push((downed, reason));
    }
}

impl Desk {
    /// Runs what is queued, and decides about who is down.
    fn work(&self, shared: &Shared) {
        loop {
            run(shared);
            let Some((downed, reason)) = lock(&self.downed).pop() else { return };
            let count = {
                let mut ends = lock(&self.ends);
                ends.push(reason);
                ends.len()
            };
            if count <= self.revivals {
                downed.revive();
            }
        }
    }
}

impl Kept {
    fn work(&self) {
        self.desk.work(&self.world.shared);
    }

    fn share(&self) -> Self {
        Self { world: self.world.share(), desk: Arc::clone(&self.desk) }
    }

    /// Drops the handle, then works.
    fn leave(self) {
        let Self { world: World { shared, agent, .. }, desk } = self;
        drop(agent);
        desk.work(&shared);
    }

    fn ends(&self) -> Vec<Reason> {
        lock(&self.desk.ends).clone()
    }

    /// Does something in another thread, and what there is to do then.
    fn beside(&self, act: impl FnOnce(&AgentRef<Probe>) + Send + 'static) -> JoinHandle<()> {
        let other = self.share();
        start(move || {
            act(&other.world.agent);
            other.leave();
        })
    }

    fn join(&self, thread: JoinHandle<()>) {
        self.work();
        thread.join().unwrap();
        self.work();
    }

    fn count(&self, what: u32) -> usize {
        self.world.state.count(what)
    }
}

/// Explores what becomes of an agent that is up, at rest, and has a keeper. In the end, it is gone.
fn explore_kept(
    preemptions: usize,
    revivals: usize,
    model: impl Fn(Kept) + Clone + Send + Sync + 'static,
) {
    explore_system(preemptions, move |shared| {
        let (downed, ends) = (Mutex::default(), Mutex::default());
        let (state, desk) = (Arc::new(State::new()), Arc::new(Desk { downed, ends, revivals }));
        let notes = Arc::clone(&state);
        let make = move || {
            notes.note(MADE);
            Probe::new(&notes)
        };
        let make = Arc::new(std::sync::Mutex::new(make));
        let revival = Revival::new(make, Arc::clone(&desk) as _, AgentId::next());
        let mut extras = Box::<Extras<Probe>>::default();
        extras.revival = Some(revival);
        let (id, mailbox) = (AgentId::next(), Mailbox::unbounded());
        let cell = Cell::new(None, id, Arc::clone(&shared), mailbox, Some(extras));
        cell.revive();
        run(&shared);
        let agent = AgentRef::counted(Arc::clone(&cell));
        model(Kept { world: World { shared, state: Arc::clone(&state), agent }, desk });
        assert!(cell.is_closed(), "a token was lost: {:?}", state.notes());
        let mut lives = 0_i32;
        for note in state.notes() {
            lives += i32::from(note == MADE) - i32::from(note == DROPPED);
            assert!((0..=1).contains(&lives), "{:?}", state.notes());
        }
        assert_eq!(lives, 0);
    });
}

#[test]
fn loom_revival_mail_outlives_a_kill() {
    explore_kept(2, 2, |kept| {
        let killer = kept.beside(AgentRef::kill);
        kept.world.agent.cast(Note(1)).unwrap();
        kept.join(killer);
        assert_eq!((kept.count(1), kept.ends()), (1, vec![Reason::Killed]));
        kept.leave();
    });
}

#[test]
fn loom_revival_what_was_ordered_in_between_leaves_nothing_behind() {
    explore_kept(3, 2, |kept| {
        kept.world.agent.kill();
        let killer = kept.beside(AgentRef::kill);
        kept.join(killer);
        let mut expected = kept.ends();
        assert!(expected.iter().all(|reason| *reason == Reason::Killed), "{expected:?}");
        // Whoever lives now has nothing of those before.
        kept.world.agent.stop(Reason::Shutdown);
        kept.work();
        expected.push(Reason::Shutdown);
        assert_eq!(kept.ends(), expected);
        kept.leave();
    });
}

#[test]
fn loom_revival_a_signal_and_mail_of_the_time_between_are_for_the_next() {
    explore_kept(2, 2, |kept| {
        kept.world.agent.kill();
        let caster = kept.beside(|agent| {
            let signal = post(Note(2), Nobody, <Probe as Handler<Note>>::handle).0;
            assert!(agent.cell.signal(signal).is_ok());
            agent.cast(Note(1)).unwrap();
        });
        kept.join(caster);
        assert_eq!((kept.count(1), kept.count(2), kept.ends().len()), (1, 1, 1));
        kept.leave();
    });
}

#[test]
fn loom_revival_a_stop_and_a_kill_end_one_incarnation_or_two() {
    explore_kept(2, 3, |kept| {
        let stopper = kept.beside(|agent| agent.stop(Reason::Shutdown));
        kept.world.agent.kill();
        kept.join(stopper);
        assert!((1..=2).contains(&kept.ends().len()));
        kept.leave();
    });
}

#[test]
fn loom_revival_the_last_handles_drop_beside_a_revival_ends_the_next() {
    explore_kept(3, 1, |kept| {
        kept.world.agent.kill();
        let other = kept.share();
        let leaver = start(move || other.leave());
        let state = Arc::clone(&kept.world.state);
        kept.leave();
        leaver.join().unwrap();
        assert_eq!(state.notes(), [MADE, DROPPED, MADE, EXIT, DROPPED]);
    });
}

#[test]
fn loom_revival_mail_wakes_an_agent_that_falls_asleep() {
    explore_kept(3, 0, |kept| {
        let caster = kept.beside(|agent| agent.cast(Note(1)).unwrap());
        kept.world.agent.cell.doze();
        kept.join(caster);
        assert_eq!((kept.count(1), kept.ends().len()), (1, 0));
        kept.leave();
    });
}

/// Somebody ends an agent that falls asleep, or sleeps and is woken: its keeper hears of it, and why.
fn explore_sleeper(is_asleep: bool, end: fn(&AgentRef<Probe>), reason: Reason) {
    explore_kept(2, 1, move |kept| {
        kept.world.agent.cell.doze();
        if is_asleep {
            kept.work();
        }
        let ender = kept.beside(end);
        kept.world.agent.cast(Note(1)).unwrap();
        kept.join(ender);
        assert_eq!((kept.count(1), kept.ends()), (1, vec![reason.clone()]));
        kept.leave();
    });
}

#[test]
fn loom_revival_a_stop_is_not_lost_on_one_that_falls_asleep() {
    explore_sleeper(false, |agent| agent.stop(Reason::Shutdown), Reason::Shutdown);
}

#[test]
fn loom_revival_a_kill_is_not_lost_on_one_that_falls_asleep() {
    explore_sleeper(false, AgentRef::kill, Reason::Killed);
}

#[test]
fn loom_revival_a_stop_is_not_lost_on_one_that_wakes_up() {
    explore_sleeper(true, |agent| agent.stop(Reason::Shutdown), Reason::Shutdown);
}

#[test]
fn loom_revival_a_kill_is_not_lost_on_one_that_wakes_up() {
    explore_sleeper(true, AgentRef::kill, Reason::Killed);
}
