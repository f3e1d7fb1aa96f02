//! Benchmarks whose results can be judged: a [`Suite`] of operations, measured one at a time in
//! fresh processes that the gate starts.
//!
//! | method | yields | evidence for |
//! |---|---|---|
//! | [`timed`](Suite::timed) | blocks of back-to-back operations | `latency_mean`, `throughput` |
//! | [`paired`](Suite::paired) | alternating blocks (ABBA) of two operations | the same, and `relative_to` |
//! | [`load`](Suite::load) | latencies from the intended start under an offered rate | `latency_p50`…`p999`, `success_rate` |
//! | [`allocations`](Suite::allocations) | heap traffic, exact | `allocations`, `bytes` |
//! | [`growth`](Suite::growth) | live bytes at two quiescent points, exact | `growth` |
//!
//! A benchmark is a program with `harness = false`:
//!
//! ```no_run
//! use std::collections::{BTreeMap, HashMap};
//! use std::process::ExitCode;
//!
//! use perf_budget::harness::{Suite, load_of};
//!
//! fn main() -> ExitCode {
//!     let hash = || {
//!         let map: HashMap<u64, u64> = (0..1000).map(|n| (n, n)).collect();
//!         move |n| map.get(&(n % 1000)).copied()
//!     };
//!     let tree = || {
//!         let map: BTreeMap<u64, u64> = (0..1000).map(|n| (n, n)).collect();
//!         move |n| map.get(&(n % 1000)).copied()
//!     };
//!     Suite::new()
//!         .paired("hash_get", "tree_get", 1, hash, tree)
//!         .load("hash_get", load_of("1_000_000 /s", "1 s").in_batches_of(64), move || {
//!             let mut get = hash();
//!             move |n| get(n).is_some()
//!         })
//!         .run()
//! }
//! ```
//!
//! Each workload is built by its set-up closure inside the process that measures it, and is told
//! the running number of the operation, so that it can walk its keys. Started by `cargo bench`
//! without the gate, a suite measures every case once, briefly, and prints a line for each.

mod blocks;
mod load;
mod memory;
mod offered;
mod print;
mod worker;

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

pub use memory::{COUNTING_ALLOCATOR, CountingAllocator};
pub use offered::{Offered, load_of};

use self::worker::{Loop, Worker};
use crate::machine::{Machine, Watcher};
use crate::protocol::{Case, Catalog, Method, Order, REQUEST, Request, Task};
use crate::result::{Measurement, SCHEMA, Sample};

/// Makes a fresh workload; runs in the process that measures it.
type SetUp = Box<dyn Fn() -> Box<dyn Worker>>;
type SetUpLoad = Box<dyn Fn() -> Box<dyn FnMut(u64) -> bool>>;

/// The operations that a benchmark program can measure.
#[derive(Default)]
pub struct Suite {
    entries: Vec<Entry>,
}

struct Entry {
    case: Case,
    workload: Workload,
}

enum Workload {
    Timed { threads: u32, operation: SetUp },
    Paired { threads: u32, operation: SetUp, peer: SetUp },
    Load { operation: SetUpLoad },
    Allocations { operations: u64, operation: SetUp },
    Growth { warm_up: u64, operations: u64, operation: SetUp },
}

/// Why a program could not answer a request.
#[derive(Debug)]
pub(crate) enum MeasureError {
    Request(String),
    UnknownCase(String),
    NotCounting,
    Histogram(String),
    Write(String),
}

impl Suite {
    /// A suite without operations.
    pub fn new() -> Self {
        Self::default()
    }

    /// Measures `operation` back to back on `threads` threads at once, each with a clone of the
    /// workload that `set_up` returns.
    #[must_use]
    pub fn timed<F, R>(
        self,
        operation: &str,
        threads: u32,
        set_up: impl Fn() -> F + 'static,
    ) -> Self
    where
        F: FnMut(u64) -> R + Clone + Send + 'static,
    {
        self.with(operation, Method::Timed, Workload::Timed { threads, operation: erase(set_up) })
    }

    /// Measures `operation` and `peer` in short alternating blocks, on `threads` threads at once.
    /// Both get the same running numbers and the same number of operations a block; give them the
    /// same keys, entries and returned value.
    #[must_use]
    pub fn paired<F, R, P, Q>(
        self,
        operation: &str,
        peer: &str,
        threads: u32,
        set_up: impl Fn() -> F + 'static,
        set_up_peer: impl Fn() -> P + 'static,
    ) -> Self
    where
        F: FnMut(u64) -> R + Clone + Send + 'static,
        P: FnMut(u64) -> Q + Clone + Send + 'static,
    {
        let workload =
            Workload::Paired { threads, operation: erase(set_up), peer: erase(set_up_peer) };
        self.with(operation, Method::Paired { peer: peer.to_owned() }, workload)
    }

    /// Offers `operation` a load and times it from the intended start. The workload says whether
    /// each operation succeeded. A budget's `rate` and `duration` replace those of `offered`.
    ///
    /// An operation that is cheaper than about ten readings of the clock (some 250 ns) has no
    /// latency of its own that could be measured: offer it [in batches](Offered::in_batches_of);
    /// what is recorded then is the latency of a whole batch.
    #[must_use]
    pub fn load<F>(
        self,
        operation: &str,
        offered: Offered,
        set_up: impl Fn() -> F + 'static,
    ) -> Self
    where
        F: FnMut(u64) -> bool + 'static,
    {
        let workload = Workload::Load { operation: Box::new(move || Box::new(set_up())) };
        self.with(operation, offered.method(), workload)
    }

    /// Counts the allocations of `operations` operations, after as many to warm up. The program
    /// must install the [`CountingAllocator`].
    #[must_use]
    pub fn allocations<F, R>(
        self,
        operation: &str,
        operations: u64,
        set_up: impl Fn() -> F + 'static,
    ) -> Self
    where
        F: FnMut(u64) -> R + Clone + Send + 'static,
    {
        let workload = Workload::Allocations { operations, operation: erase(set_up) };
        self.with(operation, Method::Allocations, workload)
    }

    /// Compares live bytes after `warm_up` operations with those after `operations` more. The
    /// program must install the [`CountingAllocator`], and an operation must leave nothing in
    /// progress when it returns.
    #[must_use]
    pub fn growth<F, R>(
        self,
        operation: &str,
        warm_up: u64,
        operations: u64,
        set_up: impl Fn() -> F + 'static,
    ) -> Self
    where
        F: FnMut(u64) -> R + Clone + Send + 'static,
    {
        let workload = Workload::Growth { warm_up, operations, operation: erase(set_up) };
        self.with(operation, Method::Growth, workload)
    }

    /// Answers the gate's request, or measures and prints everything if there is none. The
    /// program's `main` returns what this returns: 0, or 1 after a message on standard error.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let answered = match std::env::var(REQUEST) {
            Ok(request) => self.answer(&request),
            Err(_) => self.print_all(),
        };
        match answered {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("failed to {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn with(mut self, operation: &str, method: Method, workload: Workload) -> Self {
        let case = Case { operation: operation.to_owned(), method };
        self.entries.push(Entry { case, workload });
        self
    }

    fn answer(&self, request: &str) -> Result<(), MeasureError> {
        let request: Request = serde_json::from_str(request)
            .map_err(|error| MeasureError::Request(error.to_string()))?;
        match request.task {
            Task::List => {
                let cases = self.entries.iter().map(|entry| entry.case.clone()).collect();
                write(&request.out, &Catalog { schema: SCHEMA, cases })
            }
            Task::Measure(order) => write(&request.out, &self.sample(order)?),
        }
    }

    fn print_all(&self) -> Result<(), MeasureError> {
        // `cargo bench -- WORDS` selects by name, as every bench program does.
        let words: Vec<String> =
            std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
        for entry in &self.entries {
            let case = entry.case.clone();
            if words.is_empty() || words.iter().any(|word| case.describe().contains(word.as_str()))
            {
                let measured = entry.measure(&case.method, Duration::from_millis(200))?;
                println!("{:<48} {}", case.describe(), print::summary(&measured));
            }
        }
        Ok(())
    }

    fn sample(&self, order: Order) -> Result<Sample, MeasureError> {
        let entry = self
            .entries
            .iter()
            .find(|entry| entry.case.has_method_of(&order.case))
            .ok_or_else(|| MeasureError::UnknownCase(order.case.describe()))?;
        let duration = Duration::try_from_secs_f64(order.duration_ns / 1e9)
            .map_err(|error| MeasureError::Request(error.to_string()))?;
        let watcher = Watcher::start();
        let measurement = entry.measure(&order.case.method, duration)?;
        Ok(Sample {
            schema: SCHEMA,
            run_id: order.run_id,
            operation: order.case.operation,
            round: order.round,
            measurement,
            machine: Machine::this().fingerprint,
            conditions: watcher.finish(),
        })
    }
}

impl Entry {
    /// Measures once. `method` states the load, which the gate may have changed.
    fn measure(&self, method: &Method, duration: Duration) -> Result<Measurement, MeasureError> {
        let needs_counting =
            matches!(self.workload, Workload::Allocations { .. } | Workload::Growth { .. });
        if needs_counting && !memory::is_counting() {
            return Err(MeasureError::NotCounting);
        }
        Ok(match (&self.workload, method) {
            (Workload::Timed { threads, operation }, _) => {
                blocks::timed(operation(), *threads, duration)
            }
            (Workload::Paired { threads, operation, peer }, Method::Paired { peer: name }) => {
                blocks::paired(operation(), (name.clone(), peer()), *threads, duration)
            }
            (Workload::Load { operation }, &Method::Load { rate_per_s, duration_ns, batch }) => {
                let offer = offered::checked(rate_per_s, duration_ns, batch)?;
                load::measure(&mut *operation(), offer)?
            }
            (Workload::Allocations { operations, operation }, _) => {
                memory::allocations(&mut *operation(), *operations)
            }
            (Workload::Growth { warm_up, operations, operation }, _) => {
                memory::growth(&mut *operation(), *warm_up, *operations)
            }
            _ => return Err(MeasureError::UnknownCase(self.case.describe())),
        })
    }
}

fn erase<F, R>(set_up: impl Fn() -> F + 'static) -> SetUp
where
    F: FnMut(u64) -> R + Clone + Send + 'static,
{
    Box::new(move || Box::new(Loop(set_up())))
}

/// Writes `answer` under a temporary name first, so that a reader never sees half a file.
fn write(out: &Path, answer: &impl serde::Serialize) -> Result<(), MeasureError> {
    let failed =
        |error: &dyn fmt::Display| MeasureError::Write(format!("{}: {error}", out.display()));
    let json = serde_json::to_vec(answer).map_err(|error| failed(&error))?;
    let partial = out.with_extension("partial");
    fs::write(&partial, json).map_err(|error| failed(&error))?;
    fs::rename(&partial, out).map_err(|error| failed(&error))
}

impl fmt::Debug for Suite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.entries.iter().map(|entry| entry.case.describe())).finish()
    }
}

impl fmt::Display for MeasureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request(error) => write!(f, "read the request in {REQUEST}: {error}"),
            Self::UnknownCase(case) => write!(f, "measure `{case}`: this program does not have it"),
            Self::NotCounting => f.write_str(
                "count allocations: the program does not install COUNTING_ALLOCATOR as its \
                 #[global_allocator]",
            ),
            Self::Histogram(error) => write!(f, "record latencies: {error}"),
            Self::Write(error) => write!(f, "write the answer: {error}"),
        }
    }
}
