//! A batch of agents is started and stopped beside few and beside many others that live on.

use std::time::Instant;

use super::{Workload, agents};
use crate::figures::{Figures, figure};
use crate::subject::Subject;
use crate::work::Work;

/// Names of the figures beside few and beside many.
const FIGURES: [(&str, &str); 2] = [
    ("spawn_beside_few_us", "stop_beside_few_us"),
    ("spawn_beside_many_us", "stop_beside_many_us"),
];

/// So many are started and stopped, beside so many others.
#[derive(Clone, Copy)]
pub(super) struct SpawnStop {
    pub(super) batch: usize,
    pub(super) others: [usize; 2],
}

impl Workload for SpawnStop {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            let mut figures = Vec::new();
            for (others, (spawn, stop)) in self.others.into_iter().zip(FIGURES) {
                let others = agents::spawn::<S>(others).await;
                // The first batch warms up.
                batch::<S>(self.batch).await;
                let (spawned, stopped) = batch::<S>(self.batch).await;
                figures.extend([figure(spawn, spawned), figure(stop, stopped)]);
                agents::stop::<S>(others).await;
            }
            figures
        })
    }
}

/// Microseconds for one agent: until `spawn` returned, and from the request to stop to its end.
async fn batch<S: Subject>(size: usize) -> (f64, f64) {
    let mut all = Vec::with_capacity(size);
    let start = Instant::now();
    for _ in 0..size {
        all.push(S::spawn().await);
    }
    let spawned = start.elapsed();
    // Some libraries start an agent after `spawn` has returned; that must not count as stopping.
    for agent in &all {
        S::call(agent, Work::Add(1)).await;
    }
    let start = Instant::now();
    agents::stop::<S>(all).await;
    let stopped = start.elapsed();
    (spawned.as_secs_f64() * 1e6 / size as f64, stopped.as_secs_f64() * 1e6 / size as f64)
}
