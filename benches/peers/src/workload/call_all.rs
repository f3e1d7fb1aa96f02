//! A hundred idle agents are called as one operation.

use std::time::Instant;

use super::{Workload, agents};
use crate::figures::{Figures, figure, quantile};
use crate::subject::Subject;
use crate::work::Work;

const AGENTS: usize = 100;

/// So many operations a round; the figures are their quantiles.
#[derive(Clone, Copy)]
pub(super) struct CallAll {
    pub(super) rounds: usize,
}

impl Workload for CallAll {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            let all = agents::spawn::<S>(AGENTS).await;
            let mut took = Vec::with_capacity(self.rounds);
            for _ in 0..self.rounds / 10 {
                S::call_all(&all, Work::Add(1)).await;
            }
            for _ in 0..self.rounds {
                let start = Instant::now();
                let replies = S::call_all(&all, Work::Add(1)).await;
                took.push(start.elapsed().as_secs_f64() * 1e6);
                assert_eq!(replies, AGENTS, "every agent answers");
            }
            agents::stop::<S>(all).await;
            vec![
                figure("call_all_p50_us", quantile(&took, 0.5)),
                figure("call_all_p99_us", quantile(&took, 0.99)),
            ]
        })
    }
}
