//! Messages that are kept for later: their order, their answers, their limits and their ends.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mabeam::supervision::{Child, Strategy, Supervisor};
use mabeam::{
    Agent, AgentRef, CallError, Config, Context, Handler, Mailbox, Message, Reason, System,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Keeps numbers while it is shut, then notes and returns them.
struct Desk {
    is_open: bool,
    noted: Noted,
}

#[derive(Clone, Default)]
struct Noted(Arc<Mutex<Vec<u32>>>);

impl Noted {
    fn read(&self) -> Vec<u32> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

impl Agent for Desk {}

/// Kept or noted; says when it is kept first.
struct Number(u32, Option<oneshot::Sender<()>>);

impl Message for Number {
    type Reply = u32;

    fn bytes(&self) -> usize {
        self.0 as usize
    }
}

impl Handler<Number> for Desk {
    async fn handle(&mut self, Number(number, kept): Number, context: &mut Context<Self>) -> u32 {
        if !self.is_open {
            drop(kept);
            return context.stash(Number(number, None)).await;
        }
        self.noted.0.lock().unwrap().push(number);
        number
    }
}

/// Opens or shuts it, and answers how many messages that lets out.
struct Open(bool);

impl Message for Open {
    type Reply = usize;
}

impl Handler<Open> for Desk {
    async fn handle(&mut self, Open(is_open): Open, context: &mut Context<Self>) -> usize {
        self.is_open = is_open;
        let (kept, let_out) = (context.stashed(), context.unstash());
        assert_eq!((kept, context.stashed()), (let_out, 0));
        let_out
    }
}

struct Kept;

impl Message for Kept {
    type Reply = usize;
}

impl Handler<Kept> for Desk {
    async fn handle(&mut self, Kept: Kept, context: &mut Context<Self>) -> usize {
        context.stashed()
    }
}

/// Waits in a turn; then panics, or lets out what is kept and waits on.
enum Wait {
    Panic,
    Unstash,
}

struct Hold(oneshot::Sender<()>, oneshot::Receiver<Wait>);

impl Message for Hold {
    type Reply = ();
}

impl Handler<Hold> for Desk {
    async fn handle(&mut self, Hold(began, until): Hold, context: &mut Context<Self>) {
        let _ = began.send(());
        match until.await {
            Ok(Wait::Panic) => panic!("as asked"),
            Ok(Wait::Unstash) => {
                self.is_open = true;
                context.unstash();
                tokio::task::yield_now().await;
            }
            Err(_) => {}
        }
    }
}

/// Kept as a [`Number`] is; the incarnation that first handles it dies of it.
#[derive(Clone)]
struct Poison(Arc<AtomicBool>);

impl Message for Poison {
    type Reply = ();
    const ATTEMPTS: u32 = 2;

    fn again(&self) -> Option<Self> {
        Some(self.clone())
    }
}

impl Handler<Poison> for Desk {
    async fn handle(&mut self, poison: Poison, context: &mut Context<Self>) {
        if !self.is_open {
            return context.stash(poison).await;
        }
        assert!(poison.0.swap(true, Ordering::Relaxed), "as asked");
        self.noted.0.lock().unwrap().push(0);
    }
}

/// Answers with something else than what is kept.
struct Wrong;

impl Message for Wrong {
    type Reply = ();
}

impl Handler<Wrong> for Desk {
    async fn handle(&mut self, Wrong: Wrong, context: &mut Context<Self>) {
        context.stash(Number(1, None)).await;
    }
}

async fn hold(desk: &AgentRef<Desk>) -> oneshot::Sender<Wait> {
    let ((began, has_begun), (tell, told)) = (oneshot::channel(), oneshot::channel());
    desk.cast(Hold(began, told)).unwrap();
    soon(has_begun).await.unwrap();
    tell
}

async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.unwrap()
}

/// A desk that is shut.
async fn desk(mailbox: Mailbox) -> (System, AgentRef<Desk>, Noted) {
    let mut config = Config::default();
    // Whatever is known is lent.
    config.lendable = Duration::MAX;
    let (system, noted) = (System::new(config).unwrap(), Noted::default());
    let desk = Desk { is_open: false, noted: noted.clone() };
    let desk = system.spawn(desk).mailbox(mailbox).await.unwrap();
    (system, desk, noted)
}

/// A supervised desk, of which the first incarnation is shut and the others are open.
async fn supervised() -> (System, AgentRef<Supervisor>, AgentRef<Desk>, Noted) {
    let (system, noted) = (System::new(Config::default()).unwrap(), Noted::default());
    let (made, mut is_open) = (noted.clone(), false);
    let child = Child::new(move || Desk {
        is_open: std::mem::replace(&mut is_open, true),
        noted: made.clone(),
    });
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child.named("desk"));
    let supervisor = system.spawn(supervisor).await.unwrap();
    let desk = system.lookup("desk").unwrap();
    (system, supervisor, desk, noted)
}

type Answer = Result<u32, CallError<Number>>;

/// Calls it from a task of its own, and returns when the message is kept.
async fn ask(desk: &AgentRef<Desk>, number: u32) -> JoinHandle<Answer> {
    let (desk, (keep, kept)) = (desk.clone(), oneshot::channel());
    let asks = tokio::spawn(async move { desk.call(Number(number, Some(keep))).await });
    assert!(soon(kept).await.is_err(), "dropped");
    asks
}

fn is_full(answer: &Answer) -> bool {
    matches!(answer, Err(CallError::NoReply { .. }))
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_comes_in_order_before_what_waits() {
    let (_system, desk, noted) = desk(Mailbox::default()).await;
    for number in 1..=3 {
        desk.cast(Number(number, None)).unwrap();
    }
    let hold = hold(&desk).await;
    for number in 4..=6 {
        desk.cast(Number(number, None)).unwrap();
    }
    assert!(hold.send(Wait::Unstash).is_ok());
    soon(desk.call(Kept)).await.unwrap();
    assert_eq!(noted.read(), [1, 2, 3, 4, 5, 6]);
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_once_more_stays_in_order() {
    let (_system, desk, noted) = desk(Mailbox::default()).await;
    for number in 1..=3 {
        desk.cast(Number(number, None)).unwrap();
    }
    assert_eq!(soon(desk.call(Open(false))).await.unwrap(), 3);
    desk.cast(Number(4, None)).unwrap();
    assert_eq!(soon(desk.call(Kept)).await.unwrap(), 4);
    assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 4);
    desk.cast(Number(5, None)).unwrap();
    assert_eq!(soon(desk.call(Kept)).await.unwrap(), 0);
    assert_eq!(noted.read(), [1, 2, 3, 4, 5]);
    assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn callers_are_answered_when_their_messages_are_handled() {
    let (_system, desk, _) = desk(Mailbox::default()).await;
    let asked = [ask(&desk, 1).await, ask(&desk, 2).await];
    assert!(asked.iter().all(|asked| !asked.is_finished()));
    assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 2);
    for (asked, number) in asked.into_iter().zip(1..) {
        assert_eq!(soon(asked).await.unwrap().unwrap(), number);
    }
}

/// In a task of the runtime, where calls are lent: the turn that lets messages out is the caller's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_lent_turn_lets_out_is_handled() {
    let (_system, desk, noted) = desk(Mailbox::default()).await;
    let rounds = tokio::spawn(async move {
        for number in 0..500 {
            assert_eq!(soon(desk.call(Open(false))).await.unwrap(), 0);
            let asked = ask(&desk, number).await;
            assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 1);
            assert_eq!(soon(asked).await.unwrap().unwrap(), number);
        }
    });
    soon(rounds).await.unwrap();
    assert!(noted.read().into_iter().eq(0..500));
}

#[tokio::test(start_paused = true)]
async fn one_whose_caller_has_given_up_is_skipped() {
    let (system, desk, noted) = desk(Mailbox::default()).await;
    let short = Duration::from_millis(1);
    let answer = desk.call(Number(1, None)).deadline(short).await;
    assert!(matches!(answer, Err(CallError::Deadline { .. })));
    desk.cast(Number(2, None)).unwrap();
    assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 2);
    soon(desk.call(Kept)).await.unwrap();
    assert_eq!(noted.read(), [2]);
    assert_eq!(system.dead_letter_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn as_many_are_kept_as_may_wait_and_one_more_fails_at_once() {
    for mailbox in [Mailbox::bounded(2), Mailbox::bounded(2).coalescing()] {
        let (system, desk, noted) = desk(mailbox).await;
        let mut letters = system.dead_letters();
        desk.cast(Number(1, None)).unwrap();
        assert_eq!(soon(desk.call(Kept)).await.unwrap(), 1);
        desk.cast(Number(2, None)).unwrap();
        assert!(is_full(&soon(desk.call(Number(3, None))).await));
        let letter = soon(letters.next()).await.unwrap();
        assert_eq!(letter.message, std::any::type_name::<Number>());
        assert!(letter.reason.to_string().contains("full: 2 messages are kept"), "{letter:?}");
        assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 2);
        assert_eq!(soon(desk.call(Number(4, None))).await.unwrap(), 4);
        assert_eq!(noted.read(), [1, 2, 4]);
    }
}

#[tokio::test(start_paused = true)]
async fn as_many_bytes_are_kept_as_may_wait() {
    let (system, desk, noted) = desk(Mailbox::unbounded().bytes(100)).await;
    desk.cast(Number(60, None)).unwrap();
    assert_eq!(soon(desk.call(Kept)).await.unwrap(), 1);
    assert!(is_full(&soon(desk.call(Number(41, None))).await));
    desk.cast(Number(40, None)).unwrap();
    assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 2);
    assert_eq!(soon(desk.call(Number(100, None))).await.unwrap(), 100, "none are kept any more");
    assert_eq!(noted.read(), [60, 40, 100]);
    assert_eq!(system.dead_letter_count(), 1);
}

#[tokio::test(start_paused = true)]
async fn at_the_end_what_is_kept_fails_before_what_waits() {
    let (system, desk, noted) = desk(Mailbox::default()).await;
    let asked = ask(&desk, 1).await;
    desk.cast(Number(2, None)).unwrap();
    let hold = hold(&desk).await;
    desk.cast(Kept).unwrap();
    let reason = Reason::Failed("out of paper".into());
    let end = desk.monitor();
    desk.stop(reason.clone());
    drop(hold);
    let answer = soon(asked).await.unwrap();
    assert!(matches!(answer, Err(CallError::Exited { reason: why, .. }) if why == reason));
    soon(end.down()).await.unwrap();
    let mut letters = system.dead_letters();
    for message in ["Number", "Number", "Kept"] {
        let letter = soon(letters.next()).await.unwrap();
        assert!(letter.message.ends_with(message), "{letter:?}");
        assert_eq!((letter.agent, &letter.reason), (desk.id(), &reason));
    }
    assert_eq!(system.dead_letter_count(), 3);
    assert_eq!(noted.read(), [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn the_next_incarnation_has_what_is_kept_before_what_waits() {
    let (system, _supervisor, desk, noted) = supervised().await;
    let asked = ask(&desk, 1).await;
    desk.cast(Number(2, None)).unwrap();
    let hold = hold(&desk).await;
    desk.cast(Number(3, None)).unwrap();
    assert!(hold.send(Wait::Panic).is_ok());
    assert_eq!(soon(asked).await.unwrap().unwrap(), 1);
    assert_eq!(soon(desk.call(Kept)).await.unwrap(), 0);
    assert_eq!(noted.read(), [1, 2, 3]);
    // The turn that panicked is none of them.
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_was_kept_may_be_tried_as_often_as_it_says() {
    let (system, _supervisor, desk, noted) = supervised().await;
    let died = Arc::new(AtomicBool::new(false));
    desk.cast(Poison(Arc::clone(&died))).unwrap();
    desk.cast(Number(1, None)).unwrap();
    assert_eq!(soon(desk.call(Open(true))).await.unwrap(), 2);
    assert_eq!(soon(desk.call(Kept)).await.unwrap(), 0);
    assert!(died.load(Ordering::Relaxed));
    assert_eq!(noted.read(), [0, 1]);
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_answered_with_another_type_is_not_kept() {
    let (_system, desk, _) = desk(Mailbox::default()).await;
    let answer = soon(desk.call(Wrong)).await;
    assert!(matches!(answer, Err(CallError::Exited { reason: Reason::Panic(_), .. })));
}
