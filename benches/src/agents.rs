//! Agents beside bare tokio: the same work, on one runtime of two workers.
//!
//! Each operation does its work many times over within a task of the runtime, so that sending the task
//! there does not count. The peer is the plainest thing that can be built of tokio's parts: a task that
//! loops over an unbounded channel, and a oneshot channel for each answer. It has no names, no
//! deadlines, no isolation of panics and no counters.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use mabeam::{
    Agent, AgentRef, Config, Context, Handler, Message, MonitorRef, Reason, System, call_all,
};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, oneshot};

/// Calls in one operation of [`calls`].
pub const CALLS: u64 = 10_000;
/// Casts before each flush in [`casts`].
pub const BURST: u64 = 1_000;
/// Bursts in one operation of [`casts`].
pub const BURSTS: u64 = 10;
/// Agents that [`call_alls`] calls at a time.
pub const CALLED: usize = 100;
/// Fan-outs in one operation of [`call_alls`].
pub const FAN_OUTS: u64 = 20;
/// Agents spawned and stopped in one operation of [`spawns`].
pub const SPAWNED: usize = 1_000;
/// Agents that compute in one operation of [`computations`], for [`COMPUTED`] each.
pub const COMPUTING: usize = 64;
/// What each of them computes.
pub const COMPUTED: Duration = Duration::from_millis(1);
/// Agents killed in one operation of [`kills`].
pub const KILLED: usize = 1_000;

/// A runtime, and a system on it.
pub struct World {
    system: System,
    runtime: Runtime,
}

/// The agent: a number.
#[derive(Default)]
pub struct Counter(u64);

/// Adds to the number.
pub struct Add(pub u64);

/// Computes for a while.
struct Compute(Duration);

/// Says that the agent runs.
struct Flag(Arc<AtomicBool>);

impl Agent for Counter {}

impl Message for Add {
    type Reply = u64;
}

impl Message for Compute {
    type Reply = u64;
}

impl Message for Flag {
    type Reply = ();
}

impl Handler<Add> for Counter {
    async fn handle(&mut self, Add(more): Add, _context: &mut Context<Self>) -> u64 {
        self.0 += more;
        self.0
    }
}

impl Handler<Compute> for Counter {
    async fn handle(&mut self, Compute(time): Compute, _context: &mut Context<Self>) -> u64 {
        compute(time)
    }
}

impl Handler<Flag> for Counter {
    async fn handle(&mut self, Flag(flag): Flag, _context: &mut Context<Self>) {
        flag.store(true, Ordering::Release);
    }
}

impl World {
    /// With two workers.
    pub fn new() -> Arc<Self> {
        Self::with_workers(2)
    }

    /// With so many workers.
    pub fn with_workers(workers: usize) -> Arc<Self> {
        let runtime = Builder::new_multi_thread().worker_threads(workers).enable_time().build();
        let runtime = runtime.expect("a runtime");
        let within = runtime.enter();
        let system = System::new(Config::default()).expect("a system on it");
        drop(within);
        Arc::new(Self { system, runtime })
    }

    /// The system.
    pub fn system(&self) -> &System {
        &self.system
    }

    /// Runs `work` as a task of the runtime.
    pub fn run<R: Send + 'static>(&self, work: impl Future<Output = R> + Send + 'static) -> R {
        self.runtime.block_on(self.runtime.spawn(work)).expect("the work does not panic")
    }

    /// So many agents, each called once.
    pub fn spawn(&self, count: usize) -> Arc<[AgentRef<Counter>]> {
        let system = self.system.clone();
        self.run(async move {
            let mut agents = Vec::with_capacity(count);
            for _ in 0..count {
                let agent = system.spawn(Counter(0)).await.expect("there is room");
                agent.call(Add(1)).await.expect("it lives");
                agents.push(agent);
            }
            agents.into()
        })
    }
}

/// Computes for so long, by the clock.
fn compute(time: Duration) -> u64 {
    let (began, mut rounds) = (Instant::now(), 0);
    while began.elapsed() < time {
        rounds = black_box(rounds + 1);
    }
    rounds
}

/// What the peer's task receives.
type Note = (u64, Option<oneshot::Sender<u64>>);

/// The peer's agent.
fn counting_task() -> mpsc::UnboundedSender<Note> {
    let (notes, mut inbox) = mpsc::unbounded_channel::<Note>();
    tokio::spawn(async move {
        let mut number = 0;
        while let Some((more, answer)) = inbox.recv().await {
            number += more;
            if let Some(answer) = answer {
                let _ = answer.send(number);
            }
        }
    });
    notes
}

/// The peer's call.
async fn ask(task: &mpsc::UnboundedSender<Note>, more: u64) -> u64 {
    let (answer, answered) = oneshot::channel();
    drop(task.send((more, Some(answer))));
    answered.await.expect("the task lives")
}

/// `agent_call`: [`CALLS`] calls of an idle agent, one after another.
pub fn calls() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::new();
    let agents = world.spawn(1);
    move |_| {
        let agents = Arc::clone(&agents);
        world.run(async move {
            for _ in 1..CALLS {
                agents[0].call(Add(1)).await.expect("it lives");
            }
            agents[0].call(Add(1)).await.expect("it lives")
        })
    }
}

/// The peer of [`calls`].
pub fn tokio_calls() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::new();
    let task = world.run(async { counting_task() });
    move |_| {
        let task = task.clone();
        world.run(async move {
            for _ in 1..CALLS {
                ask(&task, 1).await;
            }
            ask(&task, 1).await
        })
    }
}

/// `agent_cast`: [`BURSTS`] times [`BURST`] casts and a call that waits for them, with so many workers.
pub fn casts(workers: usize) -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::with_workers(workers);
    let agents = world.spawn(1);
    move |_| {
        let agents = Arc::clone(&agents);
        world.run(async move {
            let mut sum = 0;
            for _ in 0..BURSTS {
                for _ in 0..BURST {
                    agents[0].cast(Add(1)).expect("there is room");
                }
                sum = agents[0].call(Add(0)).await.expect("it lives");
            }
            sum
        })
    }
}

/// The peer of [`casts`].
pub fn tokio_casts(workers: usize) -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::with_workers(workers);
    let task = world.run(async { counting_task() });
    move |_| {
        let task = task.clone();
        world.run(async move {
            let mut sum = 0;
            for _ in 0..BURSTS {
                for _ in 0..BURST {
                    drop(task.send((1, None)));
                }
                sum = ask(&task, 0).await;
            }
            sum
        })
    }
}

/// `agent_call_all`: [`FAN_OUTS`] times [`CALLED`] idle agents are called as one operation.
pub fn call_alls() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    let agents = world.spawn(CALLED);
    move |_| {
        let agents = Arc::clone(&agents);
        world.run(async move {
            let mut answered = 0;
            for _ in 0..FAN_OUTS {
                answered += call_all(agents.iter(), |_| Add(1)).await.count_ok();
            }
            assert_eq!(answered, agents.len() * usize::try_from(FAN_OUTS).unwrap_or(0));
            answered
        })
    }
}

/// The peer of [`call_alls`]: all are asked, then all answers awaited.
pub fn tokio_call_alls() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let world = World::new();
    let tasks: Arc<[_]> = world.run(async { (0..CALLED).map(|_| counting_task()).collect() });
    move |_| {
        let tasks = Arc::clone(&tasks);
        world.run(async move {
            let mut sum = 0;
            for _ in 0..FAN_OUTS {
                let mut answers = Vec::with_capacity(tasks.len());
                for task in &*tasks {
                    let (answer, answered) = oneshot::channel();
                    drop(task.send((1, Some(answer))));
                    answers.push(answered);
                }
                for answer in answers {
                    sum += answer.await.expect("the task lives");
                }
            }
            sum
        })
    }
}

/// `agent_computations`: [`COMPUTING`] agents are called together and compute [`COMPUTED`] each.
pub fn computations() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    let agents = world.spawn(COMPUTING);
    move |_| {
        let agents = Arc::clone(&agents);
        world.run(async move { call_all(agents.iter(), |_| Compute(COMPUTED)).await.count_ok() })
    }
}

/// The peer of [`computations`]: plain tasks.
pub fn tokio_computations() -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    move |_| {
        world.run(async {
            let work = || tokio::spawn(async { compute(COMPUTED) });
            let tasks: Vec<_> = (0..COMPUTING).map(|_| work()).collect();
            let mut done = 0;
            for task in tasks {
                done += usize::from(task.await.is_ok());
            }
            done
        })
    }
}

/// `agent_runs_elsewhere`: an agent is sent a cast by a task that computes until the agent has run.
///
/// # Panics
///
/// If it has not run within 100 ms: then it waits for the sender.
pub fn runs_elsewhere() -> impl FnMut(u64) + Clone + Send + 'static {
    let world = World::new();
    let agents = world.spawn(1);
    move |_| {
        let agents = Arc::clone(&agents);
        world.run(async move {
            let (began, flag) = (Instant::now(), Arc::new(AtomicBool::new(false)));
            agents[0].cast(Flag(Arc::clone(&flag))).expect("there is room");
            while !flag.load(Ordering::Acquire) {
                assert!(
                    began.elapsed() < Duration::from_millis(100),
                    "the agent waits for its sender"
                );
                std::hint::spin_loop();
            }
        });
    }
}

/// `agent_spawn`: [`SPAWNED`] agents are spawned and, with their last handle, stopped, beside
/// `others`; over when all have ended.
pub fn spawns(others: usize) -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    let others = world.spawn(others);
    move |_| {
        let (system, others) = (world.system.clone(), others.len());
        world.run(async move {
            for _ in 0..SPAWNED {
                drop(system.spawn(Counter(0)).await.expect("there is room"));
            }
            while system.agents() > others {
                tokio::task::yield_now().await;
            }
            others
        })
    }
}

/// `agent_kill`: [`KILLED`] agents are spawned, monitored and killed beside `others`; over when each
/// `Down` came.
pub fn kills(others: usize, killed: usize) -> impl FnMut(u64) -> usize + Clone + Send + 'static {
    let world = World::new();
    let others = world.spawn(others);
    move |_| {
        let (system, others) = (world.system.clone(), Arc::clone(&others));
        world.run(async move {
            let mut agents = Vec::with_capacity(killed);
            for _ in 0..killed {
                agents.push(system.spawn(Counter(0)).await.expect("there is room"));
            }
            let monitors: Vec<MonitorRef> = agents.iter().map(AgentRef::monitor).collect();
            agents.iter().for_each(AgentRef::kill);
            let mut downs = 0;
            for monitor in monitors {
                let down = monitor.down().await.expect("nobody took it");
                downs += usize::from(down.reason == Reason::Killed);
            }
            assert_eq!(downs, killed, "each monitor heard why");
            downs + others.len()
        })
    }
}

/// `agent_resident`: an agent is spawned, called once and kept.
pub fn kept() -> impl FnMut(u64) + Clone + Send + 'static {
    let (system, runtime) = single();
    let agents = Arc::new(std::sync::Mutex::new(Vec::new()));
    move |_| {
        let agent = runtime.block_on(async {
            let agent = system.spawn(Counter(0)).await.expect("there is room");
            agent.call(Add(1)).await.expect("it lives");
            agent
        });
        agents.lock().expect("nobody panics").push(agent);
    }
}

/// One call of an idle agent, for counting what it allocates.
pub fn one_call() -> impl FnMut(u64) -> u64 + Clone + Send + 'static {
    let (system, runtime) = single();
    let agent = runtime.block_on(system.spawn(Counter(0)).into_future()).expect("there is room");
    move |_| {
        let _system = &system;
        runtime.block_on(agent.call(Add(1))).expect("it lives")
    }
}

/// One cast, handled before the next, for counting what it allocates.
pub fn one_cast() -> impl FnMut(u64) + Clone + Send + 'static {
    let (system, runtime) = single();
    let agent = runtime.block_on(system.spawn(Counter(0)).into_future()).expect("there is room");
    move |n| {
        let _system = &system;
        agent.cast(Add(1)).expect("there is room");
        if n % 64 == 63 {
            while agent.any().handled() < n {
                runtime.block_on(tokio::task::yield_now());
            }
        }
    }
}

/// One agent comes and goes.
pub fn one_spawn() -> impl FnMut(u64) + Clone + Send + 'static {
    let (system, runtime) = single();
    move |_| {
        runtime.block_on(async {
            drop(system.spawn(Counter(0)).await.expect("there is room"));
            while system.agents() > 0 {
                tokio::task::yield_now().await;
            }
        });
    }
}

/// A system on a runtime of one thread, which runs only while something is waited for.
fn single() -> (System, Arc<Runtime>) {
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime");
    let within = runtime.enter();
    let system = System::new(Config::default()).expect("a system on it");
    drop(within);
    (system, Arc::new(runtime))
}
