//! An agent of a test's own, to be handed to the agents under test.

use std::fmt;
use std::time::Duration;

use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::{Agent, AgentRef, Context, Handler, Message, Recipient, System};

/// How long a probe waits for a message, in virtual time.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sees what an agent is sent that records it. The messages are seen in the order in which they came, each
/// once. From [`Kit::probe`](super::Kit::probe).
///
/// What was not seen when a probe is dropped is nobody's concern.
pub struct Probe<M: Message> {
    agent: AgentRef<Recorder<M>>,
    recorded: UnboundedReceiver<M>,
    patience: Duration,
}

/// The agent of a [`Probe`].
pub struct Recorder<M: Message> {
    recorded: UnboundedSender<M>,
    answer: Answer<M>,
}

/// What a recorder answers.
type Answer<M> = Box<dyn FnMut(&M) -> <M as Message>::Reply + Send>;

impl<M: Message> Probe<M> {
    pub(super) async fn spawn(
        system: &System,
        reply: impl FnMut(&M) -> M::Reply + Send + 'static,
    ) -> Self {
        let (sender, recorded) = unbounded_channel();
        let agent = Recorder { recorded: sender, answer: Box::new(reply) };
        match system.spawn(agent).await {
            Ok(agent) => Self { agent, recorded, patience: PATIENCE },
            Err(error) => panic!("failed to make a probe: {error}"),
        }
    }

    /// How long it waits for a message, in virtual time. 5 s unless this is said.
    #[must_use]
    pub fn patience(self, patience: Duration) -> Self {
        Self { patience, ..self }
    }

    /// The agent.
    pub fn agent(&self) -> &AgentRef<Recorder<M>> {
        &self.agent
    }

    /// A handle for whoever sends `M`.
    pub fn recipient(&self) -> Recipient<M> {
        self.agent.recipient()
    }

    /// The next message.
    ///
    /// # Panics
    ///
    /// If none comes in time.
    pub async fn next(&mut self) -> M {
        self.next_for("a message").await
    }

    /// What came and was not seen yet.
    pub fn take(&mut self) -> Vec<M> {
        std::iter::from_fn(|| self.recorded.try_recv().ok()).collect()
    }

    /// Sees that the next message is `expected`.
    ///
    /// # Panics
    ///
    /// If it is another, or none comes in time.
    pub async fn expect(&mut self, expected: M)
    where
        M: fmt::Debug + PartialEq,
    {
        let came = self.next_for(&format!("{expected:?}")).await;
        assert!(came == expected, "expected {expected:?}, and {came:?} came");
    }

    /// Sees that the next message is as it should be, and returns it; `what` is said if it is not.
    ///
    /// # Panics
    ///
    /// If it is not, or none comes in time.
    pub async fn expect_that(&mut self, what: &str, is_right: impl FnOnce(&M) -> bool) -> M
    where
        M: fmt::Debug,
    {
        let came = self.next_for(what).await;
        assert!(is_right(&came), "expected {what}, and {came:?} came");
        came
    }

    /// Lets so much time pass, and sees that no message comes.
    ///
    /// # Panics
    ///
    /// If one comes, or has come before and was not seen.
    pub async fn expect_none(&mut self, time: Duration)
    where
        M: fmt::Debug,
    {
        if let Ok(Some(came)) = timeout(time, self.recorded.recv()).await {
            panic!("expected no message within {time:?}, and {came:?} came");
        }
    }

    async fn next_for(&mut self, what: &str) -> M {
        match timeout(self.patience, self.recorded.recv()).await {
            Ok(Some(message)) => message,
            Ok(None) => panic!("expected {what}, and the probe has ended"),
            Err(late) => {
                panic!("expected {what}, and nothing came within {:?}: {late}", self.patience)
            }
        }
    }
}

impl<M: Message> Agent for Recorder<M> {}

impl<M: Message> Handler<M> for Recorder<M> {
    async fn handle(&mut self, message: M, _: &mut Context<Self>) -> M::Reply {
        let reply = (self.answer)(&message);
        // Nobody looks any more.
        let _ = self.recorded.send(message);
        reply
    }
}

impl<M: Message> fmt::Debug for Probe<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Probe").field(&self.agent).finish()
    }
}
