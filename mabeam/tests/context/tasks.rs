//! Tasks beside an agent: their ends, and their panics.

use super::*;

#[tokio::test]
async fn a_task_ends_with_its_agent() {
    for is_killed in [false, true] {
        let bench = Bench::new().await;
        let (held, gone) = held();
        let task = bench
            .run(|_, context| {
                context.spawn(async move {
                    let _held = held;
                    pending::<()>().await;
                })
            })
            .await;
        assert!(!task.is_finished());
        if is_killed {
            bench.probe.kill();
        } else {
            bench.probe.stop(Reason::Normal);
        }
        gone.await;
        // One thread: whoever dropped the future has ended the task before this ran.
        assert!(task.is_finished());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_task_that_has_work_for_ever_ends_with_its_agent() {
    let bench = Bench::new().await;
    let (held, gone) = held();
    bench
        .run(|_, context| {
            context.spawn(async move {
                let _held = held;
                loop {
                    tokio::task::yield_now().await;
                }
            });
        })
        .await;
    bench.probe.kill();
    gone.await;
}

#[tokio::test]
async fn what_is_spawned_at_the_end_ends_too() {
    let bench = Bench::new().await;
    let (held, gone) = held();
    bench
        .run(|probe, _| {
            probe.at_exit = Some(Box::new(|_, context| {
                context.spawn(async move {
                    let _held = held;
                    pending::<()>().await;
                });
            }));
        })
        .await;
    assert_eq!(end_of(bench.probe).await, Reason::Normal);
    gone.await;
}

#[tokio::test]
async fn an_aborted_task_is_dropped_and_its_agent_goes_on() {
    let mut bench = Bench::new().await;
    let (held, gone) = held();
    let task = bench
        .run(|_, context| {
            context.spawn(async move {
                let _held = held;
                pending::<()>().await;
            })
        })
        .await;
    task.abort();
    gone.await;
    assert!(task.is_finished());
    assert_eq!(bench.probe.call(Say(1)).await.unwrap(), 1);
    assert_eq!(bench.next().await, Seen::Said(1));
}

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("in a destructor");
    }
}

/// Keeps what is logged.
struct Journal(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Journal {
    fn enabled(&self, _: &tracing::Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        struct Line(String);
        impl tracing::field::Visit for Line {
            fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn Debug) {
                let _ = write!(self.0, "{}={value:?} ", field.name());
            }
        }
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn a_panic_ends_the_task_alone_and_is_logged_with_the_agents_name() {
    let lines = Arc::default();
    // For all threads: one that logs first where nobody listens would keep the others silent.
    tracing::subscriber::set_global_default(Journal(Arc::clone(&lines))).unwrap();
    let system = System::new(Config::default()).unwrap();
    let (sender, _seen) = unbounded_channel();
    let probe = Probe { seen: sender, born: Instant::now(), at_exit: None };
    let probe = system.spawn(probe).named("crew/probe").await.unwrap();
    let (held, gone) = held();
    let (bomb, defused) = self::held();
    let work = run(|_, context| {
        let panics = context.spawn(async move {
            let _held = held;
            panic!("in a task");
        });
        let explodes = context.spawn(async move {
            let (_held, _bomb) = (bomb, Bomb);
            pending::<()>().await;
        });
        (panics, explodes)
    });
    let (panics, explodes) = probe.call(work).await.unwrap();
    gone.await;
    tokio::task::yield_now().await;
    explodes.abort();
    defused.await;
    assert!(panics.is_finished() && explodes.is_finished());
    assert_eq!(probe.call(Say(1)).await.unwrap(), 1, "the agent goes on");
    let lines = lines.lock().unwrap();
    for panic in ["in a task", "in a destructor"] {
        let is_told = |line: &String| line.contains("crew/probe") && line.contains(panic);
        assert!(lines.iter().any(is_told), "{panic} in {lines:?}");
    }
}
