//! Orders and ends that come at the worst moment.

use std::sync::Barrier;
use std::sync::mpsc;

use super::*;

/// A child that waits in `init` until it is let through. The first incarnation is not made to wait.
struct Slow {
    made: u32,
    gate: Arc<tokio::sync::Semaphore>,
    diary: Diary,
}

impl Agent for Slow {
    async fn init(&mut self, _: &mut Context<Self>) -> Result<(), Reason> {
        self.diary.note(format!("init{}", self.made));
        if self.made > 0 {
            self.gate.acquire().await.unwrap().forget();
        }
        self.diary.note(format!("up{}", self.made));
        Ok(())
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        self.diary.note(format!("!{}", self.made));
    }
}

/// Computes until it is let go, without ever waiting as async code does.
struct Compute(oneshot::Sender<()>, mpsc::Receiver<()>);

impl Message for Compute {
    type Reply = ();
}

impl Handler<Compute> for Worker {
    async fn handle(&mut self, Compute(began, until): Compute, _: &mut Context<Self>) {
        let _ = began.send(());
        let _ = until.recv();
    }
}

impl Handler<Life> for Slow {
    async fn handle(&mut self, Life: Life, _: &mut Context<Self>) -> u32 {
        self.made
    }
}

async fn slow(
    shutdown: Shutdown,
) -> (System, AgentRef<Supervisor>, AgentRef<Slow>, Arc<tokio::sync::Semaphore>, Diary) {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let gate = Arc::new(tokio::sync::Semaphore::new(0));
    let (inner, notes, mut made) = (Arc::clone(&gate), diary.clone(), 0);
    let child = Child::new(move || {
        made += 1;
        Slow { made: made - 1, gate: Arc::clone(&inner), diary: notes.clone() }
    });
    let child = child.named("slow").label("slow").shutdown(shutdown);
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(3, seconds(5)).child(child);
    let supervisor = system.spawn(supervisor).await.unwrap();
    let agent = system.lookup::<Slow>("slow").unwrap();
    (system, supervisor, agent, gate, diary)
}

/// Until nothing happens any more within a second of virtual time.
async fn rest() {
    assert!(timeout(seconds(1), std::future::pending::<()>()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_kill_in_init_is_one_failure_more() {
    let (_system, _supervisor, agent, gate, diary) = slow(Shutdown::Kill).await;
    agent.kill();
    rest().await;
    agent.kill();
    rest().await;
    gate.add_permits(1);
    assert_eq!(soon(agent.call(Life)).await.unwrap(), 2);
    assert_eq!(diary.read(), "init0 up0 !0 init1 !1 init2 up2");
}

#[tokio::test(start_paused = true)]
async fn a_stop_by_command_during_a_restart_is_done_at_its_deadline() {
    let (_system, supervisor, agent, _gate, diary) = slow(Shutdown::Within(seconds(3))).await;
    agent.kill();
    rest().await;
    let before = tokio::time::Instant::now();
    soon(supervisor.stop_child("slow")).await.unwrap();
    assert!(before.elapsed() >= seconds(3) && before.elapsed() < seconds(4));
    assert!(agent.has_ended());
    assert_eq!(diary.read(), "init0 up0 !0 init1 !1");
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_stops_while_a_child_is_being_restarted() {
    let (system, supervisor, agent, _gate, _) = slow(Shutdown::Within(seconds(3))).await;
    agent.kill();
    rest().await;
    let end = supervisor.monitor();
    supervisor.stop(Reason::Shutdown);
    assert_eq!(soon(end.down()).await.unwrap().reason, Reason::Shutdown);
    assert!(agent.has_ended());
    assert_eq!(system.agents(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_system_shuts_down_while_a_child_is_being_restarted() {
    let (system, _supervisor, agent, _gate, _) = slow(Shutdown::Within(seconds(3))).await;
    agent.kill();
    rest().await;
    system.shutdown(seconds(5)).await.unwrap();
    assert!(agent.has_ended());
}

#[tokio::test(start_paused = true)]
async fn an_init_that_never_ends_fails_at_its_deadline_until_that_is_too_often() {
    let (system, supervisor, agent, _gate, diary) = slow(Shutdown::Kill).await;
    let end = supervisor.monitor();
    agent.kill();
    // Each `init` has the configured deadline, which is longer than the period of the intensity.
    let deadline = Config::default().init_deadline;
    assert!(deadline >= seconds(5));
    assert!(timeout(deadline * 3, end.down()).await.is_err());
    assert!(diary.read().matches("init").count() >= 3);
    supervisor.kill();
    rest().await;
    assert_eq!(system.agents(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_is_killed_takes_a_child_between_two_incarnations_along() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let slow = child("a", &diary).backoff(Backoff {
        first: seconds(60),
        limit: seconds(60),
        jitter_percent: 0,
        ..Backoff::default()
    });
    let supervisor = system.spawn(Supervisor::new(Strategy::OneForOne).child(slow)).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let end = worker.monitor();
    worker.kill();
    rest().await;
    worker.cast(Add(1)).unwrap();
    let call = worker.call(Life);
    let (called, down) = tokio::join!(soon(call), async {
        rest().await;
        supervisor.kill();
        soon(end.down()).await
    });
    assert!(matches!(called, Err(CallError::Exited { .. })), "{called:?}");
    assert!(down.is_some());
    assert_eq!((system.agents(), system.dead_letter_count()), (0, 2));
    assert!(system.lookup::<Worker>("a").is_err());
}

#[tokio::test(start_paused = true)]
async fn orders_to_a_child_that_is_down_are_for_nobody() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let child = child("a", &diary).restart(Restart::Transient).backoff(Backoff {
        first: seconds(3),
        jitter_percent: 0,
        ..Backoff::default()
    });
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(3, seconds(60)).child(child);
    let _supervisor = system.spawn(supervisor).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    worker.kill();
    rest().await;
    worker.kill();
    worker.stop(Reason::Normal);
    assert_eq!(soon(worker.call(Life)).await.unwrap(), 1);
    let end = worker.monitor();
    worker.stop(Reason::Normal);
    assert_eq!(soon(end.down()).await.unwrap().reason, Reason::Normal);
    assert_eq!(diary.read(), "+a !a +a -a !a");
}

#[tokio::test(start_paused = true)]
async fn a_factory_that_panics_each_time_ends_its_supervisor() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let (nursery, mut calls) = (Nursery::new(&diary), 0);
    let made = Arc::new(AtomicU32::new(0));
    let count = Arc::clone(&made);
    let child = Child::new(move || {
        count.fetch_add(1, Ordering::Relaxed);
        calls += 1;
        assert!(calls == 1, "no more");
        nursery.worker("a")
    });
    let supervisor =
        Supervisor::new(Strategy::OneForOne).intensity(7, seconds(5)).child(child.named("a"));
    let supervisor = system.spawn(supervisor).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let end = supervisor.monitor();
    assert!(crash(&worker).await.is_err());
    soon(end.down()).await.unwrap();
    assert_eq!((made.load(Ordering::Relaxed), system.agents()), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn a_bounded_mailbox_has_all_its_places_in_each_incarnation() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let child = child("a", &diary).mailbox(mabeam::Mailbox::bounded(16));
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(100, seconds(5)).child(child);
    let _supervisor = system.spawn(supervisor).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    for life in 1..=40 {
        worker.cast(Crash).unwrap();
        assert_eq!(soon(worker.call(Life)).await.unwrap(), life);
    }
}

#[tokio::test(start_paused = true)]
async fn a_mailbox_full_of_poison_is_emptied_one_death_each() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(40, seconds(5));
    let _supervisor = system.spawn(supervisor.child(child("a", &diary))).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    for _ in 0..30 {
        worker.cast(Crash).unwrap();
    }
    assert_eq!(soon(worker.call(Life)).await.unwrap(), 30);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_kills_at_once_end_one_incarnation_or_two() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(u32::MAX, seconds(5));
    let supervisor = system.spawn(supervisor.child(child("a", &diary))).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let mut least = 0;
    for _ in 0..200 {
        let barrier = Arc::new(Barrier::new(2));
        let killers = [(); 2].map(|()| {
            let (barrier, worker) = (Arc::clone(&barrier), worker.clone());
            std::thread::spawn(move || {
                barrier.wait();
                worker.kill();
            })
        });
        for killer in killers {
            killer.join().unwrap();
        }
        let life = soon(worker.call(Life)).await.unwrap();
        assert!((least + 1..=least + 2).contains(&life), "{life} after {least}");
        least = life;
    }
    assert_eq!(supervisor.children().await.unwrap()[0].starts, u64::from(least) + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_handler_that_never_returns_holds_up_nobody_and_is_reported() {
    let (system, supervisor, workers, _) = begin(Strategy::OneForOne, &["a", "b"]).await;
    let ((began, has_begun), (release, until)) = (oneshot::channel(), mpsc::channel());
    workers[0].cast(Compute(began, until)).unwrap();
    soon(has_begun).await.unwrap();
    workers[0].kill();
    let (own, worker) = (supervisor.clone(), workers[1].clone());
    let stop = tokio::spawn(async move { own.stop_child("a").await });
    // Its sibling and its supervisor work on.
    assert_eq!(crash(&worker).await.unwrap(), 1);
    assert_eq!(soon(supervisor.children()).await.unwrap().len(), 2);
    let left = system.shutdown(Duration::from_millis(50)).await.unwrap_err();
    assert!(left.left >= 1, "{left}");
    assert!(!workers[0].has_ended());
    let end = workers[0].monitor();
    release.send(()).unwrap();
    soon(end.down()).await.unwrap();
    drop(soon(stop).await.unwrap());
    assert!(supervisor.has_ended() || soon(supervisor.monitor().down()).await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_a_killed_supervisor_leaves_at_work_is_awaited_before_its_replacement_is_made() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let nursery = Nursery::new(&diary);
    let inner = Child::new(move || {
        let nursery = nursery.clone();
        let worker = Child::new(move || nursery.worker("a")).named("a");
        Supervisor::new(Strategy::OneForOne).child(worker)
    });
    let outer = Supervisor::new(Strategy::OneForOne).intensity(1, seconds(60));
    let outer = outer.child(inner.label("inner").shutdown(Shutdown::Wait));
    let outer = system.spawn(outer).await.unwrap();
    let inner = outer.child::<Supervisor>("inner").await.unwrap().unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let ((began, has_begun), (release, until)) = (oneshot::channel(), mpsc::channel());
    worker.cast(Compute(began, until)).unwrap();
    soon(has_begun).await.unwrap();
    inner.kill();
    // Its next incarnation begins only when the worker has ended.
    let (own, listed) = (inner.clone(), diary.clone());
    let children = tokio::spawn(async move { (own.children().await, listed.read()) });
    while outer.children().await.unwrap()[0].starts < 2 {
        tokio::task::yield_now().await;
    }
    assert!(!worker.has_ended());
    assert_eq!(system.agents(), 3);
    release.send(()).unwrap();
    let (children, notes) = soon(children).await.unwrap();
    assert_eq!(children.unwrap().len(), 1);
    assert_eq!(notes, "+a !a +a");
    let worker = system.lookup::<Worker>("a").unwrap();
    assert_eq!(soon(worker.call(Life)).await.unwrap(), 1);
}

#[test]
fn a_runtime_that_is_dropped_takes_supervised_agents_along() {
    for _ in 0..20 {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let (system, workers, supervisor) = runtime.block_on(async {
            let (system, supervisor, workers, _) =
                begin(Strategy::OneForAll, &["a", "b", "c"]).await;
            workers[0].kill();
            workers[2].cast(Crash).unwrap();
            (system, workers, supervisor)
        });
        let ends: Vec<_> = workers.iter().map(AgentRef::monitor).collect();
        let end = supervisor.monitor();
        drop(runtime);
        let outside = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        outside.block_on(async {
            for end in ends.into_iter().chain([end]) {
                assert!(soon(end.down()).await.is_some());
            }
        });
        assert_eq!(system.agents(), 0);
        assert!(workers.iter().all(AgentRef::has_ended));
    }
}
