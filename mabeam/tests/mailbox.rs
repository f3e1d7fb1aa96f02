//! How many messages wait, and what becomes of those that find no place.

#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/keeper.rs"]
mod keeper;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use keeper::{Held, Hold, Keeper, LONG, Put, Seen, Wakes, hold};
use mabeam::{
    Agent, AgentRef, CallError, CastError, Config, Context, Handler, Mailbox, Message, Reason,
    System, WhenFull,
};
use tokio::time::{Instant, timeout};

fn system() -> System {
    System::new(Config::default()).unwrap()
}

/// An agent that is held up, with so many places.
async fn held(system: &System, mailbox: Mailbox) -> (AgentRef<Keeper>, Held) {
    let agent = system.spawn(Keeper::default()).mailbox(mailbox).await.unwrap();
    let held = hold(&agent).await;
    (agent, held)
}

/// An agent that is held up, with one place that is taken: letting go frees it, and holds the agent
/// up once more.
async fn full(system: &System) -> (AgentRef<Keeper>, Held, Held) {
    let (agent, first) = held(system, Mailbox::bounded(1)).await;
    let (hold, second) = Hold::new();
    agent.cast(hold).unwrap();
    (agent, first, second)
}

#[tokio::test]
async fn a_bounded_mailbox_takes_as_many_as_its_limit_and_gives_the_next_one_back() {
    let system = system();
    for limit in [1, 2, 8] {
        let (agent, held) = held(&system, Mailbox::bounded(limit)).await;
        for number in 0..u64::from(limit) {
            agent.cast(Put(number)).unwrap();
        }
        for refused in [agent.cast(Put(99)), agent.try_cast(Put(99))] {
            let Err(CastError::Full { message, agent: who, limit: told }) = refused else {
                panic!("it is full");
            };
            assert_eq!((message, who, told), (Put(99), agent.id(), limit));
        }
        held.let_go();
        let seen = timeout(LONG, agent.call(Seen)).await.unwrap().unwrap();
        assert_eq!(seen, (0..u64::from(limit)).collect::<Vec<_>>());
        agent.cast(Put(7)).unwrap();
    }
}

#[tokio::test]
async fn a_limit_of_nothing_is_one() {
    let system = system();
    let (agent, _held) = held(&system, Mailbox::bounded(0)).await;
    agent.cast(Put(0)).unwrap();
    assert!(matches!(agent.cast(Put(1)), Err(CastError::Full { limit: 1, .. })));
}

#[tokio::test]
async fn an_unbounded_mailbox_takes_more_than_the_default_limit() {
    const MORE: u64 = Mailbox::DEFAULT_LIMIT as u64 + 1;
    let system = system();
    let (agent, held) = held(&system, Mailbox::unbounded()).await;
    for number in 0..MORE {
        agent.cast(Put(number)).unwrap();
    }
    held.let_go();
    let count = agent.call(Put(MORE)).deadline(LONG).await.unwrap();
    assert_eq!(count as u64, MORE + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_racing_senders_exactly_as_many_get_in_as_there_are_places() {
    const LIMIT: u32 = 8;
    let system = system();
    let agent = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(LIMIT)).await.unwrap();
    for round in 1..=50 {
        let held = hold(&agent).await;
        let accepted: u32 = std::thread::scope(|scope| {
            let sender = |_| {
                let cast = |number| match agent.cast(Put(number)) {
                    Ok(()) => 1,
                    Err(refused) => {
                        assert_eq!(refused.into_message(), Put(number));
                        0
                    }
                };
                scope.spawn(move || (0..u64::from(LIMIT)).map(cast).sum::<u32>())
            };
            let senders: Vec<_> = (0..4).map(sender).collect();
            senders.into_iter().map(|sender| sender.join().unwrap()).sum()
        });
        assert_eq!(accepted, LIMIT);
        held.let_go();
        let seen = agent.call(Seen).deadline(LONG).await.unwrap();
        assert_eq!(seen.len(), round * LIMIT as usize);
    }
}

#[tokio::test]
async fn who_sends_to_a_mailbox_that_rejects_is_told_at_once() {
    let system = system();
    let mailbox = Mailbox::bounded(1).when_full(WhenFull::Reject);
    let (agent, _held) = held(&system, mailbox).await;
    agent.send(Put(0)).await.unwrap();
    let Poll::Ready(Err(CastError::Full { message: Put(1), limit: 1, .. })) =
        Wakes::new().poll(pin!(agent.send(Put(1))))
    else {
        panic!("a send waited");
    };
    let Poll::Ready(Err(CallError::Undelivered(CastError::Full { message: Put(2), .. }))) =
        Wakes::new().poll(pin!(agent.call(Put(2))))
    else {
        panic!("a call waited");
    };
}

#[tokio::test]
async fn who_calls_an_agent_whose_mailbox_is_full_waits_for_a_place_and_then_for_the_answer() {
    let system = system();
    let (agent, first, second) = full(&system).await;
    let mut call = pin!(agent.call(Put(1)));
    let wakes = Wakes::new();
    assert!(wakes.poll(call.as_mut()).is_pending());
    first.let_go();
    second.let_go();
    assert_eq!(timeout(LONG, call).await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn stop_and_kill_pass_a_full_mailbox() {
    let system = system();
    for kills in [false, true] {
        let before = system.dead_letter_count();
        let (agent, first, _second) = full(&system).await;
        let monitor = agent.monitor();
        if kills {
            agent.kill();
        } else {
            agent.stop(Reason::Shutdown);
            first.let_go();
        }
        let down = timeout(LONG, monitor.down()).await.unwrap().unwrap();
        assert_eq!(down.reason, if kills { Reason::Killed } else { Reason::Shutdown });
        assert_eq!(system.dead_letter_count() - before, 1, "what waited was not begun");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_of_one_sender_are_handled_in_order_and_none_is_lost() {
    const EACH: u64 = 2_000;
    let system = system();
    for limit in [1, 3, 64] {
        let agent = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(limit)).await.unwrap();
        let sender = |sender: u64| {
            let agent = agent.clone();
            tokio::spawn(async move {
                for number in 0..EACH {
                    agent.send(Put(sender * EACH + number)).deadline(LONG).await.unwrap();
                }
            })
        };
        for sender in (0..4).map(sender).collect::<Vec<_>>() {
            timeout(LONG, sender).await.unwrap().unwrap();
        }
        let seen = agent.call(Seen).deadline(LONG).await.unwrap();
        for sender in 0..4 {
            let all = sender * EACH..(sender + 1) * EACH;
            let of_sender = seen.iter().copied().filter(|number| all.contains(number));
            assert!(of_sender.eq(all.clone()), "limit {limit}");
        }
    }
}

/// Answered with the task that the handler ran in, and with how many messages to itself got in.
struct Fill;

impl Message for Fill {
    type Reply = (Option<tokio::task::Id>, u64);
}

impl Handler<Fill> for Keeper {
    async fn handle(
        &mut self,
        _: Fill,
        context: &mut Context<Self>,
    ) -> (Option<tokio::task::Id>, u64) {
        let own = context.handle();
        let count = (0..100).take_while(|number| own.cast(Put(*number)).is_ok()).count();
        (tokio::task::try_id(), count as u64)
    }
}

#[tokio::test]
async fn a_call_that_is_lent_takes_no_place() {
    // Of so many places those of messages that were begun are given back two at a time.
    const LIMIT: u32 = 16;
    let config = {
        let mut config = Config::default();
        config.lendable = LONG;
        config
    };
    let system = System::new(config).unwrap();
    let agent = system.spawn(Keeper::default()).mailbox(Mailbox::bounded(LIMIT)).await.unwrap();
    let caller = tokio::spawn(async move {
        let mut places = Vec::new();
        // The first call is of an unknown cost. A later one is not lent if the agent is still busy.
        while places.len() < 100 && !places.contains(&(true, u64::from(LIMIT))) {
            let (task, count) = agent.call(Fill).await.unwrap();
            places.push((task == tokio::task::try_id(), count));
            agent.call(Seen).await.unwrap();
            tokio::task::yield_now().await;
        }
        places
    });
    let mut places = timeout(LONG, caller).await.unwrap().unwrap();
    assert_eq!(places.pop(), Some((true, u64::from(LIMIT))));
    assert_eq!(places.first(), Some(&(false, u64::from(LIMIT) - 1)));
}

#[tokio::test]
async fn of_three_senders_who_wait_for_one_place_each_is_woken_in_turn() {
    let system = system();
    let (agent, first, mut second) = full(&system).await;
    let mut sends = [1, 2, 3].map(|number| Box::pin(agent.send(Put(number))));
    let wakes = [(); 3].map(|()| Wakes::new());
    let woken = || wakes.each_ref().map(|wakes| wakes.count());
    for (send, wakes) in sends.iter_mut().zip(&wakes) {
        assert!(wakes.poll(send.as_mut()).is_pending());
    }
    first.let_go();
    second.begun().await;
    assert_eq!(woken(), [1, 0, 0]);
    for other in [1, 2] {
        assert!(wakes[other].poll(sends[other].as_mut()).is_pending(), "{other} was not woken");
    }
    assert!(matches!(wakes[0].poll(sends[0].as_mut()), Poll::Ready(Ok(()))));
    assert_eq!(woken(), [1, 0, 0], "the one who was woken used the place");
    second.let_go();
    for rest in &mut sends[1..] {
        timeout(LONG, rest).await.unwrap().unwrap();
    }
    assert_eq!(agent.call(Seen).deadline(LONG).await.unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn a_sender_who_gives_up_passes_its_turn_on_and_sends_nothing() {
    let system = system();
    let (agent, first, mut second) = full(&system).await;
    let mut sends = [1, 2, 3].map(|number| Some(Box::pin(agent.send(Put(number)))));
    let wakes = [(); 3].map(|()| Wakes::new());
    for (send, wakes) in sends.iter_mut().zip(&wakes) {
        assert!(wakes.poll(send.as_mut().unwrap().as_mut()).is_pending());
    }
    sends[0] = None;
    first.let_go();
    second.begun().await;
    assert_eq!(wakes.each_ref().map(|wakes| wakes.count()), [0, 1, 0], "one waits no more");
    sends[1] = None;
    assert_eq!(wakes.each_ref().map(|wakes| wakes.count()), [0, 1, 1], "it had its turn");
    let last = sends[2].as_mut().unwrap().as_mut();
    assert!(matches!(wakes[2].poll(last), Poll::Ready(Ok(()))));
    second.let_go();
    assert_eq!(agent.call(Seen).deadline(LONG).await.unwrap(), [3]);
}

#[tokio::test]
async fn a_caller_who_waits_for_its_answer_takes_nobodys_turn() {
    let system = system();
    let (agent, first, mut second) = full(&system).await;
    let (hold, mut third) = Hold::new();
    let (mut call, mut send) = (pin!(agent.call(hold)), pin!(agent.send(Put(1))));
    let (of_call, of_send) = (Wakes::new(), Wakes::new());
    assert!(of_call.poll(call.as_mut()).is_pending());
    assert!(of_send.poll(send.as_mut()).is_pending());
    first.let_go();
    second.begun().await;
    assert!(of_call.poll(call.as_mut()).is_pending(), "delivered, not answered");
    assert_eq!((of_call.count(), of_send.count()), (1, 0));
    second.let_go();
    third.begun().await;
    assert_eq!(of_send.count(), 1);
    assert!(matches!(of_send.poll(send.as_mut()), Poll::Ready(Ok(()))));
    third.let_go();
    timeout(LONG, call).await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_send_gives_its_message_back_when_its_deadline_has_passed() {
    let system = system();
    let (agent, first, mut second) = full(&system).await;
    let began = Instant::now();
    let mut given_up = pin!(agent.send(Put(1)).deadline(Duration::from_millis(250)));
    let refused = given_up.as_mut().await.unwrap_err();
    assert!(matches!(refused, CastError::Full { message: Put(1), limit: 1, .. }));
    assert_eq!(began.elapsed(), Duration::from_millis(250));
    agent.send(Put(2)).await.unwrap_err();
    let default = Config::default().call_deadline;
    assert_eq!(began.elapsed(), default + Duration::from_millis(250));
    let call = agent.call(Put(3)).deadline(Duration::from_millis(250));
    let refused = call.await.unwrap_err();
    assert_eq!(refused.into_message(), Some(Put(3)));

    let (mut send, wakes) = (pin!(agent.send(Put(4))), Wakes::new());
    assert!(wakes.poll(send.as_mut()).is_pending());
    first.let_go();
    second.begun().await;
    assert_eq!(wakes.count(), 1, "one that gave up does not wait, although it was not dropped");
    assert!(matches!(wakes.poll(send.as_mut()), Poll::Ready(Ok(()))));
}

#[tokio::test]
async fn who_waits_for_a_place_when_the_agent_ends_has_the_message_back_and_the_reason() {
    let system = system();
    let (agent, _first, _second) = full(&system).await;
    let mut sends = [1, 2, 3].map(|number| Box::pin(agent.send(Put(number)).deadline(LONG)));
    let wakes = Wakes::new();
    for send in &mut sends {
        assert!(wakes.poll(send.as_mut()).is_pending());
    }
    let mut call = pin!(agent.call(Put(4)).deadline(LONG));
    assert!(wakes.poll(call.as_mut()).is_pending());
    agent.kill();
    for (number, send) in (1..).zip(sends) {
        let refused = timeout(LONG, send).await.unwrap().unwrap_err();
        let CastError::Ended { message, agent: who, reason: Reason::Killed } = refused else {
            panic!("{refused}");
        };
        assert_eq!((message, who), (Put(number), agent.id()));
    }
    let refused = timeout(LONG, call).await.unwrap().unwrap_err();
    assert!(matches!(
        refused,
        CallError::Undelivered(CastError::Ended { message: Put(4), reason: Reason::Killed, .. })
    ));
}

#[tokio::test]
async fn a_cast_to_an_agent_that_ended_while_its_mailbox_was_full_says_that_it_has_ended() {
    let system = system();
    let (agent, _first, _second) = full(&system).await;
    let monitor = agent.monitor();
    agent.kill();
    timeout(LONG, monitor.down()).await.unwrap().unwrap();
    let refused = agent.cast(Put(5)).unwrap_err();
    assert!(matches!(refused, CastError::Ended { message: Put(5), .. }), "{refused}");
}

#[tokio::test]
async fn a_send_that_is_not_polled_sends_nothing() {
    let system = system();
    let agent = system.spawn(Keeper::default()).await.unwrap();
    drop(agent.send(Put(1)));
    assert_eq!(agent.call(Seen).await.unwrap(), [0; 0]);
}

/// Loops without ever having to wait.
async fn sends(agent: Arc<AgentRef<Discard>>) {
    loop {
        agent.send(Nothing).await.unwrap();
    }
}

struct Discard;
impl Agent for Discard {}

struct Nothing;
impl Message for Nothing {
    type Reply = ();
}
impl Handler<Nothing> for Discard {
    async fn handle(&mut self, _: Nothing, _: &mut Context<Self>) {}
}

#[tokio::test]
async fn who_loops_over_sends_still_lets_others_run() {
    let system = system();
    let agent = system.spawn(Discard).mailbox(Mailbox::unbounded()).await.unwrap();
    let looping: Pin<Box<dyn Future<Output = ()> + Send>> = Box::pin(sends(Arc::new(agent)));
    let looping = tokio::spawn(looping);
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    looping.abort();
    assert!(looping.await.unwrap_err().is_cancelled());
}
