//! A connection that is idle is taken and given back without an allocation, also by way of the queue
//! and as surplus.
//!
//! A test of its own because it needs the program's allocator. The harness may allocate on another
//! thread at any moment, so a number of allocations is the least of several attempts.
#![cfg(feature = "pool")]

use std::alloc::System;
use std::convert::Infallible;
use std::pin::pin;
use std::task::{Context, Waker};

use foundation::pool::{Connect, Pool, PoolSettings};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const ATTEMPTS: usize = 10;

struct Numbers;

impl Connect for Numbers {
    type Connection = u64;
    type Error = Infallible;

    async fn connect(&self) -> Result<u64, Infallible> {
        Ok(7)
    }
}

async fn least_allocations(mut work: impl AsyncFnMut()) -> usize {
    work().await;
    let mut least = usize::MAX;
    for _ in 0..ATTEMPTS {
        let region = Region::new(ALLOCATOR);
        work().await;
        let stats = region.change();
        least = least.min(stats.allocations + stats.reallocations);
    }
    least
}

#[tokio::test]
async fn taking_waiting_for_and_giving_back_a_connection_allocates_nothing() {
    let settings = PoolSettings { size: 1, max_overflow: 1, ..PoolSettings::default() };
    let pool = Pool::new(Numbers, settings).unwrap();
    let taking = async || drop(pool.get().await.unwrap());
    assert_eq!(least_allocations(taking).await, 0);
    let trying = async || drop(pool.try_get().await.unwrap().unwrap());
    assert_eq!(least_allocations(trying).await, 0);

    // The second connection is made, and closed as surplus.
    let surplus = async || {
        let first = pool.get().await.unwrap();
        drop(pool.get().await.unwrap());
        drop(first);
    };
    assert_eq!(least_allocations(surplus).await, 0);
    assert_eq!(pool.status().created, 2 + u64::try_from(ATTEMPTS).unwrap());

    let waiting = async || {
        let held = (pool.get().await.unwrap(), pool.get().await.unwrap());
        let mut waiter = pin!(pool.get());
        let mut context = Context::from_waker(Waker::noop());
        assert!(waiter.as_mut().poll(&mut context).is_pending());
        drop(held.0);
        let served = waiter.await.unwrap();
        drop((served, held.1));
    };
    assert_eq!(least_allocations(waiting).await, 0);
}
