//! What `call_all` promises, as its caller sees it.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::task::{Context as TaskContext, Poll, Wake, Waker};
use std::time::Duration;

use mabeam::{
    Agent, AgentRef, CallError, CastError, Config, Context, Handler, Mailbox, Message, Reason,
    Replies, System, WhenFull, call_all,
};
use tokio::sync::Semaphore;
use tokio::time::Instant;

const LONG: Duration = Duration::from_secs(30);
const HOUR: Duration = Duration::from_secs(3600);

/// An agent that counts what it handles.
#[derive(Default)]
struct Worker {
    handled: u64,
}

impl Agent for Worker {}

/// What a worker does before it answers how many messages it has handled.
enum Work {
    Nothing,
    /// Panics.
    Break,
    /// Says that it has begun, and waits until it may go on.
    Wait(Arc<Gate>),
    /// Blocks its thread until somebody else does.
    Meet(Arc<Meeting>),
}

impl Message for Work {
    type Reply = u64;
}

impl Handler<Work> for Worker {
    async fn handle(&mut self, work: Work, _: &mut Context<Self>) -> u64 {
        self.handled += 1;
        match work {
            Work::Nothing => {}
            Work::Break => panic!("as it was told"),
            Work::Wait(gate) => {
                gate.begun.add_permits(1);
                gate.open.acquire().await.unwrap().forget();
                gate.passed.add_permits(1);
            }
            Work::Meet(meeting) => meeting.meet(),
        }
        self.handled
    }
}

struct Gate {
    begun: Semaphore,
    open: Semaphore,
    passed: Semaphore,
}

impl Gate {
    fn closed() -> Arc<Self> {
        let [begun, open, passed] = [(); 3].map(|()| Semaphore::new(0));
        Arc::new(Self { begun, open, passed })
    }

    async fn begun(&self, times: u32) {
        tokio::time::timeout(LONG, self.begun.acquire_many(times)).await.unwrap().unwrap().forget();
    }
}

/// Two threads meet here; one that comes alone does not get any further.
#[derive(Default)]
struct Meeting {
    came: Mutex<usize>,
    changed: Condvar,
}

impl Meeting {
    fn meet(&self) {
        let mut came = self.came.lock().unwrap();
        *came += 1;
        self.changed.notify_all();
        let (_came, waited) =
            self.changed.wait_timeout_while(came, LONG, |came| *came % 2 == 1).unwrap();
        assert!(!waited.timed_out(), "the other one did not come: the two run one after another");
    }
}

/// A waker that counts, and says so.
struct Wakes(AtomicUsize, Mutex<mpsc::Sender<()>>);

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
        self.1.lock().unwrap().send(()).unwrap();
    }
}

fn wakes() -> (Arc<Wakes>, mpsc::Receiver<()>) {
    let (sender, receiver) = mpsc::channel();
    (Arc::new(Wakes(AtomicUsize::new(0), Mutex::new(sender))), receiver)
}

/// A system in which whatever is known is cheap.
fn lending_system() -> System {
    let mut config = Config::default();
    config.lendable = HOUR;
    System::new(config).unwrap()
}

fn system() -> System {
    System::new(Config::default()).unwrap()
}

async fn workers(system: &System, count: usize) -> Vec<AgentRef<Worker>> {
    let mut workers = Vec::new();
    for _ in 0..count {
        workers.push(system.spawn(Worker::default()).await.unwrap());
    }
    workers
}

async fn dead(system: &System) -> AgentRef<Worker> {
    let worker = system.spawn(Worker::default()).await.unwrap();
    worker.kill();
    worker.monitor().down().await;
    worker
}

/// The replies without their agents.
fn bare(replies: Replies<Work, u64>) -> Vec<Result<u64, CallError<Work>>> {
    replies.into_iter().map(|(_, reply)| reply).collect()
}

fn poll_once<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut TaskContext::from_waker(Waker::noop()))
}

// ---- whom, in which order, and what comes back ----

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_agents_answer_in_the_order_in_which_they_were_given() {
    struct Place(usize);
    impl Agent for Place {}
    struct Times(usize);
    impl Message for Times {
        type Reply = usize;
    }
    impl Handler<Times> for Place {
        async fn handle(&mut self, Times(n): Times, _: &mut Context<Self>) -> usize {
            self.0 * n
        }
    }

    let system = system();
    let asked = tokio::spawn(async move {
        let mut agents = Vec::new();
        for place in 0..1000 {
            agents.push(system.spawn(Place(place)).await.unwrap());
        }
        // Queued the first time, lent or both later on.
        for round in 0..10 {
            let replies = call_all(&agents, |_| Times(round)).deadline(LONG).await;
            let ids: Vec<_> = replies.iter().map(|(agent, _)| *agent).collect();
            assert_eq!(ids, agents.iter().map(AgentRef::id).collect::<Vec<_>>());
            let expected: Vec<_> = (0..1000).map(|place| place * round).collect();
            assert_eq!(replies.all().unwrap(), expected);
        }
    });
    asked.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn who_fails_fails_alone_and_for_its_own_reason() {
    let system = system();
    let gate = Gate::closed();
    let agents = workers(&system, 4).await;
    let gone = dead(&system).await;
    let list = [&agents[0], &gone, &agents[1], &agents[2], &agents[3]];

    let began = Instant::now();
    let replies = call_all(list, |agent| match agent.id() {
        id if id == agents[1].id() => Work::Break,
        id if id == agents[2].id() => Work::Wait(Arc::clone(&gate)),
        _ => Work::Nothing,
    })
    .deadline(Duration::from_secs(3))
    .await;

    assert_eq!(began.elapsed().as_secs(), 3, "one deadline for all");
    assert_eq!((replies.len(), replies.count_ok(), replies.failed().count()), (5, 2, 3));
    assert_eq!(
        replies.ok().collect::<Vec<_>>(),
        [(agents[0].id(), &1), (agents[3].id(), &1)],
        "those that can, answer"
    );
    let replies = bare(replies);
    assert!(matches!(
        &replies[1],
        Err(CallError::Undelivered(CastError::Ended { message: Work::Nothing, agent, reason }))
            if *agent == gone.id() && *reason == Reason::Killed
    ));
    assert!(matches!(
        &replies[2],
        Err(CallError::Exited { agent, reason: Reason::Panic(_) }) if *agent == agents[1].id()
    ));
    assert!(matches!(
        &replies[3],
        Err(CallError::Deadline { agent, after }) if *agent == agents[2].id() && after.as_secs() == 3
    ));
}

#[tokio::test(start_paused = true)]
async fn the_deadline_is_the_systems_if_none_is_given() {
    let mut config = Config::default();
    config.call_deadline = Duration::from_secs(7);
    let system = System::new(config).unwrap();
    let gate = Gate::closed();
    let agents = workers(&system, 2).await;
    let began = Instant::now();
    let replies = call_all(&agents, |_| Work::Wait(Arc::clone(&gate))).await;
    assert_eq!((began.elapsed().as_secs(), replies.count_ok()), (7, 0));
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_is_given_twice_is_called_twice_in_order() {
    let system = lending_system();
    let agents = workers(&system, 2).await;
    let list = [&agents[0], &agents[1], &agents[0], &agents[0]];
    // Queued, because nothing is known of the message; then lent.
    let replies = call_all(list, |_| Work::Nothing).await;
    assert_eq!(replies.all().unwrap(), [1, 1, 2, 3]);
    let replies = call_all(list, |_| Work::Nothing).await;
    assert_eq!(replies.all().unwrap(), [4, 2, 5, 6]);

    // The second message finds the agent waiting in its first one.
    let gate = Gate::closed();
    gate.open.add_permits(3);
    let replies = call_all([&agents[1]; 3], |_| Work::Wait(Arc::clone(&gate))).await;
    assert_eq!(replies.all().unwrap(), [3, 4, 5]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_asked_and_everybody_has_answered() {
    let nobody: [AgentRef<Worker>; 0] = [];
    let calls = pin!(call_all(&nobody, |_| Work::Nothing));
    let Poll::Ready(replies) = poll_once(calls) else {
        panic!("an empty list waits");
    };
    assert!(replies.is_empty());
    assert_eq!(replies.all().unwrap(), Vec::<u64>::new());
}

#[tokio::test(start_paused = true)]
async fn a_full_mailbox_fails_at_once_and_gives_the_message_back() {
    let system = system();
    let gate = Gate::closed();
    let free = system.spawn(Worker::default()).await.unwrap();
    for when_full in [WhenFull::Wait, WhenFull::Reject] {
        let mailbox = Mailbox::bounded(1).when_full(when_full);
        let full = system.spawn(Worker::default()).mailbox(mailbox).await.unwrap();
        full.cast(Work::Wait(Arc::clone(&gate))).unwrap();
        gate.begun(1).await;
        full.cast(Work::Nothing).unwrap();

        let began = Instant::now();
        let replies = bare(call_all([&full, &free], |_| Work::Nothing).await);
        assert_eq!(began.elapsed(), Duration::ZERO);
        assert!(replies[1].is_ok());
        assert!(matches!(
            &replies[0],
            Err(CallError::Undelivered(CastError::Full { message: Work::Nothing, limit: 1, .. }))
        ));
    }
}

// ---- a quorum ----

#[tokio::test(start_paused = true)]
async fn a_quorum_is_enough_and_the_rest_is_not_waited_for() {
    let system = system();
    let gate = Gate::closed();
    let agents = workers(&system, 4).await;
    let gone = dead(&system).await;
    let began = Instant::now();
    let list = [&agents[0], &gone, &agents[1], &agents[2]];
    let replies = call_all(list, |agent| match agent.id() {
        id if id == agents[0].id() => Work::Wait(Arc::clone(&gate)),
        _ => Work::Nothing,
    })
    .quorum(2)
    .await;
    assert_eq!(began.elapsed(), Duration::ZERO, "nobody waited for a deadline");
    let replies = bare(replies);
    assert!(
        matches!(&replies[0], Err(CallError::NotAwaited { agent }) if *agent == agents[0].id())
    );
    assert!(matches!(&replies[1], Err(CallError::Undelivered(_))));
    assert_eq!((&replies[2].as_ref().unwrap(), &replies[3].as_ref().unwrap()), (&&1, &&1));
}

#[tokio::test(start_paused = true)]
async fn failures_do_not_count_for_a_quorum() {
    let system = system();
    let gates = [(); 3].map(|()| Gate::closed());
    let agents = workers(&system, 4).await;
    let mut left = gates.iter();
    let began = Instant::now();
    let calls = call_all(&agents, |agent| {
        if *agent == agents[0] { Work::Break } else { Work::Wait(Arc::clone(left.next().unwrap())) }
    })
    .quorum(2);
    let replies = tokio::spawn({
        let gates = gates.clone();
        async move {
            gates[1].begun(1).await;
            gates[0].open.add_permits(1);
            gates[0].passed.acquire().await.unwrap().forget();
            // Lets the caller see two answers, one of them a failure.
            for _ in 0..64 {
                tokio::task::yield_now().await;
            }
            gates[1].open.add_permits(1);
        }
    });
    let (calls, opened) = tokio::join!(calls, replies);
    opened.unwrap();
    assert_eq!(began.elapsed(), Duration::ZERO);
    let replies = bare(calls);
    assert!(matches!(replies[0], Err(CallError::Exited { .. })));
    assert!(replies[1].is_ok() && replies[2].is_ok());
    assert!(matches!(replies[3], Err(CallError::NotAwaited { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_quorum_out_of_reach_ends_when_all_have_answered_or_failed() {
    let system = system();
    let agents = workers(&system, 2).await;
    let gone = dead(&system).await;
    let began = Instant::now();
    let replies = call_all([&agents[0], &gone, &agents[1]], |_| Work::Nothing).quorum(3).await;
    assert_eq!((began.elapsed(), replies.count_ok()), (Duration::ZERO, 2));
}

#[tokio::test(start_paused = true)]
async fn whom_a_quorum_can_do_without_does_not_begin() {
    let system = lending_system();
    let agents = workers(&system, 3).await;
    agents[0].call(Work::Nothing).await.unwrap();
    // All three are idle, and the message is known: the first answers within the poll.
    let replies = bare(call_all(&agents, |_| Work::Nothing).quorum(1).await);
    assert_eq!(*replies[0].as_ref().unwrap(), 2);
    assert!(replies[1..].iter().all(|reply| matches!(reply, Err(CallError::NotAwaited { .. }))));
    for agent in &agents[1..] {
        assert_eq!(agent.call(Work::Nothing).await.unwrap(), 1, "it was never asked");
    }
}

// ---- lending and spreading ----

#[tokio::test(start_paused = true)]
async fn idle_agents_answer_within_one_poll_if_the_message_is_known_to_be_cheap() {
    let system = lending_system();
    let agents = workers(&system, 100).await;
    agents[0].call(Work::Nothing).await.unwrap();
    let calls = pin!(call_all(&agents, |_| Work::Nothing));
    let Poll::Ready(replies) = poll_once(calls) else { panic!("some were queued") };
    assert_eq!(replies.count_ok(), 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_run_at_the_same_time_while_the_cost_of_the_message_is_unknown() {
    let system = system();
    let agents = workers(&system, 2).await;
    let meeting = Arc::new(Meeting::default());
    let calls = tokio::spawn(async move {
        call_all(&agents, |_| Work::Meet(Arc::clone(&meeting))).deadline(2 * LONG).await
    });
    assert_eq!(calls.await.unwrap().all().unwrap(), [1, 1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn agents_run_at_the_same_time_once_a_poll_has_taken_long() {
    let system = lending_system();
    let agents = workers(&system, 10).await;
    agents[0].call(Work::Nothing).await.unwrap();
    let meeting = Arc::new(Meeting::default());
    let calls = tokio::spawn(async move {
        let mut count = 0;
        let message = |_: &AgentRef<Worker>| {
            count += 1;
            if count == 1 {
                let began = Instant::now();
                while began.elapsed() < Duration::from_millis(1) {
                    std::hint::spin_loop();
                }
            }
            if count > 8 { Work::Meet(Arc::clone(&meeting)) } else { Work::Nothing }
        };
        call_all(&agents, message).deadline(2 * LONG).await
    });
    assert_eq!(calls.await.unwrap().count_ok(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_long_list_lets_other_tasks_run() {
    struct Watch;
    impl Agent for Watch {}
    struct Look(Arc<AtomicBool>);
    impl Message for Look {
        type Reply = bool;
    }
    impl Handler<Look> for Watch {
        async fn handle(&mut self, Look(flag): Look, _: &mut Context<Self>) -> bool {
            flag.load(Ordering::SeqCst)
        }
    }

    // The clock stands still, so all of them could be lent the thread in one go.
    let system = lending_system();
    let agent = system.spawn(Watch).await.unwrap();
    let flag = Arc::new(AtomicBool::new(false));
    agent.call(Look(Arc::clone(&flag))).await.unwrap();
    let other = tokio::spawn({
        let flag = Arc::clone(&flag);
        async move { flag.store(true, Ordering::SeqCst) }
    });
    let list = std::iter::repeat_n(&agent, 4096);
    let seen = call_all(list, |_| Look(Arc::clone(&flag))).await.all().unwrap();
    other.await.unwrap();
    assert!(!seen[0] && seen[4095], "the other task ran in between");
}

// ---- wakes and cancelling ----

#[test]
fn the_caller_is_woken_once_and_may_be_on_any_executor() {
    const AGENTS: usize = 8;
    let system = system();
    let gates = [(); AGENTS].map(|()| Gate::closed());
    let agents = system.block_on(workers(&system, AGENTS));

    let mut of_agents = gates.iter();
    let message = |_: &AgentRef<Worker>| Work::Wait(Arc::clone(of_agents.next().unwrap()));
    let mut calls = pin!(call_all(&agents, message).deadline(HOUR));
    let (before, _) = wakes();
    let first = Waker::from(Arc::clone(&before));
    assert!(calls.as_mut().poll(&mut TaskContext::from_waker(&first)).is_pending());
    // The caller moves to another task, which is polled more often than it has to be.
    let (after, woken) = wakes();
    let waker = Waker::from(Arc::clone(&after));
    for _ in 0..3 {
        assert!(calls.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());
    }

    // All but one answer. They have ended, so their answers were given.
    for (agent, gate) in agents.iter().zip(&gates).skip(1) {
        system.block_on(gate.begun(1));
        gate.open.add_permits(1);
        agent.stop(Reason::Normal);
        system.block_on(agent.monitor().down());
    }
    assert_eq!(after.0.load(Ordering::SeqCst), 0);
    assert!(calls.as_mut().poll(&mut TaskContext::from_waker(&waker)).is_pending());

    gates[0].open.add_permits(1);
    woken.recv_timeout(LONG).unwrap();
    let Poll::Ready(replies) = calls.as_mut().poll(&mut TaskContext::from_waker(&waker)) else {
        panic!("woken too early");
    };
    assert_eq!(replies.all().unwrap(), [1; AGENTS]);
    assert_eq!(after.0.load(Ordering::SeqCst), 1);
    assert_eq!(before.0.load(Ordering::SeqCst), 0, "nobody polls there any more");
}

#[tokio::test(start_paused = true)]
async fn dropped_half_way_what_has_begun_goes_on_and_what_has_not_is_skipped() {
    let system = system();
    let agents = workers(&system, 2).await;
    let gate = Gate::closed();
    {
        let list = [&agents[0], &agents[1], &agents[1]];
        let mut calls = pin!(call_all(list, |_| Work::Wait(Arc::clone(&gate))));
        assert!(poll_once(calls.as_mut()).is_pending());
        gate.begun(2).await;
    }
    gate.open.add_permits(3);
    gate.passed.acquire_many(2).await.unwrap().forget();
    assert_eq!(agents[0].call(Work::Nothing).await.unwrap(), 2, "the one that had begun");
    assert_eq!(agents[1].call(Work::Nothing).await.unwrap(), 2, "not the one that had not");
    assert_eq!(gate.passed.available_permits(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_has_not_begun_by_the_deadline_is_skipped() {
    let system = system();
    let agents = workers(&system, 1).await;
    let gate = Gate::closed();
    agents[0].cast(Work::Wait(Arc::clone(&gate))).unwrap();
    let replies = call_all(&agents, |_| Work::Nothing).deadline(Duration::from_secs(1)).await;
    assert!(matches!(replies.all(), Err(CallError::Deadline { .. })));
    gate.open.add_permits(1);
    assert_eq!(agents[0].call(Work::Nothing).await.unwrap(), 2);
}

#[test]
fn the_future_can_be_sent_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    let agents: Vec<AgentRef<Worker>> = Vec::new();
    is_send(&call_all(&agents, |_| Work::Nothing));
}
