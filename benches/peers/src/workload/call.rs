//! One task calls one idle agent, again and again: the time of a call.

use std::time::Instant;

use super::Workload;
use crate::figures::{Figures, figure, trimmed_mean};
use crate::subject::Subject;
use crate::work::Work;

/// So many calls a slice; the figure is the trimmed mean over the slices.
#[derive(Clone, Copy)]
pub(super) struct Call {
    pub(super) slices: usize,
    pub(super) calls: usize,
}

impl Workload for Call {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            let agent = S::spawn().await;
            let mut slices = Vec::with_capacity(self.slices + 1);
            for _ in 0..=self.slices {
                let start = Instant::now();
                for _ in 0..self.calls {
                    S::call(&agent, Work::Add(1)).await;
                }
                slices.push(start.elapsed().as_secs_f64() * 1e9 / self.calls as f64);
            }
            S::stop(agent).await.await;
            // The first warms up.
            vec![figure("call_ns", trimmed_mean(slices.split_off(1)))]
        })
    }
}
