//! How much memory an agent takes that was called once and is idle now, its handle included.

use std::fs;

use super::Workload;
use crate::figures::{Figures, figure};
use crate::subject::Subject;
use crate::work::Work;

/// So many agents. To be run in a process of its own.
#[derive(Clone, Copy)]
pub(super) struct Resident {
    pub(super) agents: usize,
}

impl Workload for Resident {
    fn round<S: Subject>(self) -> Figures {
        S::host(async move {
            // The library has started, and so have the runtime's threads.
            let first = S::spawn().await;
            S::call(&first, Work::Add(1)).await;
            let mut agents = Vec::with_capacity(self.agents);
            let before = resident_bytes();
            for _ in 0..self.agents {
                let agent = S::spawn().await;
                S::call(&agent, Work::Add(1)).await;
                agents.push(agent);
            }
            let grown = resident_bytes() - before;
            assert_eq!(agents.len(), self.agents);
            vec![
                figure("resident_bytes", grown / self.agents as f64),
                figure("resident_mb", grown / 1e6),
            ]
        })
    }
}

/// The memory of this process that is backed by pages, exactly; not a number where the platform does
/// not tell.
pub(super) fn resident_bytes() -> f64 {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup").unwrap_or_default();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Rss:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<f64>().ok());
    kib.map_or(f64::NAN, |kib| kib * 1024.0)
}
