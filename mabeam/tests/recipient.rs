//! Handles that know a message and not the agent's type.

#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/keeper.rs"]
mod keeper;

use std::time::Duration;

use keeper::{Held, Keeper, LONG, Put, Seen, hold};
use mabeam::{
    Agent, AgentRef, CallError, CastError, Config, Context, Handler, Mailbox, Message, Reason,
    Recipient, System,
};
use tokio::time::timeout;

/// Another agent that takes the same message.
struct Constant(usize);

impl Agent for Constant {}

impl Handler<Put> for Constant {
    async fn handle(&mut self, _: Put, _: &mut Context<Self>) -> usize {
        self.0
    }
}

fn system() -> System {
    System::new(Config::default()).unwrap()
}

/// An agent that is held up and has no place left.
async fn full(system: &System) -> (AgentRef<Keeper>, Held) {
    let agent = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(1)).await.unwrap();
    let held = hold(&agent).await;
    agent.cast(Put(1)).unwrap();
    (agent, held)
}

#[tokio::test]
async fn agents_of_different_types_stand_in_one_list() {
    let system = system();
    let keeper = system.spawn(Keeper::default()).await.unwrap();
    let constant = system.spawn(Constant(7)).await.unwrap();
    let recipients: Vec<Recipient<Put>> = vec![keeper.recipient(), constant.into()];
    let mut answers = Vec::new();
    for recipient in &recipients {
        recipient.cast(Put(1)).unwrap();
        recipient.try_cast(Put(2)).unwrap();
        recipient.send(Put(3)).await.unwrap();
        answers.push(recipient.call(Put(4)).await.unwrap());
    }
    assert_eq!(answers, [4, 7]);
    assert_eq!(keeper.call(Seen).await.unwrap(), [1, 2, 3, 4]);
}

#[tokio::test]
async fn recipients_of_one_agent_are_equal_and_others_are_not() {
    let system = system();
    let keeper = system.spawn(Keeper::default()).await.unwrap();
    let recipient: Recipient<Put> = keeper.recipient();
    assert_eq!(recipient, keeper.recipient());
    assert_eq!(recipient, recipient.clone());
    assert_eq!(recipient.id(), keeper.id());
    assert_ne!(recipient, system.spawn(Keeper::default()).await.unwrap().recipient());
    assert_ne!(recipient, system.spawn(Constant(1)).await.unwrap().recipient());
}

#[tokio::test]
async fn a_recipient_and_each_clone_keep_the_agent_alive() {
    let system = system();
    let keeper = system.spawn(Keeper::default()).await.unwrap();
    let mut monitor = keeper.monitor();
    let recipient: Recipient<Put> = keeper.recipient();
    drop(keeper);
    assert_eq!(recipient.call(Put(1)).await.unwrap(), 1);
    let clone = recipient.clone();
    drop(recipient);
    assert_eq!(clone.call(Put(2)).await.unwrap(), 2);
    assert!(!clone.has_ended() && monitor.try_down().is_none());
    drop(clone);
    let down = timeout(LONG, monitor.down()).await.unwrap().unwrap();
    assert_eq!(down.reason, Reason::Normal);
}

#[tokio::test]
async fn a_weak_recipient_keeps_nobody_alive_and_upgrades_while_there_is_any_handle() {
    let system = system();
    let keeper = system.spawn(Keeper::default()).await.unwrap();
    let monitor = keeper.monitor();
    let weak = keeper.recipient::<Put>().downgrade();
    assert_eq!(weak.id(), keeper.id());
    // The recipient that it was made of is gone; the agent has another handle.
    let recipient = weak.upgrade().unwrap();
    drop(keeper);
    assert_eq!(recipient.call(Put(1)).await.unwrap(), 1);
    drop(recipient);
    assert!(weak.upgrade().is_none() && weak.clone().upgrade().is_none());
    timeout(LONG, monitor.down()).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn full_mailboxes_and_deadlines_give_the_message_back() {
    let system = system();
    let (agent, _held) = full(&system).await;
    let recipient = agent.recipient::<Put>();
    for refused in [recipient.cast(Put(2)), recipient.try_cast(Put(2))] {
        assert!(matches!(refused, Err(CastError::Full { message: Put(2), limit: 1, .. })));
    }
    let deadline = Duration::from_millis(250);
    let began = tokio::time::Instant::now();
    let refused = recipient.send(Put(3)).deadline(deadline).await.unwrap_err();
    assert_eq!(refused.into_message(), Put(3));
    let refused = recipient.call(Put(4)).deadline(deadline).await.unwrap_err();
    assert_eq!(refused.into_message(), Some(Put(4)));
    assert_eq!(began.elapsed(), 2 * deadline);
}

#[tokio::test]
async fn an_agent_that_has_ended_gives_the_message_back_and_its_reason() {
    let system = system();
    let agent = system.spawn(Constant(1)).await.unwrap();
    let recipient = agent.recipient::<Put>();
    agent.stop(Reason::Shutdown);
    let down = timeout(LONG, recipient.monitor().down()).await.unwrap().unwrap();
    assert!(matches!(down.reason, Reason::Shutdown | Reason::NoProc));
    assert!(recipient.has_ended());
    let ended = |error: CastError<Put>| {
        assert!(matches!(
            error,
            CastError::Ended { message: Put(2), reason: Reason::Shutdown, .. }
        ));
    };
    ended(recipient.cast(Put(2)).unwrap_err());
    ended(recipient.send(Put(2)).await.unwrap_err());
    let CallError::Undelivered(error) = recipient.call(Put(2)).await.unwrap_err() else {
        panic!("it was delivered");
    };
    ended(error);
}

/// Answered with the task that the handler ran in.
struct Task;

impl Message for Task {
    type Reply = Option<tokio::task::Id>;
}

impl Handler<Task> for Keeper {
    async fn handle(&mut self, _: Task, _: &mut Context<Self>) -> Option<tokio::task::Id> {
        tokio::task::try_id()
    }
}

#[tokio::test]
async fn a_call_through_a_recipient_is_lent() {
    let mut config = Config::default();
    config.lendable = LONG;
    let system = System::new(config).unwrap();
    let recipient = system.spawn(Keeper::default()).await.unwrap().recipient::<Task>();
    let caller = tokio::spawn(async move {
        // The first call is of an unknown cost. A later one is not lent if the agent is still busy.
        for _ in 0..100 {
            if recipient.call(Task).await.unwrap() == tokio::task::try_id() {
                return true;
            }
            tokio::task::yield_now().await;
        }
        false
    });
    assert!(timeout(LONG, caller).await.unwrap().unwrap());
}
