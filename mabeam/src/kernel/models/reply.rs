//! What becomes of a call: whoever asks hears exactly one thing, and nobody hangs.
//!
//! A caller that hears nothing waits for ever, which loom reports as a deadlock. The channel itself is
//! tokio's oneshot, which has models of its own; here each of its steps happens at once.

use std::sync::Arc;
use tokio::sync::oneshot;

use foundation::owner::Reason;
use loom::future::block_on;

use super::super::mail::{Answered, Lent};
use super::world::{Defer, Gate, Note, PASSED, Wait, World, answer_now, explore_agent};
use super::{pause, start};
use crate::sync::{AtomicBool, Mutex, Ordering, lock};
use crate::{CastError, ReplyTo};

type Answer = Result<Answered<u32>, oneshot::error::RecvError>;

/// Whether a call of an agent that may be killed was answered. If not, it has to say why.
fn is_answered(answer: &Answer, reply: u32) -> bool {
    match answer {
        Ok(Ok(answer)) => assert_eq!(*answer, reply),
        Ok(Err(reason)) => assert_eq!(*reason, Reason::Killed),
        Err(error) => panic!("nobody said why there is no answer: {error}"),
    }
    matches!(answer, Ok(Ok(_)))
}

fn kill(world: &World) -> loom::thread::JoinHandle<()> {
    let other = world.share();
    start(move || {
        other.agent.kill();
        other.run();
    })
}

#[test]
fn loom_a_call_is_answered_or_fails_with_the_agent_or_comes_back() {
    explore_agent(3, |world| {
        let killer = kill(&world);
        let was_answered = match world.post(Note(1)) {
            Ok(receiver) => {
                world.run();
                is_answered(&block_on(receiver), 1)
            }
            Err(CastError::Ended { message, .. }) => {
                assert_eq!(message, Note(1));
                false
            }
            Err(error) => panic!("{error}"),
        };
        killer.join().unwrap();
        assert_eq!(world.end(), Reason::Killed);
        assert_eq!(world.state.count(1), usize::from(was_answered));
    });
}

#[test]
fn loom_a_lent_call_that_waits_is_answered_or_fails_with_the_agent() {
    explore_agent(2, |world| {
        let gate = Arc::new(Gate::default());
        let (other, opens) = (world.share(), Arc::clone(&gate));
        let opener = start(move || {
            opens.open();
            other.run();
        });
        let killer = kill(&world);
        let lent = world.lend(Wait(gate));
        world.run();
        let was_answered = match lent {
            Ok(Lent::Given(reply)) => reply == PASSED,
            Ok(Lent::Later(receiver)) => is_answered(&block_on(receiver), PASSED),
            Err(Wait(_)) => false,
        };
        opener.join().unwrap();
        killer.join().unwrap();
        assert_eq!(world.end(), Reason::Killed);
        assert_eq!(world.state.count(PASSED), usize::from(was_answered));
    });
}

#[test]
fn loom_a_call_whose_caller_goes_is_handled_or_skipped() {
    explore_agent(3, |world| {
        let other = world.share();
        let carrier = start(move || other.run());
        let receiver = world.post(Note(1)).unwrap();
        pause();
        drop(receiver);
        world.run();
        carrier.join().unwrap();
        let skipped = usize::try_from(world.shared.dead_letters.count()).unwrap();
        assert_eq!(world.state.count(1) + skipped, 1);
        assert!(world.lend(Note(2)).is_ok(), "it is at rest");
    });
}

#[test]
fn loom_an_answer_that_was_deferred_reaches_its_caller_whatever_becomes_of_the_agent() {
    explore_agent(2, |world| {
        let place = Arc::new(Mutex::new(None::<ReplyTo<u32>>));
        let killer = kill(&world);
        let given = Arc::clone(&place);
        let answerer = start(move || {
            let reply = lock(&given).take();
            reply.map(|reply| {
                pause();
                reply.send(7)
            })
        });
        let Ok(mut receiver) = world.post(Defer(Arc::clone(&place))) else {
            killer.join().unwrap();
            assert!(answerer.join().unwrap().is_none());
            return;
        };
        world.run();
        killer.join().unwrap();
        world.run();
        let sent = answerer.join().unwrap();
        let is_kept = lock(&place).is_some();
        match answer_now(&mut receiver) {
            Some(Ok(Ok(answer))) => assert!(sent == Some(Ok(())) && answer == 7),
            Some(Ok(Err(reason))) => {
                assert!(reason == Reason::Killed && sent.is_none() && !is_kept);
            }
            Some(Err(_)) => panic!("nobody said why there is no answer"),
            None => assert!(is_kept, "nobody will ever answer"),
        }
        drop(lock(&place).take());
    });
}

#[test]
fn loom_an_answer_that_nobody_waits_for_comes_back() {
    explore_agent(3, |world| {
        let place = Arc::new(Mutex::new(None));
        let receiver = world.post(Defer(Arc::clone(&place))).unwrap();
        world.run();
        let reply = lock(&place).take().unwrap();
        let (has_gone, was_sent) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (gone, sent) = (Arc::clone(&has_gone), Arc::clone(&was_sent));
        let answerer = start(move || {
            let has_gone = gone.load(Ordering::Relaxed);
            let result = reply.send(7);
            sent.store(result.is_ok(), Ordering::Relaxed);
            assert!(!has_gone || result == Err(7), "it went to nobody");
            result
        });
        let mut receiver = receiver;
        let is_there = was_sent.load(Ordering::Relaxed);
        let heard = answer_now(&mut receiver);
        assert!(!is_there || heard == Some(Ok(Ok(7))), "it was sent and did not come");
        drop(receiver);
        has_gone.store(true, Ordering::Relaxed);
        let result = answerer.join().unwrap();
        assert!(heard.is_none() || (heard == Some(Ok(Ok(7))) && result == Ok(())));
        assert!(world.lend(Note(2)).is_ok(), "it is at rest");
    });
}
