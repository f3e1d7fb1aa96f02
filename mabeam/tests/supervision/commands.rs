//! Children that come and go while their supervisor runs.

use super::*;

#[tokio::test(start_paused = true)]
async fn children_are_added_stopped_restarted_and_forgotten() {
    let (system, supervisor, _, diary) = begin(Strategy::OneForOne, &[]).await;
    let worker = supervisor.start_child(child("a", &diary)).await.unwrap();
    assert_eq!(crash(&worker).await.unwrap(), 1);
    let again = supervisor.start_child(child("a", &diary)).await;
    assert!(matches!(again, Err(StartChildError::LabelTaken { .. })), "{again:?}");
    supervisor.stop_child("a").await.unwrap();
    assert!(worker.has_ended(), "an end by command is for good");
    assert!(system.lookup::<Worker>("a").is_err());
    let other = supervisor.restart_child("a").await.unwrap();
    assert_ne!(other.id(), worker.id());
    assert!(supervisor.delete_child("a").await.is_err(), "it runs");
    supervisor.stop_child(&other.downcast::<Worker>().unwrap()).await.unwrap();
    supervisor.delete_child("a").await.unwrap();
    assert!(supervisor.children().await.unwrap().is_empty());
    assert_eq!(diary.read(), "+a !a +a -a !a +a -a !a");
}

#[tokio::test(start_paused = true)]
async fn a_temporary_child_is_forgotten_when_it_ends() {
    let (_system, supervisor, _, diary) = begin(Strategy::OneForOne, &[]).await;
    let temporary = child("a", &diary).restart(Restart::Temporary);
    let worker = supervisor.start_child(temporary).await.unwrap();
    let end = worker.monitor();
    assert!(crash(&worker).await.is_err());
    soon(end.down()).await.unwrap();
    assert!(supervisor.children().await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_child_that_cannot_start_is_told_and_forgotten() {
    let (_system, supervisor, _, diary) = begin(Strategy::OneForOne, &[]).await;
    let bad: Child<Worker> = Child::new(|| panic!("no disk"));
    let refused = supervisor.start_child(bad).await;
    let Err(StartChildError::Ended { reason: Reason::Panic(why) }) = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(&*why, "no disk");
    let _one = supervisor.start_child(child("a", &diary)).await.unwrap();
    let taken = Child::new(|| panic!("not made")).named("a");
    let taken: Result<AgentRef<Worker>, _> = supervisor.start_child(taken).await;
    assert!(matches!(taken, Err(StartChildError::Spawn(_))), "{taken:?}");
    assert_eq!(supervisor.children().await.unwrap().len(), 1);
}
