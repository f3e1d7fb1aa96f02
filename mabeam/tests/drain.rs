//! Draining: what was accepted is done, nothing more is, and what was left is told.
#![expect(clippy::unwrap_used, reason = "in tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use mabeam::supervision::{Child, Restart, Strategy, Supervisor};
use mabeam::{
    Agent, AgentPool, AgentRef, CallError, CastError, Config, Context, Drained, Handler, Mailbox,
    Message, PoolError, Reason, System, WhenFull,
};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Counts what it handled, and whether it ended politely.
#[derive(Clone, Default)]
struct Worker {
    handled: Arc<AtomicU64>,
    exits: Arc<AtomicU64>,
}

struct Job;

/// A job that lasts until it may end; tells that it has begun.
struct Hold(oneshot::Sender<()>, oneshot::Receiver<()>);

impl Agent for Worker {
    async fn on_exit(&mut self, _: &Reason, _: &mut Context<Self>) {
        self.exits.fetch_add(1, Ordering::Relaxed);
    }
}

impl Message for Job {
    type Reply = ();
}

impl Message for Hold {
    type Reply = ();
}

impl Handler<Job> for Worker {
    async fn handle(&mut self, Job: Job, _: &mut Context<Self>) {
        self.handled.fetch_add(1, Ordering::Relaxed);
    }
}

impl Handler<Hold> for Worker {
    async fn handle(&mut self, Hold(began, until): Hold, _: &mut Context<Self>) {
        let _ = began.send(());
        let _ = until.await;
        self.handled.fetch_add(1, Ordering::Relaxed);
    }
}

impl Worker {
    fn handled(&self) -> u64 {
        self.handled.load(Ordering::Relaxed)
    }

    fn exits(&self) -> u64 {
        self.exits.load(Ordering::Relaxed)
    }
}

const LONG: Duration = Duration::from_secs(30);

/// An upper bound for what has an event.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(LONG, future).await.unwrap()
}

/// Lets an agent wait in a job, which ends when what returns is dropped.
async fn hold(agent: &AgentRef<Worker>) -> oneshot::Sender<()> {
    let ((began, has_begun), (release, until)) = (oneshot::channel(), oneshot::channel());
    agent.cast(Hold(began, until)).unwrap();
    soon(has_begun).await.unwrap();
    release
}

/// Begins to drain an agent that is at work: it is draining when this returns. And how many jobs it was
/// given before.
async fn begin(agent: &AgentRef<Worker>, deadline: Duration) -> (JoinHandle<Drained>, u64) {
    let draining = agent.clone();
    let drain = tokio::spawn(async move { draining.drain(deadline).await });
    (drain, refuses(agent).await)
}

/// Gives an agent jobs until it takes none, and says how many it took.
async fn refuses(agent: &AgentRef<Worker>) -> u64 {
    let mut taken = 0;
    loop {
        match agent.try_cast(Job) {
            Ok(()) => taken += 1,
            Err(CastError::Ended { .. }) => return taken,
            Err(_) => {}
        }
        tokio::task::yield_now().await;
    }
}

fn mailboxes() -> [Mailbox; 5] {
    [
        Mailbox::default(),
        Mailbox::unbounded(),
        Mailbox::bounded(u32::MAX),
        Mailbox::bounded(100).when_full(WhenFull::DropOldest),
        Mailbox::unbounded().bytes(1_000).coalescing(),
    ]
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_handled_and_nothing_more_comes_in() {
    for mailbox in mailboxes() {
        let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
        let agent = system.spawn(worker.clone()).mailbox(mailbox).await.unwrap();
        let release = hold(&agent).await;
        for _ in 0..3 {
            agent.cast(Job).unwrap();
        }
        let down = agent.monitor();
        let (drain, more) = begin(&agent, LONG).await;
        let refused = agent.cast(Job).unwrap_err();
        assert!(refused.to_string().contains("it is being drained"), "{mailbox:?}: {refused}");
        let refused = agent.call(Job).await.unwrap_err();
        assert!(matches!(refused, CallError::Undelivered(CastError::Ended { .. })), "{refused}");
        let refused = agent.send(Job).await.unwrap_err();
        assert!(matches!(refused, CastError::Ended { .. }), "{refused}");
        assert!(!agent.has_ended(), "it is at work");
        drop(release);
        let drained = soon(drain).await.unwrap();
        assert!(drained.is_complete(), "{mailbox:?}: {drained}");
        assert_eq!((worker.handled(), worker.exits()), (4 + more, 1));
        assert_eq!(soon(down.down()).await.unwrap().reason, Reason::Normal);
        assert_eq!(system.dead_letter_count(), 0);
        assert!(agent.cast(Job).unwrap_err().to_string().ends_with("has ended: normal"));
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_idle_ends_at_once() {
    let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
    let agent = system.spawn(worker.clone()).await.unwrap();
    agent.call(Job).await.unwrap();
    assert!(soon(agent.drain(LONG)).await.is_complete());
    assert!(agent.has_ended() && worker.exits() == 1);
    assert!(soon(agent.drain(LONG)).await.is_complete(), "once more");
}

#[tokio::test(start_paused = true)]
async fn at_the_deadline_it_is_killed_and_what_was_left_is_counted() {
    let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
    let agent = system.spawn(worker.clone()).named("worker").await.unwrap();
    let _release = hold(&agent).await;
    agent.cast(Job).unwrap();
    agent.cast(Job).unwrap();
    let ((began, _begun), (_never, until)) = (oneshot::channel(), oneshot::channel());
    agent.cast(Hold(began, until)).unwrap();
    let drained = soon(agent.drain(Duration::from_secs(1))).await;
    assert_eq!(drained.killed, ["worker"]);
    let left: Vec<u64> = drained.left.values().copied().collect();
    assert_eq!((drained.left.len(), left.iter().sum::<u64>()), (2, 3), "{drained}");
    assert_eq!(drained.left[std::any::type_name::<Job>()], 2);
    assert_eq!((worker.handled(), worker.exits()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_a_place_is_refused() {
    let system = System::new(Config::default()).unwrap();
    let agent = system.spawn(Worker::default()).mailbox(Mailbox::bounded(1)).await.unwrap();
    let release = hold(&agent).await;
    while agent.try_cast(Job).is_ok() {}
    let sender = agent.clone();
    let sending = tokio::spawn(async move { sender.send(Job).deadline(LONG).await });
    tokio::task::yield_now().await;
    let (drain, _) = begin(&agent, LONG).await;
    let refused = soon(sending).await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("it is being drained"), "{refused}");
    drop(release);
    assert!(soon(drain).await.unwrap().is_complete());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_accepted_while_a_drain_begins_is_handled() {
    let system = System::new(Config::default()).unwrap();
    for round in 0..200 {
        let worker = Worker::default();
        let mailbox = mailboxes()[round % 3];
        let agent = system.spawn(worker.clone()).mailbox(mailbox).await.unwrap();
        let send = |agent: AgentRef<Worker>| async move {
            let mut accepted = 0_u64;
            loop {
                match agent.cast(Job) {
                    Ok(()) => accepted += 1,
                    Err(CastError::Full { .. }) => {}
                    Err(_) => return accepted,
                }
                tokio::task::yield_now().await;
            }
        };
        let senders = [0; 2].map(|_| tokio::spawn(send(agent.clone())));
        agent.call(Job).await.unwrap();
        let drained = soon(agent.drain(LONG)).await;
        assert!(drained.is_complete(), "{drained}");
        let mut accepted = 1;
        for sender in senders {
            accepted += soon(sender).await.unwrap();
        }
        assert_eq!(worker.handled(), accepted);
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_is_restarted_lets_mail_in_again() {
    let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
    let supervisor = system.spawn(Supervisor::new(Strategy::OneForOne)).await.unwrap();
    for restart in [Restart::Permanent, Restart::Transient] {
        let made = worker.clone();
        let child = Child::new(move || made.clone()).restart(restart);
        let agent = soon(supervisor.start_child(child)).await.unwrap();
        let release = hold(&agent).await;
        let (drain, _) = begin(&agent, LONG).await;
        drop(release);
        let monitor = agent.monitor();
        assert!(soon(drain).await.unwrap().is_complete());
        if restart == Restart::Permanent {
            // Refused until it is there again.
            while agent.try_cast(Job).is_err() {
                tokio::task::yield_now().await;
            }
            soon(agent.call(Job)).await.unwrap();
        } else {
            assert_eq!(soon(monitor.down()).await.unwrap().reason, Reason::Normal);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_child_is_drained_for_good() {
    let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
    let supervisor = system.spawn(Supervisor::new(Strategy::OneForOne)).await.unwrap();
    let made = worker.clone();
    let agent = soon(supervisor.start_child(Child::new(move || made.clone()))).await.unwrap();
    let release = hold(&agent).await;
    agent.cast(Job).unwrap();
    let (draining, commander) = (agent.clone(), supervisor.clone());
    let drain = tokio::spawn(async move { commander.drain_child(&draining, LONG).await });
    let more = refuses(&agent).await;
    drop(release);
    soon(drain).await.unwrap().unwrap();
    assert_eq!((agent.has_ended(), worker.handled()), (true, 2 + more));
    assert_eq!(system.dead_letter_count(), 0);
    assert!(supervisor.children().await.unwrap().is_empty());
}

async fn pool(system: &System, workers: usize) -> (AgentPool<Worker>, Worker) {
    let worker = Worker::default();
    let made = worker.clone();
    let pool = AgentPool::builder(move || made.clone()).workers(workers);
    (pool.start(system).await.unwrap(), worker)
}

/// Gives each of so many workers a job that lasts.
async fn occupy(pool: &AgentPool<Worker>, workers: usize) -> Vec<oneshot::Sender<()>> {
    let mut releases = Vec::new();
    for _ in 0..workers {
        let ((began, has_begun), (release, until)) = (oneshot::channel(), oneshot::channel());
        pool.cast(Hold(began, until)).unwrap();
        soon(has_begun).await.unwrap();
        releases.push(release);
    }
    releases
}

#[tokio::test(start_paused = true)]
async fn a_pool_does_its_jobs_and_ends() {
    let system = System::new(Config::default()).unwrap();
    let (pool, worker) = pool(&system, 3).await;
    let releases = occupy(&pool, 3).await;
    for _ in 0..10 {
        pool.cast(Job).unwrap();
    }
    let (draining, supervisor) = (pool.clone(), pool.supervisor().monitor());
    let drain = tokio::spawn(async move { draining.drain(LONG).await });
    let mut accepted = 13;
    while pool.cast(Job).is_ok() {
        accepted += 1;
        tokio::task::yield_now().await;
    }
    assert!(matches!(pool.check_out().await, Err(PoolError::Ended)));
    drop(releases);
    let drained = soon(drain).await.unwrap();
    assert!(drained.is_complete(), "{drained}");
    soon(supervisor.down()).await;
    assert_eq!((worker.handled(), worker.exits()), (accepted, 3));
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_pool_that_does_not_finish_says_what_is_left() {
    let system = System::new(Config::default()).unwrap();
    let (pool, _) = pool(&system, 2).await;
    let _releases = occupy(&pool, 2).await;
    for _ in 0..6 {
        pool.cast(Job).unwrap();
    }
    let drained = soon(pool.drain(Duration::from_secs(1))).await;
    assert_eq!(drained.left[std::any::type_name::<Job>()], 6);
    assert_eq!(drained.killed.len(), 2, "{drained}");
}

#[tokio::test(start_paused = true)]
async fn a_smaller_pool_loses_no_job() {
    let system = System::new(Config::default()).unwrap();
    let (pool, worker) = pool(&system, 4).await;
    let releases = occupy(&pool, 4).await;
    for _ in 0..20 {
        pool.cast(Job).unwrap();
    }
    let resizing = pool.clone();
    let resize = tokio::spawn(async move { resizing.resize(1).await });
    while pool.status().workers > 1 {
        tokio::task::yield_now().await;
    }
    drop(releases);
    soon(resize).await.unwrap().unwrap();
    soon(pool.call(Job)).await.unwrap();
    assert_eq!((worker.handled(), worker.exits()), (25, 3));
    assert_eq!(system.dead_letter_count(), 0);
}

#[tokio::test(start_paused = true)]
async fn workers_that_sleep_are_drained_too() {
    let system = System::new(Config::default()).unwrap();
    let worker = Worker::default();
    let made = worker.clone();
    let builder = AgentPool::builder(move || made.clone()).workers(2);
    let pool = builder.sleep_after(Duration::from_secs(1)).start(&system).await.unwrap();
    soon(pool.call(Job)).await.unwrap();
    let _ = timeout(Duration::from_secs(10), std::future::pending::<()>()).await;
    assert_eq!(worker.exits(), 2, "they sleep");
    assert!(soon(pool.drain(LONG)).await.is_complete());
    assert_eq!(system.agents(), 0);
}

/// Passes jobs on.
struct Relay(AgentRef<Worker>);

impl Agent for Relay {}

impl Handler<Job> for Relay {
    async fn handle(&mut self, Job: Job, _: &mut Context<Self>) {
        tokio::task::yield_now().await;
        self.0.call(Job).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_system_does_what_its_agents_still_tell_each_other() {
    for _ in 0..20 {
        let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
        let last = system.spawn(worker.clone()).named("last").await.unwrap();
        for _ in 0..5 {
            let relay = system.spawn(Relay(last.clone())).await.unwrap();
            for _ in 0..20 {
                relay.cast(Job).unwrap();
            }
        }
        drop(last);
        let drained = soon(system.drain(LONG)).await;
        assert!(drained.is_complete(), "{drained}");
        assert_eq!((worker.handled(), worker.exits(), system.agents()), (100, 1, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_system_that_does_not_finish_says_what_is_left() {
    let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
    let (pool, pooled) = pool(&system, 2).await;
    let idle = system.spawn(worker.clone()).await.unwrap();
    let stuck = system.spawn(worker.clone()).named("stuck").await.unwrap();
    let _release = hold(&stuck).await;
    stuck.cast(Job).unwrap();
    let drained = soon(system.drain(Duration::from_secs(1))).await;
    assert_eq!(drained.killed, ["stuck"]);
    assert_eq!(drained.left.values().sum::<u64>(), 1, "{drained}");
    assert_eq!((worker.exits(), pooled.exits(), system.agents()), (1, 2, 0));
    drop((idle, pool));
}

#[cfg(all(unix, feature = "signal"))]
#[tokio::test]
async fn a_signal_drains() {
    let (system, worker) = (System::new(Config::default()).unwrap(), Worker::default());
    let agent = system.spawn(worker.clone()).named("worker").await.unwrap();
    agent.cast(Job).unwrap();
    let mut run = Box::pin(system.run_until_terminated(LONG));
    let is_pending = std::future::poll_fn(|context| {
        std::task::Poll::Ready(run.as_mut().poll(context).is_pending())
    });
    assert!(is_pending.await, "there was no signal");
    let own = std::process::id().to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &own]).status().unwrap().success());
    let drained = soon(run).await.unwrap();
    assert!(drained.is_complete(), "{drained}");
    assert_eq!((worker.handled(), worker.exits()), (1, 1));
}
