//! Every one of some agents is sent many casts while no worker is free to take them; what of the
//! memory is still held when all are handled and the agents are idle again?

use futures_util::FutureExt;
use stats_alloc::INSTRUMENTED_SYSTEM;

use super::{Workload, agents, resident};
use crate::figures::{Figures, figure};
use crate::host::Hold;
use crate::subject::Subject;
use crate::work::Work;

/// So many casts to each of so many agents. To be run, in a process of its own, by the program that
/// counts.
#[derive(Clone, Copy)]
pub(super) struct Burst {
    pub(super) agents: usize,
    pub(super) casts: usize,
}

impl Workload for Burst {
    fn round<S: Subject>(self) -> Figures {
        let all = S::host(async move { agents::spawn::<S>(self.agents).await });
        let (held, resident) = (held_bytes(), resident::resident_bytes());
        S::host_beside({
            let all = all.clone();
            move |hold| self.send::<S>(all, hold)
        });
        S::host(async move {
            for agent in &all {
                S::call(agent, Work::Add(1)).await;
            }
            let agents = self.agents as f64;
            vec![
                figure("kept_heap_bytes", (held_bytes() - held) / agents),
                figure("kept_resident_bytes", (resident::resident_bytes() - resident) / agents),
            ]
        })
    }
}

impl Burst {
    async fn send<S: Subject>(self, agents: Vec<S::Agent>, mut hold: Option<Hold>) {
        for agent in &agents {
            for _ in 0..self.casts {
                if S::cast(agent, Work::Add(1)).now_or_never().is_none() {
                    // A bounded mailbox is full: there is no burst, and agents must be let run.
                    hold.take();
                    S::cast(agent, Work::Add(1)).await;
                }
            }
        }
    }
}

/// Bytes that this process has taken from the allocator and not given back.
fn held_bytes() -> f64 {
    let stats = INSTRUMENTED_SYSTEM.stats();
    // The bytes by which memory was made larger, or smaller, are counted as taken, or given back.
    stats.bytes_allocated as f64 - stats.bytes_deallocated as f64
}
