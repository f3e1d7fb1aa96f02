//! Children that are put to sleep, and who comes while they are.

use super::*;

async fn sleeper(restart: Restart) -> (System, AgentRef<Supervisor>, AgentRef<Worker>, Diary) {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let child = child("a", &diary).sleep_after(seconds(10)).restart(restart);
    let supervisor = Supervisor::new(Strategy::OneForOne).intensity(3, seconds(5)).child(child);
    let supervisor = system.spawn(supervisor).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    (system, supervisor, worker, diary)
}

/// Lets virtual time pass, and with it all that happens.
async fn pass(time: Duration) {
    assert!(timeout(time, std::future::pending::<()>()).await.is_err());
}

async fn asleep(restart: Restart) -> (System, AgentRef<Supervisor>, AgentRef<Worker>, Diary) {
    let all = sleeper(restart).await;
    pass(seconds(30)).await;
    assert_eq!(all.3.read(), "+a -a !a");
    assert!(!all.2.has_ended());
    assert_eq!(all.0.agents(), 2);
    all
}

#[tokio::test(start_paused = true)]
async fn a_call_wakes_it_and_no_restart_is_counted() {
    let (system, supervisor, worker, diary) = asleep(Restart::Permanent).await;
    let mut monitor = worker.monitor();
    for life in 1..=10 {
        assert_eq!(soon(worker.call(Life)).await.unwrap(), life);
        pass(seconds(30)).await;
        assert_eq!(diary.read(), "+a -a !a");
    }
    assert_eq!(monitor.try_down(), None);
    assert_eq!(system.lookup::<Worker>("a").unwrap().id(), worker.id());
    assert_eq!(supervisor.children().await.unwrap()[0].starts, 1);
}

#[tokio::test(start_paused = true)]
async fn a_cast_wakes_it() {
    let (_system, _supervisor, worker, diary) = asleep(Restart::Permanent).await;
    worker.cast(Add(1)).unwrap();
    assert_eq!(soon(worker.call(Add(1))).await.unwrap(), 2);
    assert_eq!(diary.read(), "+a");
}

#[tokio::test(start_paused = true)]
async fn mail_that_comes_while_it_falls_asleep_is_for_the_next() {
    let (_system, _supervisor, worker, diary) = sleeper(Restart::Permanent).await;
    let sends = async {
        // In the same moment as the second look of its supervisor.
        pass(seconds(20)).await;
        worker.cast(Add(1)).unwrap();
    };
    sends.await;
    pass(seconds(5)).await;
    assert_eq!(soon(worker.call(Add(1))).await.unwrap(), 2, "{}", diary.read());
}

#[tokio::test(start_paused = true)]
async fn a_kill_of_a_sleeper_is_a_failure_and_a_stop_is_none() {
    let (_system, supervisor, worker, diary) = asleep(Restart::Transient).await;
    worker.kill();
    assert_eq!(soon(worker.call(Life)).await.unwrap(), 1);
    assert_eq!(supervisor.children().await.unwrap()[0].starts, 2);
    pass(seconds(30)).await;
    assert_eq!(diary.read(), "+a -a !a");
    let end = worker.monitor();
    worker.stop(Reason::Normal);
    assert_eq!(soon(end.down()).await.unwrap().reason, Reason::Normal);
    assert_eq!(diary.read(), "", "there is nobody to say goodbye");
}

#[tokio::test(start_paused = true)]
async fn a_sleeper_ends_with_its_supervisor_by_command_and_with_the_system() {
    let (system, supervisor, worker, _) = asleep(Restart::Permanent).await;
    soon(supervisor.stop_child("a")).await.unwrap();
    assert!(worker.has_ended());
    assert_eq!(system.agents(), 1);

    let (system, supervisor, worker, _) = asleep(Restart::Permanent).await;
    let end = worker.monitor();
    supervisor.kill();
    soon(end.down()).await.unwrap();
    pass(seconds(1)).await;
    assert_eq!(system.agents(), 0);

    let (system, _supervisor, worker, _) = asleep(Restart::Permanent).await;
    system.shutdown(seconds(5)).await.unwrap();
    assert!(worker.has_ended());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sleepers_call_is_answered_whoever_lends() {
    let (system, diary) = (System::new(Config::default()).unwrap(), Diary::default());
    let child = child("a", &diary).sleep_after(Duration::from_micros(50));
    let _supervisor =
        system.spawn(Supervisor::new(Strategy::OneForOne).child(child)).await.unwrap();
    let worker = system.lookup::<Worker>("a").unwrap();
    let callers = (0..3).map(|_| {
        let worker = worker.clone();
        tokio::spawn(async move {
            for _ in 0..200 {
                soon(worker.call(Life)).await.unwrap();
                assert!(
                    timeout(Duration::from_micros(30), std::future::pending::<()>()).await.is_err()
                );
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    assert_eq!(system.agents(), 2);
}
