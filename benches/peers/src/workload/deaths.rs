//! Many agents, all watched, are killed at once: is every death reported, and how soon?

use std::time::{Duration, Instant};

use super::Workload;
use crate::figures::{Figures, figure};
use crate::subject::Subject;

/// Notices that are not there by then are lost.
const DEADLINE: Duration = Duration::from_secs(60);

/// So many agents.
#[derive(Clone, Copy)]
pub(super) struct Deaths {
    pub(super) agents: usize,
}

impl Workload for Deaths {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            let Some(watched) = S::watched(self.agents).await else { return Figures::new() };
            let start = Instant::now();
            watched.kill.await;
            let notices = tokio::time::timeout(DEADLINE, watched.notices).await.unwrap_or(0);
            vec![
                figure("all_reported_ms", start.elapsed().as_secs_f64() * 1e3),
                figure("share_reported", notices as f64 / self.agents as f64),
            ]
        })
    }
}
