//! How often a cast and a call take memory from the allocator.

use stats_alloc::INSTRUMENTED_SYSTEM;

use super::Workload;
use crate::figures::{Figures, figure};
use crate::subject::Subject;
use crate::work::Work;

/// Casts between two calls, so that mailboxes stay short.
const CASTS: usize = 1_000;

/// So many of each. To be run by the program that counts.
#[derive(Clone, Copy)]
pub(super) struct Allocations {
    pub(super) operations: usize,
}

impl Workload for Allocations {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            let agent = S::spawn().await;
            // Whatever grows once has grown.
            calls::<S>(&agent, 1_000).await;
            casts::<S>(&agent, 10 * CASTS).await;
            let before = taken();
            calls::<S>(&agent, self.operations).await;
            let called = taken() - before;
            let before = taken();
            casts::<S>(&agent, self.operations).await;
            let cast = taken() - before;
            S::stop(agent).await.await;
            // The calls between casts are taken off by what a call was seen to need.
            let call = called as f64 / self.operations as f64;
            let cast = cast as f64 / self.operations as f64 - call / CASTS as f64;
            vec![figure("allocations_a_cast", cast), figure("allocations_a_call", call)]
        })
    }
}

/// How often this process took memory so far, or had some made larger.
fn taken() -> usize {
    let stats = INSTRUMENTED_SYSTEM.stats();
    stats.allocations + stats.reallocations
}

async fn calls<S: Subject>(agent: &S::Agent, count: usize) {
    for _ in 0..count {
        S::call(agent, Work::Add(1)).await;
    }
}

async fn casts<S: Subject>(agent: &S::Agent, count: usize) {
    for _ in 0..count / CASTS {
        for _ in 0..CASTS {
            S::cast(agent, Work::Add(1)).await;
        }
        S::call(agent, Work::Add(1)).await;
    }
}
