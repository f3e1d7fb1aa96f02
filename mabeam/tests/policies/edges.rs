//! Single cases: whom a policy tells, what it shows, and what it leaves alone.

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use futures_core::Stream;
use mabeam::{
    Agent, AgentRef, CallError, CastError, Config, Context, Handler, Mailbox, Message, Reason,
    System, WhenFull,
};
use tokio::time::timeout;

use crate::keeper::{LONG, Wakes};
use crate::reader::{Item, Letter, Reading, item, keyed, sized};

fn system() -> System {
    System::new(Config::default()).unwrap()
}

/// Reads what waits.
async fn rest(reading: &mut Reading, count: usize) -> Vec<u64> {
    let mut all = Vec::new();
    for _ in 0..count {
        all.push(reading.read().await);
    }
    all
}

#[tokio::test]
async fn what_is_dropped_is_shown_as_a_dead_letter_that_says_why() {
    let system = system();
    let mailbox = Mailbox::bounded(1).when_full(WhenFull::DropOldest);
    let mut reading = Reading::held(&system, mailbox).await;
    reading.agent.cast(item(1)).unwrap();
    reading.agent.cast(item(2)).unwrap();
    let mut letters = system.dead_letters();
    let letter = timeout(LONG, letters.next()).await.unwrap().unwrap();
    assert_eq!(letter.agent, reading.agent.id());
    assert_eq!(letter.message, std::any::type_name::<Item<0>>());
    assert_eq!(letter.reason, Reason::Failed("dropped: the mailbox was full".into()));
    assert_eq!(rest(&mut reading, 1).await, [2]);
}

#[tokio::test]
async fn an_error_names_the_size_and_the_limit() {
    let system = system();
    let reading = Reading::held(&system, Mailbox::unbounded().bytes(10)).await;
    reading.agent.cast(sized(1, 7)).unwrap();
    let refused = reading.agent.cast(sized(2, 4)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("4 bytes find no place in the mailbox of {}: 10 may wait", reading.agent.id())
    );
    let CastError::TooLarge { message, bytes: 4, limit: 10, .. } = refused else { panic!() };
    assert_eq!(message, sized(2, 4));
    reading.agent.cast(sized(3, 3)).unwrap();
    let Err(CastError::TooLarge { .. }) = reading.agent.send(sized(4, 1)).await else { panic!() };
}

#[tokio::test]
async fn a_message_is_as_large_as_its_type_unless_it_says_otherwise() {
    struct Eight(#[expect(dead_code, reason = "it is only large")] u64);
    impl Message for Eight {
        type Reply = ();
    }
    assert_eq!((Eight(0).bytes(), Eight(0).key()), (8, None));
}

#[tokio::test]
async fn nothing_is_dropped_for_the_sake_of_a_try_cast() {
    let system = system();
    for when_full in [WhenFull::DropOldest, WhenFull::DropNewest] {
        let mailbox = Mailbox::bounded(1).when_full(when_full);
        let mut reading = Reading::held(&system, mailbox).await;
        reading.agent.try_cast(item(1)).unwrap();
        let refused = reading.agent.recipient::<Item<0>>().try_cast(item(2));
        assert!(
            matches!(refused, Err(CastError::Full { message, limit: 1, .. }) if message == item(2))
        );
        assert_eq!(rest(&mut reading, 1).await, [1]);
    }
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test]
async fn a_send_waits_for_a_place_in_a_mailbox_that_coalesces_and_needs_none_for_a_key_that_waits()
{
    let system = system();
    let mut reading = Reading::held(&system, Mailbox::bounded(1).coalescing()).await;
    let agent = reading.agent.clone();
    agent.send(keyed(1, 7)).await.unwrap();
    let wakes = Wakes::new();
    let mut other = pin!(agent.send(item(2)));
    assert!(wakes.poll(other.as_mut()).is_pending());
    agent.send(keyed(3, 7)).await.unwrap();
    assert_eq!(reading.read().await, 3);
    timeout(LONG, other).await.unwrap().unwrap();
    assert_eq!(reading.read().await, 2);
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test]
async fn whoever_waited_and_needs_no_place_wakes_the_next() {
    let system = system();
    let mut reading = Reading::held(&system, Mailbox::bounded(2).coalescing()).await;
    let agent = reading.agent.clone();
    for number in [1, 2] {
        agent.send(item(number)).await.unwrap();
    }
    let wakes = Wakes::new();
    let mut first = pin!(agent.send(keyed(3, 7)));
    let mut twin = pin!(agent.send(keyed(4, 7)));
    let mut last = pin!(agent.send(item(5)));
    assert!(wakes.poll(first.as_mut()).is_pending());
    assert!(wakes.poll(twin.as_mut()).is_pending());
    assert!(wakes.poll(last.as_mut()).is_pending());
    // Two places for three who wait, of whom two need one.
    assert_eq!(reading.read().await, 1);
    assert_eq!(reading.read().await, 2);
    timeout(LONG, first).await.unwrap().unwrap();
    timeout(LONG, twin).await.unwrap().unwrap();
    timeout(LONG, last).await.unwrap().unwrap();
    assert_eq!(rest(&mut reading, 2).await, [4, 5]);
}

#[tokio::test]
async fn whoever_waited_and_is_too_large_wakes_the_next() {
    let system = system();
    let mut reading = Reading::held(&system, Mailbox::bounded(2).bytes(10)).await;
    let agent = reading.agent.clone();
    agent.send(sized(1, 1)).await.unwrap();
    agent.send(sized(2, 8)).await.unwrap();
    let wakes = Wakes::new();
    let mut large = pin!(agent.send(sized(3, 9)));
    let mut small = pin!(agent.send(sized(4, 1)));
    assert!(wakes.poll(large.as_mut()).is_pending());
    assert!(wakes.poll(small.as_mut()).is_pending());
    assert_eq!(reading.read().await, 1);
    let refused = timeout(LONG, large).await.unwrap();
    assert!(matches!(refused, Err(CastError::TooLarge { bytes: 9, .. })));
    timeout(LONG, small).await.unwrap().unwrap();
    assert_eq!(rest(&mut reading, 2).await, [2, 4]);
}

#[tokio::test]
async fn whoever_waits_for_a_place_is_told_when_the_agent_ends() {
    let system = system();
    let mailbox = Mailbox::bounded(1).coalescing();
    let reading = Reading::held(&system, mailbox).await;
    let agent = reading.agent.clone();
    agent.send(item(1)).await.unwrap();
    let mut waiting = pin!(agent.send(item(2)));
    assert!(Wakes::new().poll(waiting.as_mut()).is_pending());
    let mut calling = pin!(agent.call(item(3)));
    assert!(Wakes::new().poll(calling.as_mut()).is_pending());
    agent.kill();
    let ended = timeout(LONG, waiting).await.unwrap();
    assert!(
        matches!(ended, Err(CastError::Ended { message, reason: Reason::Killed, .. }) if message == item(2))
    );
    let ended = timeout(LONG, calling).await.unwrap();
    assert!(matches!(ended, Err(CallError::Undelivered(CastError::Ended { .. }))));
    let ended = agent.cast(item(4));
    assert!(matches!(ended, Err(CastError::Ended { message, .. }) if message == item(4)));
}

#[tokio::test]
async fn a_send_gives_up_at_its_deadline_and_has_the_message_back() {
    let system = system();
    let reading = Reading::held(&system, Mailbox::bounded(1).bytes(100)).await;
    reading.agent.send(item(1)).await.unwrap();
    let late = reading.agent.send(item(2)).deadline(Duration::ZERO).await;
    assert!(matches!(late, Err(CastError::Full { message, limit: 1, .. }) if message == item(2)));
}

/// Passes what it is asked on.
struct Desk(AgentRef<crate::reader::Reader>);

struct Ask(Letter);

impl Message for Ask {
    type Reply = u64;
}

impl Agent for Desk {}

impl Handler<Ask> for Desk {
    async fn handle(&mut self, Ask(letter): Ask, context: &mut Context<Self>) -> u64 {
        context.forward(&self.0, Item::<0>(letter)).await
    }
}

#[tokio::test]
async fn what_is_passed_on_goes_through_the_policy() {
    let system = system();
    let mailbox = Mailbox::bounded(1).when_full(WhenFull::DropOldest).bytes(10);
    let mut reading = Reading::held(&system, mailbox).await;
    let desk = system.spawn(Desk(reading.agent.clone())).await.unwrap();
    let refused = timeout(LONG, desk.call(Ask(sized(1, 11).0))).await.unwrap();
    assert!(matches!(refused, Err(CallError::NoReply { .. })));
    let mut dropped = pin!(desk.call(Ask(item(2).0)));
    assert!(Wakes::new().poll(dropped.as_mut()).is_pending());
    desk.call(Ask(sized(3, 11).0)).await.unwrap_err();
    reading.agent.cast(item(4)).unwrap();
    let dropped = timeout(LONG, dropped).await.unwrap();
    assert!(matches!(dropped, Err(CallError::NoReply { .. })), "{dropped:?}");
    assert_eq!(rest(&mut reading, 1).await, [4]);
    desk.cast(Ask(sized(5, 11).0)).unwrap();
    let mut letters = system.dead_letters();
    for _ in 0..2 {
        let letter = timeout(LONG, letters.next()).await.unwrap().unwrap();
        assert!(matches!(letter.reason, Reason::Failed(_)));
    }
}

/// Panics as it is dropped.
struct Bomb {
    key: Option<u64>,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::SeqCst);
        if !std::thread::panicking() {
            std::panic::panic_any("a bomb");
        }
    }
}

impl Message for Bomb {
    type Reply = ();

    fn key(&self) -> Option<u64> {
        self.key
    }

    fn bytes(&self) -> usize {
        1
    }
}

impl Handler<Bomb> for crate::reader::Reader {
    async fn handle(&mut self, bomb: Bomb, _: &mut Context<Self>) {
        std::mem::forget(bomb);
    }
}

#[tokio::test]
async fn a_destructor_that_panics_ends_neither_the_sender_nor_the_agent_and_is_not_run_under_the_lock()
 {
    let system = system();
    let mailbox = Mailbox::unbounded().bytes(3).when_full(WhenFull::DropOldest).coalescing();
    let mut reading = Reading::held(&system, mailbox).await;
    let agent = reading.agent.clone();
    let dropped = Arc::new(AtomicUsize::new(0));
    let bomb = |key| Bomb { key, dropped: Arc::clone(&dropped) };
    for key in [None, None, Some(1), Some(1)] {
        agent.cast(bomb(key)).unwrap();
    }
    assert_eq!(dropped.load(Ordering::SeqCst), 1, "replaced");
    agent.cast(sized(1, 3)).unwrap();
    assert_eq!(dropped.load(Ordering::SeqCst), 4, "made room");
    assert_eq!(system.dead_letter_count(), 3);
    assert_eq!(rest(&mut reading, 1).await, [1]);
    assert!(!agent.has_ended());
}

/// Sends to its own agent as it is dropped: it would hang under the mailbox's lock.
struct Echo(AgentRef<crate::reader::Reader>);

impl Drop for Echo {
    fn drop(&mut self) {
        self.0.cast(item(9)).unwrap();
    }
}

impl Message for Echo {
    type Reply = ();
}

impl Handler<Echo> for crate::reader::Reader {
    async fn handle(&mut self, _: Echo, _: &mut Context<Self>) {}
}

#[tokio::test]
async fn a_destructor_may_send_to_the_mailbox_that_drops_it() {
    let system = system();
    let mailbox = Mailbox::bounded(2).when_full(WhenFull::DropOldest);
    let mut reading = Reading::held(&system, mailbox).await;
    let agent = reading.agent.clone();
    agent.cast(Echo(agent.clone())).unwrap();
    agent.cast(item(1)).unwrap();
    agent.cast(item(2)).unwrap();
    assert_eq!(rest(&mut reading, 2).await, [2, 9]);
    assert_eq!(system.dead_letter_count(), 2);
}

#[tokio::test]
async fn a_call_that_is_lent_a_thread_takes_no_place() {
    #[derive(Default)]
    struct Idle;
    impl Agent for Idle {}
    impl Handler<Item<0>> for Idle {
        async fn handle(&mut self, Item(letter): Item<0>, _: &mut Context<Self>) -> u64 {
            letter.number
        }
    }
    let mut config = Config::default();
    config.lendable = LONG;
    let system = System::new(config).unwrap();
    // Too large for the mailbox, so it is only answered where it takes no place.
    let agent = system.spawn(Idle).mailbox(Mailbox::bounded(1).bytes(10)).await.unwrap();
    let task = tokio::spawn(async move {
        let mut is_lent = false;
        for number in 0..100 {
            agent.call(sized(number, 1)).await.unwrap();
            is_lent |= agent.call(sized(number, 11)).await.is_ok();
        }
        is_lent
    });
    assert!(timeout(LONG, task).await.unwrap().unwrap());
}

/// Feeds itself.
struct Fed(u64);

struct Numbers(std::ops::Range<u64>);

impl Stream for Numbers {
    type Item = u64;
    fn poll_next(
        mut self: Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next())
    }
}

impl Agent for Fed {
    async fn init(&mut self, context: &mut Context<Self>) -> Result<(), Reason> {
        context.attach(Numbers(0..100), |number| sized(number, if number == 50 { 11 } else { 1 }));
        context.send_after(Duration::ZERO, sized(1000, 11));
        Ok(())
    }
}

impl Handler<Item<0>> for Fed {
    async fn handle(&mut self, Item(letter): Item<0>, context: &mut Context<Self>) -> u64 {
        self.0 += letter.number;
        if letter.number == 99 {
            context.stop(Reason::Failed(self.0.to_string().into()));
        }
        letter.number
    }
}

#[tokio::test]
async fn a_stream_waits_for_places_and_what_is_too_large_is_a_dead_letter() {
    for when_full in [WhenFull::Wait, WhenFull::Reject] {
        let system = system();
        let mut letters = system.dead_letters();
        let mailbox = Mailbox::bounded(1).bytes(10).when_full(when_full);
        let agent = system.spawn(Fed(0)).mailbox(mailbox).await.unwrap();
        let down = timeout(LONG, agent.monitor().down()).await.unwrap().unwrap();
        let sum: u64 = (0..100).filter(|number| *number != 50).sum();
        if down.reason != Reason::NoProc {
            assert_eq!(down.reason, Reason::Failed(sum.to_string().into()));
        }
        let letter = timeout(LONG, letters.next()).await.unwrap().unwrap();
        let Reason::Failed(why) = letter.reason else { panic!("{letter:?}") };
        assert!(why.contains("11 bytes"), "{why}");
    }
}
