//! Kills, cancellations, panics and full mailboxes from several tasks at once, and an account of it all
//! at the end: each agent's `Down` came once and for a reason that it was given, who was not doomed
//! lives, and of what it accepted nothing is missing.
//!
//! Runs [`ROUNDS`] rounds; with `MABEAM_STRESS_SECS=60` it goes on with further rounds for so many
//! seconds, and with `MABEAM_STRESS_SEED=7` it begins with that one. A seed determines what each task
//! does; how the tasks meet is the machine's.
#![cfg(feature = "runtime")]
#![expect(clippy::expect_used, reason = "in tests")]

#[path = "stress/agents.rs"]
mod agents;
#[path = "stress/sender.rs"]
mod sender;

use std::collections::BTreeMap;
use std::env;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use foundation::owner::{Down, MonitorId};
use mabeam::{AgentRef, Config, Mailbox, Reason, System};
use tokio::runtime::Builder;
use tokio::sync::mpsc;
use tokio::task::{JoinSet, yield_now};
use tokio::time::timeout;

use agents::{Account, Token, Watch, Watcher, Worker};
use sender::{Random, Sender, doom};

/// What is not there by then never comes.
const BOUND: Duration = Duration::from_secs(30);
const ROUNDS: u64 = 36;
const AGENTS: usize = 16;
/// Of the agents' mailboxes, in turn. The larger ones give their places back two at a time.
const PLACES: [u32; 2] = [4, 16];
const SENDERS: usize = 4;
const OPERATIONS: usize = 400;

/// What was done.
#[derive(Clone, Copy, Debug, Default)]
struct Tally {
    operations: u64,
    sent: u64,
    full: u64,
    answered: u64,
    cancelled: u64,
    ended: u64,
    passed: u64,
    doomed: u64,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.operations += other.operations;
        self.sent += other.sent;
        self.full += other.full;
        self.answered += other.answered;
        self.cancelled += other.cancelled;
        self.ended += other.ended;
        self.passed += other.passed;
        self.doomed += other.doomed;
    }
}

#[test]
fn every_agent_and_every_message_is_accounted_for() {
    let number = |name| env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let lasts = Duration::from_secs(number("MABEAM_STRESS_SECS").unwrap_or(0));
    let first = number("MABEAM_STRESS_SEED").unwrap_or(1);
    let (began, mut tally, mut seed) = (Instant::now(), Tally::default(), first);
    let runtime =
        Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
    while seed < first + ROUNDS || began.elapsed() < lasts {
        println!("seed {seed}");
        // Each seed's panic is this test's.
        let round = runtime.block_on(runtime.spawn(round(seed)));
        tally.add(&round.unwrap_or_else(|error| panic!("seed {seed}: {error}")));
        seed += 1;
    }
    println!("seeds {first}..{seed} in {:.1?}: {tally:?}", began.elapsed());
    assert!(tally.full > 0 && tally.cancelled > 0 && tally.ended > 0 && tally.passed > 0);
}

/// The agents of a round, and what is known of them.
struct Round {
    system: System,
    agents: Vec<AgentRef<Worker>>,
    dooms: Arc<[AtomicU8]>,
    monitors: Vec<MonitorId>,
    /// What the watcher has heard.
    downs: mpsc::UnboundedReceiver<Down>,
    heard: BTreeMap<MonitorId, Reason>,
}

async fn round(seed: u64) -> Tally {
    let mut config = Config::default();
    // Everything is lent, nothing is, or what is cheap.
    match seed % 3 {
        0 => config.lendable = Duration::MAX,
        1 => config.lendable = Duration::ZERO,
        _ => {}
    }
    let system = System::new(config).expect("a system");
    let (watcher, mut round) = begin(system.clone()).await;
    let token = Token::default();
    let mut senders = JoinSet::new();
    for index in 0..SENDERS {
        let sender = Sender {
            index,
            system: system.clone(),
            agents: round.agents.clone(),
            dooms: Arc::clone(&round.dooms),
            accepted: vec![0; AGENTS],
            random: Random(seed.wrapping_mul(1000) + index as u64),
            token: Arc::clone(&token),
            tally: Tally::default(),
        };
        senders.spawn(async move { (index, sender.run(OPERATIONS).await) });
    }
    let (mut tally, mut accepted) = (Tally::default(), vec![Vec::new(); SENDERS]);
    while let Some(ended) = senders.join_next().await {
        let (index, (counts, of_one)) = ended.expect("a sender");
        accepted[index] = counts;
        tally.add(&of_one);
    }
    tally.doomed = round.settle_doomed().await;
    round.check_survivors(&accepted).await;
    round.end(seed.is_multiple_of(2), watcher).await;
    assert_eq!(Arc::strong_count(&token), 1, "a message was neither handled nor dropped");
    tally
}

/// Spawns the agents, each of which can call the next one, and who watches them.
async fn begin(system: System) -> (AgentRef<Watcher>, Round) {
    let (says, downs) = mpsc::unbounded_channel();
    let watcher = system.spawn(Watcher(says)).await.expect("there is room");
    let (mut agents, mut monitors, mut next) = (Vec::new(), Vec::new(), None);
    for at in 0..AGENTS {
        let handled = Arc::new(AtomicU64::new(0));
        let worker = Worker { last: [0; SENDERS], gap: None, handled, next };
        let spawn = system.spawn(worker).mailbox(Mailbox::bounded(PLACES[at % 2]));
        let agent = spawn.await.expect("there is room");
        monitors.push(watcher.call(Watch(agent.clone())).await.expect("the watcher lives"));
        next = Some(agent.clone());
        agents.push(agent);
    }
    let dooms = (0..AGENTS).map(|_| AtomicU8::new(0)).collect();
    (watcher, Round { system, agents, dooms, monitors, downs, heard: BTreeMap::new() })
}

impl Round {
    fn doomed(&self, at: usize) -> u8 {
        self.dooms[at].load(Ordering::SeqCst)
    }

    /// Waits until the watcher has heard so many.
    async fn hear(&mut self, count: usize) {
        while self.heard.len() < count {
            let down = timeout(BOUND, self.downs.recv()).await;
            let down = down.unwrap_or_else(|_| {
                panic!("{} of {count} were heard in {BOUND:?}", self.heard.len())
            });
            let down = down.expect("the watcher lives");
            assert_eq!(self.heard.insert(down.monitor, down.reason), None, "a second down");
        }
    }

    /// An agent's place among the living is given back after its `Down`.
    async fn left(&self, count: usize) {
        let left = async {
            while self.system.agents() != count {
                yield_now().await;
            }
        };
        let waited = timeout(BOUND, left).await;
        assert!(waited.is_ok(), "{} live, not {count}", self.system.agents());
    }

    /// Whoever was doomed has ended, for a reason that it was given, and nobody else.
    async fn settle_doomed(&mut self) -> u64 {
        let doomed = (0..AGENTS).filter(|at| self.doomed(*at) != 0).count();
        self.hear(doomed).await;
        self.left(AGENTS - doomed + 1).await;
        for (at, agent) in self.agents.iter().enumerate() {
            let given = match self.heard.get(&self.monitors[at]) {
                None => 0,
                Some(Reason::Killed) => doom::KILL,
                Some(Reason::Shutdown) => doom::STOP,
                Some(Reason::Panic(message)) if &**message == "stress" => doom::PANIC,
                Some(other) => panic!("agent {at}: {other}"),
            };
            let doom = self.doomed(at);
            assert!(doom & given == given && (given == 0) == (doom == 0), "agent {at}: {doom}");
            assert_eq!(agent.has_ended(), doom != 0, "agent {at}");
        }
        doomed as u64
    }

    /// Who lives has handled all that it accepted, in order.
    async fn check_survivors(&self, accepted: &[Vec<u64>]) {
        for (at, agent) in self.agents.iter().enumerate().filter(|(at, _)| self.doomed(*at) == 0) {
            let (last, gap) = agent.call(Account).deadline(BOUND).await.expect("it lives");
            assert_eq!(gap, None, "agent {at}");
            let expected: Vec<u64> = accepted.iter().map(|counts| counts[at]).collect();
            assert_eq!(last[..], expected, "agent {at}");
        }
    }

    /// The survivors end, with their last handle or with the system, each heard of once.
    async fn end(mut self, by_shutdown: bool, watcher: AgentRef<Watcher>) {
        let reason = if by_shutdown { Reason::Shutdown } else { Reason::Normal };
        let monitors: Vec<_> = (0..AGENTS).map(|at| (self.doomed(at), self.monitors[at])).collect();
        if by_shutdown {
            // The watcher ends with the others, and may not hear of all of them.
            let ends: Vec<_> = self.agents.iter().map(AgentRef::monitor).collect();
            self.system.shutdown(BOUND).await.expect("all end in time");
            for (end, (doom, _)) in ends.into_iter().zip(&monitors) {
                let down = end.down().await.expect("each monitor hears");
                let expected = if *doom == 0 { &reason } else { &Reason::NoProc };
                assert_eq!(&down.reason, expected);
            }
        } else {
            self.agents.clear();
            self.hear(AGENTS).await;
            self.left(1).await;
            for (_, monitor) in monitors.iter().filter(|(doom, _)| *doom == 0) {
                assert_eq!(self.heard[monitor], reason);
            }
        }
        drop(watcher);
        self.left(0).await;
        // Whatever else it heard: nothing twice.
        while let Ok(down) = self.downs.try_recv() {
            assert_eq!(self.heard.insert(down.monitor, down.reason), None, "a second down");
        }
    }
}
