//! What stays with a child through its restarts, and what does not.

use super::*;

#[tokio::test(start_paused = true)]
async fn handles_names_ids_and_monitors_outlive_a_restart() {
    let (system, _supervisor, workers, _) = begin(Strategy::OneForOne, &["a"]).await;
    let worker = &workers[0];
    let mut monitor = worker.monitor();
    assert_eq!(worker.call(Add(5)).await.unwrap(), 5);
    assert_eq!(crash(worker).await.unwrap(), 1);
    assert_eq!(worker.call(Add(2)).await.unwrap(), 2, "its state begins anew");
    assert_eq!(system.lookup::<Worker>("a").unwrap().id(), worker.id());
    assert_eq!(monitor.try_down(), None);
    assert!(!worker.has_ended());
}

#[tokio::test(start_paused = true)]
async fn mail_that_was_not_begun_is_handled_by_the_next_incarnation_in_order() {
    let (_system, _supervisor, workers, _) = begin(Strategy::OneForOne, &["a"]).await;
    let worker = workers[0].clone();
    let ((began, has_begun), (release, until)) = (oneshot::channel(), oneshot::channel());
    worker.cast(Hold(began, until)).unwrap();
    soon(has_begun).await.unwrap();
    worker.cast(Add(1)).unwrap();
    let crash = worker.call(Crash);
    worker.cast(Add(10)).unwrap();
    let (crashed, sum) = tokio::join!(crash, async {
        release.send(()).unwrap();
        tokio::task::yield_now().await;
        soon(worker.call(Add(100))).await
    });
    assert!(matches!(crashed, Err(CallError::Exited { .. })));
    // The crash was called when it was first polled: after the casts.
    assert_eq!(sum.unwrap(), 100);
    assert_eq!(soon(worker.call(Life)).await.unwrap(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_kill_ends_the_incarnation_and_not_the_child() {
    let (_system, _supervisor, workers, diary) = begin(Strategy::OneForOne, &["a"]).await;
    workers[0].kill();
    assert_eq!(soon(workers[0].call(Life)).await.unwrap(), 1);
    assert_eq!(diary.read(), "+a !a +a");
    workers[0].stop(Reason::Normal);
    assert_eq!(soon(workers[0].call(Life)).await.unwrap(), 2, "it is permanent");
    assert_eq!(diary.read(), "-a !a +a");
}
