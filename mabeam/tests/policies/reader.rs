//! An agent that says what it begins, and goes on when it is told to.

use std::sync::Arc;

use mabeam::{Agent, AgentRef, Context, Handler, Mailbox, Message, System};
use tokio::sync::Semaphore;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use crate::keeper::LONG;

/// Says what it begins. Waits for a permit in each handler.
pub(crate) struct Reader {
    begun: UnboundedSender<u64>,
    permits: Arc<Semaphore>,
}

impl Agent for Reader {}

/// What is known of a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Letter {
    pub(crate) number: u64,
    pub(crate) kind: u8,
    pub(crate) key: Option<u64>,
    pub(crate) bytes: usize,
}

/// A message, of one type for each kind.
#[derive(Debug, PartialEq)]
pub(crate) struct Item<const KIND: u8>(pub(crate) Letter);

impl<const KIND: u8> Message for Item<KIND> {
    type Reply = u64;

    fn key(&self) -> Option<u64> {
        self.0.key
    }

    fn bytes(&self) -> usize {
        self.0.bytes
    }
}

impl<const KIND: u8> Handler<Item<KIND>> for Reader {
    async fn handle(&mut self, Item(letter): Item<KIND>, _: &mut Context<Self>) -> u64 {
        self.begun.send(letter.number).unwrap();
        self.permits.acquire().await.unwrap().forget();
        letter.number
    }
}

/// A reader, and what is seen of it.
pub(crate) struct Reading {
    pub(crate) agent: AgentRef<Reader>,
    pub(crate) permits: Arc<Semaphore>,
    begun: UnboundedReceiver<u64>,
}

impl Reading {
    pub(crate) async fn new(system: &System, mailbox: Mailbox) -> Self {
        let (sender, begun) = unbounded_channel();
        let permits = Arc::new(Semaphore::new(0));
        let reader = Reader { begun: sender, permits: Arc::clone(&permits) };
        let agent = system.spawn(reader).mailbox(mailbox).await.unwrap();
        Self { agent, permits, begun }
    }

    /// One that is in the middle of a message, with an empty mailbox.
    pub(crate) async fn held(system: &System, mailbox: Mailbox) -> Self {
        let mut reading = Self::new(system, mailbox).await;
        reading.agent.cast(item(0)).unwrap();
        assert_eq!(reading.next().await, 0);
        reading
    }

    /// What is begun next.
    pub(crate) async fn next(&mut self) -> u64 {
        timeout(LONG, self.begun.recv()).await.unwrap().unwrap()
    }

    /// What is begun next, when the message in progress is over.
    pub(crate) async fn read(&mut self) -> u64 {
        self.permits.add_permits(1);
        self.next().await
    }
}

/// Without a key, of one byte.
pub(crate) fn item(number: u64) -> Item<0> {
    Item(Letter { number, kind: 0, key: None, bytes: 1 })
}

/// With a key, of one byte.
pub(crate) fn keyed(number: u64, key: u64) -> Item<0> {
    Item(Letter { key: Some(key), ..item(number).0 })
}

/// Of so many bytes.
pub(crate) fn sized(number: u64, bytes: usize) -> Item<0> {
    Item(Letter { bytes, ..item(number).0 })
}
