//! Calls within calls: the depth of lent ones is bounded, that of calls is not.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use mabeam::{AgentRef, CallError, Config, System};

use crate::support::{
    Doer, Work, does, in_paused_time, learn, lends, nested, on_both, schedules, settle,
};

/// A row of agents, each of which calls the next one.
struct Row {
    agents: Vec<AgentRef<Doer>>,
    deepest: Arc<AtomicUsize>,
}

impl Row {
    async fn new(system: &System, length: usize) -> Arc<Self> {
        let mut agents = Vec::new();
        for _ in 0..length {
            agents.push(system.spawn(Doer).await.unwrap());
        }
        Arc::new(Self { agents, deepest: Arc::default() })
    }

    /// Calls the agent at `place`, which calls the next. Answers how many were called.
    fn call(self: Arc<Self>, place: usize) -> Work<usize> {
        Box::pin(async move {
            let Some(agent) = self.agents.get(place) else { return 0 };
            let rest = Arc::clone(&self).call(place + 1);
            let next = nested(Arc::clone(&self.deepest), async move { 1 + rest.await });
            agent.call(does(next)).await.unwrap()
        })
    }
}

#[test]
fn lent_calls_nest_no_deeper_than_the_limit() {
    const LIMIT: u32 = 4;
    on_both(|| async {
        let mut config = lends();
        config.max_lend_depth = LIMIT;
        let system = System::new(config).unwrap();
        let row = Row::new(&system, 64).await;
        for agent in &row.agents {
            learn::<usize>(agent).await;
        }
        assert_eq!(Arc::clone(&row).call(0).await, 64);
        assert_eq!(row.deepest.load(Ordering::Relaxed), LIMIT as usize);
    });
}

fn a_chain_of_ten_thousand_calls_is_answered(config: fn() -> Config) {
    on_both(|| async move {
        let system = System::new(config()).unwrap();
        let row = Row::new(&system, 10_000).await;
        for _ in 0..3 {
            assert_eq!(Arc::clone(&row).call(0).await, 10_000);
        }
        assert!(row.deepest.load(Ordering::Relaxed) <= config().max_lend_depth as usize);
    });
}

#[test]
fn a_chain_of_ten_thousand_calls_is_answered_if_calls_are_lent() {
    a_chain_of_ten_thousand_calls_is_answered(lends);
}

#[test]
fn a_chain_of_ten_thousand_calls_is_answered_if_calls_are_scheduled() {
    a_chain_of_ten_thousand_calls_is_answered(schedules);
}

type Answer = Result<(), String>;

/// Calls each of these within the one before.
fn circle(agents: Vec<AgentRef<Doer>>, place: usize, within: Duration) -> Work<Answer> {
    Box::pin(async move {
        let Some(agent) = agents.get(place) else { return Ok(()) };
        let call = agent.call(does(circle(agents.clone(), place + 1, within))).deadline(within);
        match call.await {
            Ok(answer) => answer,
            Err(CallError::Deadline { .. }) => Err(format!("deadline at {place}")),
            Err(other) => Err(other.to_string()),
        }
    })
}

#[test]
fn calls_in_a_circle_end_with_the_deadline_and_all_agents_live_on() {
    for config in [lends, schedules] {
        in_paused_time(async move {
            let system = System::new(config()).unwrap();
            let mut agents = Vec::new();
            for _ in 0..3 {
                agents.push(system.spawn(Doer).await.unwrap());
            }
            let ring =
                vec![agents[0].clone(), agents[1].clone(), agents[2].clone(), agents[0].clone()];
            let within = Duration::from_secs(1);
            let failed = circle(ring, 0, within).await;
            // All deadlines pass at the same moment: which caller looks first is not said.
            assert!(failed.as_ref().is_err_and(|why| why.starts_with("deadline")), "{failed:?}");
            for agent in &agents {
                agent.call(does(async {})).await.expect("it lives");
                assert!(!agent.has_ended());
            }
        });
    }
}

#[test]
fn the_innermost_deadline_breaks_a_circle() {
    on_both(|| async {
        let system = System::new(lends()).unwrap();
        let (one, other) = (system.spawn(Doer).await.unwrap(), system.spawn(Doer).await.unwrap());
        learn::<bool>(&one).await;
        learn::<bool>(&other).await;
        settle(&one).await;
        let (back, there) = (one.clone(), other.clone());
        let calls_back = async move {
            let call = back.call(does(async { true })).deadline(Duration::from_millis(10));
            matches!(call.await, Err(CallError::Deadline { .. }))
        };
        let calls = async move { there.call(does(calls_back)).await.unwrap() };
        assert!(one.call(does(calls)).await.unwrap(), "the one who asked for it ran into it");
        for agent in [&one, &other] {
            agent.call(does(async {})).await.expect("it lives");
        }
    });
}

#[test]
fn an_agent_that_calls_itself_runs_into_its_deadline_and_lives_on() {
    in_paused_time(async {
        let system = System::new(lends()).unwrap();
        let agent = system.spawn(Doer).await.unwrap();
        learn::<bool>(&agent).await;
        let own = agent.clone();
        let calls_itself = async move {
            let call = own.call(does(async {})).deadline(Duration::from_secs(1));
            matches!(call.await, Err(CallError::Deadline { .. }))
        };
        assert!(agent.call(does(calls_itself)).await.unwrap());
        agent.call(does(async {})).await.expect("it lives");
    });
}
