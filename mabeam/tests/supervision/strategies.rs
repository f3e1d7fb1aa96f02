//! Whom a failure concerns, how often, and in which order.

use super::*;

#[tokio::test(start_paused = true)]
async fn one_for_one_leaves_the_others_alone() {
    let (_system, _supervisor, workers, diary) = begin(Strategy::OneForOne, &["a", "b", "c"]).await;
    assert_eq!(diary.read(), "+a +b +c");
    assert_eq!(crash(&workers[1]).await.unwrap(), 1);
    assert_eq!(diary.read(), "!b +b");
}

#[tokio::test(start_paused = true)]
async fn one_for_all_stops_the_others_in_reverse_and_starts_all() {
    let (_system, _supervisor, workers, diary) = begin(Strategy::OneForAll, &["a", "b", "c"]).await;
    diary.read();
    assert_eq!(crash(&workers[1]).await.unwrap(), 1);
    assert_eq!(soon(workers[2].call(Life)).await.unwrap(), 1);
    assert_eq!(diary.read(), "!b -c !c -a !a +a +b +c");
}

#[tokio::test(start_paused = true)]
async fn rest_for_one_restarts_those_that_came_later() {
    let (_system, _supervisor, workers, diary) =
        begin(Strategy::RestForOne, &["a", "b", "c"]).await;
    diary.read();
    assert_eq!(crash(&workers[1]).await.unwrap(), 1);
    assert_eq!(soon(workers[2].call(Life)).await.unwrap(), 1);
    assert_eq!(soon(workers[0].call(Life)).await.unwrap(), 0);
    assert_eq!(diary.read(), "!b -c !c +b +c");
}

#[tokio::test(start_paused = true)]
async fn one_restart_too_many_ends_the_supervisor_and_its_children() {
    let (_system, supervisor, workers, diary) = begin(Strategy::OneForOne, &["a", "b"]).await;
    for life in 1..=10 {
        assert_eq!(crash(&workers[0]).await.unwrap(), life);
    }
    diary.read();
    let monitors = [workers[0].monitor(), workers[1].monitor()];
    let end = supervisor.monitor();
    assert!(crash(&workers[0]).await.is_err());
    for monitor in monitors {
        assert!(soon(monitor.down()).await.is_some());
    }
    assert_eq!(soon(end.down()).await.unwrap().reason, Reason::Shutdown);
    assert_eq!(diary.read(), "!a -b !b");
}

#[tokio::test(start_paused = true)]
async fn a_backoff_delays_the_restart_and_mail_waits() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let slow = child("a", &diary).backoff(Backoff {
        first: seconds(2),
        jitter_percent: 0,
        ..Backoff::default()
    });
    let _supervisor = system.spawn(Supervisor::new(Strategy::OneForOne).child(slow)).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let before = tokio::time::Instant::now();
    assert_eq!(crash(&worker).await.unwrap(), 1);
    let waited = before.elapsed();
    assert!(waited >= seconds(2) && waited < seconds(3), "{waited:?}");
}
