//! One of the tasks that send, call, cancel and kill.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::Poll;

use mabeam::{AgentRef, CallError, CastError, Mailbox, Message, Reason, System};
use tokio::time::timeout;

use crate::agents::{Nap, Note, Panic, Relay, Token, Worker};
use crate::{BOUND, PLACES, SENDERS, Tally};

/// Why an agent may have ended: bits of this were set after it was asked to.
pub(crate) mod doom {
    pub(crate) const KILL: u8 = 1;
    pub(crate) const STOP: u8 = 2;
    pub(crate) const PANIC: u8 = 4;
}

pub(crate) struct Sender {
    pub(crate) index: usize,
    pub(crate) system: System,
    pub(crate) agents: Vec<AgentRef<Worker>>,
    pub(crate) dooms: Arc<[AtomicU8]>,
    /// How many notes each agent has accepted from this sender.
    pub(crate) accepted: Vec<u64>,
    pub(crate) random: Random,
    pub(crate) token: Token,
    pub(crate) tally: Tally,
}

/// `SplitMix64`.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    pub(crate) fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or(0)
    }
}

/// Polls a future once or twice; `None` if it was dropped then.
async fn begun<F: Future>(future: F, polls: usize) -> Option<F::Output> {
    let mut future = pin!(future);
    for _ in 0..polls {
        let polled = poll_fn(|context| Poll::Ready(future.as_mut().poll(context))).await;
        if let Poll::Ready(output) = polled {
            return Some(output);
        }
        tokio::task::yield_now().await;
    }
    None
}

impl Sender {
    pub(crate) async fn run(mut self, operations: usize) -> (Vec<u64>, Tally) {
        for _ in 0..operations {
            let at = self.random.below(self.agents.len());
            let agent = self.agents[at].clone();
            timeout(BOUND, self.step(at, &agent)).await.expect("no operation waits for ever");
        }
        (self.accepted, self.tally)
    }

    async fn step(&mut self, at: usize, agent: &AgentRef<Worker>) {
        let token = Arc::clone(&self.token);
        match self.random.below(1000) {
            0..500 => {
                for _ in 0..=self.random.below(6) {
                    let result = agent.cast(self.note(at));
                    self.sent(at, agent, result);
                }
            }
            500..620 => {
                let result = agent.send(self.note(at)).deadline(BOUND).await;
                assert!(!matches!(result, Err(CastError::Full { .. })), "{result:?}");
                self.sent(at, agent, result);
            }
            620..660 => {
                let polls = 1 + self.random.below(2);
                // What is dropped before it is ready was not sent.
                match begun(agent.send(self.note(at)), polls).await {
                    Some(result) => self.sent(at, agent, result),
                    None => self.tally.cancelled += 1,
                }
            }
            660..800 => {
                let note = self.note(at);
                let number = note.number;
                if let Some(last) = self.called(agent, agent.call(note).deadline(BOUND).await) {
                    assert_eq!(last, number);
                    self.accepted[at] = number;
                }
            }
            800..900 => {
                let times = u32::try_from(self.random.below(4)).unwrap_or(0);
                let polls = 1 + self.random.below(3);
                match begun(agent.call(Nap(times, token)).deadline(BOUND), polls).await {
                    Some(result) => drop(self.called(agent, result)),
                    None => self.tally.cancelled += 1,
                }
            }
            900..960 => {
                let result = agent.call(Relay(4, token)).deadline(BOUND).await;
                let relayed = self.called(agent, result);
                if let Some(Err(Reason::Failed(lost))) = relayed {
                    panic!("{agent:?}: {lost}");
                }
            }
            960..993 => self.passing().await,
            993..995 => {
                // Only what was accepted dooms its agent.
                if agent.cast(Panic(token)).is_ok() {
                    self.doom(at, doom::PANIC);
                }
            }
            995..996 => {
                let answer = self.called(agent, agent.call(Panic(token)).deadline(BOUND).await);
                assert!(answer.is_none(), "{agent:?} answered although it panicked");
                // It has ended, of this or of something else.
                self.doom(at, doom::PANIC);
            }
            996..998 => {
                self.doom(at, doom::KILL);
                agent.kill();
            }
            _ => {
                self.doom(at, doom::STOP);
                agent.stop(Reason::Shutdown);
            }
        }
        self.tally.operations += 1;
    }

    fn doom(&self, at: usize, by: u8) {
        self.dooms[at].fetch_or(by, Ordering::SeqCst);
    }

    fn note(&self, at: usize) -> Note {
        let number = self.accepted[at] + 1;
        Note { sender: self.index, number, token: Arc::clone(&self.token) }
    }

    fn sent(&mut self, at: usize, agent: &AgentRef<Worker>, result: Result<(), CastError<Note>>) {
        match result {
            Ok(()) => {
                self.accepted[at] += 1;
                self.tally.sent += 1;
            }
            Err(CastError::Full { limit, message, .. }) => {
                assert_eq!((limit, message.number), (PLACES[at % 2], self.accepted[at] + 1));
                self.tally.full += 1;
            }
            Err(CastError::Ended { message, .. }) => {
                assert_eq!(message.number, self.accepted[at] + 1);
                assert!(agent.has_ended());
                self.tally.ended += 1;
            }
            Err(refused @ CastError::TooLarge { .. }) => panic!("{refused}"),
        }
    }

    /// The reply; anything but the agent's end is no way for a call to fail here.
    fn called<M: Message>(
        &mut self,
        agent: &AgentRef<Worker>,
        result: Result<M::Reply, CallError<M>>,
    ) -> Option<M::Reply> {
        match result {
            Ok(reply) => {
                self.tally.answered += 1;
                return Some(reply);
            }
            Err(CallError::Exited { .. } | CallError::Undelivered(CastError::Ended { .. })) => {
                self.tally.ended += 1;
            }
            Err(other) => panic!("{agent:?}: {other}"),
        }
        None
    }

    /// An agent that lives for a few notes: it handles them all although its last handle is gone.
    async fn passing(&mut self) {
        let handled = Arc::new(AtomicU64::new(0));
        let worker =
            Worker { last: [0; SENDERS], gap: None, handled: Arc::clone(&handled), next: None };
        let spawn = self.system.spawn(worker).mailbox(Mailbox::bounded(4));
        let agent = spawn.await.expect("there is room");
        let monitor = agent.monitor();
        let notes = self.random.below(4) as u64 + 1;
        for number in 1..=notes {
            let token = Arc::clone(&self.token);
            assert!(agent.cast(Note { sender: self.index, number, token }).is_ok());
        }
        drop(agent);
        let down = monitor.down().await.expect("each monitor hears");
        assert_eq!((down.reason, handled.load(Ordering::Relaxed)), (Reason::Normal, notes));
        self.tally.passed += 1;
    }
}
