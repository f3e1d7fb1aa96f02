//! Every policy against a plain queue: what is handled and in which order, what comes back, what is
//! dropped, and what becomes of calls.

use std::collections::{BTreeMap, VecDeque};
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use mabeam::{AgentRef, CallError, CastError, Config, Mailbox, Message, System, WhenFull};
use proptest::prelude::*;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;

use crate::keeper::{LONG, Wakes};
use crate::model::{Full, Model, Outcome};
use crate::reader::{Item, Letter, Reader, Reading};

#[derive(Clone, Copy, Debug)]
enum Step {
    Send { letter: Letter, how: How },
    Read,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum How {
    Cast,
    TryCast,
    Call,
}

#[derive(Clone, Debug)]
struct Case {
    limit: u32,
    bytes: usize,
    coalesces: bool,
    steps: Vec<Step>,
    is_killed: bool,
}

fn letters() -> impl Strategy<Value = Letter> {
    let key = prop_oneof![Just(None), (0..3_u64).prop_map(Some)];
    (0..2_u8, key, 0..14_usize).prop_map(|(kind, key, bytes)| Letter {
        number: 0,
        kind,
        key,
        bytes,
    })
}

fn steps() -> impl Strategy<Value = Step> {
    let how = prop_oneof![3 => Just(How::Cast), 1 => Just(How::TryCast), 1 => Just(How::Call)];
    prop_oneof![
        3 => (letters(), how).prop_map(|(letter, how)| Step::Send { letter, how }),
        1 => Just(Step::Read),
    ]
}

fn cases() -> impl Strategy<Value = Case> {
    let limit = prop_oneof![4 => 1..6_u32, 1 => Just(0)];
    let bytes = prop_oneof![2 => 0..30_usize, 1 => Just(usize::MAX)];
    let steps = prop::collection::vec(steps(), 1..60);
    (limit, bytes, any::<bool>(), steps, any::<bool>()).prop_map(
        |(limit, bytes, coalesces, steps, is_killed)| Case {
            limit,
            bytes,
            coalesces,
            steps,
            is_killed,
        },
    )
}

type Answering<'a> = Pin<Box<dyn Future<Output = Result<u64, Option<Outcome>>> + 'a>>;

/// A call; what fails after it was taken is `None`.
async fn call<const KIND: u8>(
    agent: &AgentRef<Reader>,
    letter: Letter,
) -> Result<u64, Option<Outcome>> {
    match agent.call(Item::<KIND>(letter)).deadline(LONG).await {
        Ok(number) => Ok(number),
        Err(CallError::Undelivered(refused)) => Err(Some(outcome(refused, &Item(letter)))),
        Err(CallError::NoReply { .. } | CallError::Exited { .. }) => Err(None),
        Err(other) => panic!("{other}"),
    }
}

/// What was refused, as the model has it. The message comes back.
fn outcome<M: Message + PartialEq + std::fmt::Debug>(refused: CastError<M>, sent: &M) -> Outcome {
    let outcome = match refused {
        CastError::Full { .. } => Outcome::Full,
        CastError::TooLarge { bytes, .. } => {
            assert_eq!(bytes, sent.bytes());
            Outcome::TooLarge
        }
        CastError::Ended { .. } => panic!("it lives"),
    };
    assert_eq!(refused.into_message(), *sent);
    outcome
}

fn cast<const KIND: u8>(agent: &AgentRef<Reader>, letter: Letter, how: How) -> Outcome {
    let item = Item::<KIND>(letter);
    let sent = if how == How::Cast { agent.cast(item) } else { agent.try_cast(item) };
    sent.map_or_else(|refused| outcome(refused, &Item(letter)), |()| Outcome::Taken)
}

/// One mailbox, and the plain queue beside it.
struct Run<'a> {
    model: Model,
    calls: BTreeMap<u64, Answering<'a>>,
    /// What the agent is handling, as the model has it.
    in_hand: Option<u64>,
    answered: Vec<u64>,
}

impl<'a> Run<'a> {
    fn send(&mut self, agent: &'a AgentRef<Reader>, letter: Letter, how: How) {
        let expected = self.model.send(letter, how == How::TryCast);
        let sent = match (how, letter.kind) {
            (How::Call, kind) => {
                let mut call: Answering<'a> = match kind {
                    0 => Box::pin(call::<0>(agent, letter)),
                    _ => Box::pin(call::<1>(agent, letter)),
                };
                match Wakes::new().poll(Pin::new(&mut call)) {
                    Poll::Ready(Err(Some(refused))) => refused,
                    Poll::Ready(Err(None)) => {
                        assert!(self.model.dropped.contains(&letter.number));
                        Outcome::Taken
                    }
                    Poll::Ready(Ok(_)) => panic!("nothing was let go"),
                    Poll::Pending => {
                        self.calls.insert(letter.number, call);
                        Outcome::Taken
                    }
                }
            }
            (_, 0) => cast::<0>(agent, letter, how),
            (_, _) => cast::<1>(agent, letter, how),
        };
        assert_eq!(sent, expected, "{letter:?}");
        self.fail_dropped_calls();
    }

    /// Whoever called with what is dropped or replaced is told at once.
    fn fail_dropped_calls(&mut self) {
        let Model { dropped, replaced, .. } = &self.model;
        self.calls.retain(|number, call| match Wakes::new().poll(Pin::new(call)) {
            Poll::Pending => {
                assert!(!dropped.contains(number) && !replaced.contains(number));
                true
            }
            Poll::Ready(Ok(answer)) => {
                assert_eq!(answer, *number);
                self.answered.push(answer);
                false
            }
            Poll::Ready(Err(why)) => {
                assert!(why.is_none() && (dropped.contains(number) || replaced.contains(number)));
                false
            }
        });
    }

    /// What the model begins next is what the agent begins.
    async fn begin(&mut self, reading: &mut Reading) {
        if self.in_hand.is_none()
            && let Some(letter) = self.model.queue.pop_front()
        {
            assert_eq!(reading.next().await, letter.number);
            self.in_hand = Some(letter.number);
        }
    }

    async fn read(&mut self, reading: &mut Reading) {
        if self.in_hand.take().is_some() {
            reading.permits.add_permits(1);
            self.begin(reading).await;
        }
    }
}

async fn obeys(system: &System, when_full: WhenFull, full: Full, case: Case) {
    let Case { limit, bytes, coalesces, steps, is_killed } = case;
    let mailbox = if limit == 0 { Mailbox::unbounded() } else { Mailbox::bounded(limit) };
    let mailbox = mailbox.bytes(bytes).when_full(when_full);
    let mailbox = if coalesces { mailbox.coalescing() } else { mailbox };
    let before = system.dead_letter_count();
    let mut reading = Reading::new(system, mailbox).await;
    let agent = reading.agent.clone();
    let limit = if limit == 0 { usize::MAX } else { limit as usize };
    let (queue, dropped, replaced) = (VecDeque::new(), Vec::new(), Vec::new());
    let model = Model { limit, bytes, full, coalesces, queue, dropped, replaced };
    let mut run = Run { model, calls: BTreeMap::new(), in_hand: None, answered: Vec::new() };
    for (number, step) in (1..).zip(steps) {
        match step {
            Step::Send { letter, mut how } => {
                // A call would wait for a place.
                if when_full == WhenFull::Wait && how == How::Call {
                    how = How::Cast;
                }
                run.send(&agent, Letter { number, ..letter }, how);
                run.begin(&mut reading).await;
            }
            Step::Read => run.read(&mut reading).await,
        }
    }
    let dropped = run.model.dropped.len();
    let left = if is_killed {
        let down = agent.monitor();
        agent.kill();
        timeout(LONG, down.down()).await.unwrap().unwrap();
        run.model.queue.len()
    } else {
        while run.in_hand.is_some() {
            run.read(&mut reading).await;
        }
        0
    };
    for (number, call) in run.calls {
        let answer = timeout(LONG, call).await.unwrap();
        assert!(if is_killed {
            answer == Err(None) || answer == Ok(number)
        } else {
            answer == Ok(number)
        });
    }
    let dead = system.dead_letter_count() - before;
    assert_eq!(dead, (dropped + left) as u64, "what is dropped, and what is left at the end");
}

fn check(when_full: WhenFull, full: Full) {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let system = {
        let _within = runtime.enter();
        let mut config = Config::default();
        // A call that is lent a thread would need no place.
        config.lendable = Duration::ZERO;
        System::new(config).unwrap()
    };
    proptest!(|(case in cases())| {
        runtime.block_on(obeys(&system, when_full, full, case));
    });
}

#[test]
fn a_mailbox_that_waits_gives_casts_back_as_a_plain_queue_has_it() {
    check(WhenFull::Wait, Full::Refuse);
}

#[test]
fn a_mailbox_that_rejects_does_as_a_plain_queue_has_it() {
    check(WhenFull::Reject, Full::Refuse);
}

#[test]
fn a_mailbox_that_drops_the_oldest_does_as_a_plain_queue_has_it() {
    check(WhenFull::DropOldest, Full::DropOldest);
}

#[test]
fn a_mailbox_that_drops_the_newest_does_as_a_plain_queue_has_it() {
    check(WhenFull::DropNewest, Full::DropNewest);
}
