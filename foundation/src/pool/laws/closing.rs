//! How a pool ends: who is told, what is closed, and when the end has come.

use super::*;

#[tokio::test(start_paused = true)]
async fn closing_tells_everybody_and_ends_with_the_last_connection() {
    let (pool, server) = pool(sized(3, 0));
    let used = pool.get().await.unwrap();
    drop((pool.get().await.unwrap(), pool.get().await.unwrap()));
    Pooled::discard(pool.get().await.unwrap());
    let checked = pool.get().await.unwrap();
    drop(checked);
    server.set(Mood::Silent);
    let (mut checking, mut connecting) = (pin!(pool.get()), pin!(pool.get()));
    let mut waiting = pin!(pool.get());
    for get in [checking.as_mut(), connecting.as_mut(), waiting.as_mut()] {
        assert!(poll_once(get).is_pending());
    }
    let mut end = pin!(pool.closed());
    assert!(poll_once(end.as_mut()).is_pending());

    pool.close();
    pool.close();
    for get in [checking, connecting, waiting] {
        assert!(matches!(get.await, Err(GetError::Closed)));
    }
    assert!(matches!(pool.get().await, Err(GetError::Closed)));
    assert!(pool.is_closed());
    assert_eq!((pool.status().in_use, server.open()), (1, 1));
    assert!(poll_once(end.as_mut()).is_pending());
    let within = Duration::from_secs(9);
    let late = pool.drain(within).await.unwrap_err();
    assert_eq!(late, DrainError { open: 1, in_use: 1, within });
    assert_eq!(
        late.to_string(),
        "connections still open 9s after the pool was closed: 1 (1 in use)",
    );
    drop(used);
    assert_eq!(server.open(), 0);
    end.await;
    assert_eq!(pool.drain(Duration::ZERO).await, Ok(()));
}

#[tokio::test]
async fn a_caller_whose_turn_came_just_before_the_close_is_told_closed() {
    let (pool, server) = pool(sized(1, 0));
    let held = pool.get().await.unwrap();
    let mut waiting = pin!(pool.get());
    assert!(poll_once(waiting.as_mut()).is_pending());
    drop(held);
    pool.close();
    assert!(matches!(poll_once(waiting.as_mut()), Poll::Ready(Err(GetError::Closed))));
    assert_eq!((pool.status().created, server.open()), (1, 0));
    pool.drain(Duration::ZERO).await.unwrap();
}

#[tokio::test]
async fn what_was_ready_in_the_moment_of_the_close_is_not_handed_out() {
    for idle in [0, 1] {
        let (pool, server) = pool(sized(1, 0));
        if idle == 1 {
            drop(pool.get().await.unwrap());
        }
        server.set(Mood::Slow(1));
        let mut get = pin!(pool.get());
        let mut asks = pin!(pool.try_get());
        assert!(poll_once(get.as_mut()).is_pending());
        assert!(matches!(poll_once(asks.as_mut()), Poll::Ready(Ok(None))));
        pool.close();
        // The second poll ends the check, or the connecting.
        assert!(matches!(poll_once(get.as_mut()), Poll::Ready(Err(GetError::Closed))));
        assert!(matches!(pool.try_get().await, Err(GetError::Closed)));
        assert_eq!(server.open(), 0);
        pool.drain(Duration::ZERO).await.unwrap();
    }
}

#[test]
fn closing_in_a_race_ends_with_no_connection_left() {
    let runtime = Builder::new_multi_thread().worker_threads(4).enable_time().build().unwrap();
    runtime.block_on(async {
        for round in 0..50 {
            let (pool, server) = pool(sized(2, 2));
            server.set(Mood::Slow(round % 3));
            let (uses, mut first_uses) = mpsc::unbounded_channel();
            let callers: Vec<_> = (0..8)
                .map(|_| {
                    let (pool, uses) = (pool.clone(), uses.clone());
                    tokio::spawn(async move {
                        while let Ok(line) = pool.get().await {
                            uses.send(()).unwrap();
                            yield_now().await;
                            drop(line);
                        }
                        assert!(pool.is_closed());
                    })
                })
                .collect();
            for _ in 0..10 + round {
                first_uses.recv().await.unwrap();
            }
            pool.close();
            tokio::time::timeout(PATIENCE, pool.closed()).await.unwrap();
            assert_eq!(server.open(), 0);
            for caller in callers {
                caller.await.unwrap();
            }
            assert_eq!((pool.status().in_use, pool.status().idle, server.open()), (0, 0, 0));
        }
    });
}

/// A connection whose destructor says that it has begun and waits until it may end.
struct Lingering(Option<(Sender<()>, Receiver<()>)>);

struct Lingerer(Mutex<Vec<(Sender<()>, Receiver<()>)>>);

impl Connect for Lingerer {
    type Connection = Lingering;
    type Error = Refused;

    async fn connect(&self) -> Result<Lingering, Refused> {
        Ok(Lingering(self.0.lock().unwrap().pop()))
    }
}

impl Drop for Lingering {
    fn drop(&mut self) {
        if let Some((begun, end)) = self.0.take() {
            begun.send(()).unwrap();
            end.recv_timeout(PATIENCE).unwrap();
        }
    }
}

#[tokio::test]
async fn the_end_waits_for_the_destructors() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let lingerer = Lingerer(Mutex::new(vec![(begun, may_end)]));
    let pool = Pool::new(lingerer, sized(2, 0)).unwrap();
    let lingering = pool.get().await.unwrap();
    let used = pool.get().await.unwrap();
    drop(lingering);
    let closing = pool.clone();
    let closer = thread::spawn(move || closing.close());
    has_begun.recv_timeout(PATIENCE).unwrap();
    drop(used);
    assert_eq!((pool.status().in_use, pool.status().idle), (0, 0));
    let mut ended = pin!(pool.closed());
    assert!(poll_once(ended.as_mut()).is_pending());
    let late = pool.drain(Duration::ZERO).await.unwrap_err();
    assert_eq!((late.open, late.in_use), (1, 0));
    end.send(()).unwrap();
    closer.join().unwrap();
    assert!(poll_once(ended.as_mut()).is_ready());
}

#[tokio::test]
async fn a_close_while_a_surplus_connection_is_being_closed_finds_its_end() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let lingerer = Lingerer(Mutex::new(vec![(begun, may_end)]));
    let pool = Pool::new(lingerer, sized(1, 1)).unwrap();
    let lingering = pool.get().await.unwrap();
    let used = pool.get().await.unwrap();
    // It comes back as surplus.
    let giver = thread::spawn(move || drop(lingering));
    has_begun.recv_timeout(PATIENCE).unwrap();
    assert_eq!((pool.status().in_use, pool.status().idle), (2, 0));
    drop(used);
    assert_eq!((pool.status().in_use, pool.status().idle), (1, 1), "one surplus, not two");
    pool.close();
    end.send(()).unwrap();
    giver.join().unwrap();
    assert!(poll_once(pin!(pool.closed())).is_ready());
}

#[tokio::test]
async fn a_close_while_an_idle_surplus_is_being_closed_finds_its_end() {
    let (begun, has_begun) = std::sync::mpsc::channel();
    let (end, may_end) = std::sync::mpsc::channel();
    let lingerer = Lingerer(Mutex::new(vec![(begun, may_end)]));
    let pool = Pool::new(lingerer, sized(1, 1)).unwrap();
    let (lingering, used) = (pool.get().await.unwrap(), pool.get().await.unwrap());
    let mut waiting = Box::pin(pool.get());
    assert!(poll_once(waiting.as_mut()).is_pending());
    // Kept for who waits.
    drop((lingering, used));
    assert_eq!((pool.status().in_use, pool.status().idle), (0, 2));
    // The surplus is closed by the one who leaves the queue.
    let closing = pool.clone();
    let closer = thread::spawn(move || {
        has_begun.recv_timeout(PATIENCE).unwrap();
        closing.close();
        end.send(()).unwrap();
    });
    drop(waiting);
    closer.join().unwrap();
    assert!(poll_once(pin!(pool.closed())).is_ready());
}

#[tokio::test]
async fn a_pool_that_was_never_used_closes_at_once_and_idle_connections_do_not_outlive_it() {
    let (unused, _server) = pool(sized(1, 0));
    unused.drain(Duration::ZERO).await.unwrap();

    let (pool, server) = pool(sized(2, 0));
    let used = pool.get().await.unwrap();
    drop(pool.get().await.unwrap());
    drop(pool);
    assert_eq!(server.open(), 2, "a connection in use keeps the pool alive");
    drop(used);
    assert_eq!(server.open(), 0);
}

/// A connection whose destructor uses the pool it came from.
struct Meddling(Arc<OnceLock<Pool<Meddler>>>);

struct Meddler(Arc<OnceLock<Pool<Meddler>>>);

impl Connect for Meddler {
    type Connection = Meddling;
    type Error = Refused;

    async fn connect(&self) -> Result<Meddling, Refused> {
        Ok(Meddling(Arc::clone(&self.0)))
    }
}

impl Drop for Meddling {
    fn drop(&mut self) {
        let pool = self.0.get().unwrap();
        pool.maintain();
        assert!(pool.status().in_use <= 2);
        pool.close();
        assert!(matches!(poll_once(pin!(pool.get())), Poll::Ready(Err(GetError::Closed))));
    }
}

#[test]
fn a_connections_destructor_may_use_the_pool() {
    let (done, finished) = std::sync::mpsc::channel();
    thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            // One ends idle when the pool is closed, or as surplus and closes the pool itself.
            for used in [1, 2] {
                let cell = Arc::new(OnceLock::new());
                let pool = Pool::new(Meddler(Arc::clone(&cell)), sized(1, 1)).unwrap();
                assert!(cell.set(pool.clone()).is_ok());
                let mut lines = Vec::new();
                for _ in 0..used {
                    lines.push(pool.get().await.unwrap());
                }
                drop(lines);
                assert_eq!((pool.is_closed(), pool.status().idle), (used == 2, 2 - used));
                if used == 1 {
                    pool.close();
                }
                pool.closed().await;
            }
        });
        done.send(()).unwrap();
    });
    finished.recv_timeout(PATIENCE).expect("a destructor hangs or panicked");
}
