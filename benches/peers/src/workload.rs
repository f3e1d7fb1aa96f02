//! A workload: one thing that is done with agents, and what is measured of it.
//!
//! Owns the trait and the list of workloads with their sizes. Each sets itself up anew every round.

mod agents;
mod allocations;
mod burst;
mod call;
mod call_all;
mod cast;
mod cast_then_compute;
mod deaths;
mod parallel;
mod resident;
mod spawn_stop;

use self::allocations::Allocations;
use self::burst::Burst;
use self::call::Call;
use self::call_all::CallAll;
use self::cast::Cast;
use self::cast_then_compute::CastThenCompute;
use self::deaths::Deaths;
use self::parallel::Parallel;
use self::resident::Resident;
use self::spawn_stop::SpawnStop;
use crate::figures::Figures;
use crate::subject::Subject;

/// One thing that is done with agents.
pub trait Workload: Copy + Send + 'static {
    /// Runs one round on `S`, its set-up included, and returns what it measured.
    fn round<S: Subject>(self) -> Figures;
}

/// Where the rounds of a workload run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// All subjects in one process.
    Together,
    /// Each round in a process of its own, running this program.
    Alone(&'static str),
}

/// Something to be done with a workload.
pub trait Visitor {
    /// Does it with the workload `name`, of which a run has `rounds`, on these subjects or on
    /// all.
    fn visit(
        &mut self,
        name: &'static str,
        rounds: usize,
        place: Place,
        subjects: Option<&'static [&'static str]>,
        workload: impl Workload,
    );
}

/// The programs of this package, for the rounds that run alone.
const PLAIN: Place = Place::Alone("peers");
const COUNTING: Place = Place::Alone("allocations");

/// Shows every workload to `visitor`; `quick` ones only show that everything works.
#[rustfmt::skip] // a table
pub fn visit(visitor: &mut impl Visitor, quick: bool) {
    use Place::Together;
    let size = |full, small| if quick { small } else { full };
    visitor.visit("call", size(15, 3), Together, None, Call { slices: 20, calls: size(5_000, 1_000) });
    visitor.visit("cast", size(15, 3), Together, None, Cast { batches: size(100, 20) });
    visitor.visit("call_all", size(15, 3), Together, None, CallAll { rounds: size(1_000, 100) });
    visitor.visit("parallel", size(15, 3), Together, None, Parallel { repetitions: size(5, 1) });
    visitor.visit("cast_then_compute", size(11, 3), Together, None, CastThenCompute);
    visitor.visit("resident", size(3, 1), PLAIN, None, Resident { agents: size(100_000, 5_000) });
    // The floor beside mabeam shows that the machine had room for more.
    visitor.visit("resident_million", 1, PLAIN, Some(&["mabeam", "tokio mpsc + oneshot"]),
        Resident { agents: size(1_000_000, 20_000) });
    visitor.visit("spawn_stop", size(9, 3), Together, None,
        SpawnStop { batch: 1_000, others: [10, size(100_000, 2_000)] });
    visitor.visit("allocations", size(3, 1), COUNTING, None, Allocations { operations: size(100_000, 5_000) });
    visitor.visit("deaths", size(5, 1), Together, None, Deaths { agents: size(100_000, 2_000) });
    visitor.visit("burst", size(3, 1), COUNTING, None, Burst { agents: 100, casts: size(10_000, 1_000) });
}
