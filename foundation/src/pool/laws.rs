//! Laws of the pool: limits, deadlines, cancellation, panics and the end. The model is in `model`.

#![expect(clippy::unwrap_used, reason = "for tests")]

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender};
use std::sync::{Arc, Mutex, OnceLock};
use std::task::{Context, Poll, Waker};
use std::thread;

use proptest::collection::vec;
use proptest::prelude::*;
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::yield_now;
use tokio::time::Instant;

use super::*;
use server::{Mood, Refused, Server};

mod closing;
mod model;
mod server;

type Got = Result<Pooled<Server>, GetError<Refused>>;

/// Far beyond what a busy machine needs.
const PATIENCE: Duration = Duration::from_secs(30);

fn pool(settings: PoolSettings) -> (Pool<Server>, Server) {
    let server = Server::default();
    (Pool::new(server.clone(), settings).unwrap(), server)
}

fn sized(size: usize, max_overflow: usize) -> PoolSettings {
    PoolSettings { size, max_overflow, ..PoolSettings::default() }
}

fn poll_once<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Nobody holds or waits for anything: every slot must be there to be had, and no more.
async fn assert_whole(pool: &Pool<Server>, server: &Server) {
    let status = pool.status();
    let settings = *pool.settings();
    assert_eq!((status.in_use, status.waiting), (0, 0), "{status:?}");
    assert!(status.idle <= settings.size, "{status:?}");
    assert_eq!(server.open(), status.idle);
    assert_eq!(status.created - status.closed, status.idle as u64);
    server.set(Mood::Willing);
    let mut all = Vec::new();
    for _ in 0..settings.max_connections() {
        all.push(pool.get_within(Duration::ZERO).await.unwrap());
    }
    let refused = pool.get_within(Duration::ZERO).await.map(drop);
    assert!(
        matches!(refused, Err(GetError::Timeout { phase: Phase::Waiting, .. })),
        "one slot too many: {refused:?}",
    );
    drop(all);
    assert_eq!(pool.status().idle, settings.size);
    assert_eq!(server.open(), settings.size);
}

#[derive(Clone, Debug)]
enum Move {
    /// Begins a call, or polls one that is under way.
    Poll(usize),
    /// Gives up a call, or gives a connection back.
    Drop(usize),
    Kill(usize),
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let step = prop_oneof![
        6 => (0_usize..8).prop_map(Move::Poll),
        3 => (0_usize..8).prop_map(Move::Drop),
        1 => (0_usize..8).prop_map(Move::Kill),
    ];
    vec(step, 0..200)
}

enum Caller {
    Away,
    Asking(Pin<Box<dyn Future<Output = Got>>>),
    Using(Pooled<Server>),
}

proptest! {
    /// Connecting and checking take several polls here, so that a caller is cancelled in the queue,
    /// with a slot assigned but not taken, in the middle of a check and of connecting.
    #[test]
    fn callers_that_give_up_at_any_point_lose_nothing(
        moves in moves(),
        (size, overflow) in (1_usize..4, 0_usize..3),
        slow in 0_usize..4,
    ) {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let (pool, server) = pool(sized(size, overflow));
            server.set(Mood::Slow(slow));
            let mut callers: Vec<Caller> = (0..8).map(|_| Caller::Away).collect();
            for step in moves {
                match step {
                    Move::Poll(at) => {
                        if matches!(callers[at], Caller::Away) {
                            let pool = pool.clone();
                            callers[at] = Caller::Asking(Box::pin(async move { pool.get().await }));
                        }
                        if let Caller::Asking(future) = &mut callers[at]
                            && let Poll::Ready(got) = poll_once(future.as_mut())
                        {
                            callers[at] = Caller::Using(got.unwrap());
                        }
                    }
                    Move::Drop(at) => callers[at] = Caller::Away,
                    Move::Kill(at) => {
                        if let Caller::Using(line) = &callers[at] {
                            line.dead.store(true, Ordering::SeqCst);
                        }
                    }
                }
                assert!(server.open() <= size + overflow);
                let status = pool.status();
                assert!(status.in_use + status.idle <= size + overflow);
                // The runtime's budget for one task must not end the experiment.
                yield_now().await;
            }
            drop(callers);
            assert_whole(&pool, &server).await;
        });
    }
}

#[test]
fn racing_callers_that_give_up_lose_nothing() {
    const CALLERS: usize = 64;
    const ROUNDS: usize = 50;
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        let (pool, server) = pool(PoolSettings { get_timeout: PATIENCE, ..sized(3, 2) });
        server.set(Mood::Slow(1));
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let pool = pool.clone();
                tokio::spawn(async move {
                    for round in 0..ROUNDS {
                        let mut get = pin!(pool.get());
                        // Gives up after so many polls, which wakers and luck spread over all steps.
                        let mut patience = (caller * 7 + round * 3) % 5;
                        let got = poll_fn(|context| match get.as_mut().poll(context) {
                            Poll::Ready(got) => Poll::Ready(Some(got.unwrap())),
                            Poll::Pending if patience == 0 => Poll::Ready(None),
                            Poll::Pending => {
                                patience -= 1;
                                context.waker().wake_by_ref();
                                Poll::Pending
                            }
                        });
                        let line = got.await;
                        yield_now().await;
                        match line {
                            Some(line) if round % 10 == 0 => Pooled::discard(line),
                            other => drop(other),
                        }
                    }
                })
            })
            .collect();
        for caller in callers {
            caller.await.unwrap();
        }
        assert_whole(&pool, &server).await;
    });
}

#[tokio::test]
async fn a_newcomer_does_not_overtake_a_waiter() {
    let (pool, _server) = pool(sized(1, 0));
    let held = pool.get().await.unwrap();
    let mut first = pin!(pool.get());
    let mut second = pin!(pool.get());
    assert!(poll_once(first.as_mut()).is_pending());
    assert!(poll_once(second.as_mut()).is_pending());
    drop(held);
    // The slot is promised to `first`, whoever comes before it looks.
    let mut newcomer = pin!(pool.get_within(Duration::ZERO));
    let GetError::Timeout { waiting: 3, .. } = newcomer.as_mut().await.err().unwrap() else {
        panic!("the newcomer was not the third in the queue");
    };
    assert!(poll_once(second.as_mut()).is_pending());
    let Poll::Ready(Ok(line)) = poll_once(first.as_mut()) else {
        panic!("the first was not served first");
    };
    drop(line);
    assert!(matches!(poll_once(second.as_mut()), Poll::Ready(Ok(_))));
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let (pool, _server) = pool(PoolSettings { max_waiting: 1, ..sized(1, 1) });
    let _held = (pool.get().await.unwrap(), pool.get().await.unwrap());
    let mut waiter = pin!(pool.get());
    assert!(poll_once(waiter.as_mut()).is_pending());
    let Poll::Ready(Err(refused)) = poll_once(pin!(pool.get())) else {
        panic!("a second caller waits");
    };
    assert_eq!(refused, GetError::Exhausted { in_use: 2, waiting: 1, limit: 1 });
    assert_eq!(
        refused.to_string(),
        "all connections are in use (2) and the queue is full (1, the limit is 1)",
    );
    assert_eq!(pool.status().rejected, 1);
}

#[tokio::test(start_paused = true)]
async fn the_error_names_the_phase_in_which_the_time_ran_out() {
    let second = Duration::from_secs(1);
    let settings = PoolSettings { check_timeout: 10 * second, ..sized(1, 0) };
    let (pool, server) = pool(settings);
    let ran_out = async |within| {
        let begin = Instant::now();
        let error = pool.get_within(within).await.map(drop).unwrap_err();
        (error, begin.elapsed())
    };
    let timeout = |phase, within, waiting| GetError::Timeout { phase, within, in_use: 1, waiting };

    server.set(Mood::Silent);
    let found = ran_out(second).await;
    assert_eq!(found, (timeout(Phase::Connecting, second, 0), second));

    server.set(Mood::Willing);
    let held = pool.get().await.unwrap();
    let found = ran_out(2 * second).await;
    assert_eq!(found, (timeout(Phase::Waiting, 2 * second, 1), 2 * second));
    assert_eq!(
        found.0.to_string(),
        "the 2s for getting a connection ran out while waiting (in use: 1, waiting: 1)",
    );
    drop(held);

    server.set(Mood::Silent);
    let found = ran_out(second).await;
    assert_eq!(found, (timeout(Phase::Checking, second, 0), second));
    assert_eq!((pool.status().timeouts, pool.status().failed_checks), (3, 0));
    assert_eq!(server.open(), 0, "nobody can vouch for what was being checked");
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_all_phases() {
    let (pool, server) = pool(sized(1, 0));
    let held = pool.get().await.unwrap();
    let begin = Instant::now();
    let mut get = pin!(pool.get_within(Duration::from_secs(3)));
    assert!(poll_once(get.as_mut()).is_pending());
    tokio::time::advance(Duration::from_secs(2)).await;
    server.set(Mood::Silent);
    Pooled::discard(held);
    let error = get.await.map(drop).unwrap_err();
    assert!(matches!(error, GetError::Timeout { phase: Phase::Connecting, .. }), "{error}");
    assert_eq!(begin.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn a_check_that_takes_too_long_counts_as_failed() {
    let settings = PoolSettings { check_timeout: Duration::from_secs(1), ..sized(1, 0) };
    let (pool, server) = pool(settings);
    let first = pool.get().await.unwrap().id;
    server.set(Mood::Silent);
    let mut get = pin!(pool.get());
    assert!(poll_once(get.as_mut()).is_pending());
    // Connecting begins when the check is cut short, and finds a server that answers.
    server.set(Mood::Willing);
    let begin = Instant::now();
    assert_ne!(get.await.unwrap().id, first);
    assert_eq!(begin.elapsed(), Duration::from_secs(1));
    assert_eq!((pool.status().failed_checks, pool.status().closed), (1, 1));
    assert_eq!(server.complaints(), [None]);
    assert_whole(&pool, &server).await;
}

#[tokio::test]
async fn the_error_of_a_failed_check_is_told() {
    let (pool, server) = pool(sized(1, 0));
    let line = pool.get().await.unwrap();
    line.dead.store(true, Ordering::SeqCst);
    drop(line);
    assert!(pool.get().await.is_ok());
    assert_eq!((server.complaints(), pool.status().failed_checks), (vec![Some(Refused)], 1));
    assert!(pool.get().await.is_ok());
    assert_eq!((server.complaints(), pool.status().failed_checks), (vec![], 1));
}

#[tokio::test(start_paused = true)]
async fn trying_takes_what_is_free_and_never_waits_for_others() {
    let (pool, server) = pool(PoolSettings { get_timeout: PATIENCE, ..sized(1, 0) });
    let line = pool.try_get().await.unwrap().unwrap();
    assert!(pool.try_get().await.unwrap().is_none());
    let mut waiting = pin!(pool.get());
    assert!(poll_once(waiting.as_mut()).is_pending());
    drop(line);
    // It is promised to the one who waits.
    assert!(pool.try_get().await.unwrap().is_none());
    drop(waiting.await.unwrap());
    drop(pool.try_get().await.unwrap().unwrap());
    server.set(Mood::Silent);
    let late = pool.try_get().await.map(drop).unwrap_err();
    assert!(matches!(late, GetError::Timeout { phase: Phase::Connecting, within: PATIENCE, .. }));
    assert_eq!((pool.status().rejected, pool.status().timeouts), (0, 1));
    assert_whole(&pool, &server).await;
}

#[tokio::test]
async fn a_connection_whose_check_was_cut_short_is_closed() {
    let (pool, server) = pool(sized(1, 0));
    drop(pool.get().await.unwrap());
    server.set(Mood::Silent);
    {
        let mut get = pin!(pool.get());
        assert!(poll_once(get.as_mut()).is_pending());
        assert_eq!((pool.status().in_use, server.open()), (1, 1));
    }
    assert_eq!((pool.status().in_use, server.open()), (0, 0));
    assert_whole(&pool, &server).await;
}

#[tokio::test(start_paused = true)]
async fn an_expired_connection_is_closed_by_maintenance_or_replaced_when_asked_for() {
    let lifetime = Duration::from_secs(60);
    let settings = PoolSettings { max_lifetime: Some(lifetime), idle_timeout: None, ..sized(2, 0) };
    let (pool, server) = pool(settings);
    let (first, second) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    tokio::time::advance(lifetime / 2).await;
    Pooled::discard(second);
    let second = pool.get().await.unwrap();
    let young = second.id;
    drop((first, second));
    tokio::time::advance(Duration::from_millis(29_999)).await;
    assert_eq!(pool.maintain(), 0);
    tokio::time::advance(Duration::from_millis(1)).await;
    assert_eq!((pool.maintain(), server.open()), (1, 1));
    assert_eq!(pool.get().await.unwrap().id, young);
    tokio::time::advance(lifetime / 2).await;
    assert_ne!(pool.get().await.unwrap().id, young);
    assert_eq!((pool.status().expired, server.open()), (2, 1));
}

#[tokio::test]
async fn connecting_is_tried_as_often_as_said_and_the_last_error_is_kept() {
    let (pool, server) = pool(PoolSettings { connect_attempts: 3, ..sized(1, 0) });
    server.set(Mood::Down);
    let error = pool.get().await.map(drop).unwrap_err();
    assert_eq!(error, GetError::Connect { attempts: 3, source: Refused });
    assert_eq!(error.to_string(), "connecting failed (attempts: 3)");
    assert_eq!(std::error::Error::source(&error).unwrap().to_string(), "refused");
    assert_eq!(pool.status().failed_connects, 3);
    assert_whole(&pool, &server).await;
}

#[tokio::test]
async fn a_panic_while_connecting_or_checking_loses_no_slot() {
    let (pool, server) = pool(sized(1, 0));
    for idle in [0, 1] {
        assert_eq!(pool.status().idle, idle);
        server.set(Mood::Panicking);
        let asking = pool.clone();
        let panicked = tokio::spawn(async move { asking.get().await.map(drop) }).await;
        assert!(panicked.unwrap_err().is_panic());
        assert_whole(&pool, &server).await;
    }
}

#[tokio::test]
async fn a_pooled_connection_can_be_written_to_kept_and_printed() {
    struct Words;
    impl Connect for Words {
        type Connection = Vec<&'static str>;
        type Error = Refused;
        async fn connect(&self) -> Result<Vec<&'static str>, Refused> {
            Ok(vec!["new"])
        }
    }
    let pool = Pool::new(Words, sized(1, 0)).unwrap();
    let mut line = pool.get().await.unwrap();
    line.push("used");
    assert_eq!(format!("{line:?}"), r#"Pooled(["new", "used"])"#);
    drop(line);
    assert_eq!(Pooled::detach(pool.get().await.unwrap()), ["new", "used"]);
    assert_eq!((pool.status().in_use, pool.status().idle), (0, 0));
    assert_eq!(*pool.get().await.unwrap(), ["new"]);
}

#[test]
fn settings_are_checked_at_their_bounds() {
    let refused = |settings: PoolSettings| Pool::new(Server::default(), settings).map(drop);
    let base = PoolSettings::default();
    let brief = Some(Duration::from_micros(999));
    let short = |field| {
        let (value, limit) = (Duration::from_micros(999), MIN_DURATION);
        Err(SettingsError::TooShort { field, value, limit })
    };
    let large = |field, value, limit| Err(SettingsError::TooLarge { field, value, limit });

    assert_eq!(refused(base), Ok(()));
    assert_eq!(
        refused(sized(0, 1)),
        Err(SettingsError::TooSmall { field: "size", value: 0, limit: 1 })
    );
    assert_eq!(refused(sized(MAX_CONNECTIONS, 0)), Ok(()));
    let over = MAX_CONNECTIONS + 1;
    assert_eq!(refused(sized(over, 0)), large("size", over, MAX_CONNECTIONS));
    assert_eq!(refused(sized(over - 1, 1)), large("size + max_overflow", over, MAX_CONNECTIONS));
    assert_eq!(
        refused(sized(1, usize::MAX)),
        large("size + max_overflow", usize::MAX, MAX_CONNECTIONS)
    );
    assert_eq!(
        refused(PoolSettings { connect_attempts: 0, ..base }),
        Err(SettingsError::TooSmall { field: "connect_attempts", value: 0, limit: 1 })
    );
    assert_eq!(
        refused(PoolSettings { connect_attempts: 101, ..base }),
        large("connect_attempts", 101, 100)
    );
    let check_timeout = Duration::from_micros(999);
    assert_eq!(refused(PoolSettings { check_timeout, ..base }), short("check_timeout"));
    assert_eq!(refused(PoolSettings { max_lifetime: brief, ..base }), short("max_lifetime"));
    assert_eq!(refused(PoolSettings { idle_timeout: brief, ..base }), short("idle_timeout"));
    let least = Some(MIN_DURATION);
    let edge = PoolSettings { check_timeout: MIN_DURATION, max_lifetime: least, ..base };
    assert_eq!(refused(PoolSettings { idle_timeout: least, ..edge }), Ok(()));
    assert_eq!(
        SettingsError::TooSmall { field: "size", value: 0, limit: 1 }.to_string(),
        "the pool's `size` is 0, the least is 1",
    );
}

#[tokio::test]
async fn any_timeout_is_a_valid_timeout() {
    let (pool, _server) = pool(sized(1, 0));
    assert!(pool.get_within(Duration::MAX).await.is_ok());
    assert!(pool.get_within(Duration::ZERO).await.is_ok());
    assert!(pool.drain(Duration::MAX).await.is_ok());
}

#[test]
fn callers_may_be_on_any_thread() {
    fn sent<T: Send>(_: &T) {}
    fn shared<T: Send + Sync>(_: &T) {}
    let runtime = Builder::new_current_thread().enable_time().build().unwrap();
    let _inside = runtime.enter();
    let (pool, _server) = pool(sized(1, 0));
    shared(&pool);
    sent(&pool.get());
    sent(&pool.closed());
    sent(&pool.drain(Duration::ZERO));
}
