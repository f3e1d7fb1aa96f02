//! Agents on a thread of their own: what is made there stays there, however the agent ends.

#[path = "pinned/desk.rs"]
mod desk;
#[path = "pinned/programs.rs"]
mod programs;

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::mpsc::channel;
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use mabeam::{
    Agent, AgentRef, CallError, CastError, Config, Context, Handler, Pinned, Reason, SpawnError,
    System,
};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::time::timeout;

use desk::{
    Add, Desk, Panics, SOON, ThreadName, Tick, Trace, WaitLong, block, desk, end, suspend, system,
    two_workers,
};

/// An agent that is not pinned.
struct Plain;
impl Agent for Plain {}
impl Handler<Add> for Plain {
    async fn handle(&mut self, Add(more): Add, _: &mut Context<Self>) -> u64 {
        more
    }
}

thread_local! {
    /// Dropped by the thread as it ends.
    static LAST: Cell<Option<oneshot::Sender<()>>> = const { Cell::new(None) };
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_of_a_life_happens_on_one_thread_that_is_none_of_the_others() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    assert_eq!(desk.call(Add(2)).await.unwrap(), 2);
    let release = suspend(&desk).await;
    // Woken from a thread that is none of the runtime's.
    thread::spawn(move || release.send(()).unwrap()).join().unwrap();
    assert_eq!(desk.call(Add(3)).await.unwrap(), 5);
    let monitor = desk.monitor();
    desk.stop(Reason::Shutdown);
    assert_eq!(end(monitor).await, Reason::Shutdown);
    let words =
        ["make", "init", "add", "resumed", "turn dropped", "add", "exit shutdown 5", "drop"];
    assert_eq!(trace.at_home(), words);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_known_to_be_cheap_is_still_not_run_by_its_caller() {
    let mut config = Config::default();
    config.lendable = SOON;
    let system = System::new(config).unwrap();
    for _ in 0..64 {
        let (desk, trace) = desk(&system).await;
        for _ in 0..64 {
            desk.call(Add(1)).await.unwrap();
        }
        let monitor = desk.monitor();
        drop(desk);
        assert_eq!(end(monitor).await, Reason::Normal);
        assert_eq!(trace.at_home().len(), 64 + 4);
    }
}

#[tokio::test]
async fn a_handler_that_blocks_holds_up_nobody_else() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    let plain = system.spawn(Plain).await.unwrap();
    let release = block(&desk).await;
    // On the one thread of this runtime.
    for n in 0..100 {
        assert_eq!(plain.call(Add(n)).await.unwrap(), n);
    }
    let blocked = desk.call(Add(1)).deadline(Duration::ZERO).await;
    assert!(matches!(blocked, Err(CallError::Deadline { .. })), "{blocked:?}");
    release.send(()).unwrap();
    assert_eq!(desk.call(Add(1)).await.unwrap(), 1);
    assert_eq!(trace.at_home(), ["make", "init", "unblocked", "add"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_drops_a_suspended_turn_and_the_state_at_home() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    let _release = suspend(&desk).await;
    let waits = tokio::spawn({
        let desk = desk.clone();
        async move { desk.call(Add(1)).await }
    });
    let monitor = desk.monitor();
    desk.kill();
    assert_eq!(end(monitor).await, Reason::Killed);
    let failed = timeout(SOON, waits).await.unwrap().unwrap();
    assert!(failed.is_err(), "{failed:?}");
    assert_eq!(trace.at_home(), ["make", "init", "turn dropped", "drop"]);
    assert!(matches!(desk.cast(Add(7)), Err(CastError::Ended { message: Add(7), .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kill_of_a_blocked_agent_takes_effect_when_it_comes_back() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    let release = block(&desk).await;
    let monitor = desk.monitor();
    desk.kill();
    assert_eq!(trace.words(), ["make", "init"]);
    release.send(()).unwrap();
    assert_eq!(end(monitor).await, Reason::Killed);
    assert_eq!(trace.at_home(), ["make", "init", "unblocked", "drop"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_in_a_handler_ends_the_agent_at_home_and_not_its_caller() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    let monitor = desk.monitor();
    let failed = desk.call(Panics).await;
    assert!(matches!(failed, Err(CallError::Exited { .. })), "{failed:?}");
    assert_eq!(end(monitor).await, Reason::Panic("as it was told".into()));
    assert_eq!(trace.at_home(), ["make", "init", "turn dropped", "drop"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_factory_that_panics_fails_the_spawn_and_ends_the_thread() {
    let system = system();
    let (last, thread_ended) = oneshot::channel();
    let plan = move || -> Desk {
        LAST.set(Some(last));
        panic!("no desk");
    };
    let failed = system.spawn_pinned(plan).named("test/desk").await;
    let Err(SpawnError::Init { reason, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(reason, Reason::Panic("no desk".into()));
    assert!(timeout(SOON, thread_ended).await.unwrap().is_err());
    assert_eq!(system.agents(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_whose_init_fails_is_dropped_at_home() {
    let system = system();
    let (trace, (last, thread_ended)) = (Trace::default(), oneshot::channel());
    let made = trace.clone();
    let plan = move || {
        LAST.set(Some(last));
        let mut desk = Desk::new(made);
        desk.init = Err(Reason::Failed("no".into()));
        desk
    };
    let failed = system.spawn_pinned(plan).await;
    assert!(
        matches!(&failed, Err(SpawnError::Init { reason: Reason::Failed(_), .. })),
        "{failed:?}"
    );
    assert!(timeout(SOON, thread_ended).await.unwrap().is_err());
    assert_eq!(trace.at_home(), ["make", "init", "drop"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_is_not_made_in_time_is_dropped_at_home_when_it_is() {
    let system = system();
    let (release, until) = channel::<()>();
    let (begins, has_begun) = oneshot::channel();
    let (trace, (last, thread_ended)) = (Trace::default(), oneshot::channel());
    let made = trace.clone();
    let plan = move || {
        LAST.set(Some(last));
        begins.send(()).unwrap();
        let _ = until.recv();
        Desk::new(made)
    };
    let deadline = Duration::from_millis(50);
    let mut spawning = system.spawn_pinned(plan).init_deadline(deadline).into_future();
    // Polled again only when the factory runs: an agent whose time is over before is never made.
    let first = poll_fn(|context| Poll::Ready(spawning.as_mut().poll(context))).await;
    assert!(first.is_pending());
    timeout(SOON, has_begun).await.unwrap().unwrap();
    let failed = timeout(SOON, spawning).await.unwrap();
    assert!(
        matches!(&failed, Err(SpawnError::Init { reason: Reason::Deadline, .. })),
        "{failed:?}"
    );
    assert!(trace.words().is_empty());
    release.send(()).unwrap();
    assert!(timeout(SOON, thread_ended).await.unwrap().is_err());
    assert_eq!(trace.at_home().last().unwrap(), "drop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_name_gives_the_factory_back() {
    let system = system();
    let (holder, _) = desk(&system).await;
    drop(holder);
    let first = system.spawn_pinned(|| Desk::new(Trace::default())).named("test/desk");
    let first = first.await.unwrap();
    let trace = Trace::default();
    let made = trace.clone();
    let refused = system.spawn_pinned(move || Desk::new(made)).named("test/desk").await;
    let Err(SpawnError::Refused { agent: factory, .. }) = refused else { panic!("{refused:?}") };
    assert!(trace.words().is_empty(), "nothing was made");
    let second = system.spawn_pinned(factory).named("test/other").await.unwrap();
    assert_eq!(second.call(Add(1)).await.unwrap(), 1);
    assert_eq!(trace.at_home(), ["make", "init", "add"]);
    drop(first);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thread_that_cannot_be_started_is_an_error_that_gives_the_factory_back() {
    let system = system();
    let failed = system.spawn_pinned(|| Desk::new(Trace::default())).stack_size(1 << 60).await;
    let Err(SpawnError::Thread { agent: factory, .. }) = failed else { panic!("{failed:?}") };
    assert_eq!(system.agents(), 0);
    let desk = system.spawn_pinned(factory).stack_size(1 << 20).await.unwrap();
    assert_eq!(desk.call(Add(1)).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thread_has_the_name_of_its_agent_or_its_id() {
    let system = system();
    let named = system.spawn_pinned(|| Desk::new(Trace::default())).named("test/desk");
    let named = named.await.unwrap();
    assert_eq!(named.call(ThreadName).await.unwrap().unwrap(), "test/desk");
    let (desk, _) = desk(&system).await;
    assert_eq!(desk.call(ThreadName).await.unwrap().unwrap(), desk.id().to_string());
    let odd = system.spawn_pinned(|| Desk::new(Trace::default())).named("a\0b");
    assert!(odd.await.is_err_and(|error| matches!(error, SpawnError::Name { .. })));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn calls_of_many_tasks_are_all_answered_one_at_a_time() {
    const TASKS: u64 = 8;
    const CALLS: u64 = 500;
    let system = system();
    let (desk, trace) = desk(&system).await;
    let call_often = |desk: AgentRef<Pinned<Desk>>| async move {
        let mut before = 0;
        for _ in 0..CALLS {
            let total = desk.call(Add(1)).await.unwrap();
            assert!(total > before);
            before = total;
        }
    };
    let tasks: Vec<_> = (0..TASKS).map(|_| tokio::spawn(call_often(desk.clone()))).collect();
    for task in tasks {
        timeout(SOON, task).await.unwrap().unwrap();
    }
    assert_eq!(desk.call(Add(0)).await.unwrap(), TASKS * CALLS);
    trace.at_home();
}

#[test]
fn timers_work_in_handlers_on_either_kind_of_runtime() {
    let current_thread = Builder::new_current_thread().enable_all().build().unwrap();
    for runtime in [current_thread, two_workers()] {
        runtime.block_on(async {
            let system = system();
            let (desk, trace) = desk(&system).await;
            assert!(desk.call(Tick).await.unwrap());
            assert_eq!(trace.at_home(), ["make", "init", "ticked"]);
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_waits_for_a_pinned_agent_and_kills_it_at_home_after_its_deadline() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    let _release = suspend(&desk).await;
    let monitor = desk.monitor();
    let late = system.shutdown(Duration::ZERO).await.unwrap_err();
    assert_eq!(late.left, 1);
    // It was asked to stop first, and a kill overrules that.
    assert_eq!(end(monitor).await, Reason::Killed);
    assert_eq!(trace.at_home(), ["make", "init", "turn dropped", "drop"]);
    let refused = system.spawn_pinned(|| Desk::new(Trace::default())).await;
    assert!(matches!(refused, Err(SpawnError::ShutDown { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_lets_an_idle_pinned_agent_finish() {
    let system = system();
    let (desk, trace) = desk(&system).await;
    system.shutdown(SOON).await.unwrap();
    assert_eq!(trace.at_home(), ["make", "init", "exit shutdown 0", "drop"]);
    assert!(desk.has_ended());
}

#[test]
fn a_runtime_that_ends_ends_a_suspended_agent_at_home() {
    for in_timer in [true, false] {
        for runtime in [two_workers(), Builder::new_current_thread().enable_all().build().unwrap()]
        {
            let ((system, desk, trace), release) = runtime.block_on(async {
                let system = system();
                let (desk, trace) = desk(&system).await;
                if in_timer {
                    let (began, has_begun) = channel();
                    desk.cast(WaitLong(began)).unwrap();
                    has_begun.recv().unwrap();
                    return ((system, desk, trace), None);
                }
                let release = suspend(&desk).await;
                ((system, desk, trace), Some(release))
            });
            let mut monitor = desk.monitor();
            drop(runtime);
            let down = monitor.down_blocking(Instant::now() + SOON).unwrap();
            // A handler that has said that it began may be on its way to its first wait.
            let gone = "being shutdown";
            match &down.reason {
                Reason::Shutdown => {}
                Reason::Panic(why) if in_timer && why.contains(gone) => {}
                other => panic!("{other:?}"),
            }
            assert_eq!(trace.at_home(), ["make", "init", "turn dropped", "drop"]);
            drop((system, release));
        }
    }
}

#[test]
fn a_system_of_its_own_takes_its_pinned_agents_along() {
    let system = system();
    let (desk, trace) = system.block_on(async { desk(&system).await });
    let mut monitor = desk.monitor();
    drop(system);
    let down = monitor.down_blocking(Instant::now() + SOON).unwrap();
    assert_eq!(down.reason, Reason::Shutdown);
    assert_eq!(trace.at_home().last().unwrap(), "drop");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_handle_ends_agent_and_thread_and_waits_for_neither() {
    let system = system();
    let (trace, (last, thread_ended)) = (Trace::default(), oneshot::channel());
    let made = trace.clone();
    let plan = move || {
        LAST.set(Some(last));
        Desk::new(made)
    };
    let desk = system.spawn_pinned(plan).await.unwrap();
    let weak = desk.downgrade();
    let release = block(&desk).await;
    desk.cast(Add(4)).unwrap();
    drop(desk);
    assert!(weak.upgrade().is_none());
    release.send(()).unwrap();
    assert!(timeout(SOON, thread_ended).await.unwrap().is_err());
    // The mail that it had was handled.
    assert_eq!(trace.at_home(), ["make", "init", "unblocked", "add", "exit normal 4", "drop"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_thread_ends_with_its_agent_although_handles_are_left() {
    let system = system();
    let (last, thread_ended) = oneshot::channel();
    let plan = move || {
        LAST.set(Some(last));
        Desk::new(Trace::default())
    };
    let desk = system.spawn_pinned(plan).await.unwrap();
    desk.stop(Reason::Normal);
    assert!(timeout(SOON, thread_ended).await.unwrap().is_err());
    assert!(desk.has_ended());
}
