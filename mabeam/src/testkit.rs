//! Tests of small systems: virtual time, schedules from a seed, panics and leaks that fail the test.
//! Needs the feature `testkit`.
//!
//! ```
//! use std::time::Duration;
//!
//! use mabeam::testkit::{self, Kit};
//! use mabeam::{Agent, Context, Handler, Message, Recipient};
//!
//! #[derive(Debug, PartialEq)]
//! struct Tick(u32);
//! impl Message for Tick { type Reply = (); }
//!
//! /// Passes a tick on after an hour.
//! struct Slow(Recipient<Tick>);
//! impl Agent for Slow {}
//! impl Handler<Tick> for Slow {
//!     async fn handle(&mut self, tick: Tick, context: &mut Context<Self>) {
//!         let next = self.0.clone();
//!         context.spawn(async move {
//!             let hour = Duration::from_secs(3600);
//!             let _ = tokio::time::timeout(hour, std::future::pending::<()>()).await;
//!             let _ = next.cast(tick);
//!         });
//!     }
//! }
//!
//! // Twenty schedules; each ends when everything that it began has ended.
//! testkit::explore(0..20, |kit: Kit| async move {
//!     let mut probe = kit.probe::<Tick>().await;
//!     let slow = kit.spawn(Slow(probe.recipient())).await.expect("it has no `init`");
//!     slow.cast(Tick(7)).expect("it has a place");
//!     probe.expect_none(Duration::from_secs(3599)).await;
//!     probe.expect(Tick(7)).await;
//! });
//! ```
//!
//! # What is deterministic
//!
//! The system runs on one thread. After each turn the next agent is drawn, with the seed, from those that
//! have something to do; what else is ready, the body and tasks of agents, may go first. Mail of one sender
//! stays in its order. Time stands still while anything can run, and then jumps to the next timer. No call
//! is lent a thread, which would depend on what things cost; a drawn schedule can have the same order. So
//! the same seed gives the same run, if the agents themselves do the same: `tokio::select!` without
//! `biased`, the order of a std `HashMap`, wall clocks, other threads and [pinned
//! agents](crate::System::spawn_pinned), which have threads of their own, do not.

use std::fmt;
use std::future::pending;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::timeout;

use crate::kernel::panics::message_of;
use crate::kernel::resident::Resident;
use crate::sync::{Mutex, Ordering, lock};
use crate::witness::Witness;
use crate::{Agent, AgentId, Config, Message, Spawn, System};

mod probe;

pub use probe::{Probe, Recorder};

/// How long, in virtual time, agents may take to end after the body of a test has.
const LEAVE: Duration = Duration::from_secs(60);

/// What the body of a test has: a system, and what it expects of it. Clones are the same.
#[derive(Clone, Debug)]
pub struct Kit {
    system: System,
    seed: u64,
    /// Parts of the messages of panics that are to come.
    expected: Arc<Mutex<Vec<String>>>,
}

/// A test failed.
#[derive(Debug)]
#[non_exhaustive]
pub struct Failure {
    /// With which seed; the same one fails again.
    pub seed: u64,
    /// What is wrong.
    pub problems: Vec<Problem>,
}

/// Something that makes a test fail.
#[derive(Debug)]
#[non_exhaustive]
pub enum Problem {
    /// The system could not be started.
    Start(String),
    /// The body panicked.
    Body(String),
    /// An agent panicked, which was not [expected](Kit::expect_panic).
    Panicked {
        /// Its name, or its id.
        agent: String,
        /// What it panicked with.
        message: String,
    },
    /// No agent panicked so, which was expected.
    DidNotPanic(String),
    /// An agent lived on after the body had ended.
    Leaked(Leak),
}

/// An agent that lives after the body of its test has ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct Leak {
    /// Its name, or its id.
    pub agent: String,
    /// The name of its type.
    pub type_name: &'static str,
    /// How many handles there are, its name among them.
    pub handles: usize,
    /// Whether it waits for mail, and not in a handler.
    pub is_idle: bool,
    /// Its supervisor.
    pub parent: Option<AgentId>,
    has_name: bool,
}

/// Runs a test: the body, and when that has ended, whatever its agents have to do yet.
///
/// # Panics
///
/// If the body panics, an agent panics that was not [expected](Kit::expect_panic) to, or an agent lives
/// when its handles are gone; the message has the seed.
#[track_caller]
pub fn run<F: Future<Output = ()>>(seed: u64, body: impl FnOnce(Kit) -> F) {
    if let Err(failure) = check(Config::default(), seed, body) {
        panic!("{failure}");
    }
}

/// Runs a test with each of the seeds, until one fails.
///
/// # Panics
///
/// As [`run`], which then fails with the same seed.
#[track_caller]
pub fn explore<F: Future<Output = ()>>(
    seeds: impl IntoIterator<Item = u64>,
    body: impl Fn(Kit) -> F,
) {
    for seed in seeds {
        run(seed, &body);
    }
}

/// The same as [`run`], with a configuration, but says what failed. [`Config::lendable`] is not heeded.
pub fn check<F: Future<Output = ()>>(
    config: Config,
    seed: u64,
    body: impl FnOnce(Kit) -> F,
) -> Result<(), Failure> {
    let problems = match attempt(config, seed, body) {
        Ok(problems) => problems,
        Err(error) => vec![Problem::Start(error.to_string())],
    };
    if problems.is_empty() { Ok(()) } else { Err(Failure { seed, problems }) }
}

fn attempt<F: Future<Output = ()>>(
    mut config: Config,
    seed: u64,
    body: impl FnOnce(Kit) -> F,
) -> io::Result<Vec<Problem>> {
    // The body is polled between any two tasks, and not only when there is none.
    let mut builder = Builder::new_current_thread();
    let runtime = builder.enable_all().event_interval(1).start_paused(true).build()?;
    let witness = Arc::new(Witness::new(seed));
    config.lendable = Duration::ZERO;
    config.witness = Some(Arc::clone(&witness));
    let system = runtime.block_on(async { System::new(config) }).map_err(io::Error::other)?;
    let expected = Arc::new(Mutex::new(Vec::new()));
    let kit = Kit { system: system.clone(), seed, expected: Arc::clone(&expected) };
    let ran = catch_unwind(AssertUnwindSafe(|| runtime.block_on(async { body(kit).await })));
    let mut problems = Vec::new();
    match ran {
        Ok(()) => {
            let leaks = runtime.block_on(leaks(&system));
            problems.extend(leaks.into_iter().map(Problem::Leaked));
        }
        Err(panic) => problems.push(Problem::Body(message_of(panic).to_string())),
    }
    let _ = runtime.block_on(system.shutdown(LEAVE));
    drop(system);
    drop(runtime);
    let mut expected = std::mem::take(&mut *lock(&expected));
    for panicked in witness.panics() {
        match expected.iter().position(|part| panicked.message.contains(part)) {
            Some(place) => drop(expected.remove(place)),
            None => problems.push(Problem::Panicked {
                agent: panicked.agent,
                message: panicked.message.to_string(),
            }),
        }
    }
    if !problems.iter().any(|problem| matches!(problem, Problem::Body(_))) {
        problems.extend(expected.into_iter().map(Problem::DidNotPanic));
    }
    Ok(problems)
}

/// Agents that do not end.
async fn leaks(system: &System) -> Vec<Leak> {
    let living = || system.shared().living.all();
    let ends = async {
        while let Some(resident) = living().pop() {
            crate::handle::monitor(&*resident).down().await;
        }
    };
    let _ = timeout(LEAVE, ends).await;
    living().iter().map(|resident| Leak::of(&**resident)).collect()
}

impl Kit {
    /// The system that is tested.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// What the schedule is drawn from.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// As [`System::spawn`].
    pub fn spawn<A: Agent>(&self, agent: A) -> Spawn<A> {
        self.system.spawn(agent)
    }

    /// An agent that records what it is sent, and answers with the default.
    ///
    /// # Panics
    ///
    /// If the system is full or shuts down.
    pub async fn probe<M: Message<Reply: Default>>(&self) -> Probe<M> {
        self.probe_with(|_| M::Reply::default()).await
    }

    /// An agent that records what it is sent, and answers with what `reply` makes of it.
    ///
    /// # Panics
    ///
    /// If the system is full or shuts down.
    pub async fn probe_with<M: Message>(
        &self,
        reply: impl FnMut(&M) -> M::Reply + Send + 'static,
    ) -> Probe<M> {
        Probe::spawn(&self.system, reply).await
    }

    /// An agent is going to panic, or has, with a message that contains `part`: once for each time that
    /// this is called. If none does until the test ends, it fails.
    pub fn expect_panic(&self, part: impl Into<String>) {
        lock(&self.expected).push(part.into());
    }

    /// Waits until no agent has anything to do but to wait for time to pass, or for the body.
    pub async fn settle(&self) {
        self.system.shared().at_rest().await;
    }

    /// Lets so much time pass: whatever is due meanwhile happens, in its order.
    pub async fn advance(&self, time: Duration) {
        let _ = timeout(time, pending::<()>()).await;
    }
}

impl Leak {
    fn of(resident: &dyn Resident) -> Self {
        let agent = resident.label();
        Self {
            has_name: agent != resident.id().to_string(),
            agent,
            type_name: resident.type_name(),
            handles: resident.handles().load(Ordering::Relaxed),
            is_idle: resident.is_idle(),
            parent: resident.parent(),
        }
    }
}

impl fmt::Display for Leak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}) did not end: ", self.agent, self.type_name)?;
        match (self.parent, self.handles) {
            (Some(parent), _) => write!(f, "its supervisor {parent} lives")?,
            (None, 0) => f.write_str("no handle is left")?,
            (None, 1) if self.has_name => f.write_str("its name keeps it; stop it")?,
            (None, handles) => write!(f, "there are {handles} handles")?,
        }
        f.write_str(if self.is_idle { "" } else { ", and it waits in a handler" })
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(error) => write!(f, "the system could not be started: {error}"),
            Self::Body(message) => f.write_str(message),
            Self::Panicked { agent, message } => write!(f, "{agent} panicked: {message}"),
            Self::DidNotPanic(part) => write!(f, "no agent panicked with `{part}`"),
            Self::Leaked(leak) => leak.fmt(f),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "failed with seed {}", self.seed)?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n- {problem}"))
    }
}

impl std::error::Error for Failure {}
