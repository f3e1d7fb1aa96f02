//! A thousand casts to one agent, then one call that returns when they are done: by one task, and by
//! eight tasks at once.

use std::time::Instant;

use super::Workload;
use crate::figures::{Figures, figure, trimmed_mean};
use crate::subject::Subject;
use crate::work::Work;

/// Casts between two calls, a sender.
const CASTS: usize = 1_000;
/// Senders of the second figure.
const SENDERS: usize = 8;

/// So many batches for each figure.
#[derive(Clone, Copy)]
pub(super) struct Cast {
    pub(super) batches: usize,
}

impl Workload for Cast {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            let agent = S::spawn().await;
            let mut one = Vec::with_capacity(self.batches);
            let mut many = Vec::with_capacity(self.batches);
            send::<S>(&agent).await;
            S::call(&agent, Work::Add(1)).await;
            for _ in 0..self.batches {
                let start = Instant::now();
                send::<S>(&agent).await;
                S::call(&agent, Work::Add(1)).await;
                one.push(start.elapsed().as_secs_f64() * 1e9 / CASTS as f64);
            }
            for _ in 0..self.batches {
                let start = Instant::now();
                let senders: Vec<_> = (0..SENDERS)
                    .map(|_| {
                        let agent = agent.clone();
                        tokio::spawn(async move { send::<S>(&agent).await })
                    })
                    .collect();
                for sender in senders {
                    sender.await.expect("a sender ends");
                }
                S::call(&agent, Work::Add(1)).await;
                many.push(start.elapsed().as_secs_f64() * 1e9 / (SENDERS * CASTS) as f64);
            }
            S::stop(agent).await.await;
            vec![figure("cast_ns", trimmed_mean(one)), figure("fan_in_ns", trimmed_mean(many))]
        })
    }
}

async fn send<S: Subject>(agent: &S::Agent) {
    for _ in 0..CASTS {
        S::cast(agent, Work::Add(1)).await;
    }
}
