//! Pools: who gets which job, what becomes of workers, and how many there are.

#![expect(clippy::unwrap_used, reason = "in tests")]

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mabeam::{
    Agent, AgentId, AgentPool, CallError, Config, Context, Handler, Message, Reason, Routing,
    System,
};
use tokio::sync::oneshot;
use tokio::time::timeout;

/// A worker, which counts how many there are.
struct Worker(Arc<AtomicUsize>);

/// Says who did it.
struct Who;

/// The same, once it may; tells that it has begun.
struct Hold(oneshot::Sender<AgentId>, oneshot::Receiver<()>);

/// Panics as long as there are attempts to be spoilt.
struct Spoil(Arc<AtomicUsize>);

impl Agent for Worker {}

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Message for Who {
    type Reply = AgentId;
}

impl Message for Hold {
    type Reply = ();
}

impl Message for Spoil {
    type Reply = AgentId;
}

impl Handler<Who> for Worker {
    async fn handle(&mut self, Who: Who, context: &mut Context<Self>) -> AgentId {
        context.id()
    }
}

impl Handler<Hold> for Worker {
    async fn handle(&mut self, Hold(began, until): Hold, context: &mut Context<Self>) {
        let _ = began.send(context.id());
        let _ = until.await;
    }
}

impl Handler<Spoil> for Worker {
    async fn handle(&mut self, Spoil(left): Spoil, context: &mut Context<Self>) -> AgentId {
        let spoils = |left: usize| left.checked_sub(1);
        assert!(left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, spoils).is_err());
        context.id()
    }
}

/// An upper bound for what has an event.
async fn soon<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(30), future).await.unwrap()
}

/// A pool of so many, and how many workers there are.
async fn pool(
    workers: usize,
    settle: impl FnOnce(mabeam::PoolBuilder<Worker>) -> mabeam::PoolBuilder<Worker>,
) -> (System, AgentPool<Worker>, Arc<AtomicUsize>) {
    let (system, alive) = (System::new(Config::default()).unwrap(), Arc::new(AtomicUsize::new(0)));
    let count = Arc::clone(&alive);
    let builder = AgentPool::builder(move || {
        count.fetch_add(1, Ordering::Relaxed);
        Worker(Arc::clone(&count))
    });
    let pool = settle(builder.workers(workers)).start(&system).await.unwrap();
    (system, pool, alive)
}

/// Lets a worker wait in a job, which ends when what returns is dropped.
async fn hold(pool: &AgentPool<Worker>) -> (AgentId, oneshot::Sender<()>) {
    let ((began, has_begun), (release, until)) = (oneshot::channel(), oneshot::channel());
    pool.cast(Hold(began, until)).unwrap();
    (soon(has_begun).await.unwrap(), release)
}

#[tokio::test(start_paused = true)]
async fn round_robin_gives_each_worker_as_many_jobs() {
    let (_system, pool, _) = pool(3, |builder| builder.routing(Routing::RoundRobin)).await;
    let mut whos = Vec::new();
    for _ in 0..6 {
        whos.push(soon(pool.call(Who)).await.unwrap());
    }
    assert_eq!(whos[..3], whos[3..]);
    assert_eq!(whos[..3].iter().collect::<BTreeSet<_>>().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn the_least_loaded_of_two_is_idle_while_the_other_works() {
    let (_system, pool, _) = pool(2, |builder| builder).await;
    let (busy, _release) = hold(&pool).await;
    for _ in 0..10 {
        assert_ne!(soon(pool.call(Who)).await.unwrap(), busy);
    }
}

#[tokio::test(start_paused = true)]
async fn a_key_has_one_worker() {
    let (_system, pool, _) = pool(4, |builder| builder).await;
    let mut workers = BTreeSet::new();
    for key in 0..64 {
        let who = soon(pool.call_keyed(key, Who)).await.unwrap();
        assert_eq!(soon(pool.call_keyed(key, Who)).await.unwrap(), who);
        workers.insert(who);
    }
    assert_eq!(workers.len(), 4);
}

#[tokio::test(start_paused = true)]
async fn who_checks_a_worker_out_has_it_to_himself_and_the_next_waits_his_turn() {
    let (_system, pool, _) = pool(2, |builder| builder).await;
    let first = soon(pool.check_out()).await.unwrap();
    for _ in 0..10 {
        assert_ne!(soon(pool.call(Who)).await.unwrap(), first.id());
    }
    let second = soon(pool.check_out()).await.unwrap();
    assert_ne!(first.id(), second.id());
    assert_eq!(pool.status().checked_out, 2);
    let mut third = Box::pin(pool.check_out());
    assert!(timeout(Duration::from_secs(1), &mut third).await.is_err(), "all are taken");
    let id = first.id();
    drop(first);
    assert_eq!(soon(third).await.unwrap().id(), id);
}

#[tokio::test(start_paused = true)]
async fn an_overflow_worker_ends_with_its_lease() {
    let (_system, pool, alive) = pool(1, |builder| builder.overflow(1)).await;
    let own = soon(pool.check_out()).await.unwrap();
    let further = soon(pool.check_out()).await.unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 2);
    assert_eq!(soon(further.call(Who)).await.unwrap(), further.id());
    let end = further.monitor();
    drop(further);
    soon(end.down()).await.unwrap();
    assert_eq!(alive.load(Ordering::Relaxed), 1);
    drop(own);
    assert_eq!(pool.status().workers, 1);
}

#[tokio::test(start_paused = true)]
async fn a_worker_that_dies_is_replaced_and_its_job_reported_or_tried_again() {
    let (_system, pool, alive) = pool(2, |builder| builder).await;
    let left = Arc::new(AtomicUsize::new(1));
    let reported = soon(pool.call(Spoil(Arc::clone(&left)))).await;
    assert!(matches!(reported, Err(CallError::Exited { reason: Reason::Panic(_), .. })));
    left.store(2, Ordering::Relaxed);
    soon(pool.call_again(3, || Spoil(Arc::clone(&left)))).await.unwrap();
    left.store(3, Ordering::Relaxed);
    assert!(soon(pool.call_again(3, || Spoil(Arc::clone(&left)))).await.is_err());
    for _ in 0..4 {
        soon(pool.call(Who)).await.unwrap();
    }
    assert_eq!(alive.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn a_pool_grows_and_shrinks_while_it_runs() {
    let (_system, pool, alive) = pool(2, |builder| builder).await;
    pool.resize(5).await.unwrap();
    assert_eq!((pool.status().workers, alive.load(Ordering::Relaxed)), (5, 5));
    let leases = [soon(pool.check_out()).await.unwrap(), soon(pool.check_out()).await.unwrap()];
    let mut shrinking = Box::pin(pool.resize(1));
    assert!(timeout(Duration::from_secs(1), &mut shrinking).await.is_err(), "two are taken");
    assert_eq!(pool.status().workers, 1, "and get no further jobs");
    drop(leases);
    soon(shrinking).await.unwrap();
    assert_eq!(pool.supervisor().children().await.unwrap().len(), 1);
    assert_eq!(alive.load(Ordering::Relaxed), 1);
}

#[tokio::test(start_paused = true)]
async fn idle_workers_sleep_and_come_back_for_the_next_job() {
    let idle = Duration::from_secs(60);
    let (_system, pool, alive) = pool(2, |builder| builder.sleep_after(idle)).await;
    let before = soon(pool.call_keyed(1, Who)).await.unwrap();
    for _ in 0..3 {
        tokio::time::advance(idle).await;
        settle().await;
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0, "both sleep");
    assert_eq!(soon(pool.call_keyed(1, Who)).await.unwrap(), before, "the same one");
    assert_eq!(alive.load(Ordering::Relaxed), 1);
    pool.cast_keyed(1, Who).unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_last_handle_s_drop_ends_the_workers() {
    let (system, pool, alive) = pool(3, |builder| builder).await;
    let (clone, end) = (pool.clone(), pool.supervisor().monitor());
    drop(pool);
    soon(clone.call(Who)).await.unwrap();
    drop(clone);
    soon(end.down()).await.unwrap();
    assert_eq!((alive.load(Ordering::Relaxed), system.agents()), (0, 0));
}

/// Lets everything run that can.
async fn settle() {
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
}
