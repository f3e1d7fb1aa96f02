//! Sixty-four agents that each compute for a millisecond are called together, beside as many plain
//! tasks of tokio doing the same.

use std::time::Instant;

use super::{Workload, agents};
use crate::figures::{Figures, figure, quantile};
use crate::host;
use crate::subject::Subject;
use crate::work::{Work, burn, steps_a_millisecond};

const AGENTS: usize = 64;

/// So many pairs a round; the figures are their medians.
#[derive(Clone, Copy)]
pub(super) struct Parallel {
    pub(super) repetitions: usize,
}

impl Workload for Parallel {
    fn round<S: Subject>(self) -> Figures {
        let steps = steps_a_millisecond();
        S::host(async move {
            let all = agents::spawn_spread::<S>(AGENTS).await;
            // Whoever learns what a message costs has learnt it.
            S::call_all(&all, Work::Burn(steps)).await;
            let (mut called, mut plain) = (Vec::new(), Vec::new());
            for _ in 0..self.repetitions {
                let start = Instant::now();
                let replies = S::call_all(&all, Work::Burn(steps)).await;
                called.push(start.elapsed().as_secs_f64() * 1e3);
                assert_eq!(replies, AGENTS, "every agent answers");

                let start = Instant::now();
                let task = || host::workers().spawn(async move { burn(steps) });
                let tasks: Vec<_> = (0..AGENTS).map(|_| task()).collect();
                for task in tasks {
                    task.await.expect("a plain task ends");
                }
                plain.push(start.elapsed().as_secs_f64() * 1e3);
            }
            agents::stop::<S>(all).await;
            let (called, plain) = (quantile(&called, 0.5), quantile(&plain, 0.5));
            vec![
                figure("parallel_ms", called),
                figure("plain_tasks_ms", plain),
                figure("share_of_plain", plain / called),
            ]
        })
    }
}
