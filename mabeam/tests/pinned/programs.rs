//! Random programs with one agent, beside a plain model.

#![expect(clippy::unwrap_used, reason = "in tests")]

use mabeam::Reason;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::test_runner::TestRunner;
use tokio::time::timeout;

use super::desk::{Add, Panics, SOON, Tick, desk, end, suspend, system, two_workers};

/// One step of a program with one agent.
#[derive(Clone, Debug)]
enum Step {
    Cast(u8),
    Call(u8),
    /// Makes the agent wait, if it does not.
    Suspend,
    /// Lets it go on, if it waits.
    Release,
    Tick,
    Handle,
}

/// How a program ends its agent.
#[derive(Clone, Copy, Debug)]
enum Finish {
    LastHandle,
    Stop,
    Kill,
    Panic,
    System,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<u8>().prop_map(Step::Cast),
        4 => any::<u8>().prop_map(Step::Call),
        2 => Just(Step::Suspend),
        2 => Just(Step::Release),
        1 => Just(Step::Tick),
        1 => Just(Step::Handle),
    ]
}

fn finish() -> impl Strategy<Value = Finish> {
    prop_oneof![
        Just(Finish::LastHandle),
        Just(Finish::Stop),
        Just(Finish::Kill),
        Just(Finish::Panic),
        Just(Finish::System),
    ]
}

/// Runs a program beside its model, which is a sum and whether the agent waits.
async fn run(steps: Vec<Step>, finish: Finish) {
    let system = system();
    let (desk, trace) = desk(&system).await;
    let (mut sum, mut waits, mut more) = (0, None, Vec::new());
    for step in steps {
        match step {
            Step::Cast(n) => {
                desk.cast(Add(n.into())).unwrap();
                sum += u64::from(n);
            }
            Step::Call(n) => {
                // Dropped, so what waits is released.
                drop(waits.take());
                sum += u64::from(n);
                assert_eq!(timeout(SOON, desk.call(Add(n.into()))).await.unwrap().unwrap(), sum);
            }
            Step::Suspend if waits.is_none() => waits = Some(suspend(&desk).await),
            Step::Release => drop(waits.take()),
            Step::Tick => drop(desk.try_cast(Tick)),
            Step::Handle => more.push(desk.clone()),
            Step::Suspend => {}
        }
    }
    let monitor = desk.monitor();
    // What is told before the end is done before it, unless that cuts it short.
    let (reason, is_cut) = match finish {
        Finish::LastHandle => {
            drop((desk, more));
            (Reason::Normal, false)
        }
        Finish::Stop => {
            desk.stop(Reason::Failed("enough".into()));
            (Reason::Failed("enough".into()), true)
        }
        Finish::Kill => {
            desk.kill();
            (Reason::Killed, true)
        }
        Finish::Panic => {
            desk.cast(Panics).unwrap();
            (Reason::Panic("as it was told".into()), false)
        }
        Finish::System => {
            drop(system);
            (Reason::Shutdown, true)
        }
    };
    if !matches!(finish, Finish::Kill) {
        drop(waits.take());
    }
    assert_eq!(end(monitor).await, reason);
    let words = trace.at_home();
    let count = |what: &str| words.iter().filter(|word| *word == what).count();
    assert_eq!((count("make"), count("init"), count("drop")), (1, 1, 1));
    assert_eq!(words.last().unwrap(), "drop");
    let exits: Vec<_> = words.iter().filter(|word| word.starts_with("exit ")).collect();
    match finish {
        Finish::Kill | Finish::Panic => assert!(exits.is_empty(), "{exits:?}"),
        _ if is_cut => assert_eq!(exits.len(), 1),
        _ => assert_eq!(exits, [&format!("exit {reason} {sum}")]),
    }
}

#[test]
fn whatever_happens_to_an_agent_happens_at_home() {
    let runtime = two_workers();
    let config = ProptestConfig { cases: 200, failure_persistence: None, ..Default::default() };
    let program = (proptest::collection::vec(step(), 0..24), finish());
    let ran = TestRunner::new(config).run(&program, |(steps, finish)| {
        runtime.block_on(run(steps, finish));
        Ok(())
    });
    ran.unwrap();
}
