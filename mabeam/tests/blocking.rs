//! Threads outside of the runtime, and other executors.

#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/keeper.rs"]
mod keeper;

use std::sync::mpsc;
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use foundation::park;
use keeper::{Hold, Keeper, LONG, Put, Seen, hold};
use mabeam::{
    AgentRef, CallError, CastError, Config, Context, Handler, Mailbox, Message, Reason, System,
};
use tokio::runtime::{Builder, Runtime};

/// Short, where the deadline is what is waited for.
const SHORT: Duration = Duration::from_millis(20);

fn current_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

fn multi_thread() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A system on a runtime, with an agent in it.
fn spawned(runtime: &Runtime, mailbox: Mailbox) -> (System, AgentRef<Keeper>) {
    runtime.block_on(async {
        let system = System::new(Config::default()).unwrap();
        let agent = system.spawn(Keeper::default()).mailbox(mailbox).await.unwrap();
        (system, agent)
    })
}

/// Answered with the thread that the handler ran on.
struct Where;

impl Message for Where {
    type Reply = ThreadId;
}

impl Handler<Where> for Keeper {
    async fn handle(&mut self, _: Where, _: &mut Context<Self>) -> ThreadId {
        thread::current().id()
    }
}

/// Panics.
struct Break;

impl Message for Break {
    type Reply = ();
}

impl Handler<Break> for Keeper {
    async fn handle(&mut self, _: Break, _: &mut Context<Self>) {
        panic!("broken");
    }
}

#[test]
fn a_plain_thread_is_answered_and_the_handler_never_runs_on_it() {
    let runtime = multi_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::default());
    for number in 1..=100 {
        assert_eq!(agent.call_blocking(Put(number), LONG).unwrap() as u64, number);
    }
    // Known to be cheap by now: a task of the runtime would be lent.
    for _ in 0..10 {
        assert_ne!(agent.call_blocking(Where, LONG).unwrap(), thread::current().id());
    }
}

#[test]
fn a_runtime_of_one_thread_that_another_thread_drives_answers() {
    let runtime = current_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::default());
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let driver = thread::spawn(move || runtime.block_on(stopped));
    assert_eq!(agent.call_blocking(Where, LONG).unwrap(), driver.thread().id());
    drop(stop);
    driver.join().unwrap().unwrap_err();
}

#[test]
fn within_async_code_it_fails_at_once_and_gives_the_message_back() {
    let runtime = multi_thread();
    let (system, agent) = spawned(&runtime, Mailbox::default());
    let call = {
        let agent = agent.clone();
        move || {
            let Err(CallError::WithinAsync { message, agent: who }) =
                agent.call_blocking(Put(1), LONG)
            else {
                panic!("it blocked a thread of the runtime");
            };
            assert_eq!((message, who), (Put(1), agent.id()));
        }
    };
    system.block_on(async { call() });
    runtime.block_on(runtime.spawn(async move { call() })).unwrap();
    assert_eq!(agent.call_blocking(Seen, LONG).unwrap(), [0; 0], "nothing was sent");
}

#[test]
fn the_deadline_holds_if_the_runtime_does_not_run() {
    let runtime = current_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::bounded(1));
    let began = Instant::now();
    let late = agent.call_blocking(Put(1), SHORT).unwrap_err();
    let CallError::Deadline { agent: who, after } = late else { panic!("{late}") };
    assert_eq!((who, after), (agent.id(), SHORT));
    assert!(began.elapsed() >= SHORT);

    let full = agent.call_blocking(Put(2), SHORT).unwrap_err();
    assert!(matches!(
        full,
        CallError::Undelivered(CastError::Full { message: Put(2), limit: 1, .. })
    ));

    let seen = runtime.block_on(async { agent.call(Seen).await.unwrap() });
    assert_eq!(seen, [0; 0], "what was given up before it was begun is skipped");
}

#[test]
fn a_deadline_of_nothing_and_one_beyond_all_clocks_are_taken() {
    let runtime = multi_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::default());
    let held = runtime.block_on(hold(&agent));
    let late = agent.call_blocking(Put(1), Duration::ZERO).unwrap_err();
    assert!(matches!(late, CallError::Deadline { .. }));
    held.let_go();
    assert_eq!(agent.call_blocking(Put(2), Duration::MAX).unwrap(), 1);
}

#[test]
fn when_the_runtime_is_gone_the_message_comes_back() {
    for runtime in [current_thread(), multi_thread()] {
        let (_system, agent) = spawned(&runtime, Mailbox::default());
        drop(runtime);
        let gone = agent.call_blocking(Put(1), LONG).unwrap_err();
        assert!(matches!(gone, CallError::Undelivered(CastError::Ended { message: Put(1), .. })));
    }
}

#[test]
fn a_runtime_that_goes_while_a_thread_waits_fails_its_call() {
    for runtime in [current_thread(), multi_thread()] {
        let (_system, agent) = spawned(&runtime, Mailbox::default());
        let (held, mut begun) = Hold::new();
        let (done, result) = mpsc::channel();
        thread::spawn(move || done.send(agent.call_blocking(held, LONG)));
        runtime.block_on(begun.begun());
        drop(runtime);
        let failed = result.recv_timeout(LONG).unwrap().unwrap_err();
        assert!(matches!(failed, CallError::Exited { reason: Reason::Shutdown, .. }), "{failed}");
    }
}

#[test]
fn a_panic_of_the_handler_is_an_error_of_the_call() {
    let runtime = multi_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::default());
    let failed = agent.call_blocking(Break, LONG).unwrap_err();
    let CallError::Exited { reason: Reason::Panic(message), .. } = failed else {
        panic!("{failed}");
    };
    assert_eq!(&*message, "broken");
}

#[test]
fn another_executor_may_poll_a_call_which_is_not_lent() {
    let runtime = multi_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::default());
    let deadline = Instant::now() + LONG;
    for _ in 0..100 {
        let ran_on = park::until(deadline, agent.call(Where)).unwrap().unwrap();
        assert_ne!(ran_on, thread::current().id());
    }
}

#[test]
fn another_executor_may_wait_for_deadlines_and_places() {
    let runtime = multi_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::bounded(1));
    let held = runtime.block_on(hold(&agent));
    let deadline = Instant::now() + LONG;
    let late = park::until(deadline, agent.call(Put(1)).deadline(SHORT)).unwrap();
    assert!(matches!(late, Err(CallError::Deadline { .. })));
    // The call that was given up still has its place.
    let full = park::until(deadline, agent.send(Put(2)).deadline(SHORT)).unwrap();
    assert!(matches!(full, Err(CastError::Full { message: Put(2), .. })));
    let (ready, is_waiting) = mpsc::channel();
    thread::scope(|scope| {
        let agent = &agent;
        scope.spawn(move || {
            let mut send = Box::pin(agent.send(Put(3)));
            let first = park::until(Instant::now(), send.as_mut());
            ready.send(first.is_none()).unwrap();
            park::until(deadline, send).unwrap().unwrap();
        });
        assert!(is_waiting.recv_timeout(LONG).unwrap());
        held.let_go();
    });
    assert_eq!(agent.call_blocking(Seen, LONG).unwrap(), [3]);
}

#[test]
fn many_threads_may_call_one_agent() {
    let runtime = multi_thread();
    let (_system, agent) = spawned(&runtime, Mailbox::bounded(2));
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..100 {
                    agent.call_blocking(Put(1), LONG).unwrap();
                }
            });
        }
    });
    assert_eq!(agent.call_blocking(Seen, LONG).unwrap().len(), 800);
}
