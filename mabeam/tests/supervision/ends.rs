//! How supervisors begin and end, and what becomes of their children.

use super::*;

#[tokio::test(start_paused = true)]
async fn children_are_stopped_in_reverse_order_before_their_supervisor() {
    let (_system, supervisor, workers, diary) = begin(Strategy::OneForOne, &["a", "b", "c"]).await;
    diary.read();
    let end = supervisor.monitor();
    supervisor.stop(Reason::Shutdown);
    assert!(soon(end.down()).await.is_some());
    assert_eq!(diary.read(), "-c !c -b !b -a !a");
    assert!(workers.iter().all(AgentRef::has_ended));
}

#[tokio::test(start_paused = true)]
async fn children_of_a_supervisor_that_is_killed_end_too() {
    let (system, supervisor, workers, _) = begin(Strategy::OneForOne, &["a", "b"]).await;
    let monitors: Vec<_> = workers.iter().map(AgentRef::monitor).collect();
    supervisor.kill();
    for monitor in monitors {
        assert!(soon(monitor.down()).await.is_some());
    }
    assert!(system.lookup::<Worker>("a").is_err());
}

#[tokio::test(start_paused = true)]
async fn a_shutdown_of_the_system_stops_trees_in_order() {
    let (system, _supervisor, _, diary) = begin(Strategy::OneForOne, &["a", "b"]).await;
    diary.read();
    system.shutdown(seconds(5)).await.unwrap();
    assert_eq!(diary.read(), "-b !b -a !a");
    assert_eq!(system.agents(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_child_that_does_not_stop_in_time_is_killed() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let stubborn = child("a", &diary).shutdown(Shutdown::Within(seconds(3)));
    let supervisor =
        system.spawn(Supervisor::new(Strategy::OneForOne).child(stubborn)).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let ((began, has_begun), (_never, until)) = (oneshot::channel(), oneshot::channel());
    worker.cast(Hold(began, until)).unwrap();
    soon(has_begun).await.unwrap();
    let before = tokio::time::Instant::now();
    let end = supervisor.monitor();
    supervisor.stop(Reason::Shutdown);
    soon(end.down()).await.unwrap();
    assert!(before.elapsed() >= seconds(3) && before.elapsed() < seconds(4));
    assert_eq!(diary.read(), "+a !a");
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_start_fails_the_spawn_with_its_name_and_reason() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let bad: Child<Worker> = Child::new(|| panic!("no disk")).label("bad");
    let supervisor = Supervisor::new(Strategy::OneForOne).child(child("a", &diary)).child(bad);
    let Err(SpawnError::Init { reason: Reason::Failed(why), .. }) = system.spawn(supervisor).await
    else {
        panic!("it started")
    };
    assert!(why.contains("`bad`") && why.contains("no disk"), "{why}");
    assert_eq!(diary.read(), "+a -a !a");
    assert_eq!(system.agents(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_significant_child_takes_its_supervisor_along() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let significant = child("a", &diary).restart(Restart::Transient).significant();
    let supervisor = Supervisor::new(Strategy::OneForOne)
        .auto_shutdown(AutoShutdown::AnySignificant)
        .child(significant)
        .child(child("b", &diary));
    let supervisor = system.spawn(supervisor).await.unwrap();
    let end = supervisor.monitor();
    system.lookup::<Worker>("a").unwrap().stop(Reason::Normal);
    assert!(soon(end.down()).await.is_some());
    assert_eq!(diary.read(), "+a +b -a !a -b !b");
}

#[tokio::test(start_paused = true)]
async fn a_supervisor_that_fails_is_restarted_with_its_children_by_its_own() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let inner_diary = diary.clone();
    let nursery = Nursery::new(&diary);
    let inner = Child::new(move || {
        let nursery = nursery.clone();
        let worker = Child::new(move || nursery.worker("a")).named("a");
        Supervisor::new(Strategy::OneForOne)
            .intensity(0, seconds(5))
            .child(worker)
            .child(child("b", &inner_diary))
    });
    let outer = Supervisor::new(Strategy::OneForOne)
        .intensity(3, seconds(5))
        .child(inner.shutdown(Shutdown::Wait).label("inner"));
    let outer = system.spawn(outer).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let inner = outer.child::<Supervisor>("inner").await.unwrap().unwrap();
    assert!(crash(&worker).await.is_err(), "its supervisor gave up, and it with it");
    // The inner supervisor is the same, its children are others.
    soon(inner.children()).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    assert_eq!(soon(worker.call(Life)).await.unwrap(), 1);
    assert_eq!(diary.read(), "+a +b !a -b !b +a +b");
}
