//! Memory: what an agent's turns allocate is charged to its account, also while it is lent a thread,
//! and an agent above its limit ends between two polls.
#![cfg(feature = "runtime")]
#![expect(clippy::unwrap_used, reason = "in tests")]

#[path = "support/doer.rs"]
mod support;

use std::alloc::System as SystemAllocator;

use foundation::memory::{Account, Accounting};
use foundation::owner::Reason;
use mabeam::{Agent, AgentRef, CallError, Handler, MemoryShort, Message, System};
use tokio::sync::oneshot;

use support::{is_marked, lends, marked, on_both, reason, schedules};

#[global_allocator]
static ALLOCATOR: Accounting<SystemAllocator> = Accounting::new(SystemAllocator);

const LIMIT_BYTES: u64 = 1 << 20;

/// Keeps what it is told to.
#[derive(Default)]
struct Hoarder {
    kept: Vec<Vec<u8>>,
}

/// Keep so many bytes; answers whether this ran on the caller's stack.
struct Keep(usize);

/// Keep so many bytes, then wait for this.
struct KeepAndWait(usize, oneshot::Receiver<()>);

impl Agent for Hoarder {}

impl Message for Keep {
    type Reply = bool;
}

impl Message for KeepAndWait {
    type Reply = ();
}

impl Handler<Keep> for Hoarder {
    async fn handle(&mut self, Keep(bytes): Keep, _: &mut mabeam::Context<Self>) -> bool {
        self.kept.push(vec![1; bytes]);
        is_marked()
    }
}

impl Handler<KeepAndWait> for Hoarder {
    async fn handle(
        &mut self,
        KeepAndWait(bytes, gate): KeepAndWait,
        _: &mut mabeam::Context<Self>,
    ) {
        self.kept.push(vec![1; bytes]);
        drop(gate.await);
    }
}

async fn hoarder(system: &System) -> (AgentRef<Hoarder>, Account) {
    let account = Account::new().unwrap();
    let spawn = system.spawn(Hoarder::default()).memory(account.clone(), LIMIT_BYTES);
    (spawn.await.unwrap(), account)
}

/// Calls until a call is lent: then the agent is idle and the cost known.
async fn settle(agent: &AgentRef<Hoarder>) {
    while !marked(agent.call(Keep(1))).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[test]
fn while_lent_the_memory_account_is_the_agents() {
    const BYTES: usize = 300_000;
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, account) = hoarder(&system).await;
        settle(&agent).await;
        let before = account.live().unwrap();
        let callers = Account::new().unwrap();
        let call = callers.track_future(marked(agent.call(Keep(BYTES))));
        assert!(call.await.unwrap(), "lent");
        let grown = account.live().unwrap() - before;
        assert!((BYTES as u64..BYTES as u64 + 65_536).contains(&grown), "{grown} bytes");
        assert!(callers.live().unwrap() < 65_536, "the caller is charged for nothing of it");
    });
}

#[test]
fn an_agent_that_went_above_its_limit_in_a_scheduled_turn_ends() {
    on_both(|| async {
        let system = System::new(schedules()).unwrap();
        let (agent, _account) = hoarder(&system).await;
        let monitor = agent.monitor();
        agent.call(Keep(100_000)).await.expect("below its limit");
        agent.call(Keep(2 << 20)).await.expect("one poll can overshoot");
        assert_eq!(reason(monitor).await, Reason::MemoryLimit);
        agent.call(Keep(1)).await.expect_err("it ended");
    });
}

#[test]
fn an_agent_that_went_above_its_limit_in_a_lent_turn_ends() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, _account) = hoarder(&system).await;
        settle(&agent).await;
        let monitor = agent.monitor();
        assert!(marked(agent.call(Keep(2 << 20))).await.expect("one poll can overshoot"), "lent");
        assert_eq!(reason(monitor).await, Reason::MemoryLimit);
    });
}

#[test]
fn an_agent_that_only_ever_is_lent_threads_grows_no_further_than_one_poll_above_its_limit() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (agent, _account) = hoarder(&system).await;
        settle(&agent).await;
        let mut answered = 0_u64;
        while answered < 100 && agent.call(Keep(64 << 10)).await.is_ok() {
            answered += 1;
        }
        assert!((15..=18).contains(&answered), "{answered} times 64 KiB within 1 MiB");
    });
}

#[test]
fn an_agent_that_is_above_its_limit_as_it_waits_ends_between_two_polls() {
    on_both(|| async {
        for config in [lends(), schedules()] {
            let system = System::new(config).unwrap();
            let (agent, _account) = hoarder(&system).await;
            let monitor = agent.monitor();
            let (_open, gate) = oneshot::channel();
            let failed = agent.call(KeepAndWait(2 << 20, gate)).await.expect_err("it waits");
            let CallError::Exited { reason: told, .. } = failed else { panic!("{failed}") };
            assert_eq!(told, Reason::MemoryLimit);
            assert_eq!(reason(monitor).await, Reason::MemoryLimit);
        }
    });
}

#[test]
fn what_an_ended_agent_kept_is_given_back() {
    on_both(|| async {
        let system = System::new(schedules()).unwrap();
        let (agent, account) = hoarder(&system).await;
        let monitor = agent.monitor();
        agent.call(Keep(2 << 20)).await.unwrap();
        assert_eq!(reason(monitor).await, Reason::MemoryLimit);
        assert!(account.live().unwrap() < 65_536);
    });
}

/// Lets go what it keeps when it is told to.
#[derive(Default)]
struct Cache {
    kept: Vec<Vec<u8>>,
    told: u32,
}

/// Keep so many bytes; answers how often it was told that memory gets short.
struct Remember(usize);

impl Agent for Cache {
    async fn on_memory_short(&mut self, short: MemoryShort, _: &mut mabeam::Context<Self>) {
        assert!(short.live_bytes > short.limit_bytes / 5 * 4);
        self.told += 1;
        self.kept.clear();
    }
}

impl Message for Remember {
    type Reply = u32;
}

impl Handler<Remember> for Cache {
    async fn handle(&mut self, Remember(bytes): Remember, _: &mut mabeam::Context<Self>) -> u32 {
        self.kept.push(vec![1; bytes]);
        self.told
    }
}

#[test]
fn an_agent_is_told_in_time_to_let_go_and_lives() {
    on_both(|| async {
        for config in [lends(), schedules()] {
            let system = System::new(config).unwrap();
            let account = Account::new().unwrap();
            let spawn = system.spawn(Cache::default()).memory(account, LIMIT_BYTES);
            let agent = spawn.await.unwrap();
            let (mut told, tenth) = (0, usize::try_from(LIMIT_BYTES / 10).unwrap());
            for _ in 0..100 {
                told = agent.call(Remember(tenth)).await.unwrap();
            }
            // At nine tenths each time.
            assert!((10..=12).contains(&told), "{told}");
        }
    });
}

#[test]
fn of_a_thousand_agents_only_the_one_that_leaks_ends() {
    on_both(|| async {
        let system = System::new(schedules()).unwrap();
        let mut agents = Vec::new();
        for _ in 0..1_000 {
            agents.push(hoarder(&system).await.0);
        }
        let monitor = agents[500].monitor();
        agents[500].cast(Keep(2 << 20)).unwrap();
        for agent in &agents {
            // What is sent is not charged to those it is sent to.
            drop(agent.call(Keep(1_000)).await);
        }
        assert_eq!(reason(monitor).await, Reason::MemoryLimit);
        assert_eq!(agents.iter().filter(|agent| agent.has_ended()).count(), 1);
    });
}

#[test]
fn an_agent_below_its_limit_lives() {
    on_both(|| async {
        for config in [lends(), schedules()] {
            let system = System::new(config).unwrap();
            let (agent, _account) = hoarder(&system).await;
            for _ in 0..100 {
                agent.call(Keep(1_000)).await.unwrap();
            }
            assert!(!agent.has_ended());
        }
    });
}
