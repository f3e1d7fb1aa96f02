//! A task casts to an idle agent and then computes for 100 ms without waiting: how long does the
//! agent wait for a processor, when another one has nothing to do?

use std::hint::black_box;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::Workload;
use crate::figures::{Figures, figure};
use crate::subject::Subject;
use crate::work::{Work, burn};

const COMPUTES: Duration = Duration::from_millis(100);

/// One cast a round.
#[derive(Clone, Copy)]
pub(super) struct CastThenCompute;

impl Workload for CastThenCompute {
    fn round<S: Subject>(self) -> Figures {
        S::host(async {
            // Number 1 of those that are spread: where a library has threads of its own, another one.
            let agent = S::spawn_spread(1).await;
            S::call(&agent, Work::Add(1)).await;
            // A few bytes a round, so that a message has nothing to drop.
            let handled: &'static OnceLock<Instant> = Box::leak(Box::default());
            let start = Instant::now();
            S::cast(&agent, Work::Stamp(handled)).await;
            while start.elapsed() < COMPUTES {
                burn(black_box(1_000));
            }
            S::call(&agent, Work::Add(1)).await;
            S::stop(agent).await.await;
            let handled = handled.get().expect("a call is handled after the cast before it");
            vec![figure("ran_after_ms", handled.duration_since(start).as_secs_f64() * 1e3)]
        })
    }
}
