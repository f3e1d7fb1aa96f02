//! A runtime that is dropped closes its agents and fails their callers; nobody hangs.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Wake, Waker};
use std::thread;
use std::time::Instant;

use foundation::owner::{MonitorRef, Reason};
use mabeam::{Agent, AgentRef, CallError, CastError, Handler, Message, System};
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::support::{
    BOUND, Do, Doer, Mark, Work, await_signal, does, join, lender, lends, one_thread, park,
    schedules, two_workers,
};

fn reason(mut monitor: MonitorRef) -> Reason {
    monitor.down_blocking(Instant::now() + BOUND).expect("somebody hangs").reason
}

/// Ends a runtime where it may take its time, and waits for that.
fn end(runtime: Runtime) {
    let (ended, end) = mpsc::channel();
    let thread = thread::spawn(move || {
        drop(runtime);
        ended.send(()).unwrap();
    });
    await_signal(&end);
    join(thread);
}

fn runtimes() -> [Runtime; 2] {
    [two_workers(), one_thread()]
}

#[test]
fn an_idle_agent_ends_with_its_runtime_and_gives_messages_back() {
    for runtime in runtimes() {
        let (_system, agent) = runtime.block_on(lender());
        let monitor = agent.monitor();
        end(runtime);
        assert_eq!(reason(monitor), Reason::Shutdown);
        let Err(CastError::Ended { .. }) = agent.cast(does(async {})) else { panic!("it ended") };
        let failed = park(agent.call(does(async {}))).expect_err("it ended");
        assert!(failed.into_message().is_some(), "the message comes back");
        assert_eq!(reason(agent.monitor()), Reason::NoProc);
    }
}

#[test]
fn who_calls_a_suspended_agent_is_told_when_the_runtime_is_dropped() {
    for runtime in runtimes() {
        let (_system, agent) = runtime.block_on(lender());
        let drops = crate::support::Drops::default();
        let (began, begun) = oneshot::channel();
        let mark = Mark("turn", Arc::clone(&drops));
        let waits = async move {
            let _mark = mark;
            began.send(()).unwrap();
            std::future::pending::<()>().await;
        };
        let caller = agent.clone();
        let thread = thread::spawn(move || park(caller.call(does(waits))));
        runtime.block_on(begun).unwrap();
        end(runtime);
        let failed = join(thread).expect_err("nobody can answer");
        assert!(matches!(failed, CallError::Exited { reason: Reason::Shutdown, .. }), "{failed}");
        assert_eq!(*drops.lock().unwrap(), ["turn"]);
    }
}

#[test]
fn a_runtime_dropped_under_load_leaves_nobody_hanging() {
    const CALLERS: usize = 6;
    for runtime in runtimes() {
        let answered = Arc::new(AtomicUsize::new(0));
        let system = runtime.block_on(async { System::new(lends()).unwrap() });
        let spawn = async {
            let mut agents = Vec::new();
            for _ in 0..8 {
                agents.push(system.spawn(Doer).await.unwrap());
            }
            agents
        };
        let agents = runtime.block_on(spawn);
        let monitors: Vec<_> = agents.iter().map(AgentRef::monitor).collect();
        // Tasks that call, agents that call agents, and handlers that wait.
        for (place, agent) in agents.iter().cloned().enumerate() {
            let next = agents[(place + 1) % agents.len()].clone();
            runtime.spawn(async move {
                loop {
                    let next = next.clone();
                    let calls = async move {
                        tokio::task::yield_now().await;
                        drop(next.cast(does(async { tokio::task::yield_now().await })));
                    };
                    if agent.call(does(calls)).await.is_err() {
                        break;
                    }
                }
            });
        }
        let threads: Vec<_> = (0..CALLERS)
            .map(|place| {
                let (agent, answered) = (agents[place].clone(), Arc::clone(&answered));
                thread::spawn(move || {
                    loop {
                        match park(agent.call(does(async {}))) {
                            Ok(()) => answered.fetch_add(1, Ordering::Relaxed),
                            Err(error) => return error.to_string(),
                        };
                    }
                })
            })
            .collect();
        let loaded = async {
            while answered.load(Ordering::Relaxed) < 500 {
                tokio::task::yield_now().await;
            }
        };
        runtime.block_on(async { tokio::time::timeout(BOUND, loaded).await }).unwrap();
        end(runtime);
        for thread in threads {
            let error = join(thread);
            assert!(error.contains("ended"), "{error}");
        }
        for monitor in monitors {
            assert_eq!(reason(monitor), Reason::Shutdown);
        }
        assert_eq!(system.agents(), 0);
    }
}

#[test]
fn mail_that_was_not_begun_is_a_dead_letter_when_the_runtime_is_dropped() {
    let runtime = one_thread();
    let (system, agent) = runtime.block_on(lender());
    // Nobody drives the runtime, so nothing of this begins.
    for _ in 0..10 {
        agent.cast(does(async {})).unwrap();
    }
    end(runtime);
    assert_eq!(system.dead_letter_count(), 10);
}

/// Signals when it is woken.
struct Signal(mpsc::Sender<()>);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap_or_default();
    }
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a timer hears of the end of the runtime's driver")]
fn a_caller_outside_neither_panics_nor_hangs_when_the_runtime_ends_under_a_handler_that_blocks() {
    let runtime = two_workers();
    let (_system, agent) = runtime.block_on(lender());
    let (began, begun) = mpsc::channel();
    let (open, gate) = mpsc::channel();
    let blocks = async move {
        // The worker goes on without this thread, and so the runtime can end.
        tokio::task::block_in_place(|| {
            began.send(()).unwrap();
            await_signal(&gate);
        });
    };
    agent.cast(does(blocks)).unwrap();
    await_signal(&begun);
    let mut call = Box::pin(agent.call(does(async {})));
    let first = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(first.is_pending(), "the agent is busy");
    let mut timer = {
        let _entered = runtime.enter();
        Box::pin(tokio::time::sleep(BOUND * 2))
    };
    let (fires, fired) = mpsc::channel();
    let signal = Waker::from(Arc::new(Signal(fires)));
    assert!(timer.as_mut().poll(&mut Context::from_waker(&signal)).is_pending());
    runtime.shutdown_background();
    await_signal(&fired);
    // The runtime's timers have ended, the agent has not.
    let polled = call.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    open.send(()).unwrap();
    // An answer is one too: the thread of the handler works off what had come before it lets go.
    if polled.is_pending() {
        drop(park(call));
    }
}

/// Each of these calls the next one, and the last one waits.
fn chain(agents: Arc<Vec<AgentRef<Doer>>>, place: usize, began: oneshot::Sender<()>) -> Work<()> {
    Box::pin(async move {
        if let Some(agent) = agents.get(place) {
            let rest = chain(Arc::clone(&agents), place + 1, began);
            drop(agent.call(does(rest)).await);
        } else {
            began.send(()).unwrap();
            std::future::pending::<()>().await;
        }
    })
}

fn ten_thousand_in_a_chain(is_reversed: bool) {
    for runtime in runtimes() {
        let build = async {
            let system = System::new(schedules()).unwrap();
            let mut agents = Vec::new();
            for _ in 0..10_000 {
                agents.push(system.spawn(Doer).await.unwrap());
            }
            if is_reversed {
                agents.reverse();
            }
            let (began, begun) = oneshot::channel();
            let agents = Arc::new(agents);
            tokio::spawn(chain(Arc::clone(&agents), 0, began));
            begun.await.unwrap();
            (system, agents)
        };
        let (system, agents) = runtime.block_on(build);
        let monitors: Vec<_> = agents.iter().map(AgentRef::monitor).collect();
        end(runtime);
        for monitor in monitors {
            assert_eq!(reason(monitor), Reason::Shutdown);
        }
        assert_eq!(system.agents(), 0);
    }
}

#[test]
fn a_runtime_dropped_under_a_chain_of_ten_thousand_calls_ends_them_all() {
    ten_thousand_in_a_chain(false);
}

#[test]
fn a_runtime_dropped_under_a_chain_from_the_youngest_to_the_oldest_ends_them_all() {
    ten_thousand_in_a_chain(true);
}

/// An agent that holds the only handle of another.
#[derive(Default)]
struct Holder {
    next: Option<AgentRef<Holder>>,
}

struct Hold(AgentRef<Holder>);

impl Agent for Holder {}

impl Message for Hold {
    type Reply = ();
}

impl Handler<Hold> for Holder {
    async fn handle(&mut self, Hold(next): Hold, _: &mut mabeam::Context<Self>) {
        self.next = Some(next);
    }
}

/// Ten thousand agents, the first of which the caller holds, each other one its neighbour.
async fn holders(is_reversed: bool) -> (System, AgentRef<Holder>, Vec<MonitorRef>) {
    let system = System::new(lends()).unwrap();
    let mut agents = Vec::new();
    for _ in 0..10_000 {
        agents.push(system.spawn(Holder::default()).await.unwrap());
    }
    if is_reversed {
        agents.reverse();
    }
    let monitors = agents.iter().map(AgentRef::monitor).collect();
    while let (Some(last), Some(before)) = (agents.pop(), agents.last()) {
        before.call(Hold(last)).await.unwrap();
        if agents.len() == 1 {
            break;
        }
    }
    (system, agents.remove(0), monitors)
}

fn ten_thousand_that_hold_each_other(is_reversed: bool) {
    for runtime in runtimes() {
        let (system, first, monitors) = runtime.block_on(holders(is_reversed));
        end(runtime);
        drop(first);
        for monitor in monitors {
            assert_eq!(reason(monitor), Reason::Shutdown);
        }
        assert_eq!(system.agents(), 0);
    }
}

#[test]
fn a_runtime_dropped_under_agents_that_hold_the_next_one_ends_them_all() {
    ten_thousand_that_hold_each_other(false);
}

#[test]
fn a_runtime_dropped_under_agents_that_hold_the_one_before_ends_them_all() {
    ten_thousand_that_hold_each_other(true);
}

#[test]
fn a_handle_of_an_ended_runtime_can_be_dropped_anywhere() {
    for runtime in runtimes() {
        let (system, agent) = runtime.block_on(lender());
        let spawn = system.spawn(Doer);
        let unsent: Do<()> = does(async {});
        end(runtime);
        park(spawn.into_future()).expect_err("nobody would run it");
        park(agent.call(unsent)).expect_err("it ended");
        drop((agent, system));
    }
}
